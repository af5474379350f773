/**
 * Resources as the older pages (`/state`, `/slaves`, …) show them: one object of amounts by name,
 * reservations and allocation roles left out.
 */
import { formatRanges } from './format.js';
import { ScalarItem, SetItem } from './item.js';
import { type Ranges, uniteRanges } from './ranges.js';
import type { Resources } from './resources.js';
import { fromThousandths } from './scalars.js';
import { type StringSet, uniteStrings } from './string-sets.js';

/** Numbers for scalars; `[1-3, 5-9]` and `{a, b}` for ranges and sets. */
export type LegacyResources = Readonly<Record<string, number | string>>;

/** Names that are always there, in the order of the pages. */
const ALWAYS_SHOWN = ['disk', 'mem', 'gpus', 'cpus'] as const;

/**
 * The object form: disk, mem, gpus and cpus always, then the rest by name. What is revocable is
 * summed up apart, under `<name>_revocable`.
 */
export function legacyObject(resources: Resources): LegacyResources {
  return legacySum([resources]);
}

/**
 * The object form of the sum of many resources, such as those of all agents: the same as that of
 * `Resources.sum`, which would look for like items at every step.
 */
export function legacySum(bags: Iterable<Resources>): LegacyResources {
  const amounts = new Map<string, number>(ALWAYS_SHOWN.map((name) => [name, 0]));
  const ranges = new Map<string, Ranges>();
  const sets = new Map<string, StringSet>();
  for (const { items } of bags) {
    for (const item of items) {
      const name = item.revocable ? `${item.name}_revocable` : item.name;
      if (item instanceof ScalarItem) amounts.set(name, (amounts.get(name) ?? 0) + item.total);
      else if (item instanceof SetItem)
        sets.set(name, uniteStrings(sets.get(name) ?? [], item.value));
      else ranges.set(name, uniteRanges(ranges.get(name) ?? [], item.value));
    }
  }
  return Object.fromEntries<number | string>([
    ...[...amounts].map(([name, amount]): [string, number] => [name, fromThousandths(amount)]),
    ...[...ranges].map(([name, value]): [string, string] => [name, formatRanges(value, ', ')]),
    ...[...sets].map(([name, value]): [string, string] => [name, `{${value.join(', ')}}`]),
  ]);
}
