/**
 * The cron scheduler without I/O: what is due, runs, and what operators ask for. Time comes with each call. All
 * that has changed is in the repositories when a method returns; what throws has changed nothing that is
 * not undone with its turn.
 */
import { checkShape } from '../../../sdk/framework/index.js';
import { refuse } from '../../../sdk/index.js';
import { JobDocument } from '../../batch/index.js';
import { MAX_ACTIVE_RUNS, MAX_CRON_JOBS, MAX_DUE_TURN_MS } from '../limits.js';
import {
  type CronJob,
  type CronSpec,
  type Run,
  type RunOverrides,
  type Schedule,
  batchNameOf,
  demandedRunId,
  isOver,
} from '../model.js';
import { preview } from '../schedule/timetable.js';
import { CronBook, type CronState } from './cron-book.js';
import { DueBook } from './due-book.js';
import { CronMetrics } from './metrics.js';
import { type CronEvent, RunBook } from './run-book.js';
import { documentOf } from './run-document.js';
import type { RunPort } from './run-port.js';

export interface CronEngineParts {
  readonly state: CronState;
  readonly port: RunPort;
  /** Never goes back; tells how long a turn takes. */
  readonly elapsed: () => number;
  readonly nowMs: number;
}

export interface UpcomingRun {
  readonly scheduleId: string;
  readonly dueMs: number;
}

/** What is kept beside the repositories. */
interface Loaded {
  readonly book: CronBook;
  readonly runs: RunBook;
  readonly due: DueBook;
}

/** What an edit expects to find. */
export interface EditOptions {
  /** Of the job as the editor has seen it; another one is refused. */
  readonly revision?: number | undefined;
}

export class CronEngine {
  readonly metrics = new CronMetrics();
  readonly #parts: CronEngineParts;
  readonly #listeners = new Set<(event: CronEvent) => void>();
  #loaded: Loaded | undefined;
  /** Changes that were begun and did not come to their ends: what is kept beside the repositories may be wrong. */
  #isBroken = false;

  constructor(parts: CronEngineParts) {
    this.#parts = parts;
    this.#change(() => this.#runs.followAll(parts.nowMs));
  }

  get #book(): CronBook {
    return this.#fresh.book;
  }

  get #runs(): RunBook {
    return this.#fresh.runs;
  }

  get #due(): DueBook {
    return this.#fresh.due;
  }

  /** What is known of the repositories; read anew after a change that failed, which was undone. */
  get #fresh(): Loaded {
    if (this.#isBroken) this.#loaded = undefined;
    this.#isBroken = false;
    this.#loaded ??= this.#load();
    return this.#loaded;
  }

  get jobCount(): number {
    return this.#book.jobCount;
  }

  get activeCount(): number {
    return this.#book.activeCount;
  }

  /** All jobs, ordered by id. */
  jobs(): readonly CronJob[] {
    return this.#book.jobs();
  }

  /** @throws RequestRefused 404. */
  job(id: string): CronJob {
    const job = this.#book.job(id);
    if (job === undefined) throw refuse(404, `there is no job '${id}'`);
    return job;
  }

  find(id: string): CronJob | undefined {
    return this.#book.job(id);
  }

  tally(jobId: string): ReturnType<CronBook['tally']> {
    return this.#book.tally(jobId);
  }

  /** Runs of a job and what was passed over, the newest first. */
  runs(jobId: string): readonly Run[] {
    return this.#book.runs(jobId);
  }

  activeRuns(jobId: string): readonly Run[] {
    return this.#book.activeRuns(jobId);
  }

  findRun(jobId: string, runId: string): Run | undefined {
    return this.#book.run(jobId, runId);
  }

  /** @throws RequestRefused 404. */
  run(jobId: string, runId: string): Run {
    const run = this.findRun(this.job(jobId).spec.id, runId);
    if (run === undefined) throw refuse(404, `the job '${jobId}' has no run '${runId}'`);
    return run;
  }

  nextOf(job: CronJob, schedule: Schedule): number | undefined {
    return this.#due.nextOf(job, schedule);
  }

  /** The next due times of a job, all schedules together; also while it is suspended. */
  upcoming(job: CronJob, fromMs: number, count: number): readonly UpcomingRun[] {
    return job.spec.schedules
      .flatMap((schedule) => {
        const { timetable, left } = this.#due.timetableOf(job, schedule);
        const times = preview(timetable, fromMs, Math.min(count, left));
        return times.map((dueMs) => ({ scheduleId: schedule.id, dueMs }));
      })
      .toSorted((one, other) => one.dueMs - other.dueMs)
      .slice(0, count);
  }

  /**
   * Deals with what is due.
   * @returns how long to sleep until something else is, in milliseconds; infinite: nothing is.
   */
  tick(nowMs: number): number {
    const startMs = this.#parts.elapsed();
    this.#change(() => {
      this.#due.handleDue(nowMs, () => this.#parts.elapsed() - startMs > MAX_DUE_TURN_MS);
      this.#runs.endOverdue(nowMs);
    });
    const nextMs = Math.min(this.#due.soonestMs(nowMs), this.#runs.nextDeadlineMs);
    return Math.max(0, nextMs - nowMs);
  }

  /** A batch job has changed. */
  follow(batchJob: string, nowMs: number): void {
    this.#change(() => this.#runs.follow(batchJob, nowMs));
  }

  /** @throws RequestRefused 409 for an id that is taken, 429 when there are too many jobs. */
  create(spec: CronSpec, nowMs: number): CronJob {
    if (this.#book.job(spec.id) !== undefined) {
      throw refuse(409, `there is a job '${spec.id}' already: update it, or choose another id`);
    }
    if (this.#book.jobCount >= MAX_CRON_JOBS) {
      throw refuse(429, `there are ${MAX_CRON_JOBS} jobs already`);
    }
    const job: CronJob = { spec, createdMs: nowMs, updatedMs: nowMs, revision: 1 };
    this.#change(() => {
      this.#book.putJob(job);
      this.#due.jobChanged(job, undefined, nowMs);
    });
    this.#tell({ kind: 'job', job: spec.id, state: 'created' });
    return job;
  }

  /**
   * Replaces what a job is. Runs go on as they are; what is due by now is dealt with first.
   * @throws RequestRefused 404, 409 when somebody else has changed it.
   */
  update(spec: CronSpec, { revision }: EditOptions, nowMs: number): CronJob {
    const before = this.job(spec.id);
    if (revision !== undefined && revision !== before.revision) {
      throw refuse(
        409,
        `the job '${spec.id}' has been changed: it is at revision ${before.revision}, not ${revision}; read it anew`,
      );
    }
    if (sameSpec(before.spec, spec)) return before;
    const job: CronJob = { ...before, spec, updatedMs: nowMs, revision: before.revision + 1 };
    this.#change(() => {
      this.#due.handleJob(before, nowMs);
      this.#book.putJob(job);
      this.#due.jobChanged(job, before, nowMs);
    });
    this.#tell({ kind: 'job', job: spec.id, state: 'changed' });
    return job;
  }

  /**
   * Deletes a job with its history.
   * @throws RequestRefused 404, 409 when runs are not over and are not to be stopped.
   */
  delete(id: string, options: { readonly stopRuns: boolean }): CronJob {
    const job = this.job(id);
    const active = this.#book.activeRuns(id);
    if (active.length > 0 && !options.stopRuns) {
      throw refuse(
        409,
        `the job '${id}' has ${active.length} run(s) that are not over: stop them first, or ask to stop them`,
      );
    }
    this.#change(() => {
      for (const run of active) this.#runs.drop(run);
      this.#due.jobDeleted(job);
      this.#book.deleteJob(job);
    });
    this.#tell({ kind: 'job', job: id, state: 'deleted' });
    return job;
  }

  suspend(id: string, isSuspended: boolean, nowMs: number): CronJob {
    return this.update({ ...this.job(id).spec, suspend: isSuspended }, {}, nowMs);
  }

  /**
   * Runs a job now, whatever its schedules, its suspension and its other runs.
   * @param token makes the id of the run.
   * @returns the run; with the key of an earlier request, the run of that.
   * @throws RequestRefused 404, 409 when too many runs are not over, or when the request with this key asked for
   *   something else, 422 for arguments that nothing takes.
   */
  runNow(
    id: string,
    overrides: RunOverrides,
    { nowMs, token }: { readonly nowMs: number; readonly token: string },
  ): Run {
    const job = this.job(id);
    const { key, args } = overrides;
    if (key !== undefined) {
      const known = this.#book.runs(id).find((run) => run.overrides?.key === key);
      if (known !== undefined) return sameRequest(known, overrides);
    }
    if ((args?.length ?? 0) > 0 && job.spec.run.template?.command === undefined) {
      throw refuse(422, `the job '${id}' has no command of its own that could take arguments`);
    }
    if (this.#book.activeRuns(id).length >= MAX_ACTIVE_RUNS) {
      throw refuse(409, `the job '${id}' has ${MAX_ACTIVE_RUNS} runs that are not over`);
    }
    const runId = demandedRunId(nowMs, token);
    const run: Run = {
      id: runId,
      jobId: id,
      batchJob: batchNameOf(id, runId),
      dueMs: nowMs,
      claimedMs: nowMs,
      startByMs: nowMs + job.spec.maxLaunchSeconds * 1000,
      state: 'claimed',
      tasks: [],
      overrides,
    };
    refuseBadDocument(job, run);
    this.metrics.demanded++;
    return this.#change(() => this.#runs.claim(job, run, false));
  }

  /** Stops a run. @throws RequestRefused 404, 409 when it is over. */
  stop(jobId: string, runId: string, nowMs: number): Run {
    const run = this.run(jobId, runId);
    if (isOver(run)) throw refuse(409, `the run '${runId}' is over: it has ${run.state}`);
    this.#change(() => this.#runs.end(run, 'Stopped', nowMs));
    return this.run(jobId, runId);
  }

  /** Calls back with each change until the returned function is called. */
  listen(listener: (event: CronEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #load(): Loaded {
    const { state, port } = this.#parts;
    const { metrics } = this;
    const book = new CronBook(state);
    const runs = new RunBook({ book, port, metrics, tell: (event) => this.#tell(event) });
    return { book, runs, due: new DueBook({ book, runs, metrics }) };
  }

  #change<T>(change: () => T): T {
    try {
      return change();
    } catch (error) {
      this.#isBroken = true;
      throw error;
    }
  }

  #tell(event: CronEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** The run of a request that is made again. @throws RequestRefused 409 when it was another request. */
function sameRequest(run: Run, { key, env = {}, args = [] }: RunOverrides): Run {
  const { env: envBefore = {}, args: argsBefore = [] } = run.overrides ?? {};
  if (canonical([env, args]) === canonical([envBefore, argsBefore])) return run;
  throw refuse(
    409,
    `the run '${run.id}' was asked for with the key '${key ?? ''}' and other variables or arguments: choose another key`,
  );
}

/** What a request adds may be what no task can have. @throws RequestRefused 422. */
function refuseBadDocument(job: CronJob, run: Run): void {
  const checked = checkShape(JobDocument, documentOf(job, run));
  if (checked.kind === 'good') return;
  const { problems } = checked;
  throw refuse(422, problems.map(({ path, message }) => `${path} ${message}`).join('; '), problems);
}

/** Whether two specifications say the same, whatever the order of their fields. */
function sameSpec(one: CronSpec, other: CronSpec): boolean {
  return canonical(one) === canonical(other);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, each: unknown) => {
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(
      Object.entries(each).toSorted(([one], [other]) => (one < other ? -1 : 1)),
    );
  });
}
