/** What benchmarks report, and how it is printed. */

/** One figure. */
export interface BenchResult {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What was measured, in a few words. */
  readonly note?: string;
  /** A published figure of the same kind, with its source, to read ours beside. */
  readonly anchor?: string;
}

/** The value below which `part` (0 to 1) of the samples are. */
export function percentile(samples: readonly number[], part: number): number {
  const sorted = samples.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}
