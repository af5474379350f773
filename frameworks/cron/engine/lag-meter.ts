/** How late things happen: the last readings, for quantiles, and the largest since the start. */
import { MAX_LAG_READINGS } from '../limits.js';

export class LagMeter {
  readonly #last: number[] = [];
  #next = 0;
  #max = 0;
  #count = 0;

  add(lagMs: number): void {
    this.#last[this.#next] = lagMs;
    this.#next = (this.#next + 1) % MAX_LAG_READINGS;
    this.#max = Math.max(this.#max, lagMs);
    this.#count++;
  }

  get count(): number {
    return this.#count;
  }

  /** Of all readings since the start, in milliseconds. */
  get max(): number {
    return this.#max;
  }

  /** Of the last readings; 0 without any. */
  quantile(part: number): number {
    const sorted = this.#last.toSorted((one, other) => one - other);
    return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0;
  }
}
