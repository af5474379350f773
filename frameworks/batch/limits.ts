/** Bounds and times of the batch scheduler. `docs/limits.md` lists the same. */

/** Jobs that are known at one time, finished ones included. */
export const MAX_JOBS = 20_000;
/** Finished jobs that are kept; beyond it those that finished first are dropped before their time. */
export const MAX_FINISHED_JOBS = 5_000;
/** Indexes of one array. */
export const MAX_INDEXES = 100_000;
/** Indexes of all jobs together. */
export const MAX_ALL_INDEXES = 1_000_000;
/** Highest index. */
export const MAX_INDEX = 999_999_999;
/** Steps of one job. */
export const MAX_STEPS = 100;
/** Jobs that one job waits for, of each kind. */
export const MAX_DEPENDENCIES = 100;
/** Longest list of index ranges, in characters. */
export const MAX_RANGES_LENGTH = 100_000;
/** Retries of an index that a document may ask for. */
export const MAX_RETRIES = 1_000;
/** Faults of the infrastructure that one index survives; further ones end it. */
export const MAX_FAULTS = 100;
/** Attempts at one index that are remembered, the last ones. */
export const MAX_REMEMBERED_ATTEMPTS = 20;
/** Characters of a message of an attempt that are kept. */
export const MAX_MESSAGE_LENGTH = 300;
/** Agents whose names and addresses are remembered for attempts. */
export const MAX_REMEMBERED_AGENTS = 20_000;

/** Wait after the first fault of the infrastructure; doubles with each further one. */
export const FAULT_BACKOFF_MS = 1_000;
/** Longest of these waits. */
export const FAULT_BACKOFF_MAX_MS = 60_000;
/** Default of `releaseSlotAfterSeconds`. */
export const RELEASE_SLOT_SECONDS = 900;
/** How long an index that failed stays away from the agent where it did, if there are others. */
export const AVOID_AGENT_MS = 60_000;
/** An agent that offered something within this time counts as one that could be used instead. */
export const AGENT_SEEN_MS = 300_000;

/**
 * A step whose throttle is full goes on wanting offers for so long after its last end: the next task begins as
 * soon as one ends, and no SUPPRESS and REVIVE is sent for each.
 */
export const KEEP_WANTING_MS = 10_000;

/** Jobs of different needs that are looked at in one turn without finding a place. */
export const MAX_WAITING_SHAPES = 1_000;
/** Jobs in one page of a list. */
export const MAX_JOBS_PER_PAGE = 1_000;
/** Indexes in one page of a list. */
export const MAX_INDEXES_PER_PAGE = 1_000;
/** Attempts with which a stream of events begins. */
export const MAX_REPLAYED_ATTEMPTS = 10_000;
/** Events of a stream that wait for its reader; beyond it the stream ends. */
export const MAX_WAITING_EVENTS = 20_000;
