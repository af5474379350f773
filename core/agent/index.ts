/** The agent: the state machine of a host, and what it needs from outside. */
export { Agent, type AgentOptions } from './agent.js';
export { CHECKPOINT_FORMAT, LAZY_DELETE_DELAY_MS, MAX_LAZY_DELETES } from './checkpoint.js';
export { MAX_WAITING_RESOURCES } from './checkpointed-resources.js';
export { AGENT_DEFAULTS, type AgentAddress, type AgentConfig, agentConfig } from './config.js';
export { type AgentDisk, assertDisksApart, configuredDisks } from './disks.js';
export {
  type ExecutorUsage,
  MAX_OVERSUBSCRIBED_RESOURCES,
  type ResourceEstimator,
  type ResourceUsage,
  fixedEstimator,
} from './estimator.js';
export { END_MARGIN_MS, END_POLL_MS } from './endings.js';
export { MAX_FINISHED_SANDBOXES } from './gc.js';
export { COMMAND_EXECUTOR_CPUS, COMMAND_EXECUTOR_MEMORY_MIB } from './launches.js';
export {
  MAX_INFO_CHARS,
  MAX_KEPT_STATUSES,
  MAX_KEPT_STATUS_CHARS,
  MAX_STATUS_CHARS,
  MAX_TASK_CHARS,
} from './limits.js';
export {
  type RunIds,
  executorDirectory,
  frameworkDirectory,
  latestRunLink,
  nestedDirectory,
  runDirectory,
  volumeDirectory,
  volumeRoot,
} from './paths.js';
export type {
  ContainerEnd,
  ContainerFate,
  ContainerSpec,
  ContainerVolume,
  Containerizer,
  ExecutorStream,
  KnownContainer,
  LaunchOutcome,
  MasterConnection,
  MasterConnector,
  Sandboxes,
  VolumePlace,
  Volumes,
} from './ports.js';
export {
  MAX_QOS_CORRECTIONS,
  MIN_QOS_INTERVAL_MS,
  type QosController,
  type QosCorrection,
} from './qos.js';
export {
  AgentExecutor,
  AgentFramework,
  AgentState,
  AgentTask,
  type ExecutorPhase,
  MAX_REMEMBERED_UUIDS,
} from './state.js';
export { MAX_PENDING_UPDATES_PER_TASK } from './status-updates.js';
