/** A map that forgets what was added first when it is full. */
export class BoundedMap<Key, Value> {
  readonly #limit: number;
  readonly #entries = new Map<Key, Value>();

  /** @param limit entries that it holds at most, at least 1. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get entries(): ReadonlyMap<Key, Value> {
    return this.#entries;
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  set(key: Key, value: Value): void {
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#limit) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}
