/**
 * The state of an array, without I/O: which indexes are to be run, run, wait, or have come to an end. Sets
 * are compressed ranges, so that an array costs what its exceptions cost.
 *
 * Invariant: each index of the array is in exactly one of: fresh, ready, waiting, live, succeeded, failed,
 * cancelled.
 */
import { PlateauError, type TaskStateName } from '../../sdk/index.js';
import { DueQueue } from './due-queue.js';
import { IndexRanges } from './index-ranges.js';
import { NOTHING_SPENT, type Spent, type Verdict } from './retry-policy.js';

/** The task that runs an index. */
export interface LiveTask {
  readonly taskId: string;
  /** From 1. */
  readonly attempt: number;
  readonly agent: number;
  readonly launchedAt: number;
  state: TaskStateName;
  /** When it was last heard to be out of reach; undefined: it is not. */
  unreachableSince: number | undefined;
}

/** An index that was tried and is to be tried again, or one that is being tried again. */
export interface Retry extends Spent {
  /** Attempts so far. */
  readonly attempts: number;
  /** When it may run again, in milliseconds since 1970. */
  readonly dueAt: number;
  /** Agent of the attempt that failed last; 0: none. */
  readonly agent: number;
}

export type IndexState =
  | 'PENDING'
  | 'BACKOFF'
  | 'LAUNCHING'
  | 'RUNNING'
  | 'UNKNOWN'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'CANCELLED';

/** Ends of indexes that are stored. */
export interface StoredArray {
  readonly succeeded: IndexRanges;
  readonly failed: IndexRanges;
  readonly cancelled: IndexRanges;
  readonly retries: ReadonlyMap<number, Retry>;
}

export class ArrayState {
  readonly indexes: IndexRanges;
  readonly succeeded: IndexRanges;
  readonly failed: IndexRanges;
  readonly cancelled: IndexRanges;
  /** To be run for the first time. */
  readonly fresh: IndexRanges;
  /** To be run again now. */
  readonly ready = IndexRanges.empty();
  readonly live = new Map<number, LiveTask>();
  readonly #retries: Map<number, Retry>;
  readonly #due = new DueQueue();
  #waiting = 0;
  #unreachable = 0;

  constructor(indexes: IndexRanges, stored?: StoredArray) {
    this.indexes = indexes;
    this.succeeded = stored?.succeeded ?? IndexRanges.empty();
    this.failed = stored?.failed ?? IndexRanges.empty();
    this.cancelled = stored?.cancelled ?? IndexRanges.empty();
    this.#retries = new Map(stored?.retries);
    this.fresh = indexes.clone();
    for (const settled of [this.succeeded, this.failed, this.cancelled]) {
      this.fresh.removeAll(settled);
    }
    for (const [index, { dueAt }] of this.#retries) {
      if (!this.fresh.remove(index)) continue;
      this.#due.push({ at: dueAt, index });
      this.#waiting++;
    }
  }

  /** Indexes that could run now. */
  get pending(): number {
    return this.fresh.size + this.ready.size;
  }

  /** Indexes that wait until they are tried again. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Live tasks whose agents are out of reach. */
  get unreachable(): number {
    return this.#unreachable;
  }

  /** Whether every index has come to an end. */
  get isSettled(): boolean {
    return this.settled === this.indexes.size;
  }

  get settled(): number {
    return this.succeeded.size + this.failed.size + this.cancelled.size;
  }

  /** When the first waiting index is due; undefined: none waits. May be too early. */
  get nextDueAt(): number | undefined {
    return this.#due.next?.at;
  }

  retryOf(index: number): Retry | undefined {
    return this.#retries.get(index);
  }

  stateOf(index: number): IndexState {
    if (this.succeeded.has(index)) return 'SUCCEEDED';
    if (this.failed.has(index)) return 'FAILED';
    if (this.cancelled.has(index)) return 'CANCELLED';
    const live = this.live.get(index);
    if (live !== undefined) return liveState(live);
    return this.fresh.has(index) || this.ready.has(index) ? 'PENDING' : 'BACKOFF';
  }

  /** Lets those run again whose time has come. */
  wakeUntil(nowMs: number): void {
    for (;;) {
      const next = this.#due.next;
      if (next === undefined || next.at > nowMs) return;
      this.#due.shift();
      if (!this.#isWaiting(next.index, next.at)) continue;
      this.#waiting--;
      this.ready.add(next.index);
    }
  }

  /** A task was started for an index that could run. */
  launched(index: number, task: LiveTask): void {
    const isThere = this.ready.remove(index) || this.fresh.remove(index);
    check(isThere, `index ${index} was launched, but is ${this.stateOf(index)}`);
    this.#setLive(index, task);
  }

  /** A task is found to run, whose index is not settled: after a start of the scheduler. */
  found(index: number, task: LiveTask): void {
    if (!this.ready.remove(index) && !this.fresh.remove(index)) {
      check(this.stateOf(index) === 'BACKOFF', `index ${index} runs and is settled`);
      this.#waiting--;
    }
    this.#setLive(index, task);
  }

  /** The task of an index has never been started: the index is as it was before. */
  unlaunched(index: number): void {
    if (!this.#removeLive(index)) return;
    if (this.#retries.has(index)) this.ready.add(index);
    else this.fresh.add(index);
  }

  /** A live task has another state that is not an end. */
  noteState(index: number, state: TaskStateName, nowMs: number): void {
    const task = this.live.get(index);
    if (task === undefined) return;
    const wasOut = task.unreachableSince !== undefined;
    const isOut = state === 'UNREACHABLE' || state === 'UNKNOWN';
    task.state = state;
    if (isOut) task.unreachableSince ??= nowMs;
    else task.unreachableSince = undefined;
    if (isOut !== wasOut) this.#unreachable += isOut ? 1 : -1;
  }

  /** The attempt at a live index is over. */
  ended(index: number, verdict: Verdict, nowMs: number): void {
    const task = this.live.get(index);
    if (task === undefined || !this.#removeLive(index)) return;
    if (verdict.kind === 'succeeded') {
      this.#settle(index, this.succeeded);
      return;
    }
    if (verdict.kind === 'failed') {
      this.#settle(index, this.failed);
      return;
    }
    const { spent, waitMs } = verdict;
    const dueAt = nowMs + waitMs;
    const { attempt: attempts, agent } = task;
    this.#retries.set(index, { ...spent, attempts, dueAt, agent });
    this.#due.push({ at: dueAt, index });
    this.#waiting++;
  }

  /** A task that had been given up has finished after all. */
  finishedLate(index: number): void {
    if (this.succeeded.has(index)) return;
    this.#take(index);
    this.#settle(index, this.succeeded);
  }

  /** Ends those of the indexes that have not ended. Returns which; their live tasks are to be killed. */
  cancel(indexes: IndexRanges): IndexRanges {
    const ended = IndexRanges.empty();
    for (const index of indexes) {
      if (!this.indexes.has(index) || this.isIndexSettled(index)) continue;
      this.#take(index);
      this.#settle(index, this.cancelled);
      ended.add(index);
    }
    return ended;
  }

  /**
   * Begins anew with those of the indexes that have ended: what they have spent is forgotten, and their attempts are
   * counted on from `lastAttemptOf`. Returns which.
   */
  rerun(indexes: IndexRanges, lastAttemptOf: (index: number) => number): IndexRanges {
    const again = IndexRanges.empty();
    for (const index of indexes) {
      const wasSettled =
        this.succeeded.remove(index) || this.failed.remove(index) || this.cancelled.remove(index);
      if (!wasSettled) continue;
      const attempts = lastAttemptOf(index);
      if (attempts === 0) this.fresh.add(index);
      else {
        this.#retries.set(index, { ...NOTHING_SPENT, attempts, dueAt: 0, agent: 0 });
        this.ready.add(index);
      }
      again.add(index);
    }
    return again;
  }

  isIndexSettled(index: number): boolean {
    return this.succeeded.has(index) || this.failed.has(index) || this.cancelled.has(index);
  }

  /** What is spent of an index that is tried now. */
  spentOf(index: number): Spent {
    return this.#retries.get(index) ?? NOTHING_SPENT;
  }

  /** Retries of the indexes from `first` to `last`, to be stored. */
  retriesWithin(first: number, last: number): ReadonlyMap<number, Retry> {
    const found = new Map<number, Retry>();
    if (this.#retries.size === 0) return found;
    for (const index of this.indexes.within(first, last)) {
      const retry = this.#retries.get(index);
      if (retry !== undefined) found.set(index, retry);
    }
    return found;
  }

  /** Throws when an index is in no place or in two. */
  assertInvariant(): void {
    const sum = this.pending + this.waiting + this.live.size + this.settled;
    check(sum === this.indexes.size, `${sum} indexes instead of ${this.indexes.size}`);
  }

  #isWaiting(index: number, dueAt: number): boolean {
    if (this.#retries.get(index)?.dueAt !== dueAt || this.live.has(index)) return false;
    return !this.ready.has(index) && !this.fresh.has(index) && !this.isIndexSettled(index);
  }

  #setLive(index: number, task: LiveTask): void {
    this.live.set(index, task);
    if (task.unreachableSince !== undefined) this.#unreachable++;
  }

  #removeLive(index: number): boolean {
    const task = this.live.get(index);
    if (task === undefined) return false;
    this.live.delete(index);
    if (task.unreachableSince !== undefined) this.#unreachable--;
    return true;
  }

  #settle(index: number, into: IndexRanges): void {
    into.add(index);
    this.#retries.delete(index);
  }

  /** Takes an index that is not settled, or failed or was cancelled, out of its place. */
  #take(index: number): void {
    if (this.#removeLive(index) || this.fresh.remove(index) || this.ready.remove(index)) return;
    if (this.failed.remove(index) || this.cancelled.remove(index)) return;
    this.#waiting--;
  }
}

function liveState({ state, unreachableSince }: LiveTask): IndexState {
  if (unreachableSince !== undefined) return 'UNKNOWN';
  return state === 'RUNNING' || state === 'KILLING' ? 'RUNNING' : 'LAUNCHING';
}

function check(holds: boolean, message: string): void {
  if (!holds) throw new PlateauError('ASSERTION', message);
}
