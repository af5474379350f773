/**
 * The life of runs: claimed, submitted as batch jobs, followed to their ends, kept as history. A run is written
 * in the turn in which its batch job is, and before anything of it is launched.
 */
import { PlateauError } from '../../../sdk/index.js';
import { type CronJob, type Run, type RunReason, type RunState, isOver } from '../model.js';
import type { CronBook } from './cron-book.js';
import type { CronMetrics } from './metrics.js';
import type { BatchRun, RunPort } from './run-port.js';
import { documentOf } from './run-document.js';

/** What is told to those who listen. */
export interface CronEvent {
  readonly kind: 'run' | 'job';
  readonly job: string;
  readonly run?: string;
  readonly state: RunState | 'created' | 'changed' | 'deleted';
}

export interface RunBookParts {
  readonly book: CronBook;
  readonly port: RunPort;
  readonly metrics: CronMetrics;
  readonly tell: (event: CronEvent) => void;
}

export class RunBook {
  readonly #parts: RunBookParts;
  /** Until when a task of a run has to run, by the name of its batch job. */
  readonly #startBy = new Map<string, number>();

  constructor(parts: RunBookParts) {
    this.#parts = parts;
    for (const run of parts.book.allActiveRuns()) this.#watch(run);
  }

  /** When the first run has waited for too long; infinite: none waits. */
  get nextDeadlineMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const deadline of this.#startBy.values()) if (deadline < next) next = deadline;
    return next;
  }

  /** Writes the row of a run, and submits its batch job unless it has to wait for others to end. */
  claim(job: CronJob, run: Run, mustWait: boolean): Run {
    this.#put(run);
    this.#watch(run);
    return mustWait ? run : this.#submit(job, run, run.claimedMs);
  }

  /** Writes that due times were passed over. */
  passOver(run: Run): void {
    const { book, metrics } = this.#parts;
    const count = run.count ?? 1;
    const tally = book.tally(run.jobId);
    if (run.state === 'skipped') {
      metrics.skipped += count;
      book.putTally(run.jobId, { ...tally, skipped: tally.skipped + count });
    } else {
      metrics.missed += count;
      book.putTally(run.jobId, { ...tally, missed: tally.missed + count });
    }
    this.#put(run);
    this.#prune(run.jobId);
  }

  /** Ends a run that has not ended: at once if nothing of it was submitted, else when its batch job has ended. */
  end(run: Run, reason: RunReason, nowMs: number): void {
    if (run.state === 'claimed') {
      this.#finish(run, { state: 'failed', reason, message: messageOf(reason) }, nowMs);
      return;
    }
    const { book, port } = this.#parts;
    const ending: Run = { ...run, ending: run.ending ?? reason };
    this.#put(ending);
    this.#startBy.delete(run.batchJob);
    port.cancel(run.batchJob);
    const now = book.run(run.jobId, run.id);
    if (now !== undefined && !isOver(now)) this.follow(run.batchJob, nowMs);
  }

  /** Looks at a batch job that has changed. */
  follow(batchJob: string, nowMs: number): void {
    const { book, port } = this.#parts;
    const run = book.runOfBatchJob(batchJob);
    if (run === undefined || isOver(run) || run.state === 'claimed') return;
    const found = port.find(batchJob);
    if (found === undefined) {
      const message = 'its batch job is not known any more';
      this.#finish(run, { state: 'failed', reason: run.ending ?? 'JobFailed', message }, nowMs);
      return;
    }
    const seen = this.#seen(run, found);
    if (found.state !== 'waiting' && found.state !== 'running') {
      this.#finish(seen, endOf(seen, found), nowMs);
    } else if (seen !== run) {
      this.#put(seen);
    }
  }

  /** Looks at all runs that are not over: after a start. */
  followAll(nowMs: number): void {
    for (const { batchJob } of this.#parts.book.allActiveRuns()) this.follow(batchJob, nowMs);
    for (const { jobId } of this.#parts.book.allActiveRuns()) this.#release(jobId, nowMs);
  }

  /** Ends runs that have waited for a start for too long. */
  endOverdue(nowMs: number): void {
    for (const [batchJob, deadline] of this.#startBy) {
      if (deadline > nowMs) continue;
      this.#startBy.delete(batchJob);
      const run = this.#parts.book.runOfBatchJob(batchJob);
      if (run !== undefined && !isOver(run)) this.end(run, 'StartingDeadlineExceeded', nowMs);
    }
  }

  /** Forgets a run of a job that is deleted; its batch job is ended. */
  drop(run: Run): void {
    if (isOver(run)) return;
    this.#startBy.delete(run.batchJob);
    if (run.state !== 'claimed') this.#parts.port.cancel(run.batchJob);
  }

  #submit(job: CronJob, run: Run, nowMs: number): Run {
    const { port } = this.#parts;
    const starting: Run = { ...run, state: 'starting' };
    try {
      port.submit(run.batchJob, documentOf(job, run));
    } catch (error) {
      if (!(error instanceof PlateauError)) throw error;
      const end = { state: 'failed', reason: 'SubmissionRefused', message: error.message } as const;
      return this.#finish(starting, end, nowMs);
    }
    this.#put(starting);
    return starting;
  }

  /** A run as its batch job shows it. */
  #seen(run: Run, { startedMs, tasks = run.tasks }: BatchRun): Run {
    const hasStarted = startedMs !== undefined && run.startedMs === undefined;
    const isSame = !hasStarted && JSON.stringify(tasks) === JSON.stringify(run.tasks);
    if (isSame) return run;
    if (hasStarted) {
      this.#startBy.delete(run.batchJob);
      if (run.scheduleId !== undefined) this.#parts.metrics.startLag.add(startedMs - run.dueMs);
    }
    return { ...run, tasks, ...(hasStarted ? { startedMs, state: 'active' } : {}) };
  }

  #finish(run: Run, end: Pick<Run, 'state' | 'reason' | 'message'>, nowMs: number): Run {
    const { book, metrics } = this.#parts;
    const { ending: _ending, ...rest } = run;
    const over: Run = { ...rest, ...end, endedMs: nowMs };
    const tally = book.tally(run.jobId);
    if (end.state === 'succeeded') {
      metrics.succeeded++;
      book.putTally(run.jobId, {
        ...tally,
        succeeded: tally.succeeded + 1,
        lastSucceededMs: nowMs,
      });
    } else {
      metrics.failed++;
      book.putTally(run.jobId, { ...tally, failed: tally.failed + 1, lastFailedMs: nowMs });
    }
    this.#startBy.delete(run.batchJob);
    this.#put(over);
    this.#prune(run.jobId);
    this.#release(run.jobId, nowMs);
    return over;
  }

  /** Submits the run that waits for others to end, when they have. */
  #release(jobId: string, nowMs: number): void {
    const { book } = this.#parts;
    const active = book.activeRuns(jobId);
    const waiting = active.find(({ state }) => state === 'claimed');
    if (waiting === undefined || active.some(({ state }) => state !== 'claimed')) return;
    const job = book.job(jobId);
    if (job === undefined) return;
    this.#submit(job, waiting, nowMs);
  }

  /** Drops the oldest of what is over, beyond what the job keeps. */
  #prune(jobId: string): void {
    const { book, port } = this.#parts;
    const limits = book.job(jobId)?.spec.history;
    if (limits === undefined) return;
    const left = { ...limits };
    for (const run of book.runs(jobId)) {
      if (!isOver(run)) continue;
      const kind =
        run.state === 'succeeded' ? 'succeeded' : run.state === 'failed' ? 'failed' : 'passedOver';
      if (left[kind] > 0) left[kind]--;
      else {
        book.deleteRun(run);
        port.remove(run.batchJob);
      }
    }
  }

  #watch(run: Run): void {
    if (run.startByMs === undefined || run.startedMs !== undefined || run.ending !== undefined)
      return;
    this.#startBy.set(run.batchJob, run.startByMs);
  }

  #put(run: Run): void {
    this.#parts.book.putRun(run);
    this.#parts.tell({ kind: 'run', job: run.jobId, run: run.id, state: run.state });
  }
}

function endOf(run: Run, { state, message }: BatchRun): Pick<Run, 'state' | 'reason' | 'message'> {
  if (state === 'succeeded') return { state: 'succeeded', reason: undefined, message: undefined };
  const byItself = state === 'cancelled' ? 'Stopped' : 'JobFailed';
  return {
    state: 'failed',
    reason: run.ending ?? byItself,
    message: messageOf(run.ending) ?? message,
  };
}

/** What is said of a run that the scheduler itself has ended. */
function messageOf(reason: RunReason | undefined): string | undefined {
  if (reason === 'Replaced') return 'a later run takes its place';
  if (reason === 'StartingDeadlineExceeded') return 'no task of it was running by its deadline';
  return reason === 'Stopped' ? 'somebody stopped it' : undefined;
}
