/**
 * Offers by score, the best first; of equal scores the first (masters offer in random order). An
 * entry whose score is no longer that of its offer is dropped when it comes up.
 */
import { at } from '../../core/base/index.js';

export class ScoreHeap {
  readonly #scores: Float64Array;
  #indices: Int32Array;
  #keys: Float64Array;
  #size = 0;

  /**
   * @param scores the present score of each offer, by index; they may change.
   * @param members the offers that take part. Default: all.
   */
  constructor(scores: Float64Array, members?: readonly number[]) {
    this.#scores = scores;
    const count = members?.length ?? scores.length;
    this.#indices = new Int32Array(count);
    this.#keys = new Float64Array(count);
    for (let place = 0; place < count; place++) {
      const index = members === undefined ? place : at(members, place);
      const score = scores[index] ?? -1;
      if (score >= 0) this.#append(index, score);
    }
    for (let place = (this.#size >> 1) - 1; place >= 0; place--) this.#sink(place);
  }

  push(index: number): void {
    this.#append(index, this.#scores[index] ?? -1);
    let place = this.#size - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#isBefore(place, parent)) return;
      this.#swap(place, parent);
      place = parent;
    }
  }

  /** The best offer, which stays; -1: there is none. */
  peek(): number {
    while (this.#size > 0) {
      const index = this.#indices[0] ?? 0;
      if (this.#scores[index] === this.#keys[0]) return index;
      this.drop();
    }
    return -1;
  }

  /** Removes the first entry, if there is one. */
  drop(): void {
    if (this.#size === 0) return;
    this.#size--;
    this.#swap(0, this.#size);
    this.#sink(0);
  }

  #append(index: number, key: number): void {
    if (this.#size === this.#keys.length) this.#grow();
    this.#indices[this.#size] = index;
    this.#keys[this.#size] = key;
    this.#size++;
  }

  #grow(): void {
    const room = 2 * this.#size + 8;
    const indices = new Int32Array(room);
    const keys = new Float64Array(room);
    indices.set(this.#indices);
    keys.set(this.#keys);
    this.#indices = indices;
    this.#keys = keys;
  }

  #sink(from: number): void {
    const size = this.#size;
    let place = from;
    for (;;) {
      const left = 2 * place + 1;
      if (left >= size) return;
      const right = left + 1;
      const child = right < size && this.#isBefore(right, left) ? right : left;
      if (!this.#isBefore(child, place)) return;
      this.#swap(child, place);
      place = child;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const difference = (this.#keys[one] ?? -1) - (this.#keys[other] ?? -1);
    if (difference !== 0) return difference > 0;
    return (this.#indices[one] ?? 0) < (this.#indices[other] ?? 0);
  }

  #swap(one: number, other: number): void {
    const index = this.#indices[one] ?? 0;
    const key = this.#keys[one] ?? -1;
    this.#indices[one] = this.#indices[other] ?? 0;
    this.#keys[one] = this.#keys[other] ?? -1;
    this.#indices[other] = index;
    this.#keys[other] = key;
  }
}
