/**
 * Jobs, cursors, runs and tallies in their repositories, with what is looked up often kept at hand.
 *
 * The repositories are the truth. What is kept beside them is only hints about keys: whatever a repository does
 * not hold (any more) is passed over, so that changes which were undone leave nothing behind.
 */
import type { Repository } from '../../../sdk/index.js';
import {
  type CronJob,
  type Cursor,
  NO_TALLY,
  type Run,
  type Tally,
  cursorKey,
  isOver,
  runKey,
} from '../model.js';

export interface CronState {
  readonly jobs: Repository<CronJob>;
  readonly cursors: Repository<Cursor>;
  readonly runs: Repository<Run>;
  readonly tallies: Repository<Tally>;
}

export class CronBook {
  readonly #state: CronState;
  /** Keys of runs by job. */
  readonly #keys = new Map<string, Set<string>>();
  /** Of these, those that are not over. */
  readonly #active = new Map<string, Set<string>>();
  readonly #byBatchJob = new Map<string, string>();

  constructor(state: CronState) {
    this.#state = state;
    for (const run of state.runs.values()) this.#note(run);
  }

  get jobCount(): number {
    return this.#state.jobs.size;
  }

  /** Runs of all jobs that are not over. */
  get activeCount(): number {
    let count = 0;
    for (const keys of this.#active.values()) count += keys.size;
    return count;
  }

  job(id: string): CronJob | undefined {
    return this.#state.jobs.get(id);
  }

  /** All jobs, ordered by id. */
  jobs(): readonly CronJob[] {
    return this.#state.jobs.values();
  }

  putJob(job: CronJob): void {
    this.#state.jobs.set(job.spec.id, job);
  }

  /** Forgets a job with all that belongs to it. */
  deleteJob(job: CronJob): void {
    const { id } = job.spec;
    for (const run of this.runs(id)) this.deleteRun(run);
    for (const schedule of job.spec.schedules) this.deleteCursor(id, schedule.id);
    this.#state.tallies.delete(id);
    this.#state.jobs.delete(id);
  }

  cursor(jobId: string, scheduleId: string): Cursor | undefined {
    return this.#state.cursors.get(cursorKey(jobId, scheduleId));
  }

  putCursor(jobId: string, scheduleId: string, cursor: Cursor): void {
    this.#state.cursors.set(cursorKey(jobId, scheduleId), cursor);
  }

  deleteCursor(jobId: string, scheduleId: string): void {
    this.#state.cursors.delete(cursorKey(jobId, scheduleId));
  }

  tally(jobId: string): Tally {
    return this.#state.tallies.get(jobId) ?? NO_TALLY;
  }

  putTally(jobId: string, tally: Tally): void {
    this.#state.tallies.set(jobId, tally);
  }

  run(jobId: string, runId: string): Run | undefined {
    return this.#state.runs.get(runKey(jobId, runId));
  }

  /** The run whose batch job has this name. */
  runOfBatchJob(name: string): Run | undefined {
    const key = this.#byBatchJob.get(name);
    return key === undefined ? undefined : this.#state.runs.get(key);
  }

  /** Runs of a job, the newest first. */
  runs(jobId: string): readonly Run[] {
    return this.#read(this.#keys.get(jobId)).toSorted(
      (one, other) => other.dueMs - one.dueMs || (one.id < other.id ? 1 : -1),
    );
  }

  /** Runs of a job that are not over, the oldest first. */
  activeRuns(jobId: string): readonly Run[] {
    return this.#read(this.#active.get(jobId))
      .filter((run) => !isOver(run))
      .toSorted((one, other) => one.claimedMs - other.claimedMs || (one.id < other.id ? -1 : 1));
  }

  /** Runs of all jobs that are not over. */
  allActiveRuns(): readonly Run[] {
    return [...this.#active.keys()].flatMap((jobId) => this.activeRuns(jobId));
  }

  putRun(run: Run): void {
    this.#state.runs.set(runKey(run.jobId, run.id), run);
    this.#note(run);
  }

  deleteRun({ jobId, id, batchJob }: Run): void {
    const key = runKey(jobId, id);
    this.#state.runs.delete(key);
    this.#byBatchJob.delete(batchJob);
    remove(this.#keys, jobId, key);
    remove(this.#active, jobId, key);
  }

  #note(run: Run): void {
    const key = runKey(run.jobId, run.id);
    add(this.#keys, run.jobId, key);
    if (isOver(run)) {
      remove(this.#active, run.jobId, key);
      this.#byBatchJob.delete(run.batchJob);
      return;
    }
    add(this.#active, run.jobId, key);
    this.#byBatchJob.set(run.batchJob, key);
  }

  #read(keys: ReadonlySet<string> | undefined): readonly Run[] {
    return [...(keys ?? [])].flatMap((key) => this.#state.runs.get(key) ?? []);
  }
}

function add(sets: Map<string, Set<string>>, name: string, key: string): void {
  const known = sets.get(name);
  if (known === undefined) sets.set(name, new Set([key]));
  else known.add(key);
}

function remove(sets: Map<string, Set<string>>, name: string, key: string): void {
  const known = sets.get(name);
  known?.delete(key);
  if (known?.size === 0) sets.delete(name);
}
