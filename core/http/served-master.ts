/** What the server needs of a master. `Master` has all of it; tests may serve something smaller. */
import type { MasterCall, MasterInfo } from '../api/index.js';
import type { StoreEntry } from '../base/index.js';
import type {
  ClusterView,
  FrameworkExplanation,
  MasterTimes,
  OperatorAnswer,
  OperatorStream,
  WhyQuestion,
} from '../master/index.js';
import type { AgentLinkOwner } from './link-server.js';
import type { SchedulerCallsOwner } from './scheduler-api.js';

export interface ServedMaster extends SchedulerCallsOwner, AgentLinkOwner {
  readonly cluster: ClusterView;
  readonly info: MasterInfo;
  readonly times: Pick<MasterTimes, 'startedMs' | 'electedMs'>;
  operatorCall(call: MasterCall): OperatorAnswer;
  operatorSubscribe(stream: OperatorStream): void;
  operatorDisconnected(stream: OperatorStream): void;
  /**
   * Counters and gauges under the names of Mesos, sorted, made in small steps; a `brief` list is
   * without those of frameworks.
   */
  metricSteps(extent?: 'all' | 'brief'): Generator<undefined, ReadonlyMap<string, number>>;
  /** The records of the registry, for a page; undefined before it is recovered. */
  registryEntries(): Promise<readonly StoreEntry[] | undefined>;
  /** Why a framework (by id or name) is, or is not, offered resources; undefined: unknown. */
  why(framework: string, question?: WhyQuestion): FrameworkExplanation | undefined;
}
