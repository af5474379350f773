/** Random well-formed resources over few names and roles, so that items often share a key. */
import * as fc from 'fast-check';
import type { Resource } from '../../../core/api/index.js';
import { type Range, Resources } from '../../../core/resources/index.js';

const STACKS: readonly Resource['reservations'][] = [
  undefined,
  [{ type: 'STATIC', role: 'a' }],
  [{ type: 'DYNAMIC', role: 'a', principal: 'ops' }],
  [{ type: 'DYNAMIC', role: 'a', labels: { labels: [{ key: 'k', value: 'v' }, { key: 'j' }] } }],
  [
    { type: 'STATIC', role: 'a' },
    { type: 'DYNAMIC', role: 'a/b' },
  ],
];

/** Reservations that both formats can express. */
const FLAT_STACKS = STACKS.filter((stack) => stack === undefined || stack.length === 1);

const DISKS: readonly Resource['disk'][] = [
  undefined,
  { source: { type: 'PATH', path: { root: '/p' } } },
  { source: { type: 'MOUNT', mount: { root: '/m' } } },
  { persistence: { id: 'v' }, volume: { mode: 'RW', container_path: 'data' } },
];

/** Disjoint ranges within a small space, in any order. */
export const ranges: fc.Arbitrary<readonly Range[]> = fc
  .uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 12 })
  .map((cuts) => {
    const sorted = cuts.toSorted((one, other) => one - other);
    const list: Range[] = [];
    for (let index = 0; index + 1 < sorted.length; index += 2) {
      list.push([sorted[index] ?? 0, sorted[index + 1] ?? 0]);
    }
    return list;
  })
  .chain((list) => fc.shuffledSubarray(list, { minLength: list.length }));

const thousandths = fc.integer({ min: 0, max: 5000 });

function optional<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): { [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value };
}

function resource(stacks: typeof STACKS): fc.Arbitrary<Resource> {
  const value = fc.oneof(
    fc
      .tuple(fc.constantFrom('cpus', 'mem', 'tokens'), thousandths)
      .map(([name, amount]): Resource => ({
        name,
        type: 'SCALAR',
        scalar: { value: amount / 1000 },
      })),
    fc
      .tuple(fc.constantFrom(...DISKS), fc.constantFrom(0, 1, 2))
      .map(([disk, amount]): Resource => ({
        name: 'disk',
        type: 'SCALAR',
        scalar: { value: amount },
        ...optional('disk', disk),
      })),
    ranges.map((list): Resource => ({
      name: 'ports',
      type: 'RANGES',
      ranges: { range: list.map(([begin, end]) => ({ begin: BigInt(begin), end: BigInt(end) })) },
    })),
    fc
      .uniqueArray(fc.constantFrom('x', 'y', 'z', 'w'))
      .map((item): Resource => ({ name: 'zones', type: 'SET', set: { item } })),
  );
  return fc
    .tuple(value, fc.constantFrom(...stacks), fc.constantFrom(undefined, 'a', 'c'), fc.boolean())
    .map(([plain, reservations, role, isRevocable]) => {
      const mayBeRevocable =
        plain.disk === undefined && reservations?.some(({ type }) => type === 'DYNAMIC') !== true;
      return {
        ...plain,
        ...optional('reservations', reservations),
        ...optional('allocation_info', role === undefined ? undefined : { role }),
        ...optional('revocable', isRevocable && mayBeRevocable ? {} : undefined),
      };
    });
}

/** Lists for the wire in the format with a list of reservations. */
export const wireList = fc.array(resource(STACKS), { maxLength: 8 });

/** Lists without refined reservations. */
export const flatWireList = fc.array(resource(FLAT_STACKS), { maxLength: 8 });

/** Any resources. */
export const resources = wireList.map((list) => Resources.fromWire(list));
