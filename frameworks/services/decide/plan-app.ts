/**
 * What an app needs now: how many instances to launch, and which to end. Looks at the present alone, so it
 * gives the same answer after a restart of the scheduler as before. Pure.
 *
 * Invariants: no instance that is healthy is ended unless as many healthy ones stay as the strategy asks for;
 * none is ended because of its number while the truth about any instance of the app is not known.
 */
import type { App } from '../apps/app.js';
import {
  type Instance,
  awayAt,
  isAway,
  isCurrent,
  isEnding,
  isHealthy,
  isOutOfReach,
  readyAt,
} from './instances.js';
import { chooseVictims } from './victims.js';

/**
 * What an app is to come to. `keep`: so many instances, of whatever version. `roll`: all of the app's
 * configuration, replaced as its strategy says. `stop`: none. `hold`: nothing is done yet.
 */
export type Goal =
  | { readonly kind: 'keep' | 'roll'; readonly app: App }
  | { readonly kind: 'stop' }
  | { readonly kind: 'hold' };

export interface AppFacts {
  /** All instances that have not ended. */
  readonly instances: readonly Instance[];
  readonly nowMs: number;
  /** Whether the states of all of them are what the master has told. */
  readonly isReconciled: boolean;
}

export interface AppPlan {
  readonly launch: number;
  readonly kills: readonly Instance[];
  /** When something may change without an event, in milliseconds since 1970. */
  readonly wakeAtMs: number | undefined;
  /** Whether the goal is reached. */
  readonly isDone: boolean;
  /** Instances as wanted: for judging progress. */
  readonly score: number;
  /** Instances would be ended if it were known how all of them stand. */
  readonly isHeldBack: boolean;
}

/** How long an instance may take from its launch until it runs; then another takes its place. */
export const LAUNCH_TIMEOUT_MS = 300_000;

const NOTHING: AppPlan = {
  launch: 0,
  kills: [],
  wakeAtMs: undefined,
  isDone: false,
  score: 0,
  isHeldBack: false,
};

export function planApp(goal: Goal, facts: AppFacts): AppPlan {
  switch (goal.kind) {
    case 'hold':
      return NOTHING;
    case 'stop':
      return planStop(facts);
    case 'keep':
      return planKeep(goal.app, facts);
    default:
      return planRoll(goal.app, facts);
  }
}

/** How many stay healthy during an upgrade, and how many there may be at most. */
export function capacitiesOf({ instances, upgradeStrategy }: App): {
  readonly minHealthy: number;
  readonly most: number;
} {
  const { minimumHealthCapacity, maximumOverCapacity } = upgradeStrategy;
  // Shares are decimal fractions: 10 × 1.1 must be 11.
  const minHealthy = Math.ceil(rounded(instances * minimumHealthCapacity));
  const most = Math.floor(rounded(instances * (1 + maximumOverCapacity)));
  // Without room for one more, nothing could ever be replaced.
  return { minHealthy, most: minHealthy === most ? most + 1 : most };
}

function rounded(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}

function planStop({ instances }: AppFacts): AppPlan {
  const kills = instances.filter(({ task }) => task.killedAt === undefined);
  // What is out of reach is ended when it comes back: its kill is stored.
  const isDone = kills.length === 0 && instances.every((one) => isOutOfReach(one));
  return { ...NOTHING, kills, isDone, score: -instances.length };
}

function planKeep(app: App, facts: AppFacts): AppPlan {
  const { nowMs, isReconciled } = facts;
  const counted = facts.instances.filter((one) => !isEnding(one) && !isAway(one, app, nowMs));
  const surplus = counted.length - app.instances;
  const healthy = counted.filter((one) => isHealthy(one));
  const kills = [...new Set([...chooseVictims(counted, surplus, app), ...stuckOf(counted, nowMs)])];
  return {
    launch: Math.max(0, -surplus),
    kills: isReconciled ? kills : [],
    isHeldBack: !isReconciled && kills.length > 0,
    wakeAtMs: soonest(facts.instances.flatMap((one) => turningPoints(one, app, nowMs))),
    isDone:
      surplus === 0 &&
      healthy.length === app.instances &&
      facts.instances.every((one) => !isEnding(one) || isOutOfReach(one)),
    score: Math.min(healthy.length, app.instances) - Math.max(0, surplus),
  };
}

function planRoll(app: App, facts: AppFacts): AppPlan {
  const { instances, nowMs, isReconciled } = facts;
  const reachable = instances.filter((one) => !isAway(one, app, nowMs));
  const counted = reachable.filter((one) => !isEnding(one));
  const current = counted.filter((one) => isCurrent(one, app));
  // Those out of reach as well: their ends are stored, so that they cannot come back later as they were.
  const old = instances.filter((one) => !isEnding(one) && !isCurrent(one, app));
  const ready = current.filter((one) => (readyAt(one, app) ?? Infinity) <= nowMs);
  const { minHealthy, most } = capacitiesOf(app);
  const room = Math.max(0, most - reachable.length);
  const launch = Math.max(0, Math.min(app.instances - current.length, room));
  const oldHealthy = old.filter((one) => isHealthy(one));
  const spare = Math.max(0, ready.length + oldHealthy.length - minHealthy);
  const surplus = chooseVictims(current, current.length - app.instances, app);
  const kills = new Set([
    ...old.filter((one) => !isHealthy(one)),
    ...surplus.filter((one) => !ready.includes(one)),
    ...[
      ...chooseVictims(oldHealthy, oldHealthy.length, app),
      ...surplus.filter((one) => ready.includes(one)),
    ].slice(0, spare),
    ...stuckOf(current, nowMs),
  ]);
  const others = instances.filter(
    (one) => !isOutOfReach(one) && (isEnding(one) || !isCurrent(one, app)),
  );
  return {
    launch,
    kills: isReconciled ? [...kills] : [],
    isHeldBack: !isReconciled && kills.size > 0,
    wakeAtMs: soonest([
      ...instances.flatMap((one) => turningPoints(one, app, nowMs)),
      ...current.map((one) => later(readyAt(one, app), nowMs)),
    ]),
    isDone:
      ready.length === app.instances && current.length === app.instances && others.length === 0,
    score: ready.length - others.length,
  };
}

/** Those that should run by now and do not. */
function stuckOf(instances: readonly Instance[], nowMs: number): readonly Instance[] {
  return instances.filter((one) => (stuckAt(one) ?? Infinity) <= nowMs);
}

function stuckAt(instance: Instance): number | undefined {
  const { state, launchedAt } = instance.task;
  const isStarting = state === 'LAUNCHING' || state === 'STAGING' || state === 'STARTING';
  return isStarting && !isEnding(instance) ? launchedAt + LAUNCH_TIMEOUT_MS : undefined;
}

/** When an instance stops to count, or is given up. */
function turningPoints(
  instance: Instance,
  app: App,
  nowMs: number,
): readonly (number | undefined)[] {
  const away = isOutOfReach(instance) ? awayAt(instance, app) : undefined;
  return [later(away, nowMs), later(stuckAt(instance), nowMs)];
}

function later(atMs: number | undefined, nowMs: number): number | undefined {
  return atMs !== undefined && atMs > nowMs ? atMs : undefined;
}

/** The smallest of those that are there. */
export function soonest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
