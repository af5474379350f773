/**
 * What has come over a stream and nobody has asked for yet. Waiting for an item takes the first one that
 * fits and leaves the others in their order.
 */
import { fail } from './check.js';

export type Predicate = (item: unknown) => boolean;

export interface WaitOptions {
  readonly timeoutMs?: number;
  /** What to call the awaited item when it does not come. */
  readonly what?: string;
}

const DEFAULT_WAIT_MS = 15_000;
const SHOWN_ITEMS = 8;

export class Inbox {
  /** Everything that ever came, in order. */
  readonly log: unknown[] = [];
  readonly #waiting: unknown[] = [];
  readonly #describe: (item: unknown) => string;
  #wake: (() => void)[] = [];
  #ended = false;
  #error: Error | undefined;

  /** @param describe a few words about an item, for failures. */
  constructor(describe: (item: unknown) => string) {
    this.#describe = describe;
  }

  get isEnded(): boolean {
    return this.#ended;
  }

  get recent(): readonly string[] {
    return this.log.slice(-SHOWN_ITEMS).map(this.#describe);
  }

  add(item: unknown): void {
    this.log.push(item);
    this.#waiting.push(item);
    this.#notify();
  }

  end(error?: Error): void {
    this.#ended = true;
    this.#error ??= error;
    this.#notify();
  }

  /** @throws CheckFailed when no such item comes in time, or the stream ends before. */
  async next(fits: Predicate, { timeoutMs = DEFAULT_WAIT_MS, what = 'item' }: WaitOptions = {}) {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const index = this.#waiting.findIndex(fits);
      if (index >= 0) return this.#waiting.splice(index, 1)[0];
      if (this.#error) fail(`the stream is broken: ${this.#error.message}`);
      if (this.#ended) fail('the stream ended', what, this.recent);
      if (performance.now() >= deadline) fail(`within ${timeoutMs} ms`, what, this.recent);
      await this.#change(deadline);
    }
  }

  /** @throws CheckFailed when such an item has come or comes within this time. */
  async none(fits: Predicate, forMs: number, what: string): Promise<void> {
    const deadline = performance.now() + forMs;
    for (;;) {
      const found = this.#waiting.find(fits);
      if (found !== undefined) fail(`${what} came`, `none for ${forMs} ms`, found);
      if (performance.now() >= deadline) return;
      await this.#change(deadline);
    }
  }

  /** Takes everything that fits and has come already. */
  takeAll(fits: Predicate): readonly unknown[] {
    const taken = this.#waiting.filter(fits);
    const left = this.#waiting.filter((item) => !fits(item));
    this.#waiting.splice(0, this.#waiting.length, ...left);
    return taken;
  }

  /** @throws CheckFailed when the stream does not end in time. */
  async untilEnd(timeoutMs = DEFAULT_WAIT_MS): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!this.#ended) {
      if (performance.now() >= deadline) fail(`within ${timeoutMs} ms`, 'end', this.recent);
      await this.#change(deadline);
    }
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const one of wake) one();
  }

  #change(deadline: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, deadline - performance.now()));
      this.#wake.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
