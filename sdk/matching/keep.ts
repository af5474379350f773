/** Decides how many tasks of a name to start and which to end, so that a number of them is there. */
import { PlateauError, at } from '../../core/base/index.js';
import {
  type TaskRecord,
  type TaskSpec,
  type TaskStateName,
  type TaskView,
  durationMs,
} from '../decisions/index.js';
import { CLOCK_STEP_MS, DEFAULT_BACKOFF_MS, backoffUntil } from './backoff.js';
import type { KeepOptions } from './offers.js';
import { fieldName, valueOfTask } from './values.js';

/** Tasks of one name that `keep` may be asked for. */
export const MAX_KEPT_TASKS = 1_000_000;

export interface KeepPlan {
  /** To be started, now or after the backoff. */
  readonly missing: number;
  readonly surplus: readonly TaskRecord[];
  /** Given up: unreachable for too long. Their places are free for others. */
  readonly excluded: ReadonlySet<string>;
  /** Until when nothing is started, in milliseconds from now; 0: start at once. */
  readonly waitMs: number;
  /** When the next unreachable task is given up, in milliseconds from now. */
  readonly wakeMs: number | undefined;
}

/** @throws PlateauError `INVALID_DECISION` when the count is no number of tasks. */
export function planKeep(
  count: number,
  spec: TaskSpec,
  context: { readonly tasks: TaskView; readonly nowMs: number; readonly options: KeepOptions },
): KeepPlan {
  if (!Number.isInteger(count) || count < 0 || count > MAX_KEPT_TASKS) {
    throw new PlateauError(
      'INVALID_DECISION',
      `keep(${count}) of task '${spec.name}': the count must be a whole number from 0 to ${MAX_KEPT_TASKS}`,
    );
  }
  const { tasks, nowMs, options } = context;
  const patienceMs = durationMs(options.unreachableFor ?? 0, 'unreachableFor');
  const excluded = new Set<string>();
  let present = 0;
  let wakeMs: number | undefined;
  const live = tasks.live(spec.name);
  // By index: it goes through thousands of tasks in each turn, and iterators are garbage.
  for (let index = 0; index < live.length; index++) {
    const one = at(live, index);
    if (isOutOfReach(one.state)) {
      const leftMs = one.updatedAt + patienceMs - nowMs;
      if (leftMs <= 0 || leftMs > patienceMs + CLOCK_STEP_MS) {
        excluded.add(one.id);
        continue;
      }
      wakeMs = Math.min(wakeMs ?? leftMs, leftMs);
    }
    if (!isEnding(one)) present++;
  }
  const missing = Math.max(0, count - present);
  const waits = missing > 0 && durationMs(options.backoff ?? DEFAULT_BACKOFF_MS, 'backoff') > 0;
  const waitMs = waits ? backoffUntil(tasks.all(spec.name), options, nowMs) - nowMs : 0;
  const isTooMany = present > count;
  const others = isTooMany
    ? live.filter((one) => !isEnding(one) && !excluded.has(one.id))
    : NO_TASKS;
  const surplus = worst(others, present - count, evenFields(spec));
  return { missing, surplus, excluded, waitMs: Math.max(0, waitMs), wakeMs };
}

const NO_TASKS: readonly TaskRecord[] = [];

/** What is being ended is as good as gone. */
function isEnding({ killedAt, state }: TaskRecord): boolean {
  return killedAt !== undefined || state === 'KILLING';
}

function isOutOfReach(state: TaskStateName): boolean {
  return state === 'UNREACHABLE' || state === 'UNKNOWN';
}

/** Fields over whose values tasks are to stay even. */
function evenFields({ constraints = [] }: TaskSpec): readonly string[] {
  return constraints.flatMap(([field, operator]) =>
    operator === 'GROUP_BY' ? [fieldName(field)] : [],
  );
}

/**
 * Those that are missed least: out of reach, ill, not running yet; of these those whose value has most
 * tasks, where that matters; of these the youngest.
 */
function worst(
  tasks: readonly TaskRecord[],
  count: number,
  fields: readonly string[],
): readonly TaskRecord[] {
  if (count <= 0) return [];
  const order = tasks.toSorted(
    (one, other) =>
      badness(other) - badness(one) ||
      other.launchedAt - one.launchedAt ||
      (one.id < other.id ? 1 : -1),
  );
  return fields.length === 0 ? order.slice(0, count) : evenly(order, count, fields);
}

function badness({ state, healthy }: TaskRecord): number {
  if (isOutOfReach(state)) return 3;
  if (healthy === false) return 2;
  return state === 'RUNNING' ? 0 : 1;
}

/** Takes one after the other from the value that has most, as long as they are equally bad. */
function evenly(
  order: readonly TaskRecord[],
  count: number,
  fields: readonly string[],
): readonly TaskRecord[] {
  const sizes = new Map<string, number>();
  const keysOf = (task: TaskRecord): readonly string[] =>
    fields.map((field) => `${field}\0${valueOfTask(task, field) ?? ''}`);
  for (const one of order) {
    for (const key of keysOf(one)) sizes.set(key, (sizes.get(key) ?? 0) + 1);
  }
  const sizeOf = (task: TaskRecord): number =>
    keysOf(task).reduce((sum, key) => sum + (sizes.get(key) ?? 0), 0);
  const left = [...order];
  const chosen: TaskRecord[] = [];
  while (chosen.length < count && left.length > 0) {
    const level = badness(at(left, 0));
    let pick = 0;
    for (let index = 1; index < left.length && badness(at(left, index)) === level; index++) {
      if (sizeOf(at(left, index)) > sizeOf(at(left, pick))) pick = index;
    }
    const [task] = left.splice(pick, 1);
    if (task === undefined) break;
    for (const key of keysOf(task)) sizes.set(key, (sizes.get(key) ?? 1) - 1);
    chosen.push(task);
  }
  return chosen;
}
