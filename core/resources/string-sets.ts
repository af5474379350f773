/**
 * Sets of texts as arrays, sorted by code units and without duplicates. All functions keep this
 * form and change no operand.
 */
import { at } from '../base/index.js';

/** A sorted list of different texts. */
export type StringSet = readonly string[];

/** Sorts texts and drops duplicates. */
export function normaliseStrings(texts: readonly string[]): StringSet {
  return [...new Set(texts)].toSorted(compareStrings);
}

/** Everything that is in one or the other. */
export function uniteStrings(one: StringSet, other: StringSet): StringSet {
  return normaliseStrings([...one, ...other]);
}

/** Everything that is in `one` and not in `other`. */
export function subtractStrings(one: StringSet, other: StringSet): StringSet {
  const cut = new Set(other);
  return one.filter((text) => !cut.has(text));
}

/** Whether `one` has everything that is in `other`. */
export function stringsContain(one: StringSet, other: StringSet): boolean {
  let i = 0;
  for (const text of other) {
    while (i < one.length && at(one, i) < text) i++;
    if (one[i] !== text) return false;
  }
  return true;
}

/** Whether both hold the same texts. */
export function stringsEqual(one: StringSet, other: StringSet): boolean {
  return one.length === other.length && stringsContain(one, other);
}

/** Order of code units, the same everywhere. */
export function compareStrings(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
