/**
 * What an LMDB store held at one moment, for those who only look: the folder must be there, no record is
 * written, and other processes may write meanwhile. Close it soon: until then, what they delete takes room.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type RootDatabase, type Transaction, open } from 'lmdb';
import type { StoreEntry, StoreReader } from '../base/index.js';
import { closedError, storeFailedError } from './errors.js';
import { checkKey } from './limits.js';
import { RECORDS, type Records, listRecords, readRecord } from './lmdb-records.js';

export class LmdbSnapshot implements StoreReader {
  readonly #path: string;
  readonly #root: RootDatabase<string, Buffer>;
  readonly #records: Records;
  readonly #transaction: Transaction;
  #isClosed = false;

  /** @throws PlateauError `STORE_FAILED` when no store is in the folder. */
  constructor(path: string) {
    this.#path = path;
    // The library would make the folder.
    if (!existsSync(join(path, 'data.mdb'))) {
      throw storeFailedError(`there is no store in ${path}: name the folder of one`);
    }
    try {
      this.#root = open({ path, noSubdir: false, maxDbs: 2, readOnly: true });
      this.#records = this.#root.openDB(RECORDS);
      this.#transaction = this.#records.useReadTransaction();
    } catch (error) {
      throw storeFailedError(`the store in ${path} cannot be opened`, error);
    }
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    checkKey(key);
    return this.#read((options) => readRecord(this.#records, key, options));
  }

  async list(prefix: string): Promise<readonly StoreEntry[]> {
    return this.#read((options) => listRecords(this.#records, prefix, options));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#transaction.done();
    await this.#root.close();
  }

  #read<Result>(read: (options: { readonly transaction: Transaction }) => Result): Result {
    if (this.#isClosed) throw closedError();
    try {
      return read({ transaction: this.#transaction });
    } catch (error) {
      throw storeFailedError(`the store in ${this.#path} cannot be read`, error);
    }
  }
}
