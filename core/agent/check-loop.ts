/**
 * Probes a task again and again: after a delay, and then each time an interval after the last result,
 * so that no two probes of one check overlap. A probe that takes too long is given up; the time that
 * it waits for its turn, and the time in which the agent itself was held up, are not held against it.
 */
import type { Clock, Disposable, Timers } from '../base/index.js';
import type { ProbeResult } from './check-verdicts.js';
import type { ProbeSpec } from './ports.js';
import type { ProbeQueue } from './probe-queue.js';

/** A timeout that is noticed so much too late begins anew: the agent was held up, not the task. */
export const HELD_UP_AGENT_MS = 250;

export interface CheckLoopOptions {
  readonly timers: Timers;
  readonly clock: Clock;
  readonly queue: ProbeQueue;
  readonly probe: ProbeSpec;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Milliseconds from now to the first probe. */
  readonly firstMs: number;
  /** Hears of each result; may dispose of the loop. */
  readonly onResult: (result: ProbeResult) => void;
}

export class CheckLoop implements Disposable {
  readonly #options: CheckLoopOptions;
  #isDisposed = false;
  #probe: Disposable | undefined;
  /** Of the next probe, or of the timeout of this one. */
  #timer: Disposable | undefined;

  constructor(options: CheckLoopOptions) {
    this.#options = options;
    this.#next(options.firstMs);
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#timer?.dispose();
    this.#probe?.dispose();
  }

  #next(afterMs: number): void {
    this.#timer = this.#options.timers.after(afterMs, () => this.#begin());
  }

  #begin(): void {
    const { queue, probe, timers } = this.#options;
    this.#timer = undefined;
    this.#probe = queue.run(probe, {
      begun: () => this.#expect(),
      done: (outcome) => {
        if (!timers.isDisposed) this.#end(outcome);
      },
    });
  }

  #expect(): void {
    const { timers, clock, timeoutMs } = this.#options;
    if (this.#isDisposed) return;
    const dueMs = clock.elapsed() + timeoutMs;
    this.#timer = timers.after(timeoutMs, () => {
      if (clock.elapsed() - dueMs > HELD_UP_AGENT_MS) {
        this.#expect();
        return;
      }
      this.#probe?.dispose();
      this.#end({ kind: 'timed-out', timeoutMs });
    });
  }

  #end(result: ProbeResult): void {
    if (this.#isDisposed) return;
    this.#timer?.dispose();
    this.#probe = undefined;
    this.#options.onResult(result);
    // oxlint-disable-next-line typescript/no-unnecessary-condition -- the listener may dispose of it
    if (!this.#isDisposed) this.#next(this.#options.intervalMs);
  }
}
