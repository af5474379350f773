/**
 * Scalars are integers of thousandths, so that sums are exact. The wire carries doubles; this file
 * is the only place that converts between the two.
 */
import { PlateauError } from '../base/index.js';

/** How many units a whole (one cpu, one MiB) has. */
export const THOUSANDTHS = 1000;

/** The largest amount that a scalar may have, as a number of wholes. */
export const MAX_SCALAR = Math.floor(Number.MAX_SAFE_INTEGER / THOUSANDTHS);

/** Why a double cannot be a scalar, or undefined. Zero is fine; what rounds to zero is not. */
export function scalarProblem(value: number): string | undefined {
  if (!Number.isFinite(value)) return `is ${value}; it must be a finite number`;
  if (value < 0) return `is ${value}; it must not be negative`;
  if (value > MAX_SCALAR) return `is ${value}; it must not be above ${MAX_SCALAR}`;
  if (value !== 0 && Math.round(value * THOUSANDTHS) === 0) {
    return `is ${value}, which rounds to 0; the smallest amount is 0.001`;
  }
  return undefined;
}

/**
 * The integer thousandths of a double, rounded to the nearest, halves up.
 * @throws PlateauError `INVALID_RESOURCES` when it is negative, not finite, too large or vanishes.
 */
export function toThousandths(value: number): number {
  const problem = scalarProblem(value);
  if (problem !== undefined) throw new PlateauError('INVALID_RESOURCES', `scalar ${problem}`);
  return Math.round(value * THOUSANDTHS);
}

/** The double for the wire; the nearest one to the decimal number with three digits. */
export function fromThousandths(thousandths: number): number {
  return thousandths / THOUSANDTHS;
}
