/**
 * Resources for tests in one line: `cpus:2;mem:1024;cpus(role1):1;disk(+a@ops)[id=v1]:40`. An item is
 * `name(reservations)[tags]:value`; `+role@principal` is a dynamic reservation, `role` a static one,
 * the first made stands first; tags are `id=…`, `shared`, `revocable`, `mount`, `mount=root`, `dir`.
 */
import type { Resource } from '../../../core/api/index.js';
import { isRecord } from '../../../core/base/index.js';
import { type Reservation, Resources } from '../../../core/resources/index.js';

/** Reads a line, a list of lines, or of structured objects as in the scenario files. */
export function resources(spec: unknown): Resources {
  return Resources.fromWire(wireResources(spec));
}

function wireResources(spec: unknown): Resource[] {
  const parts: readonly unknown[] = Array.isArray(spec) ? spec : [spec];
  return parts.flatMap((part) => {
    if (typeof part !== 'string') return [structured(part)];
    return splitOutside(part, ';')
      .filter((item) => item.trim() !== '')
      .map((item) => readItem(item.trim()));
  });
}

function readItem(text: string): Resource {
  const match = /^([^([:]+)(?:\(([^)]*)\))?(?:\[([^\]]*)\])?:(.+)$/.exec(text);
  if (match === null) throw new Error(`cannot read resource "${text}"`);
  const [, name = '', stack, tags, value = ''] = match;
  const reservations = (stack ?? '').split(',').flatMap(readReservation);
  const extras = Object.assign({}, ...(tags ?? '').split(',').map(readTag)) as Partial<Resource>;
  return { name, ...readValue(value.trim()), reservations, ...extras };
}

function readReservation(text: string): Reservation[] {
  if (text.trim() === '') return [];
  const [role = '', principal] = text.trim().replace(/^\+/, '').split('@');
  const type = text.trim().startsWith('+') ? 'DYNAMIC' : 'STATIC';
  return [{ type, role, ...(principal === undefined ? {} : { principal }) }];
}

function readTag(text: string): Partial<Resource> {
  const [key = '', value] = text.trim().split('=');
  if (key === '') return {};
  if (key === 'shared') return { shared: {} };
  if (key === 'revocable') return { revocable: {} };
  if (key === 'provider') return { provider_id: { value: value ?? '' } };
  if (key === 'id') {
    const volume = { mode: 'RW' as const, container_path: 'path' };
    return { disk: { persistence: { id: value ?? '' }, volume } };
  }
  const root = value === undefined ? {} : { root: value };
  if (key === 'mount') return { disk: { source: { type: 'MOUNT', mount: root } } };
  if (key === 'dir') return { disk: { source: { type: 'PATH', path: root } } };
  throw new Error(`unknown tag "${text}"`);
}

type Value = Pick<Resource, 'type' | 'scalar' | 'ranges' | 'set'>;

function readValue(text: string): Value {
  if (text.startsWith('[')) {
    const range = text
      .slice(1, -1)
      .split(',')
      .map((part) => {
        const [begin = '', end = ''] = part.trim().split('-');
        return { begin: BigInt(begin), end: BigInt(end) };
      });
    return { type: 'RANGES', ranges: { range } };
  }
  if (text.startsWith('{')) {
    const item = text.slice(1, -1).split(',');
    return { type: 'SET', set: { item: item.map((word) => word.trim()) } };
  }
  return { type: 'SCALAR', scalar: { value: Number(text) } };
}

function structured(part: unknown): Resource {
  if (!isRecord(part)) throw new Error('a resource must be a line or an object');
  const reservations = (Array.isArray(part['reservations']) ? part['reservations'] : []).map(
    (reservation: Record<string, unknown>) => ({
      type: reservation['type'] === 'dynamic' ? ('DYNAMIC' as const) : ('STATIC' as const),
      role: String(reservation['role']),
      ...(typeof reservation['principal'] === 'string'
        ? { principal: reservation['principal'] }
        : {}),
      ...(isRecord(reservation['labels']) ? { labels: labels(reservation['labels']) } : {}),
    }),
  );
  return { name: String(part['name']), ...readValue(String(part['value'])), reservations };
}

function labels(map: Readonly<Record<string, unknown>>): NonNullable<Reservation['labels']> {
  return { labels: Object.entries(map).map(([key, value]) => ({ key, value: String(value) })) };
}

/** Splits where the separator stands outside of all brackets. */
function splitOutside(text: string, separator: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const character of text) {
    if ('([{'.includes(character)) depth++;
    if (')]}'.includes(character)) depth--;
    if (character === separator && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts;
}
