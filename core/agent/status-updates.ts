/**
 * Delivers status updates at least once and in order. There is one queue per task; only its oldest
 * update is under way, sent again after 10 s, then after twice that, up to every 10 minutes, until
 * the scheduler acknowledges it by its uuid. Updates are durable before they come here. While there
 * is no master nothing is sent; with a new one, everything outstanding is, at once.
 */
import type { TaskState, TaskStatus } from '../api/index.js';
import {
  type Clock,
  type Disposable,
  type FrameworkId,
  type TaskId,
  assert,
  id,
  TimeoutQueue,
  type Timers,
} from '../base/index.js';
import type { AgentConfig } from './config.js';

/** Updates of one task that may wait for acknowledgement; executors are put off beyond. */
export const MAX_PENDING_UPDATES_PER_TASK = 1000;

/** An update on its way. */
export interface PendingUpdate {
  readonly frameworkId: FrameworkId;
  /** Carries a uuid. */
  readonly status: TaskStatus;
  /** The state that the task is in by now. */
  readonly latestState: () => TaskState;
  /** Calls `send`, now or later, when the update may be sent. Asked once, when it is the oldest. */
  readonly whenReady: (send: () => void) => void;
  /** Called once, when the update is acknowledged and so removed. */
  readonly acknowledged: () => void;
}

/** The updates of one task. Never empty while it exists. */
class UpdateQueue {
  readonly updates: PendingUpdate[] = [];
  retry: Disposable | undefined;
  /** Whether the oldest update may be sent. */
  isReady = false;

  get oldest(): PendingUpdate {
    const [oldest] = this.updates;
    assert(oldest, 'a queue of status updates is removed when it becomes empty');
    return oldest;
  }
}

export class StatusUpdates {
  readonly #timers: Timers;
  readonly #config: AgentConfig;
  readonly #send: (update: PendingUpdate) => void;
  /** Nearly all are acknowledged before they are due. */
  readonly #firstRetries: TimeoutQueue<UpdateQueue>;
  readonly #queues = new Map<FrameworkId, Map<TaskId, UpdateQueue>>();
  #isFlowing = false;

  /** `send` hands an update to the master; it is only called between `resume` and `pause`. */
  constructor(options: {
    readonly timers: Timers;
    readonly clock: Clock;
    readonly config: AgentConfig;
    readonly send: (update: PendingUpdate) => void;
  }) {
    const { timers, clock, config } = options;
    this.#timers = timers;
    this.#config = config;
    const delayMs = config.statusRetryMinMs;
    this.#firstRetries = new TimeoutQueue({
      timers,
      clock,
      delayMs,
      run: (queue) => this.#repeat(queue, delayMs),
    });
    this.#send = options.send;
  }

  /** Puts an update behind the others of its task. */
  add(update: PendingUpdate): void {
    const tasks = this.#queues.get(update.frameworkId) ?? new Map<TaskId, UpdateQueue>();
    this.#queues.set(update.frameworkId, tasks);
    const taskId = id<'TaskId'>(update.status.task_id.value);
    const queue = tasks.get(taskId) ?? new UpdateQueue();
    tasks.set(taskId, queue);
    queue.updates.push(update);
    if (queue.updates.length === 1) this.#prepare(queue);
  }

  /**
   * Removes the oldest update of the task if it has this uuid, and has the next sent. Acknowledgements
   * of anything else (repeated ones, later updates, unknown tasks) change nothing: false.
   */
  acknowledge(frameworkId: FrameworkId, taskId: TaskId, uuid: string): boolean {
    const queue = this.#queues.get(frameworkId)?.get(taskId);
    if (queue === undefined || queue.oldest.status.uuid !== uuid) return false;
    const [update] = queue.updates.splice(0, 1);
    queue.retry?.dispose();
    queue.isReady = false;
    if (queue.updates.length === 0) this.#remove(frameworkId, taskId);
    update?.acknowledged();
    if (queue.updates.length > 0) this.#prepare(queue);
    return true;
  }

  /** There is a master: sends what is outstanding, with the shortest retry interval. */
  resume(): void {
    this.#isFlowing = true;
    for (const frameworkId of this.#queues.keys()) this.resend(frameworkId);
  }

  /** There is no master: nothing is sent until `resume`. */
  pause(): void {
    this.#isFlowing = false;
    for (const queue of this.#allQueues()) queue.retry?.dispose();
  }

  /** Sends what is outstanding of a framework at once: its scheduler may be a new one. */
  resend(frameworkId: FrameworkId): void {
    for (const queue of this.#queues.get(frameworkId)?.values() ?? []) this.#deliver(queue);
  }

  /** Forgets the updates of a framework that was removed. */
  dropFramework(frameworkId: FrameworkId): void {
    for (const queue of this.#queues.get(frameworkId)?.values() ?? []) queue.retry?.dispose();
    this.#queues.delete(frameworkId);
  }

  /** The update of a task that waits for its acknowledgement, if any. */
  outstanding(frameworkId: FrameworkId, taskId: TaskId): TaskStatus | undefined {
    return this.#queues.get(frameworkId)?.get(taskId)?.oldest.status;
  }

  /** The tasks of a framework of which updates wait for their acknowledgement. */
  waiting(frameworkId: FrameworkId): readonly TaskId[] {
    return [...(this.#queues.get(frameworkId)?.keys() ?? [])];
  }

  /** Whether an update of a task with this uuid waits. */
  holds(frameworkId: FrameworkId, taskId: TaskId, uuid: string): boolean {
    const queue = this.#queues.get(frameworkId)?.get(taskId);
    return queue?.updates.some(({ status }) => status.uuid === uuid) === true;
  }

  /** How many updates of a task wait. */
  pendingOf(frameworkId: FrameworkId, taskId: TaskId): number {
    return this.#queues.get(frameworkId)?.get(taskId)?.updates.length ?? 0;
  }

  /** Sends the oldest update as soon as it may be, unless it was dropped meanwhile. */
  #prepare(queue: UpdateQueue): void {
    const { oldest } = queue;
    oldest.whenReady(() => {
      const tasks = this.#queues.get(oldest.frameworkId);
      if (tasks?.get(id<'TaskId'>(oldest.status.task_id.value)) !== queue) return;
      queue.isReady = true;
      this.#deliver(queue);
    });
  }

  #deliver(queue: UpdateQueue): void {
    queue.retry?.dispose();
    if (!this.#isFlowing || !queue.isReady) return;
    this.#send(queue.oldest);
    queue.retry = this.#firstRetries.add(queue);
  }

  /** Sends the oldest update again, `waitedMs` after the last time. */
  #repeat(queue: UpdateQueue, waitedMs: number): void {
    this.#send(queue.oldest);
    const retryMs = Math.min(2 * waitedMs, this.#config.statusRetryMaxMs);
    queue.retry = this.#timers.after(retryMs, () => this.#repeat(queue, retryMs));
  }

  #remove(frameworkId: FrameworkId, taskId: TaskId): void {
    const tasks = this.#queues.get(frameworkId);
    tasks?.delete(taskId);
    if (tasks?.size === 0) this.#queues.delete(frameworkId);
  }

  *#allQueues(): Iterable<UpdateQueue> {
    for (const tasks of this.#queues.values()) yield* tasks.values();
  }
}
