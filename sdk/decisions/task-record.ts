/** What the runtime knows about a task that it has launched. Kept in the store of the framework. */
import type { TaskState, TaskStatusReason } from '../../core/api/index.js';
import type { PlannedTask } from './actions.js';

/** The states of a task without their prefix; `LAUNCHING`: no status has come yet. */
export type TaskStateName =
  | 'LAUNCHING'
  | 'STAGING'
  | 'STARTING'
  | 'RUNNING'
  | 'KILLING'
  | 'FINISHED'
  | 'FAILED'
  | 'KILLED'
  | 'ERROR'
  | 'LOST'
  | 'DROPPED'
  | 'UNREACHABLE'
  | 'GONE'
  | 'GONE_BY_OPERATOR'
  | 'UNKNOWN';

/** One task. Immutable: each change makes a new record. Times are wall times in milliseconds since 1970. */
export interface TaskRecord extends PlannedTask {
  readonly containerId?: string | undefined;
  readonly state: TaskStateName;
  readonly reason?: TaskStatusReason | undefined;
  readonly message?: string | undefined;
  /** Result of the health check; undefined while unknown. */
  readonly healthy?: boolean | undefined;
  readonly launchedAt: number;
  readonly updatedAt: number;
  /** When the framework asked for its end. */
  readonly killedAt?: number | undefined;
}

/** The short name of a state of the wire. */
export function stateName(state: TaskState): TaskStateName {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the names differ by the prefix alone
  return state.replace(/^TASK_/, '') as TaskStateName;
}

const ENDED: ReadonlySet<TaskStateName> = new Set([
  'FINISHED',
  'FAILED',
  'KILLED',
  'ERROR',
  'LOST',
  'DROPPED',
  'GONE',
  'GONE_BY_OPERATOR',
]);

/** States in which the task will never run again, nor does now. */
export function isEnded(state: TaskStateName): boolean {
  return ENDED.has(state);
}

const LOST: ReadonlySet<TaskStateName> = new Set([
  'LOST',
  'DROPPED',
  'UNREACHABLE',
  'GONE',
  'GONE_BY_OPERATOR',
  'UNKNOWN',
]);

/** States that say something about the infrastructure, not about the task: `@OnLost` gets these. */
export function isLost(state: TaskStateName): boolean {
  return LOST.has(state);
}

/** Reads the tasks of the framework. A view: it shows what is true now. */
export interface TaskView {
  readonly size: number;
  get(id: string): TaskRecord | undefined;
  /** All that are known, the oldest first, or those of a name. */
  all(name?: string): readonly TaskRecord[];
  /** Those that have not ended (unreachable ones included). */
  live(name?: string): readonly TaskRecord[];
  /** All attempts at a piece of work, the oldest first. */
  attempts(name: string, key: string): readonly TaskRecord[];
}

/** A view of no tasks: for handlers that are called in unit tests. */
export const NO_TASKS: TaskView = {
  size: 0,
  get: () => undefined,
  all: () => [],
  live: () => [],
  attempts: () => [],
};
