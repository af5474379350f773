/**
 * The tasks of the framework: the records in memory, what of them is not written yet, and which ended
 * ones are forgotten. It is the `TaskView` of handlers.
 *
 * Invariant: what `takeChanges` has returned so far, applied in order, is what is in memory, except
 * for the ids of updates whose turn has not ended.
 */
import { type TaskRecord, type TaskStateName, type TaskView, isEnded } from '../decisions/index.js';
import type { RuntimeLimits } from './limits.js';
import { TaskIndex } from './task-index.js';

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
  readonly #tasks = new Map<string, StoredTask>();
  readonly #everything = new TaskIndex();
  readonly #byName = new Map<string, TaskIndex>();
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
    return this.#everything.size;
  }

  get(id: string): TaskRecord | undefined {
    return this.#tasks.get(id);
  }

  all(name?: string): readonly TaskRecord[] {
    return this.#index(name)?.all ?? [];
  }

  live(name?: string): readonly TaskRecord[] {
    return this.#index(name)?.live ?? [];
  }

  attempts(name: string, key: string): readonly TaskRecord[] {
    const ids = this.#attempts.get(attemptsKey(name, key)) ?? [];
    return [...ids].flatMap((id) => this.#tasks.get(id) ?? []);
  }

  /** The record with what only the runtime needs. */
  stored(id: string): StoredTask | undefined {
    return this.#tasks.get(id);
  }

  /** Whether nothing that is heard about the task changes it any more. */
  isFinal(id: string): boolean {
    const task = this.#tasks.get(id);
    return task !== undefined && FINAL.has(task.state);
  }

  /** Adds a task, or replaces what is known of it. */
  put(task: StoredTask): void {
    this.#put(task);
    this.#changed.add(task.id);
  }

  /** Drops a task. Its key can be run again. */
  forget(id: string): boolean {
    const task = this.#tasks.get(id);
    if (task === undefined) return false;
    this.#tasks.delete(id);
    this.#everything.remove(id);
    const named = this.#byName.get(task.name);
    named?.remove(id);
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
      keyed.push(...(this.#tasks.has(id) ? [this.#tasks.get(id) ?? []].flat() : []));
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
      const task = this.#tasks.get(id);
      if (task === undefined) changes.deletes.push(key);
      else changes.puts.push({ key, value: JSON.stringify(task) });
    }
    // A new one: what an emptied set grew through before would be kept with it.
    this.#changed = new Set();
    return changes;
  }

  /** What has changed is not to be written: the framework is about to end. */
  dropChanges(): void {
    this.#changed.clear();
  }

  #index(name: string | undefined): TaskIndex | undefined {
    return name === undefined ? this.#everything : this.#byName.get(name);
  }

  #put(task: StoredTask): void {
    const { id, name, key } = task;
    const isNew = !this.#tasks.has(id);
    this.#tasks.set(id, task);
    this.#everything.put(task);
    let named = this.#byName.get(name);
    if (named === undefined) {
      named = new TaskIndex();
      this.#byName.set(name, named);
    }
    named.put(task);
    if (isNew && key !== undefined) this.#addAttempt(attemptsKey(name, key), id);
    const ended = key === undefined ? this.#ended : this.#endedWithKey;
    if (isEnded(task.state)) ended.add(id);
    else ended.delete(id);
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
