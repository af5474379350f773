/**
 * Tasks by age, with those that have not ended. Lists are made when they are asked for, and kept. Thousands of
 * tasks may come and end in one turn: so an index is two lists with gaps where tasks left, closed when there
 * are many, and not two maps.
 */
import { type TaskRecord, isEnded } from '../decisions/index.js';

/** A task, in all indices that have it. */
export interface TaskEntry<T extends TaskRecord> {
  record: T;
  isForgotten: boolean;
}

export class TaskIndex<T extends TaskRecord> {
  readonly #all = new GappyList<TaskEntry<T>, T>(isKnown, recordOf);
  readonly #live = new GappyList<TaskEntry<T>, T>(isLive, recordOf);

  get size(): number {
    return this.#all.size;
  }

  /** The oldest first. Does not change: a later change makes another list. */
  get all(): readonly T[] {
    return this.#all.list;
  }

  /** Those that have not ended, the oldest first. */
  get live(): readonly T[] {
    return this.#live.list;
  }

  add(entry: TaskEntry<T>): void {
    this.#all.add(entry);
    if (isLive(entry)) this.#live.add(entry);
  }

  /** The entry has another record now. */
  changed(entry: TaskEntry<T>, before: T): void {
    const wasLive = !isEnded(before.state);
    this.#all.changed();
    if (isLive(entry)) {
      if (wasLive) this.#live.changed();
      else this.#live.addAgain(entry);
    } else if (wasLive) this.#live.left();
  }

  /** The entry is forgotten now. */
  forgot(entry: TaskEntry<T>): void {
    this.#all.left();
    if (!isEnded(entry.record.state)) this.#live.left();
  }
}

function isKnown<T extends TaskRecord>(entry: TaskEntry<T>): boolean {
  return !entry.isForgotten;
}

function isLive<T extends TaskRecord>(entry: TaskEntry<T>): boolean {
  return !entry.isForgotten && !isEnded(entry.record.state);
}

function recordOf<T extends TaskRecord>(entry: TaskEntry<T>): T {
  return entry.record;
}

/** Gaps that a list may have whatever its size. */
const FEW_GAPS = 32;

/** Entries in the order in which they came. Those that are not in any more stay as gaps for a while. */
class GappyList<Entry, Shown> {
  readonly #isIn: (entry: Entry) => boolean;
  readonly #show: (entry: Entry) => Shown;
  #entries: Entry[] = [];
  #list: readonly Shown[] | undefined;
  #size = 0;

  constructor(isIn: (entry: Entry) => boolean, show: (entry: Entry) => Shown) {
    this.#isIn = isIn;
    this.#show = show;
  }

  get size(): number {
    return this.#size;
  }

  get list(): readonly Shown[] {
    if (this.#list === undefined) {
      this.#closeGaps();
      this.#list = this.#entries.map(this.#show);
    }
    return this.#list;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    this.#size++;
    this.#list = undefined;
  }

  /** For one that was in before, and may have left a gap that it would fill. */
  addAgain(entry: Entry): void {
    this.#entries = this.#entries.filter((other) => other !== entry && this.#isIn(other));
    this.add(entry);
  }

  /** An entry shows something else. */
  changed(): void {
    this.#list = undefined;
  }

  /** An entry is not in any more. */
  left(): void {
    this.#size--;
    this.#list = undefined;
    if (this.#entries.length > 2 * this.#size + FEW_GAPS) this.#closeGaps();
  }

  #closeGaps(): void {
    if (this.#entries.length > this.#size) this.#entries = this.#entries.filter(this.#isIn);
  }
}
