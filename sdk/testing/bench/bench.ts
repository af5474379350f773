/**
 * Measures the framework of a scenario on clusters on which nothing goes wrong: some runs to warm up, which do
 * not count, and then several, all with the same seed, so that what differs is the machine.
 */
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Scenario } from '../scenario.js';
import { ScenarioRun } from '../scenario-run.js';
import { Meter } from './meter.js';

export interface BenchOptions {
  /** As many agents, one cluster after the other; undefined: those of the scenario. */
  readonly agents: readonly (number | undefined)[];
  readonly seed: string;
  /** Virtual time of a run. */
  readonly forMs: number;
  /** Runs that count, for each number of agents. */
  readonly runs: number;
  /** Called after each run, warm or not. */
  readonly onRun: () => void;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/** What is told of one number of agents. Plain data. */
export interface BenchFigures {
  readonly agents: number;
  /** Over all runs that count. */
  readonly rounds: number;
  readonly offers: number;
  readonly launches: number;
  readonly updates: number;
  /** By the time of the runtime and the handlers alone; undefined: there were none. */
  readonly offersPerSecond: number | undefined;
  readonly updatesPerSecond: number | undefined;
  /** Time from the offers given to the runtime until it has decided, those with few offers first. */
  readonly latencies: readonly LatencyFigures[];
  /** Virtual seconds in one real second, all of the cluster included. */
  readonly speed: number;
  /** In use after the last run, garbage collected. */
  readonly heapMiB: number;
}

export interface LatencyFigures {
  readonly leastOffers: number;
  readonly mostOffers: number;
  readonly rounds: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Runs that do not count, for each number of agents. */
export const WARM_UP_RUNS = 2;
/** Time passes in steps of so much: between them the run can be stopped. */
const STEP_MS = 10_000;

/** @throws what ends the framework; PlateauError `INVALID_STATE` when it was stopped. */
export async function benchScenario(
  scenario: Scenario,
  options: BenchOptions,
): Promise<readonly BenchFigures[]> {
  const figures: BenchFigures[] = [];
  for (const agents of options.agents) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, or they disturb each other
    const measured = await benchAgents(scenario, agents, options);
    if (measured === undefined) break;
    figures.push(measured);
  }
  return figures;
}

/** Undefined: it was stopped. */
async function benchAgents(
  scenario: Scenario,
  agents: number | undefined,
  options: BenchOptions,
): Promise<BenchFigures | undefined> {
  const meter = new Meter();
  let ranMs = 0;
  let last: Ran | undefined;
  for (let run = -WARM_UP_RUNS; run < options.runs; run++) {
    last = undefined;
    collectGarbage();
    // oxlint-disable-next-line no-await-in-loop -- one run after the other
    last = await runOnce(scenario, agents, { ...options, meter: run < 0 ? new Meter() : meter });
    if (last === undefined) return undefined;
    if (run >= 0) ranMs += last.realMs;
    options.onRun();
  }
  collectGarbage();
  const heapMiB = process.memoryUsage().heapUsed / 1024 ** 2;
  return figuresOf(meter, {
    agents: last?.story.cluster.agents.length ?? 0,
    speed: (options.runs * (last?.virtualMs ?? 0)) / Math.max(1, ranMs),
    heapMiB,
  });
}

interface Ran {
  /** Kept until its memory has been looked at. */
  readonly story: ScenarioRun<object>;
  readonly realMs: number;
  readonly virtualMs: number;
}

async function runOnce(
  scenario: Scenario,
  agents: number | undefined,
  { seed, forMs, signal, meter }: BenchOptions & { readonly meter: Meter },
): Promise<Ran | undefined> {
  const startMs = performance.now();
  const story = new ScenarioRun(scenario, {
    seed,
    wire: 'objects',
    hygiene: 'off',
    interceptors: [meter.interceptor],
    agents,
  });
  const { cluster } = story;
  await scenario.during?.(story);
  while (cluster.elapsedMs < forMs) {
    if (signal.aborted) return undefined;
    // oxlint-disable-next-line no-await-in-loop -- time passes step by step
    await cluster.advance(Math.min(STEP_MS, forMs - cluster.elapsedMs));
  }
  return { story, realMs: performance.now() - startMs, virtualMs: cluster.elapsedMs };
}

function figuresOf(
  meter: Meter,
  run: Pick<BenchFigures, 'agents' | 'speed' | 'heapMiB'>,
): BenchFigures {
  const { offers, roundsMs, launches, updates, updatesMs } = meter;
  const latencies = meter.rounds.map(
    ({ leastOffers, mostOffers, latencies: each }): LatencyFigures => ({
      leastOffers,
      mostOffers,
      rounds: each.count,
      p50Ms: each.percentile(50) / 1e6,
      p90Ms: each.percentile(90) / 1e6,
      p99Ms: each.percentile(99) / 1e6,
      maxMs: each.max / 1e6,
    }),
  );
  return {
    ...run,
    rounds: latencies.reduce((sum, { rounds }) => sum + rounds, 0),
    offers,
    launches,
    updates,
    offersPerSecond: perSecond(offers, roundsMs),
    updatesPerSecond: perSecond(updates, updatesMs),
    latencies,
  };
}

function perSecond(count: number, tookMs: number): number | undefined {
  return count === 0 ? undefined : Math.round((count * 1000) / tookMs);
}

let collect: (() => void) | undefined;

/** So that what one run leaves is not paid for by the next. */
function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the flag defines
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}
