/**
 * A store in memory: for tests, for the simulator, and for masters that need not survive. Writes
 * become visible and resolve together, in a microtask or, with a clock, after a delay of its time;
 * reads see what is committed. Deterministic.
 *
 * Faults: `failNextWrites` lets the medium refuse, `crash` ends the process above the medium.
 */
import {
  type Clock,
  type Disposable,
  type Store,
  type StoreEntry,
  type StoreTransaction,
  at,
} from '../base/index.js';
import { closedError, overloadedError, storeFailedError } from './errors.js';
import { MAX_PENDING_TRANSACTIONS, checkKey, checkLimits } from './limits.js';
import { MemoryMedium } from './memory-medium.js';

export interface MemoryStoreOptions {
  /** What to write to; default: a new, empty medium. */
  readonly medium?: MemoryMedium;
  /** Lets a commit take time. */
  readonly delay?: {
    readonly clock: Clock;
    /** Milliseconds until what is queued becomes durable; asked for each commit. */
    readonly commitMs: () => number;
  };
}

interface PendingWrite {
  /** Writes to the medium; throws when refused. */
  readonly apply: () => void;
  readonly settle: (error: unknown) => void;
}

export class MemoryStore implements Store {
  /** What survives a crash. */
  readonly medium: MemoryMedium;
  readonly #delay: MemoryStoreOptions['delay'];
  #pending: PendingWrite[] = [];
  #commit: Disposable | undefined;
  #writesToFail = 0;
  #state: 'open' | 'closed' | 'crashed' = 'open';
  #onIdle: (() => void)[] = [];

  constructor(options: MemoryStoreOptions = {}) {
    this.medium = options.medium ?? new MemoryMedium();
    this.#delay = options.delay;
  }

  /** How many writes are not durable yet. */
  get pendingWrites(): number {
    return this.#pending.length;
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    await this.#whenUsable();
    checkKey(key);
    return this.medium.get(key);
  }

  async list(prefix: string): Promise<readonly StoreEntry[]> {
    await this.#whenUsable();
    return this.medium.list(prefix);
  }

  transact(transaction: StoreTransaction): Promise<void> {
    return this.#write(() => {
      checkLimits(transaction);
      return () => this.medium.apply(transaction);
    });
  }

  claimEpoch(): Promise<number> {
    return this.#write(() => () => this.medium.claimEpoch());
  }

  async close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    if (this.#pending.length > 0) {
      await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    }
  }

  /**
   * The next `count` writes are refused by the medium, with `STORE_FAILED`, and change nothing; 0 ends
   * what was said before.
   */
  failNextWrites(count = 1): void {
    this.#writesToFail = count;
  }

  /**
   * The process dies now: of the writes that are not durable the first `keptWrites` reach the
   * medium, the others never do, and nobody learns of either: no promise settles any more.
   */
  crash(keptWrites = 0): void {
    this.#state = 'crashed';
    this.#commit?.dispose();
    for (const write of this.#pending.slice(0, keptWrites)) {
      try {
        write.apply();
      } catch {
        // Whoever would have learned of the conflict is gone.
      }
    }
    this.#pending = [];
  }

  /** Queues a write; `prepare` runs at once and may refuse. */
  #write<Result>(prepare: () => () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#state === 'crashed') return;
      if (this.#state === 'closed') throw closedError();
      if (this.#pending.length >= MAX_PENDING_TRANSACTIONS) {
        throw overloadedError(MAX_PENDING_TRANSACTIONS);
      }
      const run = prepare();
      const results: Result[] = [];
      this.#pending.push({
        apply: () => results.push(run()),
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- passed on as caught
        settle: (error) => (error === undefined ? resolve(at(results, 0)) : reject(error)),
      });
      this.#scheduleCommit();
    });
  }

  #scheduleCommit(): void {
    if (this.#commit !== undefined) return;
    if (this.#delay === undefined) {
      this.#commit = { dispose() {} };
      queueMicrotask(() => this.#commitPending());
    } else {
      const { clock, commitMs } = this.#delay;
      this.#commit = clock.setTimer(commitMs(), () => this.#commitPending());
    }
  }

  #commitPending(): void {
    this.#commit = undefined;
    const writes = this.#pending;
    this.#pending = [];
    for (const write of writes) write.settle(this.#outcomeOf(write));
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  #outcomeOf(write: PendingWrite): unknown {
    if (this.#writesToFail > 0) {
      this.#writesToFail -= 1;
      return storeFailedError('the medium refuses to write');
    }
    try {
      write.apply();
      return undefined;
    } catch (error) {
      return error;
    }
  }

  #whenUsable(): Promise<void> {
    if (this.#state === 'closed') return Promise.reject(closedError());
    if (this.#state === 'crashed') return new Promise(() => {});
    return Promise.resolve();
  }
}
