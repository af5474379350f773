/**
 * A call as a command of fast-check: which one it is, and numbers from which it chooses, among what
 * there is by then, the agents, frameworks, roles and amounts that it is about.
 */
import * as fc from 'fast-check';
import { at } from '../../../../core/base/index.js';
import type { AgentId, FrameworkId } from '../../../../core/base/index.js';
import { type Filters } from '../../../../core/api/index.js';
import type { Bench } from './bench.js';
import type { Model } from './model.js';

export const AGENTS = ['A1', 'A2', 'A3', 'A4'] as const;
export const FRAMEWORKS = ['F1', 'F2', 'F3', 'F4', 'F5'] as const;
export const ROLES = ['a', 'a/b', 'a/c', 'b', '*'] as const;

/** The numbers. */
export interface Choice {
  readonly one: number;
  readonly two: number;
  readonly three: number;
  /** Of a refusal; 'none': there is no filter. */
  readonly seconds: number | 'unset' | 'none';
}

export interface Action {
  /** Whether the call may be made now. Default: always. */
  can?(model: Pick<Model, keyof Model>, choice: Choice): boolean;
  /** Makes the call and enters it into the model. */
  make(bench: Bench, choice: Choice): void | Promise<void>;
}

export type Actions = Readonly<Record<string, Action>>;

const choices: fc.Arbitrary<Choice> = fc.record({
  one: fc.nat({ max: 63 }),
  two: fc.nat({ max: 63 }),
  three: fc.nat({ max: 63 }),
  seconds: fc.constantFrom<Choice['seconds']>('none', 'unset', 0, 0.5, 1.5, 3, -1),
});

class Step implements fc.AsyncCommand<Model, Bench> {
  readonly #name: string;
  readonly #action: Action;
  readonly #choice: Choice;

  constructor(name: string, action: Action, choice: Choice) {
    this.#name = name;
    this.#action = action;
    this.#choice = choice;
  }

  check(model: Pick<Model, keyof Model>): boolean {
    return this.#action.can?.(model, this.#choice) ?? true;
  }

  async run(_: Model, bench: Bench): Promise<void> {
    await this.#action.make(bench, this.#choice);
    bench.verify();
  }

  toString(): string {
    const { one, two, three, seconds } = this.#choice;
    return `${this.#name}(${one}, ${two}, ${three}, ${seconds})`;
  }
}

/** How many times as often as others some actions are drawn: those without which little happens. */
const FREQUENT: Readonly<Record<string, number>> = {
  addAgent: 4,
  addFramework: 4,
  settle: 3,
  tick: 3,
  launch: 4,
  decline: 2,
  declinePart: 2,
  updateAllocation: 2,
  updateAvailable: 2,
};

/** Any sequence of the actions. */
export function sequencesOf(
  actions: Actions,
  options: { readonly maxCommands: number },
): fc.Arbitrary<Iterable<fc.AsyncCommand<Model, Bench>>> {
  const steps = Object.entries(actions).flatMap(([name, action]) => {
    const step = choices.map((choice) => new Step(name, action, choice));
    return Array.from({ length: FREQUENT[name] ?? 1 }, () => step);
  });
  return fc.commands(steps, { ...options, size: 'max' });
}

export const pick = <T>(items: readonly T[], number: number): T => at(items, number % items.length);

/** The items whose bit is set. */
export const subset = <T>(items: readonly T[], bits: number): T[] =>
  items.filter((_, index) => (bits >> index) % 2 === 1);

export const agentId = (name: string): AgentId => name as AgentId;
export const frameworkId = (name: string): FrameworkId => name as FrameworkId;

export function filtersOf({ seconds }: Choice): Filters | undefined {
  if (seconds === 'none') return undefined;
  return seconds === 'unset' ? {} : { refuse_seconds: seconds };
}

/** How long a framework that says so wants not to be asked. */
export function refusalMs({ refuse_seconds: seconds }: Filters): number {
  if (seconds === undefined || seconds < 0) return 5000;
  return seconds * 1000;
}
