/**
 * Building blocks of pages: JSON as text, so that parts which are cached or written by the codec are
 * put together without being parsed and written again.
 */

/** The text of an object whose members are texts of JSON already; undefined ones are left out. */
export function objectText(members: Readonly<Record<string, string | undefined>>): string {
  let text = '';
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined) text += `${text === '' ? '' : ','}"${name}":${value}`;
  }
  return `{${text}}`;
}

/** The text of a list of texts of JSON. */
export function listText(items: Iterable<string>): string {
  return `[${[...items].join(',')}]`;
}

/** The text of a plain value: strings, numbers, and objects of those. */
export function valueText(value: string | number | boolean | object): string {
  return JSON.stringify(value);
}

/** The same for what may be unset. */
export function optionalText(
  value: string | number | boolean | object | undefined,
): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

/** Pieces of a list, its brackets included: for pages that are sent in chunks. */
export function* listPieces(items: Iterable<string>): Generator<string> {
  let separator = '[';
  for (const item of items) {
    yield separator;
    yield item;
    separator = ',';
  }
  yield separator === '[' ? '[]' : ']';
}

/** Milliseconds since 1970 as the seconds that pages show. */
export function seconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1e6;
}
