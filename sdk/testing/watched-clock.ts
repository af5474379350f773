/** A clock that knows which timers of its owner are armed: what is armed after the end was left behind. */
import { type Clock, type Disposable, toDisposable } from '../../core/base/index.js';

export class WatchedClock implements Clock {
  readonly #clock: Clock;
  readonly #armed = new Set<Disposable>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Timers that are armed now. */
  get armed(): number {
    return this.#armed.size;
  }

  now(): number {
    return this.#clock.now();
  }

  elapsed(): number {
    return this.#clock.elapsed();
  }

  setTimer(delayMs: number, callback: () => void): Disposable {
    const timer = this.#clock.setTimer(delayMs, () => {
      this.#armed.delete(owned);
      callback();
    });
    const owned = toDisposable(() => {
      this.#armed.delete(owned);
      timer.dispose();
    });
    this.#armed.add(owned);
    return owned;
  }
}
