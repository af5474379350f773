/** An agent as the master knows it, and the arithmetic on what it has. */
import type { AgentID, AgentInfo, AgentInfoCapability, Unavailability, URL } from '../api/index.js';
import {
  type AgentId,
  type Disposable,
  type ExecutorId,
  type FrameworkId,
  type OfferId,
  type TaskId,
  assert,
} from '../base/index.js';
import { Resources, countSharedOnce } from '../resources/index.js';
import type {
  ExecutorRecord,
  OperationRecord,
  OutstandingInverseOffer,
  OutstandingOffer,
  TaskRecord,
} from './framework.js';
import type { Deactivation } from './deactivation.js';
import type { AgentConnection } from './ports.js';

/** What an agent says about itself when it registers. */
export interface AgentProfile {
  /** With the id filled in. */
  readonly info: AgentInfo;
  readonly version: string;
  readonly capabilities: readonly AgentInfoCapability[];
  /** Everything it has, dynamic reservations and revocable resources included. */
  readonly total: Resources;
}

/** How offers name an agent, and what that was made from. */
export interface AgentReference {
  readonly agent_id: AgentID;
  readonly url: URL;
  readonly info: AgentInfo;
  readonly address: string;
}

/** A registered agent. Fields are read by pages; only the master's own files write them. */
export class Agent {
  readonly id: AgentId;
  info: AgentInfo;
  version: string;
  capabilities: readonly AgentInfoCapability[];
  total: Resources;
  /** Undefined while the agent is disconnected. */
  connection: AgentConnection | undefined;
  /** Ip or name under which it connected last. */
  address: string;
  readonly registeredMs: number;
  reregisteredMs: number | undefined;
  readonly tasks = new Map<FrameworkId, Map<TaskId, TaskRecord>>();
  readonly executors = new Map<FrameworkId, Map<ExecutorId, ExecutorRecord>>();
  readonly offers = new Map<OfferId, OutstandingOffer>();
  /** By uuid; at most `MAX_OPERATIONS_PER_AGENT`. */
  readonly operations = new Map<string, OperationRecord>();
  /** When its machine is to be maintained; undefined: it is not. */
  unavailability: Unavailability | undefined;
  readonly inverseOffers = new Map<OfferId, OutstandingInverseOffer>();
  /** When frameworks answered an inverse offer of this window, in milliseconds since 1970. */
  readonly inverseAnswersMs = new Map<FrameworkId, number>();
  /** What tasks and executors hold, by framework, each bound to its role. */
  readonly used = new Map<FrameworkId, Resources>();
  /** Sum of all offers, not bound to roles. */
  offered: Resources = Resources.EMPTY;
  /** Sum of what tasks and executors hold, not bound to roles. */
  usedTotal: Resources = Resources.EMPTY;
  /** It reported tasks that hold more than it has: the sum is not asserted any more. */
  isOvercommitted = false;
  /** Why it is not offered, though it may be connected; undefined: it is. */
  deactivation: Deactivation | undefined;
  pings: Disposable | undefined;
  missedPings = 0;
  /** The registry is being told that it is unreachable or removed: it cannot come back meanwhile. */
  isLeaving = false;

  #reference: AgentReference | undefined;

  constructor(id: AgentId, profile: AgentProfile, registeredMs: number) {
    this.id = id;
    this.info = profile.info;
    this.version = profile.version;
    this.capabilities = profile.capabilities;
    this.total = profile.total;
    this.registeredMs = registeredMs;
    this.address = profile.info.hostname;
  }

  /** How offers name it. The same object as long as it says the same of itself. */
  get reference(): AgentReference {
    const known = this.#reference;
    if (known?.info === this.info && known.address === this.address) return known;
    const made = {
      agent_id: { value: this.id },
      url: {
        scheme: 'http',
        address: { hostname: this.info.hostname, ip: this.address, port: this.port },
        path: '/slave(1)',
      },
      info: this.info,
      address: this.address,
    };
    this.#reference = made;
    return made;
  }

  get isConnected(): boolean {
    return this.connection !== undefined;
  }

  /** Whether it may be offered. */
  get isActive(): boolean {
    return this.isConnected && this.deactivation === undefined;
  }

  /** How pages name its process, in the way of Mesos. */
  get pid(): string {
    return `slave(1)@${this.address}:${this.port}`;
  }

  get port(): number {
    return this.info.port ?? DEFAULT_AGENT_PORT;
  }

  task(frameworkId: FrameworkId, taskId: TaskId): TaskRecord | undefined {
    return this.tasks.get(frameworkId)?.get(taskId);
  }

  executor(frameworkId: FrameworkId, executorId: ExecutorId): ExecutorRecord | undefined {
    return this.executors.get(frameworkId)?.get(executorId);
  }

  /** Notes whether what is used exceeds what the agent has, after either has been told anew. */
  noteOvercommitment(): void {
    this.isOvercommitted = !this.total.contains(countSharedOnce(this.usedTotal));
  }

  /** The invariant of the whole system: nothing is promised twice, but what is shared. */
  assertWithinTotal(): void {
    if (this.isOvercommitted) return;
    const promised = countSharedOnce(this.offered.plus(this.usedTotal));
    if (this.total.contains(promised)) return;
    assert(
      false,
      `agent ${this.id}: offered and used ${promised.toString()} exceed ${this.total.toString()}`,
    );
  }
}

/** The port that an AgentInfo without one means. */
export const DEFAULT_AGENT_PORT = 5051;
