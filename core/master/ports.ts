/**
 * What the master needs from outside. The HTTP shell and the simulator implement these; the master
 * never sees a socket.
 */
import type { AgentId, ExecutorId, FrameworkId, StreamId } from '../base/index.js';
import type { FrameworkInfo, LinkMasterMessage, SchedulerEvent } from '../api/index.js';

/** The event stream of one subscription of a scheduler. */
export interface SchedulerStream {
  /** Told to the scheduler in `Mesos-Stream-Id`; each later call carries it. */
  readonly id: StreamId;
  /** Where the scheduler is, for logs and pages, such as `127.0.0.1:40112`. */
  readonly peer: string;
  /**
   * Queues one event, in order. Never throws; a reader that is too slow is cut off by the shell,
   * which reports that after this call has returned, never from within it.
   */
  send(event: SchedulerEvent): void;
  /** Ends the stream after what was sent. The shell reports no disconnection for it. */
  close(): void;
}

/** The connection that an agent opened. */
export interface AgentConnection {
  /** Where the agent is, for logs. */
  readonly peer: string;
  /** Queues one message, in order. Never throws. */
  send(message: LinkMasterMessage): void;
  /** Ends the connection after what was sent. The shell reports no disconnection for it. */
  close(): void;
}

/** Everything that happens in the cluster, for operator streams and the simulator's trace. */
export type MasterObservation =
  | {
      readonly kind: 'agent-added' | 'agent-removed' | 'agent-unreachable';
      readonly agentId: AgentId;
    }
  | {
      /** What operators decide about an agent, and `agent-drained` when nothing is left on it. */
      readonly kind:
        | 'agent-deactivated'
        | 'agent-draining'
        | 'agent-drained'
        | 'agent-reactivated'
        | 'agent-gone';
      readonly agentId: AgentId;
    }
  | {
      readonly kind: 'framework-added' | 'framework-updated';
      readonly frameworkId: FrameworkId;
    }
  | {
      readonly kind: 'framework-removed';
      readonly frameworkId: FrameworkId;
      /** As it was last: the framework is in no book any more. */
      readonly info: FrameworkInfo;
    }
  | {
      readonly kind: 'task-added' | 'task-updated';
      readonly frameworkId: FrameworkId;
      readonly taskId: string;
      readonly state: string;
    }
  | {
      readonly kind: 'executor-lost';
      readonly frameworkId: FrameworkId;
      readonly executorId: ExecutorId;
    };
