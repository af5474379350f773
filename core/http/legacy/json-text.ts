/**
 * Building blocks of pages: JSON as text, so that parts which are cached or written by the codec are
 * put together without being parsed and written again.
 */
import { keptBytes } from '../pages/quiet-memory.js';

/** The text of an object whose members are texts of JSON already; undefined ones are left out. */
export function objectText(members: Readonly<Record<string, string | undefined>>): string {
  let text = '';
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined) text += `${text === '' ? '' : ','}"${name}":${value}`;
  }
  return `{${text}}`;
}

/** One object of the members of two that are not empty, both as texts. */
export function joinedText(one: string, other: string): string {
  return `${one.slice(0, -1)},${other.slice(1)}`;
}

/** The text of a list of texts of JSON. */
export function listText(items: Iterable<string>): string {
  return `[${[...items].join(',')}]`;
}

/** The text of a plain value: strings, numbers, and objects of those. ASCII alone, as in v1 answers. */
export function valueText(value: string | number | boolean | object): string {
  const text = JSON.stringify(value);
  return BEYOND_ASCII.test(text) ? text.replaceAll(EACH_BEYOND_ASCII, escaped) : text;
}

/** The same for a text alone; quick for what needs no escapes, as most ids and names. */
export function quotedText(text: string): string {
  return PLAIN_TEXT.test(text) ? `"${text}"` : valueText(text);
}

const PLAIN_TEXT = /^[ !#-[\]-~]*$/;
const BEYOND_ASCII = /[\u007f-\uffff]/;
const EACH_BEYOND_ASCII = /[\u007f-\uffff]/g;

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The same for what may be unset. */
export function optionalText(
  value: string | number | boolean | object | undefined,
): string | undefined {
  return value === undefined ? undefined : valueText(value);
}

/** Pieces of a list, its brackets included: for pages that are sent in chunks. */
export function* listPieces<R>(items: Iterable<R>): Generator<R | string> {
  let separator = '[';
  for (const item of items) {
    yield separator;
    yield item;
    separator = ',';
  }
  yield separator === '[' ? '[]' : ']';
}

/** A text that is made once for each object, and forgotten with it. */
export function keptText<T extends object>(render: (of: T) => string): (of: T) => string {
  return kept(render);
}

/** The same as bytes, for what there is very much of. */
export function keptTextBytes<T extends object>(render: (of: T) => string): (of: T) => Buffer {
  return kept((of: T) => keptBytes(render(of)));
}

function kept<T extends object, R>(make: (of: T) => R): (of: T) => R {
  const made = new WeakMap<T, R>();
  return (of) => {
    const known = made.get(of);
    if (known !== undefined) return known;
    const result = make(of);
    made.set(of, result);
    return result;
  };
}

/** Renders one after the other, when it is asked for. */
export function* rendered<T, R>(items: Iterable<T>, render: (item: T) => R): Generator<R> {
  for (const item of items) yield render(item);
}

/** Milliseconds since 1970 as the seconds that pages show. */
export function seconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1e6;
}
