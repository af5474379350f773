/** What is stored: apps, their versions, deployments, and what is remembered of instances. */
import type { Repository } from '../../../sdk/index.js';
import type { App } from '../apps/app.js';
import type { AppIndex } from './app-index.js';
import type { AppRecord } from './app-record.js';

export type ActionName =
  | 'StartApplication'
  | 'ScaleApplication'
  | 'RestartApplication'
  | 'StopApplication';

export interface StepAction {
  readonly action: ActionName;
  readonly app: string;
}

/** Actions that are done beside each other. */
export interface Step {
  readonly actions: readonly StepAction[];
}

/** How an app changes: from nothing, to nothing, or from one version to another. */
export interface Change {
  readonly from?: App | undefined;
  readonly to?: App | undefined;
}

/** Why there is a deployment. `revert`: another one failed. */
export type Cause = 'request' | 'rollback' | 'revert';

export interface DeploymentRecord {
  readonly id: string;
  readonly version: string;
  readonly cause: Cause;
  readonly steps: readonly Step[];
  /** Index of the step under way; the number of steps when all are done. */
  readonly current: number;
  readonly changes: Readonly<Record<string, Change>>;
  /** When there was progress last, in milliseconds since 1970. */
  readonly progressAt: number;
  /** The most instances that were as wanted in the current step. */
  readonly best: number;
}

/** What the records of the SDK do not tell of an instance. Times in milliseconds since 1970. */
export interface InstanceRecord {
  readonly app: string;
  readonly startedAt: number;
  /** Since when it is healthy without a break; undefined: it is not. */
  readonly healthySince?: number | undefined;
  readonly firstSuccess?: number | undefined;
  readonly lastSuccess?: number | undefined;
  readonly lastFailure?: number | undefined;
  readonly lastFailureCause?: string | undefined;
  readonly failures: number;
  readonly addresses: readonly { readonly ipAddress: string; readonly protocol: string }[];
}

/** When an app of a configuration may be launched again after failures. */
export interface DelayRecord {
  readonly config: string;
  /** The next wait, in milliseconds. */
  readonly nextMs: number;
  /** Nothing is launched before. */
  readonly untilMs: number;
  readonly raisedAt: number;
}

export interface TaskFailure {
  readonly appId: string;
  readonly host: string;
  readonly message: string;
  readonly state: string;
  readonly taskId: string;
  readonly timestamp: string;
  readonly version: string;
  readonly slaveId: string | null;
}

/** The deployments under way. */
export interface Deployments extends Repository<DeploymentRecord> {
  /** Those that an app takes part in. */
  of(app: string): readonly DeploymentRecord[];
}

/** All that is stored, as the decisions see it. */
export interface ServiceState {
  readonly apps: Repository<AppRecord>;
  /** By id of the app, a blank, and the version. */
  readonly versions: Repository<App>;
  readonly deployments: Deployments;
  readonly instances: Repository<InstanceRecord>;
  readonly delays: Repository<DelayRecord>;
  readonly failures: Repository<TaskFailure>;
  /** Finds apps; not stored. */
  readonly index: AppIndex;
}

/** Versions of one app that are kept. */
export const MAX_VERSIONS = 50;
/** Deployments at one time. */
export const MAX_DEPLOYMENTS = 100;
/** Apps of one framework. */
export const MAX_APPS = 20_000;
/** Apps that one deployment may change. */
export const MAX_DEPLOYED_APPS = 2_000;
/** One app as JSON, with all defaults. */
export const MAX_APP_BYTES = 256 * 1024;

/** A time as Marathon writes it. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

/** The app, unless it is being removed. */
export function visibleApp(state: ServiceState, id: string): App | undefined {
  const record = state.apps.get(id);
  return record === undefined || record.removedBy !== undefined ? undefined : record.app;
}

/** All apps but those being removed, by id. */
export function visibleApps(state: ServiceState): readonly App[] {
  return state.apps
    .values()
    .flatMap(({ app, removedBy }) => (removedBy === undefined ? [app] : []));
}

/** The versions of an app, the newest first. */
export function versionsOf(state: ServiceState, id: string): readonly App[] {
  const { versions = [] } = state.apps.get(id) ?? {};
  return versions.flatMap((version) => state.versions.get(versionKey(id, version)) ?? []);
}

function versionKey(id: string, version: string): string {
  return `${id} ${version}`;
}

/** Makes a version what is wanted, remembers it, and forgets the oldest beyond the bound. */
export function setApp(state: ServiceState, app: App): void {
  state.index.note(app);
  const { versions: before = [] } = state.apps.get(app.id) ?? {};
  const versions = [...new Set([app.version, ...before])].toSorted().toReversed();
  for (const old of versions.slice(MAX_VERSIONS)) {
    state.versions.delete(versionKey(app.id, old));
  }
  state.versions.set(versionKey(app.id, app.version), app);
  state.apps.set(app.id, { app, versions: versions.slice(0, MAX_VERSIONS) });
}

/** Forgets everything about an app. */
export function forgetApp(state: ServiceState, id: string): void {
  const { versions = [] } = state.apps.get(id) ?? {};
  for (const version of versions) state.versions.delete(versionKey(id, version));
  state.apps.delete(id);
  state.delays.delete(id);
  state.failures.delete(id);
}
