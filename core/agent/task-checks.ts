/**
 * The checks of tasks that the launcher runs. A task is probed from its start until it ends or is to
 * end. What changes is told as an update of the running task, which carries the results of both of its
 * checks; too many failures of the health check end the task. After a restart of the agent the checks
 * go on, with failures counted anew: the time without an agent is nobody's fault.
 */
import { type CheckStatusInfo, type TaskStatusReason, messagesEqual } from '../api/index.js';
import type { Disposable, Random } from '../base/index.js';
import { CheckLoop } from './check-loop.js';
import {
  type CheckTiming,
  checkProbe,
  checkTiming,
  healthProbe,
  healthTiming,
  healthTolerance,
} from './check-settings.js';
import {
  HealthJudge,
  type HealthNews,
  type ProbeResult,
  checkStatusOf,
  emptyCheckStatus,
  healthVerdict,
} from './check-verdicts.js';
import type { ProbeSpec } from './ports.js';
import { ProbeQueue } from './probe-queue.js';
import type { AgentTask } from './state.js';
import type { TaskContext } from './task-context.js';

/**
 * Updates of a task that wait for acknowledgement, from which on results of checks are held back: the
 * newest is told when there is room again.
 */
export const MAX_WAITING_CHECK_UPDATES = 16;

/** What is known of a task that is being checked. */
interface CheckedTask {
  readonly task: AgentTask;
  /** On the clock of elapsed time: when the task started. */
  readonly startedMs: number;
  readonly isRecovered: boolean;
  readonly loops: Disposable[];
  /** As the scheduler was told last. */
  healthy: boolean | undefined;
  checkStatus: CheckStatusInfo | undefined;
  /** Health that could not be told yet. */
  untold: HealthNews | undefined;
  /** Whether the log says already that probes cannot be carried out. */
  isUnknownLogged: boolean;
}

export class TaskChecks {
  readonly #context: TaskContext;
  readonly #onUnhealthy: (task: AgentTask) => void;
  readonly #random: Random;
  readonly #queue: ProbeQueue;
  readonly #checked = new Map<AgentTask, CheckedTask>();

  /** `onUnhealthy` has to end the task. */
  constructor(context: TaskContext, onUnhealthy: (task: AgentTask) => void) {
    this.#context = context;
    this.#onUnhealthy = onUnhealthy;
    this.#random = context.world.random.fork('checks');
    this.#queue = new ProbeQueue((spec, listener) => context.containerizer.probe(spec, listener));
  }

  /** Begins the checks of a task that has just started. */
  start(task: AgentTask): void {
    this.#begin(task, { ranMs: 0, isRecovered: false });
  }

  /** Goes on with the checks of a task that an earlier agent had started. */
  resume(task: AgentTask): void {
    const startedMs = (task.process?.started_at ?? 0) * 1000;
    const ranMs = Math.max(0, this.#context.world.clock.now() - startedMs);
    this.#begin(task, { ranMs, isRecovered: true });
  }

  /** Ends the checks of a task, the probes under way included; no more is told. */
  stop(task: AgentTask): void {
    const checked = this.#checked.get(task);
    this.#checked.delete(task);
    for (const loop of checked?.loops ?? []) loop.dispose();
  }

  #begin(task: AgentTask, start: { readonly ranMs: number; readonly isRecovered: boolean }): void {
    const { health_check: healthCheck } = task.task;
    if (task.ending !== undefined || (healthCheck ?? task.check) === undefined) return;
    const told = task.task.statuses?.at(-1);
    const checked: CheckedTask = {
      task,
      startedMs: this.#context.world.clock.elapsed() - start.ranMs,
      isRecovered: start.isRecovered,
      loops: [],
      healthy: start.isRecovered ? told?.healthy : undefined,
      checkStatus: start.isRecovered ? told?.check_status : undefined,
      untold: undefined,
      isUnknownLogged: false,
    };
    this.#checked.set(task, checked);
    this.#beginHealthCheck(checked);
    this.#beginCheck(checked);
  }

  #beginHealthCheck(checked: CheckedTask): void {
    const { health_check: healthCheck } = checked.task.task;
    const probe = healthCheck && healthProbe(checked.task, healthCheck);
    if (healthCheck === undefined || probe === undefined) return;
    const judge = new HealthJudge(healthTolerance(healthCheck), checked.healthy);
    this.#loop(checked, { probe, timing: healthTiming(healthCheck) }, (result) => {
      const ranMs = this.#context.world.clock.elapsed() - checked.startedMs;
      const news = judge.take(healthVerdict(healthCheck, result), ranMs) ?? checked.untold;
      if (news !== undefined) this.#tellHealth(checked, news);
    });
  }

  #beginCheck(checked: CheckedTask): void {
    const { check } = checked.task;
    const probe = check && checkProbe(checked.task, check);
    if (check === undefined || probe === undefined) return;
    this.#loop(checked, { probe, timing: checkTiming(check) }, (result) => {
      const found = checkStatusOf(check, result);
      if (found === undefined) return;
      const told = checked.checkStatus ?? emptyCheckStatus(check);
      if (!messagesEqual('CheckStatusInfo', told, found)) this.#tellCheck(checked, found);
    });
  }

  #loop(
    checked: CheckedTask,
    what: { readonly probe: ProbeSpec; readonly timing: CheckTiming },
    onResult: (result: ProbeResult) => void,
  ): void {
    const { timers, world } = this.#context;
    const { delayMs, intervalMs, timeoutMs } = what.timing;
    const leftMs = delayMs - (world.clock.elapsed() - checked.startedMs);
    // After a restart the tasks of an agent are probed one after the other, not all at once.
    const spreadMs = checked.isRecovered ? this.#random.next() * intervalMs : 0;
    const loop = new CheckLoop({
      timers,
      clock: world.clock,
      queue: this.#queue,
      probe: what.probe,
      intervalMs,
      timeoutMs,
      firstMs: Math.max(leftMs, spreadMs),
      onResult: (result) => {
        this.#log(checked, result);
        onResult(result);
      },
    });
    checked.loops.push(loop);
  }

  #tellHealth(checked: CheckedTask, news: HealthNews): void {
    const { task } = checked;
    if (this.#hasRoom(task)) {
      checked.untold = undefined;
      checked.healthy = news.healthy;
      this.#tell(checked, 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED', news.message);
    } else {
      checked.untold = news;
    }
    if (!news.hasToEnd) return;
    this.#context.world.log.warn('a task is ended because its health check failed', {
      task: task.id,
      why: news.message ?? '',
    });
    this.#onUnhealthy(task);
  }

  #tellCheck(checked: CheckedTask, found: CheckStatusInfo): void {
    // What is held back is found again by the next probe.
    if (!this.#hasRoom(checked.task)) return;
    checked.checkStatus = found;
    this.#tell(checked, 'REASON_TASK_CHECK_STATUS_UPDATED');
  }

  #tell(checked: CheckedTask, reason: TaskStatusReason, message?: string): void {
    const { checkpoint, reports } = this.#context;
    const batch = checkpoint.batch();
    reports.change(batch, checked.task, {
      state: 'TASK_RUNNING',
      source: 'SOURCE_EXECUTOR',
      reason,
      message,
      healthy: checked.healthy,
      checkStatus: checked.checkStatus,
    });
    batch.commit();
  }

  #hasRoom(task: AgentTask): boolean {
    const { framework } = task.executor;
    return this.#context.updates.pendingOf(framework.id, task.id) < MAX_WAITING_CHECK_UPDATES;
  }

  /** Says once that probes cannot be carried out, until one can. */
  #log(checked: CheckedTask, result: ProbeResult): void {
    if (result.kind === 'unknown' && !checked.isUnknownLogged) {
      this.#context.world.log.warn('a check could not be carried out', {
        task: checked.task.id,
        why: result.message,
      });
    }
    checked.isUnknownLogged = result.kind === 'unknown';
  }
}
