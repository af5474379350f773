/** What handlers are told. Plain data with the message of the wire beside what is read from it. */
import type { InverseOffer, OperationStatus, TaskStatus } from '../../core/api/index.js';
import type { TaskRecord, TaskStateName } from '../decisions/index.js';
import type { OfferView } from '../matching/index.js';

/** A task has a new state, or the same one with other news (health, check, container). */
export interface TaskUpdate {
  /** The task with this update applied. */
  readonly task: TaskRecord;
  readonly state: TaskStateName;
  readonly previous: TaskStateName;
  readonly status: TaskStatus;
}

/** An offer is gone before it was answered. */
export interface Rescinded {
  readonly offerId: string;
  /** The offer, if the framework was holding it. */
  readonly view?: OfferView | undefined;
}

/** An operator plans to take a machine away. */
export interface InverseOfferView {
  readonly id: { readonly value: string };
  readonly inverse: InverseOffer;
  readonly agentId: string | undefined;
  /** Milliseconds since 1970; a duration of undefined has no end. */
  readonly from: number;
  readonly durationMs: number | undefined;
  /** Tasks of the framework on that agent that have not ended. */
  readonly tasks: readonly TaskRecord[];
}

/** An agent is gone for good, or an executor ended. */
export interface Failure {
  readonly agentId: string | undefined;
  readonly executorId: string | undefined;
  /** Wait status of the executor. */
  readonly status: number | undefined;
  /** Tasks of the framework that it concerns and that have not ended. */
  readonly tasks: readonly TaskRecord[];
}

/** An executor of the framework has sent bytes. */
export interface ExecutorMessage {
  readonly agentId: string;
  readonly executorId: string;
  readonly data: Uint8Array;
}

export interface Connected {
  readonly frameworkId: string;
  /** Where the master is, if the transport knows. */
  readonly master: string | undefined;
  /** The framework has never subscribed before: it is new. */
  readonly first: boolean;
  /** This process has taken over from another one, which may have died. */
  readonly failover: boolean;
}

export interface Disconnected {
  readonly reason: string;
  /** Milliseconds until the next try; undefined: there will be none. */
  readonly retryInMs: number | undefined;
}

/** Something went wrong that no other handler is told of. */
export interface Trouble {
  readonly error: Error;
  /** Name of the handler that threw, or what else failed, such as `ACCEPT`. */
  readonly where: string;
  /** What the runtime does about it. */
  readonly policy: 'retry' | 'skip' | 'crash';
}

/** An operation (RESERVE, CREATE, …) has a new state. */
export interface OperationUpdate {
  readonly operationId: string | undefined;
  /** `OPERATION_FINISHED`, `OPERATION_FAILED`, … */
  readonly state: string;
  readonly message: string | undefined;
  readonly status: OperationStatus;
}
