/**
 * Cron expressions: five fields and, optionally, a year, or a word such as `@daily`. The fields and the search
 * are croner's; what is fixed here is which texts are taken, and the rule at changes of the clock.
 */
import { Cron } from 'croner';
import type { Timetable } from './timetable.js';

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
  const { pattern, mode } = patternOf(text);
  let cron: Cron;
  try {
    cron = new Cron(pattern, { mode, timezone: zone, fixedTimeRule: 'no-wildcard' });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CronExpressionError(
      `is no cron expression: ${reason.replace(/^CronPattern: /, '')}`,
      {
        cause: error,
      },
    );
  }
  return { next: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime() };
}

function patternOf(text: string): { readonly pattern: string; readonly mode: '5-part' | '7-part' } {
  const trimmed = text.trim();
  if (trimmed.startsWith('@')) {
    const pattern = WORDS.get(trimmed.toLowerCase());
    if (pattern !== undefined) return { pattern, mode: '5-part' };
    throw new CronExpressionError(
      `has the word '${trimmed.slice(0, 50)}': there are ${[...WORDS.keys()].join(', ')}`,
    );
  }
  const fields = trimmed.split(/\s+/);
  const [year] = fields.slice(5);
  if (fields.length === 5) return { pattern: fields.join(' '), mode: '5-part' };
  // A star is not taken for a year: whoever writes seconds first must not be misunderstood.
  if (fields.length === 6 && year !== undefined && /^\d{4}[\d,\-/]*$/.test(year)) {
    return { pattern: `0 ${fields.join(' ')}`, mode: '7-part' };
  }
  throw new CronExpressionError(
    "must have five fields, such as '30 2 * * *' (minute, hour, day of month, month, day of week), and may " +
      'have a year as the sixth',
  );
}
