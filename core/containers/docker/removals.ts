/**
 * Ended containers that the engine still keeps, for people who want to look: each is removed when its time
 * has come, the oldest sooner when there are too many. One that cannot be removed is tried again.
 */
import { type Logger, errorMessage } from '../../base/index.js';
import type { DockerEngine } from './engine.js';

/** Ended containers that wait for their removal; beyond it the oldest go sooner. */
export const MAX_ENDED_DOCKER_CONTAINERS = 1_000;
/** When a removal that failed is tried again. */
export const REMOVAL_RETRY_MS = 60_000;
/** The longest time that a timer of Node takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class Removals {
  readonly #engine: DockerEngine;
  readonly #log: Logger;
  /** On the monotonic clock: when each is due. */
  readonly #due = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(engine: DockerEngine, log: Logger) {
    this.#engine = engine;
    this.#log = log;
  }

  /** Has a container removed after so many milliseconds. */
  schedule(name: string, afterMs: number): void {
    if (this.#isClosed) return;
    this.#due.delete(name);
    this.#due.set(name, performance.now() + Math.max(0, afterMs));
    for (const oldest of this.#due.keys()) {
      if (this.#due.size <= MAX_ENDED_DOCKER_CONTAINERS) break;
      this.#due.delete(oldest);
      this.#begin([oldest]);
    }
    this.#arm();
  }

  /** Removes nothing more; what is under way goes on. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#due.clear();
  }

  /** Resolves when no removal is under way. */
  async idle(): Promise<void> {
    await this.#running;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#due.size === 0) return;
    const nextMs = Math.min(...this.#due.values()) - performance.now();
    this.#timer = setTimeout(() => this.#sweep(), Math.min(Math.max(nextMs, 0), MAX_TIMER_MS));
    this.#timer.unref();
  }

  #sweep(): void {
    const nowMs = performance.now();
    const names = [...this.#due].filter(([, dueMs]) => dueMs <= nowMs).map(([name]) => name);
    for (const name of names) this.#due.delete(name);
    if (names.length > 0) this.#begin(names);
    this.#arm();
  }

  /** One after the other. */
  #begin(names: readonly string[]): void {
    this.#running = this.#running.then(() => this.#remove(names));
  }

  async #remove(names: readonly string[]): Promise<void> {
    try {
      await this.#engine.remove(names);
    } catch (error) {
      const why = errorMessage(error);
      this.#log.warn('ended containers could not be removed; trying again', { names, why });
      for (const name of names) this.schedule(name, REMOVAL_RETRY_MS);
    }
  }
}
