/**
 * The offers that the framework has and has not answered: those that wait for a handler, those that a
 * handler looks at, and those that it holds. Whatever leaves without an answer of the framework's
 * own is remembered for a while, so that a decision about it is late and not wrong.
 */
import type { Offer } from '../../core/api/index.js';

/** Offers that were taken back and are remembered. */
export const MAX_GONE_OFFERS = 10_000;

const NO_OFFERS: readonly Offer[] = [];

interface HeldOffer {
  readonly offer: Offer;
  readonly untilMs: number;
}

/** Offers of a batch that are looked for one by one before an index is worth its making. */
const SEARCHES_WITHOUT_INDEX = 4;

/**
 * Offers in the order in which they came. Most rounds are declined as a whole: so they are the list that came,
 * until something is taken from it, and are found by id from the first time that one is asked for. A new batch
 * takes the place of an old one, and no map is emptied to be filled again: what a map grew through would be
 * kept with it for long.
 */
class OfferBatch {
  /** What came. Does not change. */
  #came: readonly Offer[] = NO_OFFERS;
  /** What is left of it, with gaps, once something was taken. */
  #left: (Offer | undefined)[] | undefined;
  #places: Map<string, number> | undefined;
  #searches = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds offers; one with the same id gives way. */
  put(offers: readonly Offer[]): void {
    if (this.#size === 0) {
      this.#came = offers;
      this.#left = undefined;
      this.#places = undefined;
      this.#size = offers.length;
      return;
    }
    const before = this.list();
    const came = new Set(offers.map(({ id }) => id.value));
    this.#size = 0;
    this.put([...before.filter(({ id }) => !came.has(id.value)), ...offers]);
  }

  find(id: string): Offer | undefined {
    const place = this.#placeOf(id);
    return place < 0 ? undefined : (this.#left ?? this.#came)[place];
  }

  take(id: string): void {
    // Once, unless a master has offered one thing twice.
    for (let place = this.#placeOf(id); place >= 0; place = this.#placeOf(id)) {
      this.#left ??= [...this.#came];
      this.#left[place] = undefined;
      this.#size--;
      // The index has each id once.
      if (this.#places?.delete(id) === true) return;
    }
  }

  /** All that are left. Does not change. */
  list(): readonly Offer[] {
    if (this.#left === undefined) return this.#came;
    const rest: Offer[] = [];
    for (const offer of this.#left) if (offer !== undefined) rest.push(offer);
    return rest;
  }

  /** -1: it is not there. */
  #placeOf(id: string): number {
    if (this.#size === 0) return -1;
    this.#searches++;
    if (this.#searches <= SEARCHES_WITHOUT_INDEX) {
      return (this.#left ?? this.#came).findLastIndex((offer) => offer?.id.value === id);
    }
    return this.#index().get(id) ?? -1;
  }

  #index(): Map<string, number> {
    if (this.#places !== undefined) return this.#places;
    const places = new Map<string, number>();
    const offers = this.#left ?? this.#came;
    for (let place = 0; place < offers.length; place++) {
      const id = offers[place]?.id.value;
      if (id === undefined) continue;
      const earlier = places.get(id);
      if (earlier !== undefined) {
        this.#left ??= [...this.#came];
        this.#left[earlier] = undefined;
        this.#size--;
      }
      places.set(id, place);
    }
    this.#places = places;
    return places;
  }
}

export class OffersInHand {
  #waiting = new OfferBatch();
  #shown = new OfferBatch();
  readonly #held = new Map<string, HeldOffer>();
  readonly #gone = new Set<string>();

  get waitingCount(): number {
    return this.#waiting.size;
  }

  get heldOffers(): readonly Offer[] {
    if (this.#held.size === 0) return NO_OFFERS;
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

  arrive(offers: readonly Offer[]): void {
    if (offers.length > 0) this.#waiting.put(offers);
  }

  /** Shows what is held and what waits to a handler. What it does not use of the latter is among `takeShown`. */
  show(): readonly Offer[] {
    if (this.#shown.size === 0) [this.#shown, this.#waiting] = [this.#waiting, new OfferBatch()];
    else this.#shown.put(this.takeWaiting());
    const shown = this.#shown.list();
    return this.#held.size === 0 ? shown : [...this.heldOffers, ...shown];
  }

  find(id: string): Offer | undefined {
    return this.#shown.find(id) ?? this.#held.get(id)?.offer ?? this.#waiting.find(id);
  }

  /** Whether it was there and was taken back. */
  isGone(id: string): boolean {
    return this.#gone.has(id);
  }

  /** It is being answered. */
  take(id: string): void {
    this.#shown.take(id);
    this.#held.delete(id);
    this.#waiting.take(id);
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
    if (this.#shown.size === 0) return NO_OFFERS;
    const rest = this.#shown.list();
    this.#shown = new OfferBatch();
    return rest;
  }

  /** What waits, not to be shown to a handler. */
  takeWaiting(): readonly Offer[] {
    if (this.#waiting.size === 0) return NO_OFFERS;
    const rest = this.#waiting.list();
    this.#waiting = new OfferBatch();
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
    for (const { id } of [...this.takeWaiting(), ...this.takeShown()]) this.#remember(id.value);
    this.takeHeld();
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
  let last: string | undefined;
  for (const offer of offers) {
    const role = roleOf(offer);
    if (role === last) continue;
    roles.add(role);
    last = role;
  }
  return roles;
}
