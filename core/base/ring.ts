/** A bounded history: what is added beyond the bound displaces the oldest. */
export class Ring<T> implements Iterable<T> {
  readonly #bound: number;
  readonly #items: T[] = [];

  /** @param bound how many items are kept; 0 keeps none. */
  constructor(bound: number) {
    this.#bound = bound;
  }

  /** The members, the oldest first. */
  get items(): readonly T[] {
    return this.#items;
  }

  get length(): number {
    return this.#items.length;
  }

  push(item: T): void {
    if (this.#bound <= 0) return;
    if (this.#items.length >= this.#bound) this.#items.shift();
    this.#items.push(item);
  }

  /** Takes the first member that fits out. */
  take(fits: (item: T) => boolean): T | undefined {
    const index = this.#items.findIndex(fits);
    return index < 0 ? undefined : this.#items.splice(index, 1)[0];
  }

  /** Removes every member that fits. */
  removeWhere(fits: (item: T) => boolean): void {
    const kept = this.#items.filter((item) => !fits(item));
    if (kept.length < this.#items.length) this.#items.splice(0, this.#items.length, ...kept);
  }

  /** From the oldest to the newest. */
  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }
}
