/**
 * What stands for the master in the contract of allocators: calls an allocator as the master does, on
 * virtual time, and keeps the books that the allocator must not contradict.
 */
import { expect } from 'chai';
import {
  type Allocation,
  type AllocatorConfig,
  type AllocatorModuleOptions,
  type CustomAllocator,
  DEFAULT_ALLOCATOR_CONFIG,
} from '../../../core/allocator/index.js';
import type {
  AgentInfo,
  AgentInfoCapabilityType,
  Filters,
  FrameworkInfoCapabilityType,
  SchedulerOfferConstraints,
} from '../../../core/api/index.js';
import { type AgentId, type FrameworkId, VirtualWorld, id } from '../../../core/base/index.js';
import { Resources, parseResources } from '../../../core/resources/index.js';

export type MakeAllocator = (options: AllocatorModuleOptions) => CustomAllocator;

export interface FrameworkGiven {
  readonly roles?: readonly string[];
  readonly capabilities?: readonly FrameworkInfoCapabilityType[];
  readonly suppressed?: readonly string[];
  readonly active?: boolean;
  readonly constraints?: SchedulerOfferConstraints;
}

export interface AgentGiven {
  readonly info?: Partial<AgentInfo>;
  readonly capabilities?: readonly AgentInfoCapabilityType[];
  readonly used?: ReadonlyMap<FrameworkId, Resources>;
}

const AGENT_CAPABILITIES: readonly AgentInfoCapabilityType[] = [
  'MULTI_ROLE',
  'HIERARCHICAL_ROLE',
  'RESERVATION_REFINEMENT',
];

export const framework = (name: string): FrameworkId => id<'FrameworkId'>(name);
export const agent = (name: string): AgentId => id<'AgentId'>(name);

export class AllocatorHost {
  readonly world = new VirtualWorld();
  readonly allocator: CustomAllocator;
  readonly config: AllocatorConfig;
  /** Offers that are out: neither given back nor used. */
  readonly offers: Allocation[] = [];
  /** How often the listener was called. */
  calls = 0;
  readonly #totals = new Map<AgentId, Resources>();
  /** What tasks use, by agent: not counted as offers any more. */
  readonly #used = new Map<AgentId, Resources>();
  #isCalling = false;

  constructor(make: MakeAllocator, config: Partial<AllocatorConfig> = {}) {
    this.config = { ...DEFAULT_ALLOCATOR_CONFIG, ...config };
    this.allocator = make({
      world: this.world,
      config: this.config,
      parameters: new Map(),
      onAllocations: (allocations) => this.#receive(allocations),
    });
  }

  /** Any call. The listener must not be called within it. */
  call<T>(run: (allocator: CustomAllocator) => T): T {
    this.#isCalling = true;
    try {
      return run(this.allocator);
    } finally {
      this.#isCalling = false;
    }
  }

  addFramework(name: string, given: FrameworkGiven = {}): void {
    const { roles = ['role'], capabilities = [], suppressed = [], active = true } = given;
    const types = new Set<FrameworkInfoCapabilityType>(['MULTI_ROLE', ...capabilities]);
    const info = {
      id: { value: name },
      name,
      user: 'nobody',
      roles,
      capabilities: [...types].map((type) => ({ type })),
    };
    const state = {
      info,
      suppressedRoles: suppressed,
      active,
      offerConstraints: given.constraints,
    };
    this.call((allocator) => allocator.addFramework(framework(name), state, new Map()));
  }

  addAgent(name: string, resources: string, given: AgentGiven = {}): void {
    const total = parseResources(resources);
    const info = { hostname: name, id: { value: name }, ...given.info };
    const capabilities = (given.capabilities ?? AGENT_CAPABILITIES).map((type) => ({ type }));
    const used = given.used ?? new Map<FrameworkId, Resources>();
    this.#totals.set(agent(name), total);
    this.#used.set(agent(name), Resources.sum(used.values()));
    this.call((allocator) => allocator.addAgent(agent(name), { info, capabilities, total }, used));
  }

  removeAgent(name: string): void {
    this.#totals.delete(agent(name));
    this.drop((offer) => offer.agentId === name);
    this.call((allocator) => allocator.removeAgent(agent(name)));
  }

  removeFramework(name: string): void {
    this.drop((offer) => offer.frameworkId === name);
    this.call((allocator) => allocator.removeFramework(framework(name)));
  }

  /** Offers that are no more, without telling the allocator: it knows. */
  drop(isGone: (offer: Allocation) => boolean): void {
    this.offers.splice(0, this.offers.length, ...this.offers.filter((one) => !isGone(one)));
  }

  /** Gives an offer back, all of it or a part; the rest is used by tasks. */
  giveBack(offer: Allocation, filters?: Filters, part: Resources = offer.resources): void {
    this.offers.splice(this.offers.indexOf(offer), 1);
    const rest = offer.resources.minus(part);
    const used = this.#used.get(offer.agentId) ?? Resources.EMPTY;
    this.#used.set(offer.agentId, used.plus(rest));
    this.call(({ recoverResources }) => {
      recoverResources.call(this.allocator, offer.frameworkId, offer.agentId, part, filters);
    });
  }

  /** A task has ended. */
  endTask(name: string, agentName: string, resources: Resources): void {
    const used = this.#used.get(agent(agentName)) ?? Resources.EMPTY;
    this.#used.set(agent(agentName), used.minus(resources));
    this.call((allocator) =>
      allocator.recoverResources(framework(name), agent(agentName), resources),
    );
  }

  /** An operation has changed what an agent has, beside telling the allocator of it. */
  convert(name: string, from: Resources, to: Resources): void {
    const total = this.#totals.get(agent(name)) ?? Resources.EMPTY;
    this.#totals.set(agent(name), total.minus(from.unallocated()).plus(to.unallocated()));
  }

  /** Lets batches pass. */
  async batches(count = 2): Promise<void> {
    await this.world.advance(count * this.config.allocationIntervalMs);
  }

  offersTo(name: string): Allocation[] {
    return this.offers.filter((offer) => offer.frameworkId === name);
  }

  /** What a framework is offered, bound to no role, as text. */
  offered(name: string): string {
    const all = this.offersTo(name).map(({ resources }) => resources.unallocated());
    return Resources.sum(all).toString();
  }

  #receive(allocations: readonly Allocation[]): void {
    expect(this.#isCalling, 'the listener is called within a call of the master').to.equal(false);
    this.calls++;
    this.offers.push(...allocations);
    for (const { resources, role, agentId } of allocations) {
      expect(resources.isEmpty, 'an empty allocation').to.equal(false);
      expect(resources.allocationRoles(), 'roles of an allocation').to.deep.equal([role]);
      expect([...this.#totals.keys()], 'known agents').to.include(agentId);
    }
    this.#expectConservation();
  }

  #expectConservation(): void {
    for (const [agentId, total] of this.#totals) {
      const out = this.offers.filter((offer) => offer.agentId === agentId);
      const held = Resources.sum(out.map(({ resources }) => resources))
        .plus(this.#used.get(agentId) ?? Resources.EMPTY)
        .unallocated()
        .filter((item) => !item.shared);
      const text = `${agentId} has ${total.toString()}, given out are ${held.toString()}`;
      expect(total.contains(held), text).to.equal(true);
    }
  }
}
