/**
 * The matcher: puts tasks on offers, one after the other, each on the best offer at that moment. Tasks that
 * are alike share one search. Depends on its arguments alone: equal offers, tasks and seeds give equal
 * placements.
 */
import type { ExecutorInfo } from '../../core/api/index.js';
import { PlateauError } from '../../core/base/index.js';
import { type TaskSpec, task } from '../decisions/index.js';
import { Candidates } from './candidates.js';
import { isLocal, packFitness } from './fitness.js';
import type { PlaceOptions, PlacedTask } from './offers.js';
import type { Refusal, Unplaced } from './refusals.js';
import type { Turn } from './turn.js';
import type { Taken, View } from './view.js';

/** Kinds of tasks of which a call keeps the search; beyond it the oldest search is begun anew when needed. */
export const MAX_KEPT_SEARCHES = 200;
/** Kinds of tasks whose reasons for not being placed are told apart; further ones count with the last. */
export const MAX_UNPLACED_KINDS = 1_000;

/** So many tasks of a description. */
export interface Wish {
  readonly spec: TaskSpec;
  readonly count: number;
}

/** A task that was placed, with what it was given. */
export interface Placed extends PlacedTask {
  readonly view: View;
  readonly taken: Taken;
}

export interface Matching {
  readonly placed: readonly Placed[];
  readonly unplaced: readonly Unplaced[];
}

export interface MatchOptions extends PlaceOptions {
  /** Ids of tasks that constraints do not count, because they are given up. */
  readonly excluded?: ReadonlySet<string>;
}

/** Places tasks in the order of the wishes, as many as there is room for. What they take is taken from the turn. */
export function placeTasks(
  wishes: readonly Wish[],
  turn: Turn,
  options: MatchOptions = {},
): Matching {
  const matcher = new Matcher(turn, options);
  for (const { spec, count } of wishes) matcher.place(task(spec), count);
  return matcher.result();
}

/** Tasks that are alike share one. */
interface Kind {
  readonly candidates: Candidates;
  /** How many had been placed when the last search found nothing; until one more is, it would not again. */
  emptyAt: number;
}

interface OpenUnplaced {
  readonly spec: TaskSpec;
  count: number;
  refusals: readonly Refusal[];
}

const LIMIT: readonly Refusal[] = [{ reason: 'LIMIT', detail: '', offers: 0 }];

class Matcher {
  readonly #turn: Turn;
  readonly #options: MatchOptions;
  readonly #fitness: NonNullable<PlaceOptions['fitness']>;
  readonly #limit: number;
  readonly #placed: Placed[] = [];
  readonly #unplaced = new Map<unknown, OpenUnplaced>();
  readonly #kinds = new Map<unknown, Kind>();
  readonly #executors = new Map<ExecutorInfo, number>();
  readonly #maxKept: number;
  /** The description that was measured last: of many tasks it is mostly the same one. */
  #measured: TaskSpec | undefined;
  #measuredBytes = 0;

  constructor(turn: Turn, options: MatchOptions) {
    for (const option of ['limit', 'goodEnough'] as const) {
      const value = options[option] ?? 0;
      if (value >= 0) continue;
      throw new PlateauError('INVALID_DECISION', `'${option}' is ${value}: write a number from 0`);
    }
    this.#turn = turn;
    this.#options = options;
    this.#fitness = options.fitness ?? packFitness;
    this.#limit = options.limit ?? Number.POSITIVE_INFINITY;
    this.#maxKept = isLocal(this.#fitness) ? MAX_KEPT_SEARCHES : 1;
  }

  place(spec: TaskSpec, count: number): void {
    const key = isLocal(this.#fitness) ? this.#kindKey(spec) : spec;
    for (let copy = 0; copy < count; copy++) {
      if (this.#placed.length >= this.#limit) {
        this.#leave(key, spec, { count: count - copy, refusals: LIMIT });
        return;
      }
      const kind = this.#kind(key, spec);
      if (!this.#placeOne(spec, kind)) {
        this.#leave(key, spec, { count: count - copy, refusals: undefined, kind });
        return;
      }
    }
  }

  result(): Matching {
    return { placed: this.#placed, unplaced: [...this.#unplaced.values()] };
  }

  #placeOne(spec: TaskSpec, kind: Kind): boolean {
    const { candidates } = kind;
    if (kind.emptyAt === this.#placed.length) return false;
    const found = candidates.best();
    if (found === undefined) {
      kind.emptyAt = this.#placed.length;
      return false;
    }
    const turn = this.#turn;
    const view = turn.get(found.index);
    const taken = view.take(candidates.demand, turn.random);
    view.noteTask(this.#bytesOf(spec));
    this.#placed.push({ id: turn.newId(spec), spec, view, fitness: found.fitness, taken });
    turn.tally.record({ name: spec.name, agentId: view.agentId, values: view.attributes });
    candidates.count(view);
    // Other offers of the agent matter where tasks or executors on it count.
    const isAlone = candidates.isPlain && this.#kinds.size === 1;
    const indices = isAlone ? [found.index] : turn.ofAgent(view.agentId);
    turn.changed(indices);
    for (const other of this.#kinds.values()) other.candidates.placedOn(indices);
    return true;
  }

  #bytesOf(spec: TaskSpec): number {
    if (this.#measured !== spec) {
      this.#measured = spec;
      this.#measuredBytes = bytesOf(spec);
    }
    return this.#measuredBytes;
  }

  #kind(key: unknown, spec: TaskSpec): Kind {
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    if (this.#kinds.size >= this.#maxKept) {
      for (const oldest of this.#kinds.keys()) {
        this.#kinds.delete(oldest);
        break;
      }
    }
    const turn = this.#turn;
    const candidates = new Candidates(spec, {
      views: turn,
      tally: turn.tally,
      tasks: turn.tasks,
      nowMs: turn.nowMs,
      options: this.#options,
      fitness: this.#fitness,
      excluded: this.#options.excluded ?? NOBODY,
      packIndex: () => turn.packIndex(),
    });
    const kind = { candidates, emptyAt: -1 };
    this.#kinds.set(key, kind);
    return kind;
  }

  #leave(
    key: unknown,
    spec: TaskSpec,
    left: {
      readonly count: number;
      readonly refusals: readonly Refusal[] | undefined;
      readonly kind?: Kind;
    },
  ): void {
    const isFull = this.#unplaced.size >= MAX_UNPLACED_KINDS;
    const known = this.#unplaced.get(key) ?? (isFull ? this.#lastUnplaced() : undefined);
    if (known !== undefined) {
      known.count += left.count;
      return;
    }
    const refusals = left.refusals ?? left.kind?.candidates.refusals() ?? [];
    this.#unplaced.set(key, { spec, count: left.count, refusals });
  }

  #lastUnplaced(): OpenUnplaced | undefined {
    return [...this.#unplaced.values()].at(-1);
  }

  /** Equal for tasks that ask the same of an offer. */
  #kindKey(spec: TaskSpec): string {
    const { name, cpus, memMiB, diskMiB = 0, gpus = 0, role = '', revocable = false } = spec;
    const plain = `${name} ${role} ${cpus} ${memMiB} ${diskMiB} ${gpus} ${String(revocable)}`;
    const { scalars, ports, constraints, preferences, maxRunTime, executor } = spec;
    const isPlain =
      scalars === undefined &&
      ports === undefined &&
      constraints === undefined &&
      preferences === undefined &&
      maxRunTime === undefined &&
      executor === undefined;
    if (isPlain) return plain;
    const number = executor === undefined ? 0 : this.#numberOf(executor);
    const rest = [scalars, ports, constraints, preferences, maxRunTime, number];
    return `${plain} ${JSON.stringify(rest)}`;
  }

  #numberOf(executor: ExecutorInfo): number {
    const known = this.#executors.get(executor);
    if (known !== undefined) return known;
    this.#executors.set(executor, this.#executors.size + 1);
    return this.#executors.size;
  }
}

/** Of a task in an ACCEPT, beside what its description says: ids, resources with their allocation, names of fields. */
const TASK_FRAME_BYTES = 700;

/** About as many bytes as the task takes in an ACCEPT, and rather more. */
function bytesOf(spec: TaskSpec): number {
  const text = JSON.stringify(spec, writeLong);
  let bytes = TASK_FRAME_BYTES + text.length;
  // Variables and labels become objects with a name and a value.
  bytes += ENTRY_BYTES * (entriesOf(spec.env) + entriesOf(spec.labels));
  return IS_WIDE.test(text) ? bytes + 5 * text.length : bytes;
}

/** Executors and checks may hold 64-bit numbers. */
function writeLong(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

const ENTRY_BYTES = 24;
/** Characters that may be written as `\\u20ac`. */
const IS_WIDE = /[^\0-\x7f]/;

function entriesOf(entries: Readonly<Record<string, string>> = {}): number {
  return Object.keys(entries).length;
}

const NOBODY: ReadonlySet<string> = new Set();
