/** What is due when, the soonest first: a binary heap. Entries that lapsed are skipped by whoever takes them. */

export interface Due {
  readonly at: number;
  readonly index: number;
}

export class DueQueue {
  readonly #heap: Due[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** The soonest; undefined: there is none. */
  get next(): Due | undefined {
    return this.#heap[0];
  }

  push(due: Due): void {
    const heap = this.#heap;
    let place = heap.push(due) - 1;
    while (place > 0) {
      const parent = (place - 1) >>> 1;
      const above = heap[parent];
      if (above === undefined || above.at <= due.at) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = due;
  }

  shift(): Due | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) this.#sink(last);
    return first;
  }

  clear(): void {
    this.#heap.length = 0;
  }

  /** Puts an entry into the free place at the top. */
  #sink(due: Due): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      const left = place * 2 + 1;
      const [one, other] = [heap[left], heap[left + 1]];
      const least = other !== undefined && one !== undefined && other.at < one.at ? left + 1 : left;
      const below = heap[least];
      if (below === undefined || below.at >= due.at) break;
      heap[place] = below;
      place = least;
    }
    heap[place] = due;
  }
}
