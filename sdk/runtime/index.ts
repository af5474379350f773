/** The scheduler runtime: a pure step, and the pipeline around it. */
export type { Matching } from './core-parts.js';
export type { CounterName } from './counters.js';
export type { DaemonFailure, DaemonState, DaemonView } from './daemon-state.js';
export type { DecisionRecord, Explanation, UnplacedRecord } from './decision-log.js';
export type { Callee, RuntimeEffect, RuntimeInput } from './effects.js';
export { FrameworkRemovedError } from './errors.js';
export { FrameworkRuntime, type FrameworkRuntimeOptions } from './framework-runtime.js';
export type { Interceptor, Traffic } from './interceptors.js';
export {
  DAEMON_STEADY_MS,
  DAEMON_STOP_MS,
  DECLINE_JITTER,
  DEFAULT_LIMITS,
  DEMAND_DEBOUNCE_MS,
  DEMAND_REFILL_MS,
  DEMAND_REPEAT_MS,
  EVALUATE_DEBOUNCE_MS,
  KILL_BASE_MS,
  KILL_MAX_MS,
  MAX_DECISIONS,
  MAX_DEMAND_BURST,
  MAX_ENDED_KEYED_TASKS,
  MAX_ENDED_TASKS,
  MAX_EXPLAINED_NAMES,
  MAX_HELD_OFFERS,
  MAX_HOLD_MS,
  MAX_OFFERS_PER_CALL,
  MAX_QUEUED_TURNS,
  MAX_RECONCILED_PER_CALL,
  MAX_STREAMED_DECISIONS,
  MAX_UNCOMMITTED_TURNS,
  MAX_WAITING_OFFERS,
  RECONCILE_BASE_MS,
  RECONCILE_DOUBTS_MS,
  RECONCILE_MAX_MS,
  RECONCILE_PACE_MS,
  RETRY_MAX_MS,
  type RuntimeLimits,
  SUPPRESS_LINGER_MS,
  UNWANTED_MS,
} from './limits.js';
export {
  type FoundState,
  type LoadedState,
  type UnclaimedState,
  loadState,
  readState,
  readUnclaimed,
} from './load-state.js';
export { MAX_GONE_OFFERS } from './offers-in-hand.js';
export {
  RECORDING_FORMAT,
  type RecordedState,
  type RecordedTraffic,
  type Recording,
  readRecording,
  record,
} from './recording.js';
export type { RepositoryFindings } from './read-repository.js';
export type { RetryingView } from './retries.js';
export { RuntimeCore, type RuntimeCoreOptions } from './runtime-core.js';
export {
  FRAMEWORK_ID_KEY,
  MAX_TOLD_STATE_PROBLEMS,
  STATE_FORMAT,
  StateProblems,
} from './stored-records.js';
export type { StoredTask } from './task-ledger.js';
export { UNKNOWN_TASK_NAME } from './task-status.js';
export type { Session, SessionHandlers, Transport } from './transport.js';
export { OUTSIDE_TURN_MS } from './turn-runner.js';
export { EMPTY_VIEW, type HeldOfferView, type RuntimeView } from './view.js';
