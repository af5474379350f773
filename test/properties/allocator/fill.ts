/**
 * Progressive filling with whole tasks, driven through the allocator: one offer is acted upon at a time,
 * all others are taken back, so that whoever is served has the lowest share of what tasks really hold.
 * The framework launches as many tasks as it wants and as fit, and gives back the rest; where none fits
 * it refuses the agent for good.
 */
import type { Allocation, SorterKind } from '../../../core/allocator/index.js';
import { type FrameworkId, assert, at } from '../../../core/base/index.js';
import type { Resources } from '../../../core/resources/index.js';
import { resources } from '../../unit/allocator/resource-text.js';
import { TestCluster } from '../../unit/allocator/test-cluster.js';

/** Amounts in whole units, by resource in the order of `NAMES`. */
export type Vector = readonly number[];

export const NAMES = ['cpus', 'mem', 'disk'] as const;

export interface User {
  /** What one task needs. */
  readonly demand: Vector;
  /** Of the user's role. Users that are frameworks of one role all have 1. Default 1. */
  readonly weight?: number | undefined;
  /** How many tasks it launches on one offer at most. Default 1. */
  readonly bunch?: number | undefined;
  /** How many tasks it wants in all. Default: any number. */
  readonly wish?: number | undefined;
  /** The role it is in, where `seating` does not say. */
  readonly role?: string | undefined;
}

/** What users are: roles, roles below one role, frameworks of one role, or what each says. */
export type Seating = 'roles' | 'subroles' | 'frameworks' | 'own';

export interface FillOptions {
  readonly machines: readonly Vector[];
  readonly users: readonly User[];
  readonly seating?: Seating | undefined;
  readonly sorter?: SorterKind | undefined;
  /** Of roles that are nobody's own. */
  readonly weights?: ReadonlyMap<string, number> | undefined;
  readonly seed?: string | undefined;
}

export interface Filled {
  /** Tasks of each user on each machine. */
  readonly placed: readonly (readonly number[])[];
  /** Tasks of each user. */
  readonly tasks: readonly number[];
  /** Dominant share of each user, weight not applied. */
  readonly shares: readonly number[];
  /** What is free on each machine. */
  readonly free: readonly Vector[];
  /** Dominant share as the allocator states it, weight applied; one for each role that has users. */
  readonly stated: ReadonlyMap<string, number>;
}

/** Fills all machines until no task of anybody fits anywhere. */
export function fillAll(options: FillOptions): Filled {
  const filling = new Filling(options);
  while (filling.serveNext() !== 'none');
  return filling.close();
}

/**
 * Fills one machine after the other, each until the task of whoever has the lowest share does not fit
 * (the order of theorem 7 of the paper). Everybody launches one task at a time.
 * @param watch is told the tasks of each user after each task.
 */
export function fillInOrder(
  options: FillOptions,
  watch: (tasks: readonly number[]) => void = () => {},
): Filled {
  const filling = new Filling(options);
  options.machines.forEach((_, machine) => {
    filling.openOnly(machine);
    while (filling.serveNext() === 'launched') watch(filling.tasks());
  });
  return filling.close();
}

/**
 * Acts on all offers of a run: everybody launches on each all that fits, and refuses the rest for good.
 * Coarse, as offers are: a machine goes to one user first.
 */
export function fillAtOnce(options: FillOptions): Filled {
  const filling = new Filling(options);
  while (filling.serveAll());
  return filling.close();
}

/** Amounts of everything on all machines. */
export function totalOf(machines: readonly Vector[]): Vector {
  return at(machines, 0).map((_, resource) =>
    machines.reduce((sum, machine) => sum + at(machine, resource), 0),
  );
}

/** The dominant share of one task. */
export function taskShare({ demand }: User, total: Vector): number {
  return Math.max(...demand.map((amount, resource) => amount / at(total, resource)));
}

/** The largest dominant share that a user takes at once. */
export function grainOf(user: User, total: Vector): number {
  return taskShare(user, total) * (user.bunch ?? 1);
}

/** How many tasks of the demand fit, whole ones. */
export function tasksIn(demand: Vector, amounts: Vector): number {
  return Math.floor(tasksInParts(demand, amounts) + 1e-9);
}

/** The same when tasks can be divided. */
export function tasksInParts(demand: Vector, amounts: Vector): number {
  return Math.min(
    ...demand.map((amount, resource) =>
      amount === 0 ? Number.POSITIVE_INFINITY : at(amounts, resource) / amount,
    ),
  );
}

/** More runs than any filling takes: each launches a task, or is refused for good. */
const MOST_RUNS = 20_000;

const FOREVER = { refuse_seconds: 365 * 24 * 3600 };

class Filling {
  readonly #cluster: TestCluster;
  readonly #options: FillOptions;
  readonly #userOf = new Map<FrameworkId, number>();
  readonly #placed: number[][];
  #runs = 0;

  constructor(options: FillOptions) {
    const { machines, users, sorter = 'drf', seed = 'fill', weights } = options;
    this.#options = options;
    const sorters = { roleSorter: sorter, frameworkSorter: sorter };
    this.#cluster = new TestCluster({ minAllocatable: [], ...sorters }, seed);
    this.#placed = users.map(() => machines.map(() => 0));
    if (weights !== undefined) this.#cluster.allocator.updateWeights(weights);
    machines.forEach((machine, index) => this.#cluster.addAgent(`m${index}`, textOf(machine)));
    users.forEach((user, index) => this.#addUser(user, index));
  }

  /** Tasks of each user so far. */
  tasks(): number[] {
    return this.#placed.map((counts) => counts.reduce((sum, count) => sum + count, 0));
  }

  /** From now on this machine alone is offered. */
  openOnly(machine: number): void {
    this.#cluster.allocator.updateWhitelist([`m${machine}`]);
  }

  /** Runs the allocator and lets the first that it serves launch. */
  serveNext(): 'launched' | 'refused' | 'none' {
    const { allocator } = this.#cluster;
    const [first, ...others] = this.#run();
    if (first === undefined) return 'none';
    for (const { frameworkId, agentId, resources: back } of others) {
      allocator.recoverResources(frameworkId, agentId, back);
    }
    return this.#launch(first) ? 'launched' : 'refused';
  }

  /** Runs the allocator and lets everybody that it serves launch. Whether anybody was. */
  serveAll(): boolean {
    const offers = this.#run();
    for (const offer of offers) this.#launch(offer, FOREVER);
    return offers.length > 0;
  }

  close(): Filled {
    const { machines, users } = this.#options;
    const total = totalOf(machines);
    const tasks = this.tasks();
    const free = machines.map((machine, index) =>
      machine.map((amount, resource) =>
        users.reduce(
          (rest, { demand }, user) =>
            rest - at(demand, resource) * at(at(this.#placed, user), index),
          amount,
        ),
      ),
    );
    const shares = users.map((user, index) => at(tasks, index) * taskShare(user, total));
    const roles = new Set(users.map((user, index) => this.#roleOf(user, index)));
    const stated = new Map(
      [...roles].map((role) => [
        role,
        this.#cluster.metric(`mesos/roles/${role}/shares/dominant`) ?? Number.NaN,
      ]),
    );
    this.#cluster.allocator.dispose();
    return { placed: this.#placed, tasks, shares, free, stated };
  }

  #run(): Allocation[] {
    assert(this.#runs++ < MOST_RUNS, 'filling does not end: what was refused is offered again');
    this.#cluster.allocator.runNow();
    return this.#cluster.outstanding.splice(0);
  }

  #launch(offer: Allocation, refusal?: typeof FOREVER): boolean {
    const { frameworkId, agentId, role, resources: offered } = offer;
    const { allocator } = this.#cluster;
    const index = this.#userOf.get(frameworkId) ?? -1;
    const user = at(this.#options.users, index);
    const counts = at(this.#placed, index);
    const wanted = (user.wish ?? Number.POSITIVE_INFINITY) - at(this.tasks(), index);
    const fitting = tasksIn(user.demand, amountsOf(offered));
    const count = Math.min(fitting, wanted, refusal === undefined ? (user.bunch ?? 1) : fitting);
    if (count === 0) {
      allocator.recoverResources(frameworkId, agentId, offered, FOREVER);
      return false;
    }
    const taken = resources(textOf(user.demand.map((amount) => amount * count))).allocatedTo(role);
    allocator.recoverResources(frameworkId, agentId, offered.minus(taken), refusal);
    const machine = Number(agentId.slice(1));
    counts[machine] = at(counts, machine) + count;
    if (count === wanted) allocator.suppress(frameworkId, []);
    return true;
  }

  #addUser(user: User, index: number): void {
    const name = `user-${index}`;
    const role = this.#roleOf(user, index);
    if (user.weight !== undefined && user.weight !== 1) {
      this.#cluster.allocator.updateWeights(new Map([[role, user.weight]]));
    }
    this.#cluster.addFramework(name, [role]);
    this.#userOf.set(name as FrameworkId, index);
  }

  #roleOf(user: User, index: number): string {
    const { seating = 'roles' } = this.#options;
    if (seating === 'own') return user.role ?? '*';
    if (seating === 'frameworks') return 'everybody';
    return seating === 'roles' ? `user-${index}` : `everybody/user-${index}`;
  }
}

function textOf(vector: Vector): string {
  return vector.map((amount, resource) => `${at(NAMES, resource)}:${amount}`).join(';');
}

function amountsOf(bag: Resources): number[] {
  return NAMES.map((name) => bag.scalar(name) / 1000);
}
