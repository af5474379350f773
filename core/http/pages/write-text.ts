/**
 * Writes a long text into the parts of an answer without keeping the event loop: for a few milliseconds
 * at a time, with room for everything else in between.
 */
import { MAX_PAGE_PART_BYTES, type PartPool } from './part-pool.js';
import type { SharedBody } from './shared-body.js';

/** A text in pieces, made while they are taken; ASCII alone. Bytes stay as they are. */
export type TextPieces = Iterable<string | Buffer>;

/** Milliseconds for which pieces are written before others get their turn. */
export const PAGE_SLICE_MS = 2;
/** The first parts are small, since most answers are. */
const SMALL_PART_BYTES = 8 * 1024;
/** After so many bytes the parts are large. */
const SMALL_ANSWER_BYTES = 32 * 1024;
/** Asking for the time costs more than a small piece. */
const PIECES_PER_LOOK = 4;

/**
 * Writes all pieces and finishes the body.
 * @throws what a piece throws, after the body has failed with it.
 */
export async function writeText(
  pieces: TextPieces,
  body: SharedBody,
  pool: PartPool,
): Promise<void> {
  const writer = new PartWriter(body, pool);
  try {
    let startMs = performance.now();
    let untilLook = PIECES_PER_LOOK;
    for (const piece of pieces) {
      writer.write(piece);
      if (--untilLook > 0) continue;
      untilLook = PIECES_PER_LOOK;
      if (performance.now() - startMs < PAGE_SLICE_MS) continue;
      // oxlint-disable-next-line no-await-in-loop -- this is what makes room for others
      await nextTurn();
      startMs = performance.now();
    }
    writer.flush();
    body.finish();
  } catch (error) {
    body.fail(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Joins pieces into parts. */
class PartWriter {
  readonly #body: SharedBody;
  readonly #pool: PartPool;
  #part: Buffer = Buffer.alloc(0);
  #length = 0;

  constructor(body: SharedBody, pool: PartPool) {
    this.#body = body;
    this.#pool = pool;
  }

  write(piece: string | Buffer): void {
    const { length } = piece;
    if (length > this.#part.length - this.#length) this.#makeRoom(length);
    if (typeof piece === 'string') this.#part.write(piece, this.#length, 'latin1');
    else this.#part.set(piece, this.#length);
    this.#length += length;
  }

  flush(): void {
    this.#body.push(this.#part.subarray(0, this.#length));
    this.#part = Buffer.alloc(0);
    this.#length = 0;
  }

  #makeRoom(bytes: number): void {
    this.flush();
    if (bytes > MAX_PAGE_PART_BYTES) this.#part = Buffer.allocUnsafeSlow(bytes);
    else if (this.#body.bytes >= SMALL_ANSWER_BYTES) this.#part = this.#pool.take();
    else this.#part = Buffer.allocUnsafeSlow(Math.max(bytes, SMALL_PART_BYTES));
  }
}
