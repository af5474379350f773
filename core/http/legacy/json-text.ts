/**
 * Building blocks of pages: JSON as text, so that parts which are cached or written by the codec are
 * put together without being parsed and written again.
 */
import { SHARED_TEXTS, type TextPiece, trimmed } from '../pages/text-store.js';

/** The text of an object whose members are texts of JSON already; undefined ones are left out. */
export function objectText(members: Readonly<Record<string, string | undefined>>): string {
  let text = '';
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined) text += `${text === '' ? '' : ','}"${name}":${value}`;
  }
  return `{${text}}`;
}

/** One object of the members of two that are not empty, both as texts. */
export function* joinedPieces(one: TextPiece, other: TextPiece): Generator<TextPiece> {
  yield trimmed(one, 0, 1);
  yield ',';
  yield trimmed(other, 1, 0);
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

/** The same for what is mostly the text that it was the last time. */
export function repeatedText(): (text: string) => string {
  let last = '';
  let quoted = '""';
  return (text) => {
    if (text !== last) {
      last = text;
      quoted = quotedText(text);
    }
    return quoted;
  };
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

/**
 * A text that is made once for each object, and kept while there is room for it and the object is there.
 * Of ASCII alone.
 */
export function keptText<T extends object>(
  render: (of: T) => string | Buffer,
): (of: T) => TextPiece {
  return SHARED_TEXTS.kept(render);
}

/** What is made once for each object, and forgotten with it: a table for what belongs together. */
export function keptWithin<R>(make: () => R): (owner: object) => R {
  const made = new WeakMap<object, R>();
  return (owner) => {
    const known = made.get(owner);
    if (known !== undefined) return known;
    const result = make();
    made.set(owner, result);
    return result;
  };
}

/** Renders one after the other, when it is asked for. */
export function* rendered<T, R>(items: Iterable<T>, render: (item: T) => R): Generator<R> {
  for (const item of items) yield render(item);
}

/** Pieces of a list of which each element is several pieces. */
export function* listOfPieces<T>(
  items: Iterable<T>,
  render: (item: T) => Iterable<TextPiece>,
): Generator<TextPiece> {
  let separator = '[';
  for (const item of items) {
    yield separator;
    yield* render(item);
    separator = ',';
  }
  yield separator === '[' ? '[]' : ']';
}

/** Milliseconds since 1970 as the seconds that pages show. */
export function seconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1e6;
}
