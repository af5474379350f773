/**
 * The batch scheduler as an object that a framework class holds: jobs from repositories, placing, updates of
 * tasks, and what operators ask for. Whatever changes is in the repositories when a method returns, so that
 * the turn that called it stores it together with the records of the tasks.
 *
 * Invariant: a method that throws has changed nothing.
 */
import {
  type Context,
  type Decision,
  type Repository,
  type TaskRecord,
  type TaskUpdate,
  type Offers,
  endOf,
  forget,
  isEnded,
  kill,
  refuse,
} from '../../sdk/index.js';
import { AgentBook, type AgentRecord } from './agent-book.js';
import type { LiveTask } from './array-state.js';
import { type Attempt, packAttempt, unpackAttempt } from './attempts.js';
import type { JobDocument } from './document.js';
import type { IndexRanges } from './index-ranges.js';
import type { Job, JobSink } from './job.js';
import { JobBook } from './job-book.js';
import type { JobRecord } from './job-record.js';
import { Placer } from './placer.js';
import {
  conflict,
  dependenciesOf,
  fingerprintOf,
  plainDocument,
  refuseEnding,
  refuseForeign,
  refuseTooMany,
  repeatedJob,
  setParallelism,
  shortened,
  stepOf,
  toRerun,
} from './requests.js';
import type { Step } from './step.js';
import {
  type ChunkChange,
  type ChunkRecord,
  StoredChunks,
  chunkKey,
  chunkOf,
  chunkRecordOf,
  chunksOf,
  lastAttemptsOf,
} from './stored-state.js';
import { type TaskOwner, ownerOf } from './task-specs.js';

/** Where an engine keeps its state. */
export interface BatchState {
  readonly jobs: Repository<JobRecord>;
  readonly chunks: Repository<ChunkRecord>;
  readonly agents: Repository<AgentRecord>;
  /** Numbers that must not be given twice. */
  readonly counters: Repository<number>;
}

/** What a listener is told. */
export type JobEvent =
  | { readonly kind: 'job'; readonly job: Job }
  | {
      readonly kind: 'started';
      readonly job: Job;
      readonly step: Step;
      readonly index: number;
      readonly task: LiveTask;
    }
  | { readonly kind: 'attempt'; readonly job: Job; readonly step: Step; readonly attempt: Attempt };

export interface SubmitOptions {
  /** Makes a repetition of the same submission harmless. */
  readonly idempotencyKey?: string | undefined;
}

/** Fields of a job that can be changed after it was submitted; `null` takes a bound away. */
export interface JobEdit {
  readonly parallelism?: number | null | undefined;
  readonly priority?: number | undefined;
  readonly activeDeadlineSeconds?: number | null | undefined;
}

/** What the engine takes of `Context`. */
export type EngineContext = Pick<Context, 'clock' | 'random' | 'tasks' | 'log'>;

const LAST_SEQ = 'lastSeq';

export class BatchEngine {
  readonly book: JobBook;
  readonly agents: AgentBook;
  readonly placer: Placer;
  readonly #state: BatchState;
  readonly #listeners = new Set<(event: JobEvent) => void>();
  readonly #changedJobs = new Set<Job>();
  readonly #changedChunks = new Map<string, ChunkChange>();
  #kills: string[] = [];
  #nowMs = 0;

  /** Reads the state, and finds the tasks that run. `context` tells the tasks of the framework. */
  constructor(state: BatchState, context: EngineContext) {
    this.#state = state;
    this.#now(context);
    this.agents = new AgentBook(state.agents);
    this.book = new JobBook(this.#sink());
    this.placer = new Placer(this.book, this.agents);
    const chunks = new StoredChunks(state.chunks.entries());
    const records = state.jobs.values().toSorted((one, other) => one.seq - other.seq);
    for (const record of records) this.book.add(record, chunks.stepsOf(record));
    for (const task of context.tasks.live()) this.#adopt(task);
    for (const job of this.book.active.slice()) {
      this.book.resolve(job, this.#nowMs);
      job.review(this.#nowMs);
    }
  }

  /** What the constructor found to be done; to be returned by the handler that made the engine. */
  started(): Decision {
    return this.#flush();
  }

  /** For `@OnOffers`: what is due, and tasks for what can run. */
  place(offers: Offers, context: EngineContext): Decision {
    const nowMs = this.#now(context);
    for (const [index, step, job] of this.placer.unlaunched(context.tasks)) {
      step.array.unlaunched(index);
      this.#notify({ kind: 'job', job });
    }
    this.#doWhatIsDue(nowMs);
    const placed = this.placer.place(offers, nowMs);
    const wakes = this.placer.wakeAt(nowMs);
    return [placed, this.#flush(), wakes];
  }

  /** For `@OnStatus`. */
  taskUpdated({ task, state }: TaskUpdate, context: EngineContext): Decision {
    const nowMs = this.#now(context);
    const owner = this.#ownerOf(task);
    const isOver = isEnded(state);
    if (owner === undefined) {
      if (isOver) return forget(task);
      // Of a job that was dropped. When it cannot be reached, its end comes when it can.
      return state === 'UNREACHABLE' || state === 'UNKNOWN' ? undefined : kill(task);
    }
    const { job, step, index, attempt } = owner;
    const at = { step, index, taskId: task.id };
    const end = endOf(task);
    if (end === undefined) {
      job.noteState(at, state, nowMs);
      const live = step.array.live.get(index);
      if (state === 'RUNNING' && live?.taskId === task.id) {
        this.#notify({ kind: 'started', job, step, index, task: live });
      }
      this.#notify({ kind: 'job', job });
      return this.#flush();
    }
    if (!this.#isKnown(job, step, { index, taskId: task.id })) {
      job.adopt(step, index, { task: this.#liveOf(task, attempt), wasKilled: true });
    }
    const { reason, message } = task;
    const random = context.random.next();
    job.taskEnded(at, { end, state, reason, message }, { nowMs, random });
    this.#notify({ kind: 'job', job });
    return [forget(task), this.#flush()];
  }

  /**
   * Adds a job.
   * @returns the job, and whether it is new: with the same key and document it may be there already.
   * @throws RequestRefused 409 for a name that is taken, 422 for jobs to wait for that are not there, 429 when
   *   there are too many jobs or indexes.
   */
  submit(
    document: JobDocument,
    options: SubmitOptions,
    context: EngineContext,
  ): { readonly job: Job; readonly isNew: boolean; readonly decision: Decision } {
    const nowMs = this.#now(context);
    const plain = plainDocument(document);
    const fingerprint = fingerprintOf(plain);
    const known = repeatedJob(this.book, { name: plain.name, fingerprint, ...options });
    if (known !== undefined) return { job: known, isNew: false, decision: undefined };
    refuseTooMany(this.book, plain);
    const waitsFor = dependenciesOf(this.book, plain);
    const seq = Math.max(this.book.nextSeq, (this.#state.counters.get(LAST_SEQ) ?? 0) + 1);
    const { idempotencyKey } = options;
    const job = this.book.add({
      name: plain.name,
      seq,
      document: plain,
      fingerprint,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      submittedAt: nowMs,
      waitsFor,
      forgivenFailures: 0,
    });
    this.#state.counters.set(LAST_SEQ, seq);
    this.#changedJobs.add(job);
    this.book.resolve(job, nowMs);
    job.noteStart(nowMs);
    return { job, isNew: true, decision: this.#flush() };
  }

  /** @throws RequestRefused 404. */
  job(name: string): Job {
    const job = this.book.get(name);
    if (job === undefined) throw refuse(404, `there is no job '${name}'`);
    return job;
  }

  /** A step of a job; see `stepOf`. */
  step(job: Job, name?: string): Step {
    return stepOf(job, name);
  }

  /** Ends a job: what has not run will not, and what runs is killed. */
  cancel(job: Job, context: EngineContext): Decision {
    const nowMs = this.#now(context);
    if (job.isFinished) throw conflict(job, 'it has ended');
    job.end({ state: 'CANCELLED', reason: 'Cancelled', message: 'somebody cancelled it' }, nowMs);
    return this.#flush();
  }

  /** Ends indexes of a job. @throws RequestRefused 409 when they have ended, 422 when they are not of the job. */
  cancelIndexes(
    job: Job,
    selection: { readonly step: Step; readonly indexes: IndexRanges },
    context: EngineContext,
  ): { readonly count: number; readonly decision: Decision } {
    const nowMs = this.#now(context);
    const { step, indexes } = selection;
    if (job.isFinished) throw conflict(job, 'it has ended');
    refuseForeign(job, step, indexes);
    const ended = job.cancelIndexes(step, indexes, nowMs);
    if (ended.isEmpty) throw conflict(job, `the indexes ${shortened(indexes)} have ended`);
    return { count: ended.size, decision: this.#flush() };
  }

  hold(job: Job, context: EngineContext): Decision {
    this.#now(context);
    refuseEnding(job);
    if (job.document.suspend) throw conflict(job, 'it is held already');
    job.edit({ suspend: true });
    job.update({ startedAt: undefined });
    return this.#flush();
  }

  release(job: Job, context: EngineContext): Decision {
    const nowMs = this.#now(context);
    refuseEnding(job);
    if (!job.document.suspend) throw conflict(job, 'it is not held');
    job.edit({ suspend: false });
    job.noteStart(nowMs);
    return this.#flush();
  }

  /**
   * Runs indexes anew: those that are named, or all that have not succeeded.
   * @throws RequestRefused 409 when nothing is to be run anew, or tasks of theirs still run.
   */
  rerun(
    job: Job,
    selection: { readonly step?: Step; readonly indexes?: IndexRanges },
    context: EngineContext,
  ): { readonly count: number; readonly decision: Decision } {
    const nowMs = this.#now(context);
    if (job.record.ending !== undefined) throw conflict(job, 'its tasks are being ended');
    const selected = toRerun(job, selection);
    for (const { step, index, task } of job.strays.values()) {
      const isSelected = selected.get(step)?.has(index) === true;
      if (isSelected && task.unreachableSince === undefined) {
        throw conflict(job, `a task of index ${index} is still being ended`);
      }
    }
    const count = job.rerun(selected, this.#lastAttempts(job));
    if (count === 0) throw conflict(job, 'there is nothing to run anew');
    this.book.noteRerun(job);
    job.noteStart(nowMs);
    this.#notify({ kind: 'job', job });
    return { count, decision: this.#flush() };
  }

  edit(
    job: Job,
    { step, change }: { readonly step?: Step; readonly change: JobEdit },
    context: EngineContext,
  ): Decision {
    this.#now(context);
    refuseEnding(job);
    const { parallelism, priority, activeDeadlineSeconds: deadline } = change;
    if (parallelism !== undefined) setParallelism(job, step, parallelism ?? undefined);
    if (priority !== undefined) {
      job.edit({ priority });
      this.book.reorder(job);
    }
    if (deadline !== undefined) {
      const { activeDeadlineSeconds: _before, ...rest } = job.document;
      const bound = deadline === null ? {} : { activeDeadlineSeconds: deadline };
      job.update({ document: { ...rest, ...bound } });
    }
    return this.#flush();
  }

  /** Drops a job that has ended. */
  remove(job: Job, context: EngineContext): Decision {
    const nowMs = this.#now(context);
    if (!job.isFinished) throw conflict(job, 'it has not ended: cancel it first');
    this.#drop(job, nowMs);
    return this.#flush();
  }

  /** Attempts that are over, the oldest first: of an index, or of all. */
  *attempts(job: Job, step: Step, index?: number): IterableIterator<Attempt> {
    const chunks = index === undefined ? chunksOf(step) : [chunkOf(index)];
    for (const chunk of chunks) {
      const record = this.#state.chunks.get(chunkKey(job, step, chunk));
      for (const packed of record?.attempts ?? []) {
        const attempt = unpackAttempt(packed, step.taskName);
        if (index === undefined || attempt.index === index) yield attempt;
      }
    }
  }

  /** Tells the number of the last attempt at an index, whether it is over or not; 0: there was none. */
  #lastAttempts(job: Job): (step: Step, index: number) => number {
    const chunks = new Map<string, ReadonlyMap<number, number>>();
    return (step, index) => {
      const key = chunkKey(job, step, chunkOf(index));
      let known = chunks.get(key);
      if (known === undefined) {
        known = lastAttemptsOf(this.#state.chunks.get(key));
        chunks.set(key, known);
      }
      let last = known.get(index) ?? 0;
      for (const stray of job.strays.values()) {
        if (stray.step === step && stray.index === index) last = Math.max(last, stray.task.attempt);
      }
      return last;
    };
  }

  /** Calls back with each change until the returned function is called. */
  listen(listener: (event: JobEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #now({ clock }: EngineContext): number {
    this.#nowMs = Math.round(clock.now());
    return this.#nowMs;
  }

  #notify(event: JobEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #doWhatIsDue(nowMs: number): void {
    for (const job of this.book.active.slice()) {
      job.noteStart(nowMs);
      const { deadlineAt } = job;
      if (deadlineAt !== undefined && deadlineAt <= nowMs) {
        const { activeDeadlineSeconds } = job.document;
        const message = `it took longer than ${activeDeadlineSeconds ?? 0} s`;
        job.end({ state: 'FAILED', reason: 'DeadlineExceeded', message }, nowMs);
      }
      job.replaceUnreachable(nowMs);
      job.releaseSlots(nowMs);
      for (const step of job.steps) step.array.wakeUntil(nowMs);
    }
    for (const job of this.book.expired(nowMs)) this.#drop(job, nowMs);
  }

  #drop(job: Job, nowMs: number): void {
    this.book.remove(job, nowMs);
    this.#changedJobs.delete(job);
    this.#state.jobs.delete(job.name);
    for (const step of job.steps) {
      for (const chunk of chunksOf(step)) {
        const key = chunkKey(job, step, chunk);
        this.#changedChunks.delete(key);
        this.#state.chunks.delete(key);
      }
    }
  }

  /** Writes what has changed, and says what is to be killed. */
  #flush(): Decision {
    for (const job of this.#changedJobs) {
      this.#state.jobs.set(job.name, job.record);
      this.#notify({ kind: 'job', job });
    }
    this.#changedJobs.clear();
    for (const [key, change] of this.#changedChunks) {
      this.#state.chunks.set(key, chunkRecordOf(change, this.#state.chunks.get(key)));
    }
    this.#changedChunks.clear();
    const kills = this.#kills;
    this.#kills = [];
    return kills.map((id) => kill(id));
  }

  #sink(): JobSink {
    return {
      recordChanged: (job) => void this.#changedJobs.add(job),
      indexChanged: (job, step, index) => void this.#changeOf(job, step, index),
      attemptOver: (job, step, attempt) => {
        const change = this.#changeOf(job, step, attempt.index);
        change.attempts.push(packAttempt(attempt, step.taskName));
        this.#notify({ kind: 'attempt', job, step, attempt });
      },
      counted: (job, step, { index, what }) => {
        this.#changeOf(job, step, index)[what]++;
      },
      kill: (taskId) => void this.#kills.push(taskId),
      finished: (job) => this.book.noteFinished(job, this.#nowMs),
    };
  }

  #changeOf(job: Job, step: Step, index: number): ChunkChange {
    const chunk = chunkOf(index);
    const key = chunkKey(job, step, chunk);
    let change = this.#changedChunks.get(key);
    if (change === undefined) {
      change = { job, step, chunk, attempts: [], failures: 0, faults: 0, replaced: 0 };
      this.#changedChunks.set(key, change);
    }
    return change;
  }

  /** A task that was found at the start. */
  #adopt(task: TaskRecord): void {
    const owner = this.#ownerOf(task);
    if (owner === undefined) {
      this.#kills.push(task.id);
      return;
    }
    const { job, step, index, attempt } = owner;
    const wasKilled = task.killedAt !== undefined;
    const isWanted = job.adopt(step, index, { task: this.#liveOf(task, attempt), wasKilled });
    if (!isWanted) this.#kills.push(task.id);
  }

  #liveOf(task: TaskRecord, attempt: number): LiveTask {
    const { id: taskId, state, agentId, launchedAt, updatedAt } = task;
    const isOut = state === 'UNREACHABLE' || state === 'UNKNOWN';
    const agent = this.agents.knownNumber(agentId);
    const unreachableSince = isOut ? updatedAt : undefined;
    return { taskId, attempt, agent, launchedAt, state, unreachableSince };
  }

  #ownerOf(
    task: TaskRecord,
  ):
    | { readonly job: Job; readonly step: Step; readonly index: number; readonly attempt: number }
    | undefined {
    const owner: TaskOwner | undefined = ownerOf(task);
    if (owner === undefined) return undefined;
    const job = this.book.bySeq(owner.job);
    const step = job?.steps[owner.step];
    if (job === undefined || step === undefined) return undefined;
    return { job, step, index: owner.index, attempt: owner.attempt };
  }

  #isKnown(
    job: Job,
    step: Step,
    task: { readonly index: number; readonly taskId: string },
  ): boolean {
    const { index, taskId } = task;
    return job.strays.has(taskId) || step.array.live.get(index)?.taskId === taskId;
  }
}
