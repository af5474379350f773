/**
 * The matcher in one sentence: `match(web).on(offers).where(hasDisk).prefer(spreadFitness).place(3)`. Each
 * step gives a new object, so that the beginning of a sentence can be kept.
 */
import type { Duration, TaskSpec } from '../decisions/index.js';
import type { Fitness, OfferView, Offers, PlaceOptions, Placement } from './offers.js';

/** Says what is to be placed. */
export function match(specs: TaskSpec | readonly TaskSpec[]): {
  /** Says where. */
  on(offers: Offers): Match;
} {
  return { on: (offers) => new Match(specs, offers, {}) };
}

export class Match {
  readonly #specs: TaskSpec | readonly TaskSpec[];
  readonly #offers: Offers;
  readonly #options: PlaceOptions;

  constructor(specs: TaskSpec | readonly TaskSpec[], offers: Offers, options: PlaceOptions) {
    this.#specs = specs;
    this.#offers = offers;
    this.#options = options;
  }

  /** Offers of which this is false are not used; of several predicates all have to hold. */
  where(predicate: (view: OfferView) => boolean): Match {
    const before = this.#options.where;
    const where =
      before === undefined ? predicate : (view: OfferView) => before(view) && predicate(view);
    return this.#with({ where });
  }

  prefer(fitness: Fitness): Match {
    return this.#with({ fitness });
  }

  goodEnough(fitness: number): Match {
    return this.#with({ goodEnough: fitness });
  }

  /** At most so many in all. */
  limit(limit: number): Match {
    return this.#with({ limit });
  }

  beforeMaintenance(duration: Duration): Match {
    return this.#with({ beforeMaintenance: duration });
  }

  /** Places so many of each. */
  place(count = 1): Placement {
    return this.#offers.fit(this.#specs, { ...this.#options, count });
  }

  #with(options: PlaceOptions): Match {
    return new Match(this.#specs, this.#offers, { ...this.#options, ...options });
  }
}
