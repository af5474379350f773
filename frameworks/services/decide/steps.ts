/** The steps of a deployment: first what goes, then what is new, then layer by layer along dependencies. Pure. */
import { type App, isSameConfig } from '../apps/app.js';
import type { Change, Step, StepAction } from '../state/model.js';

/**
 * A cycle of dependencies that can be reached from some apps, as ids; undefined: there is none.
 * @param find any app by its id.
 */
export function dependencyCycle(
  apps: readonly App[],
  find: (id: string) => App | undefined,
): readonly string[] | undefined {
  const done = new Set<string>();
  for (const { id } of apps) {
    const cycle = cycleFrom(id, find, done);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** Without recursion: chains of dependencies may be long. */
function cycleFrom(
  start: string,
  find: (id: string) => App | undefined,
  done: Set<string>,
): readonly string[] | undefined {
  const path = new Set<string>();
  const open = [start];
  for (let id = open.at(-1); id !== undefined; id = open.at(-1)) {
    if (done.has(id) || path.has(id)) {
      // All that it depends on has been looked at.
      open.pop();
      path.delete(id);
      done.add(id);
      continue;
    }
    path.add(id);
    for (const next of find(id)?.dependencies ?? []) {
      if (path.has(next)) {
        const list = [...path];
        return [...list.slice(list.indexOf(next)), next];
      }
      if (!done.has(next)) open.push(next);
    }
  }
  return undefined;
}

/**
 * @param isMixed whether instances of other configurations than the app's run.
 */
export function stepsOf(
  changes: Readonly<Record<string, Change>>,
  isMixed: (app: App) => boolean,
): readonly Step[] {
  const entries = Object.entries(changes);
  const gone = entries.flatMap(([id, { to }]) => (to === undefined ? [id] : []));
  const fresh = entries.flatMap(([id, { from, to }]) =>
    from === undefined && to !== undefined ? [id] : [],
  );
  const layers = new Map<number, StepAction[]>();
  const depths = depthsOf(changes);
  for (const [id, { from, to }] of entries) {
    const action = to === undefined ? undefined : actionFor(from, to, isMixed);
    if (action === undefined || to === undefined) continue;
    const depth = depths.get(id) ?? 0;
    const layer = layers.get(depth);
    if (layer === undefined) layers.set(depth, [{ action, app: id }]);
    else layer.push({ action, app: id });
  }
  const sorted = [...layers].toSorted(([one], [other]) => one - other);
  return [
    { actions: gone.map((app): StepAction => ({ action: 'StopApplication', app })) },
    { actions: fresh.map((app): StepAction => ({ action: 'StartApplication', app })) },
    ...sorted.map(([, actions]) => ({ actions })),
  ].filter(({ actions }) => actions.length > 0);
}

function actionFor(
  from: App | undefined,
  to: App,
  isMixed: (app: App) => boolean,
): StepAction['action'] | undefined {
  if (from === undefined) return 'ScaleApplication';
  const isSame = from.versionInfo.lastConfigChangeAt === to.versionInfo.lastConfigChangeAt;
  if (!isSame || isMixed(to)) return 'RestartApplication';
  return from.instances === to.instances && isSameConfig(from, to) ? undefined : 'ScaleApplication';
}

/** For each changed app the longest chain of dependencies among them. Cycles were refused before. */
function depthsOf(changes: Readonly<Record<string, Change>>): ReadonlyMap<string, number> {
  const depths = new Map<string, number>();
  const seen = new Set<string>();
  const dependenciesOf = (id: string): readonly string[] =>
    (changes[id]?.to?.dependencies ?? []).filter(
      (other) => other !== id && changes[other]?.to !== undefined,
    );
  for (const start of Object.keys(changes)) {
    const open = [start];
    for (let id = open.at(-1); id !== undefined; id = open.at(-1)) {
      const dependencies = dependenciesOf(id);
      if (!seen.has(id)) {
        // Those that it depends on come first.
        seen.add(id);
        open.push(...dependencies.filter((other) => !seen.has(other)));
        continue;
      }
      open.pop();
      const below = dependencies.map((other) => 1 + (depths.get(other) ?? 0));
      depths.set(
        id,
        below.reduce((most, depth) => Math.max(most, depth), 0),
      );
    }
  }
  return depths;
}
