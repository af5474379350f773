/**
 * A process that holds one terminal: `terminal-host.js <rows> <columns> <uid> <gid> [watched]`. It passes
 * on what the terminal shows to its standard output, and what it is told in frames to the terminal. With
 * `watched` what is shown goes to a fifth descriptor too, while somebody looks. It is a process of its own so
 * that the native library it needs, and its failures, stay out of the launcher. It ends when all that the
 * terminal showed has been taken and the process is gone, or when its standard input ends.
 */
import { chmodSync, chownSync, closeSync, fstatSync, write, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ReadStream } from 'node:tty';
import { type TerminalFrame, TerminalFrameReader, type TerminalSize } from './terminal-frames.js';

/** Where the launcher hears whether there is a terminal, and where. */
const ANSWER_DESCRIPTOR = 3;
/** Where those who look are shown what the terminal shows. */
const WATCH_DESCRIPTOR = 4;
/** Bytes that wait for somebody who looks; more is not shown to them: the task is not held up. */
const MAX_WAITING_WATCH_BYTES = 1024 * 1024;
/** Milliseconds that they have to take the last of it. */
const WATCH_END_MS = 1_000;
/** Nobody but its user writes on it. */
const TERMINAL_MODE = 0o600;
/** Milliseconds for which a process that has closed the terminal may go on before it is hung up on. */
const HANG_UP_MS = 2_000;
/** A process that does not read what is typed is asked again so often. */
const FULL_INTERVAL_MS = 10;

/** What we use of the library: both descriptors of a new terminal, its path, and its size. */
interface PtyLibrary {
  readonly open: (
    columns: number,
    rows: number,
  ) => { readonly master: number; readonly slave: number; readonly pty: string };
  readonly resize: (master: number, columns: number, rows: number) => void;
}

/** @throws Error that says what is missing. */
function loadLibrary(): PtyLibrary {
  const name = '@lydell/node-pty';
  try {
    const load = createRequire(import.meta.url);
    const finder: unknown = load(`${name}/requireBinary.js`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- tried at once, in `open`
    return (finder as { requireBinary(file: string): PtyLibrary }).requireBinary('pty.node');
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new Error(
      `a terminal needs the package ${name}, which cannot be loaded here (npm install ${name}): ${why}`,
      { cause: error },
    );
  }
}

/** Those who look at the terminal of a task. */
class Watchers {
  readonly #channel = new Socket({ fd: WATCH_DESCRIPTOR });
  isThere = false;

  constructor() {
    this.#channel.on('error', () => this.#channel.destroy());
  }

  show(bytes: Buffer): void {
    const { writable, writableLength } = this.#channel;
    const hasRoom = writableLength + bytes.length <= MAX_WAITING_WATCH_BYTES;
    if (this.isThere && writable && hasRoom) this.#channel.write(bytes);
  }

  /** Resolves when they have taken all, or long enough for that has passed. */
  async end(): Promise<void> {
    this.#channel.end();
    const taken = finished(this.#channel, { readable: false }).catch(() => undefined);
    await Promise.race([taken, delay(WATCH_END_MS)]);
  }
}

class TerminalHost {
  readonly #library: PtyLibrary;
  readonly #master: number;
  #slave: number | undefined;
  readonly #watchers: Watchers | undefined;
  #isOver = false;
  #onReaped: () => void = () => {};
  readonly #reaped = new Promise<void>((resolve) => {
    this.#onReaped = resolve;
  });

  constructor(
    size: TerminalSize,
    owner: { readonly uid: number; readonly gid: number },
    isWatched: boolean,
  ) {
    this.#watchers = isWatched ? new Watchers() : undefined;
    this.#library = loadLibrary();
    const { master, slave, pty } = this.#library.open(size.columns, size.rows);
    this.#master = master;
    this.#slave = slave;
    chownSync(pty, owner.uid, owner.gid);
    chmodSync(pty, TERMINAL_MODE);
    answer(`ready ${pty}`);
  }

  /** Copies what the terminal shows until nobody has it any more, no faster than it is taken. */
  async show(): Promise<void> {
    const screen = new ReadStream(this.#master);
    try {
      for await (const bytes of screen) {
        if (!Buffer.isBuffer(bytes)) continue;
        this.#watchers?.show(bytes);
        await new Promise<void>((resolve) => process.stdout.write(bytes, () => resolve()));
      }
    } catch {
      // So the system says that the last process has closed the terminal.
    }
    await this.#watchers?.end();
    this.#isOver = true;
    // Whoever ends closes its descriptors first: taken away now, the terminal would hang up on it, and its end
    // would be told as that.
    await Promise.race([this.#reaped, delay(HANG_UP_MS)]);
  }

  /** Does what it is told until its standard input ends. */
  async obey(): Promise<void> {
    const reader = new TerminalFrameReader();
    for await (const chunk of process.stdin) {
      if (!Buffer.isBuffer(chunk)) continue;
      for (const frame of reader.push(chunk)) await this.#take(frame);
    }
  }

  async #take(frame: TerminalFrame): Promise<void> {
    if (frame.kind === 'reaped') this.#onReaped();
    if (this.#isOver) return;
    if (frame.kind === 'input') await this.#type(frame.bytes);
    else if (frame.kind === 'release') this.#release();
    else if (frame.kind === 'watch' || frame.kind === 'unwatch') {
      if (this.#watchers !== undefined) this.#watchers.isThere = frame.kind === 'watch';
    } else if (frame.kind === 'resize')
      this.#library.resize(this.#master, frame.size.columns, frame.size.rows);
  }

  #release(): void {
    if (this.#slave !== undefined) closeSync(this.#slave);
    this.#slave = undefined;
  }

  async #type(bytes: Buffer): Promise<void> {
    for (let rest = bytes; rest.length > 0 && !this.#isOver;) {
      const written = await this.#write(rest);
      if (written === 0) await delay(FULL_INTERVAL_MS);
      rest = rest.subarray(written);
    }
  }

  /** How many of the bytes the terminal took; none when it is full. */
  #write(bytes: Buffer): Promise<number> {
    return new Promise((resolve) => {
      write(this.#master, bytes, 0, bytes.length, null, (error, written) => {
        if (error === null) resolve(written);
        else if (error.code === 'EAGAIN') resolve(0);
        else resolve(bytes.length);
      });
    });
  }
}

/** One line, after which nobody listens. */
function answer(line: string): void {
  writeSync(ANSWER_DESCRIPTOR, `${line}\n`);
  closeSync(ANSWER_DESCRIPTOR);
}

async function main(): Promise<void> {
  const [rows = 0, columns = 0, uid = 0, gid = 0] = process.argv.slice(2, 6).map(Number);
  const isWatched = process.argv[6] === 'watched';
  let host: TerminalHost;
  try {
    host = new TerminalHost({ rows, columns }, { uid, gid }, isWatched);
  } catch (error) {
    answer(`failed ${error instanceof Error ? error.message : String(error)}`);
    return;
  }
  process.stdout.on('error', () => process.exit(0));
  await Promise.race([host.show(), host.obey().catch(() => undefined)]);
}

// Without its channel it was not started by a launcher.
fstatSync(ANSWER_DESCRIPTOR);
// What ends the launcher's tasks is meant for the process on the terminal.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
await main();
process.exit(0);
