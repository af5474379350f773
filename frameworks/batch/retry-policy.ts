/**
 * What an end means for its index: whether it is run again, when, and at whose expense. Failures use up the
 * budget of the index and wait ever longer; faults of the infrastructure are free, up to a bound.
 */
import type { TaskEnd } from '../../sdk/index.js';
import { FAULT_BACKOFF_MAX_MS, FAULT_BACKOFF_MS, MAX_FAULTS } from './limits.js';

export interface RetryPolicy {
  readonly backoffLimitPerIndex: number;
  readonly backoff: {
    readonly seconds: number;
    readonly maxSeconds: number;
    readonly factor: number;
    readonly jitter: number;
  };
}

/** What an index has been through. */
export interface Spent {
  /** Attempts that failed. */
  readonly failures: number;
  /** Attempts that ended by a fault of the infrastructure. */
  readonly faults: number;
}

export const NOTHING_SPENT: Spent = { failures: 0, faults: 0 };

/** What becomes of an index. `isFault`: the infrastructure is to blame. */
export type Verdict =
  | { readonly kind: 'succeeded' }
  | {
      readonly kind: 'again';
      readonly spent: Spent;
      readonly waitMs: number;
      readonly isFault: boolean;
    }
  | { readonly kind: 'failed'; readonly spent: Spent; readonly isFault: boolean };

/** @param random a number in [0, 1) for the jitter. */
export function judge(end: TaskEnd, before: Spent, policy: RetryPolicy, random: number): Verdict {
  if (end.kind === 'success') return { kind: 'succeeded' };
  if (end.kind === 'infrastructure' || end.kind === 'killed') {
    const spent = { ...before, faults: before.faults + 1 };
    if (spent.faults > MAX_FAULTS) return { kind: 'failed', spent, isFault: true };
    return { kind: 'again', spent, waitMs: faultWaitMs(spent.faults, random), isFault: true };
  }
  const spent = { ...before, failures: before.failures + 1 };
  const isOver = end.kind === 'refused' || spent.failures > policy.backoffLimitPerIndex;
  if (isOver) return { kind: 'failed', spent, isFault: false };
  return {
    kind: 'again',
    spent,
    waitMs: failureWaitMs(spent.failures, policy, random),
    isFault: false,
  };
}

function failureWaitMs(failures: number, { backoff }: RetryPolicy, random: number): number {
  const { seconds, maxSeconds, factor, jitter } = backoff;
  const full = Math.min(maxSeconds, seconds * factor ** (failures - 1)) * 1000;
  return Math.round(full * (1 - jitter * random));
}

/** Half of the wait at least: what failed together does not come back together. */
function faultWaitMs(faults: number, random: number): number {
  const full = Math.min(FAULT_BACKOFF_MAX_MS, FAULT_BACKOFF_MS * 2 ** Math.min(faults - 1, 20));
  return Math.round(full * (1 - random / 2));
}
