/** `plateau simulate`: a scenario, or a framework, under the faults of many seeds. */
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { PlateauError } from '../../../core/base/index.js';
import { EXIT_CODES, printJson, printLine } from '../../../core/command/index.js';
import { loadModule, moduleUrl, splitSpecifier } from '../../hosting/index.js';
import { type BenchFlags, benchModule } from '../bench/command.js';
import { scenarioIn } from '../scenario.js';
import { readFaults } from '../swarm/fault-list.js';
import { Report } from '../swarm/report.js';
import { MAX_SHRINK_TRIES, shrinkFailure } from '../swarm/shrink.js';
import { runSwarm } from '../swarm/swarm.js';
import { untilStopped } from './until-stopped.js';
import { wholeNumber } from './whole-number.js';

interface Options extends BenchFlags {
  readonly seeds: string;
  readonly from: string;
  readonly seed?: string;
  readonly faults?: string;
  readonly jobs?: string;
  readonly shrink: boolean;
  readonly trace: boolean;
  readonly bench: boolean;
}

/** Flags of only one of the two things that the command does. */
const FLAGS_OF_SEEDS = ['seeds', 'from', 'faults', 'jobs', 'shrink', 'trace'];
const FLAGS_OF_BENCH = ['agents', 'for', 'runs'];

/** Seeds of one run at most. */
export const MAX_SEEDS = 10_000_000;
/** Threads of one run at most. */
export const MAX_JOBS = 64;

export function define(command: Command): void {
  command
    .description('try a framework under the faults of many seeds, on a simulated cluster')
    .argument(
      '<module>',
      'JavaScript module that exports a scenario, or a class with @Framework; #NAME picks one',
    )
    .option('--seeds <number>', 'how many seeds', '100')
    .option('--from <number>', 'the first seed', '1')
    .option('--seed <text>', 'this seed alone')
    .option('--faults <file>', 'what goes wrong, in place of what the seeds draw: a file, or JSON')
    .option('--jobs <number>', 'threads (default: one for each core)')
    .option('--no-shrink', 'do not look for fewer faults with which the first failing seed fails')
    .option('--json', 'print the results as JSON', false)
    .option('--trace', 'print the last events of seeds that fail', false)
    .option('--bench', 'no faults: measure what the framework takes of the processor', false)
    .option(
      '--agents <numbers>',
      'with --bench: sizes of the cluster (default: of the scenario, or 100,1000)',
    )
    .option('--for <duration>', 'with --bench: virtual time of a run', '10m')
    .option('--runs <number>', 'with --bench: runs that count, after those that warm up', '5')
    .action((module: string, options: Options) => {
      checkFlags(command, options);
      return options.bench ? bench(module, options) : simulateModule(module, options);
    });
}

/** @throws PlateauError `INVALID_FLAG` for a flag without any effect. */
function checkFlags(command: Command, { bench: isBench }: Options): void {
  for (const name of isBench ? FLAGS_OF_SEEDS : FLAGS_OF_BENCH) {
    if (command.getOptionValueSource(name) !== 'cli') continue;
    const flag = name === 'shrink' ? 'no-shrink' : name;
    const reason = isBench ? 'has no effect with --bench: leave it out' : 'needs --bench';
    throw new PlateauError('INVALID_FLAG', `--${flag} ${reason}`, { context: { flag } });
  }
}

async function bench(module: string, options: Options): Promise<void> {
  const { path, name } = splitSpecifier(module);
  const scenario = scenarioIn(await loadModule(path), { module, name });
  await benchModule({ scenario, module, seed: options.seed ?? options.from }, options);
}

async function simulateModule(module: string, options: Options): Promise<void> {
  const seeds = new Seeds(options);
  const faults = options.faults === undefined ? undefined : readFaults(options.faults);
  const jobs = Math.min(
    wholeNumber('jobs', options.jobs ?? `${availableParallelism()}`, { from: 1, to: MAX_JOBS }),
    seeds.count,
  );
  const { path, name } = splitSpecifier(module);
  const source = { module, url: moduleUrl(path), name };
  // Errors of the module are told once, before any thread begins.
  scenarioIn(await loadModule(path), source);
  const report = new Report({ module, faults: options.faults, total: seeds.count });
  const given = faults === undefined ? {} : { faults };
  const { isStopped } = await untilStopped(async (signal) => {
    await runSwarm({
      ...given,
      source,
      seeds,
      jobs,
      signal,
      keepsTrace: options.trace,
      onResult: (result) => report.add(result, !options.json),
    });
    report.ran();
    const [first] = report.failures;
    if (!options.shrink || first === undefined || first.faults.length === 0) return;
    const progress = report.startShrinking(first.seed, MAX_SHRINK_TRIES);
    try {
      report.shrunk = await shrinkFailure({ source, failure: first, signal, progress });
    } finally {
      progress.dispose();
    }
  });
  report.close();
  if (options.json) printJson(report.toJson(isStopped));
  else for (const line of report.lines(isStopped)) printLine(line);
  process.exitCode = exitCode(isStopped, report.failures.length);
}

function exitCode(isStopped: boolean, failures: number): number {
  if (failures > 0) return EXIT_CODES.failure;
  return isStopped ? EXIT_CODES.interrupted : EXIT_CODES.success;
}

/** The seeds of a run: one that is named, or numbers from one on. */
class Seeds implements Iterable<string> {
  readonly count: number;
  readonly #from: number;
  readonly #only: string | undefined;

  constructor({ seed, seeds, from }: Options) {
    this.#only = seed;
    this.#from = wholeNumber('from', from, { from: 0, to: Number.MAX_SAFE_INTEGER - MAX_SEEDS });
    this.count = seed === undefined ? wholeNumber('seeds', seeds, { from: 1, to: MAX_SEEDS }) : 1;
  }

  *[Symbol.iterator](): Iterator<string> {
    if (this.#only !== undefined) {
      yield this.#only;
      return;
    }
    for (let index = 0; index < this.count; index++) yield String(this.#from + index);
  }
}
