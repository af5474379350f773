/**
 * A bag of resources: the value that agents report, the allocator divides and tasks hold. Immutable;
 * all arithmetic is exact. Items are kept sorted by key, so that sums, differences and comparisons
 * are one walk over two lists, and so that equal bags are written equally.
 */
import type { Resource } from '../api/index.js';
import { assert, at } from '../base/index.js';
import { CommonBags } from './common-bags.js';
import { formatItem } from './format.js';
import { type ResourceIdentity, withAllocationRole } from './identity.js';
import {
  type ResourceItem,
  ScalarItem,
  addItems,
  itemContains,
  itemsEqual,
  subtractItems,
  withIdentity,
} from './item.js';
import type { Quantities } from './quantities.js';
import { DEFAULT_ROLE, isAncestorRole } from './roles.js';
import { compareStrings } from './string-sets.js';
import { type ResourceFormat, itemFromWire, writeItem } from './wire.js';

export class Resources {
  /** Nothing. */
  static readonly EMPTY = new Resources([]);

  /** Sorted by key, no key twice, no empty item. */
  readonly items: readonly ResourceItem[];
  #quantities: ReadonlyMap<string, number> | undefined;
  /** The same bound to no role, where it is known: offers are bound, and unbound when they end. */
  #unbound: Resources | undefined;
  /** Whether the bag, or what it was bound from, is kept for all that are equal to it. */
  #isCommon = false;
  #wires: Partial<Record<ResourceFormat, readonly Resource[]>> | undefined;
  /** What kinds of items there are, as bits; -1: nobody has asked. */
  #kinds = -1;

  private constructor(items: readonly ResourceItem[]) {
    this.items = items;
  }

  /**
   * From the wire, in either reservation format; the same again is added up, nothing is dropped.
   * @throws PlateauError `INVALID_RESOURCES` naming resource and field; see `validateResources`.
   */
  static fromWire(list: readonly Resource[]): Resources {
    const items: ResourceItem[] = [];
    for (const resource of list) {
      const item = itemFromWire(resource);
      if (item !== undefined) items.push(item);
    }
    return Resources.of(items);
  }

  /** A bag of items in any order; items of one key are added up. */
  static of(items: readonly ResourceItem[]): Resources {
    if (items.length === 0) return Resources.EMPTY;
    const sorted = items.toSorted(compareKeys);
    const merged: ResourceItem[] = [];
    for (const item of sorted) {
      const last = merged.at(-1);
      if (last !== undefined && last.key === item.key)
        merged[merged.length - 1] = addItems(last, item);
      else merged.push(item);
    }
    return new Resources(merged);
  }

  /** The sum of any number of bags. */
  static sum(bags: Iterable<Resources>): Resources {
    let total = Resources.EMPTY;
    for (const bag of bags) total = total.plus(bag);
    return total;
  }

  /**
   * For the wire, in the order of keys.
   * @throws PlateauError `INVALID_RESOURCES` for a refined reservation in `pre-refinement`.
   */
  toWire(format: ResourceFormat = 'post-refinement'): Resource[] {
    const list: Resource[] = [];
    for (const item of this.items) writeItem(item, format, list);
    return list;
  }

  /** The same as a list that is not changed: of a common bag it is made once. */
  wire(format: ResourceFormat = 'post-refinement'): readonly Resource[] {
    if (!this.#isCommon) return this.toWire(format);
    this.#wires ??= {};
    return (this.#wires[format] ??= this.toWire(format));
  }

  /** For pages and operators: both the older fields and the list of reservations. */
  toEndpoint(): Resource[] {
    return this.toWire('endpoint');
  }

  get isEmpty(): boolean {
    return this.items.length === 0;
  }

  /** Whether anything is reserved. */
  get hasReserved(): boolean {
    return (this.kindsOfItems() & RESERVED) !== 0;
  }

  /** Whether anything may be held by several at once. */
  get hasShared(): boolean {
    return (this.kindsOfItems() & SHARED) !== 0;
  }

  /** Whether anything may be taken away at any time. */
  get hasRevocable(): boolean {
    return (this.kindsOfItems() & REVOCABLE) !== 0;
  }

  /** Whether anything is reserved within another reservation. */
  get hasRefined(): boolean {
    return (this.kindsOfItems() & REFINED) !== 0;
  }

  /** Whether all of it is unreserved, nobody else's and there to stay. */
  get isPlain(): boolean {
    return this.kindsOfItems() === 0;
  }

  private kindsOfItems(): number {
    if (this.#kinds >= 0) return this.#kinds;
    let kinds = 0;
    for (const { identity } of this.items) {
      if (identity.reservations.length > 0) kinds |= RESERVED;
      if (identity.reservations.length > 1) kinds |= REFINED;
      if (identity.shared) kinds |= SHARED;
      if (identity.revocable) kinds |= REVOCABLE;
    }
    this.#kinds = kinds;
    return kinds;
  }

  /**
   * An equal bag that is the same object for all that are equal, as long as they are few: for what
   * many agents have. Such bags are bound to roles, and written, once.
   */
  common(): Resources {
    if (this.#isCommon || this.items.length === 0 || this.items.some(({ disk }) => disk))
      return this;
    const kept = COMMON.common(this, textOf(this.items));
    if (kept === this) this.#isCommon = true;
    return kept;
  }

  /** Everything of both. */
  plus(other: Resources): Resources {
    if (other.items.length === 0) return this;
    if (this.items.length === 0) return other;
    const mine = this.items;
    const theirs = other.items;
    const sum: ResourceItem[] = [];
    let i = 0;
    let j = 0;
    while (i < mine.length && j < theirs.length) {
      const one = at(mine, i);
      const two = at(theirs, j);
      if (one.key === two.key) {
        sum.push(addItems(one, two));
        i++;
        j++;
      } else if (one.key < two.key) {
        sum.push(one);
        i++;
      } else {
        sum.push(two);
        j++;
      }
    }
    for (; i < mine.length; i++) sum.push(at(mine, i));
    for (; j < theirs.length; j++) sum.push(at(theirs, j));
    return new Resources(sum);
  }

  /**
   * What is left without `other`. Never below zero; what is not there is ignored. Use `contains`
   * first where that would be a defect.
   */
  minus(other: Resources): Resources {
    if (other === this) return Resources.EMPTY;
    if (other.items.length === 0 || this.items.length === 0) return this;
    const theirs = other.items;
    const rest: ResourceItem[] = [];
    let j = 0;
    for (const item of this.items) {
      while (j < theirs.length && at(theirs, j).key < item.key) j++;
      const cut = theirs[j];
      if (cut === undefined || cut.key !== item.key) {
        rest.push(item);
        continue;
      }
      const left = subtractItems(item, cut);
      if (left !== undefined) rest.push(left);
    }
    return rest.length === 0 ? Resources.EMPTY : new Resources(rest);
  }

  /** Whether all of `other` can be taken from this, item by item: reserved is not unreserved. */
  contains(other: Resources): boolean {
    if (other === this) return true;
    const mine = this.items;
    let i = 0;
    for (const wanted of other.items) {
      while (i < mine.length && at(mine, i).key < wanted.key) i++;
      const item = mine[i];
      if (item === undefined || item.key !== wanted.key || !itemContains(item, wanted))
        return false;
    }
    return true;
  }

  /** Whether both hold the same. */
  equals(other: Resources): boolean {
    if (this === other) return true;
    if (this.items.length !== other.items.length) return false;
    return this.items.every((item, index) => itemsEqual(item, at(other.items, index)));
  }

  /** The items that the predicate accepts. */
  filter(predicate: (item: ResourceItem) => boolean): Resources {
    const kept = this.items.filter((item) => predicate(item));
    if (kept.length === this.items.length) return this;
    return kept.length === 0 ? Resources.EMPTY : new Resources(kept);
  }

  /** The same, all bound to one role: offered to it or used in it. */
  allocatedTo(role: string): Resources {
    return this.bound(role);
  }

  /** The same, bound to no role. */
  unallocated(): Resources {
    return this.bound(undefined);
  }

  /** Items bound to one role, or to none, stay in order under another; nothing becomes the same. */
  private bound(role: string | undefined): Resources {
    if (role === undefined && this.#unbound !== undefined) return this.#unbound;
    const first = this.items[0]?.allocationRole;
    if (!this.isBoundAs(first)) return this.withAllRoles(role);
    if (first === role) return this;
    if (role === undefined) {
      this.#unbound = this.rebound(role);
      return this.#unbound;
    }
    if (first !== undefined) return this.rebound(role);
    return this.#isCommon ? this.commonBoundTo(role) : this.boundTo(role);
  }

  private commonBoundTo(role: string): Resources {
    const known = COMMON.bound(this, role);
    if (known !== undefined) return known;
    const bound = this.boundTo(role);
    COMMON.keepBound(this, role, bound);
    return bound;
  }

  private isBoundAs(role: string | undefined): boolean {
    const { items } = this;
    for (let index = 1; index < items.length; index++) {
      if (items[index]?.allocationRole !== role) return false;
    }
    return true;
  }

  private withAllRoles(role: string | undefined): Resources {
    return this.withIdentities((item) => withAllocationRole(item.identity, role));
  }

  /** What is bound to no role, bound to one. */
  private boundTo(role: string): Resources {
    const bound = this.rebound(role);
    bound.#unbound = this;
    bound.#isCommon = this.#isCommon;
    return bound;
  }

  private rebound(role: string | undefined): Resources {
    return new Resources(
      this.items.map((item) => withIdentity(item, withAllocationRole(item.identity, role))),
    );
  }

  /** The same amounts as something else; what becomes the same is added up. */
  withIdentities(change: (item: ResourceItem) => ResourceIdentity): Resources {
    let isChanged = false;
    const items = this.items.map((item) => {
      const changed = withIdentity(item, change(item));
      isChanged ||= changed !== item;
      return changed;
    });
    return isChanged ? Resources.of(items) : this;
  }

  /** The roles that items are bound to, sorted. */
  allocationRoles(): string[] {
    const roles = new Set<string>();
    for (const { allocationRole } of this.items) {
      if (allocationRole !== undefined) roles.add(allocationRole);
    }
    return [...roles].toSorted(compareStrings);
  }

  /** The parts by the role that they are bound to. All items must be bound. */
  byAllocationRole(): Map<string, Resources> {
    const first = this.items[0]?.allocationRole;
    if (first !== undefined && this.items.every(({ allocationRole }) => allocationRole === first)) {
      return new Map([[first, this]]);
    }
    const lists = new Map<string, ResourceItem[]>();
    for (const item of this.items) {
      const role = item.allocationRole;
      if (role === undefined) assert(role, `resource ${formatItem(item)} is not bound to a role`);
      const list = lists.get(role);
      if (list === undefined) lists.set(role, [item]);
      else list.push(item);
    }
    const parts = new Map<string, Resources>();
    for (const [role, list] of lists) parts.set(role, new Resources(list));
    return parts;
  }

  /** What is not reserved for anybody. */
  unreserved(): Resources {
    if (!this.hasReserved) return this;
    return this.filter((item) => !item.isReserved);
  }

  /** What is reserved: for exactly this role (its last reservation), or for any. */
  reserved(role?: string): Resources {
    return this.filter((item) => item.isReserved && (role === undefined || item.role === role));
  }

  /** What may be offered to a role: unreserved, or reserved for it or one of its ancestors. */
  reservableTo(role: string): Resources {
    if (!this.hasReserved) return this;
    return this.filter(
      ({ role: holder }) =>
        holder === DEFAULT_ROLE || holder === role || isAncestorRole(holder, role),
    );
  }

  /** What may be taken away at any time. */
  revocable(): Resources {
    return this.filter((item) => item.revocable);
  }

  nonRevocable(): Resources {
    return this.filter((item) => !item.revocable);
  }

  /** Scalars alone. */
  scalars(): Resources {
    return this.filter((item) => item.type === 'SCALAR');
  }

  /** Ranges and sets alone. */
  nonScalars(): Resources {
    return this.filter((item) => item.type !== 'SCALAR');
  }

  /**
   * Scalar amounts in integer thousandths by name, whatever they are reserved or allocated for. A
   * shared volume counts once. Ranges and sets are not included. Computed once.
   */
  quantities(): ReadonlyMap<string, number> {
    if (this.#quantities !== undefined) return this.#quantities;
    const sums = new Map<string, number>();
    for (const item of this.items) {
      if (item instanceof ScalarItem) sums.set(item.name, (sums.get(item.name) ?? 0) + item.total);
    }
    this.#quantities = sums;
    return sums;
  }

  /** The amount of one scalar, in thousandths; 0 when there is none. */
  scalar(name: string): number {
    if (this.#quantities !== undefined) return this.#quantities.get(name) ?? 0;
    let sum = 0;
    for (const item of this.items) {
      if (item instanceof ScalarItem && item.name === name) sum += item.total;
    }
    return sum;
  }

  /** Whether there is at least as much of each name. */
  hasAtLeast(wanted: Quantities): boolean {
    // Not by entries, of which each would be made anew: this is asked of every agent in every run.
    for (const name of wanted.keys()) {
      if (this.scalar(name) < (wanted.get(name) ?? 0)) return false;
    }
    return true;
  }

  /** For people: `cpus:2; mem:1024; ports:[31000-32000]`; see `formatResources`. */
  toString(): string {
    return this.items.map(formatItem).join('; ');
  }
}

/** Kinds of items. */
const RESERVED = 1;
const SHARED = 2;
const REVOCABLE = 4;
const REFINED = 8;

const COMMON = new CommonBags<Resources>();

/** A text that only equal bags have; keys hold no line feed outside of JSON, where it is escaped. */
function textOf(items: readonly ResourceItem[]): string {
  let text = '';
  for (const item of items) {
    const value = item instanceof ScalarItem ? item.value : JSON.stringify(item.value);
    text += `${item.key}\n${value}\n`;
  }
  return text;
}

/** Resources for people, from either form; see `format.ts`. */
export function formatResources(resources: Resources | readonly Resource[]): string {
  return (resources instanceof Resources ? resources : Resources.fromWire(resources)).toString();
}

function compareKeys(one: ResourceItem, other: ResourceItem): number {
  return compareStrings(one.key, other.key);
}
