/**
 * Repeats of ISO 8601: `R5/2030-01-01T02:00:00Z/P1D`, so many times (none given: without end), from a
 * start (none given: from the moment of creation), each a period after the one before.
 *
 * The n-th due time is the start and n periods, not the one before and a period: ends of months do not
 * drift. Years, months, weeks and days are counted on the calendar of the zone, so that a day is a day also
 * when the clock changes; hours, minutes and seconds are exact.
 */
import { MIN_PERIOD_MS } from '../limits.js';
import type { Timetable } from './timetable.js';
import { instantOf, localOf } from './zone.js';

/** What a text says. */
export interface IsoRepeat {
  /** How many runs there are to be; undefined: without end. */
  readonly count: number | undefined;
  /** Undefined: the moment of creation. With an offset an instant, else a local time of the zone. */
  readonly start: { readonly ms: number; readonly isLocal: boolean } | undefined;
  readonly period: IsoPeriod;
}

/** A length of time on the calendar, and an exact one. */
export interface IsoPeriod {
  readonly months: number;
  readonly days: number;
  readonly exactMs: number;
}

/** Why a text is no repeat. */
export class IsoRepeatError extends Error {}

/** @throws IsoRepeatError whose message continues a sentence about the text. */
export function parseRepeat(text: string): IsoRepeat {
  const [, count, start, period] = /^R(\d*)\/([^/]*)\/([^/]+)$/.exec(text.trim()) ?? [];
  if (count === undefined || start === undefined || period === undefined) {
    throw new IsoRepeatError(
      "is no repeat: write R, a count or none, / a start or none, / a period, such as 'R/2030-01-01T02:00:00Z/P1D'",
    );
  }
  const runs = count === '' ? undefined : Number(count);
  if (runs === 0) throw new IsoRepeatError('repeats 0 times: it would never run');
  if (runs !== undefined && !Number.isSafeInteger(runs))
    throw new IsoRepeatError('has a count that is too large');
  return {
    count: runs,
    start: start === '' ? undefined : parseStart(start),
    period: parsePeriod(period),
  };
}

function parseStart(text: string): IsoRepeat['start'] {
  const [, day, time = '', seconds = '', offset] =
    /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(:\d\d(?:\.\d{1,3})?)?)?(Z|[+-]\d\d:?\d\d)?$/.exec(text) ??
    [];
  const local = Date.parse(
    `${day}T${time === '' ? '00:00' : time}${seconds === '' ? ':00' : seconds}Z`,
  );
  const isReal =
    day !== undefined && Number.isFinite(local) && new Date(local).toISOString().startsWith(day);
  if (!isReal) {
    throw new IsoRepeatError(
      `has the start '${text.slice(0, 50)}': write such as 2030-01-31T02:00:00Z`,
    );
  }
  if (offset === undefined) return { ms: local, isLocal: true };
  return { ms: local - offsetOf(offset), isLocal: false };
}

function offsetOf(text: string): number {
  if (text === 'Z') return 0;
  const [hours, minutes] = [Number(text.slice(1, 3)), Number(text.slice(-2))];
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

const PERIOD =
  /^P(?!$)(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?!$)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?$/;
/** Months and days beyond this lead out of the calendar that the language has. */
const MOST_MONTHS = 12_000;
const MOST_DAYS = 366_000;

function parsePeriod(text: string): IsoPeriod {
  const found = PERIOD.exec(text);
  if (found === null) {
    throw new IsoRepeatError(
      `has the period '${text.slice(0, 50)}': write such as PT15M, P1D or P1M`,
    );
  }
  const [years = 0, months = 0, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = found
    .slice(1)
    .map((part: string | undefined) => Number(part ?? 0));
  const period = {
    months: years * 12 + months,
    days: weeks * 7 + days,
    exactMs: (hours * 3600 + minutes * 60 + seconds) * 1000,
  };
  if (period.months > MOST_MONTHS || period.days > MOST_DAYS) {
    throw new IsoRepeatError(`has the period '${text}': a thousand years at most`);
  }
  if (period.months === 0 && period.days === 0 && period.exactMs < MIN_PERIOD_MS) {
    throw new IsoRepeatError(`has the period '${text}': a second at least`);
  }
  return period;
}

/** Where a repeat begins, given when it was made; whole seconds. */
export function anchorOf(repeat: IsoRepeat, zone: string, createdMs: number): number {
  const { start } = repeat;
  if (start === undefined) return Math.floor(createdMs / 1000) * 1000;
  return start.isLocal ? instantOf(zone, start.ms) : start.ms;
}

/** Last instant that a date of the language can be, less a margin for zones. */
const END_OF_TIME_MS = 8.64e15 - 2 * 86_400_000;

/** The timetable of a repeat that begins at an instant. How often it has run is counted elsewhere. */
export function repeatTimetable(repeat: IsoRepeat, zone: string, anchorMs: number): Timetable {
  const { period } = repeat;
  if (period.months === 0 && period.days === 0)
    return { next: exactNext(anchorMs, period.exactMs) };
  const localStart = localOf(zone, anchorMs);
  const nth = (index: number): number => {
    if (index === 0) return anchorMs;
    const local = addCalendar(localStart, period.months * index, period.days * index);
    return instantOf(zone, local) + period.exactMs * index;
  };
  return { next: (afterMs) => calendarNext(nth, spanOf(period), afterMs - anchorMs, afterMs) };
}

function exactNext(anchorMs: number, periodMs: number): Timetable['next'] {
  return (afterMs) => {
    if (afterMs < anchorMs) return anchorMs;
    const due = anchorMs + (Math.floor((afterMs - anchorMs) / periodMs) + 1) * periodMs;
    return due > END_OF_TIME_MS ? undefined : due;
  };
}

/** Longest length of a period. */
function spanOf({ months, days, exactMs }: IsoPeriod): number {
  return (months * 31 + days) * 86_400_000 + exactMs;
}

/** Beyond a first guess that is never too late, the next is searched by steps that double, then by halving. */
function calendarNext(
  nth: (index: number) => number,
  longestMs: number,
  passedMs: number,
  afterMs: number,
): number | undefined {
  if (afterMs > END_OF_TIME_MS - longestMs * 2) return undefined;
  // A day less for each change of the clock and each short month that was in between.
  let low = Math.max(0, Math.floor((passedMs - 2 * 86_400_000) / longestMs) - 1);
  if (nth(low) > afterMs) return firstBelow(nth, low, afterMs);
  let step = 1;
  while (nth(low + step) <= afterMs) {
    low += step;
    step *= 2;
  }
  let high = low + step;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (nth(middle) > afterMs) high = middle;
    else low = middle;
  }
  return nth(high);
}

/** The guess was already later: the first is at it or before. */
function firstBelow(nth: (index: number) => number, from: number, afterMs: number): number {
  let index = from;
  while (index > 0 && nth(index - 1) > afterMs) index--;
  return nth(index);
}

/** Months first, at the end of a month not beyond it; then days. */
function addCalendar(localMs: number, months: number, days: number): number {
  const date = new Date(localMs);
  const time = localMs - Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate());
  const first = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1));
  const length = new Date(
    Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0),
  ).getUTCDate();
  const day = Math.min(date.getUTCDate(), length);
  return Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), day + days) + time;
}
