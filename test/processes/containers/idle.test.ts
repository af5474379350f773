/** A launcher whose agent has gone. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const MAIN = fileURLToPath(new URL('../../../core/containers/launcher/main.js', import.meta.url));
const IDLE_MS = 300;
/** It looks at itself once a second. */
const PATIENCE_MS = 5_000;

describe('A launcher without an agent', function () {
  this.timeout(20_000);
  let folder: string;
  let launcher: ChildProcess;
  let socketPath: string;
  let endedMs: number | undefined;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'plateau-idle-'));
    socketPath = join(folder, 'socket');
    launcher = spawn(process.execPath, [MAIN, socketPath, folder, String(IDLE_MS)], {
      stdio: 'ignore',
    });
    endedMs = undefined;
    launcher.once('exit', () => {
      endedMs = performance.now();
    });
    await until(() => existsSync(socketPath));
  });

  afterEach(() => {
    launcher.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Greets as an agent does, and resolves with the connection. */
  async function greet(): Promise<{ readonly socket: Socket; readonly heard: () => string }> {
    const socket = connect(socketPath);
    let heard = '';
    socket.on('data', (bytes: Buffer) => {
      heard += bytes.toString('utf8');
    });
    socket.write('{"type":"hello"}\n');
    await until(() => heard.includes('welcome'));
    return { socket, heard: () => heard };
  }

  function launch(containerId: string, script: string): string {
    const request = {
      type: 'launch',
      containerId,
      file: '/bin/sh',
      argv: ['sh', '-c', script],
      environment: {},
      sandbox: folder,
      outputLimitBytes: 1_000_000,
    };
    return `${JSON.stringify(request)}\n`;
  }

  it('ends soon when it has nothing to run and nothing to tell', async () => {
    const { socket } = await greet();
    socket.destroy();
    const leftMs = performance.now();
    await until(() => endedMs !== undefined);
    expect(endedMs ?? 0).to.be.within(leftMs + IDLE_MS, leftMs + PATIENCE_MS);
    expect(existsSync(socketPath)).to.equal(false);
    expect(launcher.exitCode).to.equal(0);
  });

  it('stays for what runs and for an end that nobody has heard of, and ends after', async () => {
    const { socket, heard } = await greet();
    const gate = join(folder, 'gate');
    socket.write(launch('c1', `while [ ! -e ${gate} ]; do sleep 0.05; done; exit 3`));
    await until(() => heard().includes('started'));
    socket.destroy();
    const second = await greetLater();
    expect(second.heard()).to.not.include('"end"');
    second.socket.destroy();
    rmSync(gate, { force: true });
    spawn('touch', [gate]);
    const third = await greetLater();
    await until(() => third.heard().includes('"code":3'));
    third.socket.write('{"type":"forget","containerId":"c1"}\n');
    third.socket.end();
    await until(() => endedMs !== undefined);
  });

  /** Some time after it would have ended, had it nothing to do. */
  async function greetLater(): ReturnType<typeof greet> {
    const laterMs = performance.now() + 2 * IDLE_MS + 1_100;
    await until(() => performance.now() > laterMs);
    expect(endedMs, 'it has ended').to.equal(undefined);
    return greet();
  }
});
