/**
 * Checks of what a server said. A failure names what was looked at, what was expected and what came, in
 * one line. `expectThat` takes a table of paths and expectations and reports all that do not hold.
 */
import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../../../../core/base/index.js';
import { type Answer } from './http.js';

/** A check that did not hold. */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed';
}

/** The target cannot be asked what a case wants to know. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}

const SHOWN_CHARACTERS = 300;

/** A value in one line, cut off when it is long. */
export function show(value: unknown): string {
  const text =
    value instanceof RegExp || value === undefined
      ? String(value)
      : JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item));
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

export function fail(what: string, expected?: string, got?: unknown): never {
  const details = expected === undefined ? '' : `: expected ${expected}, got ${show(got)}`;
  throw new CheckFailed(`${what}${details}`);
}

/** An expectation with a name of its own, for what is not simply equal to something. */
export class Expectation {
  readonly text: string;
  readonly holds: (value: unknown) => boolean;

  constructor(text: string, holds: (value: unknown) => boolean) {
    this.text = text;
    this.holds = holds;
  }
}

export const ABSENT = new Expectation('nothing', (value) => value === undefined);
export const PRESENT = new Expectation('something', (value) => value !== undefined);
export const A_STRING = new Expectation('a string', (value) => typeof value === 'string');
export const A_NUMBER = new Expectation('a number', (value) => Number.isFinite(value));
/** The base64 text of 16 bytes. */
export const A_UUID = new Expectation(
  '16 bytes in base64',
  (value) => typeof value === 'string' && Buffer.from(value, 'base64').length === 16,
);

export function between(low: number, high: number): Expectation {
  return new Expectation(
    `${low} to ${high}`,
    (value) => typeof value === 'number' && value >= low && value <= high,
  );
}

/** What remains of an amount after the rounding to three decimals that resources have. */
const AMOUNT_TOLERANCE = 0.0011;

export function near(expected: number, tolerance = AMOUNT_TOLERANCE): Expectation {
  return between(expected - tolerance, expected + tolerance);
}

export function oneOf(...allowed: readonly unknown[]): Expectation {
  return new Expectation(`one of ${show(allowed)}`, (value) => allowed.includes(value));
}

export function not(unwanted: unknown): Expectation {
  return new Expectation(`not ${show(unwanted)}`, (value) => !matches(value, unwanted));
}

/** Expects an object with these members, whatever they hold. */
export function members(...names: readonly string[]): Expectation {
  return new Expectation(
    `an object with ${names.join(', ')}`,
    (value) => isRecord(value) && names.every((name) => name in value),
  );
}

/** A list that holds at least one such item. */
export function containing(item: unknown): Expectation {
  return new Expectation(
    `a list with ${item instanceof Expectation ? item.text : show(item)}`,
    (value) => Array.isArray(value) && value.some((one) => matches(one, item)),
  );
}

/** Regular expressions match, expectations hold, everything else has to be equal. */
function matches(value: unknown, expected: unknown): boolean {
  if (expected instanceof Expectation) return expected.holds(value);
  if (expected instanceof RegExp) return typeof value === 'string' && expected.test(value);
  return isDeepStrictEqual(value, expected);
}

/** @throws CheckFailed unless the value is as expected. */
export function expectValue(value: unknown, expected: unknown, what: string): void {
  if (matches(value, expected)) return;
  fail(what, expected instanceof Expectation ? expected.text : show(expected), value);
}

/** Checks what is at each path of a document; see `get`. */
export function expectThat(
  document: unknown,
  expected: Readonly<Record<string, unknown>>,
  what: string,
): void {
  const wrong = Object.entries(expected).flatMap(([path, one]) => {
    const value = get(document, path);
    if (matches(value, one)) return [];
    const text = one instanceof Expectation ? one.text : show(one);
    return [`${path} expected ${text}, got ${show(value)}`];
  });
  if (wrong.length > 0) fail(`${what}: ${wrong.join('; ')}`);
}

/** Checks the status of an answer, and shows its text when it is another. */
export function expectStatus(answer: Answer, expected: number, what: string): Answer {
  if (answer.status !== expected) {
    fail(`${what}: HTTP status`, String(expected), `${answer.status} ${answer.text}`);
  }
  return answer;
}

/** What is at a path such as `tasks.0.state`; nothing when a part of the way is missing. */
export function get(document: unknown, path: string): unknown {
  let value: unknown = document;
  for (const step of path.split('.')) {
    if (Array.isArray(value)) value = value[Number(step)];
    else value = isRecord(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }
  return value;
}

/** The list at a path; an absent one is empty, as it is on the wire. */
export function listAt(document: unknown, path: string): readonly unknown[] {
  const value = get(document, path) ?? [];
  return Array.isArray(value) ? value : fail(path, 'a list', value);
}

/** @throws CheckFailed when there is no string at the path. */
export function textAt(document: unknown, path: string): string {
  const value = get(document, path);
  return typeof value === 'string' ? value : fail(path, 'a string', value);
}

/** @throws CheckFailed when there is no number at the path. */
export function numberAt(document: unknown, path: string): number {
  const value = get(document, path);
  return typeof value === 'number' ? value : fail(path, 'a number', value);
}

/** The first item of a list that has such a value at a path. */
export function findIn(list: readonly unknown[], path: string, wanted: unknown): unknown {
  return list.find((item) => matches(get(item, path), wanted));
}

/** As `findIn`. @throws CheckFailed when there is none. */
export function theOne(list: readonly unknown[], path: string, wanted: unknown): unknown {
  const found = findIn(list, path, wanted);
  const seen = (): readonly unknown[] => list.map((item) => get(item, path));
  return found ?? fail(`an item whose ${path} is ${show(wanted)}`, 'one in the list', seen());
}
