/** What all nodes of one simulation share. */
import type { Logger, Random, VirtualWorld } from '../base/index.js';
import type { MasterObservation } from '../master/index.js';
import type { Network } from './network.js';
import type { Trace } from './trace.js';

export interface NodeContext {
  readonly world: VirtualWorld;
  readonly network: Network;
  readonly trace: Trace;
  readonly log: Logger;
  /** Called before each event of any node. */
  readonly beforeEvent: () => void;
  /** A process could not go on, for a reason that no simulated fault explains. */
  readonly fail: (process: string, error: unknown) => void;
  /** Something happened in the cluster, as a master sees it. */
  readonly onObservation: (observation: MasterObservation) => void;
  /** Makes the function that draws how long a commit takes. */
  readonly disk: (random: Random) => () => number;
}
