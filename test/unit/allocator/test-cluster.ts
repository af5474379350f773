/**
 * An allocator on virtual time with the offers that it made, driven in the words of the behaviours
 * that the tests restate. Early re-offers are off unless asked for.
 */
import { expect } from 'chai';
import {
  type AgentAllocationState,
  type Allocation,
  type AllocatorConfig,
  DEFAULT_ALLOCATOR_CONFIG,
  HierarchicalAllocator,
} from '../../../core/allocator/index.js';
import type {
  AgentInfoCapabilityType,
  FrameworkInfo,
  FrameworkInfoCapabilityType,
} from '../../../core/api/index.js';
import { type AgentId, type FrameworkId, VirtualWorld, id } from '../../../core/base/index.js';
import { Resources } from '../../../core/resources/index.js';
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
  /** agent → role → line. */
  readonly used?: Used | undefined;
}

export interface AgentSettings {
  readonly hostname?: string | undefined;
  /** Text attributes, by name. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  readonly capabilities?: readonly AgentInfoCapabilityType[] | undefined;
  /** framework → role → line. */
  readonly used?: Used | undefined;
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

  constructor(config: Partial<AllocatorConfig> = {}, seed = 'test') {
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
    this.allocator.addAgent(agentId(name), state, held(settings.used, frameworkId));
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
      },
    };
    this.agents.set(name, state);
    this.allocator.updateAgent(agentId(name), state);
  }

  removeAgent(name: string): void {
    this.agents.delete(name);
    this.outstanding = this.outstanding.filter((offer) => offer.agentId !== agentId(name));
    this.allocator.removeAgent(agentId(name));
  }

  addFramework(name: string, roles: readonly string[], settings: FrameworkSettings = {}): void {
    const state = {
      info: frameworkInfo(name, roles, settings),
      suppressedRoles: settings.suppressed ?? [],
      active: settings.active ?? true,
    };
    this.allocator.addFramework(frameworkId(name), state, held(settings.used, agentId));
  }

  updateFramework(name: string, roles: readonly string[], settings: FrameworkSettings = {}): void {
    const info = frameworkInfo(name, roles, settings);
    this.allocator.updateFramework(frameworkId(name), info, settings.suppressed ?? []);
  }

  removeFramework(name: string): void {
    this.outstanding = this.outstanding.filter((offer) => offer.frameworkId !== frameworkId(name));
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

  /** Lets things happen, then checks the offers made since the last look, in any order. */
  async expectOffers(...offers: readonly Offer[]): Promise<void> {
    await this.settle();
    expect(this.takeOffers()).to.deep.equal(offerLines(offers));
  }

  #heldBy(framework: string, agent: string, role: string): Resources {
    return Resources.sum(
      this.outstanding
        .filter(
          (offer) =>
            offer.frameworkId === frameworkId(framework) &&
            offer.agentId === agentId(agent) &&
            offer.role === role,
        )
        .map((offer) => offer.resources),
    );
  }

  #giveBack(
    framework: string,
    agent: string,
    given: Resources,
    refuseSeconds: number | 'default' | undefined,
  ): void {
    let rest = given;
    this.outstanding = this.outstanding.flatMap((offer) => {
      if (offer.frameworkId !== frameworkId(framework) || offer.agentId !== agentId(agent)) {
        return [offer];
      }
      const left = offer.resources.minus(rest);
      rest = rest.minus(offer.resources.minus(left));
      return left.isEmpty ? [] : [{ ...offer, resources: left }];
    });
    const stated = refuseSeconds === 'default' ? {} : { refuse_seconds: refuseSeconds };
    const filters = refuseSeconds === undefined ? undefined : stated;
    this.allocator.recoverResources(frameworkId(framework), agentId(agent), given, filters);
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
  const attributes = Object.entries(settings.attributes ?? {}).map(([key, value]) => ({
    name: key,
    type: 'TEXT' as const,
    text: { value },
  }));
  const capabilities = (settings.capabilities ?? ALL_CAPABILITIES).map((type) => ({ type }));
  return { info: { hostname: settings.hostname ?? name, attributes }, capabilities, total };
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
