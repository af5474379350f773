/** The vocabulary of handlers: tasks as they are described and known, and decisions about them. */
export {
  type AcceptAction,
  type Action,
  type Decision,
  type DeclineAction,
  type ForgetAction,
  type HasActions,
  type HoldAction,
  type KillAction,
  type MaintenanceAction,
  type MessageAction,
  type OfferReference,
  type PlannedTask,
  type ReconcileAction,
  type ShutdownExecutorAction,
  type StopAction,
  type WakeAction,
  type Want,
  type WantAction,
  acceptMaintenance,
  actionsOf,
  decline,
  declineMaintenance,
  forget,
  hold,
  kill,
  message,
  reconcile,
  stop,
  teardown,
  wake,
  want,
  wantNothing,
} from './actions.js';
export type { Constraint, ConstraintField, Preference } from './constraints.js';
export { type Duration, durationMs } from './duration.js';
export { changedByJson } from './json.js';
export {
  MAX_COMPILED_PATTERNS,
  MAX_CONSTRAINT_PATTERN_CHARS,
  MAX_CONSTRAINT_PATTERN_INSTRUCTIONS,
  MAX_REMEMBERED_MATCHES,
  type Pattern,
  compilePattern,
} from './patterns.js';
export {
  MAX_PREFERENCE_WEIGHT,
  MAX_TASK_CONSTRAINTS,
  MAX_TASK_KEY_BYTES,
  MAX_TASK_NAME_BYTES,
  MAX_TASK_PORTS,
  MIN_TASK_CPUS,
  portVariable,
  task,
  taskProblems,
} from './task.js';
export { type TaskEnd, endOf } from './task-end.js';
export {
  NO_TASKS,
  type TaskRecord,
  type TaskStateName,
  type TaskView,
  isEnded,
  isLost,
  stateName,
} from './task-record.js';
export type { Json, PortSpec, TaskSpec } from './task-spec.js';
