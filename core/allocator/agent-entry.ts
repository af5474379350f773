/**
 * An agent as the allocator knows it: what it has, who holds what of it, and what is free. Resources
 * that are held are bound to the role they are held in; `total` and `free` are bound to none.
 */
import { type AgentId, FewMap, type FewMapView, type FrameworkId } from '../base/index.js';
import { type ResourceItem, Resources } from '../resources/index.js';
import type { AgentAllocationState } from './allocator.js';
import type { Client } from './client.js';
import type { QuotaPart } from './quota-part.js';

/** Who is told about changes of agents. */
export interface AgentWatcher {
  /** The agent is worth another look. */
  noteUnsettled(agent: AgentEntry): void;
  /** All agents but those that are known to have nothing to offer: of a full cluster, few. */
  readonly open: Set<AgentEntry>;
  /** What the agent has, or who holds it, has changed. */
  noteChanged(agent: AgentEntry): void;
}

export class AgentEntry {
  readonly id: AgentId;
  #state: AgentAllocationState;
  #total: Resources;
  /** Whether frameworks in several roles, and in nested ones, can use it. */
  takesMultiRole = false;
  takesNestedRoles = false;
  /** Whether it has any, free or not. */
  hasGpus = false;
  region: string | undefined;
  isActive = true;
  /**
   * Each client that has not changed since the change of this number was offered what it may have of
   * the agent, or refused; see `AllocationCycle`. Negative: the agent itself has changed.
   */
  settledAt = -1;
  /** Whether it is worth another look, and whether it is among those that were noted to be. */
  isUnsettled = false;
  isNoted = false;
  #isOpen = false;
  /** What it adds to the sums of quota, whether that is out of date, and whether it was noted to be. */
  quotaPart: QuotaPart | undefined;
  isQuotaStale = false;
  isQuotaNoted = false;
  /** Of the run of this number: where its last allocation is, and whether it is worth another look. */
  run = -1;
  allocation = -1;
  isEased = false;
  /** Who was last served from it, in the window of time numbered `servedWindow`. */
  servedClient: Client | undefined;
  servedWindow = -1;

  readonly #held = new FewMap<FrameworkId, Resources>();
  /** What frameworks hold, not bound to roles, without `#rest`. */
  #allocated = Resources.EMPTY;
  /**
   * Everything that was free, when a framework holds it as it was. Most offers are so, and most come
   * back so: then what is free needs no arithmetic at all.
   */
  #rest: Resources | undefined;
  #free: Resources | undefined;
  #offerable: { readonly role: string; readonly resources: Resources } | undefined;

  /** What of it tasks use; the rest is offered. */
  readonly #used = new FewMap<FrameworkId, Resources>();
  /** Shared resources that were offered in this run: to one client each. */
  #sharedOffered = Resources.EMPTY;
  readonly #watcher: AgentWatcher;

  constructor(id: AgentId, state: AgentAllocationState, watcher: AgentWatcher) {
    this.id = id;
    this.#state = state;
    this.#total = state.total.common();
    this.#watcher = watcher;
    this.state = state;
  }

  /** All clients are to be looked at again. */
  unsettle(): void {
    this.settledAt = -1;
    this.isUnsettled = true;
    if (!this.isNoted) this.#watcher.noteUnsettled(this);
    this.open();
  }

  /** Nothing is left to decide until the agent, or a client after the given change, changes. */
  settle(changes: number): void {
    this.settledAt = changes;
    this.isUnsettled = false;
  }

  /** It may have something to offer. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#watcher.open.add(this);
  }

  /**
   * Nothing is free, or less than anybody's minimum: nothing is left to decide until the agent
   * changes, or somebody comes who takes less.
   */
  close(): void {
    this.isUnsettled = false;
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watcher.open.delete(this);
  }

  get state(): AgentAllocationState {
    return this.#state;
  }

  set state(state: AgentAllocationState) {
    this.#state = state;
    this.takesMultiRole = state.capabilities.some(({ type }) => type === 'MULTI_ROLE');
    this.takesNestedRoles = state.capabilities.some(({ type }) => type === 'HIERARCHICAL_ROLE');
    this.region = state.info.domain?.fault_domain?.region.name;
    this.total = state.total;
  }

  get total(): Resources {
    return this.#total;
  }

  set total(total: Resources) {
    this.#settleRest();
    this.#total = total.common();
    this.hasGpus = total.scalar('gpus') > 0;
    this.#changed();
  }

  /**
   * What nobody holds, and what is shared, unless it was offered in this run already. Nothing when
   * more is held than the agent has.
   */
  get free(): Resources {
    if (this.#free !== undefined) return this.#free;
    this.#settleRest();
    const held = this.#total.hasShared ? this.#allocated.filter(isNotShared) : this.#allocated;
    this.#free = this.#total.minus(held).minus(this.#sharedOffered);
    return this.#free;
  }

  /** Whether everything free can be used by every framework, whatever its capabilities. */
  get isFreePlain(): boolean {
    const { free } = this;
    return !free.hasRevocable && !free.hasShared && !free.hasRefined;
  }

  /** What of the free resources may be offered to a role, its ancestors' reservations included. */
  offerableTo(role: string): Resources {
    const { free } = this;
    if (!free.hasReserved) return free;
    // Frameworks of one role are looked at one after the other: remembering one role is enough.
    if (this.#offerable?.role !== role) {
      this.#offerable = { role, resources: free.reservableTo(role) };
    }
    return this.#offerable.resources;
  }

  /** Who holds what. */
  get held(): FewMapView<FrameworkId, Resources> {
    return this.#held;
  }

  /** What tasks of each framework use; the rest of what it holds is offered. */
  get used(): FewMapView<FrameworkId, Resources> {
    return this.#used;
  }

  /** Tasks of the framework use what it held as an offer. */
  noteUsed(frameworkId: FrameworkId, resources: Resources): void {
    this.#used.set(frameworkId, (this.#used.get(frameworkId) ?? Resources.EMPTY).plus(resources));
  }

  /** What is shared among what frameworks hold in a role; or one framework alone. */
  sharedHeld(role: string, frameworkId?: FrameworkId): Resources {
    let shared = Resources.EMPTY;
    for (const [holder, held] of this.#held) {
      if (frameworkId !== undefined && holder !== frameworkId) continue;
      shared = shared.plus(held.filter((item) => item.shared && item.allocationRole === role));
    }
    return shared;
  }

  /** What is shared of an offer is not offered again in this run. Returns whether anything is. */
  noteSharedOffered(offer: Resources): boolean {
    if (!hasShared(offer)) return false;
    this.#sharedOffered = this.#sharedOffered.plus(offer.filter((item) => item.shared));
    this.#changed();
    return true;
  }

  /** The run is over: what is shared may be offered again. */
  forgetSharedOffered(): void {
    this.#sharedOffered = Resources.EMPTY;
    this.#changed();
  }

  /**
   * Gives resources to a framework; they may exceed what is free.
   * @param unbound the same bound to no role, where the caller has it.
   * @returns whether it held nothing before.
   */
  hold(frameworkId: FrameworkId, resources: Resources, unbound?: Resources): boolean {
    const before = this.#held.get(frameworkId);
    this.#held.set(frameworkId, before === undefined ? resources : before.plus(resources));
    this.#takeFromFree(resources, unbound);
    return before === undefined;
  }

  #takeFromFree(resources: Resources, unbound: Resources | undefined): void {
    if (unbound !== undefined && unbound === this.#free && !this.#total.hasShared) {
      this.#settleRest();
      this.#rest = unbound;
      this.#changed(Resources.EMPTY);
      return;
    }
    this.#settleRest();
    this.#allocated = this.#allocated.plus(unbound ?? resources.unallocated());
    this.#changed();
  }

  /** Takes resources from a framework. Returns what it did hold of them. */
  release(frameworkId: FrameworkId, resources: Resources): Resources {
    const before = this.#held.get(frameworkId) ?? Resources.EMPTY;
    const after = before.minus(resources);
    if (after.isEmpty) this.#held.delete(frameworkId);
    else this.#held.set(frameworkId, after);
    const released = before.contains(resources) ? resources : before.minus(after);
    this.#releaseUsed(frameworkId, { before, after, released });
    const unbound = released.unallocated();
    if (unbound === this.#rest) {
      this.#rest = undefined;
      this.#changed(unbound);
      return released;
    }
    this.#settleRest();
    this.#allocated = this.#allocated.minus(unbound);
    this.#changed();
    return released;
  }

  /** What is given back is taken from offers first. */
  #releaseUsed(
    frameworkId: FrameworkId,
    { before, after, released }: Readonly<Record<'before' | 'after' | 'released', Resources>>,
  ): void {
    const used = this.#used.get(frameworkId);
    if (used === undefined) return;
    const left = used.minus(released.minus(before.minus(used)));
    if (left.isEmpty || after.isEmpty) this.#used.delete(frameworkId);
    else this.#used.set(frameworkId, left);
  }

  #settleRest(): void {
    if (this.#rest === undefined) return;
    this.#allocated = this.#allocated.plus(this.#rest);
    this.#rest = undefined;
  }

  /** @param free what is free now, where that is known. */
  #changed(free?: Resources): void {
    this.#free = free;
    this.#offerable = undefined;
    this.unsettle();
    this.#watcher.noteChanged(this);
  }
}

function isNotShared(item: ResourceItem): boolean {
  return !item.shared;
}

/** Whether any of it may be held by several at once. */
export function hasShared(resources: Resources): boolean {
  return resources.hasShared;
}
