/** `plateau example word-count-job`: submits the job to the batch scheduler, follows it, and prints its result. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { printNotice } from '../../../core/command/index.js';
import { PlateauError, errorMessage } from '../../../sdk/index.js';
import { readDocument } from '../../../sdk/documents/index.js';
import {
  type AttemptView,
  type BatchClient,
  JobDocument,
  type JobView,
  waitFor,
} from '../../batch/index.js';
import { findInput } from '../word-count/input.js';
import {
  type Counted,
  type CountedTask,
  type ReportOptions,
  report,
} from '../word-count/report.js';
import { environmentOf } from './environment.js';
import { batchOf, readResult, succeeded } from './results.js';

export interface WordCountJobOptions extends ReportOptions {
  readonly master: string;
  readonly batch?: string;
  readonly paths: readonly string[];
}

/**
 * Runs the job and returns the exit code that its end means.
 * @param file its document.
 * @throws PlateauError `INVALID_FLAG` when the document or a path cannot be read, `INVALID_REQUEST` with what is
 *   wrong with the document, `NOT_FOUND` without a scheduler.
 */
export async function wordCountJob(file: string, options: WordCountJobOptions): Promise<number> {
  const { master, batch, json } = options;
  const input = options.paths.map((path) => resolve(path));
  const files = filesBelow(input);
  if (files === 0) {
    printNotice(`no text files below ${options.paths.join(', ')}`);
    return 1;
  }
  const told = environmentOf({ input, master, batch });
  const document = readJob(textOf(file), { file, told });
  const locate = (): Promise<BatchClient> => batchOf(told);
  const client = await locate();
  const job = await client.submit(document);
  printNotice(`submitted ${job.name}: ${job.completions} tasks`);
  const waiting = { json: false, follow: !json, locate, cancelsOnInterrupt: true };
  const code = await waitFor(job, waiting);
  if (code !== 0) return code;
  const { text, tasks } = await resultOf(client, job);
  report({ text, files, tasks }, options);
  return 0;
}

function filesBelow(paths: readonly string[]): number {
  try {
    return findInput(paths).length;
  } catch (error) {
    throw new PlateauError('INVALID_FLAG', `the input cannot be counted: ${errorMessage(error)}`);
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new PlateauError('INVALID_FLAG', `${file} cannot be read: ${errorMessage(error)}`);
  }
}

/** What the reduce task has found, and the tasks that took part. */
async function resultOf(client: BatchClient, job: JobView): Promise<Omit<Counted, 'files'>> {
  const maps = await succeeded(client, job.name, 'map');
  const [reduce, ...others] = await succeeded(client, job.name, 'reduce');
  if (reduce === undefined || others.length > 0) throw new Error('one task has to add up');
  const text = await readResult(reduce);
  const mappedAt = Math.max(...maps.map(({ endedAt = 0 }) => endedAt));
  const tasks = [
    ...maps.map((map) => taskOf(map, `map-${map.index}`, job.submittedAt)),
    taskOf(reduce, 'reduce', mappedAt),
  ];
  return { text, tasks };
}

/**
 * The job of the document under a name of its own, with the environment filled in.
 * @throws PlateauError `INVALID_REQUEST` with all that is wrong, and where.
 */
export function readJob(
  text: string,
  { file, told }: { readonly file: string; readonly told: Readonly<Record<string, string>> },
): JobDocument {
  const job = readDocument(text, JobDocument, { source: file });
  job.name = `${job.name}-${randomUUID().slice(0, 8)}`;
  for (const { template } of job.steps ?? []) template.env = { ...template.env, ...told };
  return job;
}

function taskOf(attempt: AttemptView, name: string, wantedAt: number): CountedTask {
  const { taskId, launchedAt, endedAt = launchedAt, address = '' } = attempt;
  const agent = address.replace(/^https?:\/\//, '');
  const waitedMs = Math.max(0, launchedAt - wantedAt);
  return { taskId, name, agent, waitedMs, ranMs: endedAt - launchedAt };
}
