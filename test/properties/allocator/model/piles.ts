/**
 * Resources as plain numbers: each kind (name, reservations, disk, revocable, shared) is a pile of a
 * whole number of units. A unit is a thousandth of a scalar, one disk that cannot be divided, one number
 * of a range, or one element of a set. What the model checks, it checks on these numbers.
 */
import { type Resources, ScalarItem, SetItem } from '../../../../core/resources/index.js';

/** What a pile is of. */
export interface Kind {
  readonly name: string;
  /** Thousandths of the scalar in one unit; 0 for ranges and sets. */
  readonly perUnit: number;
  /** What it is reserved for at last, or `*`. */
  readonly role: string;
  readonly isReserved: boolean;
  readonly isRefined: boolean;
  readonly revocable: boolean;
  /** Several may hold a unit at once. */
  readonly shared: boolean;
}

export interface Pile {
  readonly kind: Kind;
  readonly units: number;
}

/** By a text that tells kinds, numbers of ranges and elements of sets apart. */
export type Piles = ReadonlyMap<string, Pile>;

const remembered = new WeakMap<Resources, Piles>();

/** Whatever role the resources are bound to. */
export function pilesOf(resources: Resources): Piles {
  const known = remembered.get(resources);
  if (known !== undefined) return known;
  const piles = new Map<string, Pile>();
  for (const item of resources.items) {
    const { name, role, isReserved, revocable, shared, identity } = item;
    const kind = {
      name,
      role,
      isReserved,
      isRefined: item.reservations.length > 1,
      revocable,
      shared,
      perUnit: 0,
    };
    const add = (key: string, units: number, perUnit = 0): void => {
      const before = piles.get(key)?.units ?? 0;
      piles.set(key, { kind: { ...kind, perUnit }, units: before + units });
    };
    const { base } = identity;
    if (item instanceof ScalarItem) {
      if (item.isWhole) add(base, item.copies, item.value);
      else add(base, item.value, 1);
    } else if (item instanceof SetItem) {
      for (const element of item.value) add(`${base} ${element}`, 1);
    } else {
      for (const [begin, end] of item.value) {
        for (let number = begin; number <= end; number++) add(`${base} ${number}`, 1);
      }
    }
  }
  remembered.set(resources, piles);
  return piles;
}

/** Everything of all; of what is shared all users. */
export function sumPiles(parts: Iterable<Piles>): Piles {
  const sum = new Map<string, Pile>();
  for (const part of parts) {
    for (const [key, { kind, units }] of part) {
      sum.set(key, { kind, units: (sum.get(key)?.units ?? 0) + units });
    }
  }
  return sum;
}

/** Whether there are as many units of each pile of `other`. */
export function contains(piles: Piles, other: Piles): boolean {
  return [...other].every(([key, { units }]) => (piles.get(key)?.units ?? 0) >= units);
}

/** What is left of it, never below nothing. What is shared stays as it is. */
export function freeOf(total: Piles, held: Piles): Piles {
  const free = new Map<string, Pile>();
  for (const [key, { kind, units }] of total) {
    const left = kind.shared ? units : units - (held.get(key)?.units ?? 0);
    if (left > 0) free.set(key, { kind, units: left });
  }
  return free;
}

/** The piles of which the kind is accepted. */
export function select(piles: Piles, accept: (kind: Kind) => boolean): Piles {
  return new Map([...piles].filter(([, { kind }]) => accept(kind)));
}

/** Thousandths of each scalar; a shared unit counts once, however many hold it. */
export function amountsOf(piles: Piles): Map<string, number> {
  const amounts = new Map<string, number>();
  for (const { kind, units } of piles.values()) {
    if (kind.perUnit === 0) continue;
    const amount = kind.shared ? kind.perUnit : units * kind.perUnit;
    amounts.set(kind.name, (amounts.get(kind.name) ?? 0) + amount);
  }
  return amounts;
}

/** Adds up amounts by name. */
export function addAmounts(sum: Map<string, number>, amounts: ReadonlyMap<string, number>): void {
  for (const [name, amount] of amounts) sum.set(name, (sum.get(name) ?? 0) + amount);
}
