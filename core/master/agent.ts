/** An agent as the master knows it, and the arithmetic on what it has. */
import type {
  AgentID,
  AgentInfo,
  AgentInfoCapability,
  Attribute,
  DomainInfo,
  Unavailability,
  URL,
} from '../api/index.js';
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

/**
 * What offers say about an agent, side by side: a round of ten thousand offers reads nothing else of most
 * agents, and memory is slower than arithmetic.
 */
export interface AgentReference {
  readonly agent_id: AgentID;
  readonly hostname: string;
  readonly url: URL;
  readonly domain: DomainInfo | undefined;
  readonly attributes: readonly Attribute[] | undefined;
}

const NO_OFFERS: readonly OutstandingOffer[] = [];

/** A registered agent. Fields are read by pages; only the master's own files write them. */
export class Agent {
  // What each offer reads and writes comes first, side by side in memory.
  readonly id: AgentId;
  /** Undefined while the agent is disconnected. */
  connection: AgentConnection | undefined;
  /** How offers name it. The same object as long as it says the same of itself. */
  reference: AgentReference;
  /** When its machine is to be maintained; undefined: it is not. */
  unavailability: Unavailability | undefined;
  /** Of most agents there are few. Never changed in place: who ends offers may walk over them. */
  offers: readonly OutstandingOffer[] = NO_OFFERS;
  /** Sum of all offers, not bound to roles. */
  offered: Resources = Resources.EMPTY;
  /** Sum of what tasks and executors hold, not bound to roles. */
  usedTotal: Resources = Resources.EMPTY;
  total: Resources;
  /** It reported tasks that hold more than it has: the sum is not asserted any more. */
  isOvercommitted = false;

  #info: AgentInfo;
  version: string;
  capabilities: readonly AgentInfoCapability[];
  /** Ip or name under which it connected last. */
  #address: string;
  readonly registeredMs: number;
  reregisteredMs: number | undefined;
  readonly tasks = new Map<FrameworkId, Map<TaskId, TaskRecord>>();
  readonly executors = new Map<FrameworkId, Map<ExecutorId, ExecutorRecord>>();
  /** By uuid; at most `MAX_OPERATIONS_PER_AGENT`. */
  readonly operations = new Map<string, OperationRecord>();
  readonly inverseOffers = new Map<OfferId, OutstandingInverseOffer>();
  /** When frameworks answered an inverse offer of this window, in milliseconds since 1970. */
  readonly inverseAnswersMs = new Map<FrameworkId, number>();
  /** What tasks and executors hold, by framework, each bound to its role. */
  readonly used = new Map<FrameworkId, Resources>();
  /** Why it is not offered, though it may be connected; undefined: it is. */
  deactivation: Deactivation | undefined;
  pings: Disposable | undefined;
  missedPings = 0;
  /** The registry is being told that it is unreachable or removed: it cannot come back meanwhile. */
  isLeaving = false;

  constructor(id: AgentId, profile: AgentProfile, registeredMs: number) {
    this.id = id;
    this.#info = profile.info;
    this.version = profile.version;
    this.capabilities = profile.capabilities;
    this.total = profile.total;
    this.registeredMs = registeredMs;
    this.#address = profile.info.hostname;
    this.reference = this.#referenceNow();
  }

  get info(): AgentInfo {
    return this.#info;
  }

  set info(info: AgentInfo) {
    this.#info = info;
    this.reference = this.#referenceNow();
  }

  get address(): string {
    return this.#address;
  }

  set address(address: string) {
    this.#address = address;
    this.reference = this.#referenceNow();
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

  #referenceNow(): AgentReference {
    const { hostname, domain, attributes } = this.#info;
    return {
      agent_id: { value: this.id },
      hostname,
      url: {
        scheme: 'http',
        address: { hostname, ip: this.#address, port: this.port },
        path: '/slave(1)',
      },
      domain,
      attributes,
    };
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
