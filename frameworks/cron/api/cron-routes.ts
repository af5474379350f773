/** The admin interface of cron jobs: `/v1/cron/…`. Each route is a turn of the runtime; see `docs/cron.md`. */
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsISO8601,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import {
  Admin,
  type AdminRequest,
  type Context,
  Delete,
  Get,
  Post,
  Put,
  type Subscribable,
  refuse,
} from '../../../sdk/index.js';
import { HttpAnswer } from '../../../sdk/admin/index.js';
import { ValuesAreTexts } from '../document-checks.js';
import { CronDocument, specOf } from '../document.js';
import type { Cron } from '../framework.js';
import { MAX_CRON_PER_PAGE, MAX_EXTRA_ARGUMENTS, MAX_PREVIEW } from '../limits.js';
import type { RunState } from '../model.js';
import { type CronEventView, cronEvents } from './events.js';
import {
  type CronJobSummary,
  type CronJobView,
  type RunView,
  type UpcomingView,
  jobViewOf,
  runViewOf,
  summaryOf,
  upcomingViews,
} from './views.js';

const RUN_STATES: readonly RunState[] = [
  'claimed',
  'starting',
  'active',
  'succeeded',
  'failed',
  'skipped',
  'missed',
];

class JobsQuery {
  @IsInt() @Min(1) @Max(MAX_CRON_PER_PAGE) limit = 100;
  /** The `next` of the page before. */
  @IsOptional() @IsString() cursor?: string;
  /** With which ids begin. */
  @IsOptional() @IsString() prefix?: string;
  /** `name=value`, or a name. */
  @IsOptional() @IsString() label?: string;
}

class RevisionQuery {
  /** Of the job as it was read: refused when it has been changed since. */
  @IsOptional() @IsInt() @Min(0) revision?: number;
}

class DeleteQuery {
  @IsBoolean() stopRuns = false;
}

class NextQuery {
  @IsInt() @Min(1) @Max(MAX_PREVIEW) count = 10;
  /** Default: now. */
  @IsOptional() @IsISO8601({ strict: true }) from?: string;
}

class RunsQuery {
  @IsInt() @Min(1) @Max(MAX_CRON_PER_PAGE) limit = 100;
  @IsOptional() @IsString() cursor?: string;
  @IsOptional() @IsIn(RUN_STATES) state?: string;
}

class RunBody {
  /** Beside, or instead of, the variables of the template. */
  @IsOptional() @IsObject() @ValuesAreTexts() env?: Record<string, string>;
  /** Behind those of the command. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_EXTRA_ARGUMENTS)
  @IsString({ each: true })
  args?: string[];
  /** The same key again is answered with the run that is there. */
  @IsOptional() @Matches(/^[\w.-]+$/) @MaxLength(100) key?: string;
}

type OfJob<Query = undefined> = AdminRequest<undefined, Query, 'id'>;
type OfRun = AdminRequest<undefined, undefined, 'id' | 'run'>;

/** What a PUT did. */
export interface Applied {
  readonly change: 'created' | 'changed' | 'unchanged';
  readonly job: CronJobView;
}

@Admin('/v1/cron')
export class CronRoutes {
  readonly #cron: Cron;

  constructor(cron: Cron) {
    this.#cron = cron;
  }

  @Get('/info', { summary: 'what the scheduler knows of time zones' })
  info(): { readonly timeZoneData: string } {
    return { timeZoneData: process.versions['tz'] ?? 'unknown' };
  }

  @Get('/jobs', { query: JobsQuery, summary: 'cron jobs, ordered by id' })
  list({ query }: AdminRequest<undefined, JobsQuery>): {
    readonly jobs: readonly CronJobSummary[];
    readonly next?: string;
  } {
    const { engine } = this.#cron;
    const { limit, cursor, prefix = '', label } = query;
    const [labelName = '', labelValue] = label?.split(/=(.*)/s) ?? [];
    const found = engine.jobs().filter(({ spec }) => {
      const value = spec.labels[labelName];
      if (label !== undefined && (value === undefined || value !== (labelValue ?? value)))
        return false;
      return spec.id.startsWith(prefix) && (cursor === undefined || spec.id > cursor);
    });
    const shown = found.slice(0, limit);
    const next = found.length > limit ? shown.at(-1)?.spec.id : undefined;
    const jobs = shown.map((job) => summaryOf(engine, job));
    return next === undefined ? { jobs } : { jobs, next };
  }

  @Post('/jobs', { body: CronDocument, status: 201, summary: 'create a cron job' })
  async create({ body }: AdminRequest<CronDocument>, context: Context): Promise<CronJobView> {
    const job = await this.#cron.change(context, (engine, nowMs) =>
      engine.create(specOf(body, nowMs), nowMs),
    );
    return jobViewOf(this.#cron.engine, job);
  }

  @Get('/jobs/:id', { summary: 'a cron job with its schedules and its run' })
  show({ params }: OfJob): CronJobView {
    const { engine } = this.#cron;
    return jobViewOf(engine, engine.job(params.id));
  }

  @Put('/jobs/:id', {
    body: CronDocument,
    query: RevisionQuery,
    summary: 'create a cron job, or replace what it is; revision 0: only create it',
  })
  async apply(
    { params, body, query }: AdminRequest<CronDocument, RevisionQuery, 'id'>,
    context: Context,
  ): Promise<HttpAnswer> {
    if (body.id !== params.id) {
      const message = `is '${body.id}', but the path names '${params.id}': they have to be the same`;
      throw refuse(422, `body.id ${message}`, [{ path: 'body.id', message }]);
    }
    const before = this.#cron.engine.find(params.id);
    const job = await this.#cron.change(context, (engine, nowMs) => {
      const spec = specOf(body, nowMs);
      const isNew = before === undefined && (query.revision ?? 0) === 0;
      return isNew ? engine.create(spec, nowMs) : engine.update(spec, query, nowMs);
    });
    const change =
      before === undefined ? 'created' : job.revision === before.revision ? 'unchanged' : 'changed';
    const json: Applied = { change, job: jobViewOf(this.#cron.engine, job) };
    return new HttpAnswer({ status: change === 'created' ? 201 : 200, json });
  }

  @Delete('/jobs/:id', { query: DeleteQuery, summary: 'delete a cron job with its history' })
  async remove({ params, query }: OfJob<DeleteQuery>, context: Context): Promise<void> {
    await this.#cron.change(context, (engine) => engine.delete(params.id, query));
  }

  @Post('/jobs/:id/suspend', { summary: 'no schedule is due until it is resumed' })
  async suspend({ params }: OfJob, context: Context): Promise<CronJobView> {
    return await this.#suspend(params.id, true, context);
  }

  @Post('/jobs/:id/resume', { summary: 'end the suspension; what was due meanwhile is not run' })
  async resume({ params }: OfJob, context: Context): Promise<CronJobView> {
    return await this.#suspend(params.id, false, context);
  }

  @Get('/jobs/:id/next', { query: NextQuery, summary: 'the next due times' })
  next(
    { params, query }: OfJob<NextQuery>,
    context: Context,
  ): { readonly next: readonly UpcomingView[] } {
    const { engine } = this.#cron;
    const fromMs = query.from === undefined ? context.clock.now() : Date.parse(query.from);
    return { next: upcomingViews(engine, engine.job(params.id), { fromMs, count: query.count }) };
  }

  @Get('/jobs/:id/runs', {
    query: RunsQuery,
    summary: 'runs and what was passed over, the newest first',
  })
  history({ params, query }: OfJob<RunsQuery>): {
    readonly runs: readonly RunView[];
    readonly next?: string;
  } {
    const { engine } = this.#cron;
    const { limit, cursor, state } = query;
    const all = engine.runs(engine.job(params.id).spec.id);
    const start = cursor === undefined ? 0 : all.findIndex(({ id }) => id === cursor) + 1;
    if (cursor !== undefined && start === 0) {
      throw refuse(410, `the run '${cursor}' of the cursor is not kept any more: begin anew`);
    }
    const found = all.slice(start).filter((run) => state === undefined || run.state === state);
    const shown = found.slice(0, limit);
    const next = found.length > limit ? shown.at(-1)?.id : undefined;
    const runs = shown.map(runViewOf);
    return next === undefined ? { runs } : { runs, next };
  }

  @Post('/jobs/:id/runs', { body: RunBody, status: 201, summary: 'run it now' })
  async run(
    { params, body }: AdminRequest<RunBody, undefined, 'id'>,
    context: Context,
  ): Promise<RunView> {
    const { env, args, key } = body;
    const run = await this.#cron.runNow(context, params.id, { env, args, key });
    return runViewOf(run);
  }

  @Get('/jobs/:id/runs/:run', { summary: 'a run' })
  showRun({ params }: OfRun): RunView {
    return runViewOf(this.#cron.engine.run(params.id, params.run));
  }

  @Post('/jobs/:id/runs/:run/stop', { summary: 'end a run' })
  async stop({ params }: OfRun, context: Context): Promise<RunView> {
    const run = await this.#cron.change(context, (engine, nowMs) =>
      engine.stop(params.id, params.run, nowMs),
    );
    return runViewOf(run);
  }

  @Get('/events', { summary: 'changes of jobs and runs as server-sent events' })
  events(_request: AdminRequest, context: Context): Subscribable<CronEventView> {
    return cronEvents(this.#cron.engine, context);
  }

  async #suspend(id: string, isSuspended: boolean, context: Context): Promise<CronJobView> {
    const job = await this.#cron.change(context, (engine, nowMs) =>
      engine.suspend(id, isSuspended, nowMs),
    );
    return jobViewOf(this.#cron.engine, job);
  }
}
