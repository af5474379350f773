/**
 * Which roles are known: those with a weight, a quota, a reservation or a framework, and their
 * ancestors. Made when somebody asks: O(agents).
 */
import type { FrameworkId } from '../base/index.js';
import { ScalarItem, ancestorsOf } from '../resources/index.js';
import type { RoleState } from './allocator.js';
import type { Ledger } from './ledger.js';
import type { RoleQuota } from './quota.js';

const NO_QUOTA: RoleQuota = { guarantees: new Map(), limits: new Map() };

interface Role {
  quota: RoleQuota;
  readonly reserved: Map<string, number>;
  readonly frameworks: FrameworkId[];
}

/** All known roles by name, in no particular order. */
export function trackRoles(ledger: Ledger): Map<string, RoleState> {
  const roles = new Map<string, Role>();
  for (const [role] of ledger.tree.weights()) touch(roles, role);
  for (const [role, quota] of ledger.quotas.quotas()) touch(roles, role).quota = quota;
  for (const { total } of ledger.agents.values()) {
    for (const item of total.items) {
      if (item instanceof ScalarItem && item.isReserved) noteReserved(roles, item);
    }
  }
  for (const { id, clients } of ledger.frameworks.values()) {
    for (const role of clients.keys()) touch(roles, role).frameworks.push(id);
  }
  return new Map(
    [...roles].map(([role, state]) => [role, { ...state, weight: ledger.tree.weightOf(role) }]),
  );
}

function noteReserved(roles: Map<string, Role>, item: ScalarItem): void {
  touch(roles, item.role);
  for (const role of [...ancestorsOf(item.role), item.role]) {
    const { reserved } = touch(roles, role);
    reserved.set(item.name, (reserved.get(item.name) ?? 0) + item.total);
  }
}

/** The entry of a role, made with those of its ancestors when it is new. */
function touch(roles: Map<string, Role>, role: string): Role {
  const known = roles.get(role);
  if (known !== undefined) return known;
  const parent = ancestorsOf(role).at(-1);
  if (parent !== undefined) touch(roles, parent);
  const made: Role = { quota: NO_QUOTA, reserved: new Map(), frameworks: [] };
  roles.set(role, made);
  return made;
}
