/**
 * The offers of one framework, in the order in which they were made. By their numbers: the ids are long,
 * new texts, of which a table would read every character, for ten thousand offers at a time.
 */
import { type OfferId, id } from '../base/index.js';

/** Between the id of the master and the number of the offer, in the id of an offer. */
const SEPARATOR = '-O';

/** The id of an offer, or inverse offer, of a master. */
export function offerIdOf(masterId: string, number: number): OfferId {
  return id<'OfferId'>(`${masterId}${SEPARATOR}${number}`);
}

/** What the book reads of an offer. */
export interface NumberedOffer {
  readonly id: OfferId;
  /** The number in its id. */
  readonly number: number;
}

export class OfferBook<Offer extends NumberedOffer> {
  readonly #offers = new Map<number, Offer>();

  get size(): number {
    return this.#offers.size;
  }

  get(offerId: OfferId): Offer | undefined {
    const number = Number(offerId.slice(offerId.lastIndexOf(SEPARATOR) + SEPARATOR.length));
    const offer = this.#offers.get(number);
    return offer?.id === offerId ? offer : undefined;
  }

  add(offer: Offer): void {
    this.#offers.set(offer.number, offer);
  }

  delete(offer: Offer): void {
    this.#offers.delete(offer.number);
  }

  values(): IterableIterator<Offer> {
    return this.#offers.values();
  }
}
