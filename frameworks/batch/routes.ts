/** The admin interface of jobs: `/v1/jobs`. Each route is a turn of the runtime; see `docs/batch.md`. */
import {
  IsIn,
  IsInt,
  IsOptional,
  IsPositive,
  IsString,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateIf,
} from 'class-validator';
import {
  Admin,
  type AdminRequest,
  type Context,
  type Decision,
  Delete,
  Get,
  Patch,
  Post,
  type Subscribable,
  refuse,
} from '../../sdk/index.js';
import type { IndexState } from './array-state.js';
import type { BatchEngine, JobEdit } from './batch-engine.js';
import { JobDocument, MAX_SECONDS } from './document.js';
import type { Batch } from './framework.js';
import { IndexRanges, rangesProblem } from './index-ranges.js';
import type { Job } from './job.js';
import { type StreamedEvent, jobEvents } from './job-events.js';
import { JOB_STATES } from './job-record.js';
import { MAX_INDEX, MAX_INDEXES, MAX_INDEXES_PER_PAGE, MAX_JOBS_PER_PAGE } from './limits.js';
import type { Step } from './step.js';
import {
  type AttemptView,
  AttemptViews,
  type IndexView,
  type JobSummary,
  type JobView,
  attemptsOf,
  indexViews,
  jobViewOf,
  summaryOf,
} from './views.js';
import { type Waiting, whyWaiting } from './why.js';

const INDEX_STATES: readonly IndexState[] = [
  'PENDING',
  'BACKOFF',
  'LAUNCHING',
  'RUNNING',
  'UNKNOWN',
  'SUCCEEDED',
  'FAILED',
  'CANCELLED',
];

class SubmitQuery {
  /** The same key with the same document again is answered with the job that is there. */
  @IsOptional() @IsString() @MinLength(1) @MaxLength(200) idempotencyKey?: string;
}

class JobsQuery {
  @IsInt() @Min(1) @Max(MAX_JOBS_PER_PAGE) limit = 100;
  /** The `next` of the page before. */
  @IsOptional() @IsInt() @Min(0) cursor?: number;
  @IsOptional() @IsIn(JOB_STATES) state?: string;
  /** `name=value`, or a name. */
  @IsOptional() @IsString() label?: string;
  /** With which names begin. */
  @IsOptional() @IsString() prefix?: string;
}

class IndexesQuery {
  @IsInt() @Min(1) @Max(MAX_INDEXES_PER_PAGE) limit = 100;
  @IsOptional() @IsInt() @Min(0) @Max(MAX_INDEX) cursor?: number;
  @IsOptional() @IsString() step?: string;
  @IsOptional() @IsIn(INDEX_STATES) state?: string;
}

class StepQuery {
  @IsOptional() @IsString() step?: string;
}

class SelectionQuery extends StepQuery {
  /** Such as `0-99,200`. */
  @IsOptional() @IsString() indexes?: string;
}

class EventsQuery {
  /** Whether the stream tells of each attempt too, those that are over first. */
  @IsIn(['true', 'false']) attempts: 'true' | 'false' = 'false';
}

class EditBody {
  @IsOptional() @IsString() step?: string;
  /** `null`: no bound. */
  @IsOptional() @IsInt() @Min(0) @Max(MAX_INDEXES) parallelism?: number | null;
  @ValidateIf(({ priority }: EditBody) => priority !== undefined)
  @IsInt()
  @Min(-1000)
  @Max(1000)
  priority?: number;
  /** `null`: no bound. */
  @IsOptional() @IsPositive() @Max(MAX_SECONDS) activeDeadlineSeconds?: number | null;
}

type OfJob<Query = undefined> = AdminRequest<undefined, Query, 'name'>;

@Admin('/v1/jobs')
export class JobRoutes {
  readonly #batch: Batch;

  constructor(batch: Batch) {
    this.#batch = batch;
  }

  get #engine(): BatchEngine {
    return this.#batch.engine;
  }

  @Post('/', { body: JobDocument, query: SubmitQuery, status: 201, summary: 'submit a job' })
  async submit(
    { body, query }: AdminRequest<JobDocument, SubmitQuery>,
    context: Context,
  ): Promise<JobView> {
    const { job, decision } = this.#engine.submit(body, query, context);
    await context.decide(decision);
    return jobViewOf(job);
  }

  @Get('/', { query: JobsQuery, summary: 'jobs, those that were submitted last first' })
  list({ query }: AdminRequest<undefined, JobsQuery>): {
    readonly jobs: readonly JobSummary[];
    readonly next?: number;
  } {
    const { limit, cursor, state, label, prefix = '' } = query;
    const [labelName, labelValue] = splitLabel(label);
    const found: Job[] = [];
    for (const job of this.#engine.book.all) {
      if (cursor !== undefined && job.seq >= cursor) continue;
      if (state !== undefined && job.state !== state) continue;
      if (!job.name.startsWith(prefix)) continue;
      const value = job.document.labels?.[labelName];
      if (label !== undefined && (value === undefined || value !== (labelValue ?? value))) continue;
      found.push(job);
      if (found.length > limit) break;
    }
    const jobs = found.slice(0, limit).map((job) => summaryOf(job));
    const last = found[limit - 1];
    return found.length > limit && last !== undefined ? { jobs, next: last.seq } : { jobs };
  }

  @Get('/:name', { summary: 'a job with its document' })
  show({ params }: OfJob): JobView {
    return jobViewOf(this.#engine.job(params.name));
  }

  @Delete('/:name', { summary: 'drop a job that has ended' })
  async remove({ params }: OfJob, context: Context): Promise<void> {
    await context.decide(this.#engine.remove(this.#engine.job(params.name), context));
  }

  @Patch('/:name', { body: EditBody, summary: 'change throttle, priority or deadline' })
  async edit(
    { params, body }: AdminRequest<EditBody, undefined, 'name'>,
    context: Context,
  ): Promise<JobView> {
    const job = this.#engine.job(params.name);
    const { step, ...change } = body;
    if (Object.values(change).every((value) => value === undefined)) {
      throw refuse(
        422,
        'nothing is to be changed: name parallelism, priority or activeDeadlineSeconds',
      );
    }
    const edit: JobEdit = change;
    const of = step === undefined ? {} : { step: this.#engine.step(job, step) };
    await context.decide(this.#engine.edit(job, { ...of, change: edit }, context));
    return jobViewOf(job);
  }

  @Post('/:name/cancel', { query: SelectionQuery, summary: 'end a job, or indexes of it' })
  async cancel({ params, query }: OfJob<SelectionQuery>, context: Context): Promise<JobView> {
    const job = this.#engine.job(params.name);
    const { step, indexes } = this.#selection(job, query);
    if (indexes === undefined) {
      if (step !== undefined) throw refuse(422, 'name the indexes of the step that are to end');
      await context.decide(this.#engine.cancel(job, context));
    } else {
      const selection = { step: step ?? this.#engine.step(job), indexes };
      await context.decide(this.#engine.cancelIndexes(job, selection, context).decision);
    }
    return jobViewOf(job);
  }

  @Post('/:name/hold', { summary: 'start no more tasks of a job' })
  async hold({ params }: OfJob, context: Context): Promise<JobView> {
    return await this.#changed(params.name, context, (job) => this.#engine.hold(job, context));
  }

  @Post('/:name/release', { summary: 'let a job start tasks again' })
  async release({ params }: OfJob, context: Context): Promise<JobView> {
    return await this.#changed(params.name, context, (job) => this.#engine.release(job, context));
  }

  @Post('/:name/rerun', {
    query: SelectionQuery,
    summary: 'run indexes anew: those that have not succeeded, or those that are named',
  })
  async rerun({ params, query }: OfJob<SelectionQuery>, context: Context): Promise<JobView> {
    return await this.#changed(
      params.name,
      context,
      (job) => this.#engine.rerun(job, this.#selection(job, query), context).decision,
    );
  }

  @Get('/:name/indexes', { query: IndexesQuery, summary: 'indexes with their last attempts' })
  indexes(
    { params, query }: OfJob<IndexesQuery>,
    context: Context,
  ): {
    readonly indexes: readonly IndexView[];
    readonly next?: number;
  } {
    const job = this.#engine.job(params.name);
    const step = this.#engine.step(job, query.step);
    const { limit, cursor = -1, state } = query;
    const of = { job, step, views: this.#views(context) };
    const found: IndexView[] = [];
    const isWanted = (each: IndexState): boolean => state === undefined || each === state;
    for (const view of indexViews(this.#engine, of, { after: cursor, isWanted })) {
      found.push(view);
      if (found.length > limit) break;
    }
    const indexes = found.slice(0, limit);
    const last = indexes.at(-1);
    return found.length > limit && last !== undefined ? { indexes, next: last.index } : { indexes };
  }

  @Get('/:name/indexes/:index', {
    query: StepQuery,
    summary: 'an index with all attempts, and where their output is',
  })
  index(
    { params, query }: AdminRequest<undefined, StepQuery, 'name' | 'index'>,
    context: Context,
  ): {
    readonly step: string;
    readonly index: number;
    readonly state: IndexState;
    readonly attempts: readonly AttemptView[];
  } {
    const job = this.#engine.job(params.name);
    const step = this.#engine.step(job, query.step);
    const index = Number(params.index);
    if (!/^\d+$/.test(params.index) || !step.array.indexes.has(index)) {
      throw refuse(404, `the job '${job.name}' has no index '${params.index}'`);
    }
    const attempts = attemptsOf(this.#engine, { job, step, views: this.#views(context) }, index);
    return { step: step.name, index, state: step.array.stateOf(index), attempts };
  }

  @Get('/:name/why', { summary: 'what a job waits for' })
  why({ params }: OfJob, context: Context): { readonly waiting: readonly Waiting[] } {
    const job = this.#engine.job(params.name);
    const { placer } = this.#engine;
    const { connection } = context;
    return { waiting: whyWaiting(job, { placer, connection, nowMs: context.clock.now() }) };
  }

  @Get('/:name/events', {
    query: EventsQuery,
    summary: 'server-sent events: the job at each change, until it has ended',
  })
  events({ params, query }: OfJob<EventsQuery>, context: Context): Subscribable<StreamedEvent> {
    const job = this.#engine.job(params.name);
    return jobEvents(this.#engine, job, { context, withAttempts: query.attempts === 'true' });
  }

  async #changed(name: string, context: Context, change: (job: Job) => Decision): Promise<JobView> {
    const job = this.#engine.job(name);
    await context.decide(change(job));
    return jobViewOf(job);
  }

  #views(context: Context): AttemptViews {
    return new AttemptViews(this.#engine.agents, context.frameworkId);
  }

  /** @throws RequestRefused 422 for ranges that are not well-formed. */
  #selection(
    job: Job,
    { step, indexes }: SelectionQuery,
  ): { readonly step?: Step; readonly indexes?: IndexRanges } {
    const problem = indexes === undefined ? undefined : rangesProblem(indexes);
    if (problem !== undefined) {
      const message = `query.indexes: ${problem}`;
      throw refuse(422, message, [{ path: 'query.indexes', message: problem }]);
    }
    return {
      ...(step === undefined ? {} : { step: this.#engine.step(job, step) }),
      ...(indexes === undefined ? {} : { indexes: IndexRanges.parse(indexes) }),
    };
  }
}

function splitLabel(label: string | undefined): readonly [name: string, value?: string] {
  const [name = '', ...value] = (label ?? '').split('=');
  return value.length === 0 ? [name] : [name, value.join('=')];
}
