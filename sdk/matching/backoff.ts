/** How long a task that keeps ending is not started again: doubling waits, told from the tasks that ended. */
import { type Duration, type TaskRecord, durationMs } from '../decisions/index.js';

export const DEFAULT_BACKOFF_MS = 1_000;
export const DEFAULT_MAX_BACKOFF_MS = 300_000;

/**
 * A time that lies further ahead was noted before the wall clock was set back, in milliseconds: it says
 * nothing about how long ago it was.
 */
export const CLOCK_STEP_MS = 10_000;

export interface BackoffOptions {
  readonly backoff?: Duration;
  readonly maxBackoff?: Duration;
}

/**
 * The moment from which on a task may take the place of those that ended, in milliseconds since 1970; 0: at
 * once. Tasks that end side by side count as one failure: the wait doubles when one that was started after
 * a failure ends as well, and begins anew when one had run for as long as the longest wait.
 */
export function backoffUntil(
  tasks: readonly TaskRecord[],
  options: BackoffOptions,
  nowMs = Number.POSITIVE_INFINITY,
): number {
  const baseMs = durationMs(options.backoff ?? DEFAULT_BACKOFF_MS, 'backoff');
  const longestMs = durationMs(options.maxBackoff ?? DEFAULT_MAX_BACKOFF_MS, 'maxBackoff');
  if (baseMs === 0) return 0;
  const row = new FailureRow(longestMs);
  const latestMs = nowMs + CLOCK_STEP_MS;
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const task of tasks) {
    if (!isFailure(task) || task.updatedAt > latestMs) continue;
    // Histories are long and mostly in order; one that is not is put in order and read again.
    if (task.updatedAt < lastMs) return inOrder(tasks, { baseMs, longestMs, latestMs });
    lastMs = task.updatedAt;
    row.add(task);
  }
  return row.until(baseMs);
}

/** Failures in a row, told one after the other in the order of their ends. */
class FailureRow {
  readonly #longestMs: number;
  #inRow = 0;
  #firstEnd = Number.NEGATIVE_INFINITY;
  #lastEnd = 0;

  constructor(longestMs: number) {
    this.#longestMs = longestMs;
  }

  add({ launchedAt, updatedAt }: TaskRecord): void {
    this.#lastEnd = updatedAt;
    if (launchedAt < this.#firstEnd) return;
    this.#inRow = updatedAt - launchedAt >= this.#longestMs ? 1 : this.#inRow + 1;
    this.#firstEnd = updatedAt;
  }

  /** When the wait after the last one is over; 0: there was none. */
  until(baseMs: number): number {
    if (this.#inRow === 0) return 0;
    return this.#lastEnd + Math.min(this.#longestMs, baseMs * 2 ** (this.#inRow - 1));
  }
}

function inOrder(
  tasks: readonly TaskRecord[],
  bounds: { readonly baseMs: number; readonly longestMs: number; readonly latestMs: number },
): number {
  const row = new FailureRow(bounds.longestMs);
  const failures = tasks.filter((task) => isFailure(task) && task.updatedAt <= bounds.latestMs);
  for (const task of failures.toSorted((one, other) => one.updatedAt - other.updatedAt))
    row.add(task);
  return row.until(bounds.baseMs);
}

/** Whether a task ended by itself, or was ended because it was ill. */
function isFailure({ state, killedAt, healthy }: TaskRecord): boolean {
  if (killedAt !== undefined) return false;
  if (state === 'KILLED') return healthy === false;
  return state === 'FAILED' || state === 'FINISHED' || state === 'ERROR';
}
