/** What `@OnOffers` is given: offers with what is left of them, and ways to put tasks on them. */
import type { Offer, OfferID } from '../../core/api/index.js';
import type { Duration, HasActions, TaskRecord, TaskSpec, TaskView } from '../decisions/index.js';
import type { Unplaced } from './refusals.js';

/** One offer. What `Offers` puts on it is taken from what is left. */
export interface OfferView {
  readonly id: OfferID;
  /** The message as it came. */
  readonly offer: Offer;
  readonly agentId: string;
  readonly hostname: string;
  readonly role: string;
  /** Values of what constraints look at: attributes by name, `@hostname`, `@region`, `@zone`. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Cpus and MiB that are left, revocable ones not counted. */
  readonly cpus: number;
  readonly memMiB: number;
  /** What is left of any scalar resource. */
  left(name: string): number;
  /** Ports that are left, in order, at most `limit` of them. */
  ports(limit: number): readonly number[];
  /**
   * Tasks of the framework on this agent that have not ended, of one name or of all. What was put there in this
   * turn counts.
   */
  tasksHere(name?: string): number;
  /** When the agent's planned maintenance begins, in milliseconds since 1970. */
  readonly unavailableFrom?: number | undefined;
}

/** A task that was put on an offer. */
export interface PlacedTask {
  readonly id: string;
  readonly spec: TaskSpec;
  readonly view: OfferView;
  /** How well the agent suits, in [0, 1]. */
  readonly fitness: number;
}

/**
 * What became of the wish to run tasks. Return it from the handler: its actions are one `accept` for each
 * offer that is used, one `kill` for each surplus task, one `want` for what is still wanted, and `wake`
 * when something waits for time to pass. Several placements of one turn may use the same offer: the runtime
 * joins their accepts into one call, the operations in order. Their wants add up, and together replace what
 * was wanted before: return every placement of the turn.
 */
export interface Placement extends HasActions {
  readonly placed: readonly PlacedTask[];
  /** What found no place, with the reasons; offers stay wanted for it. */
  readonly unplaced: readonly Unplaced[];
  /** Tasks that are to end, because there are more than wanted. */
  readonly surplus: readonly TaskRecord[];
}

/** How well a task suits an offer, in [0, 1]: 1 is best. */
export type Fitness = (spec: TaskSpec, view: OfferView, tasks: TaskView) => number;

export interface PlaceOptions {
  /** Default `packFitness`: the fullest agent that has room. */
  readonly fitness?: Fitness;
  /** Stop looking at further offers from this fitness on. Default 1: look at all. */
  readonly goodEnough?: number;
  /** Tasks placed by this call at most; the others stay wanted. */
  readonly limit?: number;
  /** Offers of which this is false are not used. */
  readonly where?: (view: OfferView) => boolean;
  /**
   * Offers of agents whose planned maintenance begins within this time are not used; a task with `maxRunTime`
   * must be able to end before it. Default 10 min.
   */
  readonly beforeMaintenance?: Duration;
}

export interface KeepOptions extends PlaceOptions {
  /**
   * How long an unreachable task counts as one that runs, before another takes its place. Default 0: it is
   * replaced at once. When it comes back, one is too many and ended.
   */
  readonly unreachableFor?: Duration;
  /**
   * Wait before a task that failed or finished is replaced; doubles each time that what was started after
   * the wait ends as well, until one has run for as long as `maxBackoff`. Default 1 s.
   */
  readonly backoff?: Duration;
  /** Longest wait. Default 5 min. */
  readonly maxBackoff?: Duration;
}

export interface CompleteOptions extends PlaceOptions {
  /**
   * When a piece of work is run again. `lost` (default): when its task ended without finishing or failing, such
   * as by the loss of its agent, or because its host started again (at least once). `never`: only when its task certainly never started (at
   * most once). `failure`: also when it failed. A task that the framework itself killed is not run again.
   */
  readonly again?: 'never' | 'lost' | 'failure';
  /**
   * How long an unreachable task is waited for, unless `again` is `never`. Then another takes its place, and
   * both may come to an end. Default: without end.
   */
  readonly unreachableFor?: Duration;
  /** Runs of one key at most; those that never started do not count. Default 5. */
  readonly maxAttempts?: number;
  /** Tasks of this name that may run at one time. */
  readonly parallel?: number;
}

export interface Offers extends Iterable<OfferView> {
  readonly size: number;
  readonly isEmpty: boolean;
  /** The tasks of the framework. */
  readonly tasks: TaskView;
  /**
   * Puts each task on the best offer that has room, `count` copies of each.
   * @throws PlateauError `INVALID_TASK` for a description that `task()` would refuse; so do the others.
   */
  fit(
    specs: TaskSpec | readonly TaskSpec[],
    options?: PlaceOptions & { readonly count?: number },
  ): Placement;
  /**
   * Sees to it that `count` tasks of the spec's name are there: starts what lacks, ends what is too much.
   * @throws PlateauError `INVALID_DECISION` when another count of the name was asked for in this turn.
   */
  keep(count: number, spec: TaskSpec, options?: KeepOptions): Placement;
  /** Runs pieces of work, each with a key of its own, to their end. */
  complete(specs: readonly TaskSpec[], options?: CompleteOptions): Placement;
}
