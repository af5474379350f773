/**
 * Durations in the text form that flags and environment variables of Mesos use (`15secs`, `1.5hrs`),
 * and the messages that carry nanoseconds. Inside Plateau durations are numbers of milliseconds.
 */
import { PlateauError, at } from '../base/index.js';
import type { DurationInfo, ProtobufDuration, TimeInfo } from './messages.js';

const NANOS_PER_MS = 1_000_000;

/** Units and their lengths in nanoseconds, ascending. */
const UNITS = [
  ['ns', 1],
  ['us', 1e3],
  ['ms', 1e6],
  ['secs', 1e9],
  ['mins', 60e9],
  ['hrs', 3600e9],
  ['days', 86_400e9],
  ['weeks', 604_800e9],
] as const;

const DURATION_TEXT =
  /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(ns|us|ms|secs|mins|hrs|days|weeks)$/;

/** Durations are 64-bit numbers of nanoseconds on the wire. */
const MAX_NANOS = 2 ** 63;

/**
 * Milliseconds (with fractions) of a text such as `15secs`, `1.5hrs` or `250ms`.
 * @throws PlateauError `INVALID_FLAG` when it is no duration or exceeds 292 years.
 */
export function parseDuration(text: string): number {
  const match = DURATION_TEXT.exec(text);
  const unit = UNITS.find(([name]) => name === match?.[2]);
  if (match === null || unit === undefined) {
    throw invalid(text, `write a number and a unit (${UNITS.map(([name]) => name).join(', ')})`);
  }
  const nanos = Number(match[1]) * unit[1];
  if (Math.abs(nanos) >= MAX_NANOS) throw invalid(text, 'it exceeds 292 years');
  return nanos / NANOS_PER_MS;
}

function invalid(text: string, advice: string): PlateauError {
  return new PlateauError('INVALID_FLAG', `'${text}' is not a duration: ${advice}`, {
    context: { value: text },
  });
}

/**
 * The text of a duration in milliseconds, as Mesos writes it: in the largest unit that it fills
 * (`10mins`), or in the next smaller one when only that gives a whole number (90 s: `90secs`).
 */
export function formatDuration(durationMs: number): string {
  const nanos = Math.round(durationMs * NANOS_PER_MS);
  const size = Math.abs(nanos);
  let index = UNITS.findLastIndex(([, length]) => size >= length);
  if (index < 0) return '0ns';
  if (index > 0 && size % at(UNITS, index)[1] !== 0 && size % at(UNITS, index - 1)[1] === 0) {
    index--;
  }
  const [unit, length] = at(UNITS, index);
  return `${Number((nanos / length).toPrecision(15))}${unit}`;
}

/** Milliseconds, with fractions, of a DurationInfo. */
export function durationInfoMs(duration: DurationInfo): number {
  return nanosToMs(duration.nanoseconds);
}

/** Milliseconds since 1970, with fractions, of a TimeInfo. */
export function timeInfoMs(time: TimeInfo): number {
  return nanosToMs(time.nanoseconds);
}

/** Milliseconds, with fractions, of the Duration that a few operator calls carry. */
export function protobufDurationMs(duration: ProtobufDuration): number {
  return Number(duration.seconds ?? 0n) * 1000 + (duration.nanos ?? 0) / NANOS_PER_MS;
}

/** A Duration, as those calls carry it, of so many milliseconds. */
export function toProtobufDuration(durationMs: number): ProtobufDuration {
  const nanos = msToNanos(durationMs);
  return { seconds: nanos / NANOS_PER_SECOND, nanos: Number(nanos % NANOS_PER_SECOND) };
}

const NANOS_PER_SECOND = 1_000_000_000n;

/** A DurationInfo of so many milliseconds, held to what 64 bits of nanoseconds can express. */
export function toDurationInfo(durationMs: number): DurationInfo {
  return { nanoseconds: msToNanos(durationMs) };
}

/** A TimeInfo of a moment in milliseconds since 1970. */
export function toTimeInfo(timeMs: number): TimeInfo {
  return { nanoseconds: msToNanos(timeMs) };
}

/** Whether so many seconds fit into 64 bits of nanoseconds, as a Duration of Mesos must. */
export function fitsDuration(seconds: number): boolean {
  return Math.abs(seconds) * 1e9 < MAX_NANOS;
}

/** Whole milliseconds are split off first: a double cannot hold today in nanoseconds. */
function nanosToMs(nanos: bigint): number {
  return Number(nanos / 1_000_000n) + Number(nanos % 1_000_000n) / NANOS_PER_MS;
}

function msToNanos(ms: number): bigint {
  const whole = Math.trunc(ms);
  if (!Number.isFinite(whole)) return ms > 0 ? 2n ** 63n - 1n : -(2n ** 63n);
  const nanos = BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * NANOS_PER_MS));
  const lowest = -(2n ** 63n);
  if (nanos < lowest) return lowest;
  return nanos >= -lowest ? -lowest - 1n : nanos;
}
