/**
 * A timetable tells when something is due: a pure function from an instant to the next one. Nothing of it
 * is ever stored; what is stored is the last due time that was dealt with.
 */
import { MAX_COUNTED_MISSED } from '../limits.js';

export interface Timetable {
  /** The first due time strictly after an instant; undefined: there is none. Milliseconds since 1970. */
  next(afterMs: number): number | undefined;
}

/** The due times of a span: from the first after its beginning to the last not after its end. */
export interface DueSpan {
  readonly firstMs: number;
  readonly latestMs: number;
  /** How many there are, the latest among them. */
  readonly count: number;
  /** Whether there are more than were counted. */
  readonly isMore: boolean;
}

/**
 * What was due in a span; undefined: nothing. However many due times there were, the latest is found: in steps
 * as long as they are few, then by halving.
 */
export function dueWithin(
  timetable: Timetable,
  afterMs: number,
  untilMs: number,
): DueSpan | undefined {
  const firstMs = timetable.next(afterMs);
  if (firstMs === undefined || firstMs > untilMs) return undefined;
  let latestMs = firstMs;
  for (let count = 1; count <= MAX_COUNTED_MISSED; count++) {
    const next = timetable.next(latestMs);
    if (next === undefined || next > untilMs) return { firstMs, latestMs, count, isMore: false };
    latestMs = next;
  }
  latestMs = latestUntil(timetable, latestMs, untilMs);
  return { firstMs, latestMs, count: MAX_COUNTED_MISSED + 1, isMore: true };
}

/** The last due time not after an instant, given one of them. */
function latestUntil(timetable: Timetable, dueMs: number, untilMs: number): number {
  // Between `latest`, which is due, and `high` there may be more; after `high` there is none.
  let latest = dueMs;
  let high = untilMs;
  while (high > latest) {
    const middle = latest + Math.floor((high - latest) / 2);
    const next = timetable.next(middle);
    if (next !== undefined && next <= untilMs) latest = next;
    else if (middle === latest) return latest;
    else high = middle;
  }
  return latest;
}

/** The next due times after an instant, so many at most. */
export function preview(timetable: Timetable, afterMs: number, count: number): readonly number[] {
  const found: number[] = [];
  let after = afterMs;
  while (found.length < count) {
    const next = timetable.next(after);
    if (next === undefined) break;
    found.push(next);
    after = next;
  }
  return found;
}
