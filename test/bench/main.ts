/**
 * `npm run bench`: prints a table of figures, with published ones and those of a real Mesos beside them
 * where there are any, and writes them as JSON to `bench-results/`. Machines are shared and noisy:
 * compare ratios within one run, not figures between runs.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { errorMessage } from '../../core/base/index.js';
import { printLine, printNotice, renderTable } from '../../core/command/index.js';
import { LARGE_AND_SMALL_QUOTA, MULTI_FRAMEWORK, NON_QUOTA_VS_QUOTA } from './a1.js';
import { ADD_AND_UPDATE, ALLOCATOR_BACKLOG, METRICS, UPDATE_ALLOCATION } from './a2-agents.js';
import {
  DECLINE_OFFERS,
  EXTREME_SUPPRESS_OFFERS,
  PERSISTENT_VOLUMES,
  RESOURCE_LABELS,
  SUPPRESS_OFFERS,
} from './a2-offers.js';
import { FULL_SORT, HIERARCHY_FULL_SORT } from './a3.js';
import { benchAllocation } from './allocation.js';
import { BATCH_LARGE_ARRAY, BATCH_SHORT_TASKS } from './batch.js';
import type { Bench } from './bench.js';
import { benchCluster } from './cluster.js';
import { CRON_MIDNIGHT } from './cron-midnight.js';
import { IDLE_AGENTS } from './idle.js';
import { benchLauncher } from './launcher.js';
import { OFFER_CYCLE } from './offer-cycle.js';
import { PAPER } from './paper.js';
import { benchRatio } from './ratio.js';
import type { BenchResult } from './result.js';
import { SDK_RUNTIME } from './sdk-runtime.js';
import { SDK_SIMULATION } from './sdk-simulation.js';
import { SDK_TRANSPORT } from './sdk-transport.js';
import { SDK_MATCHING } from './sdk-matching.js';
import { SIMULATOR } from './simulator.js';
import { WHY } from './why.js';
import { STATUS_UPDATES } from './updates.js';
import { IDLE_STREAMS, LARGE_STATE, POLLED_STATE } from './state.js';

/** In the order in which they run. */
const SUITES: Readonly<Record<string, readonly Bench[]>> = {
  allocation: [{ name: 'allocation', run: benchAllocation }, OFFER_CYCLE],
  a1: [MULTI_FRAMEWORK, LARGE_AND_SMALL_QUOTA, NON_QUOTA_VS_QUOTA],
  a2: [
    ADD_AND_UPDATE,
    DECLINE_OFFERS,
    RESOURCE_LABELS,
    SUPPRESS_OFFERS,
    EXTREME_SUPPRESS_OFFERS,
    METRICS,
    ALLOCATOR_BACKLOG,
    PERSISTENT_VOLUMES,
    UPDATE_ALLOCATION,
  ],
  a3: [FULL_SORT, HIERARCHY_FULL_SORT],
  why: [WHY],
  idle: [IDLE_AGENTS],
  simulator: [SIMULATOR],
  launcher: [{ name: 'launcher', run: benchLauncher }],
  cluster: [{ name: 'cluster', run: benchCluster }],
  ratio: [{ name: 'ratio', run: benchRatio }],
  updates: [STATUS_UPDATES, SDK_TRANSPORT],
  batch: [BATCH_LARGE_ARRAY, BATCH_SHORT_TASKS],
  sdk: [SDK_MATCHING, SDK_RUNTIME, SDK_SIMULATION],
  cron: [CRON_MIDNIGHT],
  state: [LARGE_STATE, POLLED_STATE, IDLE_STREAMS],
  paper: [PAPER],
};

/** Names for several suites. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  allocator: ['allocation', 'a1', 'a2', 'a3', 'why'],
};

/** Takes many minutes: it runs when it is asked for. */
const ON_REQUEST: ReadonlySet<string> = new Set(['paper']);

interface Chosen {
  readonly suite: string;
  readonly bench: Bench;
}

interface Row extends BenchResult {
  readonly suite: string;
}

const ALL: readonly Chosen[] = Object.entries(SUITES).flatMap(([suite, benches]) =>
  benches.map((bench) => ({ suite, bench })),
);

const NAMES: readonly string[] = [
  ...new Set([
    ...Object.keys(GROUPS),
    ...Object.keys(SUITES),
    ...ALL.map(({ bench }) => bench.name),
  ]),
];

const { values, positionals } = readArguments();
const wanted = positionals
  .flatMap((name) => GROUPS[name] ?? [name])
  .map((name) => name.toLowerCase());
const unknown = wanted.filter((name) => !ALL.some((chosen) => isNamed(chosen, name)));
const agents = values.agents === undefined ? undefined : Number(values.agents);
if (values.help) {
  printLine(`npm run bench -- [NAME ...] [--full] [--agents N]\n\nNAME: ${NAMES.join(', ')}`);
} else if (unknown.length > 0) {
  printNotice(`no benchmark '${unknown.join(', ')}'; there are ${NAMES.join(', ')}`);
  process.exitCode = 2;
} else if (agents !== undefined && !(Number.isInteger(agents) && agents > 0)) {
  printNotice(`--agents is '${values.agents}'; it must be a positive number`);
  process.exitCode = 2;
} else {
  await benchAll(
    ALL.filter((chosen) =>
      wanted.length === 0
        ? !ON_REQUEST.has(chosen.suite)
        : wanted.some((name) => isNamed(chosen, name)),
    ),
  );
}

function readArguments(): {
  readonly values: {
    readonly full: boolean;
    readonly help: boolean;
    readonly agents?: string | undefined;
  };
  readonly positionals: readonly string[];
} {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        full: { type: 'boolean', default: false },
        agents: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    printNotice(`${errorMessage(error)} (run with --help for all options)`);
    process.exit(2);
  }
}

function isNamed({ suite, bench }: Chosen, name: string): boolean {
  return suite === name || bench.name.toLowerCase() === name;
}

async function benchAll(chosen: readonly Chosen[]): Promise<void> {
  const results: Row[] = [];
  for (const { suite, bench } of chosen) {
    printNotice(`running ${bench.name} …`);
    // oxlint-disable-next-line no-await-in-loop -- one after the other, or they disturb each other
    const figures = await bench.run({ isFull: values.full, agents });
    for (const result of figures) results.push({ suite, ...result });
  }
  printLine(renderResults(results));
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, memoryBytes: totalmem() };
  const report = { at: new Date().toISOString(), node: process.version, machine, results };
  mkdirSync('bench-results', { recursive: true });
  const file = `bench-results/${report.at.replaceAll(':', '-')}.json`;
  writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
  printNotice(`written to ${file}`);
}

function renderResults(results: readonly Row[]): string {
  const right = 'right' as const;
  return renderTable(
    [
      { heading: 'SUITE', value: (row) => row.suite },
      { heading: 'FIGURE', value: (row) => row.name },
      { heading: 'VALUE', value: (row) => digits(row.value), align: right },
      { heading: 'LOW-HIGH', value: (row) => row.spread?.map(digits).join('-'), align: right },
      { heading: 'UNIT', value: (row) => row.unit },
      { heading: 'MESOS', value: (row) => beside(row.mesos, row.value), align: right },
      { heading: 'PUBLISHED', value: (row) => beside(row.published, row.value), align: right },
      { heading: 'WHAT', value: (row) => [row.anchor, row.note].filter(Boolean).join('; ') },
    ],
    results,
  );
}

/** Another's figure, and how many times ours it is. */
function beside(theirs: number | undefined, ours: number): string | undefined {
  return theirs === undefined ? undefined : `${theirs} (${digits(theirs / ours)}×)`;
}

function digits(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}
