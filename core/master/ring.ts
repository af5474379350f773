/** A list of the last few things, for histories that must not grow. */
export class Ring<T> implements Iterable<T> {
  readonly #items: T[] = [];
  readonly #capacity: number;

  /** @param capacity how many items are kept; 0 keeps none. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Adds an item; the oldest one goes when there is no room. */
  push(item: T): void {
    this.#items.push(item);
    if (this.#items.length > this.#capacity) this.#items.shift();
  }

  /** Removes every item that fits. */
  removeWhere(fits: (item: T) => boolean): void {
    const kept = this.#items.filter((item) => !fits(item));
    if (kept.length < this.#items.length) this.#items.splice(0, this.#items.length, ...kept);
  }

  get length(): number {
    return this.#items.length;
  }

  /** From the oldest to the newest. */
  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }
}
