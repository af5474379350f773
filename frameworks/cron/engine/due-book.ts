/**
 * What is due: for each schedule the cursor, the next due time, and what becomes of due times that have come.
 *
 * A due time is dealt with once: the row of its run (or that it was passed over) and the cursor that is moved
 * beyond it are written together. The cursor never goes back, whatever the wall clock does.
 */
import {
  type CronJob,
  type Cursor,
  type Run,
  type RunReason,
  type Schedule,
  batchNameOf,
  cursorKey,
  scheduledRunId,
} from '../model.js';
import { MAX_ACTIVE_RUNS, MAX_DUE_PER_TURN, ON_TIME_MS } from '../limits.js';
import { Timetables, beginsAtCreation, runsOf } from '../schedule/schedules.js';
import { type DueSpan, type Timetable, dueWithin } from '../schedule/timetable.js';
import type { CronBook } from './cron-book.js';
import { DueIndex } from './due-index.js';
import type { CronMetrics } from './metrics.js';
import type { RunBook } from './run-book.js';

export interface DueBookParts {
  readonly book: CronBook;
  readonly runs: RunBook;
  readonly metrics: CronMetrics;
}

export class DueBook {
  readonly #parts: DueBookParts;
  readonly #index = new DueIndex();
  readonly #timetables = new Timetables();

  constructor(parts: DueBookParts) {
    this.#parts = parts;
    for (const job of parts.book.jobs()) this.#indexJob(job);
  }

  /** When the next schedule is due; infinite: none is. */
  soonestMs(nowMs: number): number {
    return this.#index.soonestMs(nowMs);
  }

  /** When a schedule is due next; undefined: never, or it is suspended. */
  nextOf(job: CronJob, schedule: Schedule): number | undefined {
    if (!isOn(job, schedule)) return undefined;
    const cursor = this.#parts.book.cursor(job.spec.id, schedule.id);
    return cursor === undefined ? undefined : this.#nextAfter(schedule, cursor);
  }

  /** The timetable of a schedule as it runs, and how many runs are left to it. */
  timetableOf(
    job: CronJob,
    schedule: Schedule,
  ): { readonly timetable: Timetable; readonly left: number } {
    const { createdMs, claimed } = this.#cursorOf(job, schedule);
    return {
      timetable: this.#timetables.of({ ...schedule, createdMs }),
      left: leftOf(schedule, claimed),
    };
  }

  /**
   * Deals with what is due, the longest overdue first, but not with more than one turn should.
   * @param isTimeUp asked now and then whether the others are to wait for the next turn.
   */
  handleDue(nowMs: number, isTimeUp: () => boolean): void {
    let handled = 0;
    for (const key of this.#index.due(nowMs)) {
      const at = this.#find(key);
      if (at === undefined) this.#index.set(key, undefined);
      else this.#handle(at.job, at.schedule, nowMs);
      handled++;
      if (handled >= MAX_DUE_PER_TURN || (handled % 16 === 0 && isTimeUp())) return;
    }
  }

  /** Deals with what is due of one job: before it is changed. */
  handleJob(job: CronJob, nowMs: number): void {
    for (const schedule of job.spec.schedules) {
      if (isOn(job, schedule)) this.#handle(job, schedule, nowMs);
    }
  }

  /**
   * A job is new or has changed: schedules that are new or different, and those that were off, begin now. No
   * due time of the past is made up for.
   */
  jobChanged(job: CronJob, before: CronJob | undefined, nowMs: number): void {
    const { book } = this.#parts;
    const { id, schedules } = job.spec;
    for (const old of before?.spec.schedules ?? []) {
      if (schedules.some((schedule) => schedule.id === old.id)) continue;
      book.deleteCursor(id, old.id);
      this.#index.set(cursorKey(id, old.id), undefined);
    }
    for (const schedule of schedules) {
      const cursor = book.cursor(id, schedule.id);
      const old = before?.spec.schedules.find((each) => each.id === schedule.id);
      const wasOn = before !== undefined && old !== undefined && isOn(before, old);
      const next = cursorAfterChange(schedule, cursor, { wasOn, nowMs });
      if (next !== cursor) book.putCursor(id, schedule.id, next);
    }
    this.#indexJob(job);
  }

  jobDeleted(job: CronJob): void {
    for (const { id } of job.spec.schedules) this.#index.set(cursorKey(job.spec.id, id), undefined);
  }

  #indexJob(job: CronJob): void {
    for (const schedule of job.spec.schedules) {
      this.#index.set(cursorKey(job.spec.id, schedule.id), this.nextOf(job, schedule));
    }
  }

  #find(key: string): { readonly job: CronJob; readonly schedule: Schedule } | undefined {
    const slash = key.indexOf('/');
    const job = this.#parts.book.job(key.slice(0, slash));
    const schedule = job?.spec.schedules.find(({ id }) => id === key.slice(slash + 1));
    if (job === undefined || schedule === undefined || !isOn(job, schedule)) return undefined;
    return { job, schedule };
  }

  #handle(job: CronJob, schedule: Schedule, nowMs: number): void {
    const { book } = this.#parts;
    const { id } = job.spec;
    const cursor = this.#cursorOf(job, schedule);
    const { timetable, left } = this.timetableOf(job, schedule);
    const span = left > 0 ? dueWithin(timetable, cursor.handledMs, nowMs) : undefined;
    if (span === undefined) {
      this.#index.set(cursorKey(id, schedule.id), this.#nextAfter(schedule, cursor));
      return;
    }
    const isClaimed = this.#decide({ job, schedule, span, nowMs });
    const after: Cursor = {
      ...cursor,
      handledMs: span.latestMs,
      claimed: cursor.claimed + (isClaimed ? 1 : 0),
    };
    book.putCursor(id, schedule.id, after);
    this.#index.set(cursorKey(id, schedule.id), this.#nextAfter(schedule, after));
  }

  /** Runs the latest due time if it is not too late, and writes down what is passed over. */
  #decide(due: DueNow): boolean {
    const { schedule, span, nowMs } = due;
    const graceMs =
      schedule.catchUp === 'none' ? ON_TIME_MS : schedule.startingDeadlineSeconds * 1000;
    const isInTime = nowMs - span.latestMs <= graceMs;
    const missed = span.count - (isInTime ? 1 : 0);
    if (missed > 0) {
      this.#parts.runs.passOver({
        ...rowOf(due, span.firstMs),
        state: 'missed',
        reason: isInTime ? 'SchedulerWasAway' : 'NotOnTime',
        endedMs: nowMs,
        ...(missed > 1 ? { count: missed } : {}),
        ...(span.isMore ? { isMore: true } : {}),
      });
    }
    return isInTime && this.#claim(due);
  }

  #claim(due: DueNow): boolean {
    const { job, schedule, span, nowMs } = due;
    const { book, runs, metrics } = this.#parts;
    const row = rowOf(due, span.latestMs);
    // Claimed by somebody who did not come to move the cursor: it cannot be, and must not be a second run.
    if (book.run(row.jobId, row.id) !== undefined) return false;
    const active = book.activeRuns(job.spec.id);
    const reason = overlapOf(schedule, active);
    if (reason !== undefined) {
      const message = `${active.length === 1 ? 'a run is' : `${active.length} runs are`} not over: ${active[0]?.id ?? ''}`;
      runs.passOver({ ...row, state: 'skipped', reason, message, endedMs: nowMs });
      return false;
    }
    metrics.claimed++;
    metrics.claimLag.add(nowMs - span.latestMs);
    if (schedule.concurrencyPolicy !== 'Replace') {
      runs.claim(job, row, false);
      return true;
    }
    for (const run of active) runs.end(run, 'Replaced', nowMs);
    runs.claim(job, row, book.activeRuns(job.spec.id).length > 0);
    return true;
  }

  #cursorOf(job: CronJob, schedule: Schedule): Cursor {
    return (
      this.#parts.book.cursor(job.spec.id, schedule.id) ??
      cursorAfterChange(schedule, undefined, { wasOn: false, nowMs: job.updatedMs })
    );
  }

  #nextAfter(schedule: Schedule, { handledMs, createdMs, claimed }: Cursor): number | undefined {
    if (leftOf(schedule, claimed) <= 0) return undefined;
    return this.#timetables.of({ ...schedule, createdMs }).next(handledMs);
  }
}

interface DueNow {
  readonly job: CronJob;
  readonly schedule: Schedule;
  readonly span: DueSpan;
  readonly nowMs: number;
}

/** Whether a schedule is in force. */
export function isOn(job: CronJob, schedule: Schedule): boolean {
  return !job.spec.suspend && schedule.enabled;
}

/** The row of a due time; its key is the same whoever makes it. */
function rowOf({ job, schedule, nowMs }: DueNow, dueMs: number): Run {
  const id = scheduledRunId(schedule.id, dueMs);
  return {
    id,
    jobId: job.spec.id,
    batchJob: batchNameOf(job.spec.id, id),
    scheduleId: schedule.id,
    dueMs,
    claimedMs: nowMs,
    startByMs: nowMs + schedule.startingDeadlineSeconds * 1000,
    state: 'claimed',
    tasks: [],
  };
}

/** Why a due time is passed over because of runs that are not over; undefined: it is not. */
function overlapOf(schedule: Schedule, active: readonly Run[]): RunReason | undefined {
  if (schedule.concurrencyPolicy === 'Forbid' && active.length > 0) return 'StillRunning';
  if (schedule.concurrencyPolicy === 'Allow' && active.length >= MAX_ACTIVE_RUNS)
    return 'TooManyRuns';
  return undefined;
}

function leftOf(schedule: Schedule, claimed: number): number {
  return (runsOf(schedule) ?? Number.POSITIVE_INFINITY) - claimed;
}

/** What tells whether a schedule is the same as before. */
function textOf({ cron, repeat, timezone }: Schedule): string {
  return `${cron ?? ''}|${repeat ?? ''}|${timezone}`;
}

function cursorAfterChange(
  schedule: Schedule,
  cursor: Cursor | undefined,
  { wasOn, nowMs }: { readonly wasOn: boolean; readonly nowMs: number },
): Cursor {
  const text = textOf(schedule);
  const handledBefore = cursor?.handledMs ?? Number.NEGATIVE_INFINITY;
  if (cursor === undefined || cursor.text !== text) {
    // Repeats without a start are due for the first time in the second in which they are made.
    const fromMs = beginsAtCreation(schedule) ? Math.floor(nowMs / 1000) * 1000 - 1 : nowMs;
    return { handledMs: Math.max(handledBefore, fromMs), claimed: 0, createdMs: nowMs, text };
  }
  if (wasOn && schedule.enabled) return cursor;
  return nowMs > cursor.handledMs ? { ...cursor, handledMs: nowMs } : cursor;
}
