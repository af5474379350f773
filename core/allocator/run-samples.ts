/** The last values of one measure of runs, and their statistics under the names that Mesos uses. */
import { at } from '../base/index.js';
import { MAX_RUN_SAMPLES } from './config.js';

const PERCENTILES: readonly (readonly [string, number])[] = [
  ['p50', 0.5],
  ['p90', 0.9],
  ['p95', 0.95],
  ['p99', 0.99],
  ['p999', 0.999],
  ['p9999', 0.9999],
];

export class RunSamples {
  readonly #values: number[] = [];
  #next = 0;
  #last: number | undefined;

  /** Keeps a value; beyond MAX_RUN_SAMPLES it takes the place of the oldest. */
  add(value: number): void {
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % MAX_RUN_SAMPLES;
    this.#last = value;
  }

  /** Writes `name` (the last value) and, of two values or more, `name/count`, `name/p50`, …. */
  write(name: string, figures: Map<string, number>): void {
    if (this.#last === undefined) return;
    figures.set(name, this.#last);
    if (this.#values.length < 2) return;
    const sorted = this.#values.toSorted((one, other) => one - other);
    figures.set(`${name}/count`, sorted.length);
    figures.set(`${name}/min`, at(sorted, 0));
    figures.set(`${name}/max`, at(sorted, sorted.length - 1));
    for (const [suffix, part] of PERCENTILES) {
      figures.set(`${name}/${suffix}`, percentile(sorted, part));
    }
  }
}

/** Interpolated between the two nearest ranks. */
function percentile(sorted: readonly number[], part: number): number {
  const rank = part * (sorted.length - 1);
  const below = Math.floor(rank);
  const low = at(sorted, below);
  const high = sorted[below + 1] ?? low;
  return low + (rank - below) * (high - low);
}
