/** What one more task waits for in a cluster that is full and busy: see `paper-load.ts`. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Bench } from './bench.js';
import { PaperLoad, SLOTS_PER_AGENT } from './paper-load.js';
import { type BenchResult, summarise } from './result.js';

const FRAMEWORKS = 200;
const TASK_MS = 10_000;
const RUNS = 5;
/** The cluster counts as full when this part of it is in use. */
const FULL = 0.97;
const LONGEST_RAMP_UP_MS = 180_000;

/** Overheads in milliseconds that the paper's figure 10 shows, by agents. */
const PUBLISHED: ReadonlyMap<number, number> = new Map([
  [1_000, 130],
  [5_000, 170],
  [10_000, 230],
  [20_000, 380],
  [50_000, 750],
]);

export const PAPER: Bench = {
  name: 'paper',
  async run({ agents }) {
    const results: BenchResult[] = [];
    const sizes = agents === undefined ? [...PUBLISHED.keys()] : [agents];
    for (const size of sizes) {
      // oxlint-disable-next-line no-await-in-loop -- one cluster at a time
      results.push(...(await measure(size)));
    }
    return results;
  },
};

async function measure(agents: number): Promise<readonly BenchResult[]> {
  const load = await PaperLoad.start(agents, FRAMEWORKS);
  const rampUpMs = await until(() => load.running >= FULL * SLOTS_PER_AGENT * agents);
  // Tasks began all at once and end in waves: two for each slot, and they are spread out.
  await until(() => load.finished >= 2 * SLOTS_PER_AGENT * agents);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const startMs = performance.now();
  const before = { launched: load.launched, cpu: process.cpuUsage() };
  const overheads: number[] = [];
  let leastRunning = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run++) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, as in the paper
    overheads.push((await load.runSingle(TASK_MS)) - TASK_MS);
    leastRunning = Math.min(leastRunning, load.running);
  }
  const elapsedSeconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(before.cpu);
  const launched = load.launched - before.launched;
  load.stop();
  const name = `${agents} agents x ${FRAMEWORKS} frameworks`;
  const mean = overheads.reduce((sum, each) => sum + each, 0) / RUNS;
  const used = Math.round((100 * leastRunning) / (SLOTS_PER_AGENT * agents));
  return [
    {
      ...summarise(`task overhead, ${name}`, overheads, { published: PUBLISHED.get(agents) }),
      value: mean,
      note: `mean of ${RUNS}; at least ${used} % of slots in use, filled in ${Math.round(rampUpMs / 1000)} s`,
    },
    { name: `launches, ${name}`, value: launched / elapsedSeconds, unit: '/s' },
    {
      name: `processor, ${name}`,
      value: (user + system) / 1e4 / elapsedSeconds,
      unit: '% of a core',
      note: 'master, agents and schedulers',
    },
    {
      name: `processor per task, ${name}`,
      value: (user + system) / 1000 / launched,
      unit: 'ms',
    },
    { name: `event loop delay p99, ${name}`, value: delay.percentile(99) / 1e6, unit: 'ms' },
  ];
}

/** Waits until it is so; returns how long that took. */
async function until(isSo: () => boolean): Promise<number> {
  const startMs = performance.now();
  while (!isSo()) {
    if (performance.now() - startMs > LONGEST_RAMP_UP_MS) {
      throw new Error(`the cluster was not full after ${LONGEST_RAMP_UP_MS / 1000} s`);
    }
    // oxlint-disable-next-line no-await-in-loop -- that is waiting
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return performance.now() - startMs;
}
