/**
 * An amount of one resource: an identity and a value. Items are immutable and never empty. The
 * functions below take items of the same key, which therefore have the same type.
 */
import type { ResourceDiskInfo } from '../api/index.js';
import { assert } from '../base/index.js';
import { type Reservation, type ResourceIdentity, reservationRole } from './identity.js';
import { type Ranges, rangesContain, rangesEqual, subtractRanges, uniteRanges } from './ranges.js';
import {
  type StringSet,
  stringsContain,
  stringsEqual,
  subtractStrings,
  uniteStrings,
} from './string-sets.js';

abstract class Item<Value> {
  readonly identity: ResourceIdentity;
  /** The amount; see the subclasses for the unit. */
  readonly value: Value;

  constructor(identity: ResourceIdentity, value: Value) {
    this.identity = identity;
    this.value = value;
  }

  /** Everything but the amount as one text: items merge if and only if their keys are equal. */
  get key(): string {
    return this.identity.key;
  }

  get name(): string {
    return this.identity.name;
  }

  /** The stack of reservations, the first made (outermost role) first; empty: unreserved. */
  get reservations(): readonly Reservation[] {
    return this.identity.reservations;
  }

  /** The role that the item is reserved for at last, or `*`. */
  get role(): string {
    return reservationRole(this.identity);
  }

  get isReserved(): boolean {
    return this.identity.reservations.length > 0;
  }

  get disk(): ResourceDiskInfo | undefined {
    return this.identity.disk;
  }

  get isPersistentVolume(): boolean {
    return this.identity.disk?.persistence !== undefined;
  }

  /** The resource provider, if the item comes from one. */
  get providerId(): string | undefined {
    return this.identity.providerId;
  }

  get revocable(): boolean {
    return this.identity.revocable;
  }

  get shared(): boolean {
    return this.identity.shared;
  }

  /** The role that the item is offered to or used in, if any. */
  get allocationRole(): string | undefined {
    return this.identity.allocationRole;
  }

  /** Whether the item can only be taken as it is: see `ResourceIdentity`. */
  get isWhole(): boolean {
    return this.identity.isWhole;
  }
}

/** A number of thousandths of a whole (cpu, MiB). */
export class ScalarItem extends Item<number> {
  /**
   * How many equal ones there are: 1 unless the item is whole. Copies of a shared volume are its
   * users; copies of another volume are different volumes of the same id and size.
   */
  readonly copies: number;

  constructor(identity: ResourceIdentity, value: number, copies = 1) {
    super(identity, value);
    this.copies = copies;
    Object.freeze(this);
  }

  get type(): 'SCALAR' {
    return 'SCALAR';
  }

  /** The amount of all copies, in thousandths; a shared volume counts once. */
  get total(): number {
    return this.copies === 1 || this.identity.shared ? this.value : this.value * this.copies;
  }
}

/** Integers as inclusive ranges. */
export class RangesItem extends Item<Ranges> {
  constructor(identity: ResourceIdentity, value: Ranges) {
    super(identity, value);
    Object.freeze(this);
  }

  get type(): 'RANGES' {
    return 'RANGES';
  }
}

/** Different texts, sorted. */
export class SetItem extends Item<StringSet> {
  constructor(identity: ResourceIdentity, value: StringSet) {
    super(identity, value);
    Object.freeze(this);
  }

  get type(): 'SET' {
    return 'SET';
  }
}

export type ResourceItem = ScalarItem | RangesItem | SetItem;

/** The sum. */
export function addItems(one: ResourceItem, other: ResourceItem): ResourceItem {
  if (one instanceof ScalarItem && other instanceof ScalarItem) {
    if (one.identity.isWhole) {
      return new ScalarItem(one.identity, one.value, one.copies + other.copies);
    }
    return new ScalarItem(one.identity, one.value + other.value);
  }
  if (one instanceof RangesItem && other instanceof RangesItem) {
    return new RangesItem(one.identity, uniteRanges(one.value, other.value));
  }
  assert(one instanceof SetItem && other instanceof SetItem, 'items of one key have one type');
  return new SetItem(one.identity, uniteStrings(one.value, other.value));
}

/** What is left of `one`; undefined when nothing is. */
export function subtractItems(one: ResourceItem, other: ResourceItem): ResourceItem | undefined {
  if (one instanceof ScalarItem && other instanceof ScalarItem) {
    if (one.identity.isWhole) {
      const copies = one.copies - other.copies;
      return copies > 0 ? new ScalarItem(one.identity, one.value, copies) : undefined;
    }
    const rest = one.value - other.value;
    return rest > 0 ? new ScalarItem(one.identity, rest) : undefined;
  }
  if (one instanceof RangesItem && other instanceof RangesItem) {
    const rest = subtractRanges(one.value, other.value);
    return rest.length > 0 ? new RangesItem(one.identity, rest) : undefined;
  }
  assert(one instanceof SetItem && other instanceof SetItem, 'items of one key have one type');
  const rest = subtractStrings(one.value, other.value);
  return rest.length > 0 ? new SetItem(one.identity, rest) : undefined;
}

/** Whether all of `other` can be taken from `one`. */
export function itemContains(one: ResourceItem, other: ResourceItem): boolean {
  if (one instanceof ScalarItem && other instanceof ScalarItem) {
    return one.identity.isWhole ? one.copies >= other.copies : one.value >= other.value;
  }
  if (one instanceof RangesItem && other instanceof RangesItem) {
    return rangesContain(one.value, other.value);
  }
  assert(one instanceof SetItem && other instanceof SetItem, 'items of one key have one type');
  return stringsContain(one.value, other.value);
}

/** Whether both are the same amount of the same. Takes items of any key. */
export function itemsEqual(one: ResourceItem, other: ResourceItem): boolean {
  if (one === other) return true;
  if (one.key !== other.key) return false;
  if (one instanceof ScalarItem && other instanceof ScalarItem) {
    return one.value === other.value && one.copies === other.copies;
  }
  if (one instanceof RangesItem && other instanceof RangesItem) {
    return rangesEqual(one.value, other.value);
  }
  assert(one instanceof SetItem && other instanceof SetItem, 'items of one key have one type');
  return stringsEqual(one.value, other.value);
}

/** The same amount under another identity of the same type. */
export function withIdentity(item: ResourceItem, identity: ResourceIdentity): ResourceItem {
  if (identity === item.identity) return item;
  if (item instanceof ScalarItem) return new ScalarItem(identity, item.value, item.copies);
  if (item instanceof RangesItem) return new RangesItem(identity, item.value);
  return new SetItem(identity, item.value);
}
