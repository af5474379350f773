/**
 * Many timers of one length, as one: what is due first was added first, so a single timer of the clock
 * is enough. For what there is one of for each offer, of which nearly all end before they are due.
 */
import type { Clock } from './clock.js';
import type { Disposable } from './disposable.js';
import type { Timers } from './timers.js';

export interface TimeoutQueueOptions {
  /** Who owns the timer of the queue: when it is disposed of, nothing runs any more. */
  readonly timers: Timers;
  readonly clock: Clock;
  /** Milliseconds from adding to running. */
  readonly delayMs: number;
}

/** Below this many that have ended, they are left in the queue. */
const MIN_ENDED_TO_COMPACT = 1_000;

export class TimeoutQueue {
  readonly #options: TimeoutQueueOptions;
  #waiting: Timeout[] = [];
  #isArmed = false;
  #ended = 0;

  constructor(options: TimeoutQueueOptions) {
    this.#options = options;
  }

  /** How many are in the queue; some of them may have ended. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Calls `run` once after the time of the queue, unless disposed of before. */
  add(run: () => void): Disposable {
    const { clock, delayMs } = this.#options;
    const timeout = new Timeout(run, clock.elapsed() + delayMs, this.#noteEnded);
    this.#waiting.push(timeout);
    this.#arm(delayMs);
    return timeout;
  }

  #arm(delayMs: number): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#options.timers.after(delayMs, () => this.#runDue());
  }

  #runDue(): void {
    this.#isArmed = false;
    const nowMs = this.#options.clock.elapsed();
    const firstLater = this.#waiting.findIndex(
      ({ dueMs, run }) => run !== undefined && dueMs > nowMs,
    );
    const due = this.#waiting.splice(0, firstLater === -1 ? this.#waiting.length : firstLater);
    for (const timeout of due) {
      const { run } = timeout;
      if (run === undefined) this.#ended--;
      timeout.run = undefined;
      run?.();
    }
    const next = this.#waiting[0];
    if (next !== undefined) this.#arm(next.dueMs - nowMs);
  }

  /** One function for all timeouts. */
  readonly #noteEnded = (): void => {
    this.#ended++;
    if (this.#ended < MIN_ENDED_TO_COMPACT || 2 * this.#ended < this.#waiting.length) return;
    this.#waiting = this.#waiting.filter(({ run }) => run !== undefined);
    this.#ended = 0;
  };
}

class Timeout implements Disposable {
  run: (() => void) | undefined;
  readonly dueMs: number;
  readonly #onEnded: () => void;

  constructor(run: () => void, dueMs: number, onEnded: () => void) {
    this.run = run;
    this.dueMs = dueMs;
    this.#onEnded = onEnded;
  }

  dispose(): void {
    if (this.run === undefined) return;
    this.run = undefined;
    this.#onEnded();
  }
}
