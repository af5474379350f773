/** Starts the helper processes of these tests and reads their lines. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export class Child {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  /** `maxFileKiB` bounds the size of files that it may write; its complaints are not shown then. */
  constructor(script: string, args: readonly string[], maxFileKiB?: number) {
    const path = fileURLToPath(new URL(script, import.meta.url));
    const command = [process.execPath, path, ...args];
    const limited = ['bash', '-c', `ulimit -f ${maxFileKiB}; exec "$@"`, 'bash', ...command];
    const [program = '', ...rest] = maxFileKiB === undefined ? command : limited;
    this.#process = spawn(program, rest, {
      stdio: ['pipe', 'pipe', maxFileKiB === undefined ? 'inherit' : 'ignore'],
    });
    const input = this.#process.stdout;
    if (input === null) throw new Error('the process has no output');
    this.#lines = createInterface({ input })[Symbol.asyncIterator]();
  }

  /** The next line that it tells. */
  async line(): Promise<Readonly<Record<string, unknown>>> {
    const next = await this.#lines.next();
    if (next.done === true) throw new Error('the process ended without a word');
    return JSON.parse(next.value) as Readonly<Record<string, unknown>>;
  }

  /** All lines that it has told and not been read, after it ended. */
  async rest(): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const lines: Readonly<Record<string, unknown>>[] = [];
    for (let next = await this.#lines.next(); next.done !== true;) {
      try {
        lines.push(JSON.parse(next.value) as Readonly<Record<string, unknown>>);
      } catch {
        // The last line of a process that was killed may be cut off.
      }
      next = await this.#lines.next();
    }
    return lines;
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Ends it, if it still runs, and waits until it is gone. */
  async kill(): Promise<void> {
    const isOver = this.#process.exitCode !== null || this.#process.signalCode !== null;
    if (isOver) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }
}
