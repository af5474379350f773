/**
 * Terminals of containers, as the launcher has them: a host process holds each (see `terminal-host.ts`),
 * and the command runs in a session of its own whose controlling terminal it is. The command is a child
 * of the launcher like any other.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import type { Duplex, Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { listProcesses, readProcess, sendSignal } from '../processes.js';
import type { LaunchRequest } from './protocol.js';
import { type TerminalSize, encodeTerminalFrame } from './terminal-frames.js';
import { TerminalTap } from './terminal-tap.js';

/** Milliseconds for the host of a terminal to answer. */
export const TERMINAL_START_MS = 20_000;
/** Milliseconds for which the last output of a task on a terminal is waited for after its end. */
export const TERMINAL_DRAIN_MS = 2_000;

const HOST_OPTIONS = ['--max-old-space-size=64', '--max-semi-space-size=1', '--no-warnings'];
/**
 * A session leader without a terminal that opens one gets it for its controlling terminal; the shell
 * is the leader, opens, and becomes the command. The name of the program is its path then.
 */
const TAKE_TERMINAL = 'exec "$@" <>"$0" >&0 2>&0';
/** The answer of a host is one line of a path or a reason. */
const MAX_ANSWER_CHARS = 4_096;

export interface TerminalOptions {
  readonly size: TerminalSize;
  /** Whose the terminal is; absent: of whom the launcher runs as. */
  readonly user?: LaunchRequest['user'];
  /** The file that gets what the terminal shows; absent: it is read as a pipe. */
  readonly output?: number | undefined;
}

export class Terminal {
  readonly #host: ChildProcess;
  readonly #path: string;

  private constructor(host: ChildProcess, path: string) {
    this.#host = host;
    this.#path = path;
  }

  /** Rejects with the reason when there can be none. */
  static async open(options: TerminalOptions): Promise<Terminal> {
    const host = startHost(options);
    // A host that has gone must not end the launcher.
    for (const stream of [host.stdin, host.stdout]) stream?.on('error', () => stream.destroy());
    try {
      const path = await answerOf(host);
      return new Terminal(host, path);
    } catch (error) {
      host.kill('SIGKILL');
      throw error;
    }
  }

  /** The streams of the host: frames in, what the terminal shows out. */
  get streams(): {
    readonly stdin: Writable | null;
    readonly stdout: Readable | null;
    readonly stderr: null;
  } {
    return { stdin: this.#host.stdin, stdout: this.#host.stdout, stderr: null };
  }

  /** For those who look at what goes to a file, and type; undefined: it is read as a pipe. */
  get tap(): TerminalTap | undefined {
    const { stdin } = this.#host;
    const screen = channelOf(this.#host, WATCH_DESCRIPTOR);
    return stdin === null || screen === undefined ? undefined : new TerminalTap(stdin, screen);
  }

  /** Starts the command on the terminal. To be called once. */
  spawn(request: LaunchRequest): ChildProcess {
    const slave = openSync(this.#path, constants.O_RDWR | constants.O_NOCTTY);
    try {
      const parameters = [request.file, ...request.argv.slice(1)];
      const child = spawn('/bin/sh', ['-c', TAKE_TERMINAL, this.#path, ...parameters], {
        cwd: request.sandbox,
        env: request.environment,
        detached: true,
        stdio: [slave, slave, slave],
        ...request.user,
      });
      child.once('exit', () => this.#tell('reaped'));
      return child;
    } finally {
      closeSync(slave);
      this.#tell('release');
    }
  }

  #tell(kind: 'release' | 'reaped'): void {
    const { stdin } = this.#host;
    if (stdin?.writable === true) stdin.write(encodeTerminalFrame({ kind }));
  }

  /** Resolves when all that was shown is in its file, or a moment has passed. */
  drained(): Promise<void> {
    if (hasEnded(this.#host)) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.close(), TERMINAL_DRAIN_MS);
      this.#host.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Takes the terminal away. */
  close(): void {
    this.#host.kill('SIGKILL');
  }
}

/**
 * Kills what is left of a session whose leader has been reaped: on a terminal a shell gives each job a
 * group of its own. As long as a member lives, the number is not given to a new process.
 */
export function killSession(session: number): void {
  if (readProcess(session) !== undefined) return;
  for (const { pid, session: its } of listProcesses()) {
    if (its === session) sendSignal(pid, 'SIGKILL');
  }
}

function startHost({ size, user, output }: TerminalOptions): ChildProcess {
  const program = fileURLToPath(new URL('terminal-host.js', import.meta.url));
  const { uid, gid } = user ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const parameters = [size.rows, size.columns, uid, gid].map(String);
  const isWatched = output !== undefined;
  if (isWatched) parameters.push('watched');
  return spawn(process.execPath, [...HOST_OPTIONS, program, ...parameters], {
    cwd: '/',
    env: {},
    stdio: ['pipe', output ?? 'pipe', 'ignore', 'pipe', ...(isWatched ? (['pipe'] as const) : [])],
  });
}

/** The path of the terminal. */
function answerOf(host: ChildProcess): Promise<string> {
  const channel = channelOf(host, ANSWER_DESCRIPTOR);
  return new Promise((resolve, reject) => {
    let line = '';
    const timer = setTimeout(
      () => reject(new Error('the terminal was not there in time')),
      TERMINAL_START_MS,
    );
    const settle = (): void => {
      clearTimeout(timer);
      channel?.destroy();
      const ready = /^ready (\/.+)\n/.exec(line)?.[1];
      const why = /^failed (.+)\n/.exec(line)?.[1] ?? 'the host of the terminal ended';
      if (ready === undefined) reject(new Error(why));
      else resolve(ready);
    };
    host.once('error', reject);
    channel?.on('error', () => settle());
    channel?.on('data', (bytes: Buffer) => {
      line += bytes.toString('utf8');
      if (line.includes('\n') || line.length > MAX_ANSWER_CHARS) settle();
    });
    channel?.once('close', settle);
  });
}

const ANSWER_DESCRIPTOR = 3;
const WATCH_DESCRIPTOR = 4;

/** A further descriptor of the host: a pipe is a socket to us. */
function channelOf(host: ChildProcess, descriptor: 3 | 4): Duplex | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return (host.stdio[descriptor] ?? undefined) as Duplex | undefined;
}

function hasEnded(host: ChildProcess): boolean {
  return host.exitCode !== null || host.signalCode !== null;
}
