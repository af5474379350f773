/**
 * What happens inside of one LMDB transaction, for all the writes that share it. Sequence and epoch
 * are read anew each time: another process may have moved them.
 *
 * Invariant: a write that is refused has changed nothing.
 */
import type { Database } from 'lmdb';
import type { StoreTransaction } from '../base/index.js';
import { conflictError, fencedError } from './errors.js';

/** The last version given out, over all keys: no version is ever used twice. */
const SEQUENCE = 'sequence';
/** The epoch that was claimed last. */
const EPOCH = 'epoch';

export class LmdbBatch {
  readonly #records: Database<string, Buffer>;
  readonly #numbers: Database<number, string>;
  readonly #firstSequence: number;
  #sequence: number;
  #epoch: number;

  /** To be made inside of the transaction. */
  constructor(records: Database<string, Buffer>, numbers: Database<number, string>) {
    this.#records = records;
    this.#numbers = numbers;
    this.#firstSequence = numbers.get(SEQUENCE) ?? 0;
    this.#sequence = this.#firstSequence;
    this.#epoch = numbers.get(EPOCH) ?? 0;
  }

  /** @throws PlateauError `FENCED` or `STORE_CONFLICT`, with nothing changed. */
  apply(transaction: StoreTransaction): void {
    const { epoch, checks = [], puts = [], deletes = [] } = transaction;
    if (epoch !== undefined && epoch < this.#epoch) throw fencedError(epoch, this.#epoch);
    for (const { key, version } of checks) {
      const found = this.#records.getEntry(Buffer.from(key))?.version ?? 0;
      if (found !== version) throw conflictError(key, version, found);
    }
    for (const { key, value } of puts) {
      this.#sequence += 1;
      // Inside of a transaction the library writes at once; there is nothing to wait for.
      void this.#records.put(Buffer.from(key), value, this.#sequence);
    }
    for (const key of deletes) void this.#records.remove(Buffer.from(key));
  }

  /** Raises the epoch by one and returns it. */
  claimEpoch(): number {
    this.#epoch += 1;
    void this.#numbers.put(EPOCH, this.#epoch);
    return this.#epoch;
  }

  /** Writes the sequence back; to be called last. */
  finish(): void {
    if (this.#sequence !== this.#firstSequence) void this.#numbers.put(SEQUENCE, this.#sequence);
  }
}
