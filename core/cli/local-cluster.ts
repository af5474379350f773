/**
 * A cluster on this host: one master and some agents, each a process of its own, watched and
 * restarted when one of them dies. The resources of the host are divided among the agents. Started
 * again over the same folder, it goes on where it stopped.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Disposable,
  ERROR_CODES,
  type ErrorCode,
  PlateauError,
  type World,
} from '../base/index.js';
import { type HostFacts, hostFacts } from '../containers/index.js';
import { defaultResources } from '../resources/index.js';
import { isReadyMessage } from './daemon.js';

export interface LocalClusterOptions {
  readonly world: World;
  /** Folder of registry, checkpoints, sandboxes and logs. */
  readonly workDir: string;
  readonly agents: number;
  /** Port of the master, the agents take those after it; 0: free ones. */
  readonly port: number;
  /** Further arguments for each program. */
  readonly masterArguments?: readonly string[];
  readonly agentArguments?: readonly string[];
  /** Told when a program died and is started again. */
  readonly onRestart?: (name: string, how: string) => void;
}

/** First port that agents may give to tasks, and how many there are in all. */
const TASK_PORTS = { first: 31_000, count: 1_001 };
/** A program that is not ready by then is given up. */
const READY_TIMEOUT_MS = 30_000;
/** A program that was asked to end and has not by then is killed. */
const END_TIMEOUT_MS = 20_000;
/** First wait before a dead program is started again; doubles up to the second number. */
const RESTART_BACKOFF_MS = { first: 250, longest: 10_000 };
/** A program that ran for this long has recovered: the wait starts anew. */
const STABLE_AFTER_MS = 30_000;

const MAIN = fileURLToPath(new URL('main.js', import.meta.url));

/** A running local cluster. */
export class LocalCluster {
  readonly #options: LocalClusterOptions;
  readonly #programs: Program[] = [];
  #masterUrl = '';

  private constructor(options: LocalClusterOptions) {
    this.#options = options;
  }

  /** Starts the programs and resolves when all of them serve. On failure none is left. */
  static async start(options: LocalClusterOptions): Promise<LocalCluster> {
    const cluster = new LocalCluster(options);
    try {
      await cluster.#start();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get masterUrl(): string {
    return this.#masterUrl;
  }

  /** The processes of master and agents, by name, for tests and messages. */
  get pids(): ReadonlyMap<string, number | undefined> {
    return new Map(this.#programs.map((program) => [program.name, program.pid]));
  }

  /** Ends the tasks, the agents with their launchers, then the master. Leaves no process. */
  async stop(): Promise<void> {
    const [master, ...agents] = this.#programs;
    await Promise.all(agents.map((agent) => agent.stop('SIGUSR1')));
    await master?.stop('SIGTERM');
  }

  async #start(): Promise<void> {
    const { port, workDir, agents } = this.#options;
    mkdirSync(join(workDir, 'logs'), { recursive: true });
    const master = this.#addProgram('master', port, [
      'master',
      `--work-dir=${join(workDir, 'master')}`,
      '--cluster=local',
      ...(this.#options.masterArguments ?? []),
    ]);
    this.#masterUrl = `http://127.0.0.1:${await master.start()}`;
    const shares = divideHost(hostFacts(workDir), agents);
    const started = shares.map((resources, index) =>
      this.#addProgram(`agent-${index + 1}`, port === 0 ? 0 : port + 1 + index, [
        'agent',
        `--master=${this.#masterUrl}`,
        `--work-dir=${join(workDir, `agent-${index + 1}`)}`,
        `--resources=${resources}`,
        ...(this.#options.agentArguments ?? []),
      ]).start(),
    );
    await Promise.all(started);
  }

  #addProgram(name: string, port: number, argv: readonly string[]): Program {
    const program = new Program({
      name,
      port,
      argv,
      logFile: join(this.#options.workDir, 'logs', `${name}.log`),
      world: this.#options.world,
      onRestart: this.#options.onRestart,
    });
    this.#programs.push(program);
    return program;
  }
}

/** Divides what an agent would offer of a host into equal shares, as texts for `--resources`. */
export function divideHost(facts: HostFacts, parts: number): readonly string[] {
  const whole = defaultResources(facts);
  const share = (name: string, unit: number): number =>
    Math.floor(whole.scalar(name) / unit / parts) * (unit / 1000);
  const width = Math.floor(TASK_PORTS.count / parts);
  return Array.from({ length: parts }, (_, index) => {
    const begin = TASK_PORTS.first + index * width;
    return [
      `cpus:${share('cpus', 10)}`,
      `mem:${share('mem', 1000)}`,
      `disk:${share('disk', 1000)}`,
      `ports:[${begin}-${begin + width - 1}]`,
    ].join(';');
  });
}

interface ProgramOptions {
  readonly name: string;
  readonly port: number;
  readonly argv: readonly string[];
  readonly logFile: string;
  readonly world: World;
  readonly onRestart: ((name: string, how: string) => void) | undefined;
}

/** One watched process. */
class Program {
  readonly name: string;
  readonly #options: ProgramOptions;
  #child: ChildProcess | undefined;
  #port: number;
  #isStopping = false;
  /** Where in the log file the lines of the running process begin. */
  #logStart = 0;
  #backoffMs = RESTART_BACKOFF_MS.first;
  #restart: Disposable | undefined;

  constructor(options: ProgramOptions) {
    this.name = options.name;
    this.#options = options;
    this.#port = options.port;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the process; resolves with its port when it serves. */
  async start(): Promise<number> {
    const startedMs = this.#options.world.clock.elapsed();
    const child = this.#spawn();
    this.#child = child;
    this.#port = await this.#untilReady(child);
    child.once('exit', (code, signal) => {
      const ranMs = this.#options.world.clock.elapsed() - startedMs;
      this.#died(signal ?? `status ${code}`, ranMs);
    });
    return this.#port;
  }

  /** Asks the process to end and waits until it has. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    this.#isStopping = true;
    this.#restart?.dispose();
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    const timer = this.#options.world.clock.setTimer(END_TIMEOUT_MS, () => child.kill('SIGKILL'));
    await ended;
    timer.dispose();
  }

  #spawn(): ChildProcess {
    const log = openSync(this.#options.logFile, 'a');
    this.#logStart = fstatSync(log).size;
    try {
      // A session of its own, so that Ctrl-C in the terminal reaches the supervisor alone, which
      // then ends everything in order.
      return spawn(process.execPath, [MAIN, ...this.#options.argv, `--port=${this.#port}`], {
        stdio: ['ignore', log, log, 'ipc'],
        detached: true,
      });
    } finally {
      closeSync(log);
    }
  }

  #untilReady(child: ChildProcess): Promise<number> {
    return new Promise((resolve, reject) => {
      const fail = (what: string): void => {
        timer.dispose();
        reject(this.#failure(what));
      };
      const timer = this.#options.world.clock.setTimer(READY_TIMEOUT_MS, () => {
        child.kill('SIGKILL');
        fail(`was not ready within ${READY_TIMEOUT_MS / 1000} s`);
      });
      child.once('error', (error) => fail(`could not be started: ${error.message}`));
      child.once('exit', (code, signal) => fail(`ended with ${signal ?? `status ${code}`}`));
      child.on('message', (message) => {
        if (!isReadyMessage(message)) return;
        timer.dispose();
        resolve(message.port);
      });
    });
  }

  /** What the program said last, if that was an error with a code; else where to look. */
  #failure(what: string): PlateauError {
    const { logFile } = this.#options;
    const context = { program: this.name, logFile };
    const said = readFileSync(logFile).subarray(this.#logStart).toString('utf8');
    const [, message = '', code = ''] = /^plateau: (.*) \[([A-Z_]+)\]$/m.exec(said) ?? [];
    if (isErrorCode(code)) return new PlateauError(code, `${this.name}: ${message}`, { context });
    return new PlateauError('NOT_READY', `${this.name} ${what}; see ${logFile}`, { context });
  }

  #died(how: string, ranMs: number): void {
    if (this.#isStopping) return;
    this.#options.onRestart?.(this.name, how);
    if (ranMs >= STABLE_AFTER_MS) this.#backoffMs = RESTART_BACKOFF_MS.first;
    const waitMs = this.#backoffMs;
    this.#backoffMs = Math.min(2 * waitMs, RESTART_BACKOFF_MS.longest);
    this.#restart = this.#options.world.clock.setTimer(waitMs, () => {
      this.start().catch(() => this.#died('could not be started', 0));
    });
  }
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text);
}
