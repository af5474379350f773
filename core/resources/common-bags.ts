/**
 * Bags that many have. Agents of one kind have equal resources, and most offers are of all that an
 * agent has: such bags are kept once, and so are their bound forms, which saves memory for each agent
 * and time for each offer. Only remembered, never needed: what is forgotten is made again.
 */

/** Different bags that are kept once; with more, all are forgotten. */
const MAX_COMMON_BAGS = 1_000;

/** Bound forms that are kept, of all bags together; with more, all are forgotten. */
const MAX_BOUND_BAGS = 20_000;

/** Longest text of a bag that is kept, in characters: what is longer is hardly ever common. */
const MAX_BAG_TEXT_LENGTH = 2_000;

export class CommonBags<Bag extends object> {
  readonly #byText = new Map<string, Bag>();
  readonly #bound = new Map<string, Map<Bag, Bag>>();
  #boundCount = 0;

  /** The bag that is kept for all that have this text; the given one when it is the first. */
  common(bag: Bag, text: string): Bag {
    if (text.length > MAX_BAG_TEXT_LENGTH) return bag;
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    if (this.#byText.size >= MAX_COMMON_BAGS) this.#byText.clear();
    this.#byText.set(text, bag);
    return bag;
  }

  /** The form of a bag that is bound to a role, if it is kept. */
  bound(bag: Bag, role: string): Bag | undefined {
    return this.#bound.get(role)?.get(bag);
  }

  /** Keeps the form of a bag that is bound to a role. */
  keepBound(bag: Bag, role: string, bound: Bag): void {
    if (this.#boundCount >= MAX_BOUND_BAGS) this.#forgetBound();
    this.#boundCount++;
    const kept = this.#bound.get(role);
    if (kept === undefined) this.#bound.set(role, new Map([[bag, bound]]));
    else kept.set(bag, bound);
  }

  #forgetBound(): void {
    this.#bound.clear();
    this.#boundCount = 0;
  }
}
