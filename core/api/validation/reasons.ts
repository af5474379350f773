/** Pieces that validators share. A validator returns the reason of the first fault, or undefined. */

/** A reason why something is not valid; undefined: it is. */
export type Reason = string | undefined;

/** The reason for a field that has to be set. */
export function expected(field: string): string {
  return `Expected '${field}' to be present`;
}

/** The first reason that a validator gives for one of the items. */
export function firstReason<T>(
  items: readonly T[] | undefined,
  validate: (item: T, index: number) => Reason,
): Reason {
  for (const [index, item] of (items ?? []).entries()) {
    const reason = validate(item, index);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** How a reason of a part reads in the reason of the whole. */
export function within(whole: string, reason: Reason): Reason {
  return reason === undefined ? undefined : `${whole}: ${reason}`;
}

/** The first repeated item, or undefined. */
export function firstDuplicate(items: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (const item of items) {
    if (seen.has(item)) return item;
    seen.add(item);
  }
  return undefined;
}
