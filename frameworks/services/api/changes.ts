/** Changes that are asked for: judged, and made to deployments. Nothing has changed when one is refused. */
import type { Context } from '../../../sdk/index.js';
import type { App, AppDraft } from '../apps/app.js';
import {
  type NormaliseOptions,
  type Normalised,
  mergeApp,
  normaliseApp,
} from '../apps/normalise.js';
import { withServicePorts } from '../apps/service-ports.js';
import { taskOfApp } from '../apps/task-of-app.js';
import {
  type Scene,
  cancelDeployment,
  deploymentsOf,
  startDeployment,
  versioned,
} from '../decide/deployments.js';
import { dependencyCycle } from '../decide/steps.js';
import type { Services } from '../services.js';
import { EventLog } from '../state/events.js';
import {
  type Change,
  type DeploymentRecord,
  MAX_APPS,
  MAX_DEPLOYMENTS,
  visibleApp,
  visibleApps,
} from '../state/model.js';
import { invalid, locked, noApp, refuseApi } from './refusals.js';

/** A request that changes something, with what it needs. */
export class Changing {
  readonly log = new EventLog();
  readonly scene: Scene;
  readonly #services: Services;
  readonly #options: NormaliseOptions;

  constructor(services: Services, context: Context, options: NormaliseOptions) {
    this.#services = services;
    this.#options = options;
    this.scene = services.scene(context, this.log);
  }

  /** Creates an app. */
  create(value: unknown, force: boolean): { readonly app: App; readonly record: DeploymentRecord } {
    const draft = this.#good(normaliseApp(value, this.#options));
    if (visibleApp(this.#services, draft.id) !== undefined) {
      throw refuseApi(409, `An app with id [${draft.id}] already exists.`);
    }
    const app = this.#accepted(draft, {});
    return { app, record: this.deploy({ [app.id]: this.#change(app) }, force) };
  }

  /** The app that an update makes; `isPartial`: fields that are absent stay. */
  updated(id: string, value: unknown, isPartial: boolean): App {
    const before = visibleApp(this.#services, id);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw refuseApi(400, 'the body must be an app as a JSON object');
    }
    const given: Readonly<Record<string, unknown>> = { ...value };
    if (isPartial && typeof given['version'] === 'string') {
      return this.#atVersion(id, given, given['version']);
    }
    const json = before !== undefined && isPartial ? mergeApp(before, given) : { ...given, id };
    const draft = this.#good(normaliseApp(json, this.#options));
    return this.#accepted(draft, { before });
  }

  /** The app with all of its instances to be replaced. */
  restarted(id: string): App {
    const before = visibleApp(this.#services, id);
    if (before === undefined) throw noApp(id);
    const { version: _version, versionInfo: _info, ...draft } = before;
    return this.#accepted(draft, { before, restart: true });
  }

  /** The app with another number of instances. */
  scaled(app: App, instances: number): App {
    const { version: _version, versionInfo: _info, ...draft } = app;
    return this.#accepted({ ...draft, instances }, { before: app });
  }

  /** Starts the deployment of changed apps, when no other one is at work on them. */
  update(apps: readonly App[], force: boolean): DeploymentRecord {
    return this.deploy(Object.fromEntries(apps.map((app) => [app.id, this.#change(app)])), force);
  }

  remove(id: string, force: boolean): DeploymentRecord {
    const app = visibleApp(this.#services, id);
    if (app === undefined) throw noApp(id);
    return this.deploy({ [id]: { from: app } }, force);
  }

  deploy(changes: Readonly<Record<string, Change>>, force: boolean): DeploymentRecord {
    this.#refuseCycle(changes);
    const { deployments } = this.#services;
    const conflicts = new Set(
      Object.keys(changes).flatMap((id) => deploymentsOf(this.#services, id)),
    );
    if (conflicts.size > 0 && !force) throw locked([...conflicts]);
    for (const conflict of conflicts) cancelDeployment(this.scene, conflict);
    if (deployments.size >= MAX_DEPLOYMENTS) {
      throw refuseApi(403, `there are ${MAX_DEPLOYMENTS} deployments already: wait for one to end`);
    }
    for (const id of Object.keys(changes)) this.#services.touch(id);
    return startDeployment(this.scene, changes);
  }

  /** Tells what has happened: at the end, when nothing was refused. */
  publish(): void {
    this.#services.hub.publish(this.log.events);
  }

  /** What was there, also if it is just being removed. */
  #change(app: App): Change {
    return { from: this.#services.apps.get(app.id)?.app, to: app };
  }

  #atVersion(id: string, given: Readonly<Record<string, unknown>>, version: string): App {
    const others = Object.keys(given).filter((field) => field !== 'version' && field !== 'id');
    if (others.length > 0) {
      throw invalid([
        { path: '/version', message: `means to go back to it, and excludes ${others.join(', ')}` },
      ]);
    }
    const before = visibleApp(this.#services, id);
    if (before === undefined) throw noApp(id);
    const found = this.#services.versions.get(`${id} ${version}`);
    if (found === undefined)
      throw refuseApi(404, `App '${id}' does not have the version '${version}'`);
    const { version: _version, versionInfo: _info, ...draft } = found;
    return this.#accepted(draft, { before });
  }

  #good(normalised: Normalised): AppDraft {
    if (normalised.kind === 'good') return normalised.app;
    throw invalid(normalised.problems);
  }

  #accepted(
    draft: AppDraft,
    { before, restart = false }: { readonly before?: App | undefined; readonly restart?: boolean },
  ): App {
    const services = this.#services;
    const { id } = draft;
    if (before === undefined) this.#refuseClash(id);
    const others = visibleApps(services).filter((app) => app.id !== id);
    const ported = withServicePorts(draft, others, before);
    if (ported === undefined) {
      throw invalid([
        { path: '/portDefinitions', message: 'needs service ports, and none is left' },
      ]);
    }
    const last = services.apps.get(id)?.app;
    const app = versioned(ported, last, { nowMs: this.scene.nowMs, restart });
    try {
      taskOfApp(app);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw invalid([{ path: '/', message }]);
    }
    return app;
  }

  /** A path is either an app or a group of apps. */
  #refuseClash(id: string): void {
    const { apps } = this.#services;
    if (apps.size >= MAX_APPS) throw refuseApi(403, `there are ${MAX_APPS} apps already`);
    for (const other of visibleApps(this.#services)) {
      if (!other.id.startsWith(`${id}/`) && !id.startsWith(`${other.id}/`)) continue;
      throw invalid([
        { path: '/id', message: `clashes with the app '${other.id}': one is a group of the other` },
      ]);
    }
  }

  #refuseCycle(changes: Readonly<Record<string, Change>>): void {
    const changed = Object.values(changes).flatMap(({ to }) => to ?? []);
    if (changed.every(({ dependencies }) => dependencies.length === 0)) return;
    const ids = new Set(changed.map(({ id }) => id));
    const others = visibleApps(this.#services).filter(({ id }) => !ids.has(id));
    const cycle = dependencyCycle([...changed, ...others]);
    if (cycle === undefined) return;
    throw invalid([{ path: '/dependencies', message: `form a cycle: ${cycle.join(' → ')}` }]);
  }
}
