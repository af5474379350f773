/**
 * How much faster than real time a simulated cluster goes: the real master, allocator and agents, four
 * frameworks with two tasks for each agent, which ask for no offers while they want none. What costs is
 * what happens: so tasks that stay are measured, and tasks that end and are replaced, all of their updates
 * acknowledged. Messages travel as objects, and through the codec.
 */
import {
  SimulatedCluster,
  type SimulatedScheduler,
  type WireForm,
} from '../../core/simulation/index.js';
import { type Bench, collectGarbage } from './bench.js';
import type { BenchResult } from './result.js';

const FRAMEWORKS = 4;
const TASKS_PER_AGENT = 2;
const STEP_MS = 1000;
const WARM_UP_MS = 60_000;

/** The lives of the tasks, and how long they are looked at. */
const LOADS = [
  { lives: 'that stay', command: 'hang', measuredMs: 1_800_000 },
  { lives: 'of about 5 min', command: 'run about 5m then exit 0', measuredMs: 900_000 },
  { lives: 'of about 30 s', command: 'run about 30s then exit 0', measuredMs: 300_000 },
] as const;

type Load = (typeof LOADS)[number];

const AGENTS = [100, 1_000] as const;

export const SIMULATOR: Bench = {
  name: 'Simulator',
  async run({ agents }) {
    const results: BenchResult[] = [];
    for (const count of agents === undefined ? AGENTS : [agents]) {
      for (const load of LOADS) {
        for (const wire of ['objects', 'json'] as const) {
          // oxlint-disable-next-line no-await-in-loop -- one after the other, or they disturb each other
          results.push(await measure(count, load, wire));
        }
      }
    }
    return results;
  },
};

async function measure(agents: number, load: Load, wire: WireForm): Promise<BenchResult> {
  collectGarbage();
  const cluster = new SimulatedCluster({ seed: 'bench', agents, wire });
  const schedulers = Array.from({ length: FRAMEWORKS }, (_, index) =>
    cluster.addScheduler({ name: `framework-${index}`, suppressesWhenIdle: true }),
  );
  cluster.start();
  await cluster.advance(5_000);
  const tasks = Math.round((agents * TASKS_PER_AGENT) / FRAMEWORKS);
  const work = { cluster, schedulers, tasks, command: load.command };
  await keepBusy(work, WARM_UP_MS);
  const { events } = cluster.summary();
  const cpuBefore = process.cpuUsage();
  // Many agents do more in less time.
  const measuredMs = (load.measuredMs * AGENTS[0]) / Math.max(AGENTS[0], agents);
  await keepBusy(work, measuredMs);
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuSeconds = (user + system) / 1e6;
  const perSecond = Math.round((cluster.summary().events - events) / cpuSeconds / 1000);
  return {
    name: `${agents} agents, ${FRAMEWORKS * tasks} tasks ${load.lives}, ${wire}`,
    value: measuredMs / 1000 / cpuSeconds,
    unit: '× real time',
    note: `per CPU second; ${perSecond},000 events in each`,
  };
}

/** Keeps the same number of tasks running, second by second. */
async function keepBusy(
  work: {
    readonly cluster: SimulatedCluster;
    readonly schedulers: readonly SimulatedScheduler[];
    readonly tasks: number;
    readonly command: string;
  },
  durationMs: number,
): Promise<void> {
  const job = { name: 'job', command: work.command, cpus: 0.5, memoryMiB: 64 };
  for (let passedMs = 0; passedMs < durationMs; passedMs += STEP_MS) {
    for (const scheduler of work.schedulers) {
      const missing = work.tasks - scheduler.unfinishedJobs;
      if (missing > 0) scheduler.addJobs(Array.from({ length: missing }, () => job));
    }
    // oxlint-disable-next-line no-await-in-loop -- time passes step by step
    await work.cluster.advance(STEP_MS);
  }
}
