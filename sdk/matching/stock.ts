/**
 * The amounts of an offer of which nothing has been taken yet, read from its message once: enough to tell
 * whether a task fits, which is all that most offers are ever asked. What is taken is in `Piles`. Numbers
 * only, since there is one for each offer; what is asked for rarely is read again.
 */
import type { Offer, Resource, ValueRange } from '../../core/api/index.js';
import { isUsableBy, portRanges, thousandthsOf } from './piles.js';

export class Stock {
  firmPorts = 0;
  revocablePorts = 0;
  revocableCpus = 0;
  revocableMemory = 0;
  firmDisk = 0;
  readonly #offer: Offer;
  readonly #role: string;

  constructor(offer: Offer, role: string) {
    this.#offer = offer;
    this.#role = role;
    for (const wire of offer.resources ?? []) {
      const { name } = wire;
      const isRevocable = wire.revocable !== undefined;
      // The view itself knows firm cpus and memory.
      if ((name === 'cpus' || name === 'mem') && !isRevocable) continue;
      if (!isUsableBy(wire, role)) continue;
      if (name === 'ports') this.#addPorts(wire, isRevocable);
      else if (name === 'disk' && !isRevocable) this.firmDisk += thousandthsOf(wire);
      else if (name === 'cpus') this.revocableCpus += thousandthsOf(wire);
      else if (name === 'mem') this.revocableMemory += thousandthsOf(wire);
    }
  }

  /** Thousandths of a scalar; firm cpus and memory are not known here. */
  amount(name: string, revocable: boolean): number {
    if (name === 'disk' && !revocable) return this.firmDisk;
    if (name === 'cpus') return this.revocableCpus;
    if (name === 'mem') return this.revocableMemory;
    let sum = 0;
    for (const wire of this.#offer.resources ?? []) {
      if (wire.name !== name || (wire.revocable !== undefined) !== revocable) continue;
      if (isUsableBy(wire, this.#role)) sum += thousandthsOf(wire);
    }
    return sum;
  }

  hasPort(port: number, revocable: boolean): boolean {
    for (const wire of this.#offer.resources ?? []) {
      if (wire.name !== 'ports' || (wire.revocable !== undefined) !== revocable) continue;
      if (isUsableBy(wire, this.#role) && hasPort(rangesOf(wire), port)) return true;
    }
    return false;
  }

  #addPorts(wire: Resource, isRevocable: boolean): void {
    const count = portCount(wire);
    if (isRevocable) this.revocablePorts += count;
    else this.firmPorts += count;
  }
}

function rangesOf({ type, ranges }: Resource): readonly ValueRange[] {
  return type === 'RANGES' ? (ranges?.range ?? []) : [];
}

function hasPort(ranges: readonly ValueRange[], port: number): boolean {
  return ranges.some(({ begin, end }) => Number(begin) <= port && port <= Number(end));
}

function portCount(wire: Resource): number {
  const [first, ...others] = rangesOf(wire);
  if (first === undefined) return 0;
  if (others.length === 0) return Math.max(0, Number(first.end) - Number(first.begin) + 1);
  return portRanges(wire).reduce((sum, [begin, end]) => sum + end - begin + 1, 0);
}
