/** Lengths of time as people write them in decorators and decisions: `'90s'`, `'1.5h'`, or milliseconds. */
import { PlateauError } from '../../core/base/index.js';

/** A number of milliseconds, or a number with a unit. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd' | 'w'}`;

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/**
 * Milliseconds of a duration.
 * @param field names it in errors.
 * @throws PlateauError `INVALID_DURATION` when it is negative, endless or not well-formed.
 */
export function durationMs(duration: Duration, field = 'duration'): number {
  const text = String(duration).trim();
  const [, amount, unit] = /^(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*(ms|s|m|h|d|w)?$/.exec(text) ?? [];
  const milliseconds = Number(amount) * (UNIT_MS[unit ?? 'ms'] ?? Number.NaN);
  const isBareText = typeof duration === 'string' && unit === undefined;
  if (Number.isFinite(milliseconds) && !isBareText) return milliseconds;
  throw new PlateauError(
    'INVALID_DURATION',
    `${field}: '${text}' is not a duration: write a number and one of ms, s, m, h, d, w ('90s'), or ` +
      'a number of milliseconds.',
    { context: { field, value: text } },
  );
}
