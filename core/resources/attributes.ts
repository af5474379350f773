/**
 * Facts about an agent that frameworks choose by: typed values under names. Order is kept and names
 * may repeat.
 */
import type { Attribute } from '../api/index.js';
import { PlateauError } from '../base/index.js';
import { parseValue } from './parse-value.js';

/**
 * Reads the text form of `--attributes`: `rack:r1;level:3;ports:[1-5];tags:{a,b}`. Semicolons or
 * line ends separate; the first colon ends the name, so that texts may hold colons.
 * @throws PlateauError `INVALID_FLAG` naming the part that is wrong.
 */
export function parseAttributes(text: string): Attribute[] {
  return text
    .split(/[;\n]/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseAttribute);
}

/** The text form, as `parseAttributes` reads it. */
export function formatAttributes(attributes: readonly Attribute[]): string {
  return attributes.map((attribute) => `${attribute.name}:${textOf(attribute, ',')}`).join(';');
}

/** The form of the older pages: values by name, numbers as such; of one name the last counts. */
export function legacyAttributes(
  attributes: readonly Attribute[],
): Readonly<Record<string, string | number>> {
  const entries = attributes.map((attribute): [string, string | number] => [
    attribute.name,
    attribute.type === 'SCALAR' ? (attribute.scalar?.value ?? 0) : textOf(attribute, ', '),
  ]);
  return Object.fromEntries(entries);
}

function parseAttribute(part: string): Attribute {
  const colon = part.indexOf(':');
  const name = part.slice(0, Math.max(0, colon)).trim();
  if (name === '') throw invalid(part, 'expected name:value');
  const parsed = parseValue(part.slice(colon + 1));
  if ('problem' in parsed) throw invalid(part, parsed.problem);
  return { name, ...parsed.value };
}

function invalid(part: string, problem: string): PlateauError {
  return new PlateauError('INVALID_FLAG', `attributes: '${part}': ${problem}`);
}

function textOf(attribute: Attribute, separator: string): string {
  switch (attribute.type) {
    case 'SCALAR':
      return String(attribute.scalar?.value ?? 0);
    case 'RANGES': {
      const ranges = attribute.ranges?.range ?? [];
      return `[${ranges.map(({ begin, end }) => `${begin}-${end}`).join(separator)}]`;
    }
    case 'SET':
      return `{${(attribute.set?.item ?? []).join(separator)}}`;
    default:
      return attribute.text?.value ?? '';
  }
}
