/** The master: the state machine of the cluster, and what it needs from outside. */
export type { Agent } from './agent.js';
export { DEFAULT_AGENT_PORT } from './agent.js';
export { MINIMUM_AGENT_MAJOR_VERSION } from './agent-profile.js';
export type { AbsentAgent, ClusterView } from './cluster.js';
export { DEFAULT_MASTER_CONFIG, type MasterAddress, type MasterConfig } from './config.js';
export type {
  ExecutorRecord,
  Framework,
  FrameworkState,
  OutstandingOffer,
  TaskRecord,
} from './framework.js';
export { Master, type MasterOptions } from './master.js';
export type { MasterTimes } from './operator.js';
export { offerMessage } from './offers.js';
export { MAX_CHECKPOINTED_CHARS } from './operations.js';
export type { AgentConnection, MasterObservation, SchedulerStream } from './ports.js';
export { MAX_WEIGHTED_ROLE_LENGTH, REGISTRY_FORMAT } from './registry.js';
export { type RoleView, viewRoles } from './roles.js';
export {
  viewAgent,
  viewAgents,
  viewExecutors,
  viewFramework,
  viewFrameworks,
  viewTasks,
} from './views.js';
export type { FrameworkExplanation } from './why.js';
