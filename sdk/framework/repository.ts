/**
 * Typed state of a framework. Reads come from memory; changes made in a handler are written together
 * with the runtime's own records of that turn, in one transaction, before anything of the turn is sent.
 * When the handler throws, they are undone. The implementation on a store is in `sdk/runtime`.
 */
export interface Repository<T> {
  readonly size: number;
  get(key: string): T | undefined;
  has(key: string): boolean;
  /** Ordered by key. */
  entries(): readonly (readonly [string, T])[];
  values(): readonly T[];
  /** Values must be JSON; they are kept as given, so do not change them in place. */
  set(key: string, value: T): void;
  delete(key: string): void;
}

/** A repository without a store: for unit tests of handlers. */
export class MemoryRepository<T> implements Repository<T> {
  readonly #values = new Map<string, T>();

  get size(): number {
    return this.#values.size;
  }

  get(key: string): T | undefined {
    return this.#values.get(key);
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  entries(): readonly (readonly [string, T])[] {
    return [...this.#values].toSorted(([one], [other]) => (one < other ? -1 : 1));
  }

  values(): readonly T[] {
    return this.entries().map(([, value]) => value);
  }

  set(key: string, value: T): void {
    this.#values.set(key, value);
  }

  delete(key: string): void {
    this.#values.delete(key);
  }
}
