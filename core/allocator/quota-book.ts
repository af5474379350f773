/**
 * How much of their quota roles have consumed, and how much is free for those that have unmet
 * guarantees. Consumed is what is reserved for the role's subtree, held or not, and what the subtree
 * holds of unreserved resources; revocable resources and anything but scalars do not count.
 *
 * Kept up to date agent by agent: a run looks at the agents that have changed, and without any quota
 * nothing is kept. What a role without a guarantee may be given is limited by the headroom: free
 * unreserved resources beyond those that keep the unmet guarantees of all top-level roles possible.
 */
import { type Quantities, type Resources, ancestorsOf } from '../resources/index.js';
import type { AgentEntry } from './agent-entry.js';
import { type RoleQuota, isDefaultQuota, quotaVector } from './quota.js';
import { QuotaEntry, type QuotaStanding, isShort } from './quota-entry.js';
import { type QuotaPart, partOf, unreservedScalars } from './quota-part.js';
import { type ScalarNames, type ScalarVector, accumulate } from './scalar-vectors.js';

export class QuotaBook {
  readonly #names: ScalarNames;
  readonly #minimums: readonly Quantities[];
  #minimumVectors: readonly ScalarVector[] | undefined;
  readonly #entries = new Map<string, QuotaEntry>();
  /** The entries that each role counts in: its own and those of its ancestors. */
  readonly #covering = new Map<string, readonly QuotaEntry[]>();
  /** Agents that may have changed since the book was settled: those that say so have. */
  #noted: AgentEntry[] = [];
  /** Unreserved, not revocable and not held, over all agents. */
  #free: ScalarVector = new Float64Array(0);
  /** What top-level roles lack of their guarantees. */
  #needed: ScalarVector = new Float64Array(0);
  /** All agents are to be looked at, and nothing is counted yet. */
  #isReset = false;
  #isLoosened = false;
  /** While it is settled: what was consumed before, of the entries that have changed. */
  #before: Map<QuotaEntry, ScalarVector> | undefined;

  /** @param minimums see `AllocatorConfig.minAllocatable`; they tell which roles are exhausted. */
  constructor(names: ScalarNames, minimums: readonly Quantities[] = []) {
    this.#names = names;
    this.#minimums = minimums;
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
    this.#isLoosened = true;
    this.#covering.clear();
    this.#need(this.#entries.get(role), -1);
    if (quota === undefined || isDefaultQuota(quota)) this.#entries.delete(role);
    else this.#entries.set(role, new QuotaEntry(role, quota, this.#entryOptions()));
    this.#need(this.#entries.get(role), 1);
    if (this.#isReset && this.#entries.size > 0) return;
    this.#forgetNoted();
    this.#free = new Float64Array(0);
    this.#needed = new Float64Array(0);
    for (const entry of this.#entries.values()) {
      entry.clear();
      this.#need(entry, 1);
    }
    for (const agent of agents) {
      agent.quotaPart = undefined;
      this.noteChanged(agent);
    }
    this.#isReset = this.#entries.size > 0;
  }

  /** What quota means to the own clients of a role; undefined: nothing. */
  standing(role: string): QuotaStanding | undefined {
    return this.#entries.get(role);
  }

  /** The agent has changed: it is looked at when the book is next settled. */
  noteChanged(agent: AgentEntry): void {
    if (this.#entries.size === 0) return;
    agent.isQuotaStale = true;
    if (agent.isQuotaNoted) return;
    agent.isQuotaNoted = true;
    this.#noted.push(agent);
  }

  /** The agent is gone. */
  forget(agent: AgentEntry): void {
    agent.isQuotaStale = false;
    const part = agent.quotaPart;
    if (part === undefined) return;
    agent.quotaPart = undefined;
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
    const stale = this.#noted.filter((agent) => agent.isQuotaStale);
    this.#forgetNoted();
    if (stale.length === 0) return isLoosened;
    const spare = this.#spareAmounts();
    this.#before = new Map();
    for (const agent of stale) this.refresh(agent);
    const before = this.#before;
    this.#before = undefined;
    if (isLoosened || isBelow(spare, this.#spareAmounts(), Number.POSITIVE_INFINITY)) return true;
    for (const [entry, consumed] of before) if (isBelow(entry.consumed, consumed, 0)) return true;
    return false;
  }

  /**
   * Reads the book as if it were settled, and leaves it as it was: the next `settle` notices what it
   * would have noticed. Amounts are whole numbers, so that taking them back is exact.
   */
  readSettled<Result>(read: () => Result): Result {
    const isReset = this.#isReset;
    const stale = this.#noted.filter((agent) => agent.isQuotaStale);
    const before = stale.map(({ quotaPart }) => quotaPart);
    for (const agent of stale) this.refresh(agent);
    try {
      return read();
    } finally {
      for (const [index, agent] of stale.entries()) {
        if (agent.quotaPart !== undefined) this.#add(agent.quotaPart, -1);
        const part = before[index];
        agent.quotaPart = part;
        if (part !== undefined) this.#add(part, 1);
        agent.isQuotaStale = true;
      }
      this.#isReset = isReset;
    }
  }

  /** Brings the sums up to date with one agent. */
  refresh(agent: AgentEntry): void {
    this.#isReset = false;
    agent.isQuotaStale = false;
    if (agent.quotaPart !== undefined) this.#add(agent.quotaPart, -1);
    agent.quotaPart = partOf(agent);
    this.#add(agent.quotaPart, 1);
  }

  /**
   * A run gave some of an agent's free resources to a role: the sums are brought up to date by what was
   * given.
   */
  noteServed(agent: AgentEntry, role: string, given: Resources): void {
    const part = agent.quotaPart;
    if (part === undefined || given.hasShared) {
      this.refresh(agent);
      return;
    }
    agent.isQuotaStale = false;
    const resources = unreservedScalars(given);
    agent.quotaPart = {
      free: unreservedScalars(agent.free),
      consumed:
        part.consumed.length === 0
          ? [{ role, resources }]
          : [...part.consumed, { role, resources }],
    };
    const amounts = this.#names.measure(resources);
    this.#free = accumulate(this.#free, amounts, -1);
    for (const entry of this.#entriesCovering(role)) this.#change(entry, amounts, 1);
  }

  /** Whether the role has a guarantee that is not met. */
  isUnmet(role: string): boolean {
    return this.#entries.get(role)?.isUnmet === true;
  }

  /** Whether what the role is given counts for a guarantee that is not met: its own, or one above. */
  isNeeded(role: string): boolean {
    return !this.isEmpty && this.#entriesCovering(role).some((entry) => entry.isUnmet);
  }

  /** The roles whose guarantees are not met. */
  unmetRoles(): string[] {
    return this.unmetEntries().map(({ role }) => role);
  }

  /** The quotas of which the guarantees are not met. */
  unmetEntries(): QuotaEntry[] {
    return [...this.#entries.values()].filter(({ isUnmet }) => isUnmet);
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
    return this.#spareOf(this.#names.indexOf(name));
  }

  /**
   * Whether what is held back leaves less than every minimum of the configuration, so that nothing
   * unreserved is worth offering to roles without unmet guarantees. Once so, a run makes no less so.
   */
  get isHeldBack(): boolean {
    if (this.#minimums.length === 0 || !this.#isAnyNeeded()) return false;
    for (const minimum of this.#minimumAmounts()) {
      if (!isShort(minimum, this.#spareAt)) return false;
    }
    return true;
  }

  #isAnyNeeded(): boolean {
    for (let index = 0; index < this.#needed.length; index++) {
      if (this.#needed[index] !== 0) return true;
    }
    return false;
  }

  #minimumAmounts(): readonly ScalarVector[] {
    this.#minimumVectors ??= this.#minimums.map((one) => quotaVector(one, this.#names, 0));
    return this.#minimumVectors;
  }

  readonly #spareAt = (index: number): number => this.#spareOf(index);

  #spareOf(index: number): number {
    const needed = this.#needed[index] ?? 0;
    return needed > 0 ? Math.max(0, (this.#free[index] ?? 0) - needed) : Number.POSITIVE_INFINITY;
  }

  #spareAmounts(): ScalarVector {
    return Float64Array.from(this.#names.names, (_, index) => this.#spareOf(index));
  }

  #entryOptions(): ConstructorParameters<typeof QuotaEntry>[2] {
    return { names: this.#names, minimums: this.#minimums };
  }

  /** Counts (1) or forgets (-1) what a role lacks of its guarantee. */
  #need(entry: QuotaEntry | undefined, sign: 1 | -1): void {
    if (entry?.isTopLevel !== true) return;
    const { length } = entry.guarantees;
    if (this.#needed.length < length) {
      this.#needed = accumulate(this.#needed, new Float64Array(length), 1);
    }
    for (let index = 0; index < length; index++) {
      this.#needed[index] = (this.#needed[index] ?? 0) + sign * entry.unmet(index);
    }
  }

  #forgetNoted(): void {
    for (const agent of this.#noted) agent.isQuotaNoted = false;
    this.#noted = [];
  }

  #add({ free, consumed }: QuotaPart, sign: 1 | -1): void {
    this.#free = accumulate(this.#free, this.#names.measure(free), sign);
    for (const { role, resources } of consumed) {
      const amounts = this.#names.measure(resources);
      for (const entry of this.#entriesCovering(role)) {
        if (this.#before?.has(entry) === false) this.#before.set(entry, entry.consumed.slice());
        this.#change(entry, amounts, sign);
      }
    }
  }

  #change(entry: QuotaEntry, amounts: ScalarVector, sign: 1 | -1): void {
    this.#need(entry, -1);
    entry.change(amounts, sign);
    this.#need(entry, 1);
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

/** Whether any amount of `one` is below that of `other`; what is not there counts as `missing`. */
function isBelow(one: ScalarVector, other: ScalarVector, missing: number): boolean {
  for (let index = 0; index < Math.max(one.length, other.length); index++) {
    if ((one[index] ?? missing) < (other[index] ?? missing)) return true;
  }
  return false;
}
