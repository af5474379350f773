/** `plateau framework check`: whether a class would start over what is stored. Nothing is written. */
import type { Command } from 'commander';
import {
  type Column,
  EXIT_CODES,
  addFlags,
  printJson,
  printLine,
  printable,
  readFlags,
  renderTable,
} from '../../../core/command/index.js';
import { readFramework } from '../../framework/index.js';
import { type StateReport, checkState } from '../check-state.js';
import { FRAMEWORK_FLAGS } from '../flags.js';
import { loadFramework } from '../load-framework.js';
import { readOverrides } from '../overrides.js';

const ROWS = FRAMEWORK_FLAGS.filter(({ name }) => name === 'store');

interface Options {
  readonly option: readonly string[];
  readonly json: boolean;
}

/** Adds `check` to `plateau framework`. */
export function addCheck(framework: Command): void {
  const check = framework
    .command('check')
    .description('tell whether a class would start over what is stored, and change nothing')
    .argument('<module>', 'JavaScript module that exports a class with @Framework; #Name picks one')
    .option(
      '--option <name=value>',
      'replaces an option of @Framework, as when it runs; may be repeated',
      (text: string, before: readonly string[]) => [...before, text],
      [],
    )
    .option('--json', 'print the report as JSON', false);
  addFlags(check, ROWS);
  check.action((module: string, { option, json }: Options) =>
    checkModule(module, {
      overrides: readOverrides(option),
      store: readFlags(check, ROWS).required('store'),
      json,
    }),
  );
}

interface CheckOptions {
  readonly overrides: Readonly<Record<string, unknown>>;
  readonly store: string;
  readonly json: boolean;
}

async function checkModule(module: string, options: CheckOptions): Promise<void> {
  const { theClass } = await loadFramework(module);
  const definition = readFramework(theClass, { overrides: options.overrides });
  const report = await checkState(options.store, definition);
  if (options.json) printJson(report);
  else print(report);
  process.exitCode = report.isReady ? EXIT_CODES.success : EXIT_CODES.failure;
}

function print(report: StateReport): void {
  const { stored, unclaimed, problems, problemCount } = report;
  printLine(summaryOf(report));
  if (stored.length > 0) printLine(renderTable(COLUMNS, stored));
  for (const { name, values } of unclaimed) {
    const text = `'${name}' has ${countOf(values, 'value')}, and no field is @Stored('${name}')`;
    printLine(printable(`${text}: they stay as they are`));
  }
  for (const { message } of problems) printLine(printable(message));
  const others = problemCount - problems.length;
  if (others > 0) printLine(`and ${others} more`);
  printLine(
    report.isReady
      ? 'the framework would start'
      : `the framework would not start: ${countOf(problemCount, 'record')} cannot be read`,
  );
}

function summaryOf({ isNew, frameworkId, tasks, operations }: StateReport): string {
  if (isNew) return 'nothing is stored yet';
  const states = Object.entries(tasks).map(([state, count]) => `${count} ${state}`);
  return [
    `framework ${frameworkId ?? 'without an id'}`,
    `tasks: ${states.join(', ') || 'none'}`,
    `open operations: ${operations}`,
  ].join('; ');
}

type Field = StateReport['stored'][number];

const COLUMNS: readonly Column<Field>[] = [
  { heading: 'FIELD', value: ({ property }) => property },
  { heading: 'NAME', value: ({ name }) => name },
  { heading: 'STORED', value: ({ storedVersion }) => storedVersion, align: 'right' },
  { heading: 'CLASS', value: ({ version }) => version, align: 'right' },
  { heading: 'VALUES', value: ({ values }) => values, align: 'right' },
  { heading: 'TO MIGRATE', value: ({ migrated }) => migrated, align: 'right' },
  { heading: 'FAILED', value: ({ failed }) => failed, align: 'right' },
];

function countOf(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
