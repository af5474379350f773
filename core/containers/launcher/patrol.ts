/**
 * Looks at the output files of all running tasks: at each four times a second, and at those that
 * grow fast fifty times a second, so that the bound holds closely where it matters and quiet tasks
 * cost next to nothing.
 */
import type { OutputFile } from './output.js';

/** How often every file is looked at. */
export const PATROL_INTERVAL_MS = 250;
/** How often a file that grows fast is looked at. */
export const FAST_PATROL_INTERVAL_MS = 20;
/** Growth between two looks from which on a file is looked at more often. */
const FAST_GROWTH_BYTES = 256 * 1024;

export class OutputPatrol {
  readonly #files = new Set<OutputFile>();
  /** Files that grow fast, with the rounds they stay here without growing. */
  readonly #fast = new Map<OutputFile, number>();
  #timer: NodeJS.Timeout | undefined;
  #fastTimer: NodeJS.Timeout | undefined;

  add(file: OutputFile): void {
    this.#files.add(file);
    this.#timer ??= setInterval(() => this.#lookAtAll(), PATROL_INTERVAL_MS);
  }

  /** Looks a last time and closes the file. */
  remove(file: OutputFile): void {
    try {
      file.finish(performance.now());
    } catch {
      // A failing disk must not end the launcher, nor keep the end of the task from being told.
    }
    this.#files.delete(file);
    this.#fast.delete(file);
    file.close();
    if (this.#files.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #lookAtAll(): void {
    const nowMs = performance.now();
    for (const file of this.#files) {
      if (!this.#fast.has(file) && this.#look(file, nowMs) > FAST_GROWTH_BYTES) this.#quicken(file);
    }
  }

  #quicken(file: OutputFile): void {
    this.#fast.set(file, QUIET_ROUNDS);
    this.#fastTimer ??= setInterval(() => this.#lookAtFast(), FAST_PATROL_INTERVAL_MS);
  }

  #lookAtFast(): void {
    const nowMs = performance.now();
    for (const [file, rounds] of this.#fast) {
      const isQuiet = this.#look(file, nowMs) < FAST_GROWTH_BYTES / QUIET_ROUNDS;
      if (!isQuiet) this.#fast.set(file, QUIET_ROUNDS);
      else if (rounds > 1) this.#fast.set(file, rounds - 1);
      else this.#fast.delete(file);
    }
    if (this.#fast.size > 0) return;
    clearInterval(this.#fastTimer);
    this.#fastTimer = undefined;
  }

  #look(file: OutputFile, nowMs: number): number {
    try {
      return file.check(nowMs);
    } catch {
      return 0; // A failing disk must not end the launcher; the next round tries again.
    }
  }
}

/** Rounds without much growth after which a file counts as quiet again: one slow interval. */
const QUIET_ROUNDS = Math.ceil(PATROL_INTERVAL_MS / FAST_PATROL_INTERVAL_MS);
