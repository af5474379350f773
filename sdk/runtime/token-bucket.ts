/** A rate limit: some actions at once, then one per refill time. */

export class TokenBucket {
  readonly #capacity: number;
  readonly #refillMs: number;
  #tokens: number;
  #countedMs: number;

  constructor(capacity: number, refillMs: number, nowMs: number) {
    this.#capacity = capacity;
    this.#refillMs = refillMs;
    this.#tokens = capacity;
    this.#countedMs = nowMs;
  }

  /** Takes a token. Returns the milliseconds to wait if there is none, else 0. */
  take(nowMs: number): number {
    const gained = (nowMs - this.#countedMs) / this.#refillMs;
    this.#tokens = Math.min(this.#capacity, this.#tokens + gained);
    this.#countedMs = nowMs;
    // Fractions of a token add up with rounding errors.
    if (this.#tokens >= 1 - 1e-6) {
      this.#tokens -= 1;
      return 0;
    }
    return (1 - this.#tokens) * this.#refillMs;
  }
}
