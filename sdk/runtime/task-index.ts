/** Tasks by age, with those that have not ended. Lists are made when they are asked for, and kept. */
import { type TaskRecord, isEnded } from '../decisions/index.js';

export class TaskIndex {
  readonly #all = new Map<string, TaskRecord>();
  readonly #live = new Map<string, TaskRecord>();
  #allList: readonly TaskRecord[] | undefined;
  #liveList: readonly TaskRecord[] | undefined;

  get size(): number {
    return this.#all.size;
  }

  /** The oldest first. Does not change: a later change makes another list. */
  get all(): readonly TaskRecord[] {
    this.#allList ??= [...this.#all.values()];
    return this.#allList;
  }

  /** Those that have not ended, the oldest first. */
  get live(): readonly TaskRecord[] {
    this.#liveList ??= [...this.#live.values()];
    return this.#liveList;
  }

  put(record: TaskRecord): void {
    const { id } = record;
    this.#all.set(id, record);
    this.#allList = undefined;
    if (!isEnded(record.state)) this.#live.set(id, record);
    else if (!this.#live.delete(id)) return;
    this.#liveList = undefined;
  }

  remove(id: string): void {
    if (this.#all.delete(id)) this.#allList = undefined;
    if (this.#live.delete(id)) this.#liveList = undefined;
  }
}
