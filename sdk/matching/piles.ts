/**
 * What is left of an offer, resource by resource. A pile is one resource of the offer; what is taken from
 * it carries the reservations and the allocation role of the pile. Scalars are integers of thousandths,
 * ports are ranges that are never written out.
 */
import type { Offer, Resource } from '../../core/api/index.js';
import { at } from '../../core/base/index.js';
import {
  DEFAULT_ROLE,
  type Range,
  type Ranges,
  Resources,
  isAncestorRole,
  normaliseRanges,
  rangesSize,
  subtractRanges,
} from '../../core/resources/index.js';

/** An amount of one scalar resource. */
export class ScalarPile {
  readonly wire: Resource;
  readonly name: string;
  readonly revocable: boolean;
  /** Reserved ones come before unreserved ones, and of those the ones for the nearest role. */
  readonly rank: number;
  /** Thousandths. */
  left: number;

  constructor(wire: Resource, rank: number) {
    this.wire = wire;
    this.name = wire.name;
    this.revocable = wire.revocable !== undefined;
    this.rank = rank;
    this.left = thousandthsOf(wire);
  }

  take(amount: number): Resource {
    this.left -= amount;
    return { ...this.wire, scalar: { value: amount / 1000 } };
  }
}

/** Some ports. */
export class PortPile {
  readonly wire: Resource;
  readonly name = 'ports';
  readonly revocable: boolean;
  readonly rank: number;
  #left: Ranges | undefined;
  #size = -1;

  constructor(wire: Resource, rank: number) {
    this.wire = wire;
    this.revocable = wire.revocable !== undefined;
    this.rank = rank;
  }

  get left(): Ranges {
    this.#left ??= portRanges(this.wire);
    return this.#left;
  }

  set left(ranges: Ranges) {
    this.#left = ranges;
    this.#size = -1;
  }

  /** How many. */
  get size(): number {
    if (this.#size < 0) this.#size = rangesSize(this.left);
    return this.#size;
  }

  has(port: number): boolean {
    return this.left.some(([begin, end]) => begin <= port && port <= end);
  }

  take(taken: Ranges): Resource {
    this.left = subtractRanges(this.left, taken);
    const range = taken.map(([begin, end]) => ({ begin: BigInt(begin), end: BigInt(end) }));
    return { ...this.wire, ranges: { range } };
  }

  /** So many ports (no more than there are) in a row from the one of that index on, going round at the end. */
  run(from: number, count: number): readonly number[] {
    const ports: number[] = [];
    let skip = from;
    // Once round gets to every port; a second round makes up for those that were skipped.
    for (let round = 0; round < 2; round++) {
      for (const [begin, end] of this.left) {
        const length = end - begin + 1;
        for (let index = Math.min(skip, length); index < length; index++) {
          if (ports.length === count) return ports;
          ports.push(begin + index);
        }
        skip = Math.max(0, skip - length);
      }
    }
    return ports;
  }
}

export type Pile = ScalarPile | PortPile;

/** The piles of an offer that its role may use, in the order in which they are used. */
export interface Piles {
  readonly scalars: readonly ScalarPile[];
  readonly ports: readonly PortPile[];
}

/** Sorts what is offered. Volumes, disks other than the root's, and what a provider has are left alone. */
export function pilesOf(offer: Offer, role: string): Piles {
  const scalars: ScalarPile[] = [];
  const ports: PortPile[] = [];
  let hasReserved = false;
  for (const wire of offer.resources ?? []) {
    const holder = holderOf(wire);
    if (!isUsable(wire, holder, role)) continue;
    const rank = holder === DEFAULT_ROLE ? 0 : -holder.length;
    hasReserved ||= rank < 0;
    if (wire.type === 'SCALAR') scalars.push(new ScalarPile(wire, rank));
    else if (wire.type === 'RANGES' && wire.name === 'ports') ports.push(new PortPile(wire, rank));
  }
  if (hasReserved) {
    sortByRank(scalars);
    sortByRank(ports);
  }
  return { scalars, ports };
}

/** The ports of a resource, in order and merged. */
export function portRanges({ ranges }: Resource): Ranges {
  const pairs = (ranges?.range ?? []).map(({ begin, end }): Range => [Number(begin), Number(end)]);
  return pairs.length > 1 ? normaliseRanges(pairs) : pairs;
}

/** Thousandths of a scalar that a pile of it has, if it is firm; 0 when the role may not use it. */
export function firmAmount(wire: Resource, role: string): number {
  if (wire.revocable !== undefined || !isUsableBy(wire, role)) return 0;
  return thousandthsOf(wire);
}

/** Whether tasks of a role may take of a resource. */
export function isUsableBy(wire: Resource, role: string): boolean {
  return isUsable(wire, holderOf(wire), role);
}

/** The amount of a scalar resource; 0 for others. */
export function thousandthsOf(wire: Resource): number {
  return wire.type === 'SCALAR' ? Math.round((wire.scalar?.value ?? 0) * 1000) : 0;
}

function isUsable(wire: Resource, holder: string, role: string): boolean {
  if (wire.disk !== undefined || wire.shared !== undefined || wire.provider_id !== undefined) {
    return false;
  }
  return holder === DEFAULT_ROLE || holder === role || isAncestorRole(holder, role);
}

/** By insertion: there are few piles, and this makes nothing. Equal ones keep their order. */
function sortByRank(piles: Pile[]): void {
  for (let from = 1; from < piles.length; from++) {
    const pile = at(piles, from);
    let to = from;
    for (; to > 0 && at(piles, to - 1).rank > pile.rank; to--) piles[to] = at(piles, to - 1);
    piles[to] = pile;
  }
}

/** The role that a resource is reserved for at last. */
function holderOf(wire: Resource): string {
  const { reservations } = wire;
  if (reservations === undefined || reservations.length === 0) return wire.role ?? DEFAULT_ROLE;
  return at(reservations, reservations.length - 1).role ?? DEFAULT_ROLE;
}

/** Tells resources apart as the kernel does, whatever role they are allocated to. */
export function identityOf(wire: Resource): string | undefined {
  return Resources.fromWire([wire]).unallocated().items[0]?.key;
}
