/** What an agent is made of. */
import type { PlateauError, Store, World } from '../base/index.js';
import type { AgentAddress, AgentConfig } from './config.js';
import type { ResourceEstimator } from './estimator.js';
import type { Containerizer, MasterConnector, Sandboxes, Volumes } from './ports.js';
import type { QosController } from './qos.js';

export interface AgentOptions {
  readonly world: World;
  /** The checkpoint; nobody else may write to it. */
  readonly store: Store;
  readonly containerizer: Containerizer;
  readonly sandboxes: Sandboxes;
  readonly volumes: Volumes;
  readonly connector: MasterConnector;
  /** Says how much may be given to revocable tasks. Default: nothing. */
  readonly estimator?: ResourceEstimator | undefined;
  /** Says which executors have to end. Default: none. */
  readonly qosController?: QosController | undefined;
  readonly config: AgentConfig;
  readonly address: AgentAddress;
  /** Changes with each boot of the host. */
  readonly bootId: string;
  /** The agent cannot go on, and has stopped: the store failed, or the master has removed it. */
  readonly onFatal?: (error: PlateauError) => void;
}
