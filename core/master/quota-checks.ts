/**
 * Whether a quota makes sense for the cluster as it is. Both checks protect operators from slips,
 * and `force` passes them: a role above its limits keeps what it has, and a cluster may be too small
 * for its guarantees for a while, such as before its agents have come.
 */
import { fromThousandths } from '../resources/index.js';
import type { ClusterView } from './cluster.js';
import { type Sums, addTo, clusterCapacity, consumedByRole } from './quota-consumption.js';
import type { RoleQuotas } from './quota-forms.js';

const ADVICE = "use 'force' to bypass this check";

/** Why the limits are below what roles consume already, or undefined. Offers can be taken back. */
export function consumptionProblem(cluster: ClusterView, changed: RoleQuotas): string | undefined {
  const consumed = consumedByRole(cluster, 'used');
  for (const [role, { limits }] of changed) {
    for (const [name, limit] of limits) {
      const held = consumed.get(role)?.get(name) ?? 0;
      if (held <= limit) continue;
      return (
        `'limits' of role '${role}': resource '${name}' is ${fromThousandths(limit)}, and the role already ` +
        `consumes ${fromThousandths(held)}, which is more (${ADVICE})`
      );
    }
  }
  return undefined;
}

/** Why the cluster cannot keep all guarantees together, or undefined. */
export function capacityProblem(cluster: ClusterView, changed: RoleQuotas): string | undefined {
  const promised: Sums = new Map();
  for (const { guarantees } of new Map([...cluster.quotas, ...changed]).values()) {
    for (const [name, amount] of guarantees) addTo(promised, name, amount);
  }
  const capacity = clusterCapacity(cluster);
  for (const [name, amount] of promised) {
    const there = capacity.get(name) ?? 0;
    if (amount <= there) continue;
    const roles = [...changed.keys()].map((role) => `'${role}'`).join(', ');
    return (
      `'guarantees' of role ${roles} overcommit the cluster: the guarantees of all roles together ` +
      `come to ${fromThousandths(amount)} of resource '${name}', and its agents have ` +
      `${fromThousandths(there)} (${ADVICE})`
    );
  }
  return undefined;
}
