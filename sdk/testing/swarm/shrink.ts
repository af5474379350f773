/** Looks for fewer and smaller faults with which a seed fails. */
import { type FaultPlan, type ShrinkResult, shrinkFaults } from '../../../core/simulation/index.js';
import type { Progress } from '../../../core/command/index.js';
import type { SeedResult } from '../run-seed.js';
import { SeedWorker } from './seed-worker.js';
import type { ScenarioSource } from './worker.js';

/** Plans that are tried at most. */
export const MAX_SHRINK_TRIES = 300;

/** A smaller plan, and how the seed fails with it. */
export interface ShrunkFailure extends ShrinkResult {
  readonly seed: string;
  readonly message: string;
}

/** Undefined when it was stopped before anything was found. */
export async function shrinkFailure({
  source,
  failure,
  signal,
  progress,
}: {
  readonly source: ScenarioSource;
  readonly failure: SeedResult;
  readonly signal: AbortSignal;
  /** Told of each try. */
  readonly progress: Progress;
}): Promise<ShrunkFailure | undefined> {
  const { seed } = failure;
  const worker = new SeedWorker(source);
  const stop = (): void => void worker.close();
  signal.addEventListener('abort', stop);
  let found: { plan: FaultPlan; message: string } = {
    plan: failure.faults,
    message: failure.failed?.message ?? '',
  };
  let tries = 0;
  const fails = async (plan: FaultPlan): Promise<boolean> => {
    if (signal.aborted) return false;
    tries += 1;
    progress.update(tries, `${found.plan.length} faults`);
    const { failed } = await worker.run({ seed, faults: plan });
    if (failed !== undefined) found = { plan, message: failed.message };
    return failed !== undefined;
  };
  try {
    const result = await shrinkFaults(failure.faults, fails, MAX_SHRINK_TRIES);
    return { ...result, seed, message: found.message };
  } catch (error) {
    if (!signal.aborted) throw error;
    return { seed, tries, isMinimal: false, ...found };
  } finally {
    signal.removeEventListener('abort', stop);
    await worker.close();
  }
}
