/** What benchmarks report, and how it is printed. */

/** One figure. */
export interface BenchResult {
  readonly name: string;
  /** The median where there are several samples. */
  readonly value: number;
  readonly unit: string;
  /** The smallest and the largest sample. */
  readonly spread?: readonly [smallest: number, largest: number] | undefined;
  /** What was measured, in a few words. */
  readonly note?: string | undefined;
  /** A published figure of the same kind, with its source, to read ours beside. */
  readonly anchor?: string | undefined;
  /** What Mesos' authors published of the same benchmark, in the same unit. */
  readonly published?: number | undefined;
  /** What a Mesos built with -O2 took on a machine with two cores, in the same unit. */
  readonly mesos?: number | undefined;
}

/** The value below which `part` (0 to 1) of the samples are. */
export function percentile(samples: readonly number[], part: number): number {
  const sorted = samples.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

/** A figure with its median and spread; milliseconds unless stated otherwise. */
export function summarise(
  name: string,
  samples: readonly number[],
  extra: Partial<BenchResult> = {},
): BenchResult {
  const spread =
    samples.length > 1 ? ([Math.min(...samples), Math.max(...samples)] as const) : undefined;
  return { name, value: percentile(samples, 0.5), unit: 'ms', spread, ...extra };
}
