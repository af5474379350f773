/** Waiting between attempts, so that many clients that lost the same master do not come back at once. */
import type { Clock, Disposable, Random } from '../base/index.js';

/** Longest wait before the first new attempt, in milliseconds; doubles with every further one. */
export const BACKOFF_BASE_MS = 250;
/** Longest wait of all, in milliseconds. */
export const BACKOFF_MAX_MS = 15_000;

export interface BackoffOptions {
  readonly baseMs?: number;
  readonly maxMs?: number;
}

/** Full jitter: each wait is drawn evenly from nothing up to a limit that doubles. */
export class Backoff {
  readonly #random: Random;
  readonly #baseMs: number;
  readonly #maxMs: number;
  #failures = 0;

  constructor(random: Random, options: BackoffOptions = {}) {
    this.#random = random;
    this.#baseMs = options.baseMs ?? BACKOFF_BASE_MS;
    this.#maxMs = options.maxMs ?? BACKOFF_MAX_MS;
  }

  /** The next wait in milliseconds. */
  next(): number {
    // Beyond 2^30 the limit is the largest wait anyhow, and the power must not overflow.
    const limit = Math.min(this.#maxMs, this.#baseMs * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return this.#random.next() * limit;
  }

  /** An attempt succeeded: start over. */
  reset(): void {
    this.#failures = 0;
  }
}

/** A wait that can be cut short. */
export class Pause {
  readonly #clock: Clock;
  #timer: Disposable | undefined;
  #resume: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves after the time, or when `end` is called. */
  async wait(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#resume = resolve;
      this.#timer = this.#clock.setTimer(delayMs, resolve);
    });
  }

  /** Ends the current wait at once. */
  end(): void {
    this.#timer?.dispose();
    this.#resume?.();
  }
}
