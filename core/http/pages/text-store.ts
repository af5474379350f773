/**
 * Texts that are made once for each object and kept for as long as there is room: pages are put together
 * of them. They lie one after the other in slabs, in the order in which they were first wanted, so
 * that a page which shows many of them sends whole stretches of a slab and copies nothing.
 *
 * Memory is bounded by dropping slabs of which little is wanted any more; what is alive in them is made
 * again, and then lies together. Where everything is wanted and there is no room, texts are not kept.
 */
import { quietBytes } from './quiet-memory.js';

/** Bytes of all texts that are kept with the objects that they show. */
export const MAX_KEPT_TEXT_BYTES = 512 * 1024 * 1024;
/** Bytes of one slab of texts, and the most of a page that is sent at once. */
export const TEXT_SLAB_BYTES = 256 * 1024;
/** With fewer bytes than this nothing is looked through for what is not wanted any more. */
const REVIEW_FROM_BYTES = 8 * 1024 * 1024;
/** A slab survives a review when at least this part of it was wanted since the last one. */
const WANTED_PART = 0.5;
/** Milliseconds between two reviews: who asks as often as this finds what it found before. */
export const TEXT_KEEP_MS = 60_000;
/** The same when there is no room for more. */
export const TEXT_KEEP_FULL_MS = 10_000;

/** A comma, which lies before each string: lists of JSON are sent without being put together. */
export const COMMA = 0x2c;

/** Where a text is: it stays there, and as it is, for whoever has this. */
export interface TextStretch {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** A text, or bytes: kept, or made just now. Texts are of ASCII alone. */
export type TextPiece = string | Buffer | TextStretch;

interface Slab {
  /** Emptied when it is dropped, so that those who know a place in it do not keep its memory. */
  bytes: Buffer;
  used: number;
  /** Bytes of texts that were wanted since the last review. */
  wanted: number;
}

interface Place {
  readonly slab: Slab;
  readonly start: number;
  readonly end: number;
  /** The number of the last review after which it was wanted. */
  review: number;
}

const NOTHING = Buffer.alloc(0);

export class TextStore {
  readonly #maxBytes: number;
  #slabs: Slab[] = [];
  #bytes = 0;
  #reviews = 0;
  #reviewedMs: number;
  #reviewAtBytes: number;
  readonly #now: () => number;

  /**
   * @param maxBytes of all slabs together.
   * @param now tells milliseconds that pass.
   */
  constructor(maxBytes = MAX_KEPT_TEXT_BYTES, now = () => performance.now()) {
    this.#maxBytes = maxBytes;
    this.#now = now;
    this.#reviewedMs = now();
    this.#reviewAtBytes = Math.min(maxBytes, REVIEW_FROM_BYTES);
  }

  /** Bytes that it keeps, room that is not used yet included. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Gives the text of an object, made by `make` unless it is kept. Objects are never mutated, so that a
   * text stays right; it is forgotten with its object.
   */
  kept<T extends object>(make: (of: T) => string | Buffer): (of: T) => TextPiece {
    const places = new WeakMap<T, Place>();
    return (of) => {
      const known = places.get(of);
      if (known !== undefined && known.slab.bytes !== NOTHING) return this.#want(known);
      const text = make(of);
      const place = this.#place(text);
      if (place === undefined) return text;
      places.set(of, place);
      return this.#want(place);
    };
  }

  #want(place: Place): TextStretch {
    const { slab, start, end } = place;
    if (place.review !== this.#reviews) {
      place.review = this.#reviews;
      slab.wanted += end - start;
    }
    return { bytes: slab.bytes, start, end };
  }

  /** Writes a text to the end of the last slab; undefined: there is no room. */
  #place(text: string | Buffer): Place | undefined {
    const isText = typeof text === 'string';
    const slab = this.#slabWith(text.length + 1);
    if (slab === undefined) return undefined;
    const start = slab.used + (isText ? 1 : 0);
    if (isText) {
      slab.bytes[slab.used] = COMMA;
      slab.bytes.write(text, start, 'latin1');
    } else {
      slab.bytes.set(text, start);
    }
    slab.used = start + text.length;
    return { slab, start, end: slab.used, review: -1 };
  }

  #slabWith(bytes: number): Slab | undefined {
    const last = this.#slabs.at(-1);
    if (last !== undefined && last.bytes.length - last.used >= bytes) return last;
    const size = Math.max(bytes, TEXT_SLAB_BYTES);
    if (this.#bytes + size > this.#reviewAtBytes) this.#review();
    if (this.#bytes + size > this.#maxBytes) return undefined;
    const slab: Slab = { bytes: quietBytes(size), used: 0, wanted: 0 };
    this.#slabs.push(slab);
    this.#bytes += size;
    return slab;
  }

  /** Drops slabs of which little was wanted since the last time; not before it had a chance to be. */
  #review(): void {
    const now = this.#now();
    const isFull = this.#reviewAtBytes >= this.#maxBytes;
    if (now - this.#reviewedMs < (isFull ? TEXT_KEEP_FULL_MS : TEXT_KEEP_MS)) {
      this.#reviewAtBytes = Math.min(this.#maxBytes, this.#bytes + REVIEW_FROM_BYTES);
      return;
    }
    this.#slabs = this.#slabs.filter((slab) => this.#isWanted(slab));
    for (const slab of this.#slabs) slab.wanted = 0;
    this.#reviews++;
    this.#reviewedMs = now;
    this.#reviewAtBytes = Math.min(this.#maxBytes, Math.max(REVIEW_FROM_BYTES, 2 * this.#bytes));
  }

  /** Whether a slab is to be kept; its memory is let go of if not. */
  #isWanted(slab: Slab): boolean {
    if (slab.wanted >= WANTED_PART * slab.bytes.length) return true;
    this.#bytes -= slab.bytes.length;
    slab.bytes = NOTHING;
    return false;
  }
}

/** The texts of all pages of this process. */
export const SHARED_TEXTS = new TextStore();

/** Bytes of a piece. */
export function lengthOf(piece: TextPiece): number {
  return isStretch(piece) ? piece.end - piece.start : piece.length;
}

/** A piece without so many bytes at its start and end. */
export function trimmed(piece: TextPiece, fromStart: number, fromEnd: number): TextPiece {
  if (isStretch(piece)) {
    return { bytes: piece.bytes, start: piece.start + fromStart, end: piece.end - fromEnd };
  }
  const end = piece.length - fromEnd;
  return typeof piece === 'string' ? piece.slice(fromStart, end) : piece.subarray(fromStart, end);
}

/** Whether a piece lies in a slab. */
export function isStretch(piece: TextPiece): piece is TextStretch {
  return typeof piece !== 'string' && 'end' in piece;
}
