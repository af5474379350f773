/**
 * How a task ended, in a form that programs can decide by. The API has no field for the exit status of a
 * command: it is in the message of the last update, in the words that Mesos uses.
 */
import { type TaskRecord, isEnded } from './task-record.js';

/**
 * `success`: it finished. `exited`, `signaled`: the command ended otherwise. `limit`: it used more than it may,
 * or ran for too long. `killed`: the framework asked for its end. `infrastructure`: it is not to blame, such as
 * when its agent was lost or its resources were taken back. `refused`: the master or the agent found its
 * description wrong. `failed`: for any other reason, which the message tells.
 */
export type TaskEnd =
  | { readonly kind: 'success' }
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'signaled'; readonly signal: string }
  | { readonly kind: 'limit'; readonly limit: 'memory' | 'disk' | 'time' | 'other' }
  | { readonly kind: 'killed' | 'infrastructure' | 'refused' | 'failed' };

const LIMITS: ReadonlyMap<string, 'memory' | 'disk' | 'time' | 'other'> = new Map([
  ['REASON_CONTAINER_LIMITATION_MEMORY', 'memory'],
  ['REASON_CONTAINER_LIMITATION_DISK', 'disk'],
  ['REASON_CONTAINER_LIMITATION', 'other'],
  ['REASON_MAX_COMPLETION_TIME_REACHED', 'time'],
]);

/** Reasons of failures that say something about machines, not about the task. */
const INFRASTRUCTURE: ReadonlySet<string> = new Set([
  'REASON_AGENT_DISCONNECTED',
  'REASON_AGENT_DRAINING',
  'REASON_AGENT_REMOVED',
  'REASON_AGENT_REMOVED_BY_OPERATOR',
  'REASON_AGENT_REREGISTERED',
  'REASON_AGENT_RESTARTED',
  'REASON_AGENT_UNKNOWN',
  'REASON_CONTAINER_PREEMPTED',
  'REASON_CONTAINER_UPDATE_FAILED',
  'REASON_EXECUTOR_REGISTRATION_TIMEOUT',
  'REASON_EXECUTOR_REREGISTRATION_TIMEOUT',
  'REASON_EXECUTOR_TERMINATED',
  'REASON_EXECUTOR_UNREGISTERED',
  'REASON_GC_ERROR',
  'REASON_INVALID_OFFERS',
  'REASON_IO_SWITCHBOARD_EXITED',
  'REASON_MASTER_DISCONNECTED',
  'REASON_RECONCILIATION',
]);

/** How a task ended; undefined while it may run. */
export function endOf(
  task: Pick<TaskRecord, 'state' | 'reason' | 'message' | 'killedAt'>,
): TaskEnd | undefined {
  const { state, reason = '', message = '', killedAt } = task;
  if (!isEnded(state)) return undefined;
  if (state === 'FINISHED') return { kind: 'success' };
  if (state === 'ERROR') return { kind: 'refused' };
  const limit = LIMITS.get(reason);
  if (limit !== undefined) return { kind: 'limit', limit };
  if (state !== 'FAILED' && state !== 'KILLED') return { kind: 'infrastructure' };
  // Somebody else ended it: an operator, or the cluster for its own needs.
  if (state === 'KILLED') return { kind: killedAt === undefined ? 'infrastructure' : 'killed' };
  if (INFRASTRUCTURE.has(reason)) return { kind: 'infrastructure' };
  const exitCode = /exited with status (\d+)/.exec(message)?.[1];
  if (exitCode !== undefined) return { kind: 'exited', exitCode: Number(exitCode) };
  const signal = /terminated with signal (SIG[A-Z0-9]+)/.exec(message)?.[1];
  return signal === undefined ? { kind: 'failed' } : { kind: 'signaled', signal };
}
