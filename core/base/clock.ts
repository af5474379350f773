/**
 * Time, as the cores see it. Behaviour depends on `elapsed` and timers alone; `now` is for
 * timestamps that people and wire messages see, and may jump.
 */
import type { Disposable } from './disposable.js';

export interface Clock {
  /** Wall time in milliseconds since 1970, with fractions. May jump in both directions. */
  now(): number;
  /** Milliseconds since some fixed moment, with fractions. Never goes back. */
  elapsed(): number;
  /** Calls `callback` once, `delayMs` from now; negative counts as 0. Disposing cancels. */
  setTimer(delayMs: number, callback: () => void): Disposable;
}

/** Calls `callback` every `intervalMs`, the first time one interval from now, until disposed of. */
export function setRepeatingTimer(
  clock: Clock,
  intervalMs: number,
  callback: () => void,
): Disposable {
  let isDisposed = false;
  let timer: Disposable;
  const arm = (): void => {
    timer = clock.setTimer(intervalMs, () => {
      if (isDisposed) return;
      arm();
      callback();
    });
  };
  arm();
  return {
    dispose() {
      isDisposed = true;
      timer.dispose();
    },
  };
}

/** The longest delay that Node's timers take; longer ones are chained. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** The clock of this machine. Its timers keep the process alive. */
export class SystemClock implements Clock {
  now(): number {
    return performance.timeOrigin + performance.now() + this.#drift();
  }

  elapsed(): number {
    return performance.now();
  }

  setTimer(delayMs: number, callback: () => void): Disposable {
    let handle: NodeJS.Timeout;
    const arm = (remainingMs: number): void => {
      const stepMs = Math.min(remainingMs, LONGEST_TIMEOUT_MS);
      handle = setTimeout(() => {
        if (remainingMs > stepMs) arm(remainingMs - stepMs);
        else callback();
      }, stepMs);
    };
    arm(Math.max(0, delayMs));
    return { dispose: () => clearTimeout(handle) };
  }

  /** `performance.now` does not follow corrections of the wall clock; `Date.now` does. */
  #drift(): number {
    const drift = Date.now() - (performance.timeOrigin + performance.now());
    return Math.abs(drift) < 1 ? 0 : drift;
  }
}
