/**
 * Things that end at some time, the next to end first. Those that are dropped before stay until they
 * would have ended or are more than half of all, so that the queue is at most twice what is alive.
 */
import { at } from '../base/index.js';

export interface Expiring {
  readonly endMs: number;
  /** Set by the owner, who also tells the queue. */
  isDropped: boolean;
}

/** Below this many entries the dropped ones are not worth a pass. */
const SMALLEST_PASS = 64;

export class ExpiryQueue<T extends Expiring> {
  #heap: T[] = [];
  #dropped = 0;

  /** Entries in the queue, dropped ones included. */
  get size(): number {
    return this.#heap.length;
  }

  push(entry: T): void {
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
  }

  /** Takes out the entries that have ended and are not dropped. */
  takeEnded(nowMs: number): T[] {
    const ended: T[] = [];
    for (let top = this.#heap[0]; top !== undefined && top.endMs <= nowMs; top = this.#heap[0]) {
      this.#removeTop();
      if (top.isDropped) this.#dropped--;
      else ended.push(top);
    }
    return ended;
  }

  /** Tells that an entry of the queue was marked as dropped. */
  noteDropped(): void {
    this.#dropped++;
    if (this.#heap.length < SMALLEST_PASS || this.#dropped * 2 < this.#heap.length) return;
    const alive = this.#heap.filter((entry) => !entry.isDropped);
    alive.sort((one, other) => one.endMs - other.endMs);
    this.#heap = alive;
    this.#dropped = 0;
  }

  #rise(from: number): void {
    const entry = at(this.#heap, from);
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (at(this.#heap, parent).endMs <= entry.endMs) break;
      this.#heap[index] = at(this.#heap, parent);
      index = parent;
    }
    this.#heap[index] = entry;
  }

  #removeTop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= this.#heap.length) break;
      const right = this.#heap[child + 1];
      if (right !== undefined && right.endMs < at(this.#heap, child).endMs) child++;
      if (at(this.#heap, child).endMs >= last.endMs) break;
      this.#heap[index] = at(this.#heap, child);
      index = child;
    }
    this.#heap[index] = last;
  }
}
