/**
 * The store on LMDB: one folder on one host, shared by any number of its processes. A transaction
 * resolves when LMDB has committed it with `fdatasync`; all transactions that wait while a commit
 * runs share the next one, so many writers cost few syncs.
 *
 * The option `overlappingSync` of the library stays off: with it, a promise resolves when a write is
 * visible, before it is durable.
 */
import { mkdirSync } from 'node:fs';
import { type Database, type RootDatabase, open } from 'lmdb';
import {
  PlateauError,
  type Store,
  type StoreEntry,
  type StoreTransaction,
  at,
  isRecord,
} from '../base/index.js';
import { closedError, overloadedError, storeFailedError } from './errors.js';
import {
  MAX_PENDING_TRANSACTIONS,
  MAX_TRANSACTIONS_PER_COMMIT,
  checkKey,
  checkLimits,
} from './limits.js';
import { LmdbBatch } from './lmdb-batch.js';
import { RECORDS, type Records, listRecords, readRecord } from './lmdb-records.js';
import { syncFolder } from './sync-folder.js';

/** A write that waits for the next commit. */
interface PendingWrite {
  /** Runs inside of an LMDB transaction; throws a PlateauError before it changes anything. */
  readonly run: (batch: LmdbBatch) => void;
  readonly settle: (error: unknown) => void;
}

export class LmdbStore implements Store {
  readonly #root: RootDatabase<string, Buffer>;
  readonly #records: Records;
  readonly #numbers: Database<number, string>;
  readonly #path: string;
  #queue: PendingWrite[] = [];
  #pump: Promise<void> | undefined;
  #isClosed = false;

  /**
   * Opens the store in a folder, which is made when absent.
   * @throws PlateauError `STORE_FAILED`.
   */
  constructor(path: string) {
    this.#path = path;
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      this.#root = open({
        path,
        noSubdir: false,
        maxDbs: 2,
        overlappingSync: false,
        eventTurnBatching: false,
      });
      this.#records = this.#root.openDB(RECORDS);
      this.#numbers = this.#root.openDB({ name: 'numbers' });
      syncFolder(path);
    } catch (error) {
      throw storeFailedError(`the store in ${path} cannot be opened`, error);
    }
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    checkKey(key);
    return this.#read(() => readRecord(this.#records, key));
  }

  async list(prefix: string): Promise<readonly StoreEntry[]> {
    return this.#read(() => listRecords(this.#records, prefix));
  }

  transact(transaction: StoreTransaction): Promise<void> {
    return this.#write(() => {
      checkLimits(transaction);
      return (batch) => batch.apply(transaction);
    });
  }

  claimEpoch(): Promise<number> {
    return this.#write(() => (batch) => batch.claimEpoch());
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#pump;
    await this.#root.close();
  }

  #read<Result>(read: () => Result): Result {
    if (this.#isClosed) throw closedError();
    try {
      // Otherwise a snapshot taken earlier in this turn would hide what other processes wrote.
      this.#records.resetReadTxn();
      return read();
    } catch (error) {
      throw storeFailedError(`the store in ${this.#path} cannot be read`, error);
    }
  }

  #write<Result>(prepare: () => (batch: LmdbBatch) => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw closedError();
      if (this.#queue.length >= MAX_PENDING_TRANSACTIONS) {
        throw overloadedError(MAX_PENDING_TRANSACTIONS);
      }
      const perform = prepare();
      const results: Result[] = [];
      this.#queue.push({
        run: (batch) => results.push(perform(batch)),
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- passed on as caught
        settle: (error) => (error === undefined ? resolve(at(results, 0)) : reject(error)),
      });
      this.#pump ??= this.#commitUntilIdle();
    });
  }

  async #commitUntilIdle(): Promise<void> {
    while (this.#queue.length > 0) await this.#commitOnce();
    this.#pump = undefined;
  }

  /** Commits what is queued at the moment when LMDB grants the write lock. Never rejects. */
  async #commitOnce(): Promise<void> {
    let taken: PendingWrite[] = [];
    const refusals = new Map<PendingWrite, unknown>();
    try {
      // As a child, all of it is undone should anything unforeseen throw in the middle.
      await this.#root.childTransaction(() => {
        taken = this.#queue.splice(0, MAX_TRANSACTIONS_PER_COMMIT);
        this.#runAll(taken, refusals);
      });
      for (const write of taken) write.settle(refusals.get(write));
    } catch (error) {
      if (taken.length === 0) taken = this.#queue.splice(0, MAX_TRANSACTIONS_PER_COMMIT);
      const what = `the store in ${this.#path} cannot be written`;
      const failure = storeFailedError(what, await causeOf(error));
      for (const write of taken) write.settle(failure);
    }
  }

  #runAll(writes: readonly PendingWrite[], refusals: Map<PendingWrite, unknown>): void {
    const batch = new LmdbBatch(this.#records, this.#numbers);
    for (const write of writes) {
      try {
        write.run(batch);
      } catch (error) {
        if (!(error instanceof PlateauError)) throw error;
        refusals.set(write, error);
      }
    }
    batch.finish();
  }
}

/** The library hides the reason of a failed commit in a promise of the error. */
async function causeOf(error: unknown): Promise<unknown> {
  if (!isRecord(error) || !('commitError' in error)) return error;
  try {
    await error['commitError'];
    return error;
  } catch (cause) {
    return cause;
  }
}
