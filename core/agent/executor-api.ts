/**
 * What custom executors say to the agent: they subscribe, tell the states of their tasks, send
 * messages. A status update is durable before it is acknowledged to the executor, and acknowledged
 * before it is forwarded. What an executor sends again is recognised by its uuid.
 */
import {
  type AgentInfo,
  type ExecutorCall,
  type TaskStatus,
  validateExecutorCall,
  ACCEPTED,
  type CallAnswer,
} from '../api/index.js';
import { id } from '../base/index.js';
import type { Batch } from './checkpoint.js';
import type { TaskContext } from './task-context.js';
import { type CustomExecutors, type ExecutorProcess, killEvent } from './custom-executors.js';
import { statusSizeFault } from './limits.js';
import type { ExecutorStream } from './ports.js';
import type { AgentExecutor, AgentTask } from './state.js';
import { MAX_PENDING_UPDATES_PER_TASK } from './status-updates.js';

/** Updates of tasks that the agent does not know, for each executor, that may wait for acknowledgement. */
export const MAX_PENDING_UNKNOWN_UPDATES = 1000;

/** The executor that a call comes from, or why it is refused. */
type Caller =
  | { readonly executor: AgentExecutor; readonly process: ExecutorProcess | undefined }
  | { readonly refusal: CallAnswer };

export interface ExecutorApiOptions {
  readonly context: TaskContext;
  readonly executors: CustomExecutors;
  readonly agentInfo: () => AgentInfo;
  readonly isReady: () => boolean;
}

export class ExecutorApi {
  readonly #context: TaskContext;
  readonly #executors: CustomExecutors;
  readonly #options: ExecutorApiOptions;
  /** How many updates of tasks that the agent does not know wait. */
  readonly #unknownUpdates = new WeakMap<AgentExecutor, number>();

  constructor(options: ExecutorApiOptions) {
    this.#context = options.context;
    this.#executors = options.executors;
    this.#options = options;
  }

  /** Opens the event stream of an executor; a second one replaces the first. 200: it is open. */
  subscribe(call: ExecutorCall, stream: ExecutorStream): CallAnswer {
    const refusal = this.#refusalOf(call);
    if (refusal !== undefined) return refusal;
    const caller = this.#callerOf(call);
    if ('refusal' in caller) return caller.refusal;
    const { executor, process } = caller;
    const isEnding = executor.phase === 'terminating' || executor.phase === 'terminated';
    if (process === undefined || isEnding) {
      // What it still has to tell counts; it is told nothing but to end.
      if (process !== undefined) this.#takeUpdates(process, call);
      stream.send({ type: 'SHUTDOWN' });
      stream.close();
      return { status: 200 };
    }
    this.#open(process, stream);
    this.#reconcile(process, call);
    stream.send({
      type: 'SUBSCRIBED',
      subscribed: {
        executor_info: executor.info,
        framework_info: executor.framework.info,
        agent_info: this.#options.agentInfo(),
        container_id: { value: executor.containerId },
      },
    });
    for (const [taskId, policy] of process.pendingKills) stream.send(killEvent(taskId, policy));
    process.pendingKills.clear();
    this.#executors.deliverQueued(executor);
    if (!executor.hasBeenGivenTasks && executor.active.size === 0) {
      this.#executors.shutdown(executor);
    }
    return { status: 200 };
  }

  /** Any other call. 202: accepted. */
  call(call: ExecutorCall): CallAnswer {
    const refusal = this.#refusalOf(call);
    if (refusal !== undefined) return refusal;
    if (call.type === 'HEARTBEAT') return ACCEPTED;
    const caller = this.#callerOf(call);
    if ('refusal' in caller) return caller.refusal;
    const { executor, process } = caller;
    // One that was subscribed may go on to tell, also while its stream is away.
    if (process === undefined || executor.phase === 'registering') {
      return { status: 403, message: 'Executor is not subscribed' };
    }
    if (call.type === 'UPDATE' && call.update !== undefined) {
      return this.#update(process, call.update.status);
    }
    if (call.type === 'MESSAGE' && call.message !== undefined) {
      this.#forwardMessage(executor, call.message.data);
      return ACCEPTED;
    }
    return { status: 501, message: `Calls of type ${call.type ?? 'UNKNOWN'} are not implemented` };
  }

  /** The event stream of an executor ended from outside. Its process decides what happens. */
  disconnected(stream: ExecutorStream): void {
    for (const executor of this.#context.state.executors()) {
      const process = this.#executors.processOf(executor);
      if (process?.stream !== stream) continue;
      delete process.stream;
      process.heartbeatTimer?.dispose();
    }
  }

  /** Takes the answer of a framework to its executor, if it is there: at most once, as Mesos. */
  deliverMessage(executor: AgentExecutor | undefined, data: string): void {
    const { metrics } = this.#context;
    const stream = executor && this.#executors.processOf(executor)?.stream;
    if (stream === undefined || executor?.phase !== 'running') {
      metrics.invalidFrameworkMessages++;
      return;
    }
    metrics.validFrameworkMessages++;
    stream.send({ type: 'MESSAGE', message: { data } });
  }

  #refusalOf(call: ExecutorCall): CallAnswer | undefined {
    if (!this.#options.isReady()) {
      return { status: 503, message: 'Agent has not finished recovery' };
    }
    const fault = validateExecutorCall(call);
    if (fault === undefined) return undefined;
    if (call.type === 'UPDATE') this.#context.metrics.invalidStatusUpdates++;
    return { status: 400, message: `Failed to validate Executor::Call: ${fault}` };
  }

  /** To be asked for a valid call. */
  #callerOf(call: ExecutorCall): Caller {
    const framework = this.#context.state.frameworks.get(
      id<'FrameworkId'>(call.framework_id.value),
    );
    if (framework === undefined) {
      return { refusal: { status: 400, message: 'Framework cannot be found' } };
    }
    const executor = framework.executors.get(id<'ExecutorId'>(call.executor_id.value));
    if (executor?.kind !== 'CUSTOM') {
      return { refusal: { status: 400, message: 'Executor cannot be found' } };
    }
    return { executor, process: this.#executors.processOf(executor) };
  }

  #open(process: ExecutorProcess, stream: ExecutorStream): void {
    const { timers, config } = this.#context;
    process.stream?.close();
    process.stream = stream;
    process.executor.phase = 'running';
    process.registrationTimer?.dispose();
    process.heartbeatTimer?.dispose();
    process.heartbeatTimer = timers.every(config.executorHeartbeatIntervalMs, () =>
      stream.send({ type: 'HEARTBEAT' }),
    );
  }

  /** Compares what the executor has with what it was given. */
  #reconcile(process: ExecutorProcess, call: ExecutorCall): void {
    const { executor } = process;
    const { checkpoint, reports } = this.#context;
    const batch = checkpoint.batch();
    for (const update of call.subscribe?.unacknowledged_updates ?? []) {
      this.#record(batch, process, update.status);
    }
    const taken = new Set(
      (call.subscribe?.unacknowledged_tasks ?? []).map((task) => task.task_id.value),
    );
    const isMissing = (task: AgentTask): boolean =>
      task.state === 'TASK_STAGING' && !executor.queued.has(task.id) && !taken.has(task.id);
    for (const task of [...executor.active.values()].filter(isMissing)) {
      reports.change(batch, task, {
        state: executor.framework.can('PARTITION_AWARE') ? 'TASK_DROPPED' : 'TASK_LOST',
        source: 'SOURCE_AGENT',
        reason: 'REASON_AGENT_RESTARTED',
        message: 'The executor never received the task',
        withContainer: false,
      });
    }
    batch.commit();
  }

  #takeUpdates(process: ExecutorProcess, call: ExecutorCall): void {
    const batch = this.#context.checkpoint.batch();
    for (const { status } of call.subscribe?.unacknowledged_updates ?? []) {
      this.#record(batch, process, status);
    }
    batch.commit();
  }

  #update(process: ExecutorProcess, status: TaskStatus): CallAnswer {
    const { checkpoint, updates } = this.#context;
    const taskId = id<'TaskId'>(status.task_id.value);
    const pending = updates.pendingOf(process.executor.framework.id, taskId);
    if (pending >= MAX_PENDING_UPDATES_PER_TASK) {
      const message = `${pending} status updates of the task wait for acknowledgement: retry later`;
      return { status: 503, message };
    }
    if (this.#isUnknown(process.executor, status) && !this.#hasRoom(process.executor)) {
      const message = `${MAX_PENDING_UNKNOWN_UPDATES} status updates of tasks that the agent does not know wait for acknowledgement: retry later`;
      return { status: 503, message };
    }
    const batch = checkpoint.batch();
    const fault = this.#record(batch, process, status);
    if (fault !== undefined) return { status: 400, message: fault };
    batch.commit();
    return ACCEPTED;
  }

  /**
   * Takes a status over, unless it is known or too late, and acknowledges it when it is safe. One that is
   * too large is passed over: the reason is returned.
   */
  #record(batch: Batch, process: ExecutorProcess, status: TaskStatus): string | undefined {
    const { metrics, reports, world } = this.#context;
    const { executor } = process;
    if (this.#isUnknown(executor, status)) return this.#passOn(batch, process, status);
    const task = executor.find(id<'TaskId'>(status.task_id.value));
    const uuid = status.uuid ?? '';
    const isNews = task !== undefined && !task.isTerminal && !task.seenUuids.has(uuid);
    const complete = isNews ? this.#complete(task, status) : status;
    const fault = statusSizeFault(complete);
    if (fault !== undefined) return fault;
    acknowledgeTo(batch, process, status);
    if (!isNews) {
      world.log.debug('a status update changes nothing', { task: status.task_id.value });
      return undefined;
    }
    metrics.validStatusUpdates++;
    task.seenUuids.add(uuid);
    executor.queued.delete(task.id);
    reports.record(batch, task, complete);
    if (!task.isTerminal) return undefined;
    process.pendingKills.delete(task.id);
    batch.afterwards(() => this.#executors.endIdle(executor));
    return undefined;
  }

  /** Whether the agent has never been given the task: one that it knows has ended is another matter. */
  #isUnknown(executor: AgentExecutor, { task_id: { value } }: TaskStatus): boolean {
    const taskId = id<'TaskId'>(value);
    const known = executor.find(taskId) ?? executor.framework.find(taskId);
    if (known !== undefined) return false;
    return !executor.completed.items.some(({ task_id }) => task_id.value === value);
  }

  #hasRoom(executor: AgentExecutor): boolean {
    return (this.#unknownUpdates.get(executor) ?? 0) < MAX_PENDING_UNKNOWN_UPDATES;
  }

  /**
   * A status of a task that only the executor knows goes to the scheduler, as in Mesos: it is repeated
   * until it is acknowledged, but not remembered over a restart.
   */
  #passOn(batch: Batch, process: ExecutorProcess, status: TaskStatus): string | undefined {
    const { metrics, state, updates, world } = this.#context;
    const { executor } = process;
    const { framework } = executor;
    const taskId = id<'TaskId'>(status.task_id.value);
    const fault = statusSizeFault(status);
    // Without an acknowledgement the executor tells it again.
    if (fault !== undefined || !this.#hasRoom(executor)) return fault;
    acknowledgeTo(batch, process, status);
    const isSilent = framework.isTerminating;
    if (isSilent || updates.holds(framework.id, taskId, status.uuid ?? '')) return undefined;
    metrics.validStatusUpdates++;
    const count = (change: number): void => {
      this.#unknownUpdates.set(executor, (this.#unknownUpdates.get(executor) ?? 0) + change);
    };
    count(1);
    updates.add({
      frameworkId: framework.id,
      status: {
        ...status,
        agent_id: state.agentId === undefined ? undefined : { value: state.agentId },
        executor_id: { value: executor.id },
        timestamp: status.timestamp ?? world.clock.now() / 1000,
      },
      latestState: () => status.state,
      whenReady: (send) => send(),
      acknowledged: () => count(-1),
    });
    return undefined;
  }

  /** Fills in what the agent knows better than the executor. */
  #complete(task: AgentTask, status: TaskStatus): TaskStatus {
    const { state, world, reports } = this.#context;
    const container = reports.containerStatus(task);
    const networks = status.container_status?.network_infos;
    return {
      ...status,
      agent_id: state.agentId === undefined ? undefined : { value: state.agentId },
      executor_id: { value: task.executor.id },
      timestamp: status.timestamp ?? world.clock.now() / 1000,
      container_status: {
        ...container,
        ...status.container_status,
        container_id: status.container_status?.container_id ?? container.container_id,
        network_infos:
          networks === undefined || networks.length === 0 ? container.network_infos : networks,
      },
    };
  }

  #forwardMessage(executor: AgentExecutor, data: string): void {
    this.#context.send({
      type: 'EXECUTOR_MESSAGE',
      executor_message: {
        framework_id: { value: executor.framework.id },
        executor_id: { value: executor.id },
        data,
      },
    });
  }
}

/** Tells the executor that its update is safe, when it is. */
function acknowledgeTo(batch: Batch, process: ExecutorProcess, status: TaskStatus): void {
  const { task_id, uuid = '' } = status;
  const acknowledged = { type: 'ACKNOWLEDGED', acknowledged: { task_id, uuid } } as const;
  batch.afterwards(() => process.stream?.send(acknowledged));
}
