/** What the server needs of an agent. `Agent` has all of it; tests may serve something smaller. */
import type { AgentState, ExecutorStream, NestedContainers } from '../agent/index.js';
import type { AgentInfo, ExecutorCall, CallAnswer } from '../api/index.js';
import type { Resources } from '../resources/index.js';

export interface ServedAgent {
  readonly isRecovered: boolean;
  readonly state: AgentState;
  /** With the id, once it is registered. */
  readonly agentInfo: AgentInfo;
  /** Everything it has, dynamic reservations included. */
  readonly totalResources: Resources;
  /** Host name of the master that it is registered with. */
  readonly masterHostname?: string | undefined;
  /** Containers that the operators' API launches; without it those calls are not there. */
  readonly containers?: NestedContainers | undefined;
  executorSubscribe(call: ExecutorCall, stream: ExecutorStream): CallAnswer;
  executorCall(call: ExecutorCall): CallAnswer;
  executorDisconnected(stream: ExecutorStream): void;
  /** Counters and gauges under the names of Mesos. */
  metrics(): Readonly<Record<string, number>>;
}
