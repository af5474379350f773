/**
 * What became of the offers of a framework: totals, and the last answers. Answers of one kind that
 * follow each other within a few seconds are one entry, so that a scheduler that answers offer by
 * offer is still told about minutes.
 */
import { Ring } from '../base/index.js';

/** Entries that are remembered of one framework. */
export const MAX_OFFER_ANSWERS = 16;
/** Like answers within this time are one entry. */
export const MERGE_ANSWERS_MS = 10_000;
/** How far back `lastMinute` looks. */
const RECENT_MS = 60_000;

export type OfferOutcome = 'ACCEPTED' | 'DECLINED' | 'RESCINDED';

/** Like answers that follow each other. */
export interface OfferAnswer {
  readonly outcome: OfferOutcome;
  /** Milliseconds since 1970 of the first and of the last. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly offers: number;
  /** How long the rest is not wanted again, in seconds, as the framework stated it. */
  readonly refuseSeconds: number | undefined;
}

type Counts = Readonly<Record<OfferOutcome, number>>;

export interface OfferAnswers {
  /** Offers by outcome since this master knows the framework. */
  readonly offers: Counts;
  /** The same for entries that reach into the last minute; older ones may be forgotten. */
  readonly lastMinute: Counts;
  /** The newest first. */
  readonly last: readonly OfferAnswer[];
}

export class OfferAnswerLog {
  readonly #last = new Ring<OfferAnswer>(MAX_OFFER_ANSWERS);
  readonly #offers = { ACCEPTED: 0, DECLINED: 0, RESCINDED: 0 };

  /** Notes how offers ended. */
  note(
    nowMs: number,
    answer: Pick<OfferAnswer, 'outcome' | 'offers'> & {
      readonly refuseSeconds?: number | undefined;
    },
  ): void {
    const { outcome, offers, refuseSeconds } = answer;
    if (offers === 0) return;
    this.#offers[outcome] += offers;
    const newest = this.#last.items.at(-1);
    const isSame = newest?.outcome === outcome && newest.refuseSeconds === refuseSeconds;
    if (newest === undefined || !isSame || nowMs - newest.fromMs > MERGE_ANSWERS_MS) {
      this.#last.push({ outcome, fromMs: nowMs, untilMs: nowMs, offers, refuseSeconds });
    } else {
      this.#last.take((one) => one === newest);
      this.#last.push({ ...newest, untilMs: nowMs, offers: newest.offers + offers });
    }
  }

  /** Offers by outcome since this master knows the framework. */
  get totals(): Counts {
    return this.#offers;
  }

  read(nowMs: number): OfferAnswers {
    const lastMinute = { ACCEPTED: 0, DECLINED: 0, RESCINDED: 0 };
    for (const { outcome, untilMs, offers } of this.#last) {
      if (nowMs - untilMs < RECENT_MS) lastMinute[outcome] += offers;
    }
    return { offers: { ...this.#offers }, lastMinute, last: this.#last.items.toReversed() };
  }
}
