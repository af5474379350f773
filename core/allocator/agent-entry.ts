/**
 * An agent as the allocator knows it: what it has, who holds what of it, and what is free. Resources
 * that are held are bound to the role they are held in; `total` and `free` are bound to none.
 */
import type { AgentInfoCapabilityType } from '../api/index.js';
import type { FrameworkId, AgentId } from '../base/index.js';
import { Resources } from '../resources/index.js';
import type { AgentAllocationState } from './allocator.js';
import type { Client } from './client.js';

export class AgentEntry {
  readonly id: AgentId;
  #state: AgentAllocationState;
  #total: Resources;
  #capabilities: ReadonlySet<AgentInfoCapabilityType>;
  isActive = true;
  /**
   * Each client that has not changed since the change of this number was offered what it may have of
   * the agent, or refused; see `AllocationCycle`. Negative: the agent itself has changed.
   */
  settledAt = -1;
  /** Who was last served from it, in the window of time numbered `servedWindow`. */
  servedClient: Client | undefined;
  servedWindow = -1;

  readonly #held = new Map<FrameworkId, Resources>();
  #allocated = Resources.EMPTY;
  #free: Resources | undefined;
  #isFreePlain: boolean | undefined;
  #offerable: { readonly role: string; readonly resources: Resources } | undefined;

  readonly #unsettled: Set<AgentEntry>;

  /** @param unsettled is told whenever the agent changes: it is worth another look. */
  constructor(id: AgentId, state: AgentAllocationState, unsettled: Set<AgentEntry>) {
    this.id = id;
    this.#state = state;
    this.#total = state.total;
    this.#capabilities = capabilityTypes(state);
    this.#unsettled = unsettled;
    this.unsettle();
  }

  /** All clients are to be looked at again. */
  unsettle(): void {
    this.settledAt = -1;
    this.#unsettled.add(this);
  }

  /** Nothing is left to decide until the agent, or a client after the given change, changes. */
  settle(changes: number): void {
    this.settledAt = changes;
    this.#unsettled.delete(this);
  }

  get state(): AgentAllocationState {
    return this.#state;
  }

  set state(state: AgentAllocationState) {
    this.#state = state;
    this.#capabilities = capabilityTypes(state);
    this.total = state.total;
  }

  get capabilities(): ReadonlySet<AgentInfoCapabilityType> {
    return this.#capabilities;
  }

  get total(): Resources {
    return this.#total;
  }

  set total(total: Resources) {
    this.#total = total;
    this.#changed();
  }

  /** What nobody holds; nothing when more is held than the agent has. */
  get free(): Resources {
    this.#free ??= this.#total.minus(this.#allocated);
    return this.#free;
  }

  /** Whether everything free can be used by every framework, whatever its capabilities. */
  get isFreePlain(): boolean {
    this.#isFreePlain ??= this.free.items.every(
      (item) => !item.revocable && !item.shared && item.reservations.length <= 1,
    );
    return this.#isFreePlain;
  }

  /** What of the free resources may be offered to a role, its ancestors' reservations included. */
  offerableTo(role: string): Resources {
    // Frameworks of one role are looked at one after the other: remembering one role is enough.
    if (this.#offerable?.role !== role) {
      this.#offerable = { role, resources: this.free.reservableTo(role) };
    }
    return this.#offerable.resources;
  }

  /** Who holds what. */
  get held(): ReadonlyMap<FrameworkId, Resources> {
    return this.#held;
  }

  /**
   * Gives resources to a framework; they may exceed what is free.
   * @param unbound the same bound to no role, where the caller has it.
   */
  hold(frameworkId: FrameworkId, resources: Resources, unbound?: Resources): void {
    const before = this.#held.get(frameworkId) ?? Resources.EMPTY;
    this.#held.set(frameworkId, before.plus(resources));
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
    this.#allocated = this.#allocated.minus(released.unallocated());
    this.#changed();
    return released;
  }

  #changed(): void {
    this.#free = undefined;
    this.#isFreePlain = undefined;
    this.#offerable = undefined;
    this.unsettle();
  }
}

function capabilityTypes(state: AgentAllocationState): ReadonlySet<AgentInfoCapabilityType> {
  return new Set(state.capabilities.flatMap(({ type }) => (type === undefined ? [] : [type])));
}
