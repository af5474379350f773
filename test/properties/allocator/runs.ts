/**
 * How often properties are tried. `PLATEAU_PROPERTY_RUNS` is a factor: with 20 every property is tried
 * twenty times as often, and has as much more time. A failure prints its seed and path; give both to
 * `fc.assert` to see it again.
 */

/** The factor; 1 unless it is set to a positive number. */
export const RUN_FACTOR = factorOf(process.env['PLATEAU_PROPERTY_RUNS']);

/** Time for one test, in milliseconds: what mocha allows by default, times the factor. */
export const TEST_TIMEOUT_MS = 20_000 * Math.max(1, RUN_FACTOR);

/** The settings of fast-check for a property that is tried so often by default. */
export function runs(usual: number): { readonly numRuns: number } {
  return { numRuns: Math.max(1, Math.round(usual * RUN_FACTOR)) };
}

function factorOf(text: string | undefined): number {
  const factor = Number(text ?? 1);
  return Number.isFinite(factor) && factor > 0 ? factor : 1;
}
