/** The steps of a deployment: first what goes, then what is new, then layer by layer along dependencies. Pure. */
import { type App, isSameConfig } from '../apps/app.js';
import type { Change, Step, StepAction } from '../state/model.js';

/** A cycle of dependencies, as ids; undefined: there is none. */
export function dependencyCycle(apps: readonly App[]): readonly string[] | undefined {
  const byId = new Map(apps.map((app) => [app.id, app]));
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (id: string): readonly string[] | undefined => {
    if (path.includes(id)) return [...path.slice(path.indexOf(id)), id];
    if (done.has(id)) return undefined;
    path.push(id);
    for (const dependency of byId.get(id)?.dependencies ?? []) {
      const cycle = visit(dependency);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    done.add(id);
    return undefined;
  };
  for (const { id } of apps) {
    const cycle = visit(id);
    if (cycle !== undefined) return cycle;
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
  for (const [id, { from, to }] of entries) {
    const action = to === undefined ? undefined : actionFor(from, to, isMixed);
    if (action === undefined || to === undefined) continue;
    const depth = depthOf(to, changes);
    layers.set(depth, [...(layers.get(depth) ?? []), { action, app: id }]);
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

/** The longest chain of dependencies among the changed apps. Cycles were refused before. */
function depthOf(app: App, changes: Readonly<Record<string, Change>>): number {
  const depths = app.dependencies.map((id) => {
    const other = changes[id]?.to;
    return other === undefined || other.id === app.id ? 0 : 1 + depthOf(other, changes);
  });
  return Math.max(0, ...depths);
}
