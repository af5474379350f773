/** `plateau batch logs JOB INDEX`: the output of an attempt, as it is or as it grows. */
import type { Command } from 'commander';
import { PlateauError } from '../../../sdk/index.js';
import { printJson } from '../../../core/command/index.js';
import { readSandbox } from '../../../sdk/sandbox/index.js';
import type { BatchClient } from '../client.js';
import type { AttemptView } from '../views.js';
import { type BatchOptions, addBatchOptions, batchClient, wholeNumber } from './options.js';

interface LogsOptions extends BatchOptions {
  readonly step?: string;
  readonly attempt?: number;
  readonly stderr: boolean;
  readonly follow: boolean;
}

export function defineLogs(command: Command): void {
  addBatchOptions(
    command
      .command('logs')
      .description('print the output of an index')
      .argument('<job>')
      .argument('[index]', 'which index', wholeNumber(0), 0),
  )
    .option('--step <name>', 'of which step')
    .option('--attempt <n>', 'which attempt (default: the last)', wholeNumber(1))
    .option('--stderr', 'standard error instead of standard output', false)
    .option('-f, --follow', 'go on as it grows, until the attempt ends', false)
    .action(async (job: string, index: number, options: LogsOptions) => {
      await printLogs({ job, index }, options);
    });
}

async function printLogs(
  { job, index }: { readonly job: string; readonly index: number },
  options: LogsOptions,
): Promise<void> {
  const { step, json, stderr, follow } = options;
  const client = await batchClient(options);
  const find = (): Promise<AttemptView> => attemptOf(client, { job, index, step }, options);
  const found = await find();
  const { address, frameworkId, taskId } = found;
  if (address === undefined) {
    throw notFound(`the agent of task ${taskId} is not known any more`);
  }
  const isComplete = async (): Promise<boolean> => !follow || (await find()).endedAt !== undefined;
  const file = stderr ? 'stderr' : 'stdout';
  const parts: Buffer[] = [];
  for await (const part of readSandbox({
    address,
    frameworkId,
    executorId: taskId,
    file,
    isComplete,
  })) {
    if (json) parts.push(part);
    else process.stdout.write(part);
  }
  if (json) printJson({ ...found, file, text: Buffer.concat(parts).toString('utf8') });
}

async function attemptOf(
  client: BatchClient,
  {
    job,
    index,
    step,
  }: { readonly job: string; readonly index: number; readonly step: string | undefined },
  { attempt }: LogsOptions,
): Promise<AttemptView> {
  const { attempts, state } = await client.index(job, index, step);
  const found =
    attempt === undefined ? attempts.at(-1) : attempts.findLast((each) => each.attempt === attempt);
  if (found !== undefined) return found;
  throw notFound(
    attempts.length === 0
      ? `index ${index} of ${job} has not been started: it is ${state}`
      : `index ${index} of ${job} has no attempt ${attempt ?? 1}`,
  );
}

function notFound(message: string): PlateauError {
  return new PlateauError('NOT_FOUND', message);
}
