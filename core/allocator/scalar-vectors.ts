/**
 * Amounts of scalar resources as typed arrays: each resource name has an index, the same in all
 * vectors of one allocator. Amounts are whole thousandths, so sums are exact. Ranges and sets have
 * no place here: they take no part in shares, minimums or metrics.
 */
import type { Resources } from '../resources/index.js';

/** A vector may be shorter than the number of names: what it lacks is zero. */
export type ScalarVector = Float64Array;

/** What holds nothing begins with this one: sums are made anew when they grow. */
export const NO_AMOUNTS: ScalarVector = new Float64Array(0);

/** Which index each resource name has. Grows with the names that agents bring, and never shrinks. */
export class ScalarNames {
  readonly #indices = new Map<string, number>();
  readonly names: string[] = [];
  #scratch: ScalarVector = new Float64Array(4);

  indexOf(name: string): number {
    const known = this.#indices.get(name);
    if (known !== undefined) return known;
    const index = this.names.length;
    this.names.push(name);
    this.#indices.set(name, index);
    return index;
  }

  /** The scalars of some resources. The vector is reused: it is valid until the next call. */
  measure(resources: Resources): ScalarVector {
    this.#scratch.fill(0);
    for (const item of resources.items) {
      if (item.type !== 'SCALAR') continue;
      const index = this.indexOf(item.name);
      if (index >= this.#scratch.length) this.#scratch = extended(this.#scratch, index + 1);
      this.#scratch[index] = (this.#scratch[index] ?? 0) + item.total;
    }
    return this.#scratch;
  }
}

/** Adds `amount` times `sign` to `sum`, in place if it is long enough; returns the sum. */
export function accumulate(sum: ScalarVector, amount: ScalarVector, sign: 1 | -1): ScalarVector {
  const result = sum.length < amount.length ? extended(sum, amount.length) : sum;
  for (let index = 0; index < amount.length; index++) {
    result[index] = (result[index] ?? 0) + sign * (amount[index] ?? 0);
  }
  return result;
}

function extended(vector: ScalarVector, length: number): ScalarVector {
  const longer = new Float64Array(length);
  longer.set(vector);
  return longer;
}
