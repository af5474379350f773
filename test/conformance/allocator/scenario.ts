/** What a scenario file holds, and readers of the values in it. The format is in `scenarios/FORMAT.md`. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { isRecord } from '../../../core/base/index.js';
import { type Quantities, parseQuantities } from '../../../core/resources/index.js';

export type Fields = Readonly<Record<string, unknown>>;

export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly options?: Fields;
  readonly variants?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Given: it is about the order of clients alone. */
  readonly sorter?: string;
  readonly fairnessExcluded?: readonly string[];
  readonly steps: readonly Fields[];
}

export interface ScenarioFile {
  readonly file: string;
  /** One for each variant. */
  readonly scenarios: readonly Scenario[];
}

/** Reads all scenario files of a folder. */
export function loadScenarios(folder: string): ScenarioFile[] {
  const files = readdirSync(folder).filter((name) => /^(allocator-.*|sorter)\.yaml$/.test(name));
  return files.toSorted().map((file) => {
    const scenarios = parse(readFileSync(join(folder, file), 'utf8')) as Scenario[];
    return { file, scenarios: scenarios.flatMap(variantsOf) };
  });
}

function variantsOf(scenario: Scenario): readonly Scenario[] {
  if (scenario.variants === undefined) return [scenario];
  const { variants, ...plain } = scenario;
  return Object.entries(variants).map(([variant, values]) => {
    let written = JSON.stringify(plain);
    for (const [key, value] of Object.entries(values)) {
      written = written.replaceAll(`\${${key}}`, JSON.stringify(value).slice(1, -1));
    }
    return { ...(JSON.parse(written) as Scenario), name: `${plain.name} [${variant}]` };
  });
}

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A duration such as `10m`, in milliseconds. */
export function durationOf(value: unknown): number {
  const match = /^([\d.]+)(ms|s|m|h|d)$/.exec(textOf(value));
  if (match === null) throw new Error(`cannot read duration ${textOf(value)}`);
  return Number(match[1]) * (MILLISECONDS[match[2] ?? ''] ?? Number.NaN);
}

/** Amounts by name in thousandths, zeros included. */
export function quantitiesOf(value: unknown): Quantities {
  return parseQuantities(textOf(value))[0] ?? new Map();
}

export function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new Error(`expected a text, not ${JSON.stringify(value)}`);
  return value;
}

/** A list of texts; nothing is an empty one. */
export function textsOf(value: unknown): readonly string[] {
  return value === undefined ? [] : listOf(value).map(textOf);
}

export function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`expected a list, not ${JSON.stringify(value)}`);
  return value;
}

export function fieldsOf(value: unknown): Fields {
  if (!isRecord(value)) throw new Error(`expected a map, not ${JSON.stringify(value)}`);
  return value;
}

/** Name and argument of a step. */
export function stepOf(step: unknown): readonly [name: string, argument: unknown] {
  const entry = Object.entries(fieldsOf(step))[0];
  if (entry === undefined) throw new Error('an empty step');
  return entry;
}
