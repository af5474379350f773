/**
 * A set of indexes as sorted ranges: 100,000 indexes of which all are the same take two numbers. Text form
 * `0-99,200`; with a step, `0-15:4` is 0, 4, 8, 12.
 *
 * Invariant: ranges are sorted, do not touch, and their sizes add up to `size`.
 */
import { PlateauError } from '../../sdk/index.js';
import { MAX_INDEX, MAX_INDEXES, MAX_RANGES_LENGTH } from './limits.js';

export class IndexRanges implements Iterable<number> {
  /** First and last index of each range, one after the other. */
  #bounds: number[];
  #size: number;

  private constructor(bounds: number[], size: number) {
    this.#bounds = bounds;
    this.#size = size;
  }

  static empty(): IndexRanges {
    return new IndexRanges([], 0);
  }

  /** All from the first to the last; empty when the last is before the first. */
  static span(first: number, last: number): IndexRanges {
    return last < first ? IndexRanges.empty() : new IndexRanges([first, last], last - first + 1);
  }

  /**
   * Reads the text form; an empty text is an empty set.
   * @throws PlateauError `INVALID_REQUEST` saying which part is wrong.
   */
  static parse(text: string): IndexRanges {
    const problem = rangesProblem(text);
    if (problem !== undefined) throw new PlateauError('INVALID_REQUEST', `indexes ${problem}`);
    const set = IndexRanges.empty();
    for (const { first, last, step } of partsOf(text)) {
      if (step === 1) set.addSpan(first, last);
      else for (let index = first; index <= last; index += step) set.add(index);
    }
    return set;
  }

  get size(): number {
    return this.#size;
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** The lowest index; undefined: there is none. */
  get first(): number | undefined {
    return this.#bounds[0];
  }

  get last(): number | undefined {
    return this.#bounds.at(-1);
  }

  has(index: number): boolean {
    return index >= this.#start(this.#rangeFrom(index));
  }

  /** Returns whether it was not there. */
  add(index: number): boolean {
    if (this.has(index)) return false;
    this.addSpan(index, index);
    return true;
  }

  addSpan(first: number, last: number): void {
    if (last < first) return;
    // Ranges that overlap or touch become one.
    const from = this.#rangeFrom(first - 1);
    let until = from;
    let [low, high] = [first, last];
    let merged = 0;
    while (this.#start(until) <= last + 1) {
      const [start, end] = [this.#start(until), this.#end(until)];
      low = Math.min(low, start);
      high = Math.max(high, end);
      merged += end - start + 1;
      until++;
    }
    this.#bounds.splice(from * 2, (until - from) * 2, low, high);
    this.#size += high - low + 1 - merged;
  }

  /** Returns whether it was there. */
  remove(index: number): boolean {
    const range = this.#rangeFrom(index);
    const [start, end] = [this.#start(range), this.#end(range)];
    if (index < start) return false;
    const rest: number[] = [];
    if (start < index) rest.push(start, index - 1);
    if (index < end) rest.push(index + 1, end);
    this.#bounds.splice(range * 2, 2, ...rest);
    this.#size--;
    return true;
  }

  addAll(other: IndexRanges): void {
    for (const [first, last] of other.ranges()) this.addSpan(first, last);
  }

  /** Removes all of another set, in one pass over both. */
  removeAll(other: IndexRanges): void {
    if (this.isEmpty || other.isEmpty) return;
    const kept: number[] = [];
    let size = 0;
    const keep = (first: number, last: number): void => {
      if (last < first) return;
      kept.push(first, last);
      size += last - first + 1;
    };
    for (const [first, last] of this.ranges()) {
      let next = first;
      for (const [low, high] of other.#overlaps(first, last)) {
        keep(next, low - 1);
        next = high + 1;
      }
      keep(next, last);
    }
    this.#bounds = kept;
    this.#size = size;
  }

  /** Those of another set that are in this one too. */
  intersection(other: IndexRanges): IndexRanges {
    const both = IndexRanges.empty();
    for (const [first, last] of other.ranges()) {
      for (const [low, high] of this.#overlaps(first, last)) both.addSpan(low, high);
    }
    return both;
  }

  clone(): IndexRanges {
    return new IndexRanges([...this.#bounds], this.#size);
  }

  *ranges(): IterableIterator<readonly [first: number, last: number]> {
    for (let range = 0; range * 2 < this.#bounds.length; range++) {
      yield [this.#start(range), this.#end(range)];
    }
  }

  /** The indexes from the lowest on. The set must not change meanwhile. */
  *[Symbol.iterator](): IterableIterator<number> {
    for (const [first, last] of this.ranges()) {
      for (let index = first; index <= last; index++) yield index;
    }
  }

  /** Those from `first` to `last`, the lowest first. */
  within(first: number, last: number): readonly number[] {
    const found: number[] = [];
    for (const [low, high] of this.#overlaps(first, last)) {
      for (let index = low; index <= high; index++) found.push(index);
    }
    return found;
  }

  /** The lowest `count` of those that are above `after`. */
  take(count: number, after = -1): readonly number[] {
    const taken: number[] = [];
    for (let range = this.#rangeFrom(after + 1); taken.length < count; range++) {
      const start = this.#start(range);
      if (start === Number.POSITIVE_INFINITY) break;
      const end = this.#end(range);
      for (let index = Math.max(start, after + 1); index <= end && taken.length < count; index++) {
        taken.push(index);
      }
    }
    return taken;
  }

  /** Text form of those from `first` to `last`. */
  textWithin(first: number, last: number): string {
    return this.#overlaps(first, last).map(rangeText).join(',');
  }

  toString(): string {
    return [...this.ranges()].map(rangeText).join(',');
  }

  /** The ranges cut to what is from `first` to `last`. */
  #overlaps(first: number, last: number): readonly (readonly [number, number])[] {
    const found: (readonly [number, number])[] = [];
    for (let range = this.#rangeFrom(first); this.#start(range) <= last; range++) {
      found.push([Math.max(first, this.#start(range)), Math.min(last, this.#end(range))]);
    }
    return found;
  }

  /** Number of the first range that ends at the index or later. */
  #rangeFrom(index: number): number {
    let low = 0;
    let high = this.#bounds.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#end(middle) < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Infinite beyond the last range. */
  #start(range: number): number {
    return this.#bounds[range * 2] ?? Number.POSITIVE_INFINITY;
  }

  #end(range: number): number {
    return this.#bounds[range * 2 + 1] ?? Number.POSITIVE_INFINITY;
  }
}

function rangeText([first, last]: readonly [number, number]): string {
  return first === last ? `${first}` : `${first}-${last}`;
}

interface Part {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

function partsOf(text: string): readonly Part[] {
  if (text.trim() === '') return [];
  return text.split(',').map((part) => {
    const [, first = '', last = first, step = '1'] =
      /^\s*(\d+)(?:-(\d+)(?::(\d+))?)?\s*$/.exec(part) ?? [];
    return { first: Number(first), last: Number(last), step: Number(step) };
  });
}

/** What is wrong with a text of ranges, as the rest of a sentence, or undefined. */
export function rangesProblem(text: unknown): string | undefined {
  if (typeof text !== 'string') return "must be a text such as '0-99,200'";
  if (text.length > MAX_RANGES_LENGTH) return `must have at most ${MAX_RANGES_LENGTH} characters`;
  if (text.trim() === '') return undefined;
  let count = 0;
  for (const part of text.split(',')) {
    const found = /^\s*(\d{1,10})(?:-(\d{1,10})(?::(\d{1,10}))?)?\s*$/.exec(part);
    if (found === null) {
      return `have '${part.trim().slice(0, 40)}', which is no index and no range: write such as '0-99,200'`;
    }
    const [first, last, step] = [found[1], found[2] ?? found[1], found[3] ?? 1].map(Number);
    if (first === undefined || last === undefined || step === undefined) return 'cannot be read';
    if (last < first) return `have '${part.trim()}', which ends before it begins`;
    if (step === 0) return `have '${part.trim()}' with a step of 0`;
    if (last > MAX_INDEX) return `have ${last}: the highest index is ${MAX_INDEX}`;
    count += Math.floor((last - first) / step) + 1;
    if (count > MAX_INDEXES) return `are more than ${MAX_INDEXES}`;
  }
  return undefined;
}
