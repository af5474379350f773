/** The last decisions, and for each name of a task why it was not placed: what people ask about. */
import { Ring } from '../../core/base/index.js';
import type { Decision } from '../decisions/index.js';
import type { Placement, Refusal, Unplaced } from '../matching/index.js';
import { MAX_EXPLAINED_NAMES } from './limits.js';

/** What found no place, and why. */
export interface UnplacedRecord {
  readonly name: string;
  readonly count: number;
  readonly refusals: readonly Refusal[];
}

/** One decision of a handler. Times are milliseconds since 1970. */
export interface DecisionRecord {
  readonly at: number;
  /** Name of the method, `decide`, or `turn`. */
  readonly by: string;
  /** Offers that the handler was shown, held ones included. */
  readonly offers: number;
  readonly launched: readonly {
    readonly taskId: string;
    readonly name: string;
    readonly hostname: string;
  }[];
  readonly held: number;
  readonly declined: number;
  readonly killed: readonly string[];
  readonly unplaced: readonly UnplacedRecord[];
}

/** The latest reasons of a name. */
export interface Explanation extends UnplacedRecord {
  readonly at: number;
}

export class DecisionLog {
  readonly #last: Ring<DecisionRecord>;
  #explanations: ReadonlyMap<string, Explanation> = new Map();

  constructor(bound: number) {
    this.#last = new Ring(bound);
  }

  /** The newest first. */
  get last(): readonly DecisionRecord[] {
    return this.#last.items.toReversed();
  }

  /** By name of the task. Names that were placed since, or are not wanted any more, are missing. */
  get explanations(): readonly Explanation[] {
    return [...this.#explanations.values()];
  }

  /** Keeps a decision in which something was decided or looked at. */
  note(record: DecisionRecord): void {
    const { launched, killed, held, declined, offers } = record;
    if (offers + held + declined + launched.length + killed.length > 0) this.#last.push(record);
  }

  /**
   * A handler has looked at everything: what it does not name here is not waiting. That there was no
   * offer does not displace what the last offers lacked.
   */
  explain(at: number, unplaced: readonly UnplacedRecord[]): void {
    const now = new Map<string, Explanation>();
    for (const one of unplaced.slice(0, MAX_EXPLAINED_NAMES)) {
      const before = now.get(one.name);
      const older = this.#explanations.get(one.name);
      // Of several placements of a name only the first takes over what was said before, or it would double.
      const earlier = before === undefined ? (older?.refusals ?? one.refusals) : [];
      const refusals = hadOffers(one) ? one.refusals : earlier;
      now.set(one.name, {
        at,
        name: one.name,
        count: one.count + (before?.count ?? 0),
        refusals: [...(before?.refusals ?? []), ...refusals],
      });
    }
    this.#explanations = now;
  }
}

function hadOffers({ refusals }: UnplacedRecord): boolean {
  return refusals.some(({ reason }) => reason !== 'NO_OFFERS');
}

/** What the placements within a decision could not place. */
export function unplacedOf(decision: Decision): readonly Unplaced[] {
  if (decision === undefined) return [];
  if (isList(decision)) return decision.flatMap((part) => unplacedOf(part));
  return isPlacement(decision) ? decision.unplaced : [];
}

function isList(decision: Exclude<Decision, void>): decision is readonly Decision[] {
  return Array.isArray(decision);
}

export function recordOf({ spec, count, refusals }: Unplaced): UnplacedRecord {
  return { name: spec.name, count, refusals };
}

function isPlacement(decision: Exclude<Decision, void>): decision is Placement {
  return 'unplaced' in decision && Array.isArray(decision.unplaced);
}
