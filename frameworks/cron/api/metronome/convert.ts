/** From Metronome's documents to jobs, and back. */
import { checkShape } from '../../../../sdk/framework/index.js';
import { refuse } from '../../../../sdk/index.js';
import { JobDocument } from '../../../batch/index.js';
import type { CronEngine } from '../../engine/cron-engine.js';
import {
  type BatchDocument,
  type CronJob,
  type CronSpec,
  type Run,
  type Schedule,
  isOver,
} from '../../model.js';
import type {
  MetronomeJobDocument,
  MetronomeScheduleDocument,
  RunSpecDocument,
} from './documents.js';

/** Attempts after the first of a job with the policy ON_FAILURE. */
const MOST_RESTARTS = 1_000;

/** The job that a document asks for; what it does not speak of stays as it was. */
export function specOfMetronome(document: MetronomeJobDocument, before?: CronSpec): CronSpec {
  const { id, description, labels, run } = document;
  return {
    id,
    ...(description === undefined ? {} : { description }),
    labels,
    schedules: before?.schedules ?? [],
    suspend: before?.suspend ?? false,
    history: before?.history ?? { succeeded: 20, failed: 20, passedOver: 20 },
    maxLaunchSeconds: run.maxLaunchDelay,
    run: jobOfRun(run),
    metronomeRun: plainOf(run),
  };
}

function plainOf(run: RunSpecDocument): Readonly<Record<string, unknown>> {
  const plain: unknown = JSON.parse(JSON.stringify(run));
  return { ...Object(plain) };
}

/**
 * A batch job of one task.
 * @throws RequestRefused 422 when no task can be as it says.
 */
function jobOfRun(run: RunSpecDocument): BatchDocument {
  const { cpus, mem, disk, gpus, cmd, args, user, env, restart } = run;
  const given = {
    command: cmd ?? args,
    cpus,
    memMiB: mem,
    diskMiB: disk === 0 ? undefined : disk,
    gpus: gpus === 0 ? undefined : gpus,
    env,
    user,
    uris: run.artifacts.length === 0 ? undefined : run.artifacts.map(uriOf),
    constraints: run.placement.constraints.length === 0 ? undefined : constraintsOf(run),
    terminationGracePeriodSeconds: run.taskKillGracePeriodSeconds,
  };
  const job = Object.assign(new JobDocument(), {
    name: 'run',
    template: JSON.parse(JSON.stringify(given)),
    backoffLimitPerIndex: restart.policy === 'NEVER' ? 0 : MOST_RESTARTS,
    ...(restart.activeDeadlineSeconds === undefined
      ? {}
      : { activeDeadlineSeconds: restart.activeDeadlineSeconds }),
  });
  const plain: unknown = JSON.parse(JSON.stringify(job));
  const checked = checkShape(JobDocument, plain);
  if (checked.kind === 'good') return checked.value;
  // The fields of the batch job are named otherwise: what they say is told of the run.
  throw refuse(
    422,
    'Object is not valid',
    checked.problems.map(({ message }) => ({ path: 'run', message })),
  );
}

function uriOf({ uri, extract, executable, cache }: RunSpecDocument['artifacts'][number]): object {
  return { value: uri, extract, executable, cache };
}

function constraintsOf(run: RunSpecDocument): readonly (readonly string[])[] {
  return run.placement.constraints.map(({ attribute, operator, value }) => [
    attribute,
    operator === 'EQ' ? 'IS' : operator,
    value ?? '',
  ]);
}

export function scheduleOfMetronome(document: MetronomeScheduleDocument): Schedule {
  const { id, cron, timezone, startingDeadlineSeconds, enabled } = document;
  return {
    id,
    cron,
    timezone,
    concurrencyPolicy: POLICIES[document.concurrencyPolicy],
    startingDeadlineSeconds,
    catchUp: 'latest',
    enabled,
  };
}

const POLICIES = { ALLOW: 'Allow', FORBID: 'Forbid', REPLACE: 'Replace' } as const;

/** Dates as Metronome writes them: `2030-01-01T00:00:00.000+0000`. */
function dateOf(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '+0000');
}

function dateOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : dateOf(ms);
}

export const EMBEDS = ['activeRuns', 'schedules', 'history', 'historySummary'] as const;
export type Embed = (typeof EMBEDS)[number];

/** A job as Metronome shows it, with what is asked for beside. */
export function metronomeJob(engine: CronEngine, job: CronJob, embeds: ReadonlySet<Embed>): object {
  const { id, description = '', labels } = job.spec;
  return {
    id,
    description,
    labels,
    dependencies: [],
    run: job.spec.metronomeRun ?? runOfJob(job.spec),
    ...(embeds.has('schedules') ? { schedules: metronomeSchedules(engine, job) } : {}),
    ...(embeds.has('activeRuns') ? { activeRuns: engine.activeRuns(id).map(metronomeRun) } : {}),
    ...(embeds.has('history') ? { history: historyOf(engine, id) } : {}),
    ...(embeds.has('historySummary') ? { historySummary: summaryOf(engine, id) } : {}),
  };
}

/** The nearest that Metronome's words come to the run of a job that did not come by this door. */
function runOfJob({ run, maxLaunchSeconds }: CronSpec): object {
  const {
    command,
    cpus = 0,
    memMiB = 0,
    diskMiB = 0,
    env = {},
    user,
  } = run.template ?? run.steps?.[0]?.template ?? {};
  return {
    cpus,
    mem: memMiB,
    disk: diskMiB,
    ...(command === undefined
      ? {}
      : typeof command === 'string'
        ? { cmd: command }
        : { args: command }),
    ...(user === undefined ? {} : { user }),
    env,
    artifacts: [],
    placement: { constraints: [] },
    restart: { policy: run.backoffLimitPerIndex === 0 ? 'NEVER' : 'ON_FAILURE' },
    maxLaunchDelay: maxLaunchSeconds,
  };
}

export function metronomeSchedules(engine: CronEngine, job: CronJob): readonly object[] {
  return job.spec.schedules.map((schedule) => metronomeSchedule(engine, job, schedule));
}

/** A schedule; a repeat is shown as it is written, where the expression would be. */
export function metronomeSchedule(engine: CronEngine, job: CronJob, schedule: Schedule): object {
  const { id, cron, repeat, timezone, startingDeadlineSeconds, concurrencyPolicy } = schedule;
  const nextMs = engine.nextOf(job, schedule);
  return {
    id,
    cron: cron ?? repeat ?? '',
    timezone,
    startingDeadlineSeconds,
    concurrencyPolicy: concurrencyPolicy.toUpperCase(),
    enabled: schedule.enabled && !job.spec.suspend,
    ...(nextMs === undefined ? {} : { nextRunAt: dateOf(nextMs) }),
  };
}

const STATUSES = {
  claimed: 'INITIAL',
  starting: 'STARTING',
  active: 'ACTIVE',
  succeeded: 'SUCCESS',
  failed: 'FAILED',
  skipped: 'FAILED',
  missed: 'FAILED',
} as const satisfies Record<Run['state'], string>;

export function metronomeRun(run: Run): object {
  return {
    id: run.id,
    jobId: run.jobId,
    status: STATUSES[run.state],
    createdAt: dateOf(run.claimedMs),
    completedAt: dateOrNull(run.endedMs),
    tasks: run.tasks.map(({ id, state, startedMs, endedMs }) => ({
      id,
      startedAt: dateOrNull(startedMs),
      completedAt: dateOrNull(endedMs),
      status: `TASK_${state}`,
    })),
  };
}

function summaryOf(engine: CronEngine, id: string): object {
  const { succeeded, failed, lastSucceededMs, lastFailedMs } = engine.tally(id);
  return {
    successCount: succeeded,
    failureCount: failed,
    lastSuccessAt: dateOrNull(lastSucceededMs),
    lastFailureAt: dateOrNull(lastFailedMs),
  };
}

function historyOf(engine: CronEngine, id: string): object {
  const over = engine.runs(id).filter(isOver);
  const finished = (state: Run['state']): readonly object[] =>
    over
      .filter((run) => run.state === state)
      .map(({ id: runId, claimedMs, endedMs, tasks }) => ({
        id: runId,
        createdAt: dateOf(claimedMs),
        finishedAt: dateOrNull(endedMs),
        tasks: tasks.map((task) => task.id),
      }));
  return {
    ...summaryOf(engine, id),
    successfulFinishedRuns: finished('succeeded'),
    failedFinishedRuns: finished('failed'),
  };
}
