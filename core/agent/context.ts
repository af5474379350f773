/** What the parts of one agent share. */
import type { LinkAgentMessage } from '../api/index.js';
import type { World, Timers } from '../base/index.js';
import type { Checkpoint } from './checkpoint.js';
import type { CheckpointedResources } from './checkpointed-resources.js';
import type { AgentAddress, AgentConfig } from './config.js';
import type { SandboxCollector } from './gc.js';
import type { AgentMetrics } from './metrics.js';
import type { Containerizer, Volumes } from './ports.js';
import type { Operations } from './operations.js';
import type { AgentState } from './state.js';
import type { StatusUpdates } from './status-updates.js';

export interface AgentContext {
  readonly world: World;
  readonly config: AgentConfig;
  readonly address: AgentAddress;
  readonly containerizer: Containerizer;
  readonly timers: Timers;
  readonly checkpoint: Checkpoint;
  readonly state: AgentState;
  readonly checkpointed: CheckpointedResources;
  readonly operations: Operations;
  readonly volumes: Volumes;
  readonly updates: StatusUpdates;
  readonly collector: SandboxCollector;
  readonly metrics: AgentMetrics;
  /** Sends to the master if the agent is registered; false: it is not, and the message is gone. */
  readonly send: (message: LinkAgentMessage) => boolean;
}
