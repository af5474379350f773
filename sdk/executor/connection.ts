/** Whether the executor is subscribed, and when it tries again. Pure: waits are effects. */
import type { Random } from '../../core/base/index.js';
import type { ExecutorSettings } from './environment.js';

/** Milliseconds for which a new executor tries to subscribe: agents wait as long by default. */
export const FIRST_SUBSCRIPTION_TIMEOUT_MS = 60_000;
/** Longest wait before the first new try, in milliseconds; doubles with every further one. */
export const RESUBSCRIBE_BASE_MS = 100;
/** Longest wait between tries, whatever the agent allows. */
export const RESUBSCRIBE_MAX_MS = 1_000;

/** What follows from a loss. */
export type Retry =
  | { readonly kind: 'retry'; readonly waitMs: number }
  | { readonly kind: 'give-up'; readonly reason: string };

export class Connection {
  readonly #settings: ExecutorSettings;
  readonly #random: Random;
  #failures = 0;
  #isSubscribed = false;
  #wasSubscribed = false;
  /** Whether a loss was told that is not over. */
  #isLost = false;

  constructor(settings: ExecutorSettings, random: Random) {
    this.#settings = settings;
    this.#random = random;
  }

  get isSubscribed(): boolean {
    return this.#isSubscribed;
  }

  /** A try is made: the executor has not been subscribed, or is not any more. */
  get isFirst(): boolean {
    return !this.#wasSubscribed;
  }

  /** The longest that tries go on, from the start or from a loss. */
  get patienceMs(): number {
    return this.#wasSubscribed ? this.#settings.recoveryTimeoutMs : FIRST_SUBSCRIPTION_TIMEOUT_MS;
  }

  subscribed(): void {
    this.#isSubscribed = true;
    this.#wasSubscribed = true;
    this.#isLost = false;
    this.#failures = 0;
  }

  /** Returns whether this is a loss, rather than one more try that failed. */
  lost(): boolean {
    const isNews = this.#wasSubscribed && !this.#isLost;
    this.#isLost ||= this.#wasSubscribed;
    this.#isSubscribed = false;
    return isNews;
  }

  /**
   * An agent that has come back waits for its executors about as long as it allows between tries: half of
   * that is used at most, so that one try falls into it.
   */
  next(reason: string, isFinal: boolean): Retry {
    if (isFinal) return { kind: 'give-up', reason: `the agent does not want it: ${reason}` };
    if (this.#wasSubscribed && !this.#settings.isCheckpointed) {
      return {
        kind: 'give-up',
        reason: `the agent is gone, and the framework does not checkpoint (${reason})`,
      };
    }
    const most = Math.min(RESUBSCRIBE_MAX_MS, this.#settings.subscriptionBackoffMaxMs / 2);
    const limit = Math.min(most, RESUBSCRIBE_BASE_MS * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return { kind: 'retry', waitMs: this.#random.next() * limit };
  }
}
