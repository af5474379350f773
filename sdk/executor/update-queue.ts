/**
 * Updates that the agent has not acknowledged, and tasks of which it has acknowledged none. Of each task one
 * update at a time is on its way; the next one follows its acknowledgement: so their order holds over lost
 * calls and lost agents.
 */
import type { ExecutorCallUpdate, TaskInfo, TaskStatus } from '../../core/api/index.js';
import { isTerminalState } from '../../core/api/index.js';

/** Characters of a message that are left when the agent finds an update too large. */
const STRIPPED_MESSAGE_CHARS = 256;

export class UpdateQueue {
  /** By uuid, the oldest first. */
  readonly #updates = new Map<string, TaskStatus>();
  /** Uuids by task, the oldest first. */
  readonly #byTask = new Map<string, string[]>();
  /** Uuids of those that are on their way. */
  readonly #sent = new Set<string>();
  readonly #tasks = new Map<string, TaskInfo>();

  /** How many wait. */
  get size(): number {
    return this.#updates.size;
  }

  /** How many of one task wait. */
  sizeOf(taskId: string): number {
    return this.#byTask.get(taskId)?.length ?? 0;
  }

  /** The executor has been given a task. */
  addTask(task: TaskInfo): void {
    this.#tasks.set(task.task_id.value, task);
  }

  add(status: TaskStatus & { readonly uuid: string }): void {
    const taskId = status.task_id.value;
    this.#updates.set(status.uuid, status);
    this.#byTask.set(taskId, [...(this.#byTask.get(taskId) ?? []), status.uuid]);
  }

  /** The agent has it. False: it was not waiting. */
  acknowledge(uuid: string): boolean {
    const status = this.#updates.get(uuid);
    if (status === undefined) return false;
    const taskId = status.task_id.value;
    const left = (this.#byTask.get(taskId) ?? []).filter((one) => one !== uuid);
    if (left.length > 0) this.#byTask.set(taskId, left);
    else this.#byTask.delete(taskId);
    this.#updates.delete(uuid);
    this.#sent.delete(uuid);
    this.#tasks.delete(taskId);
    return true;
  }

  /** The oldest of each task that is not on its way: it counts as sent now. */
  takeDue(): readonly TaskStatus[] {
    const due: TaskStatus[] = [];
    for (const [oldest] of this.#byTask.values()) {
      const status = oldest === undefined ? undefined : this.#updates.get(oldest);
      if (oldest === undefined || status === undefined || this.#sent.has(oldest)) continue;
      this.#sent.add(oldest);
      due.push(status);
    }
    return due;
  }

  /** What was sent may be lost: it is due again. */
  forgetSent(): void {
    this.#sent.clear();
  }

  /** What a subscription tells, in order; it counts as sent. */
  takeAll(): {
    readonly unacknowledged_tasks: readonly TaskInfo[];
    readonly unacknowledged_updates: readonly ExecutorCallUpdate[];
  } {
    for (const uuid of this.#updates.keys()) this.#sent.add(uuid);
    return {
      unacknowledged_tasks: [...this.#tasks.values()],
      unacknowledged_updates: [...this.#updates.values()].map((status) => ({ status })),
    };
  }

  /**
   * The agent does not take an update as it is: it is made small and is due again. A small one is dropped,
   * unless it tells the end of its task; then it waits for the next try.
   */
  refuse(uuid: string): 'reduced' | 'dropped' | 'kept' {
    const status = this.#updates.get(uuid);
    if (status === undefined) return 'dropped';
    const reduced = strip(status);
    if (reduced !== status) {
      this.#updates.set(uuid, reduced);
      this.#sent.delete(uuid);
      return 'reduced';
    }
    if (isTerminalState(status.state)) return 'kept';
    const task = this.#tasks.get(status.task_id.value);
    this.acknowledge(uuid);
    if (task !== undefined) this.addTask(task);
    return 'dropped';
  }
}

function strip(status: TaskStatus): TaskStatus {
  const { data, labels, message = '', ...rest } = status;
  if (data === undefined && labels === undefined && message.length <= STRIPPED_MESSAGE_CHARS) {
    return status;
  }
  return message === '' ? rest : { ...rest, message: message.slice(0, STRIPPED_MESSAGE_CHARS) };
}
