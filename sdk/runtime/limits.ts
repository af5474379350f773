/** The bounds and times of the runtime. `docs/limits.md` lists them; some can be set for tests. */

/** Inputs that wait for their turn: beyond it, nothing more is read from the master. */
export const MAX_QUEUED_TURNS = 1_000;
/** Turns that may run ahead of the store: beyond it, the next one waits for a commit. */
export const MAX_UNCOMMITTED_TURNS = 5_000;
/** Offers that wait for a handler; further ones are declined at once. */
export const MAX_WAITING_OFFERS = 50_000;
/** Offers that are held at a time; holding more declines what was held first. */
export const MAX_HELD_OFFERS = 1_000;
/** Longest time for which an offer is held, in milliseconds. */
export const MAX_HOLD_MS = 3_600_000;
/** Offers in one DECLINE call. */
export const MAX_OFFERS_PER_CALL = 2_000;

/** Ended tasks without a key that are remembered; the one that ended first is forgotten first. */
export const MAX_ENDED_TASKS = 10_000;
/** Ended tasks with a key that are remembered until `forget`; beyond it the oldest is, loudly. */
export const MAX_ENDED_KEYED_TASKS = 200_000;
/** Decisions that the view shows. */
export const MAX_DECISIONS = 200;
/** Names of tasks of which the latest reasons for not being placed are kept. */
export const MAX_EXPLAINED_NAMES = 1_000;

/** Decline of offers for which there is no use at all; a revive ends it, in milliseconds. */
export const UNWANTED_MS = 3_600_000;
/** Part of a decline by which it is lengthened at most, at random. */
export const DECLINE_JITTER = 0.1;

/** Wait before SUPPRESS or REVIVE, so that wants that come and go send nothing. */
export const DEMAND_DEBOUNCE_MS = 50;
/** Time after which a SUPPRESS or REVIVE is said once more, in case it was lost. */
export const DEMAND_REPEAT_MS = 30_000;
/** SUPPRESS and REVIVE calls that may follow each other at once. */
export const MAX_DEMAND_BURST = 10;
/** Time in which one more SUPPRESS or REVIVE becomes possible. */
export const DEMAND_REFILL_MS = 2_000;
/**
 * For so long nothing has to be wanted before SUPPRESS is said, once one had to be taken back within this
 * time: what has filled a cluster and replaces what ends is offered what ended, instead of everything anew.
 */
export const SUPPRESS_LINGER_MS = 10_000;

/** Tasks in one RECONCILE call. */
export const MAX_RECONCILED_PER_CALL = 1_000;
/** Longest wait for the answers to one RECONCILE call before the next batch is asked. */
export const RECONCILE_PACE_MS = 1_000;
/** Wait before tasks without an answer are asked about again; doubles with each round. */
export const RECONCILE_BASE_MS = 5_000;
/** Longest of these waits. */
export const RECONCILE_MAX_MS = 60_000;
/** How often tasks that are out of reach are asked about: nobody need tell what became of them. */
export const RECONCILE_DOUBTS_MS = 30_000;

/** Wait before a KILL is repeated; doubles each time. */
export const KILL_BASE_MS = 10_000;
/** Longest of these waits. */
export const KILL_MAX_MS = 300_000;

/** Time for which changes are gathered before `@OnOffers` is called without new offers. */
export const EVALUATE_DEBOUNCE_MS = 20;
/** Longest wait before a handler is called again after an error. */
export const RETRY_MAX_MS = 60_000;
/** A daemon that ran for so long before it failed begins to count its failures anew. */
export const DAEMON_STEADY_MS = 60_000;
/** Time that daemons have to end when the framework does. */
export const DAEMON_STOP_MS = 5_000;
/** Parts of a stream that a handler returns. */
export const MAX_STREAMED_DECISIONS = 10_000;

/** What can be set per runtime: for tests, and for frameworks of unusual size. */
export interface RuntimeLimits {
  readonly maxQueuedTurns: number;
  readonly maxUncommittedTurns: number;
  readonly maxHeldOffers: number;
  readonly maxEndedTasks: number;
  readonly maxEndedKeyedTasks: number;
  readonly maxDecisions: number;
}

export const DEFAULT_LIMITS: RuntimeLimits = {
  maxQueuedTurns: MAX_QUEUED_TURNS,
  maxUncommittedTurns: MAX_UNCOMMITTED_TURNS,
  maxHeldOffers: MAX_HELD_OFFERS,
  maxEndedTasks: MAX_ENDED_TASKS,
  maxEndedKeyedTasks: MAX_ENDED_KEYED_TASKS,
  maxDecisions: MAX_DECISIONS,
};
