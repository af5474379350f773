/** When each schedule is due next, and which are due now. Times are hints: whoever takes one looks it up anew. */
export class DueIndex {
  readonly #times = new Map<string, number>();
  /** Not later than the soonest of all. */
  #soonestMs = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.#times.size;
  }

  /** The soonest of all; infinite: nothing is due ever. */
  soonestMs(nowMs: number): number {
    if (this.#soonestMs <= nowMs) this.#soonestMs = least(this.#times.values());
    return this.#soonestMs;
  }

  get(key: string): number | undefined {
    return this.#times.get(key);
  }

  /** @param dueMs undefined: never again. */
  set(key: string, dueMs: number | undefined): void {
    if (dueMs === undefined) {
      this.#times.delete(key);
      return;
    }
    this.#times.set(key, dueMs);
    if (dueMs < this.#soonestMs) this.#soonestMs = dueMs;
  }

  /** The keys that are due, the longest overdue first. What is taken has to be set anew. */
  due(nowMs: number): readonly string[] {
    if (this.#soonestMs > nowMs) return [];
    return [...this.#times]
      .filter(([, dueMs]) => dueMs <= nowMs)
      .toSorted(([one, oneMs], [other, otherMs]) => oneMs - otherMs || (one < other ? -1 : 1))
      .map(([key]) => key);
  }
}

function least(times: Iterable<number>): number {
  let least = Number.POSITIVE_INFINITY;
  for (const time of times) if (time < least) least = time;
  return least;
}
