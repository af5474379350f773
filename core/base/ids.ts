/** Unique ids, from outside as all randomness. */
import { randomFillSync } from 'node:crypto';
import type { Random } from './random.js';

export interface Ids {
  /** A random UUID (version 4) as text. */
  uuid(): string;
  /** The 16 bytes of a random UUID (version 4) in base64, as the wire carries status uuids. */
  uuidBytes(): string;
}

abstract class UuidSource implements Ids {
  protected abstract fill(bytes: Uint8Array): void;

  uuid(): string {
    const hex = this.#draw().toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  uuidBytes(): string {
    return this.#draw().toString('base64');
  }

  #draw(): Buffer {
    const bytes = Buffer.alloc(16);
    this.fill(bytes);
    bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
    bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
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
    bytes.set(this.#pool.subarray(this.#used, this.#used + bytes.length));
    this.#used += bytes.length;
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
