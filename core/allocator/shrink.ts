/** Cutting scalars down to amounts by name: what can be divided is cut, what cannot is left out. */
import { type Random, shuffle } from '../base/index.js';
import { type ResourceItem, Resources, ScalarItem } from '../resources/index.js';

/**
 * The part of the scalars that has at most `capOf(name)` of each name. A disk that cannot be divided
 * (MOUNT, BLOCK, a volume) is left out when it does not fit in whole.
 * @param scalars holds scalars alone.
 * @param random decides which of several kinds of one name go first; without it, their order.
 */
export function shrink(
  scalars: Resources,
  capOf: (name: string) => number,
  random: Random | undefined,
): Resources {
  if (fits(scalars, capOf)) return scalars;
  const left = new Map<string, number>();
  const kept: ResourceItem[] = [];
  const items = [...scalars.items];
  if (random !== undefined && hasSeveralOfOneName(items)) shuffle(random, items);
  for (const item of items) {
    if (!(item instanceof ScalarItem)) continue;
    const cap = left.get(item.name) ?? capOf(item.name);
    const cut = cutTo(item, cap);
    left.set(item.name, cap - (cut?.total ?? 0));
    if (cut !== undefined) kept.push(cut);
  }
  return Resources.of(kept);
}

function fits(scalars: Resources, capOf: (name: string) => number): boolean {
  for (const [name, amount] of scalars.quantities()) {
    if (amount > capOf(name)) return false;
  }
  return true;
}

function cutTo(item: ScalarItem, cap: number): ScalarItem | undefined {
  if (item.total <= cap) return item;
  if (!item.isWhole) return cap > 0 ? new ScalarItem(item.identity, cap) : undefined;
  const copies = Math.floor(cap / item.value);
  return copies > 0 ? new ScalarItem(item.identity, item.value, copies) : undefined;
}

function hasSeveralOfOneName(items: readonly ResourceItem[]): boolean {
  return new Set(items.map(({ name }) => name)).size < items.length;
}
