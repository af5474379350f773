/**
 * The interface between the master and whatever decides who is offered what. The master calls it for
 * everything that changes; it answers, now or later, by the listener given at creation. An allocator
 * knows agents, frameworks and amounts; it never sees an offer or a task.
 *
 * All calls are synchronous and on one thread. Unless stated otherwise a call on an unknown id is a
 * defect of the master and fails an assertion.
 */
import type { AgentInfo, Filters, FrameworkInfo, AgentInfoCapability } from '../api/index.js';
import type { AgentId, Disposable, FrameworkId } from '../base/index.js';
import type { Resources } from '../resources/index.js';
import type { AllocationExplanation } from './decisions.js';

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

export interface FrameworkAllocationState {
  readonly info: FrameworkInfo;
  /** Roles of the framework for which it wants no offers. */
  readonly suppressedRoles: readonly string[];
  /** Whether it is connected and may be offered anything. */
  readonly active: boolean;
}

export interface AgentAllocationState {
  readonly info: AgentInfo;
  readonly capabilities: readonly AgentInfoCapability[];
  /** Everything the agent has, reservations included; not bound to allocation roles. */
  readonly total: Resources;
}

/** What a framework holds on agents, each bound to its allocation role. */
export type Held<Key> = ReadonlyMap<Key, Resources>;

export interface Allocator extends Disposable {
  /** A framework has subscribed; `used` is what its tasks hold on agents that are known already. */
  addFramework(id: FrameworkId, state: FrameworkAllocationState, used: Held<AgentId>): void;
  /** Its FrameworkInfo or suppressed roles have changed. Waits for the next batch. */
  updateFramework(id: FrameworkId, info: FrameworkInfo, suppressedRoles: readonly string[]): void;
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

  /** Why the framework was, or was not, offered resources. Undefined for an unknown framework. */
  explain(id: FrameworkId): AllocationExplanation | undefined;
  /** Figures for metrics: keys are those of Mesos below `allocator/`. */
  metrics(): ReadonlyMap<string, number>;
}
