/**
 * The offers of a turn in the order of what is left of them, for tasks of many sizes: the fullest agent that
 * has room is found without looking at all offers for each size. Amounts are integer thousandths of what is
 * firm; nothing is ever given back within a turn, so that they only fall.
 */
import { at } from '../../core/base/index.js';
import type { View } from './view.js';

/** What the index needs of the offers. */
export interface IndexedViews {
  readonly size: number;
  get(index: number): View;
}

/** How much one task takes. */
export interface PackDemand {
  readonly cpus: number;
  readonly memory: number;
}

/** What all offers lack, when a task fits nowhere. */
export interface Shortfall {
  readonly scalar: 'cpus' | 'mem';
  readonly offers: number;
  /** The offer that lacks least, of equal ones the first. */
  readonly nearest: number;
}

export class PackIndex {
  /** The role of all offers, when they are alike and none is about to be maintained. */
  readonly commonRole: string | undefined;
  readonly #views: IndexedViews;
  readonly #byCpus: Sorted;
  readonly #byMemory: Sorted;

  constructor(views: IndexedViews) {
    this.#views = views;
    const { size } = views;
    const cpus = new Float64Array(size);
    const memory = new Float64Array(size);
    let commonRole = size === 0 ? undefined : views.get(0).role;
    for (let index = 0; index < size; index++) {
      const view = views.get(index);
      cpus[index] = view.firmCpus;
      memory[index] = view.firmMemory;
      if (view.role !== commonRole || view.offer.unavailability !== undefined) {
        commonRole = undefined;
      }
    }
    this.commonRole = commonRole;
    this.#byCpus = new Sorted(cpus);
    this.#byMemory = new Sorted(memory);
  }

  /** Something was taken from these offers. */
  changed(indices: readonly number[]): void {
    for (const index of indices) {
      const { firmCpus, firmMemory } = this.#views.get(index);
      this.#byCpus.lower(index, firmCpus);
      this.#byMemory.lower(index, firmMemory);
    }
  }

  /**
   * The offer of which a task takes the largest part, of equal ones with equal cpus the first; -1: none.
   * @param scoreOf how well an offer suits that has enough of both: `packFitness`, in [0, 1].
   * @param accepts asked only about an offer that would be the best so far.
   */
  best(
    { cpus, memory }: PackDemand,
    scoreOf: (index: number) => number,
    accepts: (index: number) => boolean,
  ): number {
    const leastMemory = this.#byMemory.firstFrom(memory);
    if (leastMemory === undefined) return -1;
    const memoryShare = memory / leastMemory;
    const { order, values } = this.#byCpus;
    const memories = this.#byMemory.values;
    let best = -1;
    let bestScore = -1;
    for (let place = this.#byCpus.placeOf(cpus); place < order.length; place++) {
      const index = order[place] ?? 0;
      // Whatever comes from here on has at least these cpus, and so no larger part is taken.
      if ((cpus / (values[index] ?? 1) + memoryShare) / 2 <= bestScore) break;
      if ((memories[index] ?? 0) < memory) continue;
      const score = scoreOf(index);
      if (score <= bestScore || !accepts(index)) continue;
      best = index;
      bestScore = score;
    }
    return best;
  }

  /** Why a task of cpus and memory alone fits nowhere; the reason of most offers first. */
  shortfalls({ cpus }: PackDemand): readonly Shortfall[] {
    const { order, values } = this.#byCpus;
    const place = this.#byCpus.placeOf(cpus);
    const found: Shortfall[] = [];
    if (place > 0) {
      const most = values[order[place - 1] ?? 0] ?? 0;
      const nearest = order[this.#byCpus.placeOf(most)] ?? 0;
      found.push({ scalar: 'cpus', offers: place, nearest });
    }
    if (place < order.length) {
      const nearest = this.#roomiest(place);
      found.push({ scalar: 'mem', offers: order.length - place, nearest });
    }
    return found.toSorted((one, other) => other.offers - one.offers);
  }

  /** Of the offers from a place on, the one with most memory. */
  #roomiest(from: number): number {
    const { order } = this.#byCpus;
    const memories = this.#byMemory.values;
    let best = at(order, from);
    for (let place = from + 1; place < order.length; place++) {
      const index = order[place] ?? 0;
      const difference = (memories[index] ?? 0) - (memories[best] ?? 0);
      if (difference > 0 || (difference === 0 && index < best)) best = index;
    }
    return best;
  }
}

/** Indices in the order of their values, those of equal values in their own. */
class Sorted {
  readonly values: Float64Array;
  readonly order: Int32Array;

  constructor(values: Float64Array) {
    this.values = values;
    this.order = Int32Array.from(values, (_, index) => index);
    this.order.sort((one, other) => (values[one] ?? 0) - (values[other] ?? 0) || one - other);
  }

  /** The place of the first index whose value is at least this one. */
  placeOf(value: number): number {
    return this.#place(value, -1);
  }

  /** The least value that is at least this one. */
  firstFrom(value: number): number | undefined {
    const place = this.placeOf(value);
    return place < this.order.length ? this.values[this.order[place] ?? 0] : undefined;
  }

  /** Gives an index a value that is not larger than before. */
  lower(index: number, value: number): void {
    const before = this.values[index] ?? 0;
    if (before === value) return;
    const from = this.#place(before, index);
    const to = this.#place(value, index);
    this.order.copyWithin(to + 1, to, from);
    this.order[to] = index;
    this.values[index] = value;
  }

  /** Where a value and index are, or would be. */
  #place(value: number, index: number): number {
    let low = 0;
    let high = this.order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.order[middle] ?? 0;
      const difference = (this.values[other] ?? 0) - value;
      if (difference < 0 || (difference === 0 && other < index)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
