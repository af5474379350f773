/** How the instances of an app stand: which count, which are as wanted, which are ready. Pure. */
import type { TaskRecord } from '../../../sdk/index.js';
import { type App, MIN_HEALTHY_SECONDS } from '../apps/app.js';
import type { InstanceData } from '../apps/task-of-app.js';
import type { InstanceRecord } from '../state/model.js';

/** An instance that has not ended. */
export interface Instance {
  readonly task: TaskRecord;
  readonly data: InstanceData;
  readonly record: InstanceRecord | undefined;
}

/** What was stored with a task at launch; undefined: it is none of ours. */
export function instanceData(task: TaskRecord): InstanceData | undefined {
  const data: unknown = task.data;
  const isOurs =
    typeof data === 'object' && data !== null && 'app' in data && typeof data.app === 'string';
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this framework alone
  return isOurs ? (data as unknown as InstanceData) : undefined;
}

/** Nobody knows whether it runs. */
export function isOutOfReach({ task }: Instance): boolean {
  return task.state === 'UNREACHABLE' || task.state === 'UNKNOWN';
}

/** Its end was asked for. */
export function isEnding({ task }: Instance): boolean {
  return task.killedAt !== undefined || task.state === 'KILLING';
}

/** Runs, is not being ended, and no check says otherwise; with a check, the check says so. */
export function isHealthy(instance: Instance): boolean {
  const { task, data } = instance;
  if (task.state !== 'RUNNING' || isEnding(instance)) return false;
  return data.checked ? task.healthy === true : task.healthy !== false;
}

/** When an instance out of reach stops to count, in milliseconds since 1970; undefined: never. */
export function awayAt({ task }: Instance, { unreachableStrategy }: App): number | undefined {
  if (unreachableStrategy === 'disabled') return undefined;
  return task.updatedAt + unreachableStrategy.inactiveAfterSeconds * 1000;
}

/** Whether it has been out of reach for so long that another takes its place. */
export function isAway(instance: Instance, app: App, nowMs: number): boolean {
  if (!isOutOfReach(instance)) return false;
  const atMs = awayAt(instance, app);
  return atMs !== undefined && atMs <= nowMs;
}

/** When an instance has been healthy for long enough to count in an upgrade; undefined: it is not healthy. */
export function readyAt(instance: Instance, app: App): number | undefined {
  if (!isHealthy(instance)) return undefined;
  const since = instance.record?.healthySince ?? instance.task.updatedAt;
  return since + (app.upgradeStrategy.minHealthySeconds ?? MIN_HEALTHY_SECONDS) * 1000;
}

/** Whether it runs the configuration of the app. */
export function isCurrent({ data }: Instance, app: App): boolean {
  return data.config === app.versionInfo.lastConfigChangeAt;
}
