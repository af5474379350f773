/** How long a task or executor is given to end by itself. */
import { type ExecutorInfo, type KillPolicy, type Task, durationInfoMs } from '../api/index.js';
import type { AgentConfig } from './config.js';

/** Milliseconds between SIGTERM and SIGKILL: of the call, else of the task, else of the agent. */
export function killGraceMs(
  ofCall: KillPolicy | undefined,
  task: Task,
  config: AgentConfig,
): number {
  const period = ofCall?.grace_period ?? task.kill_policy?.grace_period;
  if (period !== undefined) return Math.max(0, durationInfoMs(period));
  const isDocker = task.container?.type === 'DOCKER';
  return isDocker ? config.dockerStopTimeoutMs : config.killGracePeriodMs;
}

/** Milliseconds between the request to shut an executor down and its kill. */
export function shutdownGraceMs(executor: ExecutorInfo, config: AgentConfig): number {
  const period = executor.shutdown_grace_period;
  if (period === undefined) return config.executorShutdownGracePeriodMs;
  return Math.max(0, durationInfoMs(period));
}
