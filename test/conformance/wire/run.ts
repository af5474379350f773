/** Runs cases one after the other against each of some clusters, and says what came of each. */
import { errorMessage } from '../../../core/base/index.js';
import { CheckFailed, Skipped } from './lib/check.js';
import { type Target } from './lib/target.js';
import type { LoadedCase } from './load.js';

export const DEFAULT_CASE_SECONDS = 60;
/** Taking down what a case made may not hold up the others for longer. */
const FINISH_LIMIT_MS = 20_000;

export interface CaseResult {
  readonly id: string;
  readonly area: string;
  readonly title: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Why it failed or was skipped. */
  readonly reason?: string;
  readonly seconds: number;
}

export interface RunOptions {
  readonly cases: readonly LoadedCase[];
  /** Each runs one case at a time; cases are independent of each other. */
  readonly targets: readonly Target[];
  /** For cases that have no limit of their own. */
  readonly limitSeconds?: number;
  readonly onResult?: (result: CaseResult) => void;
}

/** Runs all cases; the results are in the order in which they came. */
export async function runCases(options: RunOptions): Promise<readonly CaseResult[]> {
  const { cases, targets, limitSeconds = DEFAULT_CASE_SECONDS, onResult } = options;
  const results: CaseResult[] = [];
  const left = [...cases];
  const work = async (target: Target): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      const result = await runCase(one, target, limitSeconds);
      results.push(result);
      onResult?.(result);
    }
  };
  await Promise.all(targets.map(work));
  return results;
}

async function runCase(one: LoadedCase, target: Target, limitSeconds: number): Promise<CaseResult> {
  const { id, area, title, timeout = limitSeconds } = one;
  const before = performance.now();
  const started = one.start(target);
  const failure = await within(started.run(), timeout * 1000).then(
    () => undefined,
    (error: unknown) => error ?? new Error('the case failed without a reason'),
  );
  await within(started.finish(), FINISH_LIMIT_MS).catch((error: unknown) =>
    target.note(`${id}: cleaning up: ${errorMessage(error)}`),
  );
  const seconds = (performance.now() - before) / 1000;
  const base = { id, area, title, seconds };
  if (failure === undefined) return { ...base, outcome: 'passed' };
  const outcome = isSkip(failure) ? 'skipped' : 'failed';
  return { ...base, outcome, reason: describe(failure) };
}

/** @throws CheckFailed when the work takes longer; it goes on then, and nobody waits for it. */
async function within(work: Promise<void>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    const late = new CheckFailed(`it took longer than ${limitMs / 1000} s`);
    timer = setTimeout(() => reject(late), limitMs);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Cases of further folders have a class of their own for this. */
function isSkip(error: unknown): boolean {
  return error instanceof Skipped || Object(error).constructor.name === 'Skip';
}

function describe(error: unknown): string {
  const { expected, got } = Object(error) as { expected?: unknown; got?: unknown };
  const text = error instanceof Error && error.message !== '' ? error.message : String(error);
  if (expected === undefined && got === undefined) return text;
  return `${text} (expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)})`;
}

/** One line about a case. */
export function resultLine({ id, title, outcome, reason, seconds }: CaseResult): string {
  const time = `(${seconds.toFixed(1)} s)`;
  if (outcome === 'passed') return `${id} ${title}: pass ${time}`;
  return `${id} ${title}: ${outcome === 'failed' ? 'FAIL' : 'skipped'}: ${reason ?? ''} ${time}`;
}
