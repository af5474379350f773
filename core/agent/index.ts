/** The agent: the state machine of a host, and what it needs from outside. */
export { Agent } from './agent.js';
export type { AgentOptions } from './agent-options.js';
export { HELD_UP_AGENT_MS } from './check-loop.js';
export {
  type CheckTiming,
  type HealthTolerance,
  MAX_CHECK_TIMEOUT_MS,
  MIN_CHECK_INTERVAL_MS,
  checkTiming,
  healthTiming,
  healthTolerance,
} from './check-settings.js';
export {
  HealthJudge,
  type HealthNews,
  type HealthVerdict,
  type ProbeResult,
  checkStatusOf,
  emptyCheckStatus,
  healthVerdict,
} from './check-verdicts.js';
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
export { ApiContainer, type ContainerExit } from './api-container.js';
export { type ContainerRun, findTaskRun, pathOfContainer } from './container-parents.js';
export {
  ContainerSession,
  MAX_SESSION_READERS,
  type SessionInput,
  type SessionReader,
} from './container-sessions.js';
export type { ContainerLaunch } from './container-spec.js';
export type { AwaitedEnd } from './container-waiters.js';
export { MAX_ENDED_API_CONTAINERS } from './api-containers.js';
export { MAX_API_CONTAINERS, MAX_CONTAINER_DEPTH, NestedContainers } from './nested-containers.js';
export { MAX_SESSIONS, SESSION_DRAIN_MS, TERMINAL_IDLE_MS } from './open-sessions.js';
export { END_MARGIN_MS, END_POLL_MS } from './endings.js';
export { MAX_PENDING_UNKNOWN_UPDATES } from './executor-api.js';
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
  CommandProbe,
  ContainerEnd,
  ContainerFacts,
  ContainerFate,
  ContainerPipes,
  ContainerSpec,
  ContainerUsage,
  ContainerVolume,
  ParentContainer,
  Containerizer,
  ExecutorStream,
  HttpProbe,
  KnownContainer,
  LaunchOutcome,
  MasterConnection,
  MasterConnector,
  OutputListener,
  PendingOperation,
  ProbeListener,
  ProbeOutcome,
  ProbeSpec,
  Sandboxes,
  TcpProbe,
  VolumePlace,
  Volumes,
} from './ports.js';
export { MAX_COMMAND_PROBES, MAX_NETWORK_PROBES } from './probe-queue.js';
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
export { MAX_WAITING_CHECK_UPDATES } from './task-checks.js';
