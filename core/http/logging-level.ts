/**
 * SET_LOGGING_LEVEL: makes the log say more for a while. 0 is the level that the program was started
 * with; any other makes the log say everything, as there are no finer levels.
 */
import { type DurationInfo, durationInfoMs } from '../api/index.js';
import { type Clock, type Disposable, type LogLevel, toDisposable } from '../base/index.js';

/** A log whose level can be changed while it is used. */
export interface AdjustableLog {
  level: LogLevel;
}

/** Longest time for which a level may be set, in milliseconds: a week. */
export const MAX_LOGGING_LEVEL_MS = 7 * 24 * 60 * 60_000;

export class LoggingLevel implements Disposable {
  readonly #clock: Clock;
  readonly #log: AdjustableLog | undefined;
  readonly #configured: LogLevel;
  #level = 0;
  #timer: Disposable = toDisposable(() => undefined);

  /** Without a log the level is kept and does nothing. */
  constructor(clock: Clock, log: AdjustableLog | undefined) {
    this.#clock = clock;
    this.#log = log;
    this.#configured = log?.level ?? 'info';
  }

  get level(): number {
    return this.#level;
  }

  /** Sets the level for a time; a later call replaces an earlier one. @returns why not, or undefined. */
  set({
    level,
    duration,
  }: {
    readonly level: number;
    readonly duration: DurationInfo;
  }): string | undefined {
    const durationMs = durationInfoMs(duration);
    if (level < 0) return "'set_logging_level.level' must not be negative";
    if (!(durationMs >= 0 && durationMs <= MAX_LOGGING_LEVEL_MS)) {
      return `'set_logging_level.duration' must be from 0 to ${MAX_LOGGING_LEVEL_MS} milliseconds`;
    }
    this.#timer.dispose();
    this.#apply(level);
    this.#timer = this.#clock.setTimer(durationMs, () => this.#apply(0));
    return undefined;
  }

  /** Goes back to the level of the start. */
  dispose(): void {
    this.#timer.dispose();
    this.#apply(0);
  }

  #apply(level: number): void {
    this.#level = level;
    if (this.#log !== undefined) this.#log.level = level === 0 ? this.#configured : 'debug';
  }
}
