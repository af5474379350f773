/**
 * The real allocator on virtual time, with a thin model around it: agents that run tasks for their
 * time, and messages that take a few milliseconds. No master: nothing fails here, so all that a master
 * would do is to pass offers and their answers on.
 */
import {
  type Allocation,
  DEFAULT_ALLOCATOR_CONFIG,
  HierarchicalAllocator,
} from '../../../core/allocator/index.js';
import {
  type AgentId,
  type FrameworkId,
  VirtualWorld,
  assert,
  id,
} from '../../../core/base/index.js';
import { Resources } from '../../../core/resources/index.js';
import { AgentModel, FULL_SPEED, type SpeedModel } from './agent-model.js';
import { type Amounts, amountsOf, toWire } from './amounts.js';
import {
  type Framework,
  type FrameworkPort,
  type Host,
  type OfferView,
  type TaskRequest,
  UsageBook,
} from './framework.js';

export interface AllocatorHostOptions {
  readonly seed: string;
  readonly agents: number;
  /** What the allocator is told that an agent has. */
  readonly offered: Amounts;
  /** What an agent really has; by default the same. */
  readonly capacity?: Amounts;
  readonly speedOf?: SpeedModel;
}

/** Time that an offer, its answer, or the news of an end takes. */
const MESSAGE_MS = 1;

interface OpenOffer {
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  readonly resources: Resources;
}

export class AllocatorHost implements Host {
  readonly description = 'allocator and model';
  readonly book = new UsageBook();
  readonly #world: VirtualWorld;
  readonly #allocator: HierarchicalAllocator;
  readonly #agents = new Map<AgentId, AgentModel>();
  readonly #frameworks = new Map<FrameworkId, Framework>();
  readonly #offers = new Map<string, OpenOffer>();
  #offerCount = 0;

  constructor(options: AllocatorHostOptions) {
    this.#world = new VirtualWorld({ seed: options.seed });
    this.#allocator = new HierarchicalAllocator({
      world: this.#world,
      config: { ...DEFAULT_ALLOCATOR_CONFIG, minAllocatable: [] },
      onAllocations: (allocations) => this.#allocated(allocations),
    });
    const total = Resources.fromWire(toWire(options.offered));
    const { capacity = options.offered, speedOf = FULL_SPEED } = options;
    for (let index = 0; index < options.agents; index++) {
      const agentId = id<'AgentId'>(`agent-${index}`);
      this.#agents.set(agentId, new AgentModel(this.#world.clock, capacity, speedOf));
      const state = {
        info: { hostname: agentId },
        capabilities: [{ type: 'MULTI_ROLE' as const }],
        total,
      };
      this.#allocator.addAgent(agentId, state, new Map());
    }
  }

  nowMs(): number {
    return this.#world.clock.elapsed();
  }

  add(framework: Framework): void {
    const { name } = framework;
    const frameworkId = id<'FrameworkId'>(name);
    this.#frameworks.set(frameworkId, framework);
    const capabilities = [{ type: 'MULTI_ROLE' as const }];
    const info = { user: 'nobody', name, roles: [name], capabilities };
    this.#allocator.addFramework(
      frameworkId,
      { info, suppressedRoles: [], active: true },
      new Map(),
    );
    framework.start(this.#portOf(frameworkId));
  }

  async advance(durationMs: number): Promise<void> {
    await this.#world.advance(durationMs);
  }

  #portOf(frameworkId: FrameworkId): FrameworkPort {
    const { clock } = this.#world;
    return {
      nowMs: () => clock.elapsed(),
      setTimer: (delayMs, callback) => void clock.setTimer(delayMs, callback),
      accept: (offer, tasks) => this.#accept(offer, tasks),
      decline: (offer, refuseSeconds) => {
        const { agentId, resources } = this.#take(offer);
        const filters = { refuse_seconds: refuseSeconds };
        this.#allocator.recoverResources(frameworkId, agentId, resources, filters, 'batch');
      },
      suppress: () => this.#allocator.suppress(frameworkId, []),
      revive: () => this.#allocator.revive(frameworkId, []),
    };
  }

  #allocated(allocations: readonly Allocation[]): void {
    const offers = new Map<FrameworkId, OfferView[]>();
    for (const { frameworkId, agentId, resources } of allocations) {
      const offerId = `offer-${this.#offerCount++}`;
      this.#offers.set(offerId, { frameworkId, agentId, resources });
      const own = offers.get(frameworkId) ?? [];
      own.push({ id: offerId, agentId, free: amountsOf(resources) });
      offers.set(frameworkId, own);
    }
    for (const [frameworkId, own] of offers) {
      this.#later(() => this.#frameworks.get(frameworkId)?.offered(own));
    }
  }

  #accept(offer: OfferView, tasks: readonly TaskRequest[]): void {
    const { frameworkId, agentId, resources } = this.#take(offer);
    let rest = resources;
    for (const task of tasks) {
      const demand = Resources.fromWire(toWire(task.demand, frameworkId));
      assert(rest.contains(demand), `${task.id} takes more than ${offer.id} has`);
      rest = rest.minus(demand);
      this.#later(() => this.#launch(task, { frameworkId, agentId, resources: demand }));
    }
    // A filter for the rest would hide the agent when a task of ours ends there.
    this.#later(() => this.#allocator.recoverResources(frameworkId, agentId, rest));
  }

  #launch(task: TaskRequest, held: OpenOffer): void {
    const { frameworkId, agentId, resources } = held;
    this.book.started(frameworkId, task.usage);
    this.#agents.get(agentId)?.start(task.usage, task.durationMs, () => {
      this.book.ended(frameworkId, task.usage);
      this.#later(() => {
        this.#allocator.recoverResources(frameworkId, agentId, resources);
        this.#frameworks.get(frameworkId)?.taskEnded(task.id);
      });
    });
  }

  #take(offer: OfferView): OpenOffer {
    const open = this.#offers.get(offer.id);
    assert(open, `${offer.id} was answered already`);
    this.#offers.delete(offer.id);
    return open;
  }

  #later(callback: () => void): void {
    this.#world.clock.setTimer(MESSAGE_MS, callback);
  }
}
