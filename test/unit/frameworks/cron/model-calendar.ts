/**
 * An independent model of when cron expressions are due: every minute of a year is looked at, with the local
 * times that `Intl.DateTimeFormat` tells. It shares nothing with the scheduler: neither parser nor zones.
 */

const MINUTE_MS = 60_000;
/** Clocks change at quarters of an hour. */
const QUARTER_MS = 15 * MINUTE_MS;

/** One minute: when it is, and what the clock on the wall shows, as if it were UTC. */
export interface ModelMinute {
  readonly atMs: number;
  readonly localMs: number;
}

/** All minutes of a span in a zone. */
export function minutesOf(zone: string, fromMs: number, toMs: number): readonly ModelMinute[] {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  const minutes: ModelMinute[] = [];
  for (let quarterMs = fromMs; quarterMs < toMs; quarterMs += QUARTER_MS) {
    const parts = new Map(
      format.formatToParts(quarterMs).map(({ type, value }) => [type, Number(value)]),
    );
    const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? Number.NaN;
    const localMs = Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
    );
    for (let ms = 0; ms < QUARTER_MS; ms += MINUTE_MS) {
      minutes.push({ atMs: quarterMs + ms, localMs: localMs + ms });
    }
  }
  return minutes;
}

/** How often the clock of the zone was changed. */
export function changesIn(minutes: readonly ModelMinute[]): number {
  return minutes.filter(
    ({ localMs }, index) =>
      index > 0 && localMs - (minutes[index - 1]?.localMs ?? Number.NaN) !== MINUTE_MS,
  ).length;
}

/** When an expression of numbers, lists, ranges, steps and `*` is due within the minutes. */
export function modelDue(expression: string, minutes: readonly ModelMinute[]): readonly number[] {
  const matches = matcherOf(expression);
  const [minuteField = '', hourField = ''] = expression.split(' ');
  const isInterval = /[*/]/.test(minuteField + hourField);
  if (isInterval) {
    // Whatever the clock shows: twice what it shows twice, never what it never shows.
    return minutes.filter(({ localMs }) => matches(localMs)).map(({ atMs }) => atMs);
  }
  // Local times count when the clock first reaches them, or first is beyond them.
  const due: number[] = [];
  let reachedMs = (minutes[0]?.localMs ?? 0) - MINUTE_MS;
  for (const { atMs, localMs } of minutes) {
    let isDue = false;
    for (let ms = reachedMs + MINUTE_MS; ms <= localMs; ms += MINUTE_MS) isDue ||= matches(ms);
    if (isDue) due.push(atMs);
    reachedMs = Math.max(reachedMs, localMs);
  }
  return due;
}

function matcherOf(expression: string): (localMs: number) => boolean {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = expression.split(' ');
  const minutes = fieldOf(minute, 0, 59);
  const hours = fieldOf(hour, 0, 23);
  const days = fieldOf(day, 1, 31);
  const months = fieldOf(month, 1, 12);
  const weekdays = new Set([...fieldOf(weekday, 0, 7)].map((value) => value % 7));
  return (localMs) => {
    const date = new Date(localMs);
    if (!minutes.has(date.getUTCMinutes()) || !hours.has(date.getUTCHours())) return false;
    if (!months.has(date.getUTCMonth() + 1)) return false;
    const isDay = days.has(date.getUTCDate());
    const isWeekday = weekdays.has(date.getUTCDay());
    return day === '*' || weekday === '*' ? isDay && isWeekday : isDay || isWeekday;
  };
}

function fieldOf(text: string, least: number, most: number): ReadonlySet<number> {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [range = '', step = '1'] = part.split('/');
    const [first = 0, last = first] = range === '*' ? [least, most] : range.split('-').map(Number);
    for (let value = first; value <= last; value += Number(step)) values.add(value);
  }
  return values;
}
