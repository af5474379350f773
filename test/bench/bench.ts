/** How a benchmark is described and timed. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { BenchResult } from './result.js';

export interface BenchOptions {
  /** All sizes of the grid, instead of those for which there are figures to compare with. */
  readonly isFull: boolean;
  /** The one number of agents to run with, where a benchmark has several. */
  readonly agents: number | undefined;
}

/** A named benchmark; one run reports one or more figures. */
export interface Bench {
  readonly name: string;
  run(options: BenchOptions): readonly BenchResult[] | Promise<readonly BenchResult[]>;
}

/** Milliseconds that it takes. */
export function timed(run: () => void): number {
  const startMs = performance.now();
  run();
  return performance.now() - startMs;
}

/** Samples of one figure: the first ones, which measure the compiler, are left out. */
export function sampled(
  measure: () => number,
  { warmUps = 2, rounds = 5 }: { readonly warmUps?: number; readonly rounds?: number } = {},
): number[] {
  const samples: number[] = [];
  for (let round = -warmUps; round < rounds; round++) {
    collectGarbage();
    const value = measure();
    if (round >= 0) samples.push(value);
  }
  return samples;
}

let collect: ((options?: { readonly type: 'minor' }) => void) | undefined;

/**
 * Collects garbage, so that what one sample leaves is not paid for by the next. `young`: what was made last
 * alone, as if it had been there for a while; twice, which is when V8 counts it as old.
 */
export function collectGarbage(what: 'all' | 'young' = 'all'): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the flag defines
    collect = runInNewContext('gc') as NonNullable<typeof collect>;
  }
  if (what === 'all') {
    collect();
    return;
  }
  collect({ type: 'minor' });
  collect({ type: 'minor' });
}
