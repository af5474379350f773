/**
 * All offers of the cluster, the oldest first. A list linked through the offers themselves: they come
 * and go by ten thousands, are looked up in the books of their frameworks, and only walked over here.
 */
import type { OutstandingOffer } from './framework.js';

/** Read access to the list. */
export interface OfferListView extends Iterable<Readonly<OutstandingOffer>> {
  readonly size: number;
}

export class OfferList implements OfferListView {
  #first: OutstandingOffer | undefined;
  #last: OutstandingOffer | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Puts a new offer at the end. */
  add(offer: OutstandingOffer): void {
    const last = this.#last;
    offer.before = last;
    if (last === undefined) this.#first = offer;
    else last.after = offer;
    this.#last = offer;
    this.#size++;
  }

  /** Takes out an offer, which must be in the list. */
  delete(offer: OutstandingOffer): void {
    const { before, after } = offer;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    this.#size--;
  }

  /** The oldest first. The offer that was given last may be ended meanwhile, others may not. */
  *[Symbol.iterator](): Generator<OutstandingOffer> {
    for (let offer = this.#first; offer !== undefined; offer = offer.after) yield offer;
  }
}
