/** Waits before an app is launched again, which grow while its instances fail. Pure. */
import type { TaskRecord, TaskStateName } from '../../../sdk/index.js';
import type { App } from '../apps/app.js';
import type { DelayRecord } from '../state/model.js';

/** Ends that say something about the app. Those asked for, and those of agents that were taken away, do not. */
const RAISING: ReadonlySet<TaskStateName> = new Set([
  'FINISHED',
  'FAILED',
  'ERROR',
  'DROPPED',
  'LOST',
  'GONE',
]);

/** The delay after an instance has ended; undefined: it stays as it is. */
export function delayAfter(
  app: App,
  task: TaskRecord,
  options: { readonly before: DelayRecord | undefined; readonly nowMs: number },
): DelayRecord | undefined {
  const { before, nowMs } = options;
  if (!RAISING.has(task.state) || task.killedAt !== undefined) return undefined;
  const config = app.versionInfo.lastConfigChangeAt;
  const maxMs = app.maxLaunchDelaySeconds * 1000;
  const known = isOpen(before, config, nowMs, maxMs) ? before : undefined;
  // Instances that fail together count once: the next wait is for those launched after it.
  if (known !== undefined && task.launchedAt < known.raisedAt) return undefined;
  const waitMs = Math.min(known?.nextMs ?? app.backoffSeconds * 1000, maxMs);
  return {
    config,
    nextMs: Math.min(waitMs * app.backoffFactor, maxMs),
    untilMs: nowMs + waitMs,
    raisedAt: nowMs,
  };
}

/** After a quiet time as long as the wait and the longest wait, it begins anew. */
function isOpen(
  delay: DelayRecord | undefined,
  config: string,
  nowMs: number,
  maxMs: number,
): delay is DelayRecord {
  return delay !== undefined && delay.config === config && nowMs < delay.untilMs + maxMs;
}

/** Until when the app is not launched, in milliseconds since 1970; undefined: it may be. */
export function delayedUntil(
  app: App,
  delay: DelayRecord | undefined,
  nowMs: number,
): number | undefined {
  if (delay === undefined || delay.config !== app.versionInfo.lastConfigChangeAt) return undefined;
  return delay.untilMs > nowMs ? delay.untilMs : undefined;
}
