/** Choices of one mutated request: the same for the same seed, family and number. */
import { SeededRandom } from '../../../../core/base/index.js';

export class Choices {
  readonly #random: SeededRandom;

  constructor(seed: string) {
    this.#random = new SeededRandom(seed);
  }

  below(bound: number): number {
    return this.#random.below(bound);
  }

  /** True in so many of a hundred cases. */
  percent(share: number): boolean {
    return this.#random.next() * 100 < share;
  }

  /** @throws Error when there is nothing to choose from. */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('nothing to choose from');
    return list[this.below(list.length)] as T;
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.below(256)));
  }
}
