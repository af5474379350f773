/** `plateau batch run`: submits a job and waits for it, with its output if asked for. */
import type { Command } from 'commander';
import { constants } from 'node:os';
import { PlateauError } from '../../../sdk/index.js';
import {
  EXIT_CODES,
  type Progress,
  SIGNAL_EXIT_BASE,
  printJson,
  printNotice,
  startProgress,
} from '../../../core/command/index.js';
import type { BatchClient } from '../client.js';
import type { AttemptView, JobSummary, JobView } from '../views.js';
import { type DocumentOptions, addDocumentOptions, readJobs } from './document-input.js';
import { followJob } from './job-follower.js';
import { type BatchOptions, addBatchOptions, batchClient } from './options.js';
import { BatchOutputFollower } from './output-follower.js';

/** Of a job that took longer than it may, as of `timeout`. */
export const DEADLINE_EXIT_CODE = 124;
/** After this time without a task the user is told why. */
const WAITING_HINT_MS = 5_000;
/** Failed indexes that are named at the end. */
const MAX_NAMED_FAILURES = 10;

interface RunOptions extends BatchOptions, DocumentOptions {
  readonly follow: boolean;
}

export function defineRun(command: Command): void {
  const run = command.command('run').description('run a job and wait for its end');
  addBatchOptions(addDocumentOptions(run))
    .option('-f, --follow', 'print the output of its tasks, each line prefixed', false)
    .action(async (file: string | undefined, options: RunOptions) => {
      process.exitCode = await runJob(file, options);
    });
}

/** Submits the job and returns the exit code that its end means. */
async function runJob(file: string | undefined, options: RunOptions): Promise<number> {
  const [document, ...others] = readJobs(file, options);
  if (others.length > 0) {
    throw new PlateauError('INVALID_FLAG', 'run takes one job: use submit for several');
  }
  const locate = (): Promise<BatchClient> => batchClient(options);
  const job = await (await locate()).submit(document);
  printNotice(`submitted ${job.name}: ${job.completions} indexes`);
  return await waitFor(job, { ...options, locate, cancelsOnInterrupt: true });
}

export interface WaitOptions {
  readonly json: boolean;
  readonly follow: boolean;
  readonly locate: () => Promise<BatchClient>;
  /** Whether Ctrl-C ends the job, or only the waiting. */
  readonly cancelsOnInterrupt: boolean;
}

/** Waits for a job, showing how it gets on, and returns the exit code that its end means. */
export async function waitFor(job: JobView, options: WaitOptions): Promise<number> {
  const { json, follow, locate } = options;
  const progress = json ? undefined : startProgress(job.name, job.completions);
  const hasPrefix = job.completions > 1;
  const write = (print: () => void): void =>
    progress === undefined ? print() : progress.above(print);
  const follower = follow ? new BatchOutputFollower({ hasPrefix, write }) : undefined;
  const failures = new Failures();
  const interruption = onInterrupt(job.name, options);
  const hint = setTimeout(() => void hintAtWaiting(job.name, locate), WAITING_HINT_MS);
  try {
    const ended = await followJob({
      name: job.name,
      attempts: true,
      locate,
      signal: interruption.signal,
      onEvent: (event) => {
        if (event.kind === 'job') {
          if (event.job.active > 0 || event.job.finishedAt !== undefined) clearTimeout(hint);
          show(progress, event.job);
        } else {
          clearTimeout(hint);
          follower?.noted(event.attempt);
          failures.noted(event.attempt);
        }
      },
    });
    await follower?.finished();
    progress?.dispose();
    if (json) printJson(await (await locate()).show(job.name));
    else report(ended, failures);
    return interruption.isCancelled ? EXIT_CODES.interrupted : exitCodeOf(ended, failures);
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    return EXIT_CODES.interrupted;
  } finally {
    clearTimeout(hint);
    interruption.dispose();
    follower?.dispose();
    progress?.dispose();
  }
}

function show(progress: Progress | undefined, job: JobSummary): void {
  const { succeeded, failed, cancelled, active, waiting } = job;
  const words = [`${active} running`];
  if (waiting > 0) words.push(`${waiting} to be tried again`);
  if (failed > 0) words.push(`${failed} failed`);
  progress?.update(succeeded + failed + cancelled, words.join(', '));
}

/** The last failed attempt of each of a few indexes. */
class Failures {
  readonly #byIndex = new Map<string, AttemptView>();

  noted(attempt: AttemptView): void {
    const key = `${attempt.step}.${attempt.index}`;
    if (attempt.endedAt === undefined || attempt.end === 'success') this.#byIndex.delete(key);
    else if (this.#byIndex.size < MAX_NAMED_FAILURES || this.#byIndex.has(key)) {
      this.#byIndex.set(key, attempt);
    }
  }

  get all(): readonly AttemptView[] {
    return [...this.#byIndex.values()];
  }
}

function report(job: JobSummary, failures: Failures): void {
  if (job.state !== 'SUCCEEDED') {
    for (const { step, index, attempt, message, reason } of failures.all) {
      const where = step === '' ? `${index}` : `${step}.${index}`;
      const why = [message, reason].filter(Boolean).join(', ');
      printNotice(`index ${where}, attempt ${attempt}: ${why}`);
    }
  }
  const why = [job.reason, job.message].filter(Boolean).join(': ');
  printNotice(`${job.name} ${job.state}${why === '' ? '' : ` (${why})`}`);
  if (job.replaced > 0) {
    printNotice(
      `${job.replaced} tasks were replaced while out of reach: their work may be done twice`,
    );
  }
}

/** The exit code that the end of a job means; of a single task, its own. */
export function exitCodeOf(
  job: JobSummary,
  failures: { readonly all: readonly AttemptView[] },
): number {
  if (job.state === 'SUCCEEDED') return EXIT_CODES.success;
  if (job.reason === 'DeadlineExceeded') return DEADLINE_EXIT_CODE;
  const [only] = failures.all;
  if (job.completions > 1 || only === undefined) return EXIT_CODES.failure;
  if (only.limit === 'time') return DEADLINE_EXIT_CODE;
  if (only.exitCode !== undefined && only.exitCode > 0) return only.exitCode;
  const signal = Object.entries(constants.signals).find(([name]) => name === only.signal)?.[1];
  return signal === undefined ? EXIT_CODES.failure : SIGNAL_EXIT_BASE + signal;
}

interface Interruption {
  readonly signal: AbortSignal;
  readonly isCancelled: boolean;
  dispose(): void;
}

/** The first Ctrl-C cancels the job, and its end is waited for; the next one leaves at once. */
function onInterrupt(name: string, { locate, cancelsOnInterrupt }: WaitOptions): Interruption {
  const abort = new AbortController();
  let isCancelled = false;
  const handle = (): void => {
    if (isCancelled || !cancelsOnInterrupt) {
      abort.abort();
      return;
    }
    isCancelled = true;
    printNotice(`cancelling ${name} (again to leave at once)`);
    void cancel(name, locate);
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return {
    signal: abort.signal,
    get isCancelled() {
      return isCancelled;
    },
    dispose: () => {
      process.off('SIGINT', handle);
      process.off('SIGTERM', handle);
    },
  };
}

async function cancel(name: string, locate: () => Promise<BatchClient>): Promise<void> {
  try {
    await (await locate()).cancel(name);
  } catch (error) {
    printNotice(`${name} could not be cancelled: ${error instanceof Error ? error.message : ''}`);
  }
}

async function hintAtWaiting(name: string, locate: () => Promise<BatchClient>): Promise<void> {
  try {
    const { waiting } = await (await locate()).why(name);
    for (const { message } of waiting) printNotice(`${name} waits: ${message}`);
  } catch {
    // The stream tells of a scheduler that is not there.
  }
}
