/**
 * A framework as the master knows it. Entities carry state and the arithmetic on it; what happens to
 * them is decided in `frameworks.ts`, `accept.ts`, `updates.ts` and so on.
 */
import {
  type ExecutorInfo,
  type FrameworkInfo,
  type FrameworkInfoCapabilityType,
  type InverseOffer,
  type KillPolicy,
  type OfferOperation,
  type OperationStatus,
  type Resource,
  type SchedulerOfferConstraints,
  type Task,
  type TaskState,
  frameworkRoles,
  hasCapability,
} from '../api/index.js';
import {
  type AgentId,
  type Disposable,
  type ExecutorId,
  type FrameworkId,
  type OfferId,
  type TaskId,
  Ring,
} from '../base/index.js';
import type { Resources } from '../resources/index.js';
import type { MasterConfig } from './config.js';
import { type NumberedOffer, OfferBook } from './offer-book.js';
import { FrameworkCounts } from './framework-counts.js';
import { OfferAnswerLog } from './offer-answers.js';
import type { SchedulerStream } from './ports.js';

/** Why and how a task is to be killed. */
export interface KillWish {
  readonly policy?: KillPolicy | undefined;
  /** The master wants it: for the guarantees of these roles. */
  readonly revokedFor?: string;
}

/** A task that is on an agent, or that the agent has to answer for. */
export interface TaskRecord {
  readonly taskId: TaskId;
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  /** The executor of the framework that runs it; undefined for command tasks. */
  readonly executorId: ExecutorId | undefined;
  /** What it holds on the agent, bound to its role. */
  readonly resources: Resources;
  /** The v1 message: replaced by a new one on each change, never mutated. */
  message: Task;
  /** Whether the resources were given back, because the task has ended. */
  isReleased: boolean;
  /** It was asked to end; asked again when its agent comes back. */
  kill: KillWish | undefined;
}

/** An executor of a framework (not one that the agent supplies), charged to the framework. */
export interface ExecutorRecord {
  readonly executorId: ExecutorId;
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  readonly info: ExecutorInfo;
  /** What it holds on the agent, bound to its role. */
  readonly resources: Resources;
}

/** An operation that the framework wants to hear of, from its acceptance to its acknowledgement. */
export interface OperationRecord {
  /** The 16 bytes in base64. */
  readonly uuid: string;
  /** The id that the framework gave. */
  readonly operationId: string;
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  readonly info: OfferOperation;
  /** What it makes, told with its end; empty where the offers that follow tell it. */
  readonly converted: readonly Resource[];
  readonly chars: number;
  /** The latest one; replaced, never mutated. Without a uuid until the agent has told one. */
  status: OperationStatus;
}

/** An offer that was neither answered nor taken back. */
export interface OutstandingOffer extends NumberedOffer {
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  readonly role: string;
  /** Bound to `role`. */
  readonly resources: Resources;
  /** Ends the offer when it stays unanswered; undefined: never. */
  timer: Disposable | undefined;
  /** Its neighbours in the list of all offers, which alone writes them. */
  before: OutstandingOffer | undefined;
  after: OutstandingOffer | undefined;
}

/** A request to give an agent's resources back that was neither answered nor taken back. */
export interface OutstandingInverseOffer {
  readonly id: OfferId;
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  /** As the framework sees it. */
  readonly message: InverseOffer;
  /** Ends it when it stays unanswered; undefined: never. */
  timer: Disposable | undefined;
}

/**
 * `active`: connected. `disconnected`: its stream ended, its failover timeout runs. `recovered`:
 * known from the registry or from agents, and not seen by this master. `removed`: for the pages only.
 */
export type FrameworkState = 'active' | 'disconnected' | 'recovered' | 'removed';

/** A framework. Fields are read by pages; only the master's own files write them. */
export class Framework {
  readonly id: FrameworkId;
  /** With the id filled in. */
  info: FrameworkInfo;
  state: FrameworkState;
  /** Roles for which it wants no offers. */
  suppressedRoles = new Set<string>();
  /**
   * What it demands of agents, by role. Not in the registry: a scheduler says it at each SUBSCRIBE,
   * and one that is not connected is offered nothing.
   */
  offerConstraints: SchedulerOfferConstraints | undefined;
  stream: SchedulerStream | undefined;
  /** Milliseconds since 1970; undefined while recovered. */
  registeredMs: number | undefined;
  reregisteredMs: number | undefined;
  unregisteredMs: number | undefined;
  /** Tasks that the master counts as present: not ended, or ended and not acknowledged. */
  readonly tasks = new Map<TaskId, TaskRecord>();
  readonly executors = new Map<AgentId, Map<ExecutorId, ExecutorRecord>>();
  readonly offers = new OfferBook<OutstandingOffer>();
  readonly inverseOffers = new Map<OfferId, OutstandingInverseOffer>();
  /** By the ids that it gave: operations whose outcome it has not acknowledged. */
  readonly operations = new Map<string, OperationRecord>();
  /** What tasks and executors hold, by agent. */
  readonly used = new Map<AgentId, Resources>();
  /** Tasks on unreachable agents; bounded by `maxUnreachableTasksPerFramework`. */
  readonly unreachableTasks = new Map<TaskId, Task>();
  readonly completedTasks: Ring<Task>;
  /** Agents that were given something to run, and have to be told when the framework is removed. */
  readonly agentsUsed = new Set<AgentId>();
  /** What became of its offers. */
  readonly answers = new OfferAnswerLog();
  /** For the metrics. */
  readonly counts = new FrameworkCounts();
  heartbeat: Disposable | undefined;
  failover: Disposable | undefined;
  readonly #maxUnreachable: number;

  constructor(id: FrameworkId, info: FrameworkInfo, config: MasterConfig) {
    this.id = id;
    this.info = info;
    this.state = 'recovered';
    this.completedTasks = new Ring(config.maxCompletedTasksPerFramework);
    this.#maxUnreachable = config.maxUnreachableTasksPerFramework;
  }

  get roles(): readonly string[] {
    return frameworkRoles(this.info);
  }

  get isConnected(): boolean {
    return this.stream !== undefined;
  }

  has(type: FrameworkInfoCapabilityType): boolean {
    return hasCapability(this.info, type);
  }

  /** The state as this framework may see it: only partition-aware ones know the newer states. */
  visible(state: TaskState): TaskState {
    return NEWER_STATES.has(state) && !this.has('PARTITION_AWARE') ? 'TASK_LOST' : state;
  }

  /** Remembers a task whose agent is unreachable; the oldest is forgotten when there is no room. */
  addUnreachable(taskId: TaskId, task: Task): void {
    this.unreachableTasks.delete(taskId);
    this.unreachableTasks.set(taskId, task);
    for (const oldest of this.unreachableTasks.keys()) {
      if (this.unreachableTasks.size <= this.#maxUnreachable) break;
      this.unreachableTasks.delete(oldest);
    }
  }
}

const NEWER_STATES: ReadonlySet<TaskState> = new Set([
  'TASK_DROPPED',
  'TASK_UNREACHABLE',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
  'TASK_UNKNOWN',
]);
