/**
 * Cron expressions: five fields and, optionally, a year, or a word such as `@daily`. The fields and the search
 * are croner's; what is fixed here is which texts are taken, and the rule at changes of the clock. Fixed times
 * are looked for on the calendar alone, and each is due when the clock of the zone first shows it or is
 * beyond it: however long a gap is, and though it may skip midnight or a whole day, nothing of it is lost.
 */
import { Cron } from 'croner';
import type { Timetable } from './timetable.js';
import { instantOf, localOf } from './zone.js';

const WORDS: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

/** Why a text is no expression. */
export class CronExpressionError extends Error {}

/**
 * The timetable of an expression in a zone. It never looks at the clock of the machine.
 * @throws CronExpressionError whose message continues a sentence about the expression.
 */
export function cronTimetable(text: string, zone: string): Timetable {
  const { pattern, mode, isFixed } = patternOf(text);
  const cron = cronOf(pattern, { mode, timezone: isFixed ? 'UTC' : zone });
  const next = (afterMs: number): number | undefined => cron.nextRun(new Date(afterMs))?.getTime();
  return { next: isFixed ? (afterMs) => nextFixed(next, zone, afterMs) : next };
}

/** The first instant after another at which the clock of the zone first reaches one of the local times. */
function nextFixed(
  nextLocal: (afterMs: number) => number | undefined,
  zone: string,
  afterMs: number,
): number | undefined {
  for (let local = nextLocal(localOf(zone, afterMs)); local !== undefined;) {
    const due = instantOf(zone, local);
    if (due > afterMs) return due;
    // Reached before the clock was put back, or at the end of the gap.
    local = nextLocal(local);
  }
  return undefined;
}

function cronOf(
  pattern: string,
  options: { readonly mode: '5-part' | '7-part'; readonly timezone: string },
): Cron {
  try {
    return new Cron(pattern, { ...options, fixedTimeRule: 'no-wildcard' });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CronExpressionError(
      `is no cron expression: ${reason.replace(/^CronPattern: /, '')}`,
      {
        cause: error,
      },
    );
  }
}

interface Pattern {
  readonly pattern: string;
  readonly mode: '5-part' | '7-part';
  /** Whether minute and hour name times, rather than go with the clock. */
  readonly isFixed: boolean;
}

function patternOf(text: string): Pattern {
  const trimmed = text.trim();
  if (trimmed.startsWith('@')) {
    const pattern = WORDS.get(trimmed.toLowerCase());
    if (pattern !== undefined) return { pattern, mode: '5-part', isFixed: isFixed(pattern) };
    throw new CronExpressionError(
      `has the word '${trimmed.slice(0, 50)}': there are ${[...WORDS.keys()].join(', ')}`,
    );
  }
  const fields = trimmed.split(/\s+/);
  const [year] = fields.slice(5);
  const joined = fields.join(' ');
  if (fields.length === 5) return { pattern: joined, mode: '5-part', isFixed: isFixed(joined) };
  // A star is not taken for a year: whoever writes seconds first must not be misunderstood.
  if (fields.length === 6 && year !== undefined && /^\d{4}[\d,\-/]*$/.test(year)) {
    return { pattern: `0 ${joined}`, mode: '7-part', isFixed: isFixed(joined) };
  }
  throw new CronExpressionError(
    "must have five fields, such as '30 2 * * *' (minute, hour, day of month, month, day of week), and may " +
      'have a year as the sixth',
  );
}

/** Of an expression that begins with minute and hour. */
function isFixed(pattern: string): boolean {
  const [minute = '', hour = ''] = pattern.split(' ');
  return !/[*/?]/.test(minute + hour);
}
