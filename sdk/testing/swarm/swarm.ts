/** Runs many seeds of a scenario on several threads, and some of them twice. */
import type { FaultPlan } from '../../../core/simulation/index.js';
import type { SeedResult } from '../run-seed.js';
import { SeedWorker } from './seed-worker.js';
import type { ScenarioSource } from './worker.js';

export interface SwarmOptions {
  readonly source: ScenarioSource;
  readonly seeds: Iterable<string>;
  /** Threads. */
  readonly jobs: number;
  /** What goes wrong with every seed; default: what each draws. */
  readonly faults?: FaultPlan;
  readonly keepsTrace?: boolean;
  /** Called with each result as it comes, in no order. */
  readonly onResult: (result: SeedResult) => void;
  /** Ends the run early. */
  readonly signal?: AbortSignal;
}

/** One seed in so many runs twice. */
const SEEDS_PER_REPETITION = 100;

/** Runs all seeds, or those until the signal comes. */
export async function runSwarm(options: SwarmOptions): Promise<void> {
  const { source, jobs, signal } = options;
  const seeds = options.seeds[Symbol.iterator]();
  const queue = { next: () => seeds.next(), count: 0 };
  const workers = Array.from({ length: jobs }, () => new SeedWorker(source));
  const stop = (): void => {
    for (const worker of workers) void worker.close();
  };
  signal?.addEventListener('abort', stop);
  try {
    if (signal?.aborted === true) return;
    await Promise.all(workers.map((worker) => work(worker, queue, options)));
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    await Promise.all(workers.map((worker) => worker.close()));
  }
}

interface SeedQueue {
  readonly next: () => IteratorResult<string>;
  count: number;
}

/** One thread takes seeds until there are none. */
async function work(worker: SeedWorker, queue: SeedQueue, options: SwarmOptions): Promise<void> {
  const { faults, keepsTrace = false, onResult } = options;
  for (let next = queue.next(); next.done !== true; next = queue.next()) {
    const isRepeated = queue.count % SEEDS_PER_REPETITION === 0;
    queue.count += 1;
    const request = { seed: next.value, keepsTrace, ...(faults !== undefined && { faults }) };
    // oxlint-disable-next-line no-await-in-loop -- one seed after the other
    const first = await worker.run(request);
    // oxlint-disable-next-line no-await-in-loop -- as above
    const again = isRepeated ? await worker.run(request) : first;
    onResult(compared(first, again));
  }
}

/** The result of a seed that ran twice: the runs must not differ. */
function compared(first: SeedResult, again: SeedResult): SeedResult {
  if (first.hash === again.hash || first.failed !== undefined) return first;
  const message =
    `the same seed gave two runs, ${first.hash} and ${again.hash}: something in the framework or the ` +
    'scenario is fixed by no seed, such as Date.now(), Math.random() or a variable of the module';
  return { ...first, failed: { message, atMs: 0 } };
}
