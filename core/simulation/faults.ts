/**
 * Faults as data: a plan is a plain list that can be printed, stored as JSON, applied again and made
 * smaller. `apply-faults.ts` carries plans out, `draw-faults.ts` draws them, `shrink-faults.ts` makes
 * them smaller.
 */

/** What can go wrong, with what `amount` and `direction` mean for it. */
export const FAULT_KINDS = {
  'slow-network': 'what comes from or goes to the target takes longer by `amount` ms in the mean',
  reset: 'the connections of the target to the master are reset, and what is on its way is lost',
  duplicate:
    'a reset, after which the target opens its next connection twice: the copy comes `amount` ms late, or first',
  'half-open':
    'the connections of the target to the master die; by `direction` the target (`from`), the master (`to`) or neither learns of it',
  partition:
    'nothing passes between target and master; by `direction` only what comes from the target, or goes to it',
  crash: 'the process of the target dies; it is started again after `durationMs`',
  depose: 'another master takes over while the old one goes on; after `durationMs` both start anew',
  reboot: 'the host of an agent goes down with all that runs on it, for `durationMs`',
  lose: 'the host of an agent goes without a word and for good',
  'crash-task':
    'the process of a task on the host of an agent dies: the one that `amount` counts to',
  'jump-clock': 'the wall clocks of all hosts move by `amount` ms',
  'slow-disk': 'commits of the target take longer by `amount` ms in the mean',
  'fail-disk': 'the next write of the target is refused, and its process stops for `durationMs`',
} as const;

export type FaultKind = keyof typeof FAULT_KINDS;

export interface Fault {
  /** Virtual milliseconds after the plan was applied. */
  readonly atMs: number;
  readonly kind: FaultKind;
  /** The name of a node, such as `master`, `agent-3` or that of a process; `*` for all clocks. */
  readonly target: string;
  /** How long it lasts; without it, until everything is healed. */
  readonly durationMs?: number;
  readonly amount?: number;
  readonly direction?: 'both' | 'from' | 'to';
}

/** Faults in any order. */
export type FaultPlan = readonly Fault[];

/** When the last fault of a plan is over, in milliseconds after it was applied. */
export function endOfPlan(plan: FaultPlan): number {
  return plan.reduce((endMs, { atMs, durationMs = 0 }) => Math.max(endMs, atMs + durationMs), 0);
}
