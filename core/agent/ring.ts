/** A bounded history: what is added beyond the bound displaces the oldest. */
export class Ring<T> {
  readonly #bound: number;
  #items: T[] = [];

  constructor(bound: number) {
    this.#bound = bound;
  }

  /** The members, the oldest first. */
  get items(): readonly T[] {
    return this.#items;
  }

  push(item: T): void {
    if (this.#bound <= 0) return;
    if (this.#items.length >= this.#bound) this.#items.shift();
    this.#items.push(item);
  }

  /** Takes the first member that satisfies the predicate out. */
  take(predicate: (item: T) => boolean): T | undefined {
    const index = this.#items.findIndex(predicate);
    return index < 0 ? undefined : this.#items.splice(index, 1)[0];
  }
}
