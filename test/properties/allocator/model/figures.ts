/** What the allocator must state about the model: its metrics, the known roles, inverse offers. */
import { expect } from 'chai';
import type { Allocator } from '../../../../core/allocator/index.js';
import { type Holding, type Model, heldPiles, isBelow } from './model.js';
import { reservedFor, unreserved } from './offers.js';
import { type Piles, addAmounts, amountsOf, pilesOf, select, sumPiles } from './piles.js';

type Amounts = ReadonlyMap<string, number>;

const NOTHING_WAITS = /^mesos\/(allocation_run|event_queue)/;

/** Compares everything that can be read of the allocator. */
export function expectFigures(model: Model, allocator: Allocator): void {
  const stated = [...allocator.metrics()].filter(([key]) => !NOTHING_WAITS.test(key));
  const expected = expectedMetrics(model);
  for (const [key, value] of stated) {
    // Names that no agent has any more stay, with zero.
    const wanted = expected.get(key) ?? 0;
    if (!(Math.abs(value - wanted) <= 1e-9)) expect(value, key).to.equal(wanted);
  }
  const keys = new Set(stated.map(([key]) => key));
  const missing = [...expected].filter(([key, value]) => value !== 0 && !keys.has(key));
  expect(missing, 'missing figures').to.deep.equal([]);
  expect(rolesOf(allocator)).to.deep.equal(expectedRoles(model));
  expectStatuses(model, allocator);
  for (const [name, framework] of model.frameworks) {
    const explanation = allocator.explain(name as never);
    expect(explanation?.active).to.equal(framework.isActive);
    const roles = explanation?.roles.map(({ role }) => role);
    expect(roles?.toSorted()).to.deep.equal([...framework.roles].toSorted());
  }
}

function expectedMetrics(model: Model): Map<string, number> {
  const figures = new Map<string, number>();
  const total = totalAmounts(model);
  for (const [name, amount] of total) figures.set(`mesos/resources/${name}/total`, amount / 1000);
  for (const [name, amount] of held(model, () => true)) {
    figures.set(`mesos/resources/${name}/offered_or_allocated`, amount / 1000);
  }
  const roles = clientRoles(model);
  for (const role of roles.keys()) {
    const filters = model.filters.filter(
      (filter) => filter.role === role && model.isInForce(filter),
    );
    figures.set(`mesos/offer_filters/roles/${role}/active`, filters.length);
    figures.set(`mesos/roles/${role}/shares/dominant`, ownShare(model, role, total));
  }
  for (const [role, { guarantees, limits }] of model.quotas) {
    const write = (kind: string, amounts: Amounts): void => {
      for (const [name, amount] of amounts) {
        figures.set(`mesos/quota/roles/${role}/resources/${name}/${kind}`, amount / 1000);
      }
    };
    write('guarantee', guarantees);
    write('limit', limits);
    write(
      'offered_or_allocated',
      held(model, (holding) => holding.role === role),
    );
    const used = reservedFor(model, role);
    for (const holding of model.holdings) {
      if (holding.role !== role && !isBelow(holding.role, role)) continue;
      addAmounts(used, unreserved(pilesOf(holding.used)));
    }
    write('consumed', used);
  }
  return figures;
}

/** A role competes with all that is below it, or, where there are roles below, beside them. */
function ownShare(model: Model, role: string, total: Amounts): number {
  const isAlone = ![...clientRoles(model).keys()].some((other) => isBelow(other, role));
  const amounts = held(model, (holding) => holding.role === role);
  const parts = [...amounts].map(([name, amount]) => amount / (total.get(name) ?? Infinity));
  return Math.max(0, ...parts) / (isAlone ? (model.weights.get(role) ?? 1) : 1);
}

/** Who is in a role or holds anything in it, by role. */
function clientRoles(model: Model): Map<string, Set<string>> {
  const roles = new Map<string, Set<string>>();
  const add = (role: string, name: string): void => {
    roles.set(role, (roles.get(role) ?? new Set()).add(name));
  };
  for (const { name, roles: own } of model.frameworks.values()) {
    for (const role of own) add(role, name);
  }
  for (const { role, framework } of model.counted) add(role, framework);
  return roles;
}

/** What known frameworks hold; what is shared counts once for each agent and role. */
function held(model: Model, accept: (holding: Holding) => boolean): Map<string, number> {
  const sum = new Map<string, number>();
  const byPlace = new Map<string, Piles[]>();
  for (const holding of model.counted.filter(accept)) {
    const place = `${holding.agent} ${holding.role}`;
    byPlace.set(place, [...(byPlace.get(place) ?? []), heldPiles(holding)]);
  }
  for (const piles of byPlace.values()) addAmounts(sum, amountsOf(sumPiles(piles)));
  return sum;
}

function totalAmounts(model: Model): Map<string, number> {
  const sum = new Map<string, number>();
  for (const { total } of model.agents.values()) addAmounts(sum, amountsOf(pilesOf(total)));
  return sum;
}

interface Role {
  readonly weight: number;
  readonly guarantees: Record<string, number>;
  readonly limits: Record<string, number>;
  readonly reserved: Record<string, number>;
  readonly frameworks: readonly string[];
}

function rolesOf(allocator: Allocator): Record<string, Role> {
  const roles = [...allocator.roles()].map(([name, { weight, quota, reserved, frameworks }]) => [
    name,
    {
      weight,
      guarantees: textOf(quota.guarantees),
      limits: Object.fromEntries(quota.limits),
      reserved: textOf(reserved),
      frameworks: [...frameworks].toSorted(),
    },
  ]);
  return Object.fromEntries(roles) as Record<string, Role>;
}

function expectedRoles(model: Model): Record<string, Role> {
  const clients = clientRoles(model);
  const names = new Set<string>([
    ...clients.keys(),
    ...model.quotas.keys(),
    ...[...model.weights].filter(([, weight]) => weight !== 1).map(([role]) => role),
  ]);
  for (const { total } of model.agents.values()) {
    for (const { kind } of pilesOf(total).values()) {
      if (kind.isReserved && kind.perUnit > 0) names.add(kind.role);
    }
  }
  for (const name of names) {
    const parent = name.split('/').slice(0, -1).join('/');
    if (parent !== '') names.add(parent);
  }
  const roles = [...names].map((name) => {
    const quota = model.quotas.get(name);
    return [
      name,
      {
        weight: model.weights.get(name) ?? 1,
        guarantees: textOf(quota?.guarantees ?? new Map()),
        limits: Object.fromEntries(quota?.limits ?? new Map<string, number>()),
        reserved: textOf(reservedWithRevocable(model, name)),
        frameworks: [...(clients.get(name) ?? [])].toSorted(),
      },
    ];
  });
  return Object.fromEntries(roles) as Record<string, Role>;
}

function reservedWithRevocable(model: Model, role: string): Amounts {
  const sum = new Map<string, number>();
  for (const { total } of model.agents.values()) {
    const reserved = select(
      pilesOf(total),
      (kind) => kind.isReserved && (kind.role === role || isBelow(kind.role, role)),
    );
    addAmounts(sum, amountsOf(reserved));
  }
  return sum;
}

/** Without zeros, which say nothing. */
function textOf(amounts: Amounts): Record<string, number> {
  return Object.fromEntries([...amounts].filter(([, amount]) => amount !== 0));
}

function expectStatuses(model: Model, allocator: Allocator): void {
  const stated: Record<string, unknown> = {};
  for (const [agent, answers] of allocator.inverseOfferStatuses()) {
    stated[agent] = Object.fromEntries(answers);
  }
  const expected: Record<string, unknown> = {};
  for (const [name, { window, asked }] of model.agents) {
    const answers = [...asked].flatMap(([framework, { status }]) =>
      status === undefined ? [] : [[framework, status] as const],
    );
    if (window !== undefined && answers.length > 0) expected[name] = Object.fromEntries(answers);
  }
  expect(stated).to.deep.equal(expected);
}
