/**
 * What is left of an offer while tasks are taken from it. Knows scalars only, in thousandths; whole
 * matching, with ports and constraints, is the business of the SDK.
 */
import type { CommandInfo, Offer, Resource, TaskInfo } from '../api/index.js';

/** Amounts of a task, in cpus and MiB. */
export interface TaskSize {
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly diskMiB?: number;
}

/** One resource of the offer, with what is left of it. */
interface Part {
  readonly resource: Resource;
  left: number;
}

export class OfferRemainder {
  readonly offer: Offer;
  readonly #parts: readonly Part[];

  constructor(offer: Offer) {
    this.offer = offer;
    const usable = (offer.resources ?? []).filter(
      ({ scalar, disk, revocable }) => scalar !== undefined && disk === undefined && !revocable,
    );
    // What is reserved for us goes first: nobody else could use it.
    this.#parts = usable
      .toSorted((one, other) => rank(one) - rank(other))
      .map((resource) => ({ resource, left: thousandths(resource.scalar?.value ?? 0) }));
  }

  /** What is left of a resource, in thousandths. */
  left(name: string): number {
    return this.#named(name).reduce((sum, part) => sum + part.left, 0);
  }

  /** Whether a task of the size fits into what is left. */
  fits(size: TaskSize): boolean {
    return amounts(size).every(([name, amount]) => this.left(name) >= amount);
  }

  /** Takes a task of the size, which must fit, and returns the resources to put into its TaskInfo. */
  take(size: TaskSize): readonly Resource[] {
    return amounts(size).flatMap(([name, amount]) => this.#takeNamed(name, amount));
  }

  /** A task that runs a command on what it takes, which must fit. Its name is its id. */
  task(id: string, size: TaskSize, command: CommandInfo): TaskInfo {
    const { agent_id } = this.offer;
    return { name: id, task_id: { value: id }, agent_id, resources: this.take(size), command };
  }

  #takeNamed(name: string, amount: number): readonly Resource[] {
    const taken: Resource[] = [];
    let wanted = amount;
    for (const part of this.#named(name)) {
      const share = Math.min(part.left, wanted);
      if (share <= 0) continue;
      part.left -= share;
      wanted -= share;
      taken.push({ ...part.resource, scalar: { value: share / 1000 } });
    }
    return taken;
  }

  #named(name: string): readonly Part[] {
    return this.#parts.filter((part) => part.resource.name === name);
  }
}

function amounts(size: TaskSize): readonly (readonly [string, number])[] {
  const all = [
    ['cpus', thousandths(size.cpus)],
    ['mem', thousandths(size.memoryMiB)],
    ['disk', thousandths(size.diskMiB ?? 0)],
  ] as const;
  return all.filter(([, amount]) => amount > 0);
}

function thousandths(value: number): number {
  return Math.round(value * 1000);
}

function rank(resource: Resource): number {
  return (resource.reservations ?? []).length > 0 || resource.reservation !== undefined ? 0 : 1;
}
