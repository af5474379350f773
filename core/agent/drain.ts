/**
 * What it means for a task that an operator wants the host empty: how long it has, and how its end is
 * told. That it ends for this reason is in its own record, so it holds when the agent restarts.
 */
import {
  type CheckpointTaskEnding,
  type DrainConfig,
  type TaskStatus,
  durationInfoMs,
  toDurationInfo,
} from '../api/index.js';
import type { AgentConfig } from './config.js';
import { killGraceMs } from './grace.js';
import type { AgentTask } from './state.js';

/** Why and how a task ends that is not ending for another reason: its own grace, or a shorter one. */
export function drainEnding(
  task: AgentTask,
  drain: DrainConfig,
  config: AgentConfig,
): CheckpointTaskEnding {
  const ownMs = killGraceMs(undefined, task.task, config);
  const { max_grace_period: longest, mark_gone: isGone } = drain;
  const graceMs = longest === undefined ? ownMs : Math.min(ownMs, durationInfoMs(longest));
  return { cause: isGone === true ? 'DRAIN_GONE' : 'DRAIN', grace_period: toDurationInfo(graceMs) };
}

/** Whether a task ends because the host is to be empty. */
export function isDrain({ cause }: CheckpointTaskEnding): boolean {
  return cause === 'DRAIN' || cause === 'DRAIN_GONE';
}

/**
 * The status as it is told: with the drain as the reason when the task was killed for it. Of an agent
 * that is to be gone for good, frameworks that know the state hear just that.
 */
export function drainedStatus(task: AgentTask, status: TaskStatus): TaskStatus {
  const { ending } = task;
  if (ending === undefined || !isDrain(ending)) return status;
  const { state } = status;
  if (state !== 'TASK_KILLING' && state !== 'TASK_KILLED') return status;
  const isTold = ending.cause === 'DRAIN_GONE' && task.executor.framework.can('PARTITION_AWARE');
  return {
    ...status,
    state: state === 'TASK_KILLED' && isTold ? 'TASK_GONE_BY_OPERATOR' : state,
    reason: 'REASON_AGENT_DRAINING',
  };
}
