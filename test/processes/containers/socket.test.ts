import { chmod, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { expect } from 'chai';
import { PlateauError, SILENT_LOGGER } from '../../../core/base/index.js';
import { ProcessContainerizer, defaultRuntimeDir } from '../../../core/containers/index.js';
import { Host, gone } from './support.js';

async function codeOf(action: Promise<unknown>): Promise<string> {
  try {
    await action;
    return 'none';
  } catch (error) {
    return error instanceof PlateauError ? `${error.code}: ${error.message}` : String(error);
  }
}

describe('The socket of the launcher', () => {
  let host: Host;
  beforeEach(async () => {
    host = await Host.prepare();
  });
  afterEach(() => host.dispose());

  it('is for the user of the agent alone', async () => {
    await host.containerizer.recover([]);
    const folder = defaultRuntimeDir(host.workDir);
    const [name = ''] = await readdir(folder);
    expect((await stat(folder)).mode & 0o777).to.equal(0o700);
    expect((await stat(join(folder, name))).mode & 0o777).to.equal(0o600);
  });

  it('is refused when its path is too long, with the path and a way out', async () => {
    const runtimeDir = join(host.workDir, 'x'.repeat(100));
    const containerizer = new ProcessContainerizer({
      workDir: host.workDir,
      runtimeDir,
      log: SILENT_LOGGER,
    });
    const error = await codeOf(containerizer.recover([]));
    expect(error)
      .to.match(/^SOCKET_PATH_TOO_LONG/)
      .and.include(runtimeDir);
    expect(error).to.include('--runtime-dir');
  });

  it('is not put in the place of something else', async () => {
    await host.containerizer.recover([]);
    const [name = ''] = await readdir(defaultRuntimeDir(host.workDir));
    const runtimeDir = join(host.workDir, 'other');
    await mkdir(runtimeDir, { mode: 0o700 });
    await writeFile(join(runtimeDir, name), 'a plain file');
    const other = { workDir: host.workDir, runtimeDir, log: SILENT_LOGGER };
    const error = await codeOf(new ProcessContainerizer(other).recover([]));
    expect(error)
      .to.match(/^STALE_SOCKET/)
      .and.include(join(runtimeDir, name));
  });

  it('is not put where others may write', async () => {
    const runtimeDir = join(host.workDir, 'open');
    await mkdir(runtimeDir);
    await chmod(runtimeDir, 0o777);
    const options = { workDir: host.workDir, runtimeDir, log: SILENT_LOGGER };
    const error = await codeOf(new ProcessContainerizer(options).recover([]));
    expect(error)
      .to.match(/^STALE_SOCKET/)
      .and.include(runtimeDir);
  });

  it('is closed on what is not a request, and the launcher lives on', async () => {
    await host.containerizer.recover([]);
    for (const line of ['nonsense\n', '{"type":"launch"}\n', '[]\n', 'x'.repeat(5_000_000)]) {
      const socket = await connectTo(host);
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.write(line);
      await closed;
    }
    expect(await host.output('echo served')).to.equal('served\n');
  });

  it('is connected again when the connection breaks, and no end is missed', async () => {
    await host.containerizer.recover([]);
    const launcher = host.launcherPid();
    const command = 'while [ ! -e go ]; do sleep 0.01; done; exit 4';
    const { containerId, pid, sandbox } = await host.launch(command);
    // Whoever says hello takes the place of the agent; it hears nothing until it is connected again.
    const intruder = await connectTo(host);
    intruder.write('{"type":"hello"}\n');
    await once(intruder, 'data');
    await writeFile(join(sandbox, 'go'), '');
    await gone(pid);
    intruder.on('error', () => undefined).destroy();
    expect(await host.end(containerId)).to.deep.equal({ kind: 'exited', code: 4 });
    expect(await host.output('echo served')).to.equal('served\n');
    expect(host.launcherPid()).to.equal(launcher);
  });

  it('starts nothing that an earlier agent asked for once another was welcomed', async () => {
    await host.containerizer.recover([]);
    await host.containerizer.close('leave-running');
    const [first, second] = [await connectTo(host), await connectTo(host)];
    first.write('{"type":"hello"}\n');
    await once(first, 'data');
    const launches = [...Array(5).keys()].map((number) => ({
      type: 'launch',
      containerId: `c${number}`,
      file: '/bin/sh',
      argv: ['sh', '-c', `echo >> started`],
      environment: {},
      sandbox: host.workDir,
      outputLimitBytes: 1000,
    }));
    // Both arrive together: the launches are read, and then the hello, before the last has begun.
    first.write(launches.map((launch) => `${JSON.stringify(launch)}\n`).join(''));
    second.write('{"type":"hello"}\n');
    let heard = '';
    second.on('data', (data: Buffer) => {
      heard += data.toString('utf8');
    });
    await once(second, 'data');
    const welcomed = heard.match(/"containerId":"c\d"/g) ?? [];
    second.write('{"type":"shutdown"}\n');
    await once(second, 'close');
    const lines = await readFile(join(host.workDir, 'started'), 'utf8').catch(() => '');
    expect(heard).to.not.include('"type":"started"');
    expect(lines.length).to.be.at.most(welcomed.length);
  });
});

async function connectTo(host: Host): Promise<Socket> {
  const folder = defaultRuntimeDir(host.workDir);
  const [name = ''] = await readdir(folder);
  const socket = connect(join(folder, name)).on('error', () => undefined);
  await once(socket, 'connect');
  return socket.resume();
}
