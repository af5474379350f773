/**
 * Metronome's REST interface, version 1, and the part of version 0 that its clients use: `/v1/jobs`, their
 * schedules and runs, `/v1/queue`, `/v1/metrics`, `/v0/scheduled-jobs`, `/info`, `/leader`, `/ping`, with or
 * without `/service/metronome` before them.
 */
import {
  HttpAnswer,
  Mount,
  type MountedRequest,
  RequestRefused,
} from '../../../../sdk/admin/index.js';
import { type Problem, type Shape, checkShape } from '../../../../sdk/framework/index.js';
import { type Context, refuse } from '../../../../sdk/index.js';
import { refuseNever } from '../../document.js';
import type { CronEngine } from '../../engine/cron-engine.js';
import type { Cron } from '../../framework.js';
import type { CronJob, CronSpec, Schedule } from '../../model.js';
import { metricsOf } from '../metrics.js';
import {
  EMBEDS,
  type Embed,
  metronomeJob,
  metronomeRun,
  metronomeSchedule,
  metronomeSchedules,
  scheduleOfMetronome,
  specOfMetronome,
} from './convert.js';
import {
  MetronomeJobDocument,
  MetronomeScheduleDocument,
  ScheduledJobDocument,
} from './documents.js';

/** The version of Metronome whose interface this is. */
export const METRONOME_VERSION = '0.6.48';

const PREFIX = '/service/metronome';
const OPTIONS = { refusal: refusalBody };

/** A request, taken apart. */
interface Call {
  readonly method: string;
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly context: Context;
}

export class MetronomeApi {
  readonly #cron: Cron;

  constructor(cron: Cron) {
    this.#cron = cron;
  }

  @Mount('/ping', OPTIONS)
  @Mount('/info', OPTIONS)
  @Mount('/leader', OPTIONS)
  @Mount('/v0', OPTIONS)
  @Mount('/v1/jobs', OPTIONS)
  @Mount('/v1/queue', OPTIONS)
  @Mount('/v1/metrics', OPTIONS)
  @Mount(PREFIX, OPTIONS)
  async answer(request: MountedRequest, context: Context): Promise<unknown> {
    const { query, body, headers } = request;
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const call: Call = { method, path: pathOf(request.path), query, body, context };
    const [first, second] = call.path;
    switch (`${first ?? ''}/${second ?? ''}`) {
      case 'v1/jobs':
        return await this.#jobs(call);
      case 'v0/scheduled-jobs':
        return await this.#scheduledJobs(call);
      case 'v1/queue':
        allow(call, 'GET');
        return queueOf(this.#engine);
      case 'v1/metrics':
        allow(call, 'GET');
        return Object.fromEntries(metricsOf(this.#engine).map(({ name, value }) => [name, value]));
      case 'ping/':
        return new HttpAnswer({ text: 'pong' });
      case 'info/':
        return { version: METRONOME_VERSION, libVersion: METRONOME_VERSION, config: {} };
      case 'leader/':
        return { leader: headers['host'] ?? '' };
      default:
        throw refuse(404, `there is nothing at ${request.path}`);
    }
  }

  get #engine(): CronEngine {
    return this.#cron.engine;
  }

  async #jobs(call: Call): Promise<unknown> {
    const [, , id, area, part, ...rest] = call.path;
    if (id === undefined) return await this.#allJobs(call);
    if (area === undefined) return await this.#oneJob(call, id);
    const job = jobOf(this.#engine, id);
    if (area === 'schedules' && rest.length === 0) {
      return part === undefined
        ? await this.#schedules(call, job)
        : await this.#schedule(call, job, part);
    }
    if (area === 'runs') return await this.#runs(call, job, part, rest.join('/'));
    throw refuse(404, `there is nothing at ${call.path.join('/')}`);
  }

  async #allJobs(call: Call): Promise<unknown> {
    const embeds = embedsOf(call);
    if (call.method === 'GET') {
      return this.#engine.jobs().map((job) => metronomeJob(this.#engine, job, embeds));
    }
    allow(call, 'POST', 'GET');
    const document = checked(MetronomeJobDocument, call.body);
    const job = await this.#cron.change(call.context, (engine, nowMs) =>
      engine.create(specOfMetronome(document), nowMs),
    );
    return new HttpAnswer({ status: 201, json: metronomeJob(this.#engine, job, new Set()) });
  }

  async #oneJob(call: Call, id: string): Promise<unknown> {
    const { method, query, context } = call;
    const before = jobOf(this.#engine, id);
    if (method === 'GET') return metronomeJob(this.#engine, before, embedsOf(call));
    if (method === 'DELETE') {
      const stopRuns = query.get('stopCurrentJobRuns') === 'true';
      const shown = metronomeJob(this.#engine, before, new Set());
      await this.#cron.change(context, (engine) => engine.delete(id, { stopRuns }));
      return shown;
    }
    allow(call, 'PUT', 'GET', 'DELETE');
    const document = checked(MetronomeJobDocument, call.body);
    refuseOtherId(document.id, id);
    const job = await this.#update(context, specOfMetronome(document, before.spec));
    return metronomeJob(this.#engine, job, new Set());
  }

  async #schedules(call: Call, job: CronJob): Promise<unknown> {
    if (call.method === 'GET') return metronomeSchedules(this.#engine, job);
    allow(call, 'POST', 'GET');
    const schedule = scheduleOfMetronome(checked(MetronomeScheduleDocument, call.body));
    if (job.spec.schedules.length > 0) {
      throw refuse(
        409,
        `Job '${job.spec.id}' has a schedule already: by this interface a job has one`,
      );
    }
    const json = await this.#setSchedules(call.context, job, [schedule], schedule.id);
    return new HttpAnswer({ status: 201, json });
  }

  async #schedule(call: Call, job: CronJob, id: string): Promise<unknown> {
    const { schedules, id: jobId } = job.spec;
    const before = schedules.find((schedule) => schedule.id === id);
    if (before === undefined)
      throw refuse(404, `Schedule '${id}' of job '${jobId}' does not exist`);
    if (call.method === 'GET') return metronomeSchedule(this.#engine, job, before);
    if (call.method === 'DELETE') {
      await this.#update(call.context, {
        ...job.spec,
        schedules: schedules.filter((schedule) => schedule.id !== id),
      });
      return new HttpAnswer({ status: 200 });
    }
    allow(call, 'PUT', 'GET', 'DELETE');
    const document = checked(MetronomeScheduleDocument, call.body);
    refuseOtherId(document.id, id);
    const changed = { ...scheduleOfMetronome(document), catchUp: before.catchUp };
    const all = schedules.map((schedule) => (schedule.id === id ? changed : schedule));
    return await this.#setSchedules(call.context, job, all, id);
  }

  async #setSchedules(
    context: Context,
    before: CronJob,
    schedules: readonly Schedule[],
    shown: string,
  ): Promise<object> {
    const job = await this.#update(context, { ...before.spec, schedules });
    const schedule = job.spec.schedules.find(({ id }) => id === shown);
    return schedule === undefined ? {} : metronomeSchedule(this.#engine, job, schedule);
  }

  async #runs(
    call: Call,
    job: CronJob,
    runId: string | undefined,
    action: string,
  ): Promise<unknown> {
    const { context } = call;
    const { id } = job.spec;
    if (runId === undefined) {
      if (call.method === 'GET') return this.#engine.activeRuns(id).map(metronomeRun);
      allow(call, 'POST', 'GET');
      const run = await this.#cron.runNow(context, id, {});
      return new HttpAnswer({ status: 201, json: metronomeRun(run) });
    }
    const run = this.#engine.findRun(id, runId);
    if (run === undefined) throw refuse(404, `Job Run '${runId}' of job '${id}' does not exist`);
    if (action === '') {
      allow(call, 'GET');
      return metronomeRun(run);
    }
    if (action !== 'actions/stop') throw refuse(404, `there is nothing at ${call.path.join('/')}`);
    allow(call, 'POST');
    const stopped = await this.#cron.change(context, (engine, nowMs) =>
      engine.stop(id, runId, nowMs),
    );
    return metronomeRun(stopped);
  }

  /** A job with its schedule in one go. */
  async #scheduledJobs(call: Call): Promise<unknown> {
    const [, , id, ...rest] = call.path;
    if (rest.length > 0) throw refuse(404, `there is nothing at ${call.path.join('/')}`);
    allow(call, ...(id === undefined ? ['POST'] : ['PUT']));
    const before = id === undefined ? undefined : jobOf(this.#engine, id);
    const document = checked(ScheduledJobDocument, call.body);
    if (id !== undefined) refuseOtherId(document.id, id);
    const spec: CronSpec = {
      ...specOfMetronome(document, before?.spec),
      schedules: document.schedules.map(scheduleOfMetronome),
    };
    const job = await this.#cron.change(call.context, (engine, nowMs) => {
      refuseNever(spec.schedules, nowMs);
      return before === undefined ? engine.create(spec, nowMs) : engine.update(spec, {}, nowMs);
    });
    const json = metronomeJob(this.#engine, job, new Set(['schedules']));
    return new HttpAnswer({ status: before === undefined ? 201 : 200, json });
  }

  #update(context: Context, spec: CronSpec): Promise<CronJob> {
    return this.#cron.change(context, (engine, nowMs) => {
      refuseNever(spec.schedules, nowMs);
      return engine.update(spec, {}, nowMs);
    });
  }
}

function pathOf(path: string): readonly string[] {
  const below = path.startsWith(`${PREFIX}/`) ? path.slice(PREFIX.length) : path;
  try {
    return below.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    throw refuse(400, `'${path}' is not well encoded`);
  }
}

/** @throws RequestRefused 405. */
function allow({ method }: Call, ...methods: readonly string[]): void {
  if (methods.includes(method)) return;
  throw new RequestRefused(405, `it takes ${methods.join(', ')}, not ${method}`, {
    headers: { Allow: methods.join(', ') },
  });
}

function jobOf(engine: CronEngine, id: string): CronJob {
  const job = engine.find(id);
  if (job === undefined) throw refuse(404, `Job '${id}' does not exist`);
  return job;
}

/** @throws RequestRefused 422 for a word that is no embed. */
function embedsOf({ query }: Call): ReadonlySet<Embed> {
  const asked = query.getAll('embed');
  const embeds = EMBEDS.filter((embed) => asked.includes(embed));
  const unknown = asked.find((word) => !EMBEDS.some((embed) => embed === word));
  if (unknown === undefined) return new Set(embeds);
  const message = `'${unknown}' is no embed: there are ${EMBEDS.join(', ')}`;
  throw refuse(422, 'Object is not valid', [{ path: 'embed', message }]);
}

/** @throws RequestRefused 422 with all that is wrong. */
function checked<T extends object>(shape: Shape<T>, body: unknown): T {
  const found = checkShape(shape, body);
  if (found.kind === 'good') return found.value;
  throw refuse(422, 'Object is not valid', found.problems);
}

function refuseOtherId(given: string, named: string): void {
  if (given === named) return;
  const message = `is '${given}', but the path names '${named}': they have to be the same`;
  throw refuse(422, 'Object is not valid', [{ path: 'id', message }]);
}

/** `{message, details: [{path, errors}]}`, with paths such as `/run/cpus`. */
function refusalBody({ message, problems }: RequestRefused): object {
  if (problems.length === 0) return { message };
  const byPath = new Map<string, string[]>();
  for (const problem of problems) {
    const path = pointerOf(problem);
    byPath.set(path, [...(byPath.get(path) ?? []), problem.message]);
  }
  return { message, details: [...byPath].map(([path, errors]) => ({ path, errors })) };
}

function pointerOf({ path }: Problem): string {
  return `/${path
    .split(/[.[\]]+/)
    .filter(Boolean)
    .join('/')}`;
}

/** Runs that wait for a task to run, by job. */
function queueOf(engine: CronEngine): readonly object[] {
  return engine.jobs().flatMap(({ spec: { id: jobId } }) => {
    const waiting = engine.activeRuns(jobId).filter(({ state }) => state !== 'active');
    const runs = waiting.map(({ id: runId }) => ({ runId }));
    return runs.length === 0 ? [] : [{ jobId, runs }];
  });
}
