/** Roles as the page `/roles` shows them: amounts include those of the roles below. */
import { type ClusterView, settledRoles } from '../../master/index.js';
import {
  RangesItem,
  type ResourceItem,
  type Resources,
  ScalarItem,
  ancestorsOf,
  rangesSize,
} from '../../resources/index.js';
import { objectText, valueText } from './json-text.js';

/** Amounts of a role, in whole units; ranges and sets count their members. */
class RoleTotals {
  readonly frameworks: string[] = [];
  readonly allocated = new Map<string, number>();
  readonly offered = new Map<string, number>();
  readonly reserved = new Map<string, number>();
  /** What counts against a quota: reservations, and what is used without one. */
  readonly consumed = new Map<string, number>();
}

/** The whole page. */
export function rolesText(cluster: ClusterView): string {
  const roles = collectRoles(cluster);
  const texts = [...roles.keys()].toSorted().map((name) => {
    const totals = roles.get(name) ?? new RoleTotals();
    const quota = cluster.quotas.get(name);
    return roleText(name, { totals, quota, weight: cluster.weights.get(name) ?? 1 });
  });
  return `{"roles":[${texts.join(',')}]}`;
}

interface RoleParts {
  readonly totals: RoleTotals;
  readonly quota: ReturnType<ClusterView['quotas']['get']>;
  readonly weight: number;
}

function roleText(name: string, { totals, quota, weight }: RoleParts): string {
  const resources = new Map(totals.allocated);
  for (const [resource, amount] of totals.offered) add(resources, resource, amount);
  const consumed = shown(totals.consumed);
  return objectText({
    name: valueText(name),
    weight: valueText(weight),
    quota: valueText({
      role: name,
      guarantee: shown(quota?.guarantees),
      limit: shown(quota?.limits),
      consumed,
    }),
    resources: valueText(shown(resources)),
    allocated: valueText(shown(totals.allocated)),
    offered: valueText(shown(totals.offered)),
    reserved: valueText(shown(totals.reserved)),
    frameworks: valueText(totals.frameworks),
  });
}

function collectRoles(cluster: ClusterView): Map<string, RoleTotals> {
  const roles = new Map<string, RoleTotals>();
  for (const role of settledRoles(cluster)) totalsOf(roles, role);
  for (const framework of cluster.frameworks.values()) {
    for (const role of framework.roles) totalsOf(roles, role).frameworks.push(framework.id);
    for (const used of framework.used.values()) addUsed(roles, used);
  }
  for (const offer of cluster.offers) {
    for (const item of offer.resources.items) addUpwards(roles, offer.role, 'offered', item);
  }
  for (const agent of cluster.agents.values()) {
    for (const item of agent.total.reserved().items) {
      addUpwards(roles, item.role, 'reserved', item);
      addUpwards(roles, item.role, 'consumed', item);
    }
  }
  return roles;
}

function addUsed(roles: Map<string, RoleTotals>, used: Resources): void {
  for (const item of used.items) {
    const role = item.allocationRole ?? '*';
    addUpwards(roles, role, 'allocated', item);
    // What is reserved is counted with the agents, whether it is used or not.
    if (!item.isReserved && !item.revocable) addUpwards(roles, role, 'consumed', item);
  }
}

const NONE: ReadonlyMap<string, number> = new Map();

type Amounts = 'allocated' | 'offered' | 'reserved' | 'consumed';

function addUpwards(
  roles: Map<string, RoleTotals>,
  role: string,
  kind: Amounts,
  item: ResourceItem,
): void {
  for (const one of [role, ...ancestorsOf(role)]) {
    add(totalsOf(roles, one)[kind], item.name, amountOf(item));
  }
}

function totalsOf(roles: Map<string, RoleTotals>, role: string): RoleTotals {
  const known = roles.get(role);
  if (known !== undefined) return known;
  const totals = new RoleTotals();
  roles.set(role, totals);
  return totals;
}

/** In thousandths, so that sums are exact. */
function amountOf(item: ResourceItem): number {
  if (item instanceof ScalarItem) return item.total;
  return 1000 * (item instanceof RangesItem ? rangesSize(item.value) : item.value.length);
}

function add(amounts: Map<string, number>, name: string, amount: number): void {
  amounts.set(name, (amounts.get(name) ?? 0) + amount);
}

function shown(amounts: ReadonlyMap<string, number> = NONE): Record<string, number> {
  const names = [...amounts.keys()].toSorted();
  return Object.fromEntries(names.map((name) => [name, (amounts.get(name) ?? 0) / 1000]));
}
