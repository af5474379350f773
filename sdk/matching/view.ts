/** One offer with what is left of it. Nothing is read from the message before it is asked for. */
import type { Offer, OfferID, Resource } from '../../core/api/index.js';
import { durationInfoMs, timeInfoMs } from '../../core/api/index.js';
import { type Random, assert, at } from '../../core/base/index.js';
import {
  type Range,
  RangesItem,
  type ResourceItem,
  ScalarItem,
  normaliseRanges,
  rangesContain,
  uniteRanges,
} from '../../core/resources/index.js';
import { NO_TASKS, type PortSpec, type TaskView } from '../decisions/index.js';
import type { Demand, ScalarDemand } from './demand.js';
import type { OfferView } from './offers.js';
import {
  type Pile,
  type Piles,
  type PortPile,
  ScalarPile,
  firmAmount,
  identityOf,
  pilesOf,
} from './piles.js';
import { Stock } from './stock.js';
import { Tally } from './tally.js';
import { type Values, valuesOf } from './values.js';

/**
 * Tasks of one offer go in one ACCEPT, and a master reads calls of 1 MiB at most: an offer whose tasks are
 * about to be more takes no further ones in this turn. The rest of it is offered again.
 */
export const MAX_ACCEPT_BYTES = 768 * 1024;

/** What was taken for one task. */
export interface Taken {
  readonly resources: readonly Resource[];
  /** In the order of the port specs. */
  readonly ports: readonly number[];
  readonly portSpecs: readonly PortSpec[];
}

/** What is short: the index of a scalar of the demand, or one of these. */
export const NOTHING_SHORT = -1;
export const PORTS_SHORT = -2;
export const EXECUTOR_SHORT = -3;

export class View implements OfferView {
  readonly offer: Offer;
  /** Negative: not read from the message yet. */
  #firmCpus = UNREAD;
  #firmMemory = UNREAD;
  readonly #tally: Tally;
  #acceptBytes = 0;
  /** What is left, once something is taken; before, `#stock` tells. */
  #piles: Piles | undefined;
  #stock: Stock | undefined;
  #attributes: Values | undefined;

  constructor(offer: Offer, tally: Tally) {
    this.offer = offer;
    this.#tally = tally;
  }

  get role(): string {
    return roleOf(this.offer);
  }

  get id(): OfferID {
    return this.offer.id;
  }

  get agentId(): string {
    return this.offer.agent_id.value;
  }

  get hostname(): string {
    return this.offer.hostname;
  }

  /** Thousandths of cpus that are left and firm. */
  get firmCpus(): number {
    if (this.#firmCpus === UNREAD) this.#read();
    return this.#firmCpus;
  }

  /** Thousandths of memory that are left and firm. */
  get firmMemory(): number {
    if (this.#firmMemory === UNREAD) this.#read();
    return this.#firmMemory;
  }

  /** Most offers are looked at once and refused or passed over: that needs no more than these sums. */
  #read(): void {
    const { offer, role } = this;
    let cpus = 0;
    let memory = 0;
    for (const wire of offer.resources ?? NO_RESOURCES) {
      if (wire.name === 'cpus') cpus += firmAmount(wire, role);
      else if (wire.name === 'mem') memory += firmAmount(wire, role);
    }
    this.#firmCpus = cpus;
    this.#firmMemory = memory;
  }

  get #scalars(): readonly ScalarPile[] {
    this.#piles ??= pilesOf(this.offer, this.role);
    return this.#piles.scalars;
  }

  get #ports(): readonly PortPile[] {
    this.#piles ??= pilesOf(this.offer, this.role);
    return this.#piles.ports;
  }

  /** The amounts as they came, as long as that is what is left. */
  get #untouched(): Stock | undefined {
    if (this.#piles !== undefined) return undefined;
    this.#stock ??= new Stock(this.offer, this.role);
    return this.#stock;
  }

  get attributes(): Values {
    this.#attributes ??= valuesOf(this.offer);
    return this.#attributes;
  }

  get cpus(): number {
    return this.firmCpus / 1000;
  }

  get memMiB(): number {
    return this.firmMemory / 1000;
  }

  get unavailableFrom(): number | undefined {
    const { unavailability } = this.offer;
    return unavailability && timeInfoMs(unavailability.start);
  }

  /** When the planned maintenance is over, in milliseconds since 1970; undefined: never, or there is none. */
  get unavailableUntil(): number | undefined {
    const duration = this.offer.unavailability?.duration;
    const from = this.unavailableFrom;
    return duration && from !== undefined ? from + durationInfoMs(duration) : undefined;
  }

  left(name: string): number {
    return this.scalarLeft(name, false) / 1000;
  }

  ports(limit: number): readonly number[] {
    const firm = this.#ports.filter((pile) => !pile.revocable);
    const ports: number[] = [];
    for (const [begin, end] of firm.map(({ left }) => left).reduce(uniteRanges, [])) {
      for (let port = begin; port <= end && ports.length < limit; port++) ports.push(port);
    }
    return ports;
  }

  /** A task of so many bytes, about, goes with it. */
  noteTask(bytes: number): void {
    this.#acceptBytes += bytes;
    if (this.#acceptBytes < MAX_ACCEPT_BYTES) return;
    this.#firmCpus = 0;
    this.#firmMemory = 0;
    this.#piles = { scalars: [], ports: [] };
  }

  tasksHere(name?: string): number {
    return this.#tally.tasksOn(this.agentId, name);
  }

  /** Thousandths of a scalar that are left, of the firm ones or of the revocable ones. */
  scalarLeft(name: string, revocable: boolean): number {
    if (!revocable && name === 'cpus') return this.firmCpus;
    if (!revocable && name === 'mem') return this.firmMemory;
    const untouched = this.#untouched;
    if (untouched !== undefined) return untouched.amount(name, revocable);
    let sum = 0;
    for (const pile of this.#scalars) {
      if (pile.name === name && pile.revocable === revocable) sum += pile.left;
    }
    return sum;
  }

  /** Ports that are left. */
  portsLeft(revocable: boolean): number {
    const untouched = this.#untouched;
    if (untouched !== undefined) {
      return revocable ? untouched.revocablePorts : untouched.firmPorts;
    }
    let sum = 0;
    for (const pile of this.#ports) if (pile.revocable === revocable) sum += pile.size;
    return sum;
  }

  #hasPort(port: number, revocable: boolean): boolean {
    return this.#untouched?.hasPort(port, revocable) ?? this.#pileOf(port, revocable) !== undefined;
  }

  /** The most that a task of this demand can get of a scalar. */
  mostLeft({ name }: ScalarDemand, demand: Demand): number {
    const firm = this.scalarLeft(name, false);
    return demand.revocable ? Math.max(firm, this.scalarLeft(name, true)) : firm;
  }

  /** What there is too little of, or `NOTHING_SHORT`. */
  short(demand: Demand): number {
    if (demand.isPlain) {
      if (this.firmCpus < demand.cpus) return 0;
      return this.firmMemory < demand.memory ? 1 : NOTHING_SHORT;
    }
    if (!this.#needsExecutor(demand)) return this.#shortForTask(demand);
    const restore = this.#remember();
    const isTaken = this.#takeExecutor(demand) !== undefined;
    const short = isTaken ? this.#shortForTask(demand) : EXECUTOR_SHORT;
    restore();
    return short;
  }

  /** Takes what a demand needs; `short` must have found nothing short. */
  take(demand: Demand, random: Random): Taken {
    if (demand.executor !== undefined && this.#needsExecutor(demand)) {
      assert(this.#takeExecutor(demand), 'an executor that fits can be taken');
      this.#tally.recordExecutor(this.agentId, demand.executor.id);
    }
    const resources: Resource[] = [];
    for (const scalar of demand.scalars) this.#takeScalar(scalar, demand, resources);
    const ports = this.#takePorts(demand, random, resources);
    this.#sum();
    return { resources, ports, portSpecs: demand.portSpecs };
  }

  #sum(): void {
    let cpus = 0;
    let memory = 0;
    for (const pile of this.#scalars) {
      if (pile.revocable) continue;
      if (pile.name === 'cpus') cpus += pile.left;
      else if (pile.name === 'mem') memory += pile.left;
    }
    this.#firmCpus = cpus;
    this.#firmMemory = memory;
  }

  #shortForTask(demand: Demand): number {
    const { scalars } = demand;
    for (let index = 0; index < scalars.length; index++) {
      if (this.#kindFor(at(scalars, index), demand) === undefined) return index;
    }
    return this.#portKind(demand) === undefined ? PORTS_SHORT : NOTHING_SHORT;
  }

  /** Whether a task takes firm or revocable ones of a scalar; it may not mix them. Undefined: too few of both. */
  #kindFor(
    { name, amount, kindOfExecutor }: ScalarDemand,
    { revocable }: Demand,
  ): 'firm' | 'revocable' | undefined {
    const mayRevocable = revocable && kindOfExecutor !== 'firm';
    if (mayRevocable && amount > 0 && this.scalarLeft(name, true) >= amount) return 'revocable';
    const mayFirm = kindOfExecutor !== 'revocable';
    return mayFirm && this.scalarLeft(name, false) >= amount ? 'firm' : undefined;
  }

  #takeScalar(scalar: ScalarDemand, demand: Demand, into: Resource[]): void {
    const kind = this.#kindFor(scalar, demand);
    let open = scalar.amount;
    for (const pile of this.#scalars) {
      if (open === 0) return;
      if (pile.name !== scalar.name || pile.revocable !== (kind === 'revocable')) continue;
      const amount = Math.min(open, pile.left);
      if (amount > 0) into.push(pile.take(amount));
      open -= amount;
    }
    assert(open === 0, `offer ${this.id.value} has too little '${scalar.name}'`);
  }

  #portKind(demand: Demand): 'firm' | 'revocable' | undefined {
    const { fixedPorts, anyPorts, portsOfExecutor, revocable } = demand;
    if (fixedPorts.length + anyPorts === 0) return 'firm';
    if (revocable && portsOfExecutor !== 'firm' && this.#hasPorts(demand, true)) return 'revocable';
    return portsOfExecutor !== 'revocable' && this.#hasPorts(demand, false) ? 'firm' : undefined;
  }

  #hasPorts({ fixedPorts, anyPorts }: Demand, revocable: boolean): boolean {
    if (this.portsLeft(revocable) < fixedPorts.length + anyPorts) return false;
    return fixedPorts.every((port) => this.#hasPort(port, revocable));
  }

  #pileOf(port: number, revocable: boolean): PortPile | undefined {
    return this.#ports.find((pile) => pile.revocable === revocable && pile.has(port));
  }

  #takePorts(demand: Demand, random: Random, into: Resource[]): readonly number[] {
    if (demand.portSpecs.length === 0) return [];
    const isRevocable = this.#portKind(demand) === 'revocable';
    if (demand.fixedPorts.length > 0) this.#takeFixedPorts(demand, isRevocable, into);
    const others = this.#takeAnyPorts(demand.anyPorts, { isRevocable, random, into });
    let next = 0;
    return demand.portSpecs.map(({ port }) => port ?? others[next++] ?? 0);
  }

  #takeFixedPorts({ fixedPorts }: Demand, isRevocable: boolean, into: Resource[]): void {
    const chosen = new Map<PortPile, number[]>();
    for (const port of fixedPorts) {
      const pile = this.#pileOf(port, isRevocable);
      assert(pile, `offer ${this.id.value} has not the port ${port}`);
      chosen.set(pile, [...(chosen.get(pile) ?? []), port]);
    }
    for (const [pile, ports] of chosen) into.push(takeFrom(pile, ports));
  }

  /** From a place on that is drawn, so that a port that was just given up is not given out at once. */
  #takeAnyPorts(
    count: number,
    {
      isRevocable,
      random,
      into,
    }: { readonly isRevocable: boolean; readonly random: Random; readonly into: Resource[] },
  ): readonly number[] {
    const taken: number[] = [];
    for (const pile of this.#ports) {
      const open = Math.min(count - taken.length, pile.size);
      if (open === 0 || pile.revocable !== isRevocable) continue;
      const ports = pile.run(random.below(pile.size), open);
      into.push(takeFrom(pile, ports));
      taken.push(...ports);
    }
    assert(taken.length === count, `offer ${this.id.value} has too few ports`);
    return taken;
  }

  #needsExecutor({ executor }: Demand): boolean {
    if (executor === undefined || executor.items.length === 0) return false;
    if (this.#tally.hasExecutor(this.agentId, executor.id)) return false;
    return this.offer.executor_ids?.some(({ value }) => value === executor.id) !== true;
  }

  /** Takes what a new executor holds, exactly as it is described; undefined, and nothing sure, when it does not fit. */
  #takeExecutor({ executor }: Demand): true | undefined {
    for (const item of executor?.items ?? []) if (!this.#takeItem(item)) return undefined;
    this.#sum();
    return true;
  }

  #takeItem(item: ResourceItem): boolean {
    const piles: readonly Pile[] = [...this.#scalars, ...this.#ports];
    const pile = piles.find((one) => one.name === item.name && identityOf(one.wire) === item.key);
    if (pile instanceof ScalarPile && item instanceof ScalarItem) {
      if (pile.left < item.value) return false;
      pile.take(item.value);
      return true;
    }
    if (pile === undefined || pile instanceof ScalarPile || !(item instanceof RangesItem)) {
      return false;
    }
    if (!rangesContain(pile.left, item.value)) return false;
    pile.take(item.value);
    return true;
  }

  /** Gives a function that puts back what is taken from now on. */
  #remember(): () => void {
    const scalars = this.#scalars.map(({ left }) => left);
    const ports = this.#ports.map(({ left }) => left);
    return () => {
      for (const [index, pile] of this.#scalars.entries()) pile.left = scalars[index] ?? 0;
      for (const [index, pile] of this.#ports.entries()) pile.left = ports[index] ?? [];
      this.#sum();
    };
  }
}

const NO_RESOURCES: readonly Resource[] = [];

/** Sums that have not been made. */
const UNREAD = -1;

function takeFrom(pile: PortPile, ports: readonly number[]): Resource {
  const ranges: Range[] = [];
  let isSorted = true;
  for (const port of ports) {
    const last = ranges.at(-1);
    if (last?.[1] === port - 1) ranges[ranges.length - 1] = [last[0], port];
    else {
      isSorted &&= last === undefined || last[1] < port;
      ranges.push([port, port]);
    }
  }
  return pile.take(isSorted ? ranges : normaliseRanges(ranges));
}

/** The role that an offer is made to. */
function roleOf(offer: Offer): string {
  return (
    offer.allocation_info?.role ??
    offer.resources?.find((one) => one.allocation_info?.role !== undefined)?.allocation_info
      ?.role ??
    '*'
  );
}

/** An offer as handlers see it, on its own; for those of a turn there is `offersOf`. */
export function viewOf(offer: Offer, tasks: TaskView = NO_TASKS): OfferView {
  return new View(offer, new Tally(tasks));
}
