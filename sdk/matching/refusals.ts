/** Why a task was not put on an offer: typed, so that it can be counted, kept and served. */
import type { TaskSpec } from '../decisions/index.js';

/** Every reason, with what it means. */
export const REFUSALS = {
  NO_OFFERS: 'no offer is there',
  ROLE: 'the offer is of another role',
  PREDICATE: 'the predicate of the framework does not hold',
  RESOURCE: 'too little of a resource is left',
  PORTS: 'the ports are not offered',
  CONSTRAINT: 'a constraint does not hold',
  UNAVAILABLE: 'the agent is about to be maintained',
  BACKOFF: 'it failed, and waits before the next try',
  PARALLEL: 'as many run already as may at one time',
  ATTEMPTS: 'it was tried as often as allowed',
  UNCERTAIN: 'an earlier task of it may still run',
  LIMIT: 'enough was placed in this turn',
} as const satisfies Record<string, string>;

export type RefusalReason = keyof typeof REFUSALS;

/** One offer, or several of the same reason, and what was in the way. */
export interface Refusal {
  readonly reason: RefusalReason;
  /** Which resource, port or constraint. */
  readonly detail: string;
  /** How many offers refused for this. */
  readonly offers: number;
  /** The offer that lacked least, for RESOURCE: what was wanted and what was there. */
  readonly nearest?: {
    readonly hostname: string;
    readonly wanted: number;
    readonly left: number;
  };
}

/** A task, or several alike, that found no place. */
export interface Unplaced {
  readonly spec: TaskSpec;
  readonly count: number;
  readonly refusals: readonly Refusal[];
}
