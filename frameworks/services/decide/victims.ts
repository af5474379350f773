/** Which instances are missed least, when there are too many. Pure. */
import type { App } from '../apps/app.js';
import { type Instance, isCurrent, isHealthy, isOutOfReach } from './instances.js';

/**
 * Out of reach, not running or ill ones first; of equals those of another configuration, then those that keep
 * the rest even, where a constraint asks for that; of these the youngest or the oldest, as the app says.
 */
export function chooseVictims(
  instances: readonly Instance[],
  count: number,
  app: App,
): readonly Instance[] {
  if (count <= 0) return [];
  const sign = app.killSelection === 'OLDEST_FIRST' ? 1 : -1;
  const left = instances.toSorted(
    (one, other) =>
      badness(other) - badness(one) ||
      Number(isCurrent(one, app)) - Number(isCurrent(other, app)) ||
      sign * (one.task.launchedAt - other.task.launchedAt) ||
      (one.task.id < other.task.id ? -1 : 1),
  );
  const fields = evenFields(app);
  if (fields.length === 0) return left.slice(0, count);
  const chosen: Instance[] = [];
  while (chosen.length < count && left.length > 0) {
    const index = mostCrowded(left, fields, app);
    chosen.push(...left.splice(index, 1));
  }
  return chosen;
}

function badness(instance: Instance): number {
  if (isOutOfReach(instance)) return 4;
  if (isHealthy(instance)) return 0;
  if (instance.task.healthy === false) return 3;
  return instance.task.state === 'RUNNING' ? 1 : 2;
}

function evenFields({ constraints }: App): readonly string[] {
  return constraints.flatMap(([field = '', operator]) => (operator === 'GROUP_BY' ? [field] : []));
}

function valueOf({ task }: Instance, field: string): string {
  return task.attributes[field] ?? (field === '@hostname' ? task.hostname : '');
}

/** Of the worst ones, the first whose value has most instances. */
function mostCrowded(left: readonly Instance[], fields: readonly string[], app: App): number {
  const crowd = new Map<string, number>();
  const keysOf = (one: Instance): readonly string[] =>
    fields.map((field) => `${field}\0${valueOf(one, field)}`);
  for (const one of left) {
    for (const key of keysOf(one)) crowd.set(key, (crowd.get(key) ?? 0) + 1);
  }
  const sizeOf = (one: Instance): number =>
    keysOf(one).reduce((sum, key) => sum + (crowd.get(key) ?? 0), 0);
  const [first] = left;
  const levelOf = (one: Instance): number => badness(one) + (isCurrent(one, app) ? 0 : 0.5);
  const level = first === undefined ? 0 : levelOf(first);
  let pick = 0;
  let most = -1;
  for (const [index, one] of left.entries()) {
    if (levelOf(one) !== level) break;
    if (sizeOf(one) > most) {
      most = sizeOf(one);
      pick = index;
    }
  }
  return pick;
}
