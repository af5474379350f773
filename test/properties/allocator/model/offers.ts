/**
 * What a run may give out, from the model alone: `expectAllowed` for every single allocation,
 * `QuotaWatch` for all of a run together, and `leftOver` for what a batch should have given out and did
 * not.
 */
import { expect } from 'chai';
import type { Allocation } from '../../../../core/allocator/index.js';
import { quantitiesContain, type Quantities } from '../../../../core/resources/index.js';
import { type Model, type ModelAgent, type ModelFramework, heldPiles, isBelow } from './model.js';
import {
  type Kind,
  type Piles,
  addAmounts,
  amountsOf,
  contains,
  pilesOf,
  select,
} from './piles.js';

/** Where the master is. */
export const HOME_REGION = 'home';

/** Checks one allocation against the model as it is before it is entered. */
export function expectAllowed(
  model: Model,
  offer: Allocation,
  minimums: readonly Quantities[],
): void {
  const { role } = offer;
  const framework = model.frameworks.get(offer.frameworkId);
  const agent = model.agents.get(offer.agentId);
  const what = `${offer.frameworkId} in ${role} on ${offer.agentId}: ${offer.resources.toString()}`;
  expect(model.isHolding, `${what}: nothing is offered after a failover`).to.equal(false);
  if (framework === undefined) throw new Error(`${what}: unknown framework`);
  if (agent === undefined) throw new Error(`${what}: unknown agent`);
  expect(offer.resources.isEmpty, `${what}: is empty`).to.equal(false);
  for (const item of offer.resources.items) expect(item.allocationRole, what).to.equal(role);
  expect(whyNot(model, { framework, role, agent }), what).to.equal(undefined);
  const piles = pilesOf(offer.resources);
  for (const { kind } of piles.values()) {
    expect(isUsable(kind, framework, role), `${what}: ${kind.name}`).to.equal(true);
  }
  expect(isEnough(piles, { framework, role, minimums }), `${what}: too little`).to.equal(true);
  expect(contains(model.freeOn(agent), piles), `${what}: given twice`).to.equal(true);
  expect(isRefused(model, { framework, role, agent }, piles), `${what}: refused`).to.equal(false);
}

/**
 * What is free, usable, wanted and not refused at the end of a batch, one line for each client that
 * could have had it. Empty unless the allocator left something. Knows nothing of quota.
 */
export function leftOver(model: Model, minimums: readonly Quantities[]): string[] {
  const left: string[] = [];
  for (const agent of model.agents.values()) {
    const free = model.freeOn(agent);
    for (const framework of model.frameworks.values()) {
      for (const role of framework.roles) {
        if (whyNot(model, { framework, role, agent }) !== undefined) continue;
        const offer = select(free, (kind) => isUsable(kind, framework, role));
        // What is shared is offered again in every run.
        if (select(offer, ({ shared }) => !shared).size === 0) continue;
        if (!isEnough(offer, { framework, role, minimums })) continue;
        if (isRefused(model, { framework, role, agent }, offer)) continue;
        left.push(`${framework.name} in ${role} on ${agent.name}: ${[...offer.keys()].join(', ')}`);
      }
    }
  }
  return left;
}

/** Consumed quota and headroom before and after a run. */
export class QuotaWatch {
  readonly #model: Model;
  readonly #consumed: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly #below: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly #surplus: ReadonlyMap<string, number>;

  constructor(model: Model) {
    this.#model = model;
    const roles = [...model.quotas.keys()];
    this.#consumed = new Map(roles.map((role) => [role, consumed(model, role)]));
    this.#below = new Map(roles.map((role) => [role, heldBelow(model, role)]));
    this.#surplus = surplus(model);
  }

  /** Checks the state after the run. */
  expectKept(): void {
    for (const [role, { limits }] of this.#model.quotas) {
      const now = consumed(this.#model, role);
      const below = heldBelow(this.#model, role);
      for (const [name, limit] of limits) {
        const before = this.#consumed.get(role)?.get(name) ?? 0;
        // The role itself is limited: what roles below it were given may go beyond.
        const toOthers = (below.get(name) ?? 0) - (this.#below.get(role)?.get(name) ?? 0);
        const after = (now.get(name) ?? 0) - toOthers;
        expect(after, `${name} of ${role}`).to.be.at.most(Math.max(limit, before));
      }
    }
    for (const [name, after] of surplus(this.#model)) {
      const before = this.#surplus.get(name) ?? 0;
      expect(after, `${name} for guarantees`).to.be.at.least(Math.min(0, before));
    }
  }
}

/** What the roles below one hold of what is not reserved. */
function heldBelow(model: Model, role: string): Map<string, number> {
  const sum = new Map<string, number>();
  for (const holding of model.holdings) {
    if (isBelow(holding.role, role)) addAmounts(sum, unreserved(heldPiles(holding)));
  }
  return sum;
}

/** Reserved for the subtree of a role, held or not, and held by it of what is not reserved. */
export function consumed(model: Model, role: string): Map<string, number> {
  const sum = reservedFor(model, role);
  for (const holding of model.holdings) {
    if (holding.role !== role && !isBelow(holding.role, role)) continue;
    addAmounts(sum, unreserved(heldPiles(holding)));
  }
  return sum;
}

/** Scalars reserved for the subtree of a role, revocable ones not. */
export function reservedFor(model: Model, role: string): Map<string, number> {
  const sum = new Map<string, number>();
  for (const { total } of model.agents.values()) {
    const reserved = select(
      pilesOf(total),
      (kind) =>
        kind.isReserved && !kind.revocable && (kind.role === role || isBelow(kind.role, role)),
    );
    addAmounts(sum, amountsOf(reserved));
  }
  return sum;
}

/** Amounts that are neither reserved nor revocable. */
export function unreserved(piles: Piles): Map<string, number> {
  return amountsOf(select(piles, (kind) => !kind.isReserved && !kind.revocable));
}

/** What is free and anybody's, beyond what top-level roles lack of their guarantees. */
function surplus(model: Model): Map<string, number> {
  const sum = new Map<string, number>();
  for (const agent of model.agents.values()) {
    addAmounts(sum, unreserved(select(model.freeOn(agent), ({ shared }) => !shared)));
  }
  for (const [role, { guarantees }] of model.quotas) {
    const has = consumed(model, role);
    for (const [name, amount] of guarantees) {
      const lacking = Math.max(0, amount - (has.get(name) ?? 0));
      sum.set(name, (sum.get(name) ?? 0) - lacking);
    }
  }
  return sum;
}

interface Pair {
  readonly framework: ModelFramework;
  readonly role: string;
  readonly agent: ModelAgent;
}

/** Why the framework must not be offered the agent in the role, whatever is free on it. */
function whyNot(model: Model, { framework, role, agent }: Pair): string | undefined {
  const { capabilities } = framework;
  if (!framework.isActive) return 'the framework is inactive';
  if (!framework.roles.has(role)) return 'the framework is not in the role';
  if (framework.suppressed.has(role)) return 'the role is suppressed';
  if (!agent.isActive) return 'the agent is inactive';
  if (model.whitelist?.has(agent.hostname) === false) return 'not whitelisted';
  if (!agent.capabilities.includes('MULTI_ROLE')) return 'the agent takes one role alone';
  if (role.includes('/') && !agent.capabilities.includes('HIERARCHICAL_ROLE')) {
    return 'the agent takes no nested roles';
  }
  const hasGpus = [...pilesOf(agent.total).values()].some(({ kind }) => kind.name === 'gpus');
  if (hasGpus && !capabilities.includes('GPU_RESOURCES')) return 'kept for gpus';
  const isRemote = agent.region !== undefined && agent.region !== HOME_REGION;
  if (isRemote && !capabilities.includes('REGION_AWARE')) return 'in another region';
  if (framework.picky.has(role) && agent.rack !== 'r1') return 'offer constraints';
  return undefined;
}

/** Whether a kind may be offered to the framework in the role. */
function isUsable(kind: Kind, { capabilities }: ModelFramework, role: string): boolean {
  if (kind.isReserved && kind.role !== role && !isBelow(role, kind.role)) return false;
  if (kind.revocable && !capabilities.includes('REVOCABLE_RESOURCES')) return false;
  if (kind.shared && !capabilities.includes('SHARED_RESOURCES')) return false;
  return !kind.isRefined || capabilities.includes('RESERVATION_REFINEMENT');
}

interface Demand extends Omit<Pair, 'agent'> {
  readonly minimums: readonly Quantities[];
}

function isEnough(piles: Piles, { framework, role, minimums }: Demand): boolean {
  if (piles.size === 0) return false;
  if (minimums.length === 0 || framework.modest.has(role)) return true;
  const amounts = amountsOf(piles);
  return minimums.some((minimum) => quantitiesContain(amounts, minimum));
}

function isRefused(model: Model, { framework, role, agent }: Pair, offer: Piles): boolean {
  return model.filters.some(
    (filter) =>
      filter.framework === framework.name &&
      filter.role === role &&
      filter.agent === agent.name &&
      model.isInForce(filter) &&
      contains(filter.refused, offer),
  );
}
