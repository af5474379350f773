/** Jobs, indexes and attempts as the admin interface shows them. Times are milliseconds since 1970. */
import { type TaskEnd } from '../../sdk/index.js';
import { sandboxFolder } from '../../sdk/sandbox/index.js';
import type { AgentBook } from './agent-book.js';
import type { IndexState, LiveTask } from './array-state.js';
import type { Attempt } from './attempts.js';
import type { BatchEngine } from './batch-engine.js';
import type { JobData } from './document.js';
import type { Job } from './job.js';
import type { Dependency, JobState } from './job-record.js';
import type { Step } from './step.js';

/** How far a step, or a whole job, has come. */
export interface Progress {
  readonly completions: number;
  /** Tasks that may run. */
  readonly active: number;
  /** Indexes that could run. */
  readonly pending: number;
  /** Indexes that wait until they are tried again. */
  readonly waiting: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Attempts that failed. */
  readonly failures: number;
  /** Attempts that ended by a fault of the infrastructure. */
  readonly faults: number;
  /** Tasks that were replaced while out of reach: their indexes may have run twice. */
  readonly replaced: number;
}

/** A job in a list. */
export interface JobSummary extends Progress {
  readonly name: string;
  readonly state: JobState;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly priority: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly submittedAt: number;
  readonly startedAt?: number | undefined;
  readonly finishedAt?: number | undefined;
}

export interface StepView extends Progress {
  /** Empty for the only step of a job without steps. */
  readonly name: string;
  readonly needs: readonly string[];
  readonly isSkipped: boolean;
  readonly parallelism?: number | undefined;
  /** Ranges such as `0-99,200`. */
  readonly completedIndexes: string;
  readonly failedIndexes: string;
  readonly cancelledIndexes: string;
}

export interface JobView extends JobSummary {
  readonly id: number;
  readonly waitsFor: readonly Dependency[];
  readonly steps: readonly StepView[];
  readonly document: JobData;
}

/** How an attempt ended. */
export interface EndView {
  readonly end: TaskEnd['kind'];
  readonly exitCode?: number;
  readonly signal?: string;
  readonly limit?: string;
  readonly state: string;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}

/** Where the output of an attempt is. */
export interface OutputView {
  readonly taskId: string;
  readonly agentId?: string | undefined;
  readonly hostname?: string | undefined;
  /** Of the agent. */
  readonly address?: string | undefined;
  readonly frameworkId: string;
  /** Of the sandbox, for the agent's file interface; it has `stdout` and `stderr`. */
  readonly path: string;
}

export interface AttemptView extends OutputView, Partial<EndView> {
  readonly step: string;
  readonly index: number;
  readonly attempt: number;
  readonly launchedAt: number;
  /** Undefined: it may run. */
  readonly endedAt?: number | undefined;
  readonly isReplaced: boolean;
}

export interface IndexView {
  readonly step: string;
  readonly index: number;
  readonly state: IndexState;
  /** When it is tried again. */
  readonly dueAt?: number | undefined;
  /** How many attempts there were; of very many the last ones are counted. */
  readonly attempts: number;
  readonly last?: AttemptView | undefined;
}

export function summaryOf(job: Job): JobSummary {
  const { record, document } = job;
  const outcome = record.outcome ?? record.ending;
  return {
    name: job.name,
    state: job.state,
    ...(outcome?.reason === undefined ? {} : { reason: outcome.reason }),
    ...(outcome?.message === undefined ? {} : { message: outcome.message }),
    priority: document.priority,
    labels: document.labels ?? {},
    submittedAt: record.submittedAt,
    ...(record.startedAt === undefined ? {} : { startedAt: record.startedAt }),
    ...(record.finishedAt === undefined ? {} : { finishedAt: record.finishedAt }),
    ...sumOf(job.steps.map((step) => progressOf(step))),
  };
}

export function jobViewOf(job: Job): JobView {
  return {
    ...summaryOf(job),
    id: job.seq,
    waitsFor: job.record.waitsFor,
    steps: job.steps.map((step) => stepViewOf(job, step)),
    document: job.document,
  };
}

function stepViewOf(job: Job, step: Step): StepView {
  const { name, needs, parallelism, array } = step;
  return {
    name,
    needs,
    isSkipped: job.isSkipped(step),
    ...(parallelism === undefined ? {} : { parallelism }),
    ...progressOf(step),
    completedIndexes: array.succeeded.toString(),
    failedIndexes: array.failed.toString(),
    cancelledIndexes: array.cancelled.toString(),
  };
}

function progressOf({ array, load, failures, faults, replaced }: Step): Progress {
  return {
    completions: array.indexes.size,
    active: load,
    pending: array.pending,
    waiting: array.waiting,
    succeeded: array.succeeded.size,
    failed: array.failed.size,
    cancelled: array.cancelled.size,
    failures,
    faults,
    replaced,
  };
}

function sumOf([first, ...others]: readonly Progress[]): Progress {
  const sum: Record<keyof Progress, number> = { ...(first ?? NOTHING) };
  for (const other of others) {
    for (const field of PROGRESS_FIELDS) sum[field] += other[field];
  }
  return sum;
}

const NOTHING: Progress = {
  completions: 0,
  active: 0,
  pending: 0,
  waiting: 0,
  succeeded: 0,
  failed: 0,
  cancelled: 0,
  failures: 0,
  faults: 0,
  replaced: 0,
};

const PROGRESS_FIELDS = [
  'completions',
  'active',
  'pending',
  'waiting',
  'succeeded',
  'failed',
  'cancelled',
  'failures',
  'faults',
  'replaced',
] as const satisfies readonly (keyof Progress)[];

/** Makes views of attempts; knows the framework and its agents. */
export class AttemptViews {
  readonly #agents: AgentBook;
  readonly #frameworkId: string;

  constructor(agents: AgentBook, frameworkId: string | undefined) {
    this.#agents = agents;
    this.#frameworkId = frameworkId ?? '';
  }

  /** An attempt that is over. */
  over(step: Step, attempt: Attempt): AttemptView {
    const { index, taskId, agent, launchedAt, endedAt, end, isReplaced } = attempt;
    const { state, reason, message } = attempt;
    return {
      ...this.#output(taskId, agent),
      step: step.name,
      index,
      attempt: attempt.attempt,
      launchedAt,
      endedAt,
      isReplaced,
      ...endView(end),
      state,
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
    };
  }

  /** An attempt that may run. */
  live(step: Step, index: number, task: LiveTask): AttemptView {
    const { taskId, agent, attempt, launchedAt, state } = task;
    const at = { step: step.name, index, attempt, launchedAt, isReplaced: false, state };
    return { ...this.#output(taskId, agent), ...at };
  }

  #output(taskId: string, agent: number): OutputView {
    const frameworkId = this.#frameworkId;
    const name = this.#agents.nameOf(agent);
    const path = sandboxFolder({ address: '', frameworkId, executorId: taskId });
    return { taskId, frameworkId, path, ...name };
  }
}

function endView(end: TaskEnd): Omit<EndView, 'state'> {
  const { kind, ...detail } = end;
  return { end: kind, ...detail };
}

/** The indexes of a step after one of them, with their last attempts, as many as asked for. */
export function* indexViews(
  engine: BatchEngine,
  { job, step, views }: { readonly job: Job; readonly step: Step; readonly views: AttemptViews },
  {
    after,
    isWanted,
  }: { readonly after: number; readonly isWanted: (state: IndexState) => boolean },
): IterableIterator<IndexView> {
  const { array } = step;
  for (let from = after; ;) {
    const [index] = array.indexes.take(1, from);
    if (index === undefined) return;
    from = index;
    const state = array.stateOf(index);
    if (!isWanted(state)) continue;
    const attempts = attemptsOf(engine, { job, step, views }, index);
    const retry = array.retryOf(index);
    yield {
      step: step.name,
      index,
      state,
      ...(state === 'BACKOFF' && retry !== undefined ? { dueAt: retry.dueAt } : {}),
      attempts: attempts.length,
      ...(attempts.length === 0 ? {} : { last: attempts.at(-1) }),
    };
  }
}

/** All attempts at an index, the oldest first, with those that may run. */
export function attemptsOf(
  engine: BatchEngine,
  { job, step, views }: { readonly job: Job; readonly step: Step; readonly views: AttemptViews },
  index: number,
): readonly AttemptView[] {
  const found = [...engine.attempts(job, step, index)].map((each) => views.over(step, each));
  for (const stray of job.strays.values()) {
    if (stray.step !== step || stray.index !== index) continue;
    found.push({ ...views.live(step, index, stray.task), isReplaced: stray.isReplaced });
  }
  const live = step.array.live.get(index);
  if (live !== undefined) found.push(views.live(step, index, live));
  return found;
}
