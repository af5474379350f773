/**
 * What a memory store writes to: the part that survives when the process above it crashes. Several
 * stores may share one medium, as several processes share one file.
 *
 * Invariant: `sequence` never goes back, so a version is never used twice, even for a key that was
 * deleted and made again.
 */
import type { StoreEntry, StoreTransaction } from '../base/index.js';
import { conflictError, fencedError } from './errors.js';

interface StoredRecord {
  readonly value: string;
  readonly version: number;
}

export class MemoryMedium {
  readonly #records: Map<string, StoredRecord>;
  #sequence: number;
  #epoch: number;

  /** An empty medium, or a copy of another one as it is now. */
  constructor(original?: MemoryMedium) {
    this.#records = new Map(original === undefined ? [] : original.#records);
    this.#sequence = original === undefined ? 0 : original.#sequence;
    this.#epoch = original === undefined ? 0 : original.#epoch;
  }

  /** How many records there are. */
  get size(): number {
    return this.#records.size;
  }

  /** The epoch that was claimed last; 0: none yet. */
  get epoch(): number {
    return this.#epoch;
  }

  get(key: string): StoreEntry | undefined {
    const record = this.#records.get(key);
    return record === undefined ? undefined : { key, ...record };
  }

  /** The records of a prefix in the order of the bytes of their keys. */
  list(prefix: string): readonly StoreEntry[] {
    const found: StoreEntry[] = [];
    for (const [key, record] of this.#records) {
      if (key.startsWith(prefix)) found.push({ key, ...record });
    }
    return found.toSorted((one, other) => compareBytes(one.key, other.key));
  }

  /**
   * Applies all of a transaction or nothing.
   * @throws PlateauError `FENCED` or `STORE_CONFLICT`.
   */
  apply(transaction: StoreTransaction): void {
    const { epoch, checks = [], puts = [], deletes = [] } = transaction;
    if (epoch !== undefined && epoch < this.#epoch) throw fencedError(epoch, this.#epoch);
    for (const { key, version } of checks) {
      const found = this.#records.get(key)?.version ?? 0;
      if (found !== version) throw conflictError(key, version, found);
    }
    for (const { key, value } of puts) {
      this.#sequence += 1;
      this.#records.set(key, { value, version: this.#sequence });
    }
    for (const key of deletes) this.#records.delete(key);
  }

  /** Raises the epoch by one and returns it. */
  claimEpoch(): number {
    this.#epoch += 1;
    return this.#epoch;
  }
}

/** Code units and bytes order alike except where surrogates are: there, bytes decide. */
function compareBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
