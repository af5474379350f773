/** What all placements of one turn share: the offers with what is left of them, and the counts of tasks. */
import type { Offer } from '../../core/api/index.js';
import { type Ids, type Random, at } from '../../core/base/index.js';
import type { TaskSpec, TaskView } from '../decisions/index.js';
import type { Lookup } from './candidates.js';
import { PackIndex } from './pack-index.js';
import { Tally } from './tally.js';
import { View } from './view.js';

export interface TurnOptions {
  readonly tasks: TaskView;
  /** Wall time in milliseconds since 1970. */
  readonly clock: { now(): number };
  readonly random: Random;
  readonly ids: Ids;
  /** Offers that were held in earlier turns; they come first. */
  readonly held?: readonly Offer[];
}

/** Hexadecimal digits that tell apart the tasks of one name and key: the last part of a UUID. */
const UNIQUE_DIGITS = 12;

export class Turn implements Lookup {
  readonly tasks: TaskView;
  readonly tally: Tally;
  readonly random: Random;
  readonly #offers: readonly Offer[];
  /** Made when they are looked at. */
  #views: (View | undefined)[] = [];
  #all: readonly View[] | undefined;
  readonly #clock: { now(): number };
  readonly #ids: Ids;
  readonly #taken = new Set<string>();
  readonly #keys = new Set<string>();
  /** The first offer of each agent, and by offer the next one of its agent; -1: there is none. */
  #firstOfAgent: Map<string, number> | undefined;
  #nextOfAgent: Int32Array | undefined;
  #packIndex: PackIndex | undefined;
  #packSearches = 0;

  constructor(offers: readonly Offer[], { tasks, clock, random, ids, held = [] }: TurnOptions) {
    this.#offers = held.length === 0 ? offers : [...held, ...offers];
    this.tasks = tasks;
    this.tally = new Tally(tasks);
    this.random = random;
    this.#clock = clock;
    this.#ids = ids;
  }

  get size(): number {
    return this.#offers.length;
  }

  get nowMs(): number {
    return this.#clock.now();
  }

  get(index: number): View {
    let view = this.#views[index];
    if (view === undefined) {
      view = new View(at(this.#offers, index), this.tally);
      // Without gaps, which would make it slow.
      while (this.#views.length < index) this.#views.push(undefined);
      this.#views[index] = view;
    }
    return view;
  }

  /** Views of all offers. A list, for the engine steps through lists without leaving garbage. */
  get all(): readonly View[] {
    if (this.#all !== undefined) return this.#all;
    const all = this.#offers.map(
      (offer, index) => this.#views[index] ?? new View(offer, this.tally),
    );
    this.#views = all;
    this.#all = all;
    return all;
  }

  /** All offers of an agent. */
  ofAgent(agentId: string): readonly number[] {
    const next = this.#linkAgents();
    const first = this.#firstOfAgent?.get(agentId) ?? -1;
    if (first < 0) return [];
    const indices = [first];
    for (let index = next[first] ?? -1; index >= 0; index = next[index] ?? -1) indices.push(index);
    return indices;
  }

  #linkAgents(): Int32Array {
    if (this.#nextOfAgent !== undefined) return this.#nextOfAgent;
    const next = new Int32Array(this.#offers.length).fill(-1);
    const first = new Map<string, number>();
    for (let index = next.length - 1; index >= 0; index--) {
      const agentId = at(this.#offers, index).agent_id.value;
      next[index] = first.get(agentId) ?? -1;
      first.set(agentId, index);
    }
    this.#firstOfAgent = first;
    this.#nextOfAgent = next;
    return next;
  }

  /** An index for one more search by `packFitness`: from the second one of a turn on it is worth its making. */
  packIndex(): PackIndex | undefined {
    this.#packSearches++;
    if (this.#packSearches > 1) this.#packIndex ??= new PackIndex(this);
    return this.#packIndex;
  }

  /** Something was taken from these offers. */
  changed(indices: readonly number[]): void {
    this.#packIndex?.changed(indices);
  }

  /** An id that no other task of the framework has: `<name>[.<key>].<12 digits>`. */
  newId({ name, key }: TaskSpec): string {
    const start = key === undefined ? name : `${name}.${key}`;
    for (;;) {
      const id = `${start}.${this.#ids.uuid().slice(-UNIQUE_DIGITS)}`;
      if (this.tasks.get(id) !== undefined || this.#taken.has(id)) continue;
      this.#taken.add(id);
      if (key !== undefined) this.#keys.add(`${name}\0${key}`);
      return id;
    }
  }

  /** Whether a piece of work was placed in this turn. */
  hasPlaced(name: string, key: string): boolean {
    return this.#keys.size > 0 && this.#keys.has(`${name}\0${key}`);
  }
}
