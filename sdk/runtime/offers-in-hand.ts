/**
 * The offers that the framework has and has not answered: those that wait for a handler, those that a
 * handler looks at, and those that it holds. Whatever leaves without an answer of the framework's
 * own is remembered for a while, so that a decision about it is late and not wrong.
 */
import type { Offer } from '../../core/api/index.js';

/** Offers that were taken back and are remembered. */
export const MAX_GONE_OFFERS = 10_000;

interface HeldOffer {
  readonly offer: Offer;
  readonly untilMs: number;
}

export class OffersInHand {
  #waiting = new Map<string, Offer>();
  #shown = new Map<string, Offer>();
  readonly #held = new Map<string, HeldOffer>();
  readonly #gone = new Set<string>();

  get waitingCount(): number {
    return this.#waiting.size;
  }

  get heldOffers(): readonly Offer[] {
    return [...this.#held.values()].map(({ offer }) => offer);
  }

  get heldCount(): number {
    return this.#held.size;
  }

  /** When the first hold ends. */
  get nextDeadlineMs(): number | undefined {
    let first: number | undefined;
    for (const { untilMs } of this.#held.values()) first = Math.min(first ?? untilMs, untilMs);
    return first;
  }

  arrive(offer: Offer): void {
    this.#waiting.set(offer.id.value, offer);
  }

  /** Shows what waits to a handler. What it does not use is among `takeShown`. */
  show(): readonly Offer[] {
    if (this.#shown.size === 0) [this.#shown, this.#waiting] = [this.#waiting, this.#shown];
    for (const [id, offer] of this.#waiting) this.#shown.set(id, offer);
    this.#waiting.clear();
    return [...this.#shown.values()];
  }

  find(id: string): Offer | undefined {
    return this.#shown.get(id) ?? this.#held.get(id)?.offer ?? this.#waiting.get(id);
  }

  /** Whether it was there and was taken back. */
  isGone(id: string): boolean {
    return this.#gone.has(id);
  }

  /** It is being answered. */
  take(id: string): void {
    this.#shown.delete(id);
    this.#held.delete(id);
    this.#waiting.delete(id);
  }

  hold(offer: Offer, untilMs: number): void {
    const id = offer.id.value;
    this.take(id);
    this.#held.set(id, { offer, untilMs });
  }

  /** The offer is no longer to be had. Returns it if it was in hand. */
  rescind(id: string): Offer | undefined {
    const offer = this.find(id);
    this.take(id);
    this.#remember(id);
    return offer;
  }

  /** Ends showing: what is left unanswered. */
  takeShown(): readonly Offer[] {
    const rest = [...this.#shown.values()];
    this.#shown.clear();
    return rest;
  }

  /** What waits, not to be shown to a handler. */
  takeWaiting(): readonly Offer[] {
    const rest = [...this.#waiting.values()];
    this.#waiting.clear();
    return rest;
  }

  /** Holds whose time is over, or that are too many. */
  takeOverdue(nowMs: number, bound: number): readonly Offer[] {
    const overdue: Offer[] = [];
    let tooMany = this.#held.size - bound;
    for (const [id, { offer, untilMs }] of this.#held) {
      if (untilMs > nowMs && tooMany <= 0) continue;
      this.#held.delete(id);
      this.#remember(id);
      tooMany--;
      overdue.push(offer);
    }
    return overdue;
  }

  takeHeld(): readonly Offer[] {
    const held = this.heldOffers;
    for (const id of this.#held.keys()) this.#remember(id);
    this.#held.clear();
    return held;
  }

  /** The session is over, and all offers with it. */
  clear(): void {
    for (const offers of [this.#waiting, this.#shown, this.#held]) {
      for (const id of offers.keys()) this.#remember(id);
      offers.clear();
    }
  }

  #remember(id: string): void {
    this.#gone.add(id);
    if (this.#gone.size <= MAX_GONE_OFFERS) return;
    const [oldest] = this.#gone;
    if (oldest !== undefined) this.#gone.delete(oldest);
  }
}

/** The role for which an offer was made. */
export function roleOf(offer: Offer): string {
  return offer.allocation_info?.role ?? '*';
}

/** The roles of offers, each once. */
export function rolesOf(offers: readonly Offer[]): ReadonlySet<string> {
  const roles = new Set<string>();
  for (const offer of offers) roles.add(roleOf(offer));
  return roles;
}
