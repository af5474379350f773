/** The master: the state machine of the cluster, and what it needs from outside. */
export type { Agent } from './agent.js';
export { DEFAULT_AGENT_PORT } from './agent.js';
export { MINIMUM_AGENT_MAJOR_VERSION } from './agent-profile.js';
export type { AbsentAgent, ClusterView } from './cluster.js';
export type { SchedulerAnswer } from './framework-update.js';
export {
  DEFAULT_MASTER_CONFIG,
  type MasterAddress,
  type MasterConfig,
  type MasterSettings,
} from './config.js';
export type {
  ExecutorRecord,
  Framework,
  FrameworkState,
  OutstandingOffer,
  TaskRecord,
} from './framework.js';
export { MAX_MEASURED_FRAMEWORKS } from './framework-counts.js';
export type { Deactivation, Drain } from './deactivation.js';
export { Master, type MasterOptions } from './master.js';
export type { MasterTimes, OperatorAnswer } from './operator.js';
export { OfferWriter, offerMessage } from './offer-messages.js';
export {
  MAX_OFFER_ANSWERS,
  MERGE_ANSWERS_MS,
  type OfferAnswer,
  type OfferAnswers,
  type OfferOutcome,
} from './offer-answers.js';
export { MIN_EXECUTOR_CPUS, MIN_EXECUTOR_MEMORY_MIB } from './group-validation.js';
export { ORPHAN_OPERATION_WAIT_MS } from './operation-feedback.js';
export {
  MAX_OPERATIONS_PER_AGENT,
  MAX_OPERATION_CHARS,
  MAX_OPERATION_CHARS_PER_AGENT,
} from './operation-records.js';
export { MAX_CHECKPOINTED_CHARS } from './operations.js';
export type { AgentConnection, MasterObservation, SchedulerStream } from './ports.js';
export { MAX_RECORDED_ROLES, MAX_ROLES_PER_CALL, recordedRoleProblem } from './operator-roles.js';
export { quotaStatus } from './quota.js';
export { MAX_RECORDED_ROLE_LENGTH, REGISTRY_FORMAT, readContents } from './registry-records.js';
export { type RoleView, settledRoles, viewRoles } from './roles.js';
export {
  type AgentSnapshot,
  type ClusterSnapshot,
  type FrameworkSnapshot,
  type OfferSnapshot,
  type TasksSnapshot,
  type WholeFramework,
  snapshotAgent,
  snapshotCluster,
  snapshotFramework,
  snapshotTasks,
} from './snapshots.js';
export {
  viewAgent,
  viewAgents,
  viewExecutors,
  viewFramework,
  viewFrameworks,
  viewTasks,
} from './views.js';
export {
  type FittingOffer,
  type FrameworkExplanation,
  MAX_FITTING_OFFERS,
  type WhyQuestion,
} from './why.js';
export { REVOCATION_INTERVAL_MS } from './revocation.js';
export type { OperatorStream } from './operator-streams.js';
