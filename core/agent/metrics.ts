/** Counters of an agent, and all its metrics under the names that tools for Mesos expect. */
import type { TaskState } from '../api/index.js';
import { Resources, fromThousandths } from '../resources/index.js';
import type { AgentState, ExecutorPhase } from './state.js';

/** What is counted since the agent started. */
export class AgentMetrics {
  containerLaunchErrors = 0;
  executorsTerminated = 0;
  executorsPreempted = 0;
  recoveryErrors = 0;
  recoveryTimeMs = 0;
  validStatusUpdates = 0;
  invalidStatusUpdates = 0;
  validFrameworkMessages = 0;
  invalidFrameworkMessages = 0;
  readonly terminalTasks = new Map<TaskState, number>();

  countTerminal(state: TaskState): void {
    this.terminalTasks.set(state, (this.terminalTasks.get(state) ?? 0) + 1);
  }
}

/** What the gauges are read from. */
export interface MetricsSource {
  readonly metrics: AgentMetrics;
  readonly state: AgentState;
  readonly totalResources: Resources;
  readonly oversubscribedResources: Resources;
  readonly isRegistered: boolean;
  readonly uptimeMs: number;
  readonly maxSandboxAgeMs: number;
}

/** All metrics by name, as `/metrics/snapshot` serves them. */
export function metricsSnapshot(source: MetricsSource): Readonly<Record<string, number>> {
  const { metrics } = source;
  return {
    'slave/registered': source.isRegistered ? 1 : 0,
    'slave/uptime_secs': source.uptimeMs / 1000,
    'slave/recovery_errors': metrics.recoveryErrors,
    'slave/recovery_time_secs': metrics.recoveryTimeMs / 1000,
    'slave/container_launch_errors': metrics.containerLaunchErrors,
    'slave/executor_directory_max_allowed_age_secs': source.maxSandboxAgeMs / 1000,
    'slave/frameworks_active': source.state.frameworks.size,
    'slave/valid_status_updates': metrics.validStatusUpdates,
    'slave/invalid_status_updates': metrics.invalidStatusUpdates,
    'slave/valid_framework_messages': metrics.validFrameworkMessages,
    'slave/invalid_framework_messages': metrics.invalidFrameworkMessages,
    ...executorMetrics(source),
    ...taskMetrics(source),
    ...resourceMetrics(source),
  };
}

function executorMetrics({ state, metrics }: MetricsSource): Record<string, number> {
  const executors = [...state.executors()];
  const count = (phase: ExecutorPhase): number =>
    executors.filter((executor) => executor.phase === phase).length;
  return {
    'slave/executors_registering': count('registering'),
    'slave/executors_running': count('running'),
    'slave/executors_terminating': count('terminating'),
    'slave/executors_terminated': metrics.executorsTerminated,
    'slave/executors_preempted': metrics.executorsPreempted,
  };
}

function taskMetrics({ state, metrics }: MetricsSource): Record<string, number> {
  const active = [...state.executors()].flatMap((executor) => [...executor.active.values()]);
  const count = (wanted: TaskState): number =>
    active.filter((task) => task.state === wanted).length;
  const ended = (wanted: TaskState): number => metrics.terminalTasks.get(wanted) ?? 0;
  return {
    'slave/tasks_staging': count('TASK_STAGING'),
    'slave/tasks_starting': count('TASK_STARTING'),
    'slave/tasks_running': count('TASK_RUNNING'),
    'slave/tasks_killing': count('TASK_KILLING'),
    'slave/tasks_finished': ended('TASK_FINISHED'),
    'slave/tasks_failed': ended('TASK_FAILED'),
    'slave/tasks_killed': ended('TASK_KILLED'),
    'slave/tasks_lost': ended('TASK_LOST'),
    'slave/tasks_gone': ended('TASK_GONE'),
  };
}

function resourceMetrics(source: MetricsSource): Record<string, number> {
  const executors = [...source.state.executors()];
  const used = Resources.fromWire(
    executors.flatMap((executor) => executor.usedResources),
  ).unallocated();
  const metrics: Record<string, number> = {};
  const measure = (suffix: string, total: Resources, inUse: Resources): void => {
    for (const name of ['cpus', 'gpus', 'mem', 'disk']) {
      const has = fromThousandths(total.scalar(name));
      const holds = fromThousandths(inUse.scalar(name));
      metrics[`slave/${name}${suffix}_total`] = has;
      metrics[`slave/${name}${suffix}_used`] = holds;
      metrics[`slave/${name}${suffix}_percent`] = has > 0 ? holds / has : 0;
    }
  };
  measure('', source.totalResources, used.nonRevocable());
  measure('_revocable', source.oversubscribedResources, used.revocable());
  return metrics;
}
