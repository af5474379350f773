/**
 * The figures of quota, named as in Mesos below `allocator/`: guarantees, limits, what the role holds
 * (offered or used, of any kind) and what of its quota it has consumed: what is reserved for its
 * subtree, and what the tasks of the subtree use of unreserved resources.
 */
import { type ResourceItem, type Resources, ScalarItem, isSubrole } from '../resources/index.js';
import type { Ledger } from './ledger.js';

type Amounts = Map<string, number>;

/** Writes the figures of all roles that have quota; O(agents) when there are any. */
export function writeQuotas(ledger: Ledger, figures: Map<string, number>): void {
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
    const stated = [...quota.guarantees.keys(), ...quota.limits.keys()];
    write(heldBy(ledger, role, stated), 'offered_or_allocated');
    write(consumedBy(ledger, role, stated), 'consumed');
  }
}

function heldBy(ledger: Ledger, role: string, stated: readonly string[]): Amounts {
  const held = zeros(stated);
  for (const [index, amount] of ledger.tree.ownAllocated(role).entries()) {
    const name = ledger.names.names[index];
    if (name !== undefined && amount > 0) held.set(name, amount);
  }
  return held;
}

function consumedBy(ledger: Ledger, role: string, stated: readonly string[]): Amounts {
  const consumed = zeros(stated);
  const isWithin = (other: string | undefined): boolean =>
    other !== undefined && (other === role || isSubrole(other, role));
  for (const agent of ledger.agents.values()) {
    add(consumed, agent.total, (item) => item.isReserved && isWithin(item.role));
    for (const used of agent.used.values()) {
      add(consumed, used, (item) => !item.isReserved && isWithin(item.allocationRole));
    }
  }
  return consumed;
}

function add(
  amounts: Amounts,
  resources: Resources,
  isCounted: (item: ResourceItem) => boolean,
): void {
  for (const item of resources.items) {
    if (!(item instanceof ScalarItem) || item.revocable || !isCounted(item)) continue;
    amounts.set(item.name, (amounts.get(item.name) ?? 0) + item.total);
  }
}

function zeros(names: readonly string[]): Amounts {
  return new Map(names.map((name) => [name, 0]));
}
