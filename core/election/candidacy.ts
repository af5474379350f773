/** The promises of one candidacy, settled once each and never unhandled. */
import { type Candidacy, type LeaseHolder, PlateauError } from '../base/index.js';

export class CandidacyState implements Candidacy {
  readonly holder: LeaseHolder;
  readonly acquired: Promise<void>;
  readonly lost: Promise<string>;
  readonly #onResign: () => Promise<void>;
  #phase: 'waiting' | 'held' | 'over' = 'waiting';
  #resolveAcquired: () => void = () => {};
  #rejectAcquired: (error: PlateauError) => void = () => {};
  #resolveLost: (reason: string) => void = () => {};

  /** `onResign` ends the candidacy by calling `end`. */
  constructor(holder: LeaseHolder, onResign: () => Promise<void>) {
    this.holder = holder;
    this.#onResign = onResign;
    this.acquired = new Promise((resolve, reject) => {
      this.#resolveAcquired = resolve;
      this.#rejectAcquired = reject;
    });
    // Who resigns need not listen; an unhandled rejection would end the process.
    this.acquired.catch(() => {});
    this.lost = new Promise((resolve) => {
      this.#resolveLost = resolve;
    });
  }

  get phase(): 'waiting' | 'held' | 'over' {
    return this.#phase;
  }

  async resign(): Promise<void> {
    if (this.#phase !== 'over') await this.#onResign();
  }

  /** The lease is held from now on. */
  win(): void {
    if (this.#phase !== 'waiting') return;
    this.#phase = 'held';
    this.#resolveAcquired();
  }

  /** The lease is not held any more, or never will be. */
  end(reason: string): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'waiting') {
      const message = `the candidacy of '${this.holder.id}' ended before it held the lease: ${reason}`;
      this.#rejectAcquired(
        new PlateauError('LEASE_LOST', message, { context: { id: this.holder.id } }),
      );
    }
    this.#phase = 'over';
    this.#resolveLost(reason);
  }
}
