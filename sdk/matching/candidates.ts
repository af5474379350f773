/**
 * Finds the best offer for tasks that are alike, in the cheapest way that gives the same answer: by an index
 * that all searches share, by a heap, by groups, or by looking at one offer after the other. Each offer is
 * judged once and its score kept; only where something was placed it is judged again. Scores: below 0
 * refused, NaN not judged yet.
 */
import { at } from '../../core/base/index.js';
import type { TaskSpec } from '../decisions/index.js';
import type { Demand } from './demand.js';
import { EvenGroups } from './even-groups.js';
import { isLocal, packFitness } from './fitness.js';
import { type Circumstances, Judge, PREFERENCE_SCALE, type ReasonRow } from './judge.js';
import type { PackIndex } from './pack-index.js';
import type { Refusal } from './refusals.js';
import type { CountingRule } from './rules.js';
import { ScoreHeap } from './score-heap.js';
import type { Cell } from './tally.js';
import type { View } from './view.js';

/** What the candidates of one call share. */
export interface Search extends Circumstances {
  readonly views: Lookup;
  /** The index of the turn, for one more search that can use it; undefined: it is not worth its making yet. */
  readonly packIndex: () => PackIndex | undefined;
}

/** The offers of a turn, made into views when they are looked at. */
export interface Lookup {
  readonly size: number;
  get(index: number): View;
}

/** The best offer for the next task. */
export interface Found {
  readonly index: number;
  readonly fitness: number;
}

/** How the best offer is found. `heap` and `groups` begin with one look at all. */
type Way = 'index' | 'heap' | 'groups' | 'scan';

/** What is kept of each offer that was judged. */
interface Judged {
  readonly scores: Float64Array;
  /** Without preferences, fitness is the score. */
  readonly fitnesses: Float64Array | undefined;
  readonly codes: Uint16Array;
  /** By counting rule, those of constraints first: the cell of each offer's value. */
  readonly cells: readonly (Cell | undefined)[][];
}

export class Candidates {
  readonly #spec: TaskSpec;
  readonly #search: Search;
  readonly #judge: Judge;
  readonly #index: PackIndex | undefined;
  readonly #way: Way;
  readonly #isLocal: boolean;
  readonly #goodEnough: number;
  /** Place of the first GROUP_BY among the counting rules, -1: values with fewer tasks do not come first. */
  readonly #evens: number;
  readonly #changed: number[] = [];
  #judged: Judged | undefined;
  #heap: ScoreHeap | undefined;
  #groups: EvenGroups | undefined;
  #searches = 0;

  constructor(spec: TaskSpec, search: Search) {
    this.#spec = spec;
    this.#search = search;
    const judge = new Judge(spec, search);
    this.#judge = judge;
    this.#isLocal = isLocal(search.fitness);
    this.#goodEnough = search.options.goodEnough ?? 1;
    this.#evens = judge.counting.findIndex((rule) => rule.evens);
    const { isPartial, revocable } = judge.demand;
    const packs = search.fitness === packFitness && !isPartial && !revocable;
    this.#way = this.#wayOf();
    const mayIndex = packs && this.#way === 'heap' && !judge.hasPreferences;
    this.#index = mayIndex ? search.packIndex() : undefined;
    if (this.#index !== undefined) this.#way = 'index';
  }

  get demand(): Demand {
    return this.#judge.demand;
  }

  /** Whether only what is taken from an offer itself can change its score. */
  get isPlain(): boolean {
    return this.#judge.isPlain;
  }

  /** A heap needs scores that change nowhere but where something is placed, groups one GROUP_BY as well. */
  #wayOf(): Way {
    const { counting, countingWishes } = this.#judge;
    if (!this.#isLocal || countingWishes.length > 0) return 'scan';
    if (this.#evens === -1) return this.#goodEnough >= 1 ? 'heap' : 'scan';
    return counting.filter((rule) => rule.evens).length === 1 ? 'groups' : 'scan';
  }

  /** The best offer, of equal ones the first; undefined: none takes the task. */
  best(): Found | undefined {
    const index = this.#find();
    return index === -1 ? undefined : { index, fitness: this.#fitnessOf(index) };
  }

  #find(): number {
    if (this.#index !== undefined) return this.#walk(this.#index);
    // A heap is worth its making when many tasks are alike.
    const isFirst = this.#searches++ === 0;
    if (this.#way === 'groups') return this.#even();
    return this.#way === 'heap' && !isFirst ? this.#first() : this.#scan();
  }

  #walk(packIndex: PackIndex): number {
    const { views } = this.#search;
    const judge = this.#judge;
    return packIndex.best(
      judge.demand,
      (index) => judge.fitness(views.get(index)),
      (index) => {
        const view = views.get(index);
        return judge.examine(view) === 0 && judge.allowsMore(view);
      },
    );
  }

  /** Looks at one offer after the other. */
  #scan(): number {
    const { scores, cells } = this.#judgements();
    const size = scores.length;
    const evens = cells[this.#evens];
    const needsCounts = cells.length > 0;
    const hasCountingWishes = this.#judge.countingWishes.length > 0;
    let best = -1;
    let bestScore = -1;
    let bestGroup = Number.POSITIVE_INFINITY;
    for (let index = 0; index < size; index++) {
      let score = scores[index] ?? -1;
      // Not judged yet; only NaN differs from itself.
      // oxlint-disable-next-line no-self-compare -- much faster here than Number.isNaN
      if (score !== score) score = this.#judgeOne(index);
      if (score < 0) continue;
      if (needsCounts) {
        const group = evens === undefined ? 0 : (evens[index]?.count ?? 0);
        if (group > bestGroup) continue;
        if (hasCountingWishes) score += this.#countedWishes(index) * PREFERENCE_SCALE;
        if (group === bestGroup && score <= bestScore) continue;
        if (this.#brokenRule(index) !== undefined) continue;
        bestGroup = group;
      } else if (score <= bestScore) continue;
      best = index;
      bestScore = score;
      if (evens === undefined && this.#fitnessOf(index) >= this.#goodEnough) break;
    }
    return best;
  }

  /** Takes the best of a heap. */
  #first(): number {
    const { scores } = this.#judgements();
    if (this.#heap === undefined) {
      this.#refreshAll();
      this.#heap = new ScoreHeap(scores);
    } else {
      for (const index of this.#changed) if (this.#refresh(index) >= 0) this.#heap.push(index);
    }
    this.#changed.length = 0;
    for (;;) {
      const index = this.#heap.peek();
      // What UNIQUE, MAX_PER or CLUSTER refuses now they refuse for the rest of the turn.
      if (index === -1 || this.#brokenRule(index) === undefined) return index;
      this.#heap.drop();
    }
  }

  /** Takes the best of the value with fewest tasks. */
  #even(): number {
    const { scores, cells } = this.#judgements();
    const rule = at(this.#judge.counting, this.#evens);
    if (this.#groups === undefined) {
      this.#refreshAll();
      this.#groups = new EvenGroups(scores, at(cells, this.#evens));
    } else {
      for (const index of this.#changed) {
        this.#refresh(index);
        this.#groups.changed(index);
      }
    }
    this.#changed.length = 0;
    return this.#groups.best(rule.holds, (index) => this.#brokenRule(index) === undefined);
  }

  #refreshAll(): void {
    for (let index = 0; index < this.#search.views.size; index++) this.#refresh(index);
  }

  #refresh(index: number): number {
    const score = this.#judgements().scores[index] ?? -1;
    return Number.isNaN(score) ? this.#judgeOne(index) : score;
  }

  /** Forgets what placing something on the agent of these offers may have changed. */
  placedOn(indices: readonly number[]): void {
    const judged = this.#judged;
    if (judged === undefined) return;
    if (!this.#isLocal) {
      judged.scores.fill(Number.NaN);
      return;
    }
    const isOrdered = this.#heap !== undefined || this.#groups !== undefined;
    for (const index of indices) {
      if (Number.isNaN(judged.scores[index])) continue;
      judged.scores[index] = Number.NaN;
      if (isOrdered) this.#changed.push(index);
    }
  }

  /** Counts a placed task where the counts are this search's own: where some tasks are left out. */
  count(view: View): void {
    if (this.#search.excluded.size === 0) return;
    const { counting, countingWishes } = this.#judge;
    const rules = [...counting, ...countingWishes.map(({ rule }) => rule)];
    for (const [own, field] of new Map(rules.map((rule) => [rule.counts, rule.field]))) {
      const value = view.attributes[field];
      if (value !== undefined) own.add(value);
    }
  }

  /** Why no offer takes the task, after `best` has found none. */
  refusals(): readonly Refusal[] {
    const { size } = this.#search.views;
    if (size === 0) return [{ reason: 'NO_OFFERS', detail: '', offers: 0 }];
    const short = this.#shortfalls();
    if (short !== undefined) return short;
    const counts = new Map<number, number[]>();
    for (let index = 0; index < size; index++) {
      const code = this.#codeOf(index);
      if (code === 0) continue;
      const indices = counts.get(code);
      if (indices === undefined) counts.set(code, [index]);
      else indices.push(index);
    }
    return [...counts]
      .toSorted(([, one], [, other]) => other.length - one.length)
      .map(([code, indices]) => this.#refusal(at(this.#judge.reasons, code - 1), indices));
  }

  /** The reasons from the shared index, where cpus and memory are all that can be short. */
  #shortfalls(): readonly Refusal[] | undefined {
    const { role } = this.#spec;
    const common = this.#index?.commonRole;
    if (this.#index === undefined || common === undefined || !this.#judge.isPlain) return undefined;
    if (role !== undefined && role !== common) return undefined;
    const { demand } = this.#judge;
    return this.#index.shortfalls(demand).map(({ scalar, offers, nearest }) => {
      const place = scalar === 'cpus' ? 0 : 1;
      const view = this.#search.views.get(nearest);
      return {
        reason: 'RESOURCE',
        detail: scalar,
        offers,
        nearest: nearestOf(view, demand, place),
      };
    });
  }

  #refusal({ reason, detail, scalar }: ReasonRow, indices: readonly number[]): Refusal {
    const refusal = { reason, detail, offers: indices.length };
    if (scalar === undefined) return refusal;
    const { demand } = this.#judge;
    const wanted = at(demand.scalars, scalar);
    let nearest = this.#search.views.get(at(indices, 0));
    for (const index of indices) {
      const view = this.#search.views.get(index);
      if (view.mostLeft(wanted, demand) > nearest.mostLeft(wanted, demand)) nearest = view;
    }
    return { ...refusal, nearest: nearestOf(nearest, demand, scalar) };
  }

  #codeOf(index: number): number {
    if (this.#refresh(index) < 0) return this.#judgements().codes[index] ?? 0;
    const broken = this.#brokenRule(index);
    return broken === undefined ? 0 : this.#judge.code('CONSTRAINT', broken.text);
  }

  /** Judges an offer but for the counting rules: the score, or -1 and the code of what refuses. */
  #judgeOne(index: number): number {
    const { scores, fitnesses, codes } = this.#judgements();
    const view = this.#search.views.get(index);
    const code = this.#judge.examine(view);
    if (code !== 0) {
      codes[index] = code;
      scores[index] = -1;
      return -1;
    }
    this.#findCells(view, index);
    const fitness = this.#judge.fitness(view);
    if (fitnesses !== undefined) fitnesses[index] = fitness;
    const score = fitnesses === undefined ? fitness : fitness + this.#judge.preference(view);
    scores[index] = score;
    return score;
  }

  /** Finds the cells of an offer's values. */
  #findCells(view: View, index: number): void {
    const { cells } = this.#judgements();
    if (cells.length === 0) return;
    const { counting, countingWishes } = this.#judge;
    for (let order = 0; order < cells.length; order++) {
      const { field, counts } =
        order < counting.length
          ? at(counting, order)
          : at(countingWishes, order - counting.length).rule;
      const value = view.attributes[field];
      at(cells, order)[index] = value === undefined ? undefined : counts.cell(value);
    }
  }

  #brokenRule(index: number): CountingRule | undefined {
    const { counting } = this.#judge;
    const { cells } = this.#judgements();
    for (let order = 0; order < counting.length; order++) {
      const rule = at(counting, order);
      const cell = cells[order]?.[index];
      if (cell === undefined || !rule.holds(cell)) return rule;
    }
    return undefined;
  }

  /** The weight of the counting preferences that an offer fulfils. */
  #countedWishes(index: number): number {
    const { counting, countingWishes } = this.#judge;
    const { cells } = this.#judgements();
    let sum = 0;
    for (let order = 0; order < countingWishes.length; order++) {
      const { rule, weight } = at(countingWishes, order);
      const cell = cells[counting.length + order]?.[index];
      if (cell !== undefined && rule.holds(cell)) sum += weight;
    }
    return sum;
  }

  /** Fitness in [0, 1]; with preferences, the mean of it and the part of the weights that are fulfilled. */
  #fitnessOf(index: number): number {
    if (this.#index !== undefined) return this.#judge.fitness(this.#search.views.get(index));
    const { scores, fitnesses } = this.#judgements();
    const score = scores[index] ?? 0;
    if (fitnesses === undefined) return score;
    const fitness = fitnesses[index] ?? 0;
    const fixed = (score - fitness) / PREFERENCE_SCALE;
    const share = (fixed + this.#countedWishes(index)) / this.#judge.totalWeight;
    return (Math.min(1, share) + fitness) / 2;
  }

  /** Made on first need: a search by the index needs them only to say why there is no place. */
  #judgements(): Judged {
    this.#judged ??= this.#newJudgements();
    return this.#judged;
  }

  #newJudgements(): Judged {
    const { size } = this.#search.views;
    const { counting, countingWishes, hasPreferences } = this.#judge;
    return {
      scores: new Float64Array(size).fill(Number.NaN),
      fitnesses: hasPreferences ? new Float64Array(size) : undefined,
      codes: new Uint16Array(size),
      cells: [...counting, ...countingWishes].map(() =>
        Array.from<Cell | undefined>({ length: size }),
      ),
    };
  }
}

/** How far an offer is from having enough of a scalar. */
function nearestOf(view: View, demand: Demand, scalar: number): NonNullable<Refusal['nearest']> {
  const wanted = at(demand.scalars, scalar);
  const left = view.mostLeft(wanted, demand) / 1000;
  return { hostname: view.hostname, wanted: wanted.amount / 1000, left };
}
