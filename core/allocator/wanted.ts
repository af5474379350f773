/**
 * Amounts that somebody wants of one agent, and how far resources are from them. For a task, amounts
 * of one resource that cannot be used together do not add up: revocable and others, disks that can
 * only be taken whole. Persistent volumes hold data; no task is given one because it asks for disk.
 */
import {
  type Quantities,
  RangesItem,
  type ResourceItem,
  type Resources,
  ScalarItem,
  THOUSANDTHS,
  fromThousandths,
  rangesSize,
} from '../resources/index.js';
import type { Shortage } from './decisions.js';

/** The name of the ranges whose members are counted. */
const PORTS = 'ports';

/** How much of a resource there is, in the units of `Wanted`. */
type Measure = (resources: Resources, name: string) => number;

export class Wanted {
  /** Any of these will do; amounts in thousandths by name, ports as their number. */
  readonly #alternatives: readonly Quantities[];
  readonly #measure: Measure;

  private constructor(alternatives: readonly Quantities[], measure: Measure) {
    this.#alternatives = alternatives;
    this.#measure = measure;
  }

  /** What a task wants. @param amounts thousandths by name; `ports`: their number. */
  static forTask(amounts: Quantities): Wanted {
    return new Wanted([amounts], (resources, name) =>
      name === PORTS ? countPorts(resources) : usableAtOnce(resources, name),
    );
  }

  /** The least that is worth offering: one of several minimums; without any, anything. */
  static minimum(alternatives: readonly Quantities[]): Wanted {
    return new Wanted(alternatives, (resources, name) => resources.scalar(name));
  }

  /** The names of everything that is wanted in any alternative. */
  get names(): readonly string[] {
    return [...new Set(this.#alternatives.flatMap((amounts) => [...amounts.keys()]))];
  }

  /** How much of a resource there is, in wholes. */
  available(resources: Resources, name: string): number {
    return inWholes(name, this.#measure(resources, name));
  }

  /** Whether all of it is there. */
  fits(resources: Resources): boolean {
    return this.distance(resources) === 0;
  }

  /** The missing part of each resource, added up; 0: nothing is missing. */
  distance(resources: Resources): number {
    let nearest = Number.POSITIVE_INFINITY;
    for (const amounts of this.#alternatives) {
      nearest = Math.min(nearest, this.#distance(resources, amounts));
    }
    return this.#alternatives.length === 0 ? 0 : nearest;
  }

  /** What is missing of the alternative that is nearest; empty: nothing. */
  shortages(resources: Resources): Shortage[] {
    const distances = this.#alternatives.map((amounts) => this.#distance(resources, amounts));
    const nearest = this.#alternatives[distances.indexOf(Math.min(...distances))] ?? new Map();
    return shortagesOf(nearest, (name) => this.#measure(resources, name));
  }

  /** What is missing of the first alternative when there is that much of each, in wholes. */
  shortagesFrom(availableOf: (name: string) => number): Shortage[] {
    const [first = new Map<string, number>()] = this.#alternatives;
    return shortagesOf(first, (name) => availableOf(name) * (name === PORTS ? 1 : THOUSANDTHS));
  }

  #distance(resources: Resources, amounts: Quantities): number {
    let distance = 0;
    for (const [name, wanted] of amounts) {
      const missing = wanted - this.#measure(resources, name);
      if (missing > 0) distance += missing / wanted;
    }
    return distance;
  }
}

function shortagesOf(wanted: Quantities, measure: (name: string) => number): Shortage[] {
  const shortages: Shortage[] = [];
  for (const [resource, amount] of wanted) {
    const available = measure(resource);
    if (available >= amount) continue;
    shortages.push({
      resource,
      wanted: inWholes(resource, amount),
      available: inWholes(resource, available),
      missing: inWholes(resource, amount - available),
    });
  }
  return shortages;
}

function inWholes(name: string, amount: number): number {
  return name === PORTS ? amount : fromThousandths(amount);
}

function countPorts(resources: Resources): number {
  let count = 0;
  for (const item of resources.items) {
    if (item instanceof RangesItem && item.name === PORTS) count += rangesSize(item.value);
  }
  return count;
}

/** The most of a scalar that one task can use. */
function usableAtOnce(resources: Resources, name: string): number {
  let plain = 0;
  let revocable = 0;
  let largestWhole = 0;
  for (const item of resources.items) {
    if (!isScalar(item, name)) continue;
    if (item.isWhole) largestWhole = Math.max(largestWhole, item.value);
    else if (item.revocable) revocable += item.total;
    else plain += item.total;
  }
  return Math.max(plain, revocable, largestWhole);
}

function isScalar(item: ResourceItem, name: string): item is ScalarItem {
  return item instanceof ScalarItem && item.name === name && !item.isPersistentVolume;
}
