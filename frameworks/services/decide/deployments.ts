/**
 * Deployments: from the request for a change to its end. A deployment is a stored record of steps with an
 * index; what its apps need is computed from the present, so a scheduler that dies at any moment goes on where
 * it was. A deployment ends done, failed (nothing got better for too long), or cancelled; it never blocks.
 */
import { type App, PROGRESS_DEADLINE_SECONDS, isSameConfig } from '../apps/app.js';
import type { AppDraft } from '../apps/app.js';
import type { EventLog } from '../state/events.js';
import {
  type ActionName,
  type Cause,
  type Change,
  type DeploymentRecord,
  type ServiceState,
  type Step,
  forgetApp,
  setApp,
  timestamp,
} from '../state/model.js';
import type { AppPlan, Goal } from './plan-app.js';
import { stepsOf } from './steps.js';

/** What the functions here are given beside their arguments. */
export interface Scene {
  readonly state: ServiceState;
  readonly nowMs: number;
  readonly log: EventLog;
  readonly newId: () => string;
  /** Whether instances of other configurations than the app's are there. */
  readonly isMixed: (app: App) => boolean;
}

/** The deployments that an app takes part in. */
export function deploymentsOf(state: ServiceState, appId: string): readonly DeploymentRecord[] {
  return state.deployments.of(appId);
}

/**
 * A version for a draft: later than that of the app before.
 * @param options.newest version that there is of the app: later than `before` when that was gone back to.
 */
export function versioned(
  draft: AppDraft,
  before: App | undefined,
  options: {
    readonly nowMs: number;
    readonly restart?: boolean;
    readonly newest?: string | undefined;
  },
): App {
  const known = [before?.version, options.newest].map((each) => Date.parse(each ?? '') || 0);
  const last = before === undefined ? 0 : Math.max(...known) + 1;
  const version = timestamp(Math.max(options.nowMs, last));
  const isSame = before !== undefined && options.restart !== true && isSameConfig(before, draft);
  return {
    ...draft,
    version,
    versionInfo: {
      lastScalingAt: version,
      lastConfigChangeAt: isSame ? before.versionInfo.lastConfigChangeAt : version,
    },
  };
}

/** Starts a deployment: what is wanted changes at once, the instances follow. Conflicts are the caller's. */
export function startDeployment(
  scene: Scene,
  changes: Readonly<Record<string, Change>>,
  cause: Cause = 'request',
): DeploymentRecord {
  const { state, nowMs, log } = scene;
  const id = scene.newId();
  const version = timestamp(nowMs);
  const steps = stepsOf(changes, scene.isMixed);
  const record: DeploymentRecord = {
    id,
    version,
    cause,
    steps,
    current: 0,
    changes,
    progressAt: nowMs,
    best: Number.MIN_SAFE_INTEGER,
  };
  for (const [appId, { to }] of Object.entries(changes)) {
    const before = state.apps.get(appId);
    if (to !== undefined) setApp(state, to);
    else if (before !== undefined) state.apps.set(appId, { ...before, removedBy: id });
    // Whatever failed before, the new attempt begins at once.
    state.delays.delete(appId);
  }
  state.deployments.set(id, record);
  log.add('group_change_success', nowMs, { groupId: '/', version });
  log.add('deployment_info', nowMs, {
    plan: planOf(record),
    currentStep: steps[0] ?? { actions: [] },
  });
  return record;
}

/** Apps of a deployment that events show as they were and are to be; with more, only their ids are shown. */
export const MAX_PLAN_APPS = 100;

/** A deployment as events show it. Events are for all readers at once: large ones would cut slow readers off. */
export function planOf(record: DeploymentRecord): Readonly<Record<string, unknown>> {
  const { id, version, steps, changes } = record;
  if (Object.keys(changes).length > MAX_PLAN_APPS) return { id, steps, version };
  const group = (side: 'from' | 'to'): Readonly<Record<string, unknown>> => ({
    id: '/',
    apps: Object.values(changes).flatMap((change) => change[side] ?? []),
    groups: [],
    pods: [],
    dependencies: [],
    version,
  });
  return { id, original: group('from'), target: group('to'), steps, version };
}

/** What is done with one app in a deployment: in which steps, from the first to the last. */
interface AppActions {
  readonly first: number;
  last: number;
  readonly byStep: Map<number, ActionName>;
}

/** By app. Made once for each list of steps: with many apps, searching it for each would take long. */
const ACTIONS = new WeakMap<readonly Step[], ReadonlyMap<string, AppActions>>();

function actionsOf(steps: readonly Step[]): ReadonlyMap<string, AppActions> {
  const known = ACTIONS.get(steps);
  if (known !== undefined) return known;
  const made = new Map<string, AppActions>();
  for (const [index, { actions }] of steps.entries()) {
    for (const { action, app } of actions) {
      const before = made.get(app);
      if (before === undefined) {
        made.set(app, { first: index, last: index, byStep: new Map([[index, action]]) });
      } else {
        before.last = index;
        before.byStep.set(index, action);
      }
    }
  }
  ACTIONS.set(steps, made);
  return made;
}

/** What an app is to come to now. */
export function goalOf(state: ServiceState, appId: string): Goal {
  const record = state.apps.get(appId);
  if (record === undefined) return { kind: 'hold' };
  const [deployment] = deploymentsOf(state, appId);
  if (deployment === undefined) {
    return record.removedBy === undefined ? { kind: 'keep', app: record.app } : { kind: 'stop' };
  }
  const { steps, current, changes } = deployment;
  const actions = actionsOf(steps).get(appId);
  const change = changes[appId];
  if (actions === undefined) return { kind: 'keep', app: record.app };
  if (current < actions.first) {
    return change?.from === undefined ? { kind: 'hold' } : { kind: 'keep', app: change.from };
  }
  if (current > actions.last) return { kind: 'keep', app: record.app };
  const action = actions.byStep.get(current);
  switch (action) {
    case 'StopApplication':
      return { kind: 'stop' };
    case 'RestartApplication':
      return { kind: 'roll', app: record.app };
    case 'ScaleApplication':
      return { kind: 'keep', app: record.app };
    default:
      return { kind: 'hold' };
  }
}

/** What becomes of a deployment now. `planFor` tells how its apps stand. */
export function advanceDeployment(
  scene: Scene,
  deployment: DeploymentRecord,
  planFor: (appId: string) => AppPlan,
  canJudge: (appId: string) => boolean,
): void {
  let record = deployment;
  for (;;) {
    const step = record.steps[record.current];
    if (step === undefined) {
      finish(scene, record);
      return;
    }
    const isDone = step.actions.every(
      ({ action, app }) => action === 'StartApplication' || planFor(app).isDone,
    );
    if (!isDone) break;
    record = endStep(scene, record);
  }
  judgeProgress(scene, record, { planFor, canJudge });
}

function endStep(scene: Scene, record: DeploymentRecord): DeploymentRecord {
  const { state, nowMs, log } = scene;
  const step = record.steps[record.current];
  for (const { action, app } of step?.actions ?? []) {
    if (action !== 'StopApplication') continue;
    forgetApp(state, app);
    log.add('app_terminated_event', nowMs, { appId: app });
  }
  const next = {
    ...record,
    current: record.current + 1,
    progressAt: nowMs,
    best: Number.MIN_SAFE_INTEGER,
  };
  state.deployments.set(record.id, next);
  log.add('deployment_step_success', nowMs, { plan: planOf(record), currentStep: step });
  const following = next.steps[next.current];
  if (following !== undefined) {
    log.add('deployment_info', nowMs, { plan: planOf(next), currentStep: following });
  }
  return next;
}

function finish({ state, nowMs, log }: Scene, record: DeploymentRecord): void {
  state.deployments.delete(record.id);
  log.add('deployment_success', nowMs, { id: record.id, plan: planOf(record) });
}

/** When the deployment has failed, unless there is progress before; undefined: it may take for ever. */
export function deadlineOf({
  steps,
  current,
  changes,
  progressAt,
}: DeploymentRecord): number | undefined {
  const actions = steps[current]?.actions ?? [];
  // What is to go is ended again and again until it has.
  if (actions.some(({ action }) => action === 'StopApplication')) return undefined;
  const seconds = actions.map(
    ({ app }) =>
      changes[app]?.to?.upgradeStrategy.progressDeadlineSeconds ?? PROGRESS_DEADLINE_SECONDS,
  );
  return progressAt + Math.max(0, ...seconds) * 1000;
}

function judgeProgress(
  scene: Scene,
  record: DeploymentRecord,
  {
    planFor,
    canJudge,
  }: { planFor: (appId: string) => AppPlan; canJudge: (appId: string) => boolean },
): void {
  const { state, nowMs } = scene;
  const actions = record.steps[record.current]?.actions ?? [];
  const score = actions.reduce((sum, { app }) => sum + planFor(app).score, 0);
  if (score > record.best) {
    state.deployments.set(record.id, { ...record, best: score, progressAt: nowMs });
    return;
  }
  const deadlineMs = deadlineOf(record);
  if (deadlineMs === undefined || deadlineMs > nowMs) return;
  // What is known may be old: no verdict on it.
  if (!actions.every(({ app }) => canJudge(app))) return;
  fail(scene, record);
}

function fail(scene: Scene, record: DeploymentRecord): void {
  const { state, nowMs, log } = scene;
  const step = record.steps[record.current];
  const waitedSeconds = Math.round((nowMs - record.progressAt) / 1000);
  const reason = `no progress for ${waitedSeconds} s`;
  state.deployments.delete(record.id);
  log.add('deployment_step_failure', nowMs, { plan: planOf(record), currentStep: step, reason });
  log.add('deployment_failed', nowMs, { id: record.id, plan: planOf(record), reason });
  if (isReverted(record)) startDeployment(scene, inverted(scene, record, false), 'revert');
}

/** An upgrade goes back; what was only scaled or is new goes on trying, outside of any deployment. */
function isReverted({ cause, steps, changes }: DeploymentRecord): boolean {
  if (cause !== 'request') return false;
  const restarts = steps.flatMap(({ actions }) =>
    actions.filter(({ action }) => action === 'RestartApplication'),
  );
  return (
    restarts.length > 0 &&
    restarts.every(({ app }) => changes[app]?.to?.upgradeStrategy.autoRevert !== false)
  );
}

/** The changes that undo those of a deployment. */
function inverted(
  { state }: Scene,
  { changes }: DeploymentRecord,
  withNew: boolean,
): Readonly<Record<string, Change>> {
  const back = Object.entries(changes).flatMap(([id, { from }]): [string, Change][] => {
    const now = state.apps.get(id)?.app;
    if (from === undefined && (!withNew || now === undefined)) return [];
    return [[id, { from: now, ...(from === undefined ? {} : { to: from }) }]];
  });
  return Object.fromEntries(back);
}

/** Ends a deployment where it is. What it left is kept: the right number of instances, of mixed versions. */
export function cancelDeployment(scene: Scene, record: DeploymentRecord): void {
  const { state, nowMs, log } = scene;
  state.deployments.delete(record.id);
  log.add('deployment_failed', nowMs, {
    id: record.id,
    plan: planOf(record),
    reason: 'cancelled',
  });
}

/** Ends a deployment, and starts one that goes back to what was before it. */
export function rollBack(scene: Scene, record: DeploymentRecord): DeploymentRecord {
  const changes = inverted(scene, record, true);
  cancelDeployment(scene, record);
  return startDeployment(scene, changes, 'rollback');
}
