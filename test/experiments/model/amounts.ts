/**
 * Amounts of named resources as the models count them: cpus, memory in MiB (`mem`), or slots. The
 * allocator is given the same as `Resources`.
 */
import type { Resource } from '../../../core/api/index.js';
import type { Resources } from '../../../core/resources/index.js';

/** By resource name. A name that is not there stands for nothing. */
export type Amounts = Readonly<Record<string, number>>;

/** `Resources` counts in these. */
const THOUSANDTHS = 1000;
/** What is left over by floating-point sums. */
const EPSILON = 1e-6;

/** In wire form, bound to a role where one is given. */
export function toWire(amounts: Amounts, role?: string): Resource[] {
  const bound = role === undefined ? {} : { allocation_info: { role } };
  return Object.entries(amounts).map(([name, value]) => ({
    name,
    type: 'SCALAR' as const,
    scalar: { value },
    ...bound,
  }));
}

/** The scalars of resources. */
export function amountsOf(resources: Resources): Amounts {
  return Object.fromEntries(
    [...resources.quantities()].map(([name, value]) => [name, value / THOUSANDTHS]),
  );
}

export function plus(one: Amounts, other: Amounts, factor = 1): Amounts {
  const sum: Record<string, number> = { ...one };
  for (const [name, value] of Object.entries(other)) {
    sum[name] = (sum[name] ?? 0) + factor * value;
  }
  return sum;
}

/** How many tasks of this demand fit into what is free. */
export function countFitting(free: Amounts, demand: Amounts): number {
  const counts = Object.entries(demand).map(([name, value]) =>
    Math.floor((free[name] ?? 0) / value + EPSILON),
  );
  return Math.min(...counts);
}
