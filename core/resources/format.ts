/**
 * Resources for people. Reservations stand in parentheses, the outermost first, dynamic ones with a
 * plus sign; other properties in brackets: `cpus:2; mem(prod):512; disk(a,+a/b@ops)[id=v1]:64`.
 * What the text form of `--resources` can express is written as it reads it.
 */
import type { Reservation } from './identity.js';
import { type ResourceItem, ScalarItem, SetItem } from './item.js';
import type { Ranges } from './ranges.js';
import { fromThousandths } from './scalars.js';

/** One item. Allocation roles are not shown. Copies are written as often as they occur. */
export function formatItem(item: ResourceItem): string {
  const { reservations } = item;
  const roles =
    reservations.length === 0 ? '' : `(${reservations.map(formatReservation).join(',')})`;
  const tags = tagsOf(item);
  const start = `${item.name}${roles}${tags.length === 0 ? '' : `[${tags.join(',')}]`}`;
  if (item instanceof ScalarItem) {
    const text = `${start}:${fromThousandths(item.value)}`;
    return item.copies === 1 ? text : Array.from({ length: item.copies }, () => text).join('; ');
  }
  if (item instanceof SetItem) return `${start}:{${item.value.join(',')}}`;
  return `${start}:${formatRanges(item.value, ',')}`;
}

/** `[31000-31004,31007-32000]`, with the given separator. */
export function formatRanges(ranges: Ranges, separator: string): string {
  return `[${ranges.map(([begin, end]) => `${begin}-${end}`).join(separator)}]`;
}

function formatReservation({ type, role, principal }: Reservation): string {
  if (type === 'STATIC') return role;
  return `+${role}${principal === undefined ? '' : `@${principal}`}`;
}

function tagsOf(item: ResourceItem): string[] {
  const { disk } = item;
  const tags: string[] = [];
  if (disk?.source !== undefined) {
    const root = disk.source.mount?.root ?? disk.source.path?.root ?? disk.source.id;
    tags.push(disk.source.type.toLowerCase() + (root === undefined ? '' : `=${root}`));
  }
  if (disk?.persistence !== undefined) tags.push(`id=${disk.persistence.id}`);
  if (item.shared) tags.push('shared');
  if (item.revocable) tags.push('revocable');
  if (item.providerId !== undefined) tags.push(`provider=${item.providerId}`);
  return tags;
}
