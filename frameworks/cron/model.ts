/** What the cron scheduler knows: jobs, how far each schedule has been dealt with, and runs. All of it is JSON. */
import type { JobDocument } from '../batch/index.js';

/** A batch job as plain data. */
export type BatchDocument = { readonly [Field in keyof JobDocument]: JobDocument[Field] };

export type ConcurrencyPolicy = 'Allow' | 'Forbid' | 'Replace';
export type CatchUp = 'latest' | 'none';

/** One schedule of a job. Either `cron` or `repeat` is set. */
export interface Schedule {
  readonly id: string;
  readonly cron?: string | undefined;
  readonly repeat?: string | undefined;
  readonly timezone: string;
  readonly concurrencyPolicy: ConcurrencyPolicy;
  readonly startingDeadlineSeconds: number;
  readonly catchUp: CatchUp;
  readonly enabled: boolean;
}

/** A job as it was asked for. */
export interface CronSpec {
  readonly id: string;
  readonly description?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly schedules: readonly Schedule[];
  /** No schedule is due while it is true. */
  readonly suspend: boolean;
  /** Ended runs that are kept. */
  readonly history: HistoryLimits;
  /** How long a run that somebody asks for may wait until a task runs. */
  readonly maxLaunchSeconds: number;
  /** The batch job that each run is. Its name is not used. */
  readonly run: BatchDocument;
  /** The `run` of Metronome, when the job came by that door: shown again as it was given. */
  readonly metronomeRun?: Readonly<Record<string, unknown>> | undefined;
}

export interface HistoryLimits {
  readonly succeeded: number;
  readonly failed: number;
  /** Skipped and missed due times. */
  readonly passedOver: number;
}

export interface CronJob {
  readonly spec: CronSpec;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** One more with each change: tells edits that cross apart. */
  readonly revision: number;
}

/** How far a schedule has been dealt with. Kept apart from the schedule, which nobody but its author changes. */
export interface Cursor {
  /** Due times up to here are dealt with for good; it never goes back. */
  readonly handledMs: number;
  /** Runs that were claimed, for repeats with a count. */
  readonly claimed: number;
  /** When the schedule in its present form was made: repeats without a start begin here. */
  readonly createdMs: number;
  /** Of that form: another time means another beginning. */
  readonly text: string;
}

/**
 * `claimed`: it has its row, its batch job waits for the end of the run that it replaces. `starting`: submitted, and
 * no task has run yet. `skipped`: passed over because of other runs. `missed`: nobody was there in time.
 */
export type RunState =
  | 'claimed'
  | 'starting'
  | 'active'
  | 'succeeded'
  | 'failed'
  | 'skipped'
  | 'missed';

export type RunReason =
  | 'JobFailed'
  | 'Stopped'
  | 'Replaced'
  | 'StartingDeadlineExceeded'
  | 'SubmissionRefused'
  | 'StillRunning'
  | 'TooManyRuns'
  | 'NotOnTime'
  | 'SchedulerWasAway';

/** One task of a run, as far as it is known. */
export interface RunTask {
  readonly id: string;
  readonly state: string;
  readonly startedMs?: number | undefined;
  readonly endedMs?: number | undefined;
}

/** A run, or due times that were passed over. Its key is the job and the id, which tells schedule and due time. */
export interface Run {
  readonly id: string;
  readonly jobId: string;
  /** Name of the batch job; the same for the same job and id. */
  readonly batchJob: string;
  /** Undefined: somebody asked for it. */
  readonly scheduleId?: string | undefined;
  /** When it was due; of several passed over together, the first. On demand: when it was asked for. */
  readonly dueMs: number;
  readonly claimedMs: number;
  /** Until when a task has to run. */
  readonly startByMs?: number | undefined;
  readonly startedMs?: number | undefined;
  readonly endedMs?: number | undefined;
  readonly state: RunState;
  readonly reason?: RunReason | undefined;
  readonly message?: string | undefined;
  /** The batch job is being ended, and with what the run ends then. */
  readonly ending?: RunReason | undefined;
  /** Of several due times that were passed over together: how many. */
  readonly count?: number | undefined;
  /** There were more, which were not counted. */
  readonly isMore?: boolean | undefined;
  readonly tasks: readonly RunTask[];
  /** What a run on demand changes of the template. */
  readonly overrides?: RunOverrides | undefined;
}

export interface RunOverrides {
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly args?: readonly string[] | undefined;
  /** Of the caller: a second request with it is the same run. */
  readonly key?: string | undefined;
}

/** What has happened to a job since it was made. */
export interface Tally {
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly missed: number;
  readonly lastSucceededMs?: number | undefined;
  readonly lastFailedMs?: number | undefined;
}

export const NO_TALLY: Tally = { succeeded: 0, failed: 0, skipped: 0, missed: 0 };

const OVER: ReadonlySet<RunState> = new Set(['succeeded', 'failed', 'skipped', 'missed']);

/** Whether a run will not change any more. */
export function isOver(run: Run): boolean {
  return OVER.has(run.state);
}

/** The key of a run in its repository. */
export function runKey(jobId: string, runId: string): string {
  return `${jobId}/${runId}`;
}

/** The key of the cursor of a schedule. */
export function cursorKey(jobId: string, scheduleId: string): string {
  return `${jobId}/${scheduleId}`;
}

/** The id of the run of a due time: the same whoever computes it, whenever. */
export function scheduledRunId(scheduleId: string, dueMs: number): string {
  return `${stampOf(dueMs)}-${scheduleId}`;
}

/** The id of a run that somebody asked for. No schedule may be called so. */
export function demandedRunId(nowMs: number, token: string): string {
  return `${stampOf(nowMs)}-${DEMANDED}-${token}`;
}

/** Ids of schedules do not begin with it. */
export const DEMANDED = 'manual';

/** `20300101T020000Z`; due times are whole seconds. */
function stampOf(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:]|\.\d+/g, '');
}

/** Names of batch jobs have no dots and 63 characters. */
const MAX_BATCH_NAME = 63;

/** The name of the batch job of a run: of the same run always the same, of different runs never. */
export function batchNameOf(jobId: string, runId: string): string {
  const whole = `${jobId.replaceAll('.', '_')}-${runId}`;
  if (whole.length <= MAX_BATCH_NAME) return whole;
  const hash = hashText(whole);
  return `${whole.slice(0, MAX_BATCH_NAME - hash.length - 1).replace(/[_-]+$/, '')}-${hash}`;
}

/** 64 bits by FNV-1a, as text: for names, not for secrets. */
function hashText(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(36);
}
