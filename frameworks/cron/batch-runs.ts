/**
 * Runs as batch jobs, in the engine of the batch scheduler that this framework holds: one store, so that the
 * row of a run and its batch job are written together. What the engine decides is gathered here, and
 * returned by the handler that is at work.
 */
import { type Context, type Decision, PlateauError } from '../../sdk/index.js';
import type { BatchEngine, JobEvent } from '../batch/index.js';
import type { BatchRun, RunPort } from './engine/run-port.js';
import { MAX_RUN_TASKS } from './limits.js';
import type { BatchDocument, RunTask } from './model.js';

type BatchJob = JobEvent['job'];

export class BatchRuns implements RunPort {
  readonly #engine: BatchEngine;
  readonly #changed = new Set<string>();
  readonly #started = new Map<string, number>();
  #context: Context;
  #decisions: Decision[] = [];
  #hasSubmitted = false;

  constructor(engine: BatchEngine, context: Context) {
    this.#engine = engine;
    this.#context = context;
    engine.listen((event) => this.#note(event));
  }

  /** A handler begins. */
  enter(context: Context): void {
    this.#context = context;
  }

  /** Names of batch jobs that have changed since it was last asked for. */
  takeChanged(): readonly string[] {
    const changed = [...this.#changed];
    this.#changed.clear();
    return changed;
  }

  /** What the engine has decided since it was last asked for; undefined: nothing. */
  takeDecision(): Decision {
    const decisions = this.#decisions;
    this.#decisions = [];
    return decisions.length === 0 ? undefined : decisions;
  }

  /** Whether jobs were submitted since it was last asked for: they wait to be placed. */
  takeHasSubmitted(): boolean {
    const hasSubmitted = this.#hasSubmitted;
    this.#hasSubmitted = false;
    return hasSubmitted;
  }

  submit(name: string, document: BatchDocument): void {
    const options = { idempotencyKey: name };
    const { decision } = this.#engine.submit({ ...document, name }, options, this.#context);
    this.#decide(decision);
    this.#hasSubmitted = true;
  }

  find(name: string): BatchRun | undefined {
    const job = this.#engine.book.get(name);
    if (job === undefined) return undefined;
    const startedMs = this.#started.get(name);
    const message = job.record.outcome?.message;
    return {
      state: stateOf(job),
      ...(startedMs === undefined ? {} : { startedMs }),
      ...(message === undefined ? {} : { message }),
      tasks: isLarge(job) && !job.isFinished ? undefined : this.#tasksOf(job),
    };
  }

  cancel(name: string): void {
    const job = this.#engine.book.get(name);
    if (job === undefined || job.isFinished) return;
    this.#decide(this.#engine.cancel(job, this.#context));
  }

  remove(name: string): void {
    const job = this.#engine.book.get(name);
    if (job?.isFinished !== true) return;
    this.#decide(this.#engine.remove(job, this.#context));
  }

  #decide(decision: Decision): void {
    if (decision !== undefined) this.#decisions.push(decision);
  }

  #note(event: JobEvent): void {
    const { name, isFinished } = event.job;
    this.#changed.add(name);
    if (event.kind === 'started' && !this.#started.has(name)) {
      this.#started.set(name, Math.floor(this.#context.clock.now()));
    }
    if (isFinished && this.#started.size > MOST_STARTS) this.#forgetStarts();
  }

  /** The rows of runs hold the starts of all but those that have only just changed. */
  #forgetStarts(): void {
    for (const name of this.#started.keys()) {
      if (!this.#changed.has(name)) this.#started.delete(name);
    }
  }

  /** Tasks that are over, the oldest first, and those that are not; the last of them. */
  #tasksOf(job: BatchJob): readonly RunTask[] {
    const tasks: RunTask[] = [];
    for (const step of job.steps) {
      for (const attempt of this.#engine.attempts(job, step)) {
        const { taskId: id, state, launchedAt, endedAt } = attempt;
        tasks.push({ id, state, startedMs: launchedAt, endedMs: endedAt });
        if (tasks.length > MAX_RUN_TASKS) tasks.shift();
      }
      for (const { taskId: id, state, launchedAt } of step.array.live.values()) {
        tasks.push({ id, state, startedMs: launchedAt });
        if (tasks.length > MAX_RUN_TASKS) tasks.shift();
      }
    }
    return tasks;
  }
}

/** Whether its tasks are too many to be listed with each change. */
function isLarge({ steps }: BatchJob): boolean {
  return steps.reduce((sum, { array }) => sum + array.indexes.size, 0) > MAX_RUN_TASKS;
}

/** Starts that are remembered before those that are written elsewhere are forgotten. */
const MOST_STARTS = 1_000;

function stateOf(job: BatchJob): BatchRun['state'] {
  switch (job.state) {
    case 'SUCCEEDED':
      return 'succeeded';
    case 'FAILED':
      return 'failed';
    case 'CANCELLED':
      return 'cancelled';
    case 'HELD':
    case 'WAITING':
    case 'QUEUED':
      return 'waiting';
    case 'RUNNING':
    case 'ENDING':
      return 'running';
    default:
      throw new PlateauError('ASSERTION', `the batch job ${job.name} is in an unknown state`);
  }
}
