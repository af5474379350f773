/**
 * Everything by which the master or an operator ends things: kills of tasks, shutdown of executors,
 * frameworks and the agent itself; and what the master believes in that is not here.
 */
import {
  type DrainConfig,
  type FrameworkInfo,
  type LinkFrameworkTasks,
  type LinkMasterMessageDrain,
  type LinkMasterMessageKillTask,
  type LinkMasterMessageShutdownExecutor,
  durationInfoMs,
} from '../api/index.js';
import { type Disposable, type ExecutorId, type FrameworkId, id } from '../base/index.js';
import { KEYS } from './checkpoint.js';
import type { CommandTasks } from './command-tasks.js';
import type { TaskContext } from './task-context.js';
import type { CustomExecutors } from './custom-executors.js';
import { drainEnding, isDrain } from './drain.js';
import { shutdownGraceMs } from './grace.js';
import { MAX_INFO_CHARS, sizeFault } from './limits.js';
import type { AgentExecutor, AgentTask } from './state.js';

/** How often the end of the agent looks whether its containers have ended. */
export const END_POLL_MS = 20;

/** Longest wait for containers after the last grace period, when the agent ends. */
export const END_MARGIN_MS = 5000;

export class Endings {
  readonly #context: TaskContext;
  readonly #commandTasks: CommandTasks;
  readonly #customExecutors: CustomExecutors;

  constructor(
    context: TaskContext,
    runners: { readonly commandTasks: CommandTasks; readonly customExecutors: CustomExecutors },
  ) {
    this.#context = context;
    this.#commandTasks = runners.commandTasks;
    this.#customExecutors = runners.customExecutors;
  }

  /** Kills a task. Of one that is not here, the master learns that it is not. */
  killTask(call: LinkMasterMessageKillTask): void {
    const frameworkId = id<'FrameworkId'>(call.framework_id.value);
    const task = this.#context.state.find(frameworkId, id<'TaskId'>(call.task_id.value));
    if (task === undefined) {
      this.#reportUnknown(frameworkId, call.task_id.value, 'REASON_EXECUTOR_TERMINATED');
    } else if (task.executor.kind === 'CUSTOM') {
      this.#customExecutors.kill(task, call.kill_policy);
    } else {
      const cause = call.revoked_for === undefined ? 'KILL' : 'REVOCATION';
      this.#commandTasks.kill(task, cause, call.kill_policy);
    }
  }

  /** Answers for tasks that the master believes to be here. */
  dropUnknown(believed: readonly LinkFrameworkTasks[]): void {
    for (const { framework_id, task_ids } of believed) {
      const frameworkId = id<'FrameworkId'>(framework_id.value);
      for (const { value } of task_ids ?? []) {
        const isKnown = this.#context.state.find(frameworkId, id<'TaskId'>(value)) !== undefined;
        if (!isKnown) this.#reportUnknown(frameworkId, value, 'REASON_RECONCILIATION');
      }
    }
  }

  shutdownExecutor(call: LinkMasterMessageShutdownExecutor): void {
    const framework = this.#context.state.frameworks.get(
      id<'FrameworkId'>(call.framework_id.value),
    );
    const executor = framework?.executors.get(id<'ExecutorId'>(call.executor_id.value));
    if (executor !== undefined) this.#shutdown(executor);
  }

  /**
   * Makes everything end, because the host is to be empty; asked again, it only hastens. What is not
   * told on which conditions, is over.
   */
  drain({ config, started = 0 }: LinkMasterMessageDrain): void {
    const { state } = this.#context;
    state.drain = config && { config, startedMs: started * 1000 };
    if (config === undefined) return;
    for (const executor of state.executors()) {
      for (const task of executor.active.values()) this.#drainTask(task, config);
      if (executor.kind === 'CUSTOM') this.#customExecutors.endIdle(executor);
    }
  }

  #drainTask(task: AgentTask, drain: DrainConfig): void {
    const { checkpoint, config, reports } = this.#context;
    const { cause, grace_period } = drainEnding(task, drain, config);
    const isCustom = task.executor.kind === 'CUSTOM';
    const { ending } = task;
    // Of tasks that the launcher runs, `killWithin` records the first reason.
    const isNews = ending === undefined ? isCustom : isDrain(ending) && ending.cause !== cause;
    if (isNews) {
      task.ending = { cause, grace_period: ending?.grace_period ?? grace_period };
      const batch = checkpoint.batch();
      reports.putTask(batch, task);
      batch.commit();
    }
    if (isCustom) this.#customExecutors.kill(task, { grace_period });
    else this.#commandTasks.killWithin(task, cause, durationInfoMs(grace_period));
  }

  /** Kills an executor and its tasks without grace, as a QoS controller asks; false: none is here. */
  preempt(frameworkId: FrameworkId, executorId: ExecutorId): boolean {
    const executor = this.#context.state.frameworks.get(frameworkId)?.executors.get(executorId);
    if (executor === undefined || executor.phase === 'terminated') return false;
    this.#context.metrics.executorsPreempted++;
    if (executor.kind === 'CUSTOM') this.#customExecutors.preempt(executor);
    for (const task of executor.kind === 'CUSTOM' ? [] : executor.active.values()) {
      this.#commandTasks.killWithin(task, 'PREEMPTION', 0);
    }
    return true;
  }

  /** Ends all of a framework. Nobody wants to hear of its tasks any more. */
  shutdownFramework(frameworkId: FrameworkId): void {
    const { state, updates, operations, reports } = this.#context;
    updates.dropFramework(frameworkId);
    operations.dropFramework(frameworkId);
    const framework = state.frameworks.get(frameworkId);
    if (framework === undefined || framework.isTerminating) return;
    framework.isTerminating = true;
    for (const executor of framework.executors.values()) {
      for (const task of executor.terminated.values()) reports.forget(task);
      for (const task of executor.active.values()) reports.dropUpdates(task);
      this.#shutdown(executor);
    }
    reports.tidyFramework(framework);
  }

  /** Takes the newest info of a framework; its scheduler may be another, so updates are repeated. */
  updateFramework(info: FrameworkInfo): void {
    const { state, checkpoint, operations, updates, world } = this.#context;
    const frameworkId = id<'FrameworkId'>(info.id?.value ?? '');
    const framework = state.frameworks.get(frameworkId);
    const fault = sizeFault('FrameworkInfo', info, MAX_INFO_CHARS);
    if (fault !== undefined) world.log.warn('keeping the old info of a framework', { fault });
    else if (framework !== undefined) {
      framework.info = info;
      const batch = checkpoint.batch();
      batch.put(KEYS.framework(frameworkId), 'CheckpointFramework', { framework_info: info });
      batch.commit();
    }
    updates.resend(frameworkId);
    operations.resend(frameworkId);
  }

  /** Ends everything; resolves when no container is left, or none ends for too long. */
  async endAll(): Promise<void> {
    this.#context.state.isEnding = true;
    let longestMs = 0;
    for (const executor of this.#context.state.executors()) {
      longestMs = Math.max(longestMs, this.#end(executor));
    }
    await this.#whenEnded(longestMs + END_MARGIN_MS);
  }

  /** Ends an executor with the grace period that each of its tasks has; the longest of them. */
  #end(executor: AgentExecutor): number {
    const { config } = this.#context;
    if (executor.kind === 'CUSTOM') {
      this.#customExecutors.shutdown(executor);
      return shutdownGraceMs(executor.info, config);
    }
    return Math.max(
      0,
      ...[...executor.active.values()].map((task) => {
        this.#commandTasks.kill(task, 'SHUTDOWN');
        return this.#commandTasks.graceLeftMs(task);
      }),
    );
  }

  #shutdown(executor: AgentExecutor): void {
    if (executor.kind === 'CUSTOM') {
      this.#customExecutors.shutdown(executor);
      return;
    }
    const graceMs = shutdownGraceMs(executor.info, this.#context.config);
    for (const task of executor.active.values()) {
      this.#commandTasks.killWithin(task, 'SHUTDOWN', graceMs);
    }
  }

  #whenEnded(withinMs: number): Promise<void> {
    const { timers, world } = this.#context;
    const untilMs = world.clock.elapsed() + withinMs;
    return new Promise((resolve) => {
      let look: Disposable | undefined;
      const check = (): void => {
        look?.dispose();
        const left = this.#commandTasks.count + this.#customExecutors.count;
        if (left === 0 || timers.isDisposed || world.clock.elapsed() >= untilMs) resolve();
        else look = timers.after(END_POLL_MS, check);
      };
      check();
    });
  }

  #reportUnknown(
    frameworkId: FrameworkId,
    taskId: string,
    reason: 'REASON_EXECUTOR_TERMINATED' | 'REASON_RECONCILIATION',
  ): void {
    const { state, reports, updates } = this.#context;
    // That the task is not here is on its way to the scheduler already.
    if (updates.pendingOf(frameworkId, id<'TaskId'>(taskId)) > 0) return;
    const framework =
      state.frameworks.get(frameworkId) ??
      state.completedFrameworks.items.find((other) => other.id === frameworkId);
    reports.reportUnknown({
      frameworkId,
      taskId: id<'TaskId'>(taskId),
      isPartitionAware: framework?.can('PARTITION_AWARE') ?? false,
      reason,
      message: 'The agent does not know the task',
    });
  }
}
