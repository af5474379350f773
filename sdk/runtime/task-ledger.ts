/**
 * The tasks of the framework: the records in memory, what of them is not written yet, and which ended
 * ones are forgotten. It is the `TaskView` of handlers.
 *
 * Invariant: what `takeChanges` has returned so far, applied in order, is what is in memory, except
 * for the ids of updates whose turn has not ended.
 */
import { type TaskRecord, type TaskStateName, type TaskView, isEnded } from '../decisions/index.js';
import type { RuntimeLimits } from './limits.js';
import { type TaskEntry, TaskIndex } from './task-index.js';

/** First part of the keys of tasks. */
export const TASKS_PREFIX = 'tasks/';

/** A record with what only the runtime needs. This is what is stored. */
export interface StoredTask extends TaskRecord {
  /** Id of the update that was dealt with last: the same one again is a repetition. */
  readonly updateUuid?: string | undefined;
  /** Time between SIGTERM and SIGKILL that was asked for, in milliseconds. */
  readonly killGraceMs?: number | undefined;
}

/** Records to write and keys to delete. */
export interface Changes {
  readonly puts: { readonly key: string; readonly value: string }[];
  readonly deletes: string[];
}

/** States after which nothing that is heard about a task changes it. */
const FINAL: ReadonlySet<TaskStateName> = new Set(['FINISHED', 'FAILED', 'KILLED', 'ERROR']);

export class TaskLedger implements TaskView {
  readonly #limits: RuntimeLimits;
  readonly #tasks = new Map<string, TaskEntry<StoredTask>>();
  readonly #everything = new TaskIndex<StoredTask>();
  readonly #byName = new Map<string, TaskIndex<StoredTask>>();
  readonly #attempts = new Map<string, Set<string>>();
  /** Ended tasks in the order of their ends. */
  readonly #ended = new Set<string>();
  readonly #endedWithKey = new Set<string>();
  #changed = new Set<string>();

  constructor(limits: RuntimeLimits, stored: readonly StoredTask[] = []) {
    this.#limits = limits;
    for (const task of stored) this.#put(task);
  }

  get size(): number {
    return this.#tasks.size;
  }

  get(id: string): TaskRecord | undefined {
    return this.#tasks.get(id)?.record;
  }

  all(name?: string): readonly TaskRecord[] {
    return this.#index(name)?.all ?? [];
  }

  live(name?: string): readonly TaskRecord[] {
    return this.#index(name)?.live ?? [];
  }

  attempts(name: string, key: string): readonly TaskRecord[] {
    const ids = this.#attempts.get(attemptsKey(name, key)) ?? [];
    return [...ids].flatMap((id) => this.#tasks.get(id)?.record ?? []);
  }

  /** The record with what only the runtime needs. */
  stored(id: string): StoredTask | undefined {
    return this.#tasks.get(id)?.record;
  }

  /** Whether nothing that is heard about the task changes it any more. */
  isFinal(id: string): boolean {
    const task = this.#tasks.get(id)?.record;
    return task !== undefined && FINAL.has(task.state);
  }

  /** Adds a task, or replaces what is known of it. */
  put(task: StoredTask): void {
    this.#put(task);
    this.#changed.add(task.id);
  }

  /** Drops a task. Its key can be run again. */
  forget(id: string): boolean {
    const entry = this.#tasks.get(id);
    if (entry === undefined) return false;
    const task = entry.record;
    this.#tasks.delete(id);
    entry.isForgotten = true;
    this.#everything.forgot(entry);
    const named = this.#byName.get(task.name);
    named?.forgot(entry);
    if (named?.size === 0) this.#byName.delete(task.name);
    this.#ended.delete(id);
    this.#endedWithKey.delete(id);
    if (task.key !== undefined) {
      const key = attemptsKey(task.name, task.key);
      const attempts = this.#attempts.get(key);
      attempts?.delete(id);
      if (attempts?.size === 0) this.#attempts.delete(key);
    }
    this.#changed.add(id);
    return true;
  }

  /** Forgets the oldest ended tasks beyond the bounds. Returns those that had a key. */
  forgetOldest(): { readonly forgotten: number; readonly keyed: readonly TaskRecord[] } {
    let forgotten = 0;
    for (const id of this.#ended) {
      if (this.#ended.size <= this.#limits.maxEndedTasks) break;
      this.forget(id);
      forgotten++;
    }
    const keyed: TaskRecord[] = [];
    for (const id of this.#endedWithKey) {
      if (this.#endedWithKey.size <= this.#limits.maxEndedKeyedTasks) break;
      const task = this.#tasks.get(id)?.record;
      if (task !== undefined) keyed.push(task);
      this.forget(id);
    }
    return { forgotten: forgotten + keyed.length, keyed };
  }

  /** What has changed since the last time it was taken. */
  takeChanges(): Changes {
    const changes: Changes = { puts: [], deletes: [] };
    if (this.#changed.size === 0) return changes;
    for (const id of this.#changed) {
      const key = TASKS_PREFIX + id;
      const task = this.#tasks.get(id)?.record;
      if (task === undefined) changes.deletes.push(key);
      else changes.puts.push({ key, value: JSON.stringify(task) });
    }
    // A new one: what an emptied set grew through before would be kept with it.
    this.#changed = new Set();
    return changes;
  }

  /**
   * What has changed so far is not taken until the function that is returned was called: it belongs to a turn
   * that is not over.
   */
  setAside(): () => void {
    const aside = this.#changed;
    this.#changed = new Set();
    return () => {
      for (const id of aside) this.#changed.add(id);
    };
  }

  /** What has changed is not to be written: the framework is about to end. */
  dropChanges(): void {
    this.#changed.clear();
  }

  #index(name: string | undefined): TaskIndex<StoredTask> | undefined {
    return name === undefined ? this.#everything : this.#byName.get(name);
  }

  #put(task: StoredTask): void {
    const { id, name, key } = task;
    const entry = this.#tasks.get(id);
    if (entry === undefined) {
      this.#add(task);
    } else {
      const before = entry.record;
      entry.record = task;
      this.#everything.changed(entry, before);
      this.#byName.get(name)?.changed(entry, before);
    }
    const ended = key === undefined ? this.#ended : this.#endedWithKey;
    if (isEnded(task.state)) ended.add(id);
    else if (entry !== undefined) ended.delete(id);
  }

  #add(task: StoredTask): void {
    const { id, name, key } = task;
    const entry: TaskEntry<StoredTask> = { record: task, isForgotten: false };
    this.#tasks.set(id, entry);
    this.#everything.add(entry);
    let named = this.#byName.get(name);
    if (named === undefined) {
      named = new TaskIndex();
      this.#byName.set(name, named);
    }
    named.add(entry);
    if (key !== undefined) this.#addAttempt(attemptsKey(name, key), id);
  }

  #addAttempt(key: string, id: string): void {
    const attempts = this.#attempts.get(key);
    if (attempts === undefined) this.#attempts.set(key, new Set([id]));
    else attempts.add(id);
  }
}

function attemptsKey(name: string, key: string): string {
  return `${name}\n${key}`;
}
