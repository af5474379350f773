/**
 * A program of a local cluster: a process of this command, with a log file of its own, that tells when it
 * serves, and is started again, on the same port, when it dies.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type Disposable,
  ERROR_CODES,
  type ErrorCode,
  PlateauError,
  type World,
} from '../base/index.js';
import { isReadyMessage } from './daemon.js';

/** A program that is not ready by then is given up. */
export const READY_TIMEOUT_MS = 30_000;
/** A program that was asked to end and has not by then is killed. */
const END_TIMEOUT_MS = 20_000;
/** First wait before a dead program is started again; doubles up to the second number. */
const RESTART_BACKOFF_MS = { first: 250, longest: 10_000 };
/** A program that ran for this long has recovered: the wait starts anew. */
const STABLE_AFTER_MS = 30_000;

const MAIN = fileURLToPath(new URL('main.js', import.meta.url));

export interface LocalProgramOptions {
  /** Of messages and of the log file. */
  readonly name: string;
  /** 0: a free one, which is kept when it is started again. */
  readonly port: number;
  /** By which option the program is told its port. */
  readonly portFlag: '--port' | '--admin-port';
  readonly argv: readonly string[];
  readonly logFile: string;
  readonly world: World;
  readonly onRestart: ((name: string, how: string) => void) | undefined;
}

/** One watched process: of `plateau master`, `plateau agent`, or of a scheduler. */
export class LocalProgram {
  readonly name: string;
  readonly #options: LocalProgramOptions;
  #child: ChildProcess | undefined;
  #starting: Promise<number> | undefined;
  #port: number;
  #isStopping = false;
  /** Where in the log file the lines of the running process begin. */
  #logStart = 0;
  #backoffMs = RESTART_BACKOFF_MS.first;
  #restart: Disposable | undefined;

  constructor(options: LocalProgramOptions) {
    this.name = options.name;
    this.#options = options;
    this.#port = options.port;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Starts the process; resolves with its port when it serves.
   * @throws PlateauError what the program said last, or `NOT_READY`.
   */
  async start(): Promise<number> {
    const startedMs = this.#options.world.clock.elapsed();
    const child = this.#spawn();
    this.#child = child;
    const ready = this.#untilReady(child);
    this.#starting = ready;
    this.#port = await ready;
    child.once('exit', (code, signal) => {
      const ranMs = this.#options.world.clock.elapsed() - startedMs;
      this.#died(signal ?? `status ${code}`, ranMs);
    });
    return this.#port;
  }

  /** Asks the process to end and waits until it has; one that is starting is let start before, for at most `READY_TIMEOUT_MS`. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    this.#isStopping = true;
    this.#restart?.dispose();
    // Before it serves, a program may not listen to the signal, and leave behind what it has started.
    await this.#starting?.catch(() => {});
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    const timer = this.#options.world.clock.setTimer(END_TIMEOUT_MS, () => child.kill('SIGKILL'));
    await ended;
    timer.dispose();
  }

  #spawn(): ChildProcess {
    const { argv, portFlag, logFile } = this.#options;
    const log = openSync(logFile, 'a');
    this.#logStart = fstatSync(log).size;
    try {
      // A session of its own, so that Ctrl-C in the terminal reaches the supervisor alone, which
      // then ends everything in order.
      return spawn(process.execPath, [MAIN, ...argv, `${portFlag}=${this.#port}`], {
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
