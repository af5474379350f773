/**
 * After a failover of the master with quota in the registry nothing is offered at first: with few
 * agents back, everything would be given to whoever asks first, and guarantees could not be kept. It
 * ends when most agents have come back, or after some time.
 */
import type { Clock, Disposable } from '../base/index.js';

export interface RecoveryHoldOptions {
  readonly clock: Clock;
  /** How many agents have to come back. */
  readonly agents: number;
  readonly timeoutMs: number;
}

export class RecoveryHold implements Disposable {
  readonly #timer: Disposable;
  #missing: number;

  constructor({ clock, agents, timeoutMs }: RecoveryHoldOptions) {
    this.#missing = agents;
    this.#timer = clock.setTimer(timeoutMs, () => this.dispose());
  }

  /** Whether nothing may be offered yet. */
  get isHolding(): boolean {
    return this.#missing > 0;
  }

  /** An agent has come. */
  noteAgent(): void {
    this.#missing--;
    if (this.#missing === 0) this.dispose();
  }

  /** Ends it. */
  dispose(): void {
    this.#missing = 0;
    this.#timer.dispose();
  }
}
