/** The timers of one agent: each ends with the agent at the latest. */
import { type Clock, type Disposable, toDisposable } from '../base/index.js';

export class Timers implements Disposable {
  readonly #clock: Clock;
  readonly #armed = new Set<Disposable>();
  #isDisposed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /** Calls back once, after `delayMs`, unless the result or the whole is disposed of before. */
  after(delayMs: number, callback: () => void): Disposable {
    if (this.#isDisposed) return toDisposable(() => {});
    const timer = this.#clock.setTimer(delayMs, () => {
      this.#armed.delete(handle);
      callback();
    });
    const handle = toDisposable(() => {
      this.#armed.delete(handle);
      timer.dispose();
    });
    this.#armed.add(handle);
    return handle;
  }

  /** Calls back every `intervalMs` until disposed of, the first time one interval from now. */
  every(intervalMs: number, callback: () => void): Disposable {
    let current: Disposable;
    const arm = (): void => {
      current = this.after(intervalMs, () => {
        arm();
        callback();
      });
    };
    arm();
    return toDisposable(() => current.dispose());
  }

  dispose(): void {
    this.#isDisposed = true;
    for (const timer of this.#armed) timer.dispose();
    this.#armed.clear();
  }
}
