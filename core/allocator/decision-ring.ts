/**
 * The last decisions about one client: a ring of a fixed size, written in place. A run writes at most
 * one entry, and only when the client was offered something or refused for a new reason.
 */
import {
  DECISION_KINDS,
  type Decision,
  type DecisionKind,
  REFUSAL_REASONS,
  type RefusalReason,
  isRefusalReason,
} from './decisions.js';

/** Decisions that are remembered of one framework in one role. */
export const MAX_DECISIONS = 16;

/** Numbers of an entry: kind, milliseconds since 1970, agents, share, reasons. */
const ENTRY_LENGTH = 5;
const REASONS: readonly RefusalReason[] = Object.keys(REFUSAL_REASONS).filter(isRefusalReason);
const BITS: ReadonlyMap<RefusalReason, number> = new Map(
  REASONS.map((reason, index) => [reason, 2 ** index]),
);

/** The bit that stands for a reason in `refusedFor`. */
export function reasonBit(reason: RefusalReason): number {
  return BITS.get(reason) ?? 0;
}

/** The entries of one client, and what happened to it in the present run. */
export class DecisionRing {
  /** Grows to its size: most clients have few entries, and typed arrays are slow to make. */
  readonly #entries: number[] = [];
  #count = 0;
  #lastKind = -1;
  /** Reasons of refusals since the last offer that an entry tells of already. */
  #told = 0;
  /** In the present run: offers, and reasons of refusals. */
  offered = 0;
  refusedFor = 0;
  isTouched = false;

  /** Ends the run for the client: an entry if it was offered anything or refused for a new reason. */
  endRun(atMs: number, share: number): void {
    const { offered, refusedFor } = this;
    if (offered > 0) {
      this.#write({ kind: OFFERED, atMs, agents: offered, share, reasons: refusedFor });
      this.#told = refusedFor;
    } else if ((refusedFor & ~this.#told) !== 0) {
      this.#write({ kind: REFUSED, atMs, agents: 0, share, reasons: refusedFor });
      this.#told |= refusedFor;
    }
    this.offered = 0;
    this.refusedFor = 0;
    this.isTouched = false;
  }

  /** An entry that no run made. One after another of its kind replaces it. */
  note(kind: DecisionKind, atMs: number, share: number): void {
    const number = DECISION_KINDS.indexOf(kind);
    if (this.#lastKind === number) this.#count--;
    this.#write({ kind: number, atMs, agents: 0, share, reasons: 0 });
    this.#told = 0;
  }

  /** The entries, the newest first. */
  read(nowMs: number): Decision[] {
    const decisions: Decision[] = [];
    for (let back = 1; back <= Math.min(this.#count, MAX_DECISIONS); back++) {
      const start = ((this.#count - back) % MAX_DECISIONS) * ENTRY_LENGTH;
      const [kind = 0, atMs = 0, agents = 0, dominantShare = 0, reasons = 0] = this.#entries.slice(
        start,
        start + ENTRY_LENGTH,
      );
      decisions.push({
        kind: DECISION_KINDS[kind] ?? 'OFFERED',
        atMs,
        agoMs: Math.max(0, nowMs - atMs),
        agents,
        dominantShare,
        reasons: REASONS.filter((_reason, index) => (reasons & (2 ** index)) !== 0),
      });
    }
    return decisions;
  }

  #write({ kind, atMs, agents, share, reasons }: Entry): void {
    this.#lastKind = kind;
    const entries = this.#entries;
    const start = (this.#count % MAX_DECISIONS) * ENTRY_LENGTH;
    this.#count++;
    if (start === entries.length) {
      entries.push(kind, atMs, agents, share, reasons);
      return;
    }
    entries[start] = kind;
    entries[start + 1] = atMs;
    entries[start + 2] = agents;
    entries[start + 3] = share;
    entries[start + 4] = reasons;
  }
}

const OFFERED = DECISION_KINDS.indexOf('OFFERED');
const REFUSED = DECISION_KINDS.indexOf('REFUSED');

/** The numbers of an entry; `kind` is the place in `DECISION_KINDS`. */
interface Entry {
  readonly kind: number;
  readonly atMs: number;
  readonly agents: number;
  readonly share: number;
  readonly reasons: number;
}
