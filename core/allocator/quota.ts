/** Quota of a role: what it is guaranteed and what it may hold at most, as an operator states them. */
import type { Quantities } from '../resources/index.js';
import type { ScalarNames } from './scalar-vectors.js';

export interface RoleQuota {
  /** Kept free for the role's subtree while it holds less. Zero amounts mean nothing. */
  readonly guarantees: Quantities;
  /** The role is offered no more than this; a name that is missing is not limited, 0 is a limit. */
  readonly limits: Quantities;
}

/** Whether the quota guarantees nothing and limits nothing: the same as having none. */
export function isDefaultQuota({ guarantees, limits }: RoleQuota): boolean {
  return limits.size === 0 && [...guarantees.values()].every((amount) => amount === 0);
}

/** Amounts by index of their names, `missing` where nothing is stated. */
export function quotaVector(
  amounts: Quantities,
  names: ScalarNames,
  missing: number,
): Float64Array {
  const indices = [...amounts.keys()].map((name) => names.indexOf(name));
  const vector = new Float64Array(Math.max(0, ...indices.map((index) => index + 1))).fill(missing);
  for (const [name, amount] of amounts) vector[names.indexOf(name)] = amount;
  return vector;
}
