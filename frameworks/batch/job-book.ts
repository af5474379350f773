/**
 * All jobs: their order, what they wait for, when they are dropped. Without I/O.
 *
 * Invariant: `#active` holds the jobs that are not finished, by priority and then by submission.
 */
import { PlateauError } from '../../sdk/index.js';
import { Job, type JobSink } from './job.js';
import type { Dependency, JobRecord, StoredStep } from './job-record.js';
import { MAX_FINISHED_JOBS } from './limits.js';

export class JobBook {
  readonly #sink: JobSink;
  readonly #byName = new Map<string, Job>();
  readonly #bySeq = new Map<number, Job>();
  readonly #active: Job[] = [];
  /** Finished jobs in the order of their ends. */
  readonly #finished = new Set<Job>();
  /** By name of a job: those that wait for it. */
  readonly #waiting = new Map<string, Set<Job>>();
  #indexes = 0;
  #lastSeq = 0;

  constructor(sink: JobSink) {
    this.#sink = sink;
  }

  get size(): number {
    return this.#byName.size;
  }

  /** Indexes of all jobs together. */
  get indexes(): number {
    return this.#indexes;
  }

  /** A number that no job has had since the start. */
  get nextSeq(): number {
    return this.#lastSeq + 1;
  }

  get(name: string): Job | undefined {
    return this.#byName.get(name);
  }

  bySeq(seq: number): Job | undefined {
    return this.#bySeq.get(seq);
  }

  /** Jobs that are not finished, in the order in which they are placed. */
  get active(): readonly Job[] {
    return this.#active;
  }

  /** All jobs, those that were submitted last first. */
  get all(): readonly Job[] {
    return [...this.#bySeq.values()].toReversed();
  }

  /** Adds a job. Jobs have to be added in the order of their submission. */
  add(record: JobRecord, stored?: readonly (StoredStep | undefined)[]): Job {
    if (this.#byName.has(record.name) || record.seq <= this.#lastSeq) {
      throw new PlateauError('ASSERTION', `the job ${record.name} (${record.seq}) is out of order`);
    }
    const job = new Job(record, this.#sink, stored);
    this.#lastSeq = record.seq;
    this.#byName.set(job.name, job);
    this.#bySeq.set(job.seq, job);
    this.#indexes += indexCount(job);
    if (job.isFinished) this.#finished.add(job);
    else this.#insert(job);
    for (const { job: parent } of record.waitsFor) this.#waitFor(parent, job);
    return job;
  }

  /** A job was finished: those that wait for it are told. */
  noteFinished(job: Job, nowMs: number): void {
    const place = this.#active.indexOf(job);
    if (place >= 0) this.#active.splice(place, 1);
    this.#finished.add(job);
    for (const waiting of this.#waiting.get(job.name) ?? []) this.resolve(waiting, nowMs);
  }

  /** A finished job has been begun anew. */
  noteRerun(job: Job): void {
    if (!this.#finished.delete(job)) return;
    this.#insert(job);
  }

  /** Its priority has changed. */
  reorder(job: Job): void {
    const place = this.#active.indexOf(job);
    if (place < 0) return;
    this.#active.splice(place, 1);
    this.#insert(job);
  }

  /** Looks which of the jobs that one waits for have ended, and how. */
  resolve(job: Job, nowMs: number): void {
    if (job.isFinished || job.record.waitsFor.length === 0) return;
    const verdicts = job.record.waitsFor.map((one) => ({ one, verdict: this.#verdict(one) }));
    const left = verdicts.filter(({ verdict }) => verdict !== 'met').map(({ one }) => one);
    if (left.length < verdicts.length) job.update({ waitsFor: left });
    for (const { one } of verdicts) {
      if (!left.some(({ job: parent }) => parent === one.job))
        this.#waiting.get(one.job)?.delete(job);
    }
    const never = verdicts.find(({ verdict }) => verdict === 'never')?.one;
    if (never === undefined || job.document.whenNeverSatisfied === 'wait') return;
    const state = this.#byName.get(never.job)?.state ?? 'removed';
    job.end(
      {
        state: 'FAILED',
        reason: 'DependencyNeverSatisfied',
        message: `it waits for ${never.job} to ${WHEN[never.when]}, which is ${state}`,
      },
      nowMs,
    );
  }

  /** Takes a finished job out. */
  remove(job: Job, nowMs: number): void {
    this.#byName.delete(job.name);
    this.#bySeq.delete(job.seq);
    this.#finished.delete(job);
    this.#indexes -= indexCount(job);
    const waiting = [...(this.#waiting.get(job.name) ?? [])];
    for (const other of waiting) this.resolve(other, nowMs);
    this.#waiting.delete(job.name);
  }

  /** Finished jobs whose time is over, or that are too many. */
  expired(nowMs: number): readonly Job[] {
    let surplus = this.#finished.size - MAX_FINISHED_JOBS;
    const expired: Job[] = [];
    for (const job of this.#finished) {
      const isSurplus = surplus > 0;
      if (isSurplus) surplus--;
      if (isSurplus || expiryOf(job) <= nowMs) expired.push(job);
    }
    return expired;
  }

  /** When the next finished job is to be dropped; infinite: none is. */
  get nextExpiryAt(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const job of this.#finished) next = Math.min(next, expiryOf(job));
    return next;
  }

  #verdict({ job: name, when }: Dependency): 'met' | 'never' | 'open' {
    const parent = this.#byName.get(name);
    if (parent === undefined) return 'never';
    if (!parent.isFinished) return 'open';
    if (when === 'any') return 'met';
    return (parent.state === 'SUCCEEDED') === (when === 'ok') ? 'met' : 'never';
  }

  #waitFor(parent: string, job: Job): void {
    const waiting = this.#waiting.get(parent);
    if (waiting === undefined) this.#waiting.set(parent, new Set([job]));
    else waiting.add(job);
  }

  #insert(job: Job): void {
    let low = 0;
    let high = this.#active.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#active[middle];
      if (other !== undefined && comesBefore(other, job)) low = middle + 1;
      else high = middle;
    }
    this.#active.splice(low, 0, job);
  }
}

const WHEN: Readonly<Record<Dependency['when'], string>> = {
  ok: 'succeed',
  any: 'end',
  fail: 'fail',
};

function comesBefore(one: Job, other: Job): boolean {
  const [higher, lower] = [one.document.priority, other.document.priority];
  return higher === lower ? one.seq < other.seq : higher > lower;
}

function expiryOf(job: Job): number {
  const { finishedAt = 0, document } = job.record;
  return finishedAt + document.ttlSecondsAfterFinished * 1000;
}

function indexCount(job: Job): number {
  return job.steps.reduce((sum, step) => sum + step.array.indexes.size, 0);
}
