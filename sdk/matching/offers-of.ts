/** The offers of one turn, as handlers get them. */
import type { Offer } from '../../core/api/index.js';
import { PlateauError } from '../../core/base/index.js';
import { type TaskSpec, type TaskView, task } from '../decisions/index.js';
import { planComplete } from './complete.js';
import { planKeep } from './keep.js';
import type {
  CompleteOptions,
  KeepOptions,
  OfferView,
  Offers,
  PlaceOptions,
  Placement,
} from './offers.js';
import { type Wish, placeTasks } from './place-tasks.js';
import { placementOf } from './placement.js';
import type { Unplaced } from './refusals.js';
import { Turn, type TurnOptions } from './turn.js';

/**
 * Makes the offers of a turn. Cheap: nothing is read from an offer before something looks at it. Equal
 * arguments and seeds give equal placements.
 */
export function offersOf(offers: readonly Offer[], options: TurnOptions): Offers {
  return new TurnOffers(new Turn(offers, options));
}

class TurnOffers implements Offers {
  readonly #turn: Turn;
  /** By name: how many tasks of it `keep` was asked for. */
  readonly #kept = new Map<string, number>();

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  get size(): number {
    return this.#turn.size;
  }

  get isEmpty(): boolean {
    return this.#turn.size === 0;
  }

  get tasks(): TaskView {
    return this.#turn.tasks;
  }

  [Symbol.iterator](): Iterator<OfferView> {
    return this.#turn.all[Symbol.iterator]();
  }

  fit(
    specs: TaskSpec | readonly TaskSpec[],
    options: PlaceOptions & { readonly count?: number } = {},
  ): Placement {
    const list = [specs].flat();
    const { count = 1, ...rest } = options;
    if (!Number.isInteger(count) || count < 0) {
      throw new PlateauError(
        'INVALID_DECISION',
        `fit(): 'count' is ${count}: it must be a whole number, or 0`,
      );
    }
    const wishes = list.map((spec): Wish => ({ spec, count }));
    return placementOf(placeTasks(wishes, this.#turn, rest));
  }

  keep(count: number, spec: TaskSpec, options: KeepOptions = {}): Placement {
    const turn = this.#turn;
    const { nowMs, tasks } = turn;
    const plan = planKeep(count, task(spec), { tasks, nowMs, options });
    this.#keepOnce(spec.name, count);
    const { surplus, excluded, wakeMs } = plan;
    // What an earlier call of this turn has placed is there as well.
    const missing = Math.max(0, plan.missing - turn.tally.placed(spec.name));
    if (missing > 0 && plan.waitMs > 0) {
      const detail = `${Math.ceil(plan.waitMs)} ms`;
      const waiting = [
        { spec, count: missing, refusals: [{ reason: 'BACKOFF', detail, offers: 0 }] } as const,
      ];
      const soonestMs = Math.min(plan.waitMs, wakeMs ?? plan.waitMs);
      return placementOf({ placed: [], unplaced: waiting, surplus, wakeMs: soonestMs });
    }
    const matching = placeTasks([{ spec, count: missing }], turn, { ...options, excluded });
    return placementOf({ ...matching, surplus, wakeMs });
  }

  /** Two numbers of one name would have tasks started and ended for ever. */
  #keepOnce(name: string, count: number): void {
    const before = this.#kept.get(name);
    this.#kept.set(name, count);
    if (before === undefined || before === count) return;
    throw new PlateauError(
      'INVALID_DECISION',
      `keep() was asked for ${before} and for ${count} tasks of the name '${name}' in one turn: tasks of one ` +
        'name are counted together, so give those that differ names that differ',
      { context: { name } },
    );
  }

  complete(specs: readonly TaskSpec[], options: CompleteOptions = {}): Placement {
    const { wishes, waiting, wakeMs } = planComplete(specs, this.#turn, options);
    const { placed, unplaced } = placeTasks(wishes, this.#turn, options);
    const all: readonly Unplaced[] = [...unplaced, ...waiting];
    return placementOf({ placed, unplaced: all, wakeMs });
  }
}
