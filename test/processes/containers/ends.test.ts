import { readFile, stat, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Host, eventually, gone, isRunning } from './support.js';

describe('Ending a process', () => {
  let host: Host;
  beforeEach(async () => {
    host = await Host.start({ outputLimitBytes: 1024 * 1024 });
  });
  afterEach(() => host.dispose());

  it('sends a signal to the whole group', async () => {
    const { containerId, sandbox } = await host.launch(
      `trap 'exit 3' TERM; sh -c 'trap "echo child > child; exit" TERM; echo $$ > pid; while :; do sleep 0.01; done' & wait`,
    );
    const child = await pidFrom(join(sandbox, 'pid'));
    host.containerizer.signal(containerId, 'SIGTERM');
    expect(await host.end(containerId)).to.deep.equal({ kind: 'exited', code: 3 });
    await gone(child);
  });

  it('kills grandchildren with SIGKILL', async () => {
    const { containerId, sandbox } = await host.launch(
      `sh -c "sh -c 'echo \\$\\$ > pid; exec sleep 100' & wait" & wait`,
    );
    const grandchild = await pidFrom(join(sandbox, 'pid'));
    host.containerizer.signal(containerId, 'SIGKILL');
    expect(await host.end(containerId)).to.deep.equal({ kind: 'signaled', signal: 'SIGKILL' });
    await gone(grandchild);
  });

  it('kills what the main process leaves in its group', async () => {
    const { containerId, sandbox } = await host.launch('sleep 100 & echo $! > pid');
    expect(await host.end(containerId)).to.deep.equal({ kind: 'exited', code: 0 });
    await gone(await pidFrom(join(sandbox, 'pid')));
  });

  it('takes a signal to an ended or unknown container for nothing', async () => {
    const { containerId } = await host.launch('true');
    await host.end(containerId);
    host.containerizer.signal(containerId, 'SIGKILL');
    host.containerizer.forget(containerId);
    host.containerizer.signal(containerId, 'SIGKILL');
    expect(await host.output('echo fine')).to.equal('fine\n');
  });

  it('tells each end once, after its launch has settled', async () => {
    const settled = new Set<string>();
    const early: string[] = [];
    host.containerizer.onEnd((containerId) => {
      if (!settled.has(containerId)) early.push(containerId);
    });
    const launches = Array.from({ length: 40 }, async () => {
      const { containerId } = await host.launch('true');
      settled.add(containerId);
      return containerId;
    });
    const ids = await Promise.all(launches);
    for (const containerId of ids) await host.end(containerId);
    expect(early).to.deep.equal([]);
    expect(host.told.toSorted()).to.deep.equal(ids.toSorted());
  });

  it('bounds the output of a flood, and keeps the newest part', async () => {
    const { containerId, sandbox } = await host.launch(
      'yes 0123456789abcdef | head -c 50000000; echo the end >&2',
    );
    await host.end(containerId);
    const stdout = await stat(join(sandbox, 'stdout'));
    const older = await stat(join(sandbox, 'stdout.1'));
    expect(stdout.size).to.be.at.most(1024 * 1024);
    expect(older.size).to.be.at.most(1024 * 1024);
    expect(older.size).to.be.greaterThan(0);
    expect(await readFile(join(sandbox, 'stderr'), 'utf8')).to.equal('the end\n');
  });

  it('cuts the output of a running task, which goes on writing', async () => {
    const { containerId, sandbox } = await host.launch(
      'head -c 3000000 /dev/zero; while [ ! -e go ]; do sleep 0.01; done; echo after',
    );
    await eventually(() => (existsSync(join(sandbox, 'stdout.1')) ? true : undefined));
    await writeFile(join(sandbox, 'go'), '');
    await host.end(containerId);
    expect(await readFile(join(sandbox, 'stdout'), 'latin1')).to.match(/^\0*after\n$/);
    expect((await stat(join(sandbox, 'stdout.1'))).size).to.equal(1024 * 1024);
  });

  it('does not follow a link that a task plants for the older output', async () => {
    const precious = join(host.workDir, 'precious');
    await writeFile(precious, 'untouched');
    const { containerId, sandbox } = await host.launch(
      `ln -s ${precious} stdout.1; rm stderr; ln -s ${precious} stderr; head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2`,
    );
    await host.end(containerId);
    expect(await readFile(precious, 'utf8')).to.equal('untouched');
    expect((await stat(join(sandbox, 'stdout'))).size).to.be.at.most(1024 * 1024);
  });

  it('gives up a launch that is killed while it fetches', async () => {
    const { createServer } = await import('node:http');
    let asked: (() => void) | undefined;
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    const server = createServer(() => asked?.()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const uris = [{ value: `http://127.0.0.1:${port}/never` }];
    const spec = host.spec({ value: 'true', uris });
    const launch = host.containerizer.launch(spec);
    await isAsked;
    host.containerizer.signal(spec.containerId, 'SIGTERM');
    const outcome = await launch;
    server.closeAllConnections();
    server.close();
    expect(outcome).to.include({ kind: 'failed', stage: 'fetch' });
  });

  it('ends all tasks and the launcher when asked to', async () => {
    const { pid, containerId } = await host.launch('trap "" TERM; sleep 100 & wait');
    const launcher = host.launcherPid();
    await host.containerizer.close('end-all');
    expect([pid, launcher].filter(isRunning)).to.deep.equal([]);
    expect(host.ends.get(containerId)).to.deep.equal({ kind: 'signaled', signal: 'SIGKILL' });
  });
});

function pidFrom(path: string): Promise<number> {
  return eventually(() => {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    return text.endsWith('\n') ? Number(text) : undefined;
  });
}
