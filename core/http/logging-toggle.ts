/**
 * `/logging/toggle` of the library below Mesos: without parameters the level that the log has now, with
 * `level` and `duration` another one for that time. The same as SET_LOGGING_LEVEL, on master and agent.
 */
import { parseDuration } from '../api/index.js';
import { PlateauError } from '../base/index.js';
import { answerEmpty, answerText } from './answers.js';
import { refuseOtherSite } from './form.js';
import type { LoggingLevel } from './logging-level.js';
import type { Exchange, RouteTable } from './routes.js';

const WHOLE_NUMBER = /^\d{1,9}$/;

/** Adds the route. */
export function addLoggingToggle(routes: RouteTable, logging: LoggingLevel): void {
  routes.page(['/logging/toggle'], (exchange) => answerToggle(exchange, logging));
}

function answerToggle(exchange: Exchange, logging: LoggingLevel): void {
  const level = exchange.query.get('level');
  const duration = exchange.query.get('duration');
  if (level === null && duration === null) {
    answerText(exchange, 200, `${logging.level}\n`);
    return;
  }
  if (refuseOtherSite(exchange)) return;
  const problem = toggle(logging, level, duration);
  if (problem === undefined) answerEmpty(exchange, 200);
  else answerText(exchange, 400, `${problem}\n`);
}

/** Sets the level; returns why not, or undefined. */
function toggle(
  logging: LoggingLevel,
  level: string | null,
  duration: string | null,
): string | undefined {
  if (duration === null) return "Expecting 'duration=value' in query.";
  if (level === null) return "Expecting 'level=value' in query.";
  if (!WHOLE_NUMBER.test(level)) {
    return `Invalid level '${level}': 'level' must be a whole number, such as 0 to 3.`;
  }
  try {
    const nanoseconds = BigInt(Math.round(parseDuration(duration) * 1e6));
    return logging.set({ level: Number(level), duration: { nanoseconds } });
  } catch (error) {
    if (error instanceof PlateauError) return `'duration': ${error.message}`;
    throw error;
  }
}
