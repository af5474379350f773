/**
 * A cluster of real processes that a test may kill as it likes: one master and some agents, each the
 * `plateau` command of this build, over a temporary folder. Ports stay the same over restarts and are
 * below those that Linux gives to outgoing connections, so that nothing else takes them meanwhile.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Random, SeededRandom } from '../../../core/base/index.js';

const MAIN = fileURLToPath(new URL('../../../core/cli/main.js', import.meta.url));
/** Below the range of ephemeral ports of Linux. */
const PORTS = { first: 20_000, count: 12_000 };
const POLL_MS = 20;

/** How long anything that must come true may take. */
export const PATIENCE_MS = 30_000;

/** Waits until a condition holds. @throws Error naming `what` when it does not within `limitMs`. */
export async function eventually(
  what: string | (() => string),
  condition: () => boolean | Promise<boolean>,
  limitMs = PATIENCE_MS,
): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) {
      throw new Error(`not within ${limitMs} ms: ${typeof what === 'string' ? what : what()}`);
    }
    await pause(POLL_MS);
  }
}

/** Lets time pass, where the passing of time is the point: the moment of a fault. */
export function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

/** One program of the cluster, started again and again. */
export class Program {
  readonly name: string;
  readonly port: number;
  readonly #argv: readonly string[];
  readonly #logFile: string;
  #child: ChildProcess | undefined;

  constructor(what: {
    readonly name: string;
    readonly port: number;
    readonly argv: readonly string[];
    readonly logFile: string;
    /** For the process that runs the program, such as `--expose-gc`. */
    readonly nodeFlags?: readonly string[];
  }) {
    this.name = what.name;
    this.port = what.port;
    this.#argv = [...(what.nodeFlags ?? []), MAIN, ...what.argv];
    this.#logFile = what.logFile;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get isRunning(): boolean {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Starts the process. The promise resolves when it serves; it may be killed before that. */
  start(): Promise<void> {
    const log = openSync(this.#logFile, 'a');
    const argv = [...this.#argv, `--port=${this.port}`];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', log, log, 'ipc'] });
    closeSync(log);
    this.#child = child;
    return new Promise((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        // Killed by the test itself: whoever killed it does not wait for it to serve.
        if (signal === 'SIGKILL') resolve();
        else {
          const log = readFileSync(this.#logFile, 'utf8').split('\n').slice(-10).join('\n');
          reject(new Error(`${this.name} ended with ${signal ?? code}:\n${log}`));
        }
      });
    });
  }

  /** Sends a signal and waits until the process has ended. Returns its status or signal. */
  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return null;
    const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
      child.once('exit', (code, by) => resolve(by ?? code)),
    );
    child.kill(signal);
    return ended;
  }

  /** A page of the program, as JSON. */
  async page(path: string): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.url}${path}`);
    return (await response.json()) as Record<string, unknown>;
  }
}

export class FaultCluster {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'plateau-faults-')));
  /** Where tasks write down what they do. */
  readonly truthFolder = join(this.folder, 'truth');
  readonly agents: readonly Program[];
  readonly master: Program;

  private constructor(ports: readonly number[], masterFlags: readonly string[]) {
    mkdirSync(this.truthFolder);
    const [masterPort = 0, ...agentPorts] = ports;
    this.master = this.#program('master', masterPort, [
      'master',
      '--allocation_interval=100ms',
      ...masterFlags,
    ]);
    this.agents = agentPorts.map((port, index) =>
      this.#program(`agent-${index + 1}`, port, [
        'agent',
        `--master=127.0.0.1:${masterPort}`,
        '--registration_backoff_factor=100ms',
        '--resources=cpus:4;mem:2048;disk:1024;ports:[]',
      ]),
    );
  }

  /** Starts a master and agents; resolves when all agents are registered. */
  static async start(agents: number, ...masterFlags: readonly string[]): Promise<FaultCluster> {
    const cluster = new FaultCluster(await freePorts(agents + 1), masterFlags);
    await cluster.master.start();
    await Promise.all(cluster.agents.map((agent) => agent.start()));
    await cluster.untilRegistered();
    return cluster;
  }

  workDir(program: Program): string {
    return join(this.folder, program.name);
  }

  /** Waits until every program serves and the master counts all agents as active. */
  async untilRegistered(): Promise<void> {
    await eventually('all agents are registered', async () => {
      const { activated_slaves } = await this.master.page('/state').catch(() => ({
        activated_slaves: 0,
      }));
      return activated_slaves === this.agents.length;
    });
  }

  /** The process of an agent's launcher. */
  launcherOf(agent: Program): number | undefined {
    const workDir = this.workDir(agent);
    return processesOf(workDir).find(({ line }) => line.includes('/launcher/main.js'))?.pid;
  }

  /** Ends everything in order; returns what is left all the same, and kills it. */
  async stop(): Promise<readonly string[]> {
    await Promise.all(this.agents.map((agent) => agent.end('SIGUSR1')));
    await this.master.end('SIGTERM');
    const left = processesOf(this.folder);
    await killAllOf(this.folder);
    if (process.env['PLATEAU_FAULT_KEEP'] === undefined) {
      rmSync(this.folder, { recursive: true, force: true });
    }
    return left.map(({ line }) => line);
  }

  #program(name: string, port: number, argv: readonly string[]): Program {
    return new Program({
      name,
      port,
      argv: [...argv, `--work_dir=${join(this.folder, name)}`],
      logFile: join(this.folder, `${name}.log`),
    });
  }
}

/** Living processes that mention the folder in their command line or have their working folder in it. */
export function processesOf(
  folder: string,
): readonly { readonly pid: number; readonly line: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const line = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        const isOurs =
          line.includes(folder) || readlinkSync(`/proc/${name}/cwd`).startsWith(folder);
        return isOurs ? [{ pid: Number(name), line }] : [];
      } catch {
        return [];
      }
    });
}

/** Kills what `processesOf` finds, until it finds nothing. */
export async function killAllOf(folder: string): Promise<void> {
  await eventually(`nothing of ${folder} lives`, () => {
    const found = processesOf(folder).filter(({ pid }) => isAlive(pid));
    for (const { pid } of found) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself meanwhile.
      }
    }
    return found.length === 0;
  });
}

/** Whether a process exists and has not ended; one that nobody has reaped yet has. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/** Ports that nothing listens on, below those of outgoing connections. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const random: Random = new SeededRandom(`ports of ${process.pid} at ${Date.now()}`);
  const found = new Set<number>();
  while (found.size < count) {
    const port = PORTS.first + random.below(PORTS.count);
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => {
      const { port: taken } = server.address() as AddressInfo;
      server.close(() => resolve(taken === port));
    });
  });
}
