/**
 * Tasks that the launcher runs without an executor process: command tasks, and the tasks of groups.
 * A task is launched once its checkpoint is durable, together with sending TASK_STARTING; each later
 * step (started, asked to end, ended) is durable before the next follows. To end a task means SIGTERM
 * to all of its processes, then SIGKILL when its grace period is over.
 */
import {
  type CheckpointTaskEndingCause,
  type KillPolicy,
  durationInfoMs,
  toDurationInfo,
} from '../api/index.js';
import { type ContainerId, type Disposable, assert, errorMessage } from '../base/index.js';
import { type Batch, KEYS } from './checkpoint.js';
import type { TaskContext } from './task-context.js';
import { killGraceMs } from './grace.js';
import { endOfTask, failedLaunch } from './outcomes.js';
import type {
  ContainerEnd,
  ContainerFacts,
  ContainerFate,
  ContainerSpec,
  LaunchOutcome,
} from './ports.js';
import { executorRecord } from './records.js';
import type { AgentExecutor, AgentTask } from './state.js';
import { TaskChecks } from './task-checks.js';

/** A container of a task, until it has ended. */
interface RunningTask {
  readonly task: AgentTask;
  readonly containerId: ContainerId;
  /** Waits for its checkpoint, is being launched, was launched. */
  phase: 'waiting' | 'starting' | 'started';
  /** The end, when it was told before the outcome of the launch. */
  earlyEnd?: ContainerEnd;
  killTimer?: Disposable;
  /** On the clock of elapsed time: when SIGKILL is due. */
  killDueMs?: number;
  completionTimer?: Disposable;
}

export class CommandTasks {
  readonly #context: TaskContext;
  readonly #onExecutorEnded: (batch: Batch, executor: AgentExecutor) => void;
  readonly #running = new Map<ContainerId, RunningTask>();
  readonly #checks: TaskChecks;

  /** `onExecutorEnded` is told, within the batch, when the last task of an executor has ended. */
  constructor(
    context: TaskContext,
    onExecutorEnded: (batch: Batch, executor: AgentExecutor) => void,
  ) {
    this.#context = context;
    this.#onExecutorEnded = onExecutorEnded;
    this.#checks = new TaskChecks(context, (task) => this.kill(task, 'HEALTH_CHECK'));
  }

  /** How many containers run or start. */
  get count(): number {
    return this.#running.size;
  }

  /**
   * Announces a task whose records are in the batch: reports TASK_STARTING with them, and launches
   * the container when they are durable.
   */
  prepare(batch: Batch, task: AgentTask, spec: ContainerSpec): void {
    const running: RunningTask = { task, containerId: spec.containerId, phase: 'waiting' };
    this.#running.set(spec.containerId, running);
    this.#context.reports.change(batch, task, {
      state: 'TASK_STARTING',
      source: 'SOURCE_EXECUTOR',
    });
    batch.afterwards(() => {
      void this.#launch(running, spec).catch((error: unknown) =>
        this.#launched(running, {
          kind: 'failed',
          stage: 'launcher',
          message: errorMessage(error),
        }),
      );
    });
  }

  /** Takes over a task from before the restart, whatever became of its container. */
  adopt(batch: Batch, task: AgentTask, fate: ContainerFate): void {
    assert(task.containerId, `task ${task.id} of the launcher has no container`);
    const running: RunningTask = { task, containerId: task.containerId, phase: 'started' };
    this.#running.set(task.containerId, running);
    if (fate.kind !== 'running') {
      this.#ended(batch, running, fate);
      return;
    }
    if (task.process === undefined) this.#started(batch, running, fate);
    else {
      this.#watch(batch, running);
      this.#checks.resume(task);
    }
  }

  /**
   * Makes a task end. Asked again, it only shortens the grace period. `policy` is that of the call
   * and wins over the task's.
   */
  kill(task: AgentTask, cause: CheckpointTaskEndingCause, policy?: KillPolicy): void {
    this.killWithin(task, cause, killGraceMs(policy, task.task, this.#context.config));
  }

  /** As `kill`, with the grace period in milliseconds. */
  killWithin(task: AgentTask, cause: CheckpointTaskEndingCause, graceMs: number): void {
    const running =
      task.containerId === undefined ? undefined : this.#running.get(task.containerId);
    if (task.isTerminal || running === undefined) return;
    const batch = this.#context.checkpoint.batch();
    if (task.ending !== undefined) {
      this.#shorten(batch, running, graceMs);
      batch.commit();
      return;
    }
    task.ending = { cause, grace_period: toDurationInfo(graceMs) };
    this.#checks.stop(task);
    const tells = task.executor.framework.can('TASK_KILLING_STATE');
    if (tells && running.phase === 'started') {
      this.#context.reports.change(batch, task, {
        state: 'TASK_KILLING',
        source: 'SOURCE_EXECUTOR',
      });
    } else {
      this.#context.reports.putTask(batch, task);
    }
    batch.afterwards(() => {
      if (running.phase === 'started') this.#terminate(running);
      // Cuts the launch short; if there is a process all the same, it is ended once it is known.
      if (running.phase === 'starting') this.#signal(running, 'SIGTERM');
    });
    batch.commit();
  }

  /** Milliseconds until a task that was asked to end is killed; 0 for others. */
  graceLeftMs(task: AgentTask): number {
    const running =
      task.containerId === undefined ? undefined : this.#running.get(task.containerId);
    if (running === undefined || task.ending === undefined) return 0;
    if (running.killDueMs === undefined) return durationInfoMs(task.ending.grace_period);
    return Math.max(0, running.killDueMs - this.#context.world.clock.elapsed());
  }

  /** Tells that a container has ended; containers of others are ignored. */
  ended(containerId: ContainerId, end: ContainerEnd): void {
    const running = this.#running.get(containerId);
    if (running === undefined) return;
    if (running.phase !== 'started') {
      running.earlyEnd = end;
      return;
    }
    const batch = this.#context.checkpoint.batch();
    this.#ended(batch, running, end);
    batch.commit();
  }

  async #launch(running: RunningTask, spec: ContainerSpec): Promise<void> {
    const { checkpointed, collector, containerizer, timers } = this.#context;
    const { task } = running;
    await collector.whenSafe(spec.sandbox);
    const volumes = [...(spec.volumes ?? []), ...(spec.parent?.volumes ?? [])];
    const problem = volumes.length > 0 ? await checkpointed.whenReady(volumes) : undefined;
    if (timers.isDisposed) return;
    if (task.ending !== undefined) {
      this.#finish(running, (batch) => this.#reportEnd(batch, task, undefined));
      return;
    }
    if (problem !== undefined) {
      this.#launched(running, { kind: 'failed', stage: 'sandbox', message: problem });
      return;
    }
    running.phase = 'starting';
    const outcome = await containerizer.launch(spec);
    if (!timers.isDisposed) this.#launched(running, outcome);
  }

  #launched(running: RunningTask, outcome: LaunchOutcome): void {
    const { task } = running;
    if (outcome.kind === 'failed') {
      this.#context.metrics.containerLaunchErrors++;
      const { message: why } = outcome;
      this.#context.world.log.warn('a task was not started', { task: task.id, why });
      this.#finish(running, (batch) => {
        if (task.ending !== undefined) this.#reportEnd(batch, task, undefined);
        else this.#context.reports.change(batch, task, failedLaunch(outcome));
      });
      return;
    }
    const batch = this.#context.checkpoint.batch();
    this.#started(batch, running, outcome);
    if (running.earlyEnd !== undefined) this.#ended(batch, running, running.earlyEnd);
    batch.commit();
  }

  /** The process runs: it is on record with TASK_RUNNING, unless it is to end at once. */
  #started(
    batch: Batch,
    running: RunningTask,
    process: { readonly pid: number; readonly startTime: string } & ContainerFacts,
  ): void {
    const { world, reports } = this.#context;
    const { task } = running;
    running.phase = 'started';
    task.networkInfos = process.networkInfos;
    task.process = {
      pid: process.pid,
      start_time: process.startTime,
      started_at: world.clock.now() / 1000,
    };
    if (task.ending === undefined) {
      const { data } = process;
      reports.change(batch, task, { state: 'TASK_RUNNING', source: 'SOURCE_EXECUTOR', data });
    } else {
      reports.putTask(batch, task);
    }
    this.#watch(batch, running);
    this.#checks.start(task);
  }

  /** Arms what a started task needs: its kill, or the end of its time. */
  #watch(batch: Batch, running: RunningTask): void {
    const { task } = running;
    if (task.ending !== undefined) {
      batch.afterwards(() => this.#terminate(running));
      return;
    }
    if (task.maxCompletionTimeMs === undefined || task.process === undefined) return;
    const { timers, world } = this.#context;
    const ranMs = Math.max(0, world.clock.now() - task.process.started_at * 1000);
    const leftMs = Math.max(0, task.maxCompletionTimeMs - ranMs);
    running.completionTimer = timers.after(leftMs, () => this.kill(task, 'MAX_COMPLETION_TIME'));
  }

  #terminate(running: RunningTask): void {
    const { task } = running;
    if (task.isTerminal || task.ending === undefined || running.killDueMs !== undefined) return;
    this.#signal(running, 'SIGTERM');
    this.#armKill(running, durationInfoMs(task.ending.grace_period));
  }

  #armKill(running: RunningTask, graceMs: number): void {
    const { timers, world } = this.#context;
    running.killTimer?.dispose();
    running.killDueMs = world.clock.elapsed() + graceMs;
    running.killTimer = timers.after(graceMs, () => this.#signal(running, 'SIGKILL'));
  }

  #signal(running: RunningTask, signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#context.containerizer.signal(running.containerId, signal);
  }

  /** Brings SIGKILL forward when the new grace period ends earlier. */
  #shorten(batch: Batch, running: RunningTask, graceMs: number): void {
    const { task } = running;
    if (task.ending === undefined) return;
    const dueMs = running.killDueMs;
    const leftMs =
      dueMs === undefined
        ? durationInfoMs(task.ending.grace_period)
        : dueMs - this.#context.world.clock.elapsed();
    if (graceMs >= leftMs) return;
    task.ending = { cause: task.ending.cause, grace_period: toDurationInfo(graceMs) };
    this.#context.reports.putTask(batch, task);
    if (dueMs === undefined) return;
    batch.afterwards(() => {
      if (!task.isTerminal) this.#armKill(running, graceMs);
    });
  }

  #ended(batch: Batch, running: RunningTask, end: ContainerEnd): void {
    this.#close(batch, running, () => this.#reportEnd(batch, running.task, end));
  }

  /** As `#ended`, for a container that never came to be, in a batch of its own. */
  #finish(running: RunningTask, report: (batch: Batch) => void): void {
    const batch = this.#context.checkpoint.batch();
    this.#close(batch, running, () => report(batch));
    batch.commit();
  }

  #close(batch: Batch, running: RunningTask, report: () => void): void {
    const { task, containerId } = running;
    running.killTimer?.dispose();
    running.completionTimer?.dispose();
    this.#checks.stop(task);
    this.#running.delete(containerId);
    report();
    batch.afterwards(() => this.#context.containerizer.forget(containerId));
    this.#endGroup(task);
    this.#endExecutor(batch, task.executor);
  }

  #reportEnd(batch: Batch, task: AgentTask, end: ContainerEnd | undefined): void {
    this.#context.reports.change(batch, task, endOfTask(task, end));
  }

  /** A task of a group that did not finish takes the others with it. */
  #endGroup(task: AgentTask): void {
    if (task.state === 'TASK_FINISHED') return;
    for (const taskId of task.group) {
      const other = task.executor.active.get(taskId);
      if (other !== undefined) this.kill(other, 'GROUP');
    }
  }

  #endExecutor(batch: Batch, executor: AgentExecutor): void {
    if (executor.active.size > 0) return;
    executor.phase = 'terminated';
    this.#context.collector.schedule(batch, executor.containerId, executor.directory);
    if (executor.kind === 'GROUP') {
      batch.put(
        KEYS.executor(executor.containerId),
        'CheckpointExecutor',
        executorRecord(executor),
      );
    }
    this.#onExecutorEnded(batch, executor);
  }
}
