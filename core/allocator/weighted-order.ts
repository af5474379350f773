/** Random orders in which what weighs more tends to come first. */
import type { Random } from '../base/index.js';

/**
 * A new list with the items drawn one after the other, each time with a probability in proportion to
 * the weights of those that are left. Weights are positive.
 */
export function weightedShuffle<T>(
  random: Random,
  items: readonly T[],
  weightOf: (item: T) => number,
): T[] {
  // Sorting by exponential waiting times, at rates that are the weights, is the same as drawing.
  const waits = items.map((item) => ({
    item,
    wait: -Math.log(1 - random.next()) / weightOf(item),
  }));
  return waits.toSorted((one, other) => one.wait - other.wait).map(({ item }) => item);
}
