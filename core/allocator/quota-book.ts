/**
 * How much of their quota roles have consumed, and how much is free for those that have unmet
 * guarantees. Consumed is what is reserved for the role's subtree, held or not, and what the subtree
 * holds of unreserved resources; revocable resources and anything but scalars do not count.
 *
 * Kept up to date agent by agent: a run looks at the agents that have changed, and without any quota
 * nothing is kept. What a role without a guarantee may be given is limited by the headroom: free
 * unreserved resources beyond those that keep the unmet guarantees of all top-level roles possible.
 */
import { type Resources, ScalarItem, ancestorsOf } from '../resources/index.js';
import type { AgentEntry } from './agent-entry.js';
import { type RoleQuota, isDefaultQuota, quotaVector } from './quota.js';
import { type ScalarNames, type ScalarVector, accumulate } from './scalar-vectors.js';

/** A role with quota. */
class QuotaEntry {
  readonly quota: RoleQuota;
  readonly isTopLevel: boolean;
  readonly guarantees: ScalarVector;
  readonly limits: ScalarVector;
  consumed: ScalarVector = new Float64Array(0);

  constructor(role: string, quota: RoleQuota, names: ScalarNames) {
    this.quota = quota;
    this.isTopLevel = !role.includes('/');
    this.guarantees = quotaVector(quota.guarantees, names, 0);
    this.limits = quotaVector(quota.limits, names, Number.POSITIVE_INFINITY);
  }

  unmet(index: number): number {
    return Math.max(0, (this.guarantees[index] ?? 0) - (this.consumed[index] ?? 0));
  }

  get isUnmet(): boolean {
    for (let index = 0; index < this.guarantees.length; index++) {
      if (this.unmet(index) > 0) return true;
    }
    return false;
  }

  room(index: number): number {
    const limit = this.limits[index] ?? Number.POSITIVE_INFINITY;
    return Math.max(0, limit - (this.consumed[index] ?? 0));
  }
}

/** What one agent adds to the sums. */
interface AgentPart {
  free: ScalarVector;
  readonly consumed: Map<QuotaEntry, ScalarVector>;
}

export class QuotaBook {
  readonly #names: ScalarNames;
  readonly #entries = new Map<string, QuotaEntry>();
  /** The entries that each role counts in: its own and those of its ancestors. */
  readonly #covering = new Map<string, readonly QuotaEntry[]>();
  readonly #parts = new Map<AgentEntry, AgentPart>();
  readonly #changed = new Set<AgentEntry>();
  /** Unreserved, not revocable and not held, over all agents. */
  #free: ScalarVector = new Float64Array(0);
  #spare: ScalarVector | undefined;
  #isLoosened = false;

  constructor(names: ScalarNames) {
    this.#names = names;
  }

  /** Whether no role has quota. */
  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** The quotas of all roles that have one. */
  *quotas(): Generator<readonly [role: string, quota: RoleQuota]> {
    for (const [role, { quota }] of this.#entries) yield [role, quota];
  }

  /** Sets or removes the quota of a role. */
  set(role: string, quota: RoleQuota | undefined, agents: Iterable<AgentEntry>): void {
    if (quota === undefined || isDefaultQuota(quota)) this.#entries.delete(role);
    else this.#entries.set(role, new QuotaEntry(role, quota, this.#names));
    this.#covering.clear();
    this.#parts.clear();
    this.#changed.clear();
    this.#free = new Float64Array(0);
    this.#spare = undefined;
    this.#isLoosened = true;
    for (const entry of this.#entries.values()) entry.consumed = new Float64Array(0);
    for (const agent of agents) this.noteChanged(agent);
  }

  /** The agent has changed: it is looked at when the book is next settled. */
  noteChanged(agent: AgentEntry): void {
    if (this.#entries.size > 0) this.#changed.add(agent);
  }

  /** The agent is gone. */
  forget(agent: AgentEntry): void {
    this.#changed.delete(agent);
    const part = this.#parts.get(agent);
    if (part === undefined) return;
    this.#parts.delete(agent);
    this.#add(part, -1);
    this.#isLoosened = true;
  }

  /**
   * Brings the sums up to date with all changed agents. Returns whether more may be given than when
   * it was last settled: something was consumed less, or the headroom grew.
   */
  settle(): boolean {
    const isLoosened = this.#isLoosened;
    this.#isLoosened = false;
    if (this.#changed.size === 0) return isLoosened;
    const spare = this.#spareAmounts();
    const consumed = [...this.#entries.values()].map(
      (entry) => [entry, entry.consumed.slice()] as const,
    );
    for (const agent of this.#changed) this.refresh(agent);
    return (
      isLoosened ||
      isBelow(spare, this.#spareAmounts(), Number.POSITIVE_INFINITY) ||
      consumed.some(([entry, before]) => isBelow(entry.consumed, before, 0))
    );
  }

  /** Brings the sums up to date with one agent. */
  refresh(agent: AgentEntry): void {
    this.#changed.delete(agent);
    const before = this.#parts.get(agent);
    if (before !== undefined) this.#add(before, -1);
    const part = this.#partOf(agent);
    this.#parts.set(agent, part);
    this.#add(part, 1);
  }

  /** Whether the role has a guarantee that is not met. */
  isUnmet(role: string): boolean {
    return this.#entries.get(role)?.isUnmet === true;
  }

  /** The roles whose guarantees are not met. */
  unmetRoles(): string[] {
    return [...this.#entries].filter(([, entry]) => entry.isUnmet).map(([role]) => role);
  }

  /** How much of a resource the role lacks of its guarantee. */
  unmet(role: string, name: string): number {
    return this.#entries.get(role)?.unmet(this.#names.indexOf(name)) ?? 0;
  }

  /** Whether the role is limited in anything. */
  isLimited(role: string): boolean {
    return (this.#entries.get(role)?.limits.length ?? 0) > 0;
  }

  /** How much more of a resource the role may hold; infinite when it is not limited. */
  room(role: string, name: string): number {
    const entry = this.#entries.get(role);
    return entry === undefined ? Number.POSITIVE_INFINITY : entry.room(this.#names.indexOf(name));
  }

  /**
   * How much of a resource is free beyond what unmet guarantees need; infinite where nothing is
   * needed.
   */
  spare(name: string): number {
    return this.#spareAmounts()[this.#names.indexOf(name)] ?? Number.POSITIVE_INFINITY;
  }

  #spareAmounts(): ScalarVector {
    if (this.#spare !== undefined) return this.#spare;
    const spare = new Float64Array(this.#names.names.length).fill(Number.POSITIVE_INFINITY);
    for (let index = 0; index < spare.length; index++) {
      let needed = 0;
      for (const entry of this.#entries.values()) {
        if (entry.isTopLevel) needed += entry.unmet(index);
      }
      if (needed > 0) spare[index] = Math.max(0, (this.#free[index] ?? 0) - needed);
    }
    this.#spare = spare;
    return spare;
  }

  #add(part: AgentPart, sign: 1 | -1): void {
    this.#spare = undefined;
    this.#free = accumulate(this.#free, part.free, sign);
    for (const [entry, amounts] of part.consumed) {
      entry.consumed = accumulate(entry.consumed, amounts, sign);
    }
  }

  #partOf(agent: AgentEntry): AgentPart {
    const part: AgentPart = { free: new Float64Array(0), consumed: new Map() };
    const free = agent.free.filter(isUnreserved);
    if (!free.isEmpty) part.free = this.#names.measure(free).slice();
    this.#consume(part, agent.total, (item) => (item.isReserved ? item.role : undefined));
    for (const held of agent.held.values()) {
      this.#consume(part, held, (item) => (item.isReserved ? undefined : item.allocationRole));
    }
    return part;
  }

  #consume(
    part: AgentPart,
    resources: Resources,
    roleOf: (item: ScalarItem) => string | undefined,
  ): void {
    for (const item of resources.items) {
      if (!(item instanceof ScalarItem) || item.revocable) continue;
      const role = roleOf(item);
      if (role === undefined) continue;
      for (const entry of this.#entriesCovering(role)) {
        const index = this.#names.indexOf(item.name);
        const one = new Float64Array(index + 1);
        one[index] = item.total;
        const known = part.consumed.get(entry) ?? new Float64Array(0);
        part.consumed.set(entry, accumulate(known, one, 1));
      }
    }
  }

  #entriesCovering(role: string): readonly QuotaEntry[] {
    const known = this.#covering.get(role);
    if (known !== undefined) return known;
    if (this.#covering.size >= MAX_REMEMBERED_ROLES) this.#covering.clear();
    const entries = [...ancestorsOf(role), role].flatMap((name) => this.#entries.get(name) ?? []);
    this.#covering.set(role, entries);
    return entries;
  }
}

/** Roles of which it is remembered in whose quota they count; with more, all are forgotten. */
const MAX_REMEMBERED_ROLES = 10_000;

function isUnreserved(item: Resources['items'][number]): boolean {
  return item.type === 'SCALAR' && !item.isReserved && !item.revocable && !item.shared;
}

/** Whether any amount of `one` is below that of `other`; what is not there counts as `missing`. */
function isBelow(one: ScalarVector, other: ScalarVector, missing: number): boolean {
  for (let index = 0; index < Math.max(one.length, other.length); index++) {
    if ((one[index] ?? missing) < (other[index] ?? missing)) return true;
  }
  return false;
}
