/** The few casts that the code needs, by name, each with the reason why it is sound. */

/** The element at an index that the caller knows to be inside the array. */
export function at<T>(items: ArrayLike<T>, index: number): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the caller's invariant
  return items[index] as T;
}

/** Whether something from outside is an object with string keys (not null, not a list). */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
