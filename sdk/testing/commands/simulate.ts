/** `plateau simulate`: a scenario, or a framework, under the faults of many seeds. */
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { PlateauError } from '../../../core/base/index.js';
import { EXIT_CODES, printJson, printLine } from '../../../core/command/index.js';
import { loadModule, moduleUrl, splitSpecifier } from '../../hosting/index.js';
import { scenarioIn } from '../scenario.js';
import { readFaults } from '../swarm/fault-list.js';
import { Report } from '../swarm/report.js';
import { MAX_SHRINK_TRIES, shrinkFailure } from '../swarm/shrink.js';
import { runSwarm } from '../swarm/swarm.js';

interface Options {
  readonly seeds: string;
  readonly from: string;
  readonly seed?: string;
  readonly faults?: string;
  readonly jobs?: string;
  readonly shrink: boolean;
  readonly json: boolean;
  readonly trace: boolean;
}

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
    .action((module: string, options: Options) => simulateModule(module, options));
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

/** Runs until done or until the first Ctrl-C; a second one ends the process. */
async function untilStopped(
  run: (signal: AbortSignal) => Promise<void>,
): Promise<{ readonly isStopped: boolean }> {
  const controller = new AbortController();
  const stop = (): void => {
    // oxlint-disable-next-line unicorn/no-process-exit -- the second request means: now
    if (controller.signal.aborted) process.exit(EXIT_CODES.interrupted);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    await run(controller.signal);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
  return { isStopped: controller.signal.aborted };
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

function wholeNumber(
  flag: string,
  text: string,
  range: { readonly from: number; readonly to: number },
): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= range.from && value <= range.to) return value;
  throw new PlateauError(
    'INVALID_FLAG',
    `--${flag} is '${text}': it must be a whole number from ${range.from} to ${range.to}`,
    { context: { flag } },
  );
}
