/**
 * Memory for the parts of long answers, used again and again: taking it from the system anew for each
 * version of a page would have the garbage collector run all the time.
 */
import { quietBytes } from './quiet-memory.js';

/** Bytes of one part of a long answer: one write to a socket. */
export const MAX_PAGE_PART_BYTES = 256 * 1024;

export class PartPool {
  readonly #free: Buffer[] = [];
  readonly #maxBytes: number;

  /** @param maxBytes that are kept for later use. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that wait to be used. */
  get bytes(): number {
    return this.#free.length * MAX_PAGE_PART_BYTES;
  }

  /** A part of the full size, with anything in it. */
  take(): Buffer {
    return this.#free.pop() ?? quietBytes(MAX_PAGE_PART_BYTES);
  }

  /** Takes parts back that nobody reads any more. */
  give(parts: readonly Buffer[]): void {
    for (const part of parts) {
      if (this.bytes >= this.#maxBytes) return;
      this.#free.push(part);
    }
  }

  /** Lets go of all that is not used. */
  clear(): void {
    this.#free.length = 0;
  }
}
