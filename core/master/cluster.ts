/**
 * All that the master knows, by id. Pages read it through `ClusterView`; only the master's own files
 * write it.
 */
import type { RoleQuota } from '../allocator/index.js';
import type { AgentInfo, FrameworkInfo, RegistryAgent } from '../api/index.js';
import { type AgentId, type FrameworkId, Ring } from '../base/index.js';
import type { Agent } from './agent.js';
import type { MasterConfig } from './config.js';
import type { Deactivation } from './deactivation.js';
import { Machines } from './machines.js';
import { OfferList, type OfferListView } from './offer-list.js';
import type { Framework } from './framework.js';
import type { AgentConnection, SchedulerStream } from './ports.js';

/** An agent of the registry that is not registered with this master. */
export interface AbsentAgent {
  readonly info: AgentInfo;
  /** Milliseconds since 1970 since when it is absent. */
  readonly sinceMs: number;
  readonly record: RegistryAgent;
  /** It was unreachable, or unknown, and is about to be registered again. */
  readonly isReturning?: boolean;
}

/** Read access to the cluster. */
export interface ClusterView {
  /** Grows with whatever may change what pages and answers show: the same number, the same text. */
  readonly version: number;
  /** Active, disconnected and recovered frameworks. */
  readonly frameworks: ReadonlyMap<FrameworkId, Readonly<Framework>>;
  /** Removed ones, the oldest first. */
  readonly completedFrameworks: Iterable<Readonly<Framework>>;
  /** Registered agents, connected or not. */
  readonly agents: ReadonlyMap<AgentId, Readonly<Agent>>;
  /** What was neither answered nor taken back, the oldest first. */
  readonly offers: OfferListView;
  /** Agents of the registry that have not come back since the master started. */
  readonly recoveredAgents: ReadonlyMap<AgentId, AbsentAgent>;
  readonly unreachableAgents: ReadonlyMap<AgentId, AbsentAgent>;
  readonly goneAgents: ReadonlyMap<AgentId, AbsentAgent>;
  /** Agents that operators have deactivated, or drain: registered, recovered or unreachable. */
  readonly deactivations: ReadonlyMap<AgentId, Deactivation>;
  /** Weights that were ever set, by role. */
  readonly weights: ReadonlyMap<string, number>;
  /** Quotas that were set and not removed, by role, in thousandths. */
  readonly quotas: ReadonlyMap<string, RoleQuota>;
  /** Roles that are shown whether they are in use or not: those that the master is limited to. */
  readonly listedRoles: readonly string[];
}

export class Cluster implements ClusterView {
  #version = 0;
  readonly frameworks = new Map<FrameworkId, Framework>();
  readonly completedFrameworks: Ring<Framework>;
  readonly agents = new Map<AgentId, Agent>();
  readonly offers = new OfferList();
  readonly recoveredAgents = new Map<AgentId, AbsentAgent>();
  /** In the order in which they became absent. */
  readonly unreachableAgents = new Map<AgentId, AbsentAgent>();
  readonly goneAgents = new Map<AgentId, AbsentAgent>();
  readonly deactivations = new Map<AgentId, Deactivation>();
  readonly weights = new Map<string, number>();
  /** The maintenance schedule and its machines. */
  readonly machines = new Machines();
  readonly quotas = new Map<string, RoleQuota>();
  readonly listedRoles: readonly string[];
  /** Ids that may not subscribe again, with what is recorded of them; the oldest first. */
  readonly removedFrameworks = new Map<FrameworkId, { readonly info: FrameworkInfo }>();
  /** Which framework a stream belongs to. */
  readonly streams = new Map<SchedulerStream, Framework>();
  /** Registered agents by `host:port`. */
  readonly agentsByAddress = new Map<string, Agent>();
  /** Which agent a connection belongs to. */
  readonly connections = new Map<AgentConnection, Agent>();

  constructor(config: MasterConfig) {
    this.completedFrameworks = new Ring(config.maxCompletedFrameworks);
    this.listedRoles = config.roles === undefined ? [] : ['*', ...config.roles];
  }

  get version(): number {
    return this.#version;
  }

  /** Notes that something changed, or may have. Too often costs time; too seldom shows what was. */
  touch(): void {
    this.#version++;
  }

  /** Whether the agent is, or may still come back. */
  isKnown(agentId: AgentId): boolean {
    const { agents, recoveredAgents, unreachableAgents } = this;
    return agents.has(agentId) || recoveredAgents.has(agentId) || unreachableAgents.has(agentId);
  }

  /** Sets or ends the deactivation of an agent. */
  setDeactivation(agentId: AgentId, deactivation: Deactivation | undefined): void {
    if (deactivation === undefined) this.deactivations.delete(agentId);
    else this.deactivations.set(agentId, deactivation);
    const agent = this.agents.get(agentId);
    if (agent !== undefined) agent.deactivation = deactivation;
  }
}
