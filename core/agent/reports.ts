/**
 * Moves tasks from state to state: fills the status in, makes it durable in the batch of the caller, and
 * has the update delivered afterwards. Also lets go of tasks, executors and frameworks when the
 * scheduler has acknowledged the last of them.
 *
 * What a task has come to is in its own record and in those of the updates after it, in order. The
 * task's record may stay behind while an update is there that says as much; an update leaves the
 * checkpoint no sooner than what it said is in the task's record or in a later update.
 */
import {
  type CheckStatusInfo,
  type ContainerID,
  type ContainerStatus,
  type Task,
  type TaskState,
  type TaskStatus,
  type TaskStatusReason,
  type TaskStatusSource,
  isTerminalState,
  makeTaskStatus,
} from '../api/index.js';
import { type FrameworkId, type TaskId, id } from '../base/index.js';
import { type Batch, KEYS } from './checkpoint.js';
import { emptyCheckStatus } from './check-verdicts.js';
import type { AgentContext } from './context.js';
import { drainedStatus } from './drain.js';
import type { AgentExecutor, AgentFramework, AgentTask, RecordedUpdate } from './state.js';
import { MAX_KEPT_STATUSES } from './limits.js';
import { taskRecord } from './records.js';

/** A new state, in the agent's or the launcher's words. */
export interface StateChange {
  readonly state: TaskState;
  readonly source: TaskStatusSource;
  readonly reason?: TaskStatusReason | undefined;
  readonly message?: string | undefined;
  /** Whether the status tells about the container. Default true. */
  readonly withContainer?: boolean;
  readonly healthy?: boolean | undefined;
  /** Default: that nothing is known, if the task has a check. */
  readonly checkStatus?: CheckStatusInfo | undefined;
  /** Bytes for the scheduler, in base64. */
  readonly data?: string | undefined;
}

/** A task that has no record here: refused, or only the master believes in it. */
export interface UnknownTask {
  readonly frameworkId: FrameworkId;
  readonly taskId: TaskId;
  readonly isPartitionAware: boolean;
  readonly reason: TaskStatusReason;
  readonly message: string;
}

export class TaskReports {
  readonly #context: AgentContext;

  constructor(context: AgentContext) {
    this.#context = context;
  }

  /** Puts a task into a new state. Ignored when it is terminal already. */
  change(batch: Batch, task: AgentTask, change: StateChange): void {
    const { world, state } = this.#context;
    const made = makeTaskStatus({
      taskId: task.id,
      state: change.state,
      source: change.source,
      reason: change.reason,
      message: change.message,
      agentId: state.agentId,
      executorId: task.executor.id,
      uuid: world.ids.uuidBytes(),
      timeMs: world.clock.now(),
      healthy: change.healthy,
      checkStatus: checkStatusIn(task, change),
      containerStatus: change.withContainer === false ? undefined : this.containerStatus(task),
    });
    const { data } = change;
    this.record(batch, task, data === undefined ? made : { ...made, data }, true);
  }

  /**
   * Puts a task into the state of a complete status (with uuid). Ignored when it is terminal. `hasMore`:
   * more has changed than the status tells, and the task's own record is written too.
   */
  record(batch: Batch, task: AgentTask, given: TaskStatus, hasMore = false): void {
    if (task.isTerminal) return;
    const status = drainedStatus(task, given);
    const { executor } = task;
    const isSilent = executor.framework.isTerminating;
    task.task = withStatus(task.task, status);
    if (task.isTerminal) this.#terminated(task);
    if (isSilent && task.isTerminal) {
      batch.afterwards(() => this.forget(task));
      return;
    }
    if (!executor.isCheckpointed) {
      if (!isSilent) batch.afterwards(() => this.deliver(task, status, undefined));
      return;
    }
    const number = task.nextUpdate;
    if (!isSilent) task.nextUpdate++;
    if (isSilent || hasMore) this.putTask(batch, task);
    if (isSilent) return;
    const key = KEYS.update(executor.containerId, task.id, number);
    const update: RecordedUpdate = { number, task: task.task, isCommitted: false };
    task.updates.set(key, update);
    batch.put(key, 'CheckpointUpdate', {
      framework_id: { value: executor.framework.id },
      status,
      executor_container_id: { value: executor.containerId },
    });
    batch.committing(() => (update.isCommitted = true));
    batch.afterwards(() => this.deliver(task, status, key));
  }

  /** Brings a restored task up to an update that its record does not include. */
  replay(task: AgentTask, status: TaskStatus): void {
    if (task.isTerminal) return;
    const { executor } = task;
    task.task = withStatus(task.task, status);
    if (!task.isTerminal) return;
    executor.active.delete(task.id);
    executor.terminated.set(task.id, task);
  }

  /** Writes what is to be remembered of a task, if it is to be. */
  putTask(batch: Batch, task: AgentTask): void {
    const { executor } = task;
    if (!executor.isCheckpointed) return;
    batch.put(KEYS.task(executor.containerId, task.id), 'CheckpointTask', taskRecord(task));
    const { task: state, nextUpdate } = task;
    batch.committing(() => (task.recorded = { task: state, nextUpdate }));
  }

  /** Removes the updates of a task of which nobody wants to hear any more. */
  dropUpdates(task: AgentTask): void {
    const keys = [...task.updates.keys()];
    const last = [...task.updates.values()].at(-1);
    task.updates.clear();
    if (last !== undefined) this.#catchUp(task, last);
    this.#context.checkpoint.deleteLazily(keys);
  }

  /** Has the record of a task include an update that is about to be removed, if nothing else does. */
  #catchUp(task: AgentTask, update: RecordedUpdate): void {
    const key = KEYS.task(task.executor.containerId, task.id);
    this.#context.checkpoint.putLazily(key, 'CheckpointTask', () => {
      const { recorded } = task;
      if (recorded === undefined || update.number < recorded.nextUpdate) return undefined;
      const [next] = task.updates.values();
      const isKept =
        next?.isCommitted === true &&
        isSameRun(next.task, update.task) &&
        isSameRun(update.task, recorded.task);
      if (isKept) return undefined;
      task.recorded = { task: update.task, nextUpdate: update.number + 1 };
      return taskRecord(task, task.recorded);
    });
  }

  /** Hands a durable status to the status updates. `key` names its record, if it has one. */
  deliver(task: AgentTask, status: TaskStatus, key: string | undefined): void {
    const { framework } = task.executor;
    const finish = (): void => {
      const update = key === undefined ? undefined : task.updates.get(key);
      if (key !== undefined && update !== undefined) {
        task.updates.delete(key);
        task.acknowledgedKeys.add(key);
        if (!isTerminalState(status.state)) this.#catchUp(task, update);
        const settled = (one: string): unknown => task.acknowledgedKeys.delete(one);
        this.#context.checkpoint.deleteLazily([key], settled);
      }
      if (isTerminalState(status.state)) this.forget(task);
    };
    if (framework.isTerminating) finish();
    else {
      const latestState = (): TaskState => task.state;
      const frameworkId = framework.id;
      const whenReady = (send: () => void): void => this.#afterEarlier(task, send);
      const update = { frameworkId, status, latestState, whenReady, acknowledged: finish };
      this.#context.updates.add(update);
    }
  }

  /**
   * An update leaves only when the earlier ones of its task are gone for good: a restart must not
   * repeat them after it, or a scheduler would see an ended task start again.
   */
  #afterEarlier(task: AgentTask, send: () => void): void {
    if (task.acknowledgedKeys.size === 0) {
      send();
      return;
    }
    const batch = this.#context.checkpoint.batch();
    const keys = [...task.acknowledgedKeys];
    for (const key of keys) batch.delete(key);
    batch.afterwards(() => {
      for (const key of keys) task.acknowledgedKeys.delete(key);
      send();
    });
    batch.commit();
  }

  /** Tells the scheduler that a task without a record will never run. */
  reportUnknown(unknown: UnknownTask): void {
    const { world, state, updates, metrics } = this.#context;
    const lost: TaskState = unknown.isPartitionAware ? 'TASK_DROPPED' : 'TASK_LOST';
    const status = makeTaskStatus({
      taskId: unknown.taskId,
      state: lost,
      source: 'SOURCE_AGENT',
      reason: unknown.reason,
      message: unknown.message,
      agentId: state.agentId,
      uuid: world.ids.uuidBytes(),
      timeMs: world.clock.now(),
    });
    metrics.countTerminal(lost);
    updates.add({
      frameworkId: unknown.frameworkId,
      status,
      latestState: () => lost,
      whenReady: (send) => send(),
      acknowledged: () => {},
    });
  }

  /** What a status says about the container of its task. */
  containerStatus(task: AgentTask): ContainerStatus {
    const process = task.process ?? task.executor.process;
    return {
      container_id: containerIdOf(task),
      network_infos: task.networkInfos ?? [
        { ip_addresses: [{ protocol: 'IPv4', ip_address: this.#context.address.ip }] },
      ],
      ...(process !== undefined && { executor_pid: process.pid }),
    };
  }

  /** Lets go of an executor that has ended and of which no task is left. */
  tidy(executor: AgentExecutor): void {
    const isDone = executor.phase === 'terminated' && executor.active.size === 0;
    if (!isDone || executor.terminated.size > 0) return;
    const { framework } = executor;
    if (framework.executors.get(executor.id) !== executor) return;
    framework.executors.delete(executor.id);
    framework.completedExecutors.push(executor);
    this.#context.checkpoint.deleteLazily([KEYS.executor(executor.containerId)]);
    this.tidyFramework(framework);
  }

  /** Lets go of a framework that has nothing left here. */
  tidyFramework(framework: AgentFramework): void {
    const { state, checkpoint } = this.#context;
    if (framework.executors.size > 0 || state.frameworks.get(framework.id) !== framework) return;
    state.frameworks.delete(framework.id);
    state.completedFrameworks.push(framework);
    checkpoint.deleteLazily([KEYS.framework(framework.id)]);
  }

  #terminated(task: AgentTask): void {
    const { executor } = task;
    executor.active.delete(task.id);
    executor.queued.delete(task.id);
    executor.terminated.set(task.id, task);
    task.info = undefined;
    this.#context.metrics.countTerminal(task.state);
  }

  /** A terminal task becomes history, and its records go. */
  forget(task: AgentTask): void {
    const { executor } = task;
    if (executor.terminated.get(task.id) !== task) return;
    executor.terminated.delete(task.id);
    executor.completed.push(task.task);
    if (executor.isCheckpointed) {
      const own = KEYS.task(executor.containerId, task.id);
      this.#context.checkpoint.deleteLazily([own, ...task.updates.keys()]);
      task.updates.clear();
    }
    this.tidy(executor);
  }
}

/** What was found out about a task; with nothing known, one that has a check says just that. */
function checkStatusIn(task: AgentTask, change: StateChange): CheckStatusInfo | undefined {
  if (task.check === undefined || change.source !== 'SOURCE_EXECUTOR') return undefined;
  return change.checkStatus ?? emptyCheckStatus(task.check);
}

/** The container of a task; in a group it is inside that of the executor. */
function containerIdOf(task: AgentTask): ContainerID {
  const outer: ContainerID = { value: task.executor.containerId };
  const own = task.containerId;
  if (own === undefined || own === id<'ContainerId'>(outer.value)) return outer;
  return { value: own, parent: outer };
}

/** The task after a status: the latest one of each run of equal states is kept, without its data. */
function withStatus(task: Task, status: TaskStatus): Task {
  const kept = status.data === undefined ? status : { ...status, data: undefined };
  const earlier = task.statuses ?? [];
  const replaces = earlier.at(-1)?.state === status.state;
  return {
    ...task,
    state: status.state,
    statuses: [...(replaces ? earlier.slice(0, -1) : earlier), kept].slice(-MAX_KEPT_STATUSES),
  };
}

/** Whether only the last status of a task was replaced, by one of the same state. */
function isSameRun(one: Task, other: Task): boolean {
  const { statuses: mine = [] } = one;
  const { statuses: others = [] } = other;
  return (
    mine.length > 0 &&
    mine.length === others.length &&
    mine.at(-1)?.state === others.at(-1)?.state &&
    mine.at(-2) === others.at(-2)
  );
}
