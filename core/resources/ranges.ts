/**
 * Sets of integers as ranges: inclusive `[begin, end]` pairs, sorted, disjoint and not adjacent
 * (`[1-2, 3-4]` is `[1-4]`). All functions keep this form, take linear time and change no operand.
 */
import { at } from '../base/index.js';

/** One inclusive range of safe integers, begin ≤ end. */
export type Range = readonly [begin: number, end: number];

/** A normalised list of ranges. */
export type Ranges = readonly Range[];

/** Sorts and merges ranges that may be in any order, overlap or touch. */
export function normaliseRanges(ranges: readonly Range[]): Ranges {
  if (ranges.length <= 1) return ranges;
  const sorted = ranges.toSorted((one, other) => one[0] - other[0]);
  const merged: Range[] = [];
  for (const range of sorted) append(merged, range);
  return merged;
}

/** Everything that is in one or the other. */
export function uniteRanges(one: Ranges, other: Ranges): Ranges {
  const merged: Range[] = [];
  let i = 0;
  let j = 0;
  while (i < one.length && j < other.length) {
    const left = at(one, i);
    const right = at(other, j);
    if (left[0] <= right[0]) {
      append(merged, left);
      i++;
    } else {
      append(merged, right);
      j++;
    }
  }
  for (; i < one.length; i++) append(merged, at(one, i));
  for (; j < other.length; j++) append(merged, at(other, j));
  return merged;
}

/** Everything that is in `one` and not in `other`. */
export function subtractRanges(one: Ranges, other: Ranges): Ranges {
  const rest: Range[] = [];
  let j = 0;
  for (const range of one) {
    let begin = range[0];
    const end = range[1];
    while (j < other.length && at(other, j)[1] < begin) j++;
    // A range of `other` may reach into the next one of `one`: it is looked at again.
    for (let k = j; k < other.length && at(other, k)[0] <= end; k++) {
      const cut = at(other, k);
      if (cut[0] > begin) rest.push([begin, cut[0] - 1]);
      begin = cut[1] + 1;
    }
    if (begin === range[0]) rest.push(range);
    else if (begin <= end) rest.push([begin, end]);
  }
  return rest;
}

/** Whether `one` has everything that is in `other`. */
export function rangesContain(one: Ranges, other: Ranges): boolean {
  let i = 0;
  for (const [begin, end] of other) {
    while (i < one.length && at(one, i)[1] < begin) i++;
    const range = one[i];
    if (range === undefined || range[0] > begin || range[1] < end) return false;
  }
  return true;
}

/** Whether both hold the same integers. */
export function rangesEqual(one: Ranges, other: Ranges): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) {
    const left = at(one, i);
    const right = at(other, i);
    if (left[0] !== right[0] || left[1] !== right[1]) return false;
  }
  return true;
}

/** How many integers the ranges hold. */
export function rangesSize(ranges: Ranges): number {
  let size = 0;
  for (const [begin, end] of ranges) size += end - begin + 1;
  return size;
}

/** Adds a range that does not begin before the last one. */
function append(merged: Range[], range: Range): void {
  const last = merged.at(-1);
  if (last === undefined || range[0] > last[1] + 1) merged.push(range);
  else if (range[1] > last[1]) merged[merged.length - 1] = [last[0], range[1]];
}
