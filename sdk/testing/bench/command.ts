/** `plateau simulate --bench`: what a framework takes of the processor, as a table or as JSON. */
import { PlateauError } from '../../../core/base/index.js';
import {
  type Column,
  EXIT_CODES,
  type Progress,
  formatSpan,
  printJson,
  printLine,
  printNotice,
  renderTable,
  startProgress,
} from '../../../core/command/index.js';
import { durationMs } from '../../decisions/index.js';
import { isDuration } from '../../framework/index.js';
import { untilStopped } from '../commands/until-stopped.js';
import { wholeNumber } from '../commands/whole-number.js';
import type { Scenario } from '../scenario.js';
import { type BenchFigures, type LatencyFigures, WARM_UP_RUNS, benchScenario } from './bench.js';

/** The flags of `simulate` that belong to `--bench`. */
export interface BenchFlags {
  readonly agents?: string;
  readonly for: string;
  readonly runs: string;
  readonly json: boolean;
}

/** Agents of one cluster at most. */
export const MAX_BENCH_AGENTS = 10_000;
/** Runs of one cluster that count, at most. */
export const MAX_BENCH_RUNS = 1_000;
/** Sizes of a cluster when neither the scenario nor the flag says one. */
const DEFAULT_AGENTS = [100, 1_000];

const CAVEAT =
  'Figures of two machines do not compare, nor those of a busy and an idle one: measure the old and the new ' +
  'code on one machine, in turn and more than once.';

export async function benchModule(
  { scenario, module, seed }: { scenario: Scenario; module: string; seed: string },
  flags: BenchFlags,
): Promise<void> {
  const forMs = spanOf(flags.for);
  const runs = wholeNumber('runs', flags.runs, { from: 1, to: MAX_BENCH_RUNS });
  const agents = agentsOf(flags.agents, scenario);
  const total = agents.length * (WARM_UP_RUNS + runs);
  const progress: Progress = startProgress('runs', total);
  let figures: readonly BenchFigures[] = [];
  let ran = 0;
  const { isStopped } = await untilStopped(async (signal) => {
    const onRun = (): void => progress.update(++ran);
    try {
      figures = await benchScenario(scenario, { agents, seed, forMs, runs, onRun, signal });
    } finally {
      progress.dispose();
    }
  });
  if (flags.json) {
    const settings = { module, seed, forMs, runs, warmUpRuns: WARM_UP_RUNS, isStopped };
    printJson({ ...settings, note: CAVEAT, figures });
  } else {
    printLine(`${module}, seed ${seed}: ${runs} runs of ${formatSpan(forMs)} each, no faults`);
    for (const table of tables(figures)) printLine(`\n${table}`);
    printNotice(`\n${CAVEAT}`);
  }
  process.exitCode = isStopped ? EXIT_CODES.interrupted : EXIT_CODES.success;
}

function spanOf(text: string): number {
  const spanMs = isDuration(text) ? durationMs(text) : 0;
  if (spanMs > 0) return spanMs;
  const message = `--for is '${text}': it must be a length of time, such as 10m`;
  throw new PlateauError('INVALID_FLAG', message, { context: { flag: 'for' } });
}

/** `undefined` stands for the agents of the scenario. */
function agentsOf(flag: string | undefined, scenario: Scenario): readonly (number | undefined)[] {
  if (flag === undefined) return scenario.agents === undefined ? DEFAULT_AGENTS : [undefined];
  return flag.split(',').map((text) => {
    return wholeNumber('agents', text.trim(), { from: 1, to: MAX_BENCH_AGENTS });
  });
}

function tables(figures: readonly BenchFigures[]): readonly string[] {
  if (figures.length === 0) return [];
  const rounds = figures.flatMap(({ agents, latencies }) =>
    latencies.map((each): AgentLatency => ({ ...each, agents })),
  );
  return [renderTable(FIGURES, figures), renderTable(LATENCIES, rounds)];
}

const FIGURES: readonly Column<BenchFigures>[] = [
  right('AGENTS', ({ agents }) => grouped(agents)),
  right('OFFERS', ({ offers }) => grouped(offers)),
  right('OFFERS/S', ({ offersPerSecond }) => grouped(offersPerSecond)),
  right('LAUNCHES', ({ launches }) => grouped(launches)),
  right('UPDATES', ({ updates }) => grouped(updates)),
  right('UPDATES/S', ({ updatesPerSecond }) => grouped(updatesPerSecond)),
  right('SPEED', ({ speed }) => `${grouped(Math.round(speed))} x`),
  right('HEAP', ({ heapMiB }) => `${heapMiB.toFixed(0)} MiB`),
];

interface AgentLatency extends LatencyFigures {
  readonly agents: number;
}

const LATENCIES: readonly Column<AgentLatency>[] = [
  right('AGENTS', ({ agents }) => grouped(agents)),
  right('OFFERS IN ROUND', ({ leastOffers, mostOffers }) =>
    leastOffers === mostOffers ? `${leastOffers}` : `${leastOffers}-${mostOffers}`,
  ),
  right('ROUNDS', ({ rounds }) => grouped(rounds)),
  right('P50', ({ p50Ms }) => milliseconds(p50Ms)),
  right('P90', ({ p90Ms }) => milliseconds(p90Ms)),
  right('P99', ({ p99Ms }) => milliseconds(p99Ms)),
  right('MAX', ({ maxMs }) => milliseconds(maxMs)),
];

function right<Row>(heading: string, value: (row: Row) => string | undefined): Column<Row> {
  return { heading, value, align: 'right' };
}

function grouped(value: number | undefined): string | undefined {
  return value?.toLocaleString('en');
}

function milliseconds(value: number): string {
  return `${value.toFixed(3)} ms`;
}
