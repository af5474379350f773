/** What the server needs of a master. `Master` has all of it; tests may serve something smaller. */
import type { MasterCall, MasterInfo, MasterResponse, CallAnswer } from '../api/index.js';
import type { ClusterView, FrameworkExplanation, MasterTimes } from '../master/index.js';
import type { AgentLinkOwner } from './link-server.js';
import type { SchedulerCallsOwner } from './scheduler-api.js';

export interface ServedMaster extends SchedulerCallsOwner, AgentLinkOwner {
  readonly cluster: ClusterView;
  readonly info: MasterInfo;
  readonly times: Pick<MasterTimes, 'startedMs' | 'electedMs'>;
  operatorCall(call: MasterCall): CallAnswer | MasterResponse;
  /** Counters and gauges under the names of Mesos. */
  metrics(): ReadonlyMap<string, number>;
  /** Why a framework is, or is not, offered resources; undefined: unknown framework. */
  why(frameworkId: string): FrameworkExplanation | undefined;
}
