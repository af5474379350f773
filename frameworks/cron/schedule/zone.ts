/**
 * Time zones by the tables of the JavaScript engine. Local times are milliseconds as if the clock on the wall
 * were that of UTC. The rule for times that a change of the clock skips or repeats is cron's: what is
 * skipped happens when the gap is over, what is repeated happens the first time.
 */

const formats = new Map<string, Intl.DateTimeFormat>();
/** Zones whose formats are kept; there are about 600 in all. */
const MOST_FORMATS = 1_000;
const DAY_MS = 86_400_000;

/** Whether a text names a zone of the IANA database that this program knows. */
export function isZone(name: string): boolean {
  // Engines take offsets such as +01:00 as well: those know no daylight-saving time.
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]*$/.test(name)) return false;
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  if (formats.size >= MOST_FORMATS) formats.clear();
  formats.set(zone, format);
  return format;
}

/** By how much the clock of a zone is ahead of UTC at an instant, in milliseconds. */
export function offsetMs(zone: string, instantMs: number): number {
  const text = formatOf(zone).format(instantMs);
  const [, sign, hours, minutes, seconds] =
    /GMT(?:([+\u2212-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text) ?? [];
  const size =
    (Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0)) * 1000;
  return sign === undefined || sign === '+' ? size : -size;
}

/** What the clock of a zone shows at an instant. */
export function localOf(zone: string, instantMs: number): number {
  return instantMs + offsetMs(zone, instantMs);
}

/** The first instant at which the clock of a zone shows a local time, or the end of the gap that skips it. */
export function instantOf(zone: string, localMs: number): number {
  const before = offsetMs(zone, localMs - DAY_MS);
  const after = offsetMs(zone, localMs + DAY_MS);
  // The larger offset gives the earlier instant.
  for (const offset of [Math.max(before, after), Math.min(before, after)]) {
    if (offsetMs(zone, localMs - offset) === offset) return localMs - offset;
  }
  return changeWithin(zone, localMs - Math.max(before, after), localMs - Math.min(before, after));
}

/** The first instant of the new offset, between one of the old and one of the new. */
function changeWithin(zone: string, fromMs: number, toMs: number): number {
  const old = offsetMs(zone, fromMs);
  let [low, high] = [fromMs, toMs];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(zone, middle) === old) low = middle;
    else high = middle;
  }
  return high;
}

/** An instant as its zone writes it: `2030-03-31T03:00:00+02:00`. */
export function localText(zone: string, instantMs: number): string {
  const offset = offsetMs(zone, instantMs);
  const text = new Date(instantMs + offset).toISOString().replace(/(?:\.000)?Z$/, '');
  return `${text}${offsetText(offset)}`;
}

/** An offset as in ISO 8601: `+02:00`. */
export function offsetText(offset: number): string {
  const minutes = Math.round(Math.abs(offset) / 60_000);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
