/**
 * The interface between the master and whatever decides who is offered what. The master calls it for
 * everything that changes; it answers, now or later, by the listener given at creation. An allocator
 * knows agents, frameworks and amounts; it never sees an offer or a task.
 *
 * All calls are synchronous and on one thread. Unless stated otherwise a call on an unknown id is a
 * defect of the master and fails an assertion.
 */
import type {
  AgentInfo,
  AgentInfoCapability,
  AllocatorInverseOfferStatusStatus,
  Filters,
  FrameworkInfo,
  SchedulerOfferConstraints,
  Unavailability,
} from '../api/index.js';
import type { AgentId, Disposable, FrameworkId, World } from '../base/index.js';
import type { Quantities, Resources } from '../resources/index.js';
import type { AllocatorConfig } from './config.js';
import type { AllocationExplanation } from './decisions.js';
import type { DescribedTask } from './described-task.js';
import type { RoleQuota } from './quota.js';

/** Resources of one agent that a framework may be offered in one role. */
export interface Allocation {
  readonly frameworkId: FrameworkId;
  readonly role: string;
  readonly agentId: AgentId;
  /** Bound to `role` (their allocation role is set). Never empty. */
  readonly resources: Resources;
}

/** Receives what one allocation cycle gave out. The master has to make offers of all of it. */
export type AllocationListener = (allocations: readonly Allocation[]) => void;

/** A framework is asked to give back everything that it holds on an agent. */
export interface InverseAllocation {
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  /** When the agent is to be maintained. */
  readonly unavailability: Unavailability;
}

/** Receives whom one cycle asks. The master has to make an inverse offer of each. */
export type InverseAllocationListener = (inverse: readonly InverseAllocation[]) => void;

/** What the master makes an allocator with. */
export interface AllocatorOptions {
  /** Time, randomness and the log. An allocator that uses no others can be simulated. */
  readonly world: World;
  /** What the flags of the master say about allocation. */
  readonly config: AllocatorConfig;
  /** To be called from a timer, never within a call of the master: it is not ready for it there. */
  readonly onAllocations: AllocationListener;
  /** To be called like `onAllocations`. Absent: nobody is to be asked to give back anything. */
  readonly onInverseOffers?: InverseAllocationListener | undefined;
}

/** Makes an allocator. An error that it throws ends the master before it serves. */
export type AllocatorFactory = (options: AllocatorOptions) => Allocator;

/** The last answers to inverse offers, by agent and framework. */
export type InverseOfferStatuses = ReadonlyMap<
  AgentId,
  ReadonlyMap<FrameworkId, AllocatorInverseOfferStatusStatus>
>;

export interface FrameworkAllocationState {
  readonly info: FrameworkInfo;
  /** Roles of the framework for which it wants no offers. */
  readonly suppressedRoles: readonly string[];
  /** Whether it is connected and may be offered anything. */
  readonly active: boolean;
  readonly offerConstraints?: SchedulerOfferConstraints | undefined;
}

/** What a new master knows of the cluster before anybody has come back. */
export interface AllocatorRecovery {
  /** How many agents the registry lists. */
  readonly expectedAgents: number;
  readonly quotas: ReadonlyMap<string, RoleQuota>;
}

/** A role that is known: it or one below has a weight, a quota, a reservation or a framework. */
export interface RoleState {
  readonly weight: number;
  readonly quota: RoleQuota;
  /** Scalars reserved for the role and those below it, held or not. */
  readonly reserved: Quantities;
  /** Frameworks that subscribe to the role or hold resources in it. */
  readonly frameworks: readonly FrameworkId[];
}

export interface AgentAllocationState {
  readonly info: AgentInfo;
  readonly capabilities: readonly AgentInfoCapability[];
  /** Everything the agent has, reservations included; not bound to allocation roles. */
  readonly total: Resources;
  /** When it is to be maintained. Read when the agent is added; later see `updateUnavailability`. */
  readonly unavailability?: Unavailability | undefined;
}

/** What a framework holds on agents, each bound to its allocation role. */
export type Held<Key> = ReadonlyMap<Key, Resources>;

/** What `explain` is asked beside the framework. */
export interface AllocationQuestion {
  /** One role of the framework; undefined: all. */
  readonly role?: string | undefined;
  /** A task that the offers should have room for; undefined: any offer will do. */
  readonly task?: DescribedTask | undefined;
  /**
   * What a framework holds of an agent as offers, bound to roles; who makes the offers knows best.
   * Undefined: what it holds, less what `noteUsed` told of.
   */
  readonly offered?: ((frameworkId: FrameworkId, agentId: AgentId) => Resources) | undefined;
}

export interface Allocator extends Disposable {
  /**
   * The master has taken over a cluster: called before anything is added. With quota, nothing is
   * offered until most of the expected agents have been added, or some time has passed.
   */
  recover(recovery: AllocatorRecovery): void;

  /**
   * A framework has subscribed; `used` is what its tasks hold on agents that are known already.
   * @throws PlateauError `INVALID_MESSAGE`, and changes nothing, when its offer constraints are not
   *   valid; check them before with `validateOfferConstraints`.
   */
  addFramework(id: FrameworkId, state: FrameworkAllocationState, used: Held<AgentId>): void;
  /**
   * Its FrameworkInfo, suppressed roles or offer constraints have changed. Waits for the next batch.
   * @throws PlateauError `INVALID_MESSAGE` as `addFramework` does.
   */
  updateFramework(
    id: FrameworkId,
    info: FrameworkInfo,
    suppressedRoles: readonly string[],
    offerConstraints?: SchedulerOfferConstraints,
  ): void;
  /** Forgets the framework and everything it held. */
  removeFramework(id: FrameworkId): void;
  /** It is connected again. Its suppressed roles stay as they are. */
  activateFramework(id: FrameworkId): void;
  /** It is disconnected: no offers, and its filters are dropped; what it holds stays counted. */
  deactivateFramework(id: FrameworkId): void;

  /** An agent has registered; `used` is what frameworks (known or not yet) hold on it. */
  addAgent(id: AgentId, state: AgentAllocationState, used: Held<FrameworkId>): void;
  /** Totals, attributes or capabilities changed; changed attributes drop the agent's filters. */
  updateAgent(id: AgentId, state: AgentAllocationState): void;
  removeAgent(id: AgentId): void;
  activateAgent(id: AgentId): void;
  /** The agent is disconnected, or is not to be offered: what is held on it stays counted. */
  deactivateAgent(id: AgentId): void;
  /**
   * A resource provider has brought the agent resources, of which frameworks use some already. Waits
   * for the next batch.
   */
  addResourceProvider(id: AgentId, brought: Resources, used: Held<FrameworkId>): void;
  /** Host names of the agents that may be offered; undefined: all. Waits for the next batch. */
  updateWhitelist(hostnames: readonly string[] | undefined): void;

  /** The agent is to be maintained at that time, or no more. Asks who holds anything, soon. */
  updateUnavailability(id: AgentId, unavailability: Unavailability | undefined): void;
  /**
   * A framework has answered an inverse offer; without status it timed out or was taken back. It is
   * asked again by the next run, or with `filters` (unset `refuse_seconds`: 5 s) after that time.
   * Unknown frameworks and agents are ignored: they may have gone meanwhile.
   */
  updateInverseOffer(
    agentId: AgentId,
    frameworkId: FrameworkId,
    status?: AllocatorInverseOfferStatusStatus,
    filters?: Filters,
  ): void;
  inverseOfferStatuses(): InverseOfferStatuses;

  /**
   * A framework gives back what it held: an offer that was declined or rescinded, the rest of an
   * accepted one, or what an ended task used. With `filters` it also does not want the same again
   * for a while (unset `refuse_seconds`: 5 s; 0: no filter). Unknown frameworks and agents are
   * ignored: they may have gone meanwhile.
   *
   * `reoffer` says when others may have it: `early` soon, before the next batch; `batch` with the next
   * batch. Default: `early` without `filters`, else `batch`. Only what a task used, or the rest of an
   * offer on which something was launched, may be `early`: a decline that is, with no filter, would
   * come back and be declined again, as fast as the scheduler answers.
   */
  recoverResources(
    frameworkId: FrameworkId,
    agentId: AgentId,
    resources: Resources,
    filters?: Filters,
    reoffer?: 'early' | 'batch',
  ): void;
  /**
   * Tasks use from now on what the framework held as an offer. It matters to the figure of consumed
   * quota alone. What is given back is taken from offers first. What it does not hold is ignored.
   */
  noteUsed(frameworkId: FrameworkId, agentId: AgentId, resources: Resources): void;
  /**
   * One more task uses shared resources of an offer that the framework holds: it holds them once more,
   * and gives them back once more.
   */
  share(frameworkId: FrameworkId, agentId: AgentId, resources: Resources): void;
  /**
   * An operation on an offer (RESERVE, UNRESERVE, …) turned what the framework held into something
   * else of the same amount; the agent's total changes in the same way.
   */
  updateAllocation(
    frameworkId: FrameworkId,
    agentId: AgentId,
    change: { readonly from: Resources; readonly to: Resources },
  ): void;
  /** The same for resources that nobody holds. False, and no change, when they are not free. */
  updateAvailable(
    agentId: AgentId,
    change: { readonly from: Resources; readonly to: Resources },
  ): boolean;

  /** The framework wants no offers for these roles; empty: for none of its roles. */
  suppress(id: FrameworkId, roles: readonly string[]): void;
  /** Wants offers again and forgets its filters; empty: for all of its roles. Runs a cycle soon. */
  revive(id: FrameworkId, roles: readonly string[]): void;

  /** Sets the weights of roles; default 1. Waits for the next batch. */
  updateWeights(weights: ReadonlyMap<string, number>): void;
  /** Sets the quota of a role, or removes it. Waits for the next batch. */
  updateQuota(role: string, quota: RoleQuota | undefined): void;
  /** All known roles by name. */
  roles(): ReadonlyMap<string, RoleState>;

  /**
   * Why the framework was, or was not, offered resources, or what a task needs. Undefined for an
   * unknown framework. Runs give the same whether anybody asks or not.
   */
  explain(id: FrameworkId, question?: AllocationQuestion): AllocationExplanation | undefined;
  /** Figures for metrics: keys are those of Mesos below `allocator/`. */
  metrics(): ReadonlyMap<string, number>;
}
