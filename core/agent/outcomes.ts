/** In what words and states the ends of containers are told to schedulers. */
import { healthTolerance } from './check-settings.js';
import type { StateChange } from './reports.js';
import type { ContainerEnd, LaunchOutcome } from './ports.js';
import type { AgentFramework, AgentTask } from './state.js';

/** What a launch that failed means for its task. */
export function failedLaunch(
  outcome: Extract<LaunchOutcome, { readonly kind: 'failed' }>,
): StateChange {
  return {
    state: 'TASK_FAILED',
    source: 'SOURCE_AGENT',
    reason: 'REASON_CONTAINER_LAUNCH_FAILED',
    message: `Failed to launch container: ${outcome.message}`,
    withContainer: false,
  };
}

/** How the main process ended, as Mesos words it. */
export function describeEnd(end: ContainerEnd, subject = 'Command'): string {
  if (end.kind === 'exited') return `${subject} exited with status ${end.code}`;
  if (end.kind === 'signaled') return `${subject} terminated with signal ${end.signal}`;
  return `${subject} ended unseen: ${end.message}`;
}

/**
 * The terminal state of a task that the launcher ran. `end` is undefined when it was asked to end
 * before it had started.
 */
export function endOfTask(task: AgentTask, end: ContainerEnd | undefined): StateChange {
  const cause = task.ending?.cause;
  if (cause === 'MAX_COMPLETION_TIME') {
    return {
      state: 'TASK_FAILED',
      source: 'SOURCE_EXECUTOR',
      reason: 'REASON_MAX_COMPLETION_TIME_REACHED',
      message: 'Max completion time reached',
    };
  }
  if (cause === 'REVOCATION') {
    return {
      state: 'TASK_KILLED',
      source: 'SOURCE_MASTER',
      reason: 'REASON_CONTAINER_PREEMPTED',
      message: 'Ended so that other roles have what they are guaranteed',
    };
  }
  if (cause === 'PREEMPTION') return preempted(task.executor.framework);
  if (cause !== undefined) return killed(task, end);
  return naturalEnd(end ?? { kind: 'lost', message: 'it was not started' });
}

/** The end of a task whose executor a QoS controller had killed. */
export function preempted(framework: AgentFramework): StateChange {
  return {
    state: framework.can('PARTITION_AWARE') ? 'TASK_GONE' : 'TASK_LOST',
    source: 'SOURCE_AGENT',
    reason: 'REASON_CONTAINER_PREEMPTED',
    message: 'Ended because what it was lent is needed',
  };
}

function killed(task: AgentTask, end: ContainerEnd | undefined): StateChange {
  const hasRun = task.state === 'TASK_RUNNING' || task.state === 'TASK_KILLING';
  if (!hasRun) {
    return {
      state: 'TASK_KILLED',
      source: 'SOURCE_AGENT',
      reason: 'REASON_TASK_KILLED_DURING_LAUNCH',
      message: 'A kill was asked for before the task ran',
      withContainer: end !== undefined,
    };
  }
  const message = end === undefined ? undefined : describeEnd(end);
  if (task.ending?.cause === 'HEALTH_CHECK') return killedUnhealthy(task, message);
  return { state: 'TASK_KILLED', source: 'SOURCE_EXECUTOR', message };
}

function killedUnhealthy(task: AgentTask, message: string | undefined): StateChange {
  const { maxFailures } = healthTolerance(task.task.health_check ?? {});
  const why = `ended because its health check failed ${maxFailures} times in a row`;
  return {
    state: 'TASK_KILLED',
    source: 'SOURCE_EXECUTOR',
    message: message === undefined ? why : `${message}; ${why}`,
    healthy: false,
  };
}

function naturalEnd(end: ContainerEnd): StateChange {
  if (end.kind === 'lost') {
    return {
      state: 'TASK_FAILED',
      source: 'SOURCE_AGENT',
      reason: 'REASON_EXECUTOR_TERMINATED',
      message: describeEnd(end),
    };
  }
  if (end.kind === 'exited' && end.isOutOfMemory === true) {
    return {
      state: 'TASK_FAILED',
      source: 'SOURCE_AGENT',
      reason: 'REASON_CONTAINER_LIMITATION_MEMORY',
      message: `${describeEnd(end)}; it was killed because it used more memory than it was given`,
    };
  }
  const isFinished = end.kind === 'exited' && end.code === 0;
  return {
    state: isFinished ? 'TASK_FINISHED' : 'TASK_FAILED',
    source: 'SOURCE_EXECUTOR',
    message: describeEnd(end),
  };
}

/** Numbers of the signals that end processes on Linux. */
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGXCPU: 24,
  SIGXFSZ: 25,
};

/** The number of a signal on Linux; 0 when it is not among those that end processes. */
export function signalNumber(name: string): number {
  return SIGNAL_NUMBERS[name] ?? 0;
}
