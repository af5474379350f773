/**
 * Makes a failing plan of faults smaller while it fails: each fault is tried alone; then, by delta debugging,
 * groups of faults are left out, then single ones; then those that are left are made shorter and put earlier.
 */
import type { Fault, FaultPlan } from './faults.js';

export interface ShrinkResult {
  /** The smallest plan found that fails. */
  readonly plan: FaultPlan;
  /** How many plans were tried. */
  readonly tries: number;
  /** Whether nothing smaller was left to try; otherwise the budget was used up. */
  readonly isMinimal: boolean;
}

/** A plan with fewer or smaller faults, tried until none of them fails any more. */
class Shrinking {
  #plan: FaultPlan;
  #tries = 0;
  readonly budget: number;
  readonly #fails: (plan: FaultPlan) => Promise<boolean>;

  constructor(plan: FaultPlan, fails: (plan: FaultPlan) => Promise<boolean>, budget: number) {
    this.#plan = plan;
    this.#fails = fails;
    this.budget = budget;
  }

  get plan(): FaultPlan {
    return this.#plan;
  }

  get tries(): number {
    return this.#tries;
  }

  get hasBudget(): boolean {
    return this.#tries < this.budget;
  }

  /** Takes the plan if it fails. False also when there is no budget left to find out. */
  async take(plan: FaultPlan): Promise<boolean> {
    if (!this.hasBudget) return false;
    this.#tries += 1;
    if (!(await this.#fails(plan))) return false;
    this.#plan = plan;
    return true;
  }
}

/**
 * The smallest plan found that still fails, of those that have part of the faults, shorter ones or
 * earlier ones. `plan` is taken to fail; `fails` has to give the same answer for the same plan.
 * @param budget how many plans are tried at most.
 */
export async function shrinkFaults(
  plan: FaultPlan,
  fails: (plan: FaultPlan) => Promise<boolean>,
  budget: number,
): Promise<ShrinkResult> {
  const shrinking = new Shrinking(plan, fails, budget);
  // Without any fault it may fail as well: then the faults are not to blame.
  if (plan.length > 0 && (await shrinking.take([]))) {
    return { plan: [], tries: shrinking.tries, isMinimal: true };
  }
  await takeOne(shrinking);
  let sizeBefore: string | undefined;
  while (shrinking.hasBudget && sizeBefore !== JSON.stringify(shrinking.plan)) {
    sizeBefore = JSON.stringify(shrinking.plan);
    // oxlint-disable-next-line no-await-in-loop -- each step goes on with what the last one left
    await leaveOut(shrinking);
    // oxlint-disable-next-line no-await-in-loop -- as above
    await reduce(shrinking);
  }
  return { plan: shrinking.plan, tries: shrinking.tries, isMinimal: shrinking.hasBudget };
}

/**
 * Looks for one fault that fails alone, for at most half of the budget. Often one does; by leaving out it may
 * not be found, because a run with fewer faults differs in all that is drawn.
 */
async function takeOne(shrinking: Shrinking): Promise<void> {
  const { plan, budget } = shrinking;
  for (const fault of plan.length > 1 ? plan.slice(0, Math.floor(budget / 2)) : []) {
    // oxlint-disable-next-line no-await-in-loop -- the first that fails ends it
    if (await shrinking.take([fault])) return;
  }
}

/** Leaves out ever smaller groups, down to single faults. */
async function leaveOut(shrinking: Shrinking): Promise<void> {
  let groupSize = Math.ceil(shrinking.plan.length / 2);
  while (groupSize >= 1 && shrinking.plan.length > 1 && shrinking.hasBudget) {
    // From the end: what happened last is the least likely to have caused what follows.
    for (let end = shrinking.plan.length; end > 0 && shrinking.plan.length > 1;) {
      const start = Math.max(0, end - groupSize);
      const rest = [...shrinking.plan.slice(0, start), ...shrinking.plan.slice(end)];
      // oxlint-disable-next-line no-await-in-loop -- each try goes on with what the last one left
      if (rest.length > 0) await shrinking.take(rest);
      end = Math.min(start, shrinking.plan.length);
    }
    groupSize = groupSize === 1 ? 0 : Math.ceil(groupSize / 2);
  }
}

/** Makes each fault shorter, weaker and earlier, by halves. */
async function reduce(shrinking: Shrinking): Promise<void> {
  for (let index = 0; index < shrinking.plan.length; index++) {
    for (const field of ['durationMs', 'amount', 'atMs'] as const) {
      let isSmaller = true;
      while (isSmaller && shrinking.hasBudget) {
        const plan = withHalved(shrinking.plan, index, field);
        // oxlint-disable-next-line no-await-in-loop -- each try goes on with what the last one left
        isSmaller = plan !== undefined && (await shrinking.take(plan));
      }
    }
  }
}

function withHalved(
  plan: FaultPlan,
  index: number,
  field: 'durationMs' | 'amount' | 'atMs',
): FaultPlan | undefined {
  const fault: Fault | undefined = plan[index];
  const value = fault?.[field];
  if (fault === undefined || value === undefined || value === 0) return undefined;
  const half = Math.trunc(value / 2);
  return plan.map((each, at) => (at === index ? { ...fault, [field]: half } : each));
}
