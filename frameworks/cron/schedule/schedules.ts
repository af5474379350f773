/** Schedules as people write them: judged, and made into timetables, which those of one text share. */
import { MAX_SCHEDULE_LENGTH, MAX_TIMETABLES } from '../limits.js';
import { CronExpressionError, cronTimetable } from './cron-expression.js';
import { IsoRepeatError, anchorOf, parseRepeat, repeatTimetable } from './iso-repeat.js';
import type { Timetable } from './timetable.js';
import { isZone } from './zone.js';

/** Either a cron expression or a repeat of ISO 8601, in a zone. */
export interface ScheduleText {
  readonly cron?: string | undefined;
  readonly repeat?: string | undefined;
  readonly timezone: string;
}

/** A schedule with where it begins. */
export interface AnchoredSchedule extends ScheduleText {
  /** When it was made, which is where repeats without a start begin. */
  readonly createdMs: number;
}

/** What is wrong with the zone, as the rest of a sentence; undefined: nothing. */
export function zoneProblem(zone: string): string | undefined {
  return isZone(zone)
    ? undefined
    : `'${zone.slice(0, 60)}' is no time zone: write a name of the IANA database, such as Europe/Rome or UTC`;
}

/** What is wrong with the time of a schedule whose zone is good; undefined: nothing. */
export function scheduleProblem(schedule: ScheduleText, nowMs: number): string | undefined {
  const text = schedule.cron ?? schedule.repeat ?? '';
  const shown = `'${text.slice(0, 100)}'`;
  if (text.length > MAX_SCHEDULE_LENGTH) {
    return `${shown} is longer than ${MAX_SCHEDULE_LENGTH} characters`;
  }
  try {
    const timetable = makeTimetable({ ...schedule, createdMs: nowMs });
    return timetable.next(nowMs - 1) === undefined
      ? `${shown} is never due: no such day will come`
      : undefined;
  } catch (error) {
    if (!(error instanceof CronExpressionError) && !(error instanceof IsoRepeatError)) throw error;
    return `${shown} ${error.message}`;
  }
}

/** How many runs a schedule is to have; undefined: without end. */
export function runsOf({ repeat }: ScheduleText): number | undefined {
  return repeat === undefined ? undefined : parseRepeat(repeat).count;
}

/** Whether a schedule begins at the moment of its creation. */
export function beginsAtCreation({ repeat }: ScheduleText): boolean {
  return repeat !== undefined && parseRepeat(repeat).start === undefined;
}

/** The timetables in use, the oldest forgotten first. */
export class Timetables {
  readonly #known = new Map<string, Timetable>();

  /** The timetable of a schedule that was judged before. */
  of(schedule: AnchoredSchedule): Timetable {
    const { cron, timezone } = schedule;
    if (cron === undefined) return remembering(makeTimetable(schedule));
    const key = `${timezone} ${cron}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = remembering(makeTimetable(schedule));
    if (this.#known.size >= MAX_TIMETABLES) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    this.#known.set(key, made);
    return made;
  }
}

function makeTimetable({ cron, repeat, timezone, createdMs }: AnchoredSchedule): Timetable {
  if (cron !== undefined) return cronTimetable(cron, timezone);
  const parsed = parseRepeat(repeat ?? '');
  return repeatTimetable(parsed, timezone, anchorOf(parsed, timezone, createdMs));
}

/** Remembers the last answer: many schedules of one text ask the same. */
function remembering(timetable: Timetable): Timetable {
  let last: { readonly afterMs: number; readonly due: number | undefined } | undefined;
  return {
    next(afterMs) {
      const isKnown =
        last !== undefined &&
        afterMs >= last.afterMs &&
        (last.due === undefined || afterMs < last.due);
      if (last !== undefined && isKnown) return last.due;
      const due = timetable.next(afterMs);
      last = { afterMs, due };
      return due;
    },
  };
}
