/** A queue whose both ends are cheap, however long it is. Its owner bounds it. */

/** So many items that have left are kept at most before the rest moves up. */
const MAX_LEFT = 32;

export class Backlog<Item> {
  #items: (Item | undefined)[] = [];
  #start = 0;

  get size(): number {
    return this.#items.length - this.#start;
  }

  get first(): Item | undefined {
    return this.#items[this.#start];
  }

  get last(): Item | undefined {
    return this.size === 0 ? undefined : this.#items.at(-1);
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  shift(): Item | undefined {
    const item = this.#items[this.#start];
    if (this.size === 0) return undefined;
    this.#items[this.#start] = undefined;
    this.#start += 1;
    if (this.#start === this.#items.length) this.clear();
    else if (this.#start > MAX_LEFT && 2 * this.#start > this.#items.length) {
      this.#items.splice(0, this.#start);
      this.#start = 0;
    }
    return item;
  }

  clear(): void {
    this.#items.length = 0;
    this.#start = 0;
  }
}
