/** Jobs and runs as the admin interface shows them. Times are texts of ISO 8601 in UTC. */
import type { CronEngine } from '../engine/cron-engine.js';
import type { CronJob, Run, RunTask, Schedule } from '../model.js';
import { localText, offsetMs, offsetText } from '../schedule/zone.js';

export interface ScheduleView extends Schedule {
  /** Missing: it will not be due again, or is suspended. */
  readonly nextRunAt?: string;
}

export interface CronJobSummary {
  readonly id: string;
  /** `on-demand`: it has no schedules. `done`: those that it has will not be due again. */
  readonly state: 'scheduled' | 'suspended' | 'on-demand' | 'done';
  readonly nextRunAt?: string;
  readonly activeRuns: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly missed: number;
  readonly lastSucceededAt?: string;
  readonly lastFailedAt?: string;
  readonly revision: number;
}

export interface CronJobView extends CronJobSummary {
  readonly description?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly schedules: readonly ScheduleView[];
  readonly suspend: boolean;
  readonly history: CronJob['spec']['history'];
  readonly run: CronJob['spec']['run'];
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface RunView {
  readonly id: string;
  readonly job: string;
  readonly state: Run['state'];
  readonly reason?: string;
  readonly message?: string;
  /** Missing: somebody asked for it. */
  readonly schedule?: string;
  readonly dueAt: string;
  readonly claimedAt: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  /** How many due times were passed over together. */
  readonly count?: number;
  /** There were more than were counted. */
  readonly isMore?: boolean;
  /** Name of the batch job. */
  readonly batchJob?: string;
  readonly tasks: readonly RunTaskView[];
}

export interface RunTaskView {
  readonly id: string;
  readonly state: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
}

export interface UpcomingView {
  readonly at: string;
  /** What the clock of the zone shows then. */
  readonly local: string;
  readonly schedule: string;
  readonly timezone: string;
  /** The clock has changed since the due time before. */
  readonly note?: string;
}

/** A time as a text, if there is one. */
export function isoOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

/** Leaves out what is undefined: answers have no empty fields. */
function known<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- optional fields are left out, no others
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

/** When any schedule of a job is due next. */
function nextOfJob(engine: CronEngine, job: CronJob): number | undefined {
  const times = job.spec.schedules.flatMap((schedule) => engine.nextOf(job, schedule) ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}

export function summaryOf(engine: CronEngine, job: CronJob): CronJobSummary {
  const { id } = job.spec;
  const { lastSucceededMs, lastFailedMs, ...counts } = engine.tally(id);
  const nextMs = nextOfJob(engine, job);
  return known({
    id,
    state: stateOf(job, nextMs),
    nextRunAt: isoOf(nextMs),
    activeRuns: engine.activeRuns(id).length,
    ...counts,
    lastSucceededAt: isoOf(lastSucceededMs),
    lastFailedAt: isoOf(lastFailedMs),
    revision: job.revision,
  });
}

function stateOf({ spec }: CronJob, nextMs: number | undefined): CronJobSummary['state'] {
  if (spec.suspend) return 'suspended';
  if (nextMs !== undefined) return 'scheduled';
  return spec.schedules.length === 0 ? 'on-demand' : 'done';
}

export function jobViewOf(engine: CronEngine, job: CronJob): CronJobView {
  const { description, labels, schedules, suspend, history, run } = job.spec;
  return known({
    ...summaryOf(engine, job),
    description,
    labels,
    schedules: schedules.map((schedule) =>
      known({ ...schedule, nextRunAt: isoOf(engine.nextOf(job, schedule)) }),
    ),
    suspend,
    history,
    run,
    createdAt: new Date(job.createdMs).toISOString(),
    updatedAt: new Date(job.updatedMs).toISOString(),
  });
}

export function runViewOf(run: Run): RunView {
  const isPassedOver = run.state === 'skipped' || run.state === 'missed';
  return known({
    id: run.id,
    job: run.jobId,
    state: run.state,
    reason: run.reason,
    message: run.message,
    schedule: run.scheduleId,
    dueAt: new Date(run.dueMs).toISOString(),
    claimedAt: new Date(run.claimedMs).toISOString(),
    startedAt: isoOf(run.startedMs),
    endedAt: isoOf(run.endedMs),
    count: run.count,
    isMore: run.isMore,
    batchJob: isPassedOver ? undefined : run.batchJob,
    tasks: run.tasks.map(taskView),
  });
}

function taskView({ id, state, startedMs, endedMs }: RunTask): RunTaskView {
  return known({ id, state, startedAt: isoOf(startedMs), endedAt: isoOf(endedMs) });
}

/** The next due times of a job, with what the clocks of their zones show. */
export function upcomingViews(
  engine: CronEngine,
  job: CronJob,
  { fromMs, count }: { readonly fromMs: number; readonly count: number },
): readonly UpcomingView[] {
  const before = new Map<string, number>();
  return engine.upcoming(job, fromMs, count).map(({ scheduleId, dueMs }) => {
    const schedule = job.spec.schedules.find(({ id }) => id === scheduleId);
    const timezone = schedule?.timezone ?? 'UTC';
    const change = offsetMs(timezone, dueMs) - offsetMs(timezone, before.get(scheduleId) ?? fromMs);
    before.set(scheduleId, dueMs);
    const note = `the clock has been moved by ${offsetText(change)} since the time before`;
    return {
      at: new Date(dueMs).toISOString(),
      local: localText(timezone, dueMs),
      schedule: scheduleId,
      timezone,
      ...(change === 0 ? {} : { note }),
    };
  });
}
