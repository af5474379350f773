/**
 * Executors that are processes of their own and speak the executor API: their start, the tasks that
 * wait for them, and their end. What they say is in `executor-api.ts`. A task is given to an executor
 * once it is durable; one that no executor has taken over when it subscribes again was dropped.
 */
import type { ExecutorEvent, KillPolicy, TaskInfo } from '../api/index.js';
import { exitStatusWord, signalStatusWord } from '../api/index.js';
import { type ContainerId, type Disposable, type TaskId, errorMessage } from '../base/index.js';
import { Resources, fromThousandths } from '../resources/index.js';
import { type Batch, KEYS } from './checkpoint.js';
import type { TaskContext } from './task-context.js';
import { containerEnvironment } from './environment.js';
import { ExecutorVolumes } from './executor-volumes.js';
import { shutdownGraceMs } from './grace.js';
import { describeEnd, preempted, signalNumber } from './outcomes.js';
import type {
  ContainerEnd,
  ContainerFate,
  ContainerSpec,
  ExecutorStream,
  LaunchOutcome,
} from './ports.js';
import { executorRecord } from './records.js';
import type { StateChange } from './reports.js';
import { sandboxDiskMiB } from './sandbox-disk.js';
import type { AgentExecutor, AgentTask } from './state.js';
import { userOf } from './user.js';

/** Why the tasks of an executor end with it; unless it says otherwise, they have failed. */
type EndReason = Pick<StateChange, 'reason' | 'message'> & Partial<Pick<StateChange, 'state'>>;

/** The process of an executor, and the stream to it. */
export interface ExecutorProcess {
  readonly executor: AgentExecutor;
  isStarting: boolean;
  earlyEnd?: ContainerEnd;
  stream?: ExecutorStream;
  /** Runs until it subscribes. */
  registrationTimer?: Disposable;
  heartbeatTimer?: Disposable;
  shutdownTimer?: Disposable;
  endReason?: EndReason;
  /** Kills that it could not be told. */
  readonly pendingKills: Map<TaskId, KillPolicy | undefined>;
}

export class CustomExecutors {
  readonly #context: TaskContext;
  readonly #volumes: ExecutorVolumes;
  readonly #processes = new Map<ContainerId, ExecutorProcess>();

  constructor(context: TaskContext) {
    this.#context = context;
    this.#volumes = new ExecutorVolumes(context, (executor) => this.deliverQueued(executor));
  }

  /** How many processes run or start. */
  get count(): number {
    return this.#processes.size;
  }

  /** The process of an executor, until it has ended. */
  processOf(executor: AgentExecutor): ExecutorProcess | undefined {
    return this.#processes.get(executor.containerId);
  }

  /** Starts an executor whose record is in the batch, when that is durable. */
  start(batch: Batch, executor: AgentExecutor): void {
    const process = this.#add(executor);
    process.isStarting = true;
    batch.afterwards(() => {
      void this.#launch(process).catch((error: unknown) =>
        this.#launched(process, {
          kind: 'failed',
          stage: 'launcher',
          message: errorMessage(error),
        }),
      );
    });
  }

  /** Takes over an executor from before the restart, whatever became of its process. */
  adopt(batch: Batch, executor: AgentExecutor, fate: ContainerFate): void {
    const process = this.#add(executor);
    executor.hasBeenGivenTasks = true;
    if (fate.kind !== 'running') {
      this.#ended(batch, process, fate);
      return;
    }
    if (executor.process === undefined) this.#remember(batch, executor, fate);
    this.#expectSubscription(process, this.#context.config.executorReregistrationTimeoutMs, {
      reason: 'REASON_EXECUTOR_REREGISTRATION_TIMEOUT',
      message: 'The executor did not subscribe again after the restart of the agent',
    });
  }

  /** Gives tasks to an executor when their records are durable and it is there to take them. */
  enqueue(batch: Batch, executor: AgentExecutor, tasks: readonly AgentTask[]): void {
    for (const task of tasks) executor.queued.set(task.id, task);
    batch.afterwards(() => {
      for (const task of tasks) if (!task.isTerminal) task.isDurable = true;
      this.deliverQueued(executor);
    });
  }

  /** Sends the launches that wait, if the executor is subscribed. */
  deliverQueued(executor: AgentExecutor): void {
    const stream = this.processOf(executor)?.stream;
    if (executor.phase !== 'running' || stream === undefined) return;
    for (const task of executor.queued.values()) {
      if (!executor.queued.has(task.id) || !task.isDurable) continue;
      const group = task.group.flatMap((taskId) => executor.queued.get(taskId) ?? []);
      const waiting = [task, ...group].filter((each) => !this.#volumes.isReady(each));
      if (waiting.length > 0) continue;
      for (const each of [task, ...group]) executor.queued.delete(each.id);
      executor.hasBeenGivenTasks = true;
      stream.send(launchEvent(task, group));
      for (const each of [task, ...group]) each.info = undefined;
    }
  }

  /** Ends a task: an undelivered one (with its group) at once, others by asking the executor. */
  kill(task: AgentTask, policy?: KillPolicy): void {
    const { executor } = task;
    if (task.isTerminal) return;
    if (executor.queued.has(task.id)) {
      this.#killQueued(task);
      return;
    }
    const process = this.processOf(executor);
    if (process === undefined) return;
    if (process.stream === undefined) process.pendingKills.set(task.id, policy);
    else process.stream.send(killEvent(task.id, policy));
  }

  /** Asks an executor to end; what is left of it after its grace period is killed. */
  shutdown(executor: AgentExecutor): void {
    const process = this.processOf(executor);
    if (process === undefined || executor.phase === 'terminating') return;
    const hasSubscribed = executor.phase === 'running';
    executor.phase = 'terminating';
    process.registrationTimer?.dispose();
    if (!hasSubscribed) {
      this.#kill(process);
      return;
    }
    // One whose stream is away is told when it comes back in time.
    process.stream?.send({ type: 'SHUTDOWN' });
    const graceMs = shutdownGraceMs(executor.info, this.#context.config);
    process.shutdownTimer = this.#context.timers.after(graceMs, () => this.#kill(process));
  }

  /** Shuts an executor down that has no task left, while the host is being emptied. */
  endIdle(executor: AgentExecutor): void {
    const isIdle = executor.active.size === 0 && executor.phase !== 'terminated';
    if (isIdle && this.#context.state.drain !== undefined) this.shutdown(executor);
  }

  /** Kills an executor with its tasks at once: what it was lent is needed. */
  preempt(executor: AgentExecutor): void {
    const process = this.processOf(executor);
    if (process === undefined) return;
    process.endReason = preempted(executor.framework);
    executor.phase = 'terminating';
    process.registrationTimer?.dispose();
    this.#kill(process);
  }

  /** Tells that a container has ended; containers of others are ignored. */
  ended(containerId: ContainerId, end: ContainerEnd): void {
    const process = this.#processes.get(containerId);
    if (process === undefined) return;
    if (process.isStarting) {
      process.earlyEnd = end;
      return;
    }
    const batch = this.#context.checkpoint.batch();
    this.#ended(batch, process, end);
    batch.commit();
  }

  /** Closes all event streams. */
  closeStreams(): void {
    for (const process of this.#processes.values()) process.stream?.close();
  }

  #add(executor: AgentExecutor): ExecutorProcess {
    const process: ExecutorProcess = { executor, isStarting: false, pendingKills: new Map() };
    this.#processes.set(executor.containerId, process);
    return process;
  }

  async #launch(process: ExecutorProcess): Promise<void> {
    const { checkpointed, collector, containerizer, timers } = this.#context;
    const spec = this.#container(process.executor);
    await collector.whenSafe(spec.sandbox);
    const problem = spec.volumes && (await checkpointed.whenReady(spec.volumes));
    if (timers.isDisposed) return;
    if (process.executor.phase === 'terminating') {
      this.#launched(process, { kind: 'failed', stage: 'launcher', message: 'it was shut down' });
      return;
    }
    const outcome: LaunchOutcome =
      problem === undefined
        ? await containerizer.launch(spec)
        : { kind: 'failed', stage: 'sandbox', message: problem };
    if (!timers.isDisposed) this.#launched(process, outcome);
  }

  #launched(process: ExecutorProcess, outcome: LaunchOutcome): void {
    const { checkpoint, config, metrics } = this.#context;
    const { executor } = process;
    const batch = checkpoint.batch();
    process.isStarting = false;
    if (outcome.kind === 'failed') {
      // One that is to end was not launched on purpose: its tasks just lose their executor.
      if (executor.phase !== 'terminating') {
        metrics.containerLaunchErrors++;
        const { message: why } = outcome;
        this.#context.world.log.warn('an executor was not started', { executor: executor.id, why });
        const message = `Failed to launch container: ${outcome.message}`;
        process.endReason = { reason: 'REASON_CONTAINER_LAUNCH_FAILED', message };
      }
      this.#ended(batch, process, { kind: 'lost', message: outcome.message });
      batch.commit();
      return;
    }
    this.#remember(batch, executor, outcome);
    if (process.earlyEnd !== undefined) this.#ended(batch, process, process.earlyEnd);
    else if (executor.phase === 'terminating') this.#kill(process);
    else if (executor.phase === 'registering') {
      this.#expectSubscription(process, config.executorRegistrationTimeoutMs, {
        reason: 'REASON_EXECUTOR_REGISTRATION_TIMEOUT',
        message: 'The executor did not subscribe in time',
      });
    }
    batch.commit();
  }

  #remember(
    batch: Batch,
    executor: AgentExecutor,
    process: { readonly pid: number; readonly startTime: string },
  ): void {
    const startedAt = this.#context.world.clock.now() / 1000;
    const { pid, startTime } = process;
    executor.process = { pid, start_time: startTime, started_at: startedAt };
    if (!executor.isCheckpointed) return;
    batch.put(KEYS.executor(executor.containerId), 'CheckpointExecutor', executorRecord(executor));
  }

  #expectSubscription(process: ExecutorProcess, withinMs: number, otherwise: EndReason): void {
    process.registrationTimer = this.#context.timers.after(withinMs, () => {
      process.endReason = otherwise;
      process.executor.phase = 'terminating';
      this.#kill(process);
    });
  }

  /** Kills the process; one that is just being started again when its launch has an outcome. */
  #kill(process: ExecutorProcess): void {
    this.#context.containerizer.signal(process.executor.containerId, 'SIGKILL');
  }

  #killQueued(task: AgentTask): void {
    const { executor } = task;
    const { checkpoint, reports } = this.#context;
    const batch = checkpoint.batch();
    const group = task.group.flatMap((taskId) => executor.queued.get(taskId) ?? []);
    for (const each of new Set([task, ...group])) {
      reports.change(batch, each, {
        state: 'TASK_KILLED',
        source: 'SOURCE_AGENT',
        reason: 'REASON_TASK_KILLED_DURING_LAUNCH',
        message: 'The task was killed before its executor had it',
        withContainer: false,
      });
    }
    batch.commit();
  }

  #ended(batch: Batch, process: ExecutorProcess, end: ContainerEnd): void {
    const { executor } = process;
    const { collector, containerizer, metrics, reports } = this.#context;
    for (const timer of [
      process.registrationTimer,
      process.heartbeatTimer,
      process.shutdownTimer,
    ]) {
      timer?.dispose();
    }
    process.stream?.close();
    this.#processes.delete(executor.containerId);
    executor.phase = 'terminated';
    metrics.executorsTerminated++;
    const why = process.endReason ?? {
      reason: 'REASON_EXECUTOR_TERMINATED',
      message: describeEnd(end, 'Executor'),
    };
    for (const task of executor.active.values()) {
      reports.change(batch, task, { state: 'TASK_FAILED', source: 'SOURCE_AGENT', ...why });
    }
    if (executor.isCheckpointed) {
      const key = KEYS.executor(executor.containerId);
      batch.put(key, 'CheckpointExecutor', executorRecord(executor));
    }
    collector.schedule(batch, executor.containerId, executor.directory);
    batch.afterwards(() => {
      containerizer.forget(executor.containerId);
      this.tellExited(executor, statusWord(end));
      reports.tidy(executor);
    });
  }

  /** Tells the master that an executor is gone. */
  tellExited(executor: AgentExecutor, status: number): void {
    if (executor.framework.isTerminating) return;
    this.#context.send({
      type: 'EXECUTOR_EXITED',
      executor_exited: {
        framework_id: { value: executor.framework.id },
        executor_id: { value: executor.id },
        status,
      },
    });
  }

  #container(executor: AgentExecutor): ContainerSpec {
    const { config, address, checkpointed, state } = this.#context;
    const sandbox = executor.directory;
    const own = Resources.fromWire(executor.info.resources ?? []);
    const volumes = checkpointed.mountsOf(own);
    const resources = Resources.fromWire(executor.usedResources);
    const command = executor.info.command ?? {};
    const agentId = state.agentId ?? '';
    return {
      containerId: executor.containerId,
      sandbox,
      command,
      container: executor.info.container,
      // Those of its tasks come with the tasks.
      ...(volumes.length > 0 && { volumes }),
      environment: containerEnvironment({ executor, agentId, sandbox, address, config }),
      user: userOf(executor.framework, command, config.switchUser),
      limits: {
        cpus: fromThousandths(resources.scalar('cpus')),
        memoryMiB: fromThousandths(resources.scalar('mem')),
        diskMiB: sandboxDiskMiB(resources),
      },
    };
  }
}

/** The wait(2) status word of an end; -1 when nobody knows it. */
export function statusWord(end: ContainerEnd): number {
  if (end.kind === 'exited') return exitStatusWord(end.code);
  return end.kind === 'signaled' ? signalStatusWord(signalNumber(end.signal)) : -1;
}

export function killEvent(taskId: TaskId, policy: KillPolicy | undefined): ExecutorEvent {
  return {
    type: 'KILL',
    kill: { task_id: { value: taskId }, ...(policy !== undefined && { kill_policy: policy }) },
  };
}

function infosOf(tasks: readonly AgentTask[]): readonly TaskInfo[] {
  return tasks.flatMap((task) => task.info ?? []);
}

function launchEvent(task: AgentTask, group: readonly AgentTask[]): ExecutorEvent {
  if (group.length > 0) {
    return { type: 'LAUNCH_GROUP', launch_group: { task_group: { tasks: infosOf(group) } } };
  }
  const [info] = infosOf([task]);
  return info === undefined ? { type: 'LAUNCH' } : { type: 'LAUNCH', launch: { task: info } };
}
