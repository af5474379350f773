/** Small facts about tasks and frameworks that master, agent and clients share. */
import { toTimeInfo } from './durations.js';
import type {
  CheckStatusInfo,
  ContainerStatus,
  FrameworkInfo,
  FrameworkInfoCapabilityType,
  TaskState,
  TaskStatus,
  TaskStatusReason,
  TaskStatusSource,
} from './messages.js';

const TERMINAL_STATES: ReadonlySet<TaskState> = new Set<TaskState>([
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_ERROR',
  'TASK_LOST',
  'TASK_DROPPED',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
]);

/** Whether a task in this state will never run again. Unreachable and unknown ones may. */
export function isTerminalState(state: TaskState): boolean {
  return TERMINAL_STATES.has(state);
}

/** Whether the framework announced a capability. */
export function hasCapability(info: FrameworkInfo, type: FrameworkInfoCapabilityType): boolean {
  return info.capabilities?.some((capability) => capability.type === type) ?? false;
}

/** The roles that a framework subscribes to: `roles` when MULTI_ROLE, else the one `role`. */
export function frameworkRoles(info: FrameworkInfo): readonly string[] {
  if (hasCapability(info, 'MULTI_ROLE')) return [...new Set(info.roles ?? [])];
  return [info.role ?? '*'];
}

/** Commands longer than this are cut in the name of a command executor. */
const MAX_WHOLE_COMMAND_CHARS = 15;

/** Characters that are left of a command that is cut. */
const CUT_COMMAND_CHARS = 12;

/** Name of the executor that stands for a command task. */
export function commandExecutorName(taskId: string, commandValue: string): string {
  const isLong = commandValue.length > MAX_WHOLE_COMMAND_CHARS;
  const shown = isLong ? `${commandValue.slice(0, CUT_COMMAND_CHARS)}...` : commandValue;
  return `Command Executor (Task: ${taskId}) (Command: sh -c '${shown}')`;
}

/** The wait(2) status word of a process that exited with a code. */
export function exitStatusWord(code: number): number {
  return (code & 0xff) << 8;
}

/** The wait(2) status word of a process that a signal of this number ended. */
export function signalStatusWord(signal: number): number {
  return signal & 0x7f;
}

export interface TaskStatusOptions {
  readonly taskId: string;
  readonly state: TaskState;
  readonly source: TaskStatusSource;
  readonly reason?: TaskStatusReason | undefined;
  readonly message?: string | undefined;
  readonly agentId?: string | undefined;
  readonly executorId?: string | undefined;
  /** 16 bytes in base64; only updates that have to be acknowledged carry one. */
  readonly uuid?: string | undefined;
  /** Milliseconds since 1970, as `world.clock.now()` gives. */
  readonly timeMs?: number | undefined;
  readonly healthy?: boolean | undefined;
  readonly checkStatus?: CheckStatusInfo | undefined;
  readonly containerStatus?: ContainerStatus | undefined;
  /** Milliseconds since 1970 at which the agent was lost. */
  readonly unreachableTimeMs?: number | undefined;
}

/** Makes a TaskStatus, with time in the seconds of the wire. What is undefined stays absent. */
export function makeTaskStatus(options: TaskStatusOptions): TaskStatus {
  const { message, reason, agentId, executorId, timeMs, uuid, healthy } = options;
  const { checkStatus, containerStatus, unreachableTimeMs } = options;
  return {
    task_id: { value: options.taskId },
    state: options.state,
    source: options.source,
    ...(message !== undefined && { message }),
    ...(reason !== undefined && { reason }),
    ...(agentId !== undefined && { agent_id: { value: agentId } }),
    ...(executorId !== undefined && { executor_id: { value: executorId } }),
    ...(timeMs !== undefined && { timestamp: timeMs / 1000 }),
    ...(uuid !== undefined && { uuid }),
    ...(healthy !== undefined && { healthy }),
    ...(checkStatus !== undefined && { check_status: checkStatus }),
    ...(containerStatus !== undefined && { container_status: containerStatus }),
    ...(unreachableTimeMs !== undefined && { unreachable_time: toTimeInfo(unreachableTimeMs) }),
  };
}
