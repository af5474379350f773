/**
 * Many timers of one length, as one: what is due first was added first, so a single timer of the clock
 * is enough. For what there is one of for each offer, of which nearly all end before they are due.
 */
import type { Clock } from './clock.js';
import type { Disposable } from './disposable.js';
import type { Timers } from './timers.js';

export interface TimeoutQueueOptions<Item extends object> {
  /** Who owns the timer of the queue: when it is disposed of, nothing runs any more. */
  readonly timers: Timers;
  readonly clock: Clock;
  /** Milliseconds from adding to running. */
  readonly delayMs: number;
  /** What is done with an item when its time has come. */
  readonly run: (item: Item) => void;
}

/** Below this many that have ended, they are left in the queue. */
const MIN_ENDED_TO_COMPACT = 1_000;

export class TimeoutQueue<Item extends object> {
  readonly #options: TimeoutQueueOptions<Item>;
  #waiting: Timeout<Item>[] = [];
  #isArmed = false;
  #ended = 0;

  constructor(options: TimeoutQueueOptions<Item>) {
    this.#options = options;
  }

  /** How many are in the queue; some of them may have ended. */
  get length(): number {
    return this.#waiting.length;
  }

  /** The item is run once after the time of the queue, unless disposed of before. */
  add(item: Item): Disposable {
    const { clock, delayMs } = this.#options;
    const timeout = new Timeout(item, clock.elapsed() + delayMs, this.#noteEnded);
    this.#waiting.push(timeout);
    this.#arm(delayMs);
    return timeout;
  }

  #arm(delayMs: number): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#options.timers.after(delayMs, this.#runDue);
  }

  readonly #runDue = (): void => {
    this.#isArmed = false;
    const nowMs = this.#options.clock.elapsed();
    const firstLater = this.#waiting.findIndex(
      ({ dueMs, item }) => item !== undefined && dueMs > nowMs,
    );
    const due = this.#waiting.splice(0, firstLater === -1 ? this.#waiting.length : firstLater);
    for (const timeout of due) {
      const { item } = timeout;
      timeout.item = undefined;
      if (item === undefined) this.#ended--;
      else this.#options.run(item);
    }
    const next = this.#waiting[0];
    if (next !== undefined) this.#arm(next.dueMs - nowMs);
  };

  /** One function for all timeouts. */
  readonly #noteEnded = (): void => {
    this.#ended++;
    if (this.#ended < MIN_ENDED_TO_COMPACT || 2 * this.#ended < this.#waiting.length) return;
    this.#waiting = this.#waiting.filter(({ item }) => item !== undefined);
    this.#ended = 0;
  };
}

class Timeout<Item extends object> implements Disposable {
  item: Item | undefined;
  readonly dueMs: number;
  readonly #onEnded: () => void;

  constructor(item: Item, dueMs: number, onEnded: () => void) {
    this.item = item;
    this.dueMs = dueMs;
    this.#onEnded = onEnded;
  }

  dispose(): void {
    if (this.item === undefined) return;
    this.item = undefined;
    this.#onEnded();
  }
}
