/** The timers of one owner: all of them end with it, so that what was stopped never acts again. */
import { type Clock, setRepeatingTimer } from './clock.js';
import type { Disposable } from './disposable.js';

export class Timers implements Disposable {
  readonly #clock: Clock;
  readonly #armed = new Set<Disposable>();
  readonly #onError: ((error: unknown) => void) | undefined;
  #isDisposed = false;

  /** @param onError gets what a callback throws; without it the clock does. */
  constructor(clock: Clock, onError?: (error: unknown) => void) {
    this.#clock = clock;
    this.#onError = onError;
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /** Calls `run` once, `delayMs` from now, unless disposed of before. */
  after(delayMs: number, run: () => void): Disposable {
    const owned = this.#own(
      this.#clock.setTimer(delayMs, () => {
        owned.dispose();
        this.#run(run);
      }),
    );
    return owned;
  }

  /** Calls `run` every `intervalMs`, the first time one interval from now. */
  every(intervalMs: number, run: () => void): Disposable {
    return this.#own(setRepeatingTimer(this.#clock, intervalMs, () => this.#run(run)));
  }

  /** Ends all timers; later ones never fire. */
  dispose(): void {
    this.#isDisposed = true;
    for (const timer of this.#armed) timer.dispose();
  }

  #run(callback: () => void): void {
    if (this.#onError === undefined) {
      callback();
      return;
    }
    try {
      callback();
    } catch (error) {
      this.#onError(error);
    }
  }

  #own(timer: Disposable): Disposable {
    const owned = {
      dispose: () => {
        this.#armed.delete(owned);
        timer.dispose();
      },
    };
    if (this.#isDisposed) timer.dispose();
    else this.#armed.add(owned);
    return owned;
  }
}
