/**
 * The allocator on a virtual world beside the model. What the allocator gives out is checked and entered
 * the moment it comes; time passes batch by batch, so that the model knows how many there have been.
 */
import { expect } from 'chai';
import {
  type Allocation,
  DEFAULT_ALLOCATOR_CONFIG,
  HierarchicalAllocator,
  type InverseAllocation,
  type SorterKind,
} from '../../../../core/allocator/index.js';
import { VirtualWorld } from '../../../../core/base/index.js';
import { type Quantities, Resources, parseQuantities } from '../../../../core/resources/index.js';
import { domain } from '../../../unit/allocator/test-cluster.js';
import { expectFigures } from './figures.js';
import { Model, type ModelAgent } from './model.js';
import { HOME_REGION, QuotaWatch, expectAllowed, leftOver } from './offers.js';
import { pilesOf } from './piles.js';

/** How long the interval between batches is. */
export const INTERVAL_MS = 1000;
/** Never the moment of a batch, so that the order of the two does not matter. */
export const HOLD_MS = 3501;
const EARLY_INTERVAL_MS = 4.37;
/** No sequence of calls gives out so little at a time that it takes more runs. */
const MOST_RUNS = 200;

export interface BenchOptions {
  readonly seed: number;
  readonly sorter: SorterKind;
  /** As in `parseQuantities`. */
  readonly minimum: string;
  readonly early: boolean;
}

export class Bench {
  readonly model = new Model();
  readonly allocator: HierarchicalAllocator;
  readonly #world: VirtualWorld;
  readonly #minimums: readonly Quantities[];

  constructor({ seed, sorter, minimum, early }: BenchOptions) {
    this.#world = new VirtualWorld({ seed: `bench-${seed}` });
    this.#minimums = parseQuantities(minimum);
    this.allocator = new HierarchicalAllocator({
      world: this.#world,
      config: {
        ...DEFAULT_ALLOCATOR_CONFIG,
        allocationIntervalMs: INTERVAL_MS,
        minAllocatable: this.#minimums,
        roleSorter: sorter,
        frameworkSorter: sorter,
        domain: domain({ region: HOME_REGION, zone: 'z' }),
        earlyReoffer: { enabled: early, minIntervalMs: EARLY_INTERVAL_MS },
        recoveryTimeoutMs: HOLD_MS,
      },
      onAllocations: (allocations) => this.#receive(allocations),
      onInverseOffers: (inverse) => this.#receiveInverse(inverse),
    });
  }

  /**
   * Lets time pass, and everything happen that falls due.
   * @param atBatch is called right after each batch, while what it saw is what there is.
   */
  async advance(durationMs: number, atBatch: () => void = () => {}): Promise<void> {
    const endMs = this.model.nowMs + durationMs;
    for (;;) {
      const batchMs = nextBatch(this.model.nowMs);
      const untilMs = Math.min(batchMs, endMs);
      await this.#world.advance(untilMs - this.model.nowMs);
      this.model.nowMs = untilMs;
      if (untilMs === batchMs) {
        atBatch();
        this.#noteBatch();
      }
      if (untilMs === endMs) return;
    }
  }

  /** Lets the next batch happen, and checks that it left nothing that it had to give or ask. */
  async tick(): Promise<void> {
    const durationMs = nextBatch(this.model.nowMs) - this.model.nowMs;
    await this.advance(durationMs, () => this.#expectNothingLeft());
  }

  /** Runs a batch out of turn. */
  runNow(): void {
    this.allocator.runNow();
    this.#expectNothingLeft();
    this.#noteBatch();
  }

  /** Runs until nothing is given out any more; then a run that looks at everything gives nothing. */
  expectSettled(): void {
    if (this.model.isHolding) return;
    let held = this.#heldLines();
    for (let round = 0; ; round++) {
      expect(round, 'runs that gave something').to.be.below(MOST_RUNS);
      this.runNow();
      const before = held;
      held = this.#heldLines();
      if (held === before) break;
    }
    this.allocator.updateWhitelist(this.model.whitelist && [...this.model.whitelist]);
    this.runNow();
    expect(this.#heldLines(), 'held after a second look').to.equal(held);
  }

  /** Checks all that can be read. */
  verify(): void {
    this.model.dropFilters((filter) => !this.model.isInForce(filter));
    expectFigures(this.model, this.allocator);
  }

  /** What nobody holds of an agent, as resources; nothing that is shared. */
  freeOn({ name, total }: ModelAgent): Resources {
    const held = this.model.holdingsOn(name).flatMap(({ offered, used }) => [offered, used]);
    return total.filter(({ shared }) => !shared).minus(Resources.sum(held));
  }

  dispose(): void {
    this.allocator.dispose();
  }

  /** What is on offer; what is shared is offered again in every run. */
  #heldLines(): string {
    return this.model.holdings
      .map((holding) => ({ ...holding, plain: holding.offered.filter(({ shared }) => !shared) }))
      .filter(({ plain }) => !plain.isEmpty)
      .map(({ agent, framework, role, plain }) => [agent, framework, role, plain].join(' '))
      .toSorted()
      .join('\n');
  }

  #noteBatch(): void {
    if (!this.model.isHolding) this.model.batches++;
  }

  #receive(allocations: readonly Allocation[]): void {
    const { model } = this;
    model.nowMs = this.#world.clock.elapsed();
    const watch = new QuotaWatch(model);
    const clients = new Set<string>();
    const sharedOnes = new Set<string>();
    for (const offer of allocations) {
      const { frameworkId: framework, agentId: agent, role, resources } = offer;
      const client = `${framework} in ${role} on ${agent}`;
      expect(clients, 'served twice in one run').not.to.include(client);
      clients.add(client);
      for (const [key, { kind }] of pilesOf(resources)) {
        if (!kind.shared) continue;
        expect(sharedOnes, 'shared twice in one run').not.to.include(`${agent} ${key}`);
        sharedOnes.add(`${agent} ${key}`);
      }
      expectAllowed(model, offer, this.#minimums);
      model.give({ agent, framework, role }, { offered: resources.unallocated() });
    }
    watch.expectKept();
  }

  #receiveInverse(inverse: readonly InverseAllocation[]): void {
    const { model } = this;
    model.nowMs = this.#world.clock.elapsed();
    for (const { frameworkId, agentId, unavailability } of inverse) {
      const what = `inverse offer of ${agentId} to ${frameworkId}`;
      const agent = model.agents.get(agentId);
      expect(agent?.window, what).to.equal(unavailability);
      expect(model.frameworks.get(frameworkId)?.isActive, what).to.equal(true);
      expect(holds(model, frameworkId, agentId), what).to.equal(true);
      const asked = agent?.asked.get(frameworkId);
      expect(asked?.isOutstanding ?? false, `${what}: asked twice`).to.equal(false);
      expect(asked?.silentUntilMs ?? 0, `${what}: too early`).to.be.at.most(model.nowMs);
      agent?.asked.set(frameworkId, {
        isOutstanding: true,
        silentUntilMs: Number.NEGATIVE_INFINITY,
        status: asked?.status,
      });
    }
  }

  #expectNothingLeft(): void {
    const { model } = this;
    if (model.isHolding) return;
    if (model.quotas.size === 0) expect(leftOver(model, this.#minimums)).to.deep.equal([]);
    for (const { name, window, asked } of model.agents.values()) {
      if (window === undefined) continue;
      for (const framework of model.frameworks.values()) {
        if (!framework.isActive || !holds(model, framework.name, name)) continue;
        const known = asked.get(framework.name);
        const isAsked = known?.isOutstanding === true || (known?.silentUntilMs ?? 0) > model.nowMs;
        expect(isAsked, `${framework.name} asked to leave ${name}`).to.equal(true);
      }
    }
  }
}

function nextBatch(nowMs: number): number {
  return (Math.floor(nowMs / INTERVAL_MS) + 1) * INTERVAL_MS;
}

function holds(model: Model, framework: string, agent: string): boolean {
  return model.holdingsOn(agent).some((holding) => holding.framework === framework);
}
