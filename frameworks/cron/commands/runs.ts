/** Subcommands of `plateau cron` about runs. */
import { type Command, InvalidArgumentError } from 'commander';
import {
  type Column,
  EXIT_CODES,
  printJson,
  printLine,
  printNotice,
  printRows,
} from '../../../core/command/index.js';
import type { RunView } from '../api/views.js';
import type { CronClient } from '../client.js';
import { MAX_CRON_PER_PAGE } from '../limits.js';
import { type CronOptions, addCronOptions, cronClient, timeText, wholeNumber } from './options.js';

export function defineRuns(command: Command): void {
  defineRun(command);
  defineHistory(command);
  defineStop(command);
}

interface RunOptions extends CronOptions {
  readonly env: readonly string[];
  readonly args: readonly string[];
  readonly key?: string;
  readonly wait: boolean;
}

function defineRun(command: Command): void {
  const run = command
    .command('run')
    .description('run a job now, whatever its schedules and its other runs')
    .argument('<job>')
    .option('--env <name=value...>', 'variables beside, or instead of, those of the job', [])
    .option('--args <word...>', 'arguments behind those of the command', [])
    .option('--key <key>', 'makes a repetition of the same request harmless')
    .option('--wait', 'wait for its end, and end with 1 if it fails', false);
  addCronOptions(run).action(async (id: string, options: RunOptions) => {
    const { env, args, key } = options;
    const client = await cronClient(options);
    const started = await client.run(id, {
      ...(env.length === 0 ? {} : { env: Object.fromEntries(env.map(variable)) }),
      ...(args.length === 0 ? {} : { args }),
      key,
    });
    if (!options.wait) {
      if (options.json) printJson(started);
      else printLine(started.id);
      return;
    }
    const ended = await endOfRun(client, started);
    if (options.json) printJson(ended);
    else printNotice(`${ended.id} has ${ended.state}${whyText(ended)}`);
    if (ended.state !== 'succeeded') process.exitCode = EXIT_CODES.failure;
  });
}

const POLL_MS = 500;

/** The run when it is over. */
async function endOfRun(client: CronClient, started: RunView): Promise<RunView> {
  let run = started;
  while (run.endedAt === undefined) {
    // oxlint-disable-next-line no-await-in-loop -- it is asked for again until it is over
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    // oxlint-disable-next-line no-await-in-loop -- as above
    run = await client.showRun(run.job, run.id);
  }
  return run;
}

const RUN_COLUMNS: readonly Column<RunView>[] = [
  { heading: 'RUN', value: (run) => run.id },
  { heading: 'STATE', value: (run) => run.state },
  { heading: 'DUE', value: (run) => timeText(run.dueAt) },
  { heading: 'STARTED', value: (run) => timeText(run.startedAt) },
  { heading: 'ENDED', value: (run) => timeText(run.endedAt) },
  { heading: 'REASON', value: (run) => whyText(run).replace(/^: /, '') },
];

interface HistoryOptions extends CronOptions {
  readonly state?: string;
  readonly limit: number;
}

function defineHistory(command: Command): void {
  addCronOptions(
    command
      .command('history')
      .description('list runs of a job and what was passed over, the newest first')
      .argument('<job>'),
  )
    .option('--state <state>', 'only those in this state, such as failed or missed')
    .option('--limit <n>', 'how many at most', wholeNumber(1, MAX_CRON_PER_PAGE), 100)
    .action(async (id: string, options: HistoryOptions) => {
      const { state, limit } = options;
      const { runs, next } = await (await cronClient(options)).runs(id, { state, limit });
      printRows(runs, { json: options.json, columns: RUN_COLUMNS, none: 'no runs' });
      if (next !== undefined) printNotice(`there are more than ${limit}: --limit shows more`);
    });
}

function defineStop(command: Command): void {
  addCronOptions(
    command.command('stop').description('end a run').argument('<job>').argument('<run>'),
  ).action(async (id: string, runId: string, options: CronOptions) => {
    const run = await (await cronClient(options)).stop(id, runId);
    if (options.json) printJson(run);
    else printNotice(`${run.id} is being ended`);
  });
}

function whyText({ reason, message, count, isMore }: RunView): string {
  const many =
    count === undefined ? undefined : `${count}${isMore === true ? ' or more' : ''} times`;
  const why = [reason, message, many].filter((each) => each !== undefined).join(', ');
  return why === '' ? '' : `: ${why}`;
}

function variable(text: string): readonly [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError(`--env ${text}: it must be NAME=VALUE`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}
