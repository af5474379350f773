/**
 * A map that mostly holds nothing or one thing, of which there are very many: the first entry stands in
 * the object itself, and a table is made for the second. A table for each would be most of the memory,
 * and several more places of it to read.
 */

/** Read access. */
export interface FewMapView<Key, Value> extends Iterable<readonly [Key, Value]> {
  readonly size: number;
  has(key: Key): boolean;
  get(key: Key): Value | undefined;
  keys(): Iterable<Key>;
  values(): Iterable<Value>;
}

/** Entries are in the order in which their keys were first set, as in a `Map`. */
export class FewMap<Key, Value extends object> implements FewMapView<Key, Value> {
  /** The only entry, while there is no table; a value of undefined: none. */
  #key: Key | undefined;
  #value: Value | undefined;
  /** All entries, once there have been two at a time, until there are none. */
  #table: Map<Key, Value> | undefined;

  get size(): number {
    if (this.#table !== undefined) return this.#table.size;
    return this.#value === undefined ? 0 : 1;
  }

  has(key: Key): boolean {
    return this.get(key) !== undefined;
  }

  get(key: Key): Value | undefined {
    if (this.#table !== undefined) return this.#table.get(key);
    return this.#key === key ? this.#value : undefined;
  }

  set(key: Key, value: Value): void {
    if (this.#table !== undefined) {
      this.#table.set(key, value);
    } else if (this.#value === undefined || this.#key === key) {
      this.#key = key;
      this.#value = value;
    } else {
      this.#table = new Map(this.entries());
      this.#table.set(key, value);
      this.#forgetOne();
    }
  }

  /** Returns whether there was an entry. */
  delete(key: Key): boolean {
    if (this.#table !== undefined) {
      const isDeleted = this.#table.delete(key);
      if (this.#table.size === 0) this.#table = undefined;
      return isDeleted;
    }
    if (this.#value === undefined || this.#key !== key) return false;
    this.#forgetOne();
    return true;
  }

  /** Entries may be deleted while they are walked over. */
  entries(): Iterable<readonly [Key, Value]> {
    if (this.#table !== undefined) return this.#table;
    if (this.#value === undefined || this.#key === undefined) return NOTHING;
    return [[this.#key, this.#value]];
  }

  [Symbol.iterator](): Iterator<readonly [Key, Value]> {
    return this.entries()[Symbol.iterator]();
  }

  keys(): Iterable<Key> {
    if (this.#table !== undefined) return this.#table.keys();
    return this.#key === undefined ? NOTHING : [this.#key];
  }

  values(): Iterable<Value> {
    if (this.#table !== undefined) return this.#table.values();
    return this.#value === undefined ? NOTHING : [this.#value];
  }

  #forgetOne(): void {
    this.#key = undefined;
    this.#value = undefined;
  }
}

const NOTHING: readonly never[] = [];
