/**
 * Counts the tasks of the framework for one turn: by agent for fitness, by value for constraints. Made on
 * first need, kept for the turn, and told of everything that is placed in it.
 */
import type { TaskRecord, TaskView } from '../decisions/index.js';
import { type Values, valueOfTask } from './values.js';

/** Tasks of one name that share a value. */
export interface Cell {
  count: number;
}

/** Tasks of one name by the values of one field. */
export class Counts {
  readonly #cells = new Map<string, Cell>();
  /** By count: how many values have as many tasks. */
  readonly #histogram: number[] = [];
  /** Of the value that was counted first. */
  first: Cell | undefined;
  /** Values that have tasks. */
  groups = 0;

  /** The cell of a value; it stays the same one. */
  cell(value: string): Cell {
    let cell = this.#cells.get(value);
    if (cell === undefined) {
      cell = { count: 0 };
      this.#cells.set(value, cell);
    }
    return cell;
  }

  add(value: string): void {
    const cell = this.cell(value);
    this.first ??= cell;
    if (cell.count === 0) this.groups++;
    else this.#histogram[cell.count] = (this.#histogram[cell.count] ?? 0) - 1;
    cell.count++;
    this.#histogram[cell.count] = (this.#histogram[cell.count] ?? 0) + 1;
  }

  /** Tasks of the value that has fewest, of those that have any; 0 when none has. */
  lowest(): number {
    if (this.groups === 0) return 0;
    let count = 1;
    while ((this.#histogram[count] ?? 0) === 0) count++;
    return count;
  }
}

/** What one task is counted by. */
export interface Counted {
  readonly name: string;
  readonly agentId: string;
  readonly values: Values;
}

/** Tasks of one name. */
class NameTally {
  readonly live: readonly TaskRecord[];
  readonly placed: Counted[] = [];
  readonly #counts = new Map<string, Counts>();
  #byAgent: Map<string, number> | undefined;

  constructor(live: readonly TaskRecord[]) {
    this.live = live;
  }

  counts(field: string): Counts {
    let counts = this.#counts.get(field);
    if (counts === undefined) {
      counts = this.countedWithout(field, NOBODY);
      this.#counts.set(field, counts);
    }
    return counts;
  }

  countedWithout(field: string, excluded: ReadonlySet<string>): Counts {
    const counts = new Counts();
    for (const task of this.live) {
      if (excluded.has(task.id)) continue;
      const value = valueOfTask(task, field);
      if (value !== undefined) counts.add(value);
    }
    for (const { values } of this.placed) {
      const value = values[field];
      if (value !== undefined) counts.add(value);
    }
    return counts;
  }

  byAgent(): Map<string, number> {
    if (this.#byAgent === undefined) {
      this.#byAgent = new Map();
      for (const { agentId } of this.live) increase(this.#byAgent, agentId);
      for (const { agentId } of this.placed) increase(this.#byAgent, agentId);
    }
    return this.#byAgent;
  }

  record(counted: Counted): void {
    this.placed.push(counted);
    if (this.#byAgent !== undefined) increase(this.#byAgent, counted.agentId);
    for (const [field, counts] of this.#counts) {
      const value = counted.values[field];
      if (value !== undefined) counts.add(value);
    }
  }
}

const NOBODY: ReadonlySet<string> = new Set();

function increase(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** See the head of the file. */
export class Tally {
  readonly tasks: TaskView;
  readonly #names = new Map<string, NameTally>();
  readonly #placedByAgent = new Map<string, number>();
  readonly #executors = new Set<string>();
  #liveByAgent: Map<string, number> | undefined;

  constructor(tasks: TaskView) {
    this.tasks = tasks;
  }

  /** Tasks of a name that have not ended, as the turn began. */
  live(name: string): readonly TaskRecord[] {
    return this.#of(name).live;
  }

  /** How many of a name were placed in this turn. */
  placed(name: string): number {
    return this.#of(name).placed.length;
  }

  /**
   * Counts by the values of a field, kept up to date through the turn.
   * @param excluded ids of tasks that do not count; then the counts are the caller's, who keeps them up to date.
   */
  counts(name: string, field: string, excluded: ReadonlySet<string>): Counts {
    const tally = this.#of(name);
    return excluded.size === 0 ? tally.counts(field) : tally.countedWithout(field, excluded);
  }

  /** Tasks on an agent, of a name or of all. */
  tasksOn(agentId: string, name?: string): number {
    if (name !== undefined) return this.#of(name).byAgent().get(agentId) ?? 0;
    if (this.#liveByAgent === undefined) {
      this.#liveByAgent = new Map();
      for (const task of this.tasks.live()) increase(this.#liveByAgent, task.agentId);
    }
    return (this.#liveByAgent.get(agentId) ?? 0) + (this.#placedByAgent.get(agentId) ?? 0);
  }

  record(counted: Counted): void {
    this.#of(counted.name).record(counted);
    increase(this.#placedByAgent, counted.agentId);
  }

  /** Remembers that an executor comes to an agent in this turn. */
  recordExecutor(agentId: string, executorId: string): void {
    this.#executors.add(`${agentId}\0${executorId}`);
  }

  hasExecutor(agentId: string, executorId: string): boolean {
    return this.#executors.size > 0 && this.#executors.has(`${agentId}\0${executorId}`);
  }

  #of(name: string): NameTally {
    let tally = this.#names.get(name);
    if (tally === undefined) {
      tally = new NameTally(this.tasks.live(name));
      this.#names.set(name, tally);
    }
    return tally;
  }
}
