/** Subcommands of `plateau batch` that look at jobs and steer them. */
import type { Command } from 'commander';
import {
  type Column,
  formatSpan,
  printJson,
  printLine,
  printNotice,
  printRows,
} from '../../../core/command/index.js';
import type { BatchClient } from '../client.js';
import type { AttemptView, IndexView, JobSummary, JobView, StepView } from '../views.js';
import { type DocumentOptions, addDocumentOptions, readJobs } from './document-input.js';
import { type BatchOptions, addBatchOptions, batchClient, wholeNumber } from './options.js';
import { waitFor } from './run.js';

interface Selecting extends BatchOptions {
  readonly step?: string;
  readonly indexes?: string;
}

export function defineJobs(command: Command): void {
  defineSubmit(command);
  defineList(command);
  defineShow(command);
  defineIndexes(command);
  defineSteering(command);
  defineThrottle(command);
  defineWait(command);
}

function defineSubmit(command: Command): void {
  const submit = command.command('submit').description('submit jobs and return');
  addBatchOptions(addDocumentOptions(submit))
    .option('--idempotency-key <key>', 'makes a repetition of the same submission harmless')
    .action(
      async (
        file: string | undefined,
        options: BatchOptions & DocumentOptions & { readonly idempotencyKey?: string },
      ) => {
        const documents = readJobs(file, options);
        const client = await batchClient(options);
        for (const document of documents) {
          // oxlint-disable-next-line no-await-in-loop -- later ones may wait for earlier ones
          const job = await client.submit(document, options.idempotencyKey);
          if (options.json) printJson(job);
          else printLine(job.name);
        }
      },
    );
}

const JOB_COLUMNS: readonly Column<JobSummary>[] = [
  { heading: 'NAME', value: (job) => job.name },
  { heading: 'STATE', value: (job) => job.state },
  { heading: 'DONE', value: (job) => `${job.succeeded}/${job.completions}`, align: 'right' },
  { heading: 'RUNNING', value: (job) => job.active, align: 'right' },
  { heading: 'FAILED', value: (job) => job.failed, align: 'right' },
  { heading: 'PRIORITY', value: (job) => job.priority, align: 'right' },
  { heading: 'SUBMITTED', value: (job) => timeText(job.submittedAt) },
  { heading: 'REASON', value: (job) => job.reason },
];

interface ListOptions extends BatchOptions {
  readonly state?: string;
  readonly label?: string;
  readonly prefix?: string;
  readonly limit: number;
}

function defineList(command: Command): void {
  addBatchOptions(command.command('list').description('list jobs, the last submitted first'))
    .option('--state <state>', 'only those in this state, such as RUNNING')
    .option('--label <name=value>', 'only those with this label')
    .option('--prefix <text>', 'only those whose names begin so')
    .option('--limit <n>', 'how many at most', wholeNumber(1), 100)
    .action(async (options: ListOptions) => {
      const client = await batchClient(options);
      const { state, label, prefix, limit } = options;
      const { jobs, next } = await client.list({ state, label, prefix, limit });
      printRows(jobs, { json: options.json, columns: JOB_COLUMNS, none: 'no jobs' });
      if (next !== undefined) printNotice(`there are more than ${limit}: --limit shows more`);
    });
}

function defineShow(command: Command): void {
  addBatchOptions(
    command.command('show').description('show a job, and what it waits for').argument('<job>'),
  ).action(async (name: string, options: BatchOptions) => {
    const client = await batchClient(options);
    const job = await client.show(name);
    const { waiting } = await client.why(name);
    if (options.json) {
      printJson({ ...job, waiting });
      return;
    }
    printJob(job);
    for (const { step, message } of waiting) {
      printLine(`  ${step === '' ? '' : `${step}: `}${message}`);
    }
  });
}

const STEP_COLUMNS: readonly Column<StepView>[] = [
  { heading: 'STEP', value: (step) => (step.name === '' ? '-' : step.name) },
  { heading: 'INDEXES', value: (step) => step.completions, align: 'right' },
  { heading: 'THROTTLE', value: (step) => step.parallelism ?? 'none', align: 'right' },
  { heading: 'RUNNING', value: (step) => step.active, align: 'right' },
  { heading: 'SUCCEEDED', value: (step) => shortened(step.completedIndexes) },
  { heading: 'FAILED', value: (step) => shortened(step.failedIndexes) },
  { heading: 'CANCELLED', value: (step) => shortened(step.cancelledIndexes) },
];

function printJob(job: JobView): void {
  const why = [job.reason, job.message].filter(Boolean).join(': ');
  printLine(`${job.name}  ${job.state}${why === '' ? '' : `  ${why}`}`);
  const { startedAt, finishedAt, failures, faults, replaced } = job;
  const took =
    startedAt === undefined || finishedAt === undefined ? '' : formatSpan(finishedAt - startedAt);
  printLine(
    `submitted ${timeText(job.submittedAt)}${took === '' ? '' : `, took ${took}`}; ` +
      `${failures} failed attempts, ${faults} faults of the infrastructure, ${replaced} replaced`,
  );
  printRows(job.steps, { json: false, columns: STEP_COLUMNS, none: '' });
}

const INDEX_COLUMNS: readonly Column<IndexView>[] = [
  { heading: 'INDEX', value: ({ step, index }) => (step === '' ? index : `${step}.${index}`) },
  { heading: 'STATE', value: (view) => view.state },
  { heading: 'ATTEMPTS', value: (view) => view.attempts, align: 'right' },
  { heading: 'END', value: (view) => endText(view.last) },
  { heading: 'TOOK', value: ({ last }) => tookText(last), align: 'right' },
  { heading: 'HOST', value: (view) => view.last?.hostname },
  { heading: 'MESSAGE', value: (view) => view.last?.message },
];

interface IndexesOptions extends BatchOptions {
  readonly step?: string;
  readonly state?: string;
  readonly limit: number;
}

function defineIndexes(command: Command): void {
  addBatchOptions(
    command
      .command('indexes')
      .description('list indexes of a job and how they ended')
      .argument('<job>'),
  )
    .option('--step <name>', 'of which step')
    .option('--state <state>', 'only those in this state, such as FAILED')
    .option('--limit <n>', 'how many at most', wholeNumber(1), 1000)
    .action(async (name: string, options: IndexesOptions) => {
      const client = await batchClient(options);
      const { step, state, limit } = options;
      const { indexes, next } = await client.indexes(name, { step, state, limit });
      printRows(indexes, { json: options.json, columns: INDEX_COLUMNS, none: 'no such indexes' });
      if (next !== undefined) printNotice(`there are more than ${limit}: --limit shows more`);
    });
}

interface Verb {
  readonly name: string;
  readonly description: string;
  readonly selects: boolean;
  readonly act: (client: BatchClient, job: string, options: Selecting) => Promise<JobView>;
}

const VERBS: readonly Verb[] = [
  {
    name: 'cancel',
    description: 'end a job, or indexes of it',
    selects: true,
    act: (client, job, { step, indexes }) => client.cancel(job, { step, indexes }),
  },
  {
    name: 'hold',
    description: 'start no more tasks of a job; those that run go on',
    selects: false,
    act: (client, job) => client.hold(job),
  },
  {
    name: 'release',
    description: 'let a held job start tasks',
    selects: false,
    act: (client, job) => client.release(job),
  },
  {
    name: 'rerun',
    description: 'run indexes anew: those that have not succeeded, or those that are named',
    selects: true,
    act: (client, job, { step, indexes }) => client.rerun(job, { step, indexes }),
  },
];

function defineSteering(command: Command): void {
  for (const { name, description, selects, act } of VERBS) {
    const verb = command.command(name).description(description).argument('<job>');
    if (selects) {
      verb
        .option('--indexes <ranges>', 'only these, such as 3-5,9')
        .option('--step <name>', 'of which step');
    }
    addBatchOptions(verb).action(async (job: string, options: Selecting) => {
      printState(await act(await batchClient(options), job, options), options);
    });
  }
  addBatchOptions(
    command.command('remove').description('drop a job that has ended').argument('<job>'),
  ).action(async (job: string, options: BatchOptions) => {
    await (await batchClient(options)).remove(job);
    if (options.json) printJson({ name: job, removed: true });
    else printNotice(`${job} is dropped`);
  });
}

interface ThrottleOptions extends BatchOptions {
  readonly step?: string;
  readonly priority?: number;
}

function defineThrottle(command: Command): void {
  addBatchOptions(
    command
      .command('throttle')
      .description('change how many tasks of a job run at one time, or its priority')
      .argument('<job>')
      .argument('[n]', "a number, 0 to start none, or 'none' for no bound"),
  )
    .option('--step <name>', 'of which step')
    .option('--priority <n>', 'the new priority', wholeNumber(-1000))
    .action(async (job: string, n: string | undefined, options: ThrottleOptions) => {
      const { step, priority } = options;
      const parallelism = n === 'none' ? null : n === undefined ? undefined : wholeNumber(0)(n);
      const client = await batchClient(options);
      printState(await client.edit(job, { step, parallelism, priority }), options);
    });
}

function defineWait(command: Command): void {
  addBatchOptions(
    command.command('wait').description('wait for the end of a job').argument('<job>'),
  )
    .option('-f, --follow', 'print the output of its tasks, each line prefixed', false)
    .action(async (name: string, options: BatchOptions & { readonly follow: boolean }) => {
      const locate = (): Promise<BatchClient> => batchClient(options);
      const job = await (await locate()).show(name);
      process.exitCode = await waitFor(job, { ...options, locate, cancelsOnInterrupt: false });
    });
}

function printState(job: JobView, { json }: BatchOptions): void {
  if (json) printJson(job);
  else printNotice(`${job.name} is ${job.state}`);
}

function endText(last: AttemptView | undefined): string | undefined {
  if (last?.end === undefined) return undefined;
  const { end, exitCode, signal, limit } = last;
  return [end, exitCode ?? signal ?? limit].filter((each) => each !== undefined).join(' ');
}

function tookText(last: AttemptView | undefined): string | undefined {
  return last?.endedAt === undefined ? undefined : formatSpan(last.endedAt - last.launchedAt);
}

function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}

function shortened(ranges: string): string {
  return ranges.length <= 40 ? ranges : `${ranges.slice(0, 39)}…`;
}
