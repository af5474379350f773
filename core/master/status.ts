/** Statuses that the master itself makes. They carry no uuid: nobody acknowledges them. */
import {
  type CheckStatusInfo,
  type ContainerStatus,
  type Task,
  type TaskState,
  type TaskStatus,
  type TaskStatusReason,
  toTimeInfo,
} from '../api/index.js';
import type { AgentId, ExecutorId, TaskId } from '../base/index.js';
import { type MasterContext, nowSeconds, sendEvent } from './context.js';
import type { Framework } from './framework.js';

/** What is known about the task that a status is about. */
export interface StatusOptions {
  readonly taskId: TaskId | string;
  readonly state: TaskState;
  readonly message: string;
  readonly reason: TaskStatusReason;
  readonly agentId?: AgentId | string | undefined;
  readonly executorId?: ExecutorId | undefined;
  /** Milliseconds since 1970. */
  readonly unreachableMs?: number | undefined;
  readonly healthy?: boolean | undefined;
  readonly checkStatus?: CheckStatusInfo | undefined;
  readonly containerStatus?: ContainerStatus | undefined;
}

/** Makes a status with the master as its source and the present as its time. */
export function masterStatus(context: MasterContext, options: StatusOptions): TaskStatus {
  const { taskId, agentId, executorId, unreachableMs } = options;
  return {
    task_id: { value: taskId },
    state: options.state,
    message: options.message,
    source: 'SOURCE_MASTER',
    reason: options.reason,
    agent_id: agentId === undefined ? undefined : { value: agentId },
    executor_id: executorId === undefined ? undefined : { value: executorId },
    timestamp: nowSeconds(context),
    healthy: options.healthy,
    check_status: options.checkStatus,
    container_status: options.containerStatus,
    unreachable_time: unreachableMs === undefined ? undefined : toTimeInfo(unreachableMs),
  };
}

/** What the last status of a task says about health, checks and container. */
export function lastKnown(
  task: Task,
): Pick<StatusOptions, 'healthy' | 'checkStatus' | 'containerStatus'> {
  const last = task.statuses?.at(-1);
  return {
    healthy: last?.healthy,
    checkStatus: last?.check_status,
    containerStatus: last?.container_status,
  };
}

/** Sends an UPDATE event with the status. */
export function sendUpdate(framework: Framework, status: TaskStatus): void {
  sendEvent(framework, { type: 'UPDATE', update: { status } });
}
