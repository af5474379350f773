/** Changes that are asked for: judged, and made to deployments. Nothing has changed when one is refused. */
import type { Context } from '../../../sdk/index.js';
import { type App, type AppDraft, portsOf } from '../apps/app.js';
import { canonicalId, resolveId } from '../apps/app-id.js';
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
import { groupsOf } from '../state/app-index.js';
import { EventLog } from '../state/events.js';
import {
  type Change,
  type DeploymentRecord,
  MAX_APPS,
  MAX_APP_BYTES,
  MAX_DEPLOYED_APPS,
  MAX_DEPLOYMENTS,
  visibleApp,
} from '../state/model.js';
import { invalid, locked, noApp, refuseApi } from './refusals.js';

/** A request that changes something, with what it needs. */
export class Changing {
  readonly log = new EventLog();
  readonly scene: Scene;
  readonly #services: Services;
  readonly #options: NormaliseOptions;
  readonly #fresh = new FreshApps();

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

  /** Creates an app whose id the path of the request says. */
  createAt(
    id: string,
    value: unknown,
    force: boolean,
  ): { readonly app: App; readonly record: DeploymentRecord } {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw refuseApi(400, 'the body must be an app as a JSON object');
    }
    const given: Readonly<Record<string, unknown>> = { ...value };
    this.#refuseOtherId(id, given['id']);
    return this.create({ ...given, id }, force);
  }

  /** The app that an update makes; `isPartial`: fields that are absent stay. */
  updated(id: string, value: unknown, isPartial: boolean): App {
    const before = visibleApp(this.#services, id);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw refuseApi(400, 'the body must be an app as a JSON object');
    }
    const given: Readonly<Record<string, unknown>> = { ...value };
    this.#refuseOtherId(id, given['id']);
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
    const count = Object.keys(changes).length;
    if (count > MAX_DEPLOYED_APPS) {
      throw refuseApi(
        422,
        `one deployment may change ${MAX_DEPLOYED_APPS} apps, and this one changes ${count}: send them in parts`,
      );
    }
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
    const isTaken = (port: number): boolean =>
      this.#fresh.ports.has(port) || services.index.hasPort(port, id);
    const { index } = services;
    const ported =
      withServicePorts(draft, { isTaken, before, from: index.firstPort }) ??
      withServicePorts(draft, { isTaken, before });
    if (ported === undefined) {
      throw invalid([
        { path: '/portDefinitions', message: 'needs service ports, and none is left' },
      ]);
    }
    const stored = services.apps.get(id);
    const app = versioned(ported, stored?.app, {
      nowMs: this.scene.nowMs,
      restart,
      newest: stored?.versions[0],
    });
    const size = Buffer.byteLength(JSON.stringify(app));
    if (size > MAX_APP_BYTES) {
      const message = `has ${size} bytes with its defaults, and may have ${MAX_APP_BYTES}`;
      throw invalid([{ path: '/', message }]);
    }
    try {
      taskOfApp(app);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw invalid([{ path: '/', message }]);
    }
    if (before === undefined) this.#fresh.add(id);
    const given = portsOf(draft);
    for (const [at, { service }] of portsOf(app).entries()) {
      this.#fresh.ports.add(service);
      if (given[at]?.service === 0) index.firstPort = Math.max(index.firstPort, service);
    }
    return app;
  }

  /** An app cannot be renamed; its id may be there as it is written in its group. */
  #refuseOtherId(id: string, given: unknown): void {
    if (typeof given !== 'string' || given === '') return;
    if (canonicalId(given) === id || resolveId(given, id) === id) return;
    throw invalid([{ path: '/id', message: `is '${given}', and the request is about '${id}'` }]);
  }

  /** A path is either an app or a group of apps, also among those of one request. */
  #refuseClash(id: string): void {
    const { apps, index } = this.#services;
    if (apps.size + this.#fresh.size >= MAX_APPS) {
      throw refuseApi(403, `there are ${MAX_APPS} apps already`);
    }
    const clash = index.clashOf(id)?.id ?? this.#fresh.clashOf(id);
    if (clash === undefined) return;
    throw invalid([
      { path: '/id', message: `clashes with the app '${clash}': one is a group of the other` },
    ]);
  }

  #refuseCycle(changes: Readonly<Record<string, Change>>): void {
    const changed = Object.values(changes).flatMap(({ to }) => to ?? []);
    const find = (id: string): App | undefined => {
      const change = changes[id];
      return change === undefined ? visibleApp(this.#services, id) : change.to;
    };
    const cycle = dependencyCycle(changed, find);
    if (cycle === undefined) return;
    throw invalid([{ path: '/dependencies', message: `form a cycle: ${cycle.join(' → ')}` }]);
  }
}

/** The apps that one request creates: they are not stored yet, and count for what follows in it. */
class FreshApps {
  readonly ports = new Set<number>();
  readonly #ids = new Set<string>();
  readonly #groups = new Map<string, string>();

  get size(): number {
    return this.#ids.size;
  }

  add(id: string): void {
    this.#ids.add(id);
    for (const group of groupsOf(id)) this.#groups.set(group, id);
  }

  clashOf(id: string): string | undefined {
    return this.#groups.get(id) ?? groupsOf(id).find((group) => this.#ids.has(group));
  }
}
