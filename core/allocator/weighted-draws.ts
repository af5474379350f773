/** Random orders by weight of which mostly only the beginning is needed. */
import { type Random, at } from '../base/index.js';

/**
 * Draws items one after the other, each time with a probability in proportion to the weights of those
 * that are left. Most who draw need only a few of many: a draw takes O(log items), and what was drawn
 * is put back at the end. Weights are positive.
 */
export class WeightedDraws<T> {
  readonly #items: readonly T[];
  /** A tree of sums: the children of node i are 2i and 2i + 1; items begin at `#first`. */
  readonly #sums: Float64Array;
  readonly #first: number;
  /** How many items may be drawn. */
  #left: number;

  constructor(weights: readonly (readonly [T, number])[]) {
    this.#items = weights.map(([item]) => item);
    this.#left = this.#items.length;
    this.#first = 2 ** Math.ceil(Math.log2(Math.max(1, this.#items.length)));
    this.#sums = new Float64Array(2 * this.#first);
    this.#sums.set(
      weights.map(([, weight]) => weight),
      this.#first,
    );
    for (let node = this.#first - 1; node > 0; node--) this.#add(node);
  }

  /**
   * Visits items in a new random order until `visit` answers true.
   * @param isOver says of an item that was visited whether it is never to be visited again.
   */
  some(
    random: Random,
    visit: (item: T) => boolean,
    isOver = (_item: T): boolean => false,
  ): boolean {
    const drawn: number[] = [];
    const weights: number[] = [];
    let isDone = false;
    while (!isDone && drawn.length < this.#left) {
      const node = this.#draw(random);
      drawn.push(node);
      weights.push(at(this.#sums, node));
      this.#set(node, 0);
      isDone = visit(at(this.#items, node - this.#first));
    }
    for (const [index, node] of drawn.entries()) {
      if (isOver(at(this.#items, node - this.#first))) this.#left--;
      else this.#set(node, at(weights, index));
    }
    return isDone;
  }

  #draw(random: Random): number {
    const sums = this.#sums;
    let left = random.next() * at(sums, 1);
    let node = 1;
    while (node < this.#first) {
      const one = at(sums, 2 * node);
      // Sums are rounded: where one side is empty the other is taken, whatever is left.
      const isOne = one > 0 && (left < one || at(sums, 2 * node + 1) === 0);
      if (!isOne) left -= one;
      node = isOne ? 2 * node : 2 * node + 1;
    }
    return node;
  }

  #set(item: number, weight: number): void {
    this.#sums[item] = weight;
    for (let node = item >> 1; node > 0; node >>= 1) this.#add(node);
  }

  #add(node: number): void {
    this.#sums[node] = at(this.#sums, 2 * node) + at(this.#sums, 2 * node + 1);
  }
}
