/** The few of many agents that came nearest, kept while all are looked at. */
import type { AgentEntry } from './agent-entry.js';
import type { Refusal } from './judge.js';

/** A refused agent with its place in the order. */
export interface Candidate extends Refusal {
  readonly agent: AgentEntry;
  /** 0: nothing is missing; more: further away. */
  readonly distance: number;
  /** Milliseconds until the reason ends by itself. */
  readonly waitMs: number;
}

export class NearestCandidates {
  readonly #bound: number;
  readonly #kept: Candidate[] = [];

  /** @param bound how many are kept. */
  constructor(bound: number) {
    this.#bound = bound;
  }

  /** The nearest first. */
  get kept(): readonly Candidate[] {
    return this.#kept;
  }

  /** Keeps the candidate if it is among the nearest so far. */
  add(candidate: Candidate): void {
    const kept = this.#kept;
    const last = kept[this.#bound - 1];
    if (last !== undefined && compare(candidate, last) >= 0) return;
    let place = kept.length;
    for (; place > 0; place--) {
      const before = kept[place - 1];
      if (before === undefined || compare(before, candidate) <= 0) break;
    }
    kept.splice(place, 0, candidate);
    if (kept.length > this.#bound) kept.pop();
  }
}

/** Nearer before further, sooner before later, then by id so that answers do not vary. */
function compare(one: Candidate, other: Candidate): number {
  if (one.distance !== other.distance) return one.distance - other.distance;
  if (one.waitMs !== other.waitMs) return one.waitMs - other.waitMs;
  if (one.agent.id === other.agent.id) return 0;
  return one.agent.id < other.agent.id ? -1 : 1;
}
