/** A random order of which mostly only the beginning is needed: each place is drawn when asked for. */
import { type Random, at } from '../base/index.js';

export class DrawnOrder<Item> {
  /** All items; the first `#drawn` of them are in the order that was drawn. */
  readonly #items: Item[];
  readonly #random: Random;
  #drawn = 0;

  constructor(items: Iterable<Item>, random: Random) {
    this.#items = [...items];
    this.#random = random;
  }

  /** A new order begins. */
  restart(): this {
    this.#drawn = 0;
    return this;
  }

  /** Places must be asked for from 0 on, none left out. Undefined beyond the end. */
  at(place: number): Item | undefined {
    const items = this.#items;
    if (place < this.#drawn || place >= items.length) return items[place];
    const pick = place + this.#random.below(items.length - place);
    const item = at(items, pick);
    items[pick] = at(items, place);
    items[place] = item;
    this.#drawn = place + 1;
    return item;
  }
}
