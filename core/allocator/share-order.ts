/**
 * A list in which things are found by position and move. Whoever is served goes from the front to
 * somewhere near the end, for each of ten thousand agents: so the list is a ring, and what moves goes the
 * shorter way round, instead of shifting everything in between.
 */

/** Of most lists there are very many with nothing or one thing in them: slots are made when they are needed. */
const FIRST_CAPACITY = 2;

export class ShareOrder<Item> {
  /** No slots or a power of two of them; `#length` of them, from `#head` on, are in use. */
  #slots: (Item | undefined)[] = [];
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Undefined beyond the end. */
  at(position: number): Item | undefined {
    if (position < 0 || position >= this.#length) return undefined;
    return this.#slots[(this.#head + position) & (this.#slots.length - 1)];
  }

  /** What stands at a position from there on goes one further. */
  insert(position: number, item: Item): void {
    if (this.#length === this.#slots.length) this.#grow();
    if (2 * position < this.#length) {
      this.#head = (this.#head - 1) & (this.#slots.length - 1);
      this.#length++;
      this.#shiftDown(0, position);
    } else {
      this.#length++;
      this.#shiftUp(this.#length - 1, position);
    }
    this.#put(position, item);
  }

  remove(position: number): void {
    if (2 * position < this.#length) {
      this.#shiftUp(position, 0);
      this.#put(0, undefined);
      this.#head = (this.#head + 1) & (this.#slots.length - 1);
    } else {
      this.#shiftDown(position, this.#length - 1);
      this.#put(this.#length - 1, undefined);
    }
    this.#length--;
  }

  /** Takes the item of one position to another, counted without it. */
  move(from: number, to: number): void {
    const item = this.at(from);
    if (item === undefined) return;
    if (2 * Math.abs(to - from) > this.#length) {
      this.remove(from);
      this.insert(to, item);
      return;
    }
    if (from < to) this.#shiftDown(from, to);
    else this.#shiftUp(from, to);
    this.#put(to, item);
  }

  /** Puts all in order. */
  sort(compare: (one: Item, other: Item) => number): void {
    if (this.#length < 2) return;
    const items: Item[] = [];
    for (let position = 0; position < this.#length; position++) {
      const item = this.at(position);
      if (item !== undefined) items.push(item);
    }
    items.sort(compare);
    for (let position = 0; position < items.length; position++)
      this.#put(position, items[position]);
  }

  *[Symbol.iterator](): Generator<Item> {
    for (let position = 0; position < this.#length; position++) {
      const item = this.at(position);
      if (item !== undefined) yield item;
    }
  }

  /** What stands after `from`, up to `to`, goes one down: `from` is overwritten, `to` free. */
  #shiftDown(from: number, to: number): void {
    for (let position = from; position < to; position++) {
      this.#put(position, this.at(position + 1));
    }
  }

  /** What stands before `from`, down to `to`, goes one up: `from` is overwritten, `to` free. */
  #shiftUp(from: number, to: number): void {
    for (let position = from; position > to; position--) {
      this.#put(position, this.at(position - 1));
    }
  }

  #put(position: number, item: Item | undefined): void {
    this.#slots[(this.#head + position) & (this.#slots.length - 1)] = item;
  }

  #grow(): void {
    const capacity = Math.max(FIRST_CAPACITY, 2 * this.#length);
    const slots: (Item | undefined)[] = [];
    for (let slot = 0; slot < capacity; slot++) slots.push(this.at(slot));
    this.#slots = slots;
    this.#head = 0;
  }
}
