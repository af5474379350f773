/**
 * Reads the bounds that the code states: constants with telling names in `core`, and the numbers in
 * the default settings of master, agent and allocator. The page of limits is filled and checked with
 * them, so that it cannot say anything else.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AGENT_DEFAULTS } from '../../core/agent/index.js';
import { DEFAULT_ALLOCATOR_CONFIG } from '../../core/allocator/index.js';
import { DEFAULT_MASTER_CONFIG } from '../../core/master/index.js';

/** A bound as the code has it. */
export interface Bound {
  /** Folder in `core`. */
  readonly area: string;
  readonly name: string;
  readonly value: number;
  /** Whether the page must list it; others may be listed. */
  readonly isRequired: boolean;
}

/** Exported names that say that they bound something. */
const TELLING = /^MAX_|_(?:MS|BYTES|SECONDS|CHARS|LENGTH|LIMIT)$/;
/** Settings that bound something. */
const TELLING_SETTING = /^max[A-Z]|^registryMax|TimeoutMs$|PeriodMs$/;
const DECLARATION = /^(export )?const ([A-Z][A-Z0-9_]*) = ([^;]+);/gm;
/** A product of integers and powers, such as `15 * 60_000` or `10 * 1024 ** 3`. */
const PRODUCT = /^[\d_]+(?: \*{1,2} [\d_]+)*$/;

const SETTINGS = {
  master: DEFAULT_MASTER_CONFIG,
  agent: AGENT_DEFAULTS,
  allocator: DEFAULT_ALLOCATOR_CONFIG,
} as const;

/** All bounds below a folder of sources, `core`; `compiled` is where its modules are, with a slash at the end. */
export async function readBounds(source: string, compiled: URL): Promise<readonly Bound[]> {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.includes('/') && path.endsWith('.ts'))
    .toSorted();
  const found = await Promise.all(files.map((file) => boundsOf(file, source, compiled)));
  return [...found.flat(), ...settings()];
}

async function boundsOf(file: string, source: string, compiled: URL): Promise<readonly Bound[]> {
  const [area = ''] = file.split('/');
  const declarations = [...readFileSync(join(source, file), 'utf8').matchAll(DECLARATION)];
  const exported = declarations.filter(
    ([, isExported, name = '']) => isExported && TELLING.test(name),
  );
  const module = exported.length > 0 ? await load(file, compiled) : {};
  return declarations.flatMap(([, isExported, name = '', text = '']) => {
    const isRequired = isExported !== undefined && TELLING.test(name);
    const value = isRequired ? module[name] : product(text);
    return typeof value === 'number' ? [{ area, name, value, isRequired }] : [];
  });
}

async function load(file: string, compiled: URL): Promise<Readonly<Record<string, unknown>>> {
  const { href } = new URL(file.replace(/\.ts$/, '.js'), compiled);
  return (await import(href)) as Record<string, unknown>;
}

function product(text: string): number | undefined {
  if (!PRODUCT.test(text)) return undefined;
  return text
    .replaceAll('_', '')
    .split(' * ')
    .map((factor) => factor.split(' ** ').map(Number))
    .reduce((all, [base = 1, exponent = 1]) => all * base ** exponent, 1);
}

function settings(): readonly Bound[] {
  return Object.entries(SETTINGS).flatMap(([area, config]) =>
    Object.entries(config).flatMap(([name, value]: [string, unknown]) =>
      typeof value === 'number'
        ? [{ area, name, value, isRequired: TELLING_SETTING.test(name) }]
        : [],
    ),
  );
}

/** The value as people read it; the unit is that of the name. */
export function formatBound({ name, value }: Pick<Bound, 'name' | 'value'>): string {
  if (/(?:_MS|Ms)$/.test(name)) return value === DAY_MS ? '1 day' : inUnits(value, TIMES);
  if (name.endsWith('_SECONDS')) return inUnits(value * 1000, TIMES);
  if (name.endsWith('_BYTES')) return inUnits(value, SIZES);
  const count = value.toLocaleString('en');
  return /_(?:CHARS|LENGTH)$/.test(name) ? `${count} characters` : count;
}

type Units = readonly (readonly [string, number])[];

const DAY_MS = 86_400_000;

const TIMES: Units = [
  ['days', DAY_MS],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
  ['ms', 1],
];

const SIZES: Units = [
  ['GiB', 1024 ** 3],
  ['MiB', 1024 ** 2],
  ['KiB', 1024],
  ['bytes', 1],
];

/** In the largest unit of which it is a whole number. */
function inUnits(value: number, units: Units): string {
  const [unit, size] = units.find(([, each]) => value % each === 0 && value >= each) ?? ['', 1];
  return `${(value / size).toLocaleString('en')} ${unit}`.trim();
}
