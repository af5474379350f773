/**
 * Writes a long text into the parts of an answer without keeping the event loop: for a few milliseconds
 * at a time, with room for everything else in between. Long stretches of kept texts become parts as they
 * are; what is short is copied together.
 */
import { MAX_PAGE_PART_BYTES, type PartPool } from './part-pool.js';
import type { SharedBody } from './shared-body.js';
import { COMMA, type TextPiece, type TextStretch, isStretch } from './text-store.js';
import { PAGE_SLICE_MS, type Turns } from './turns.js';

/** A text in pieces, made while they are taken; strings are ASCII alone. Bytes stay as they are. */
export type TextPieces = Iterable<TextPiece>;

/** The first parts are small, since most answers are. */
const SMALL_PART_BYTES = 8 * 1024;
/** After so many bytes the parts are large. */
const SMALL_ANSWER_BYTES = 32 * 1024;
/** A shorter stretch is copied: a write of its own would cost more. */
const MIN_STRETCH_BYTES = 16 * 1024;
/** Asking for the time costs more than a small piece. */
const PIECES_PER_LOOK = 16;

/** Where a text goes, and what that shares with others. */
export interface TextTarget {
  readonly body: SharedBody;
  readonly pool: PartPool;
  readonly turns: Turns;
}

/**
 * Writes all pieces and finishes the body.
 * @throws what a piece throws, after the body has failed with it.
 */
export async function writeText(
  pieces: TextPieces,
  { body, pool, turns }: TextTarget,
): Promise<void> {
  const writer = new PartWriter(body, pool);
  try {
    const iterator = pieces[Symbol.iterator]();
    // oxlint-disable-next-line no-await-in-loop -- this is what makes room for others
    while (!(await turns.run(() => writeSome(iterator, writer))));
    writer.finish();
  } catch (error) {
    body.fail(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

/** Writes for one slice; whether that was all. */
function writeSome(pieces: Iterator<TextPiece>, writer: PartWriter): boolean {
  const endMs = performance.now() + PAGE_SLICE_MS;
  do {
    for (let count = 0; count < PIECES_PER_LOOK; count++) {
      const { done, value } = pieces.next();
      if (done === true) return true;
      writer.write(value);
    }
  } while (performance.now() < endMs);
  return false;
}

/** Joins pieces into parts. */
class PartWriter {
  readonly #body: SharedBody;
  readonly #pool: PartPool;
  #part: Buffer = Buffer.alloc(0);
  /** What of the part is in the body already, and what is written. */
  #pushed = 0;
  #length = 0;
  /** The stretch that is still growing. */
  #bytes: Buffer | undefined;
  #start = 0;
  #end = 0;
  /** A comma that may be there already, before the next stretch. */
  #hasComma = false;

  constructor(body: SharedBody, pool: PartPool) {
    this.#body = body;
    this.#pool = pool;
  }

  write(piece: TextPiece): void {
    if (isStretch(piece)) {
      this.#extend(piece);
    } else if (piece === ',') {
      this.#endComma();
      this.#hasComma = true;
    } else if (piece.length > 0) {
      this.#endStretch();
      this.#endComma();
      this.#copy(piece);
    }
  }

  finish(): void {
    this.#endStretch();
    this.#endComma();
    this.#flush();
    this.#body.finish();
  }

  #extend({ bytes, start, end }: TextStretch): void {
    const from = this.#hasComma && bytes[start - 1] === COMMA ? start - 1 : start;
    const isCommaWithin = from < start;
    if (bytes === this.#bytes && from === this.#end && this.#hasComma === isCommaWithin) {
      this.#end = end;
    } else {
      this.#endStretch();
      if (!isCommaWithin) this.#endComma();
      this.#bytes = bytes;
      this.#start = from;
      this.#end = end;
    }
    this.#hasComma = false;
  }

  #endComma(): void {
    if (!this.#hasComma) return;
    this.#endStretch();
    this.#copy(',');
    this.#hasComma = false;
  }

  #endStretch(): void {
    const bytes = this.#bytes;
    if (bytes === undefined) return;
    this.#bytes = undefined;
    const stretch = bytes.subarray(this.#start, this.#end);
    if (stretch.length < MIN_STRETCH_BYTES) {
      this.#copy(stretch);
    } else {
      this.#flush();
      this.#body.push(stretch);
    }
  }

  #copy(piece: string | Buffer): void {
    const { length } = piece;
    if (length > this.#part.length - this.#length) this.#makeRoom(length);
    if (typeof piece === 'string') this.#part.write(piece, this.#length, 'latin1');
    else this.#part.set(piece, this.#length);
    this.#length += length;
  }

  /** What is written goes out; the rest of the part is still to be used. */
  #flush(): void {
    this.#body.push(this.#part.subarray(this.#pushed, this.#length));
    this.#pushed = this.#length;
  }

  #makeRoom(bytes: number): void {
    this.#flush();
    this.#part = this.#newPart(bytes);
    this.#pushed = 0;
    this.#length = 0;
  }

  #newPart(bytes: number): Buffer {
    if (bytes > MAX_PAGE_PART_BYTES) return Buffer.allocUnsafeSlow(bytes);
    if (this.#body.bytes < SMALL_ANSWER_BYTES) {
      return Buffer.allocUnsafeSlow(Math.max(bytes, SMALL_PART_BYTES));
    }
    const part = this.#pool.take();
    this.#body.borrowed.push(part);
    return part;
  }
}
