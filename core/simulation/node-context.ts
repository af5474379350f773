/** What all nodes of one simulation share. */
import type { Logger, VirtualWorld } from '../base/index.js';
import type { MasterObservation } from '../master/index.js';
import type { Disks } from './disks.js';
import type { HostEvent, HostOwner } from './fake-host.js';
import type { Network } from './network.js';
import type { Trace } from './trace.js';
import type { Wire } from './wire.js';

export interface NodeContext {
  readonly world: VirtualWorld;
  readonly network: Network;
  readonly wire: Wire;
  readonly trace: Trace;
  readonly log: Logger;
  /** Called before each event of any node. */
  readonly beforeEvent: () => void;
  /** A process could not go on, for a reason that no simulated fault explains. */
  readonly fail: (process: string, error: unknown) => void;
  /** Something happened in the cluster, as a master sees it. */
  readonly onObservation: (observation: MasterObservation) => void;
  /** Something started or ended on a host. */
  readonly onHostEvent: (owner: HostOwner, kind: HostEvent, text: string) => void;
  readonly disks: Disks;
}
