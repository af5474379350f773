/** Subcommands of `plateau cron` about jobs. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import {
  type Column,
  printJson,
  printLine,
  printNotice,
  printRows,
} from '../../../core/command/index.js';
import { readDocuments } from '../../../sdk/documents/index.js';
import { PlateauError, errorMessage } from '../../../sdk/index.js';
import type { CronJobSummary, CronJobView, ScheduleView, UpcomingView } from '../api/views.js';
import type { CronClient } from '../client.js';
import { CronDocument } from '../document.js';
import { MAX_CRON_PER_PAGE, MAX_PREVIEW } from '../limits.js';
import { type CronOptions, addCronOptions, cronClient, timeText, wholeNumber } from './options.js';

export function defineJobs(command: Command): void {
  defineApply(command);
  defineList(command);
  defineShow(command);
  defineNext(command);
  defineSuspension(command);
  defineDelete(command);
}

function defineApply(command: Command): void {
  const apply = command
    .command('apply')
    .description('create the jobs of a document, or replace what they are')
    .argument('<file>', 'document in YAML or JSON; - reads standard input')
    .option(
      '--revision <n>',
      'refuse when the job is not at this revision any more; 0: only create it',
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
    );
  addCronOptions(apply).action(
    async (file: string, options: CronOptions & { readonly revision?: number }) => {
      const documents = readJobs(file);
      if (options.revision !== undefined && documents.length > 1) {
        throw invalidFlag(`--revision is of one job, and ${file} holds ${documents.length}`);
      }
      const client = await cronClient(options);
      for (const document of documents) {
        // oxlint-disable-next-line no-await-in-loop -- in the order of the file
        const applied = await client.apply(document, options.revision);
        if (options.json) printJson(applied);
        else printLine(`${applied.job.id} ${applied.change}`);
      }
    },
  );
}

/** All jobs of a file; with everything that is wrong in any, none. */
function readJobs(file: string): readonly CronDocument[] {
  const source = file === '-' ? 'stdin' : file;
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw invalidFlag(`the document ${file} cannot be read: ${errorMessage(error)}`);
  }
  return readDocuments(text, CronDocument, { source });
}

const JOB_COLUMNS: readonly Column<CronJobSummary>[] = [
  { heading: 'JOB', value: (job) => job.id },
  { heading: 'STATE', value: (job) => job.state },
  { heading: 'NEXT', value: (job) => timeText(job.nextRunAt) },
  { heading: 'ACTIVE', value: (job) => job.activeRuns, align: 'right' },
  { heading: 'SUCCEEDED', value: (job) => job.succeeded, align: 'right' },
  { heading: 'FAILED', value: (job) => job.failed, align: 'right' },
  { heading: 'SKIPPED', value: (job) => job.skipped, align: 'right' },
  { heading: 'MISSED', value: (job) => job.missed, align: 'right' },
];

interface ListOptions extends CronOptions {
  readonly prefix?: string;
  readonly label?: string;
  readonly limit: number;
}

function defineList(command: Command): void {
  addCronOptions(command.command('list').description('list jobs and when they are due next'))
    .option('--prefix <text>', 'only those whose ids begin so')
    .option('--label <name=value>', 'only those with this label')
    .option('--limit <n>', 'how many at most', wholeNumber(1, MAX_CRON_PER_PAGE), 100)
    .action(async (options: ListOptions) => {
      const { prefix, label, limit } = options;
      const client = await cronClient(options);
      const { jobs, next } = await client.list({ prefix, label, limit });
      printRows(jobs, { json: options.json, columns: JOB_COLUMNS, none: 'no jobs' });
      if (next !== undefined) printNotice(`there are more than ${limit}: --limit shows more`);
    });
}

const SCHEDULE_COLUMNS: readonly Column<ScheduleView>[] = [
  { heading: 'SCHEDULE', value: (schedule) => schedule.id },
  { heading: 'TIME', value: (schedule) => schedule.cron ?? schedule.repeat },
  { heading: 'ZONE', value: (schedule) => schedule.timezone },
  { heading: 'POLICY', value: (schedule) => schedule.concurrencyPolicy },
  { heading: 'ENABLED', value: (schedule) => (schedule.enabled ? 'yes' : 'no') },
  { heading: 'NEXT', value: (schedule) => timeText(schedule.nextRunAt) },
];

function defineShow(command: Command): void {
  addCronOptions(
    command.command('show').description('show a job and its schedules').argument('<job>'),
  ).action(async (id: string, options: CronOptions) => {
    const job = await (await cronClient(options)).show(id);
    if (options.json) printJson(job);
    else printJob(job);
  });
}

function printJob(job: CronJobView): void {
  printLine(`${job.id}  ${job.state}  revision ${job.revision}`);
  if (job.description !== undefined) printLine(job.description);
  printLine(
    `${job.activeRuns} active, ${job.succeeded} succeeded, ${job.failed} failed, ` +
      `${job.skipped} skipped, ${job.missed} missed`,
  );
  printRows(job.schedules, { json: false, columns: SCHEDULE_COLUMNS, none: 'no schedules' });
}

const NEXT_COLUMNS: readonly Column<UpcomingView>[] = [
  { heading: 'DUE', value: (one) => timeText(one.at) },
  { heading: 'LOCAL', value: (one) => one.local },
  { heading: 'ZONE', value: (one) => one.timezone },
  { heading: 'SCHEDULE', value: (one) => one.schedule },
  { heading: 'NOTE', value: (one) => one.note },
];

function defineNext(command: Command): void {
  addCronOptions(
    command.command('next').description('show when a job is due next').argument('<job>'),
  )
    .option('-n, --count <n>', 'how many times', wholeNumber(1, MAX_PREVIEW), 10)
    .action(async (id: string, options: CronOptions & { readonly count: number }) => {
      const { next } = await (await cronClient(options)).next(id, options.count);
      printRows(next, { json: options.json, columns: NEXT_COLUMNS, none: 'never again' });
    });
}

interface Verb {
  readonly name: string;
  readonly description: string;
  readonly act: (client: CronClient, id: string) => Promise<CronJobView>;
}

const VERBS: readonly Verb[] = [
  {
    name: 'suspend',
    description: 'no schedule of a job is due until it is resumed; runs go on',
    act: (client, id) => client.suspend(id),
  },
  {
    name: 'resume',
    description: 'end a suspension; what was due meanwhile is not run',
    act: (client, id) => client.resume(id),
  },
];

function defineSuspension(command: Command): void {
  for (const { name, description, act } of VERBS) {
    addCronOptions(command.command(name).description(description).argument('<job>')).action(
      async (id: string, options: CronOptions) => {
        const job = await act(await cronClient(options), id);
        if (options.json) printJson(job);
        else printNotice(`${job.id} is ${job.state}`);
      },
    );
  }
}

function defineDelete(command: Command): void {
  addCronOptions(
    command.command('delete').description('delete a job with its history').argument('<job>'),
  )
    .option('--stop-runs', 'end the runs of it that are not over', false)
    .action(async (id: string, options: CronOptions & { readonly stopRuns: boolean }) => {
      await (await cronClient(options)).delete(id, { stopRuns: options.stopRuns });
      if (options.json) printJson({ id, deleted: true });
      else printNotice(`${id} is deleted`);
    });
}

function invalidFlag(message: string): PlateauError {
  return new PlateauError('INVALID_FLAG', message);
}
