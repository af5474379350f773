/**
 * Judges single offers for tasks that are alike: what refuses them, and how well they suit. Knows nothing of
 * other offers; what depends on how many tasks share a value is asked apart, since it changes.
 */
import { PlateauError, at } from '../../core/base/index.js';
import {
  type Constraint,
  type Preference,
  type TaskSpec,
  type TaskView,
  durationMs,
} from '../decisions/index.js';
import { type Demand, demandOf } from './demand.js';
import { packFitness } from './fitness.js';
import type { Fitness, PlaceOptions } from './offers.js';
import type { RefusalReason } from './refusals.js';
import { type CountingRule, type FixedRule, type Rule, ruleOf } from './rules.js';
import type { Tally } from './tally.js';
import { EXECUTOR_SHORT, NOTHING_SHORT, PORTS_SHORT, type View } from './view.js';

/** How long before its planned maintenance an agent gets no more tasks. */
export const BEFORE_MAINTENANCE_MS = 600_000;

/** Puts preferences before fitness: the least difference of weights outweighs any difference of fitness. */
export const PREFERENCE_SCALE = 1_000;

/** What the judge is told. */
export interface Circumstances {
  readonly tally: Tally;
  readonly tasks: TaskView;
  readonly nowMs: number;
  readonly options: PlaceOptions;
  readonly fitness: Fitness;
  /** Ids of tasks that constraints do not count. */
  readonly excluded: ReadonlySet<string>;
}

/** A preference, ready to be asked. */
export interface Wish<R extends Rule> {
  readonly rule: R;
  readonly weight: number;
}

export interface ReasonRow {
  readonly reason: RefusalReason;
  readonly detail: string;
  /** Index of the scalar of the demand that is short. */
  readonly scalar?: number;
}

export class Judge {
  readonly demand: Demand;
  /** What refused so far; its place plus one is the code of a reason. */
  readonly reasons: ReasonRow[] = [];
  readonly counting: readonly CountingRule[];
  readonly countingWishes: readonly Wish<CountingRule>[];
  readonly totalWeight: number;
  readonly hasPreferences: boolean;
  /** Nothing but cpus, memory and the role decides. */
  readonly isPlain: boolean;
  readonly #spec: TaskSpec;
  readonly #facts: Circumstances;
  readonly #fixed: readonly FixedRule[];
  readonly #fixedWishes: readonly Wish<FixedRule>[];
  /** The usual fitness of a usual task: it is reckoned here, without calls. */
  readonly #packs: boolean;
  readonly #maintenanceMs: number;

  constructor(spec: TaskSpec, facts: Circumstances) {
    this.#spec = spec;
    this.#facts = facts;
    this.demand = demandOf(spec);
    const countsOf = (field: string): CountingRule['counts'] =>
      facts.tally.counts(spec.name, field, facts.excluded);
    const rules = (spec.constraints ?? NO_CONSTRAINTS).map((one) => ruleOf(one, countsOf));
    const wishes = (spec.preferences ?? NO_PREFERENCES).map(({ constraint, weight = 1 }) => ({
      rule: ruleOf(constraint, countsOf),
      weight,
    }));
    this.#fixed = rules.filter((rule) => rule.kind === 'fixed');
    this.counting = rules.filter((rule) => rule.kind === 'counting');
    this.#fixedWishes = wishes.flatMap(({ rule, weight }) =>
      rule.kind === 'fixed' ? [{ rule, weight }] : [],
    );
    this.countingWishes = wishes.flatMap(({ rule, weight }) =>
      rule.kind === 'counting' ? [{ rule, weight }] : [],
    );
    this.totalWeight = wishes.reduce((sum, { weight }) => sum + weight, 0);
    this.hasPreferences = wishes.length > 0;
    const { isPlain, isPartial } = this.demand;
    this.#packs = facts.fitness === packFitness && isPlain && !isPartial;
    this.isPlain =
      this.#packs && rules.length + wishes.length === 0 && facts.options.where === undefined;
    this.#maintenanceMs = maintenanceMs(spec, facts.options);
  }

  /** The code of the first reason against an offer, whatever the counts; 0: there is none. */
  examine(view: View): number {
    const { role } = this.#spec;
    if (role !== undefined && role !== view.role) return this.code('ROLE', role);
    if (view.offer.unavailability !== undefined && this.#isLeaving(view)) {
      return this.code('UNAVAILABLE', '');
    }
    for (const rule of this.#fixed) {
      if (!rule.holds(view.attributes)) return this.code('CONSTRAINT', rule.text);
    }
    for (const rule of this.counting) {
      if (view.attributes[rule.field] === undefined) return this.code('CONSTRAINT', rule.text);
    }
    const { where } = this.#facts.options;
    if (where !== undefined && !where(view)) return this.code('PREDICATE', '');
    const short = view.short(this.demand);
    return short === NOTHING_SHORT ? 0 : this.#shortCode(short);
  }

  /** Fitness in [0, 1] of an offer that nothing refuses. */
  fitness(view: View): number {
    const { cpus, memory } = this.demand;
    if (this.#packs) return (cpus / view.firmCpus + memory / view.firmMemory) / 2;
    const { fitness: ask, tasks } = this.#facts;
    const fitness = ask(this.#spec, view, tasks);
    if (Number.isNaN(fitness)) {
      throw new PlateauError(
        'INVALID_DECISION',
        `The fitness of task '${this.#spec.name}' on ${view.hostname} is NaN: return a number in [0, 1]`,
      );
    }
    return Math.min(1, Math.max(0, fitness));
  }

  /** What the preferences that hold add to the score, those that count tasks left out. */
  preference(view: View): number {
    let sum = 0;
    for (const { rule, weight } of this.#fixedWishes) {
      if (rule.holds(view.attributes)) sum += weight * PREFERENCE_SCALE;
    }
    return sum;
  }

  /** Whether all rules that count tasks allow one more there, looked up now. */
  allowsMore(view: View): boolean {
    for (const { counts, field, holds } of this.counting) {
      const value = view.attributes[field];
      if (value === undefined || !holds(counts.cell(value))) return false;
    }
    return true;
  }

  /** The code of a reason: the same one for the same words. */
  code(reason: RefusalReason, detail: string, scalar?: number): number {
    const known = this.reasons.findIndex((row) => row.reason === reason && row.detail === detail);
    if (known >= 0) return known + 1;
    return this.reasons.push({ reason, detail, ...(scalar === undefined ? {} : { scalar }) });
  }

  #shortCode(short: number): number {
    if (short === PORTS_SHORT) return this.code('PORTS', portsText(this.demand));
    if (short === EXECUTOR_SHORT) {
      return this.code('RESOURCE', `for executor '${this.demand.executor?.id ?? ''}'`);
    }
    return this.code('RESOURCE', at(this.demand.scalars, short).name, short);
  }

  #isLeaving(view: View): boolean {
    const { nowMs } = this.#facts;
    const from = view.unavailableFrom;
    const until = view.unavailableUntil;
    if (from === undefined || (until !== undefined && until <= nowMs)) return false;
    return from - nowMs < this.#maintenanceMs;
  }
}

const NO_CONSTRAINTS: readonly Constraint[] = [];
const NO_PREFERENCES: readonly Preference[] = [];

function maintenanceMs(spec: TaskSpec, options: PlaceOptions): number {
  const { beforeMaintenance = BEFORE_MAINTENANCE_MS } = options;
  const least = durationMs(beforeMaintenance, 'beforeMaintenance');
  return spec.maxRunTime === undefined ? least : durationMs(spec.maxRunTime, 'maxRunTime');
}

function portsText({ fixedPorts, anyPorts }: Demand): string {
  const any = anyPorts === 0 ? [] : [`${anyPorts} of any number`];
  return [...fixedPorts.map(String), ...any].join(', ');
}
