/**
 * An allocator on virtual time with the offers that it made, driven in the words of the behaviours
 * that the tests restate. Early re-offers are off unless asked for.
 */
import { expect } from 'chai';
import {
  type AgentAllocationState,
  type Allocation,
  type AllocatorConfig,
  type CompilePattern,
  DEFAULT_ALLOCATOR_CONFIG,
  HierarchicalAllocator,
  type InverseAllocation,
  type RoleQuota,
} from '../../../core/allocator/index.js';
import type {
  AgentInfo,
  AgentInfoCapabilityType,
  Attribute,
  FrameworkInfo,
  FrameworkInfoCapabilityType,
  SchedulerOfferConstraints,
  Unavailability,
} from '../../../core/api/index.js';
import { type AgentId, type FrameworkId, VirtualWorld, id } from '../../../core/base/index.js';
import { type Quantities, Resources, parseQuantities } from '../../../core/resources/index.js';
import { resources } from './resource-text.js';

export interface Offer {
  readonly framework: string;
  readonly role: string;
  readonly agent: string;
  /** As one line; see `resource-text.ts`. */
  readonly resources: unknown;
}

export interface FrameworkSettings {
  readonly capabilities?: readonly FrameworkInfoCapabilityType[] | undefined;
  readonly multiRole?: boolean | undefined;
  readonly suppressed?: readonly string[] | undefined;
  readonly active?: boolean | undefined;
  readonly offerFilters?: FrameworkInfo['offer_filters'];
  readonly offerConstraints?: SchedulerOfferConstraints | undefined;
  /** agent → role → line. */
  readonly used?: Used | undefined;
}

export interface AgentSettings {
  readonly hostname?: string | undefined;
  /** In full, or text attributes by name. */
  readonly attributes?: readonly Attribute[] | Readonly<Record<string, string>> | undefined;
  readonly domain?: { readonly region: string; readonly zone: string } | undefined;
  readonly unavailability?: Unavailability | undefined;
  readonly capabilities?: readonly AgentInfoCapabilityType[] | undefined;
  /** framework → role → line. */
  readonly used?: Used | undefined;
}

/** What tasks of a framework use on an agent in a role. */
interface InUse {
  readonly framework: string;
  readonly agent: string;
  readonly role: string;
  readonly resources: Resources;
}

export type Used = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const ALL_CAPABILITIES: readonly AgentInfoCapabilityType[] = [
  'MULTI_ROLE',
  'HIERARCHICAL_ROLE',
  'RESERVATION_REFINEMENT',
];

const frameworkId = (name: string): FrameworkId => id<'FrameworkId'>(name);
const agentId = (name: string): AgentId => id<'AgentId'>(name);

export class TestCluster {
  readonly world: VirtualWorld;
  readonly config: AllocatorConfig;
  readonly allocator: HierarchicalAllocator;
  /** Offers that were not given back, in the order in which they were made. */
  outstanding: Allocation[] = [];
  /** How often the listener was called. */
  callbacks = 0;
  readonly agents = new Map<string, AgentAllocationState>();
  #unchecked: Allocation[] = [];
  #uncheckedInverse: InverseAllocation[] = [];
  #used: InUse[] = [];

  constructor(
    config: Partial<AllocatorConfig> = {},
    seed = 'test',
    compilePattern?: CompilePattern,
  ) {
    this.world = new VirtualWorld({ seed });
    this.config = {
      ...DEFAULT_ALLOCATOR_CONFIG,
      earlyReoffer: { enabled: false, minIntervalMs: 5 },
      ...config,
    };
    this.allocator = new HierarchicalAllocator({
      world: this.world,
      config: this.config,
      onAllocations: (allocations) => {
        this.callbacks++;
        this.outstanding.push(...allocations);
        this.#unchecked.push(...allocations);
      },
      compilePattern,
      onInverseOffers: (inverse) => this.#uncheckedInverse.push(...inverse),
    });
  }

  /** Lets everything that is due now happen. */
  async settle(): Promise<this> {
    await this.world.settle();
    return this;
  }

  /** Passes that many allocation intervals. */
  async tick(count = 1): Promise<void> {
    for (let index = 0; index < count; index++) {
      await this.world.advance(this.config.allocationIntervalMs);
    }
  }

  addAgent(name: string, total: unknown, settings: AgentSettings = {}): void {
    const state = agentState(name, resources(total), settings);
    this.agents.set(name, state);
    this.#noteUsed(settings.used, (framework) => ({ framework, agent: name }));
    this.allocator.addAgent(agentId(name), state, held(settings.used, frameworkId));
  }

  addResourceProvider(agent: string, brought: unknown, used?: Used): void {
    const before = this.agents.get(agent);
    if (before === undefined) throw new Error(`no agent ${agent}`);
    this.agents.set(agent, { ...before, total: before.total.plus(resources(brought)) });
    this.#noteUsed(used, (framework) => ({ framework, agent }));
    const id = agentId(agent);
    this.allocator.addResourceProvider(id, resources(brought), held(used, frameworkId));
  }

  updateAgent(name: string, change: AgentSettings & { readonly total?: unknown }): void {
    const before = this.agents.get(name);
    if (before === undefined) throw new Error(`no agent ${name}`);
    const total = change.total === undefined ? before.total : resources(change.total);
    const fresh = agentState(name, total, change);
    const state = {
      total,
      capabilities: change.capabilities === undefined ? before.capabilities : fresh.capabilities,
      info: {
        hostname: change.hostname ?? before.info.hostname,
        attributes:
          change.attributes === undefined ? before.info.attributes : fresh.info.attributes,
        domain: change.domain === undefined ? before.info.domain : fresh.info.domain,
      },
    };
    this.agents.set(name, state);
    this.allocator.updateAgent(agentId(name), state);
  }

  removeAgent(name: string): void {
    this.agents.delete(name);
    this.outstanding = this.outstanding.filter((offer) => offer.agentId !== agentId(name));
    this.#used = this.#used.filter(({ agent }) => agent !== name);
    this.allocator.removeAgent(agentId(name));
  }

  addFramework(name: string, roles: readonly string[], settings: FrameworkSettings = {}): void {
    const state = {
      info: frameworkInfo(name, roles, settings),
      suppressedRoles: settings.suppressed ?? [],
      active: settings.active ?? true,
      offerConstraints: settings.offerConstraints,
    };
    const isNew = !this.#used.some(({ framework }) => framework === name);
    if (isNew) this.#noteUsed(settings.used, (agent) => ({ framework: name, agent }));
    this.allocator.addFramework(frameworkId(name), state, held(settings.used, agentId));
  }

  updateFramework(name: string, roles: readonly string[], settings: FrameworkSettings = {}): void {
    const info = frameworkInfo(name, roles, settings);
    const { suppressed = [], offerConstraints } = settings;
    this.allocator.updateFramework(frameworkId(name), info, suppressed, offerConstraints);
  }

  removeFramework(name: string): void {
    this.outstanding = this.outstanding.filter((offer) => offer.frameworkId !== frameworkId(name));
    this.#used = this.#used.filter(({ framework }) => framework !== name);
    this.allocator.removeFramework(frameworkId(name));
  }

  /** Gives back resources; without `refuseSeconds` and filter. */
  recover(
    from: Omit<Offer, 'resources'> & { readonly resources?: unknown },
    refuseSeconds?: number | 'default',
  ): void {
    const { framework, agent, role } = from;
    const given =
      from.resources === undefined
        ? this.#heldBy(framework, agent, role)
        : resources(from.resources).allocatedTo(role);
    this.#giveBack(framework, agent, given, refuseSeconds);
  }

  /** Turns what a framework holds into something else. */
  convert(
    holder: Omit<Offer, 'resources'>,
    change: { readonly from: Resources; readonly to: Resources },
  ): void {
    const { framework, agent, role } = holder;
    const [from, to] = [change.from.allocatedTo(role), change.to.allocatedTo(role)];
    this.allocator.updateAllocation(frameworkId(framework), agentId(agent), { from, to });
    this.#takeBack(framework, agent, from);
    const made = { frameworkId: frameworkId(framework), role, agentId: agentId(agent) };
    if (!to.isEmpty) this.outstanding.push({ ...made, resources: to });
  }

  /** Sets what a role is guaranteed and limited to, as in `cpus:2;mem:1024`; nothing removes it. */
  setQuota(role: string, guarantees?: string, limits?: string): void {
    this.allocator.updateQuota(role, quota(guarantees, limits));
  }

  /** When the agent is to be maintained, in milliseconds since the world began. */
  window(startMs: number, durationMs?: number): Unavailability {
    const beganMs = this.world.clock.now() - this.world.clock.elapsed();
    const nanoseconds = (ms: number) => ({ nanoseconds: BigInt(ms) * 1_000_000n });
    return {
      start: nanoseconds(beganMs + startMs),
      ...(durationMs === undefined ? {} : { duration: nanoseconds(durationMs) }),
    };
  }

  /** Gives back all outstanding offers, of one framework or of all. */
  recoverOffered(framework?: string, refuseSeconds?: number | 'default'): void {
    const offers = this.outstanding.filter(
      (offer) => framework === undefined || offer.frameworkId === frameworkId(framework),
    );
    for (const offer of offers) {
      this.#giveBack(offer.frameworkId, offer.agentId, offer.resources, refuseSeconds);
    }
  }

  suppress(name: string, roles: readonly string[] = []): void {
    this.allocator.suppress(frameworkId(name), roles);
  }

  revive(name: string, roles: readonly string[] = []): void {
    this.allocator.revive(frameworkId(name), roles);
  }

  setActive(name: string, isActive: boolean): void {
    if (isActive) this.allocator.activateFramework(frameworkId(name));
    else this.allocator.deactivateFramework(frameworkId(name));
  }

  metric(name: string): number | undefined {
    return this.allocator.metrics().get(name);
  }

  /** The offers made since the last look, one line each, sorted. */
  takeOffers(): string[] {
    const lines = this.#unchecked.map(line);
    this.#unchecked = [];
    return lines.toSorted();
  }

  /** The inverse offers made since the last look. */
  takeInverseOffers(): readonly InverseAllocation[] {
    return this.#uncheckedInverse.splice(0);
  }

  /** Lets things happen, then checks the offers made since the last look, in any order. */
  async expectOffers(...offers: readonly Offer[]): Promise<void> {
    await this.settle();
    expect(this.takeOffers()).to.deep.equal(offerLines(offers));
  }

  #heldBy(framework: string, agent: string, role: string): Resources {
    const offered = this.outstanding.filter(
      (offer) =>
        offer.frameworkId === frameworkId(framework) &&
        offer.agentId === agentId(agent) &&
        offer.role === role,
    );
    const used = this.#used.filter(
      (use) => use.framework === framework && use.agent === agent && use.role === role,
    );
    return Resources.sum([...offered, ...used].map((part) => part.resources));
  }

  #giveBack(
    framework: string,
    agent: string,
    given: Resources,
    refuseSeconds: number | 'default' | undefined,
  ): void {
    this.#takeBack(framework, agent, given);
    const stated = refuseSeconds === 'default' ? {} : { refuse_seconds: refuseSeconds };
    const filters = refuseSeconds === undefined ? undefined : stated;
    this.allocator.recoverResources(frameworkId(framework), agentId(agent), given, filters);
  }

  /** Takes resources out of the offers, then out of what is used. */
  #takeBack(framework: string, agent: string, given: Resources): void {
    let rest = given;
    const without = <Part extends { readonly resources: Resources }>(part: Part): Part[] => {
      const left = part.resources.minus(rest);
      rest = rest.minus(part.resources.minus(left));
      return left.isEmpty ? [] : [{ ...part, resources: left }];
    };
    this.outstanding = this.outstanding.flatMap((offer) => {
      const isMeant =
        offer.frameworkId === frameworkId(framework) && offer.agentId === agentId(agent);
      return isMeant ? without(offer) : [offer];
    });
    this.#used = this.#used.flatMap((use) =>
      use.framework === framework && use.agent === agent ? without(use) : [use],
    );
  }

  #noteUsed(
    used: Used | undefined,
    holderOf: (key: string) => { readonly framework: string; readonly agent: string },
  ): void {
    for (const [key, roles] of Object.entries(used ?? {})) {
      for (const [role, amounts] of Object.entries(roles)) {
        this.#used.push({
          ...holderOf(key),
          role,
          resources: resources(amounts).allocatedTo(role),
        });
      }
    }
  }
}

/** Offers as lines, sorted, to compare with `takeOffers`. */
export function offerLines(offers: readonly Offer[]): string[] {
  return offers
    .map((offer) => `${offer.framework} ${offer.role} ${offer.agent} ${text(offer.resources)}`)
    .toSorted();
}

function text(spec: unknown): string {
  return resources(spec).toString();
}

function line(offer: Allocation): string {
  for (const item of offer.resources.items) expect(item.allocationRole).to.equal(offer.role);
  const amounts = offer.resources.unallocated().toString();
  return `${offer.frameworkId} ${offer.role} ${offer.agentId} ${amounts}`;
}

function agentState(name: string, total: Resources, settings: AgentSettings): AgentAllocationState {
  const capabilities = (settings.capabilities ?? ALL_CAPABILITIES).map((type) => ({ type }));
  return {
    info: {
      hostname: settings.hostname ?? name,
      attributes: attributes(settings.attributes ?? {}),
      domain: domain(settings.domain),
    },
    capabilities,
    total,
    unavailability: settings.unavailability,
  };
}

function attributes(given: NonNullable<AgentSettings['attributes']>): readonly Attribute[] {
  if (isList(given)) return given;
  return Object.entries(given).map(([name, value]) => ({ name, type: 'TEXT', text: { value } }));
}

function isList(value: NonNullable<AgentSettings['attributes']>): value is readonly Attribute[] {
  return Array.isArray(value);
}

/** As the agent, or the master's settings, state where they are. */
export function domain(place: AgentSettings['domain']): AgentInfo['domain'] {
  if (place === undefined) return undefined;
  return { fault_domain: { region: { name: place.region }, zone: { name: place.zone } } };
}

/** A quota of texts such as `cpus:2;mem:1024`; without either, none. */
export function quota(guarantees?: string, limits?: string): RoleQuota | undefined {
  if (guarantees === undefined && limits === undefined) return undefined;
  return { guarantees: quantities(guarantees ?? ''), limits: quantities(limits ?? '') };
}

function quantities(amounts: string): Quantities {
  return parseQuantities(amounts)[0] ?? new Map();
}

function frameworkInfo(
  name: string,
  roles: readonly string[],
  settings: FrameworkSettings,
): FrameworkInfo {
  const types = [...(settings.capabilities ?? [])];
  const isMultiRole = settings.multiRole ?? true;
  if (isMultiRole) types.push('MULTI_ROLE');
  const role = roles[0];
  return {
    user: 'nobody',
    name,
    ...(isMultiRole ? { roles } : {}),
    ...(!isMultiRole && role !== undefined ? { role } : {}),
    capabilities: types.map((type) => ({ type })),
    offer_filters: settings.offerFilters,
  };
}

function held<Key>(used: Used | undefined, toKey: (name: string) => Key): Map<Key, Resources> {
  return new Map(
    Object.entries(used ?? {}).map(([name, roles]) => [
      toKey(name),
      Resources.sum(
        Object.entries(roles).map(([role, amounts]) => resources(amounts).allocatedTo(role)),
      ),
    ]),
  );
}
