/** Unique ids, from outside as all randomness. */
import { randomFillSync } from 'node:crypto';
import type { Random } from './random.js';

export interface Ids {
  /** A random UUID (version 4) as text. */
  uuid(): string;
  /** The 16 bytes of a random UUID (version 4) in base64, as the wire carries status uuids. */
  uuidBytes(): string;
}

/** Bytes of a UUID, and characters of its text. */
const UUID_BYTES = 16;
const UUID_CHARACTERS = 36;
const DASH = 0x2d;
/** Codes of the hexadecimal digits. */
const DIGITS = Buffer.from('0123456789abcdef', 'latin1');
/** Bytes before which the text has a dash. */
const GROUPS: ReadonlySet<number> = new Set([4, 6, 8, 10]);

/** Ids are made by the thousand at once: everything but their text is used again. */
abstract class UuidSource implements Ids {
  readonly #bytes = Buffer.alloc(UUID_BYTES);
  readonly #text = Buffer.alloc(UUID_CHARACTERS);

  /** Puts random bytes in the place of all that are there. */
  protected abstract fill(bytes: Uint8Array): void;

  uuid(): string {
    const bytes = this.#draw();
    const text = this.#text;
    let place = 0;
    for (let index = 0; index < UUID_BYTES; index++) {
      if (GROUPS.has(index)) text[place++] = DASH;
      const byte = bytes[index] ?? 0;
      text[place++] = DIGITS[byte >> 4] ?? 0;
      text[place++] = DIGITS[byte & 0x0f] ?? 0;
    }
    return text.toString('latin1');
  }

  uuidBytes(): string {
    return this.#draw().toString('base64');
  }

  #draw(): Buffer {
    const bytes = this.#bytes;
    this.fill(bytes);
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    return bytes;
  }
}

/** Bytes that are drawn from the operating system at once: a draw costs more than the bytes. */
const POOL_BYTES = 4096;

/** Ids from the random source of the operating system. */
export class SystemIds extends UuidSource {
  readonly #pool = new Uint8Array(POOL_BYTES);
  #used = POOL_BYTES;

  protected override fill(bytes: Uint8Array): void {
    if (this.#used + bytes.length > POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    for (let index = 0; index < bytes.length; index++) bytes[index] = this.#pool[this.#used++] ?? 0;
  }
}

/** Ids that a seed fixes. */
export class SeededIds extends UuidSource {
  readonly #random: Random;

  constructor(random: Random) {
    super();
    this.#random = random;
  }

  protected override fill(bytes: Uint8Array): void {
    for (let index = 0; index < bytes.length; index++) bytes[index] = this.#random.below(256);
  }
}
