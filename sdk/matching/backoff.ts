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
  const failures = failuresIn(tasks, nowMs);
  let inRow = 0;
  let firstEnd = Number.NEGATIVE_INFINITY;
  let lastEnd = 0;
  for (const { launchedAt, updatedAt } of failures) {
    lastEnd = updatedAt;
    if (launchedAt < firstEnd) continue;
    inRow = updatedAt - launchedAt >= longestMs ? 1 : inRow + 1;
    firstEnd = updatedAt;
  }
  if (inRow === 0) return 0;
  return lastEnd + Math.min(longestMs, baseMs * 2 ** (inRow - 1));
}

/** The failures in the order of their ends: one pass, for histories are long and mostly in order. */
function failuresIn(tasks: readonly TaskRecord[], nowMs: number): readonly TaskRecord[] {
  const failures: TaskRecord[] = [];
  let lastMs = Number.NEGATIVE_INFINITY;
  let isInOrder = true;
  for (const task of tasks) {
    if (!isFailure(task) || task.updatedAt > nowMs + CLOCK_STEP_MS) continue;
    failures.push(task);
    if (task.updatedAt < lastMs) isInOrder = false;
    lastMs = task.updatedAt;
  }
  return isInOrder ? failures : failures.toSorted((one, other) => one.updatedAt - other.updatedAt);
}

/** Whether a task ended by itself, or was ended because it was ill. */
function isFailure({ state, killedAt, healthy }: TaskRecord): boolean {
  if (killedAt !== undefined) return false;
  if (state === 'KILLED') return healthy === false;
  return state === 'FAILED' || state === 'FINISHED' || state === 'ERROR';
}
