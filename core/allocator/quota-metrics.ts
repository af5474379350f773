/**
 * The figures of quota, named as in Mesos below `allocator/`: guarantees, limits, what the role holds
 * (offered or used, of any kind) and what of its quota it has consumed: what is reserved for its
 * subtree, and what the tasks of the subtree use of unreserved resources.
 */
import { type ResourceItem, type Resources, ScalarItem, ancestorsOf } from '../resources/index.js';
import type { Ledger } from './ledger.js';

type Amounts = Map<string, number>;

/** Writes the figures of all roles that have quota; O(agents + roles) when there are any. */
export function writeQuotas(ledger: Ledger, figures: Map<string, number>): void {
  if (ledger.quotas.isEmpty) return;
  const consumed = consumedByRole(ledger);
  for (const [role, quota] of ledger.quotas.quotas()) {
    const write = (amounts: Iterable<readonly [string, number]>, kind: string): void => {
      for (const [name, amount] of amounts) {
        figures.set(`mesos/quota/roles/${role}/resources/${name}/${kind}`, amount / 1000);
      }
    };
    write(
      [...quota.guarantees].filter(([, amount]) => amount !== 0),
      'guarantee',
    );
    write(quota.limits, 'limit');
    const stated = zeros([...quota.guarantees.keys(), ...quota.limits.keys()]);
    write(new Map([...stated, ...heldBy(ledger, role)]), 'offered_or_allocated');
    write(new Map([...stated, ...(consumed.get(role) ?? [])]), 'consumed');
  }
}

function heldBy(ledger: Ledger, role: string): Amounts {
  const held: Amounts = new Map();
  for (const [index, amount] of ledger.tree.ownAllocated(role).entries()) {
    const name = ledger.names.names[index];
    if (name !== undefined && amount > 0) held.set(name, amount);
  }
  return held;
}

/** What the subtree of each role has of its quota. */
function consumedByRole(ledger: Ledger): ReadonlyMap<string, Amounts> {
  const consumed = new Map<string, Amounts>();
  for (const agent of ledger.agents.values()) {
    if (agent.total.hasReserved) {
      add(consumed, agent.total, (item) => (item.isReserved ? item.role : undefined));
    }
    for (const used of agent.used.values()) {
      add(consumed, used, (item) => (item.isReserved ? undefined : item.allocationRole));
    }
  }
  return consumed;
}

function add(
  consumed: Map<string, Amounts>,
  resources: Resources,
  roleOf: (item: ResourceItem) => string | undefined,
): void {
  for (const item of resources.items) {
    if (!(item instanceof ScalarItem) || item.revocable) continue;
    const own = roleOf(item);
    if (own === undefined) continue;
    for (const role of [...ancestorsOf(own), own]) {
      const amounts = consumed.get(role) ?? new Map<string, number>();
      amounts.set(item.name, (amounts.get(item.name) ?? 0) + item.total);
      consumed.set(role, amounts);
    }
  }
}

function zeros(names: readonly string[]): Amounts {
  return new Map(names.map((name) => [name, 0]));
}
