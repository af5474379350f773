/**
 * The output files of one task. The task writes to them directly; the launcher keeps the descriptors
 * and cuts a file that grew beyond its limit: the newest part goes to `<name>.1`, the file starts
 * anew. Between two looks a file may exceed its limit by what the task writes in that time. When the
 * task has ended its file keeps the end of what it wrote, which is what people look for.
 * Everything goes through descriptors: a task may put anything in the place of its files.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';

/** A task that makes its file overflow again within this time keeps `FLOOD_KEEP_BYTES` only. */
const FLOOD_INTERVAL_MS = 1_000;
/** Copying much of a flood, many times a second, would hold up everybody else. */
const FLOOD_KEEP_BYTES = 1024 * 1024;

const OUTPUT_MODE = 0o644;
const copyBuffer = Buffer.allocUnsafeSlow(256 * 1024);

export interface OutputOptions {
  readonly path: string;
  readonly limitBytes: number;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

export class OutputFile {
  readonly descriptor: number;
  readonly #options: OutputOptions;
  #sizeBytes = 0;
  #lastCutMs = Number.NEGATIVE_INFINITY;

  /** Opens the file for appending. @throws Error when something else is in its place. */
  constructor(options: OutputOptions) {
    this.#options = options;
    this.descriptor = openOutput(options.path, constants.O_APPEND);
    try {
      const stats = fstatSync(this.descriptor);
      if (!stats.isFile() || stats.nlink !== 1) {
        throw new Error(`${options.path} is in the way: it is not a plain file of this task alone`);
      }
      own(this.descriptor, options);
    } catch (error) {
      closeSync(this.descriptor);
      throw error;
    }
  }

  /** Looks at the size, and cuts the file when it is above the limit. @returns growth in bytes. */
  check(nowMs: number): number {
    const { size } = fstatSync(this.descriptor);
    const grown = size - this.#sizeBytes;
    this.#sizeBytes = size;
    if (size > this.#options.limitBytes) this.#cut(size, nowMs);
    return grown;
  }

  /** Brings the file of a task that has ended below the limit; its newest part stays in it. */
  finish(nowMs: number): void {
    const { size } = fstatSync(this.descriptor);
    if (size <= this.#options.limitBytes) return;
    const keepBytes = this.#keepBytes(nowMs);
    this.#keepOlder(Math.max(0, size - 2 * keepBytes), Math.min(keepBytes, size - keepBytes));
    try {
      this.#moveToFront(size - keepBytes, keepBytes);
    } finally {
      ftruncateSync(this.descriptor, keepBytes);
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }

  #cut(size: number, nowMs: number): void {
    const keepBytes = this.#keepBytes(nowMs);
    this.#lastCutMs = nowMs;
    this.#keepOlder(size - keepBytes, keepBytes);
    ftruncateSync(this.descriptor, 0);
    this.#sizeBytes = 0;
  }

  #keepBytes(nowMs: number): number {
    const { limitBytes } = this.#options;
    const isFlood = nowMs - this.#lastCutMs < FLOOD_INTERVAL_MS;
    return isFlood ? Math.min(FLOOD_KEEP_BYTES, limitBytes) : limitBytes;
  }

  #keepOlder(from: number, bytes: number): void {
    try {
      this.#copy({ from, bytes, to: `${this.#options.path}.1` });
    } catch {
      // The task put something there, or the disk is full: the bound matters more than the past.
    }
  }

  /** Moves the end of the file to its beginning, by another way than the one that only appends. */
  #moveToFront(from: number, bytes: number): void {
    const target = openSync(`/proc/self/fd/${this.descriptor}`, constants.O_WRONLY);
    try {
      for (let done = 0; done < bytes;) {
        const wanted = Math.min(copyBuffer.length, bytes - done);
        const length = readSync(this.descriptor, copyBuffer, 0, wanted, from + done);
        if (length === 0) break;
        writeSync(target, copyBuffer, 0, length, done);
        done += length;
      }
    } finally {
      closeSync(target);
    }
  }

  #copy(part: { readonly from: number; readonly bytes: number; readonly to: string }): void {
    removeFile(part.to);
    const target = openOutput(part.to, constants.O_EXCL);
    try {
      own(target, this.#options);
      for (let done = 0; done < part.bytes;) {
        const wanted = Math.min(copyBuffer.length, part.bytes - done);
        const length = readSync(this.descriptor, copyBuffer, 0, wanted, part.from + done);
        if (length === 0) break;
        writeSync(target, copyBuffer, 0, length);
        done += length;
      }
    } finally {
      closeSync(target);
    }
  }
}

function openOutput(path: string, flags: number): number {
  // Reading and writing: a named pipe in the place of the file then does not block the launcher.
  const common = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  return openSync(path, common | flags, OUTPUT_MODE);
}

function own(descriptor: number, options: OutputOptions): void {
  if (options.owner === undefined) return;
  fchownSync(descriptor, options.owner.uid, options.owner.gid);
  fchmodSync(descriptor, OUTPUT_MODE);
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Nothing there, or a folder: the exclusive open that follows tells.
  }
}
