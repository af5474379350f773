/**
 * The framework: what happens is written down, and `@OnOffers` does what the decisions say. Everything that
 * must survive is in the stored fields; the rest can be computed from them.
 */
import {
  type Action,
  type Connected,
  type Context,
  type Decision,
  Every,
  Framework,
  MemoryRepository,
  OnConnected,
  OnOffers,
  OnStart,
  OnStatus,
  type Offers,
  type Placement,
  type Repository,
  Stored,
  type TaskSpec,
  type TaskUpdate,
  isEnded,
  kill,
  wake,
  wantNothing,
} from '../../sdk/index.js';
import type { App } from './apps/app.js';
import { taskNameOf } from './apps/app-id.js';
import { taskOfApp } from './apps/task-of-app.js';
import { delayAfter, delayedUntil } from './decide/delays.js';
import { type Scene, advanceDeployment, deadlineOf, goalOf } from './decide/deployments.js';
import { type Instance, instanceData, isCurrent } from './decide/instances.js';
import { type AppFacts, type AppPlan, planApp, soonest } from './decide/plan-app.js';
import { EventHub } from './state/event-hub.js';
import { EventLog } from './state/events.js';
import { LaunchQueue } from './state/launch-queue.js';
import {
  type AppRecord,
  type DelayRecord,
  type DeploymentRecord,
  type InstanceRecord,
  type ServiceState,
  type TaskFailure,
  forgetApp,
} from './state/model.js';
import {
  failureOf,
  instanceAfter,
  instanceEvents,
  launchEvents,
} from './state/instance-changes.js';

/** How soon a deployment whose truth is not known yet is judged again. */
const JUDGE_AGAIN_MS = 5_000;

/** What the framework is told when it is made. */
export interface ServicesOptions {
  readonly name: string;
  readonly masters: string;
  /** Those of the framework; the first is that of apps that name none. */
  readonly roles: readonly string[];
  readonly allowsGpus: boolean;
}

const DEFAULTS: ServicesOptions = {
  name: 'services',
  masters: '',
  roles: ['*'],
  allowsGpus: false,
};

@Framework({ name: 'services' })
export class Services implements ServiceState {
  @Stored('apps') readonly apps: Repository<AppRecord> = new MemoryRepository();
  @Stored('versions') readonly versions: Repository<App> = new MemoryRepository();
  @Stored('deployments') readonly deployments: Repository<DeploymentRecord> =
    new MemoryRepository();
  @Stored('instances') readonly instances: Repository<InstanceRecord> = new MemoryRepository();
  @Stored('delays') readonly delays: Repository<DelayRecord> = new MemoryRepository();
  @Stored('failures') readonly failures: Repository<TaskFailure> = new MemoryRepository();

  readonly options: ServicesOptions;
  readonly queue = new LaunchQueue();
  hub = new EventHub('0');
  readonly #specs = new Map<string, { readonly version: string; readonly spec: TaskSpec }>();
  /** Apps to look at; all at the start. */
  readonly #dirty = new Set<string>();
  readonly #wakeAt = new Map<string, number>();
  #isSweep = true;

  constructor(options: Partial<ServicesOptions> = {}) {
    this.options = { ...DEFAULTS, ...options };
  }

  @OnStart() begin(context: Context): void {
    this.hub = new EventHub(context.ids.uuid().slice(-12));
  }

  /** The time without a scheduler does not count against deployments. */
  @OnConnected() connected(_connected: Connected, context: Context): void {
    const nowMs = context.clock.now();
    for (const record of this.deployments.values()) {
      this.deployments.set(record.id, { ...record, progressAt: nowMs });
    }
    this.#isSweep = true;
  }

  /** Nothing that should have been seen stays unseen for longer. */
  @Every('5m') sweep(): void {
    this.#isSweep = true;
  }

  @OnStatus() changed(update: TaskUpdate, context: Context): void {
    const { task } = update;
    const data = instanceData(task);
    if (data === undefined) return;
    this.#dirty.add(data.app);
    const nowMs = context.clock.now();
    const log = new EventLog();
    const before = this.instances.get(task.id);
    const after = instanceAfter(before, update, nowMs);
    if (isEnded(task.state)) this.instances.delete(task.id);
    else if (after !== undefined && after !== before) this.instances.set(task.id, after);
    instanceEvents(log, update, { before, after, nowMs });
    const app = this.apps.get(data.app)?.app;
    if (app !== undefined && isEnded(task.state)) {
      const failure = failureOf(update, nowMs);
      if (failure !== undefined) this.failures.set(app.id, failure);
      if (data.config === app.versionInfo.lastConfigChangeAt) {
        const delay = delayAfter(app, task, { before: this.delays.get(app.id), nowMs });
        if (delay !== undefined) this.delays.set(app.id, delay);
      }
    }
    this.hub.publish(log.events);
  }

  @OnOffers() place(offers: Offers, context: Context): Decision {
    const nowMs = context.clock.now();
    const log = new EventLog();
    this.#advance(this.scene(context, log), context);
    const wakes: (number | undefined)[] = this.deployments.values().map((record) => {
      const deadlineMs = deadlineOf(record);
      return deadlineMs === undefined ? undefined : Math.max(deadlineMs, nowMs + JUDGE_AGAIN_MS);
    });
    const decisions: (Placement | Action)[] = [wantNothing()];
    for (const appId of this.#toLookAt(nowMs)) {
      decisions.push(...this.#serve(appId, { offers, context, log }));
    }
    wakes.push(...this.#wakeAt.values());
    const next = soonest(wakes);
    if (next !== undefined) decisions.push(wake({ after: Math.max(1, Math.ceil(next - nowMs)) }));
    this.hub.publish(log.events);
    return decisions;
  }

  /** The app is to be looked at: what is wanted of it has changed. */
  touch(appId: string): void {
    this.#dirty.add(appId);
  }

  /** What decisions about deployments need. */
  scene(context: Context, log: EventLog): Scene {
    return {
      state: this,
      nowMs: context.clock.now(),
      log,
      newId: () => context.ids.uuid(),
      isMixed: (app) => this.instancesOf(app.id, context).some((one) => !isCurrent(one, app)),
    };
  }

  /** The instances of an app that have not ended. */
  instancesOf(appId: string, context: Pick<Context, 'tasks'>): readonly Instance[] {
    return context.tasks.live(taskNameOf(appId)).flatMap((task) => {
      const data = instanceData(task);
      return data === undefined ? [] : [{ task, data, record: this.instances.get(task.id) }];
    });
  }

  #factsOf(appId: string, context: Context): AppFacts {
    const instances = this.instancesOf(appId, context);
    return {
      instances,
      nowMs: context.clock.now(),
      isReconciled:
        context.connection === 'subscribed' &&
        instances.every(({ task }) => context.isReconciled(task.id)),
    };
  }

  #planFor(appId: string, context: Context): AppPlan {
    return planApp(goalOf(this, appId), this.#factsOf(appId, context));
  }

  #advance(scene: Scene, context: Context): void {
    const seen = new Set<string>();
    for (;;) {
      // One that fails may begin another, which may have reached its end already.
      const record = this.deployments.values().find(({ id }) => !seen.has(id));
      if (record === undefined) return;
      seen.add(record.id);
      for (const appId of Object.keys(record.changes)) this.#dirty.add(appId);
      advanceDeployment(
        scene,
        record,
        (appId) => this.#planFor(appId, context),
        (appId) => this.#factsOf(appId, context).isReconciled,
      );
    }
  }

  #toLookAt(nowMs: number): readonly string[] {
    const due = [...this.#wakeAt].flatMap(([appId, atMs]) => (atMs <= nowMs ? [appId] : []));
    const waiting = this.queue.entries().map(([appId]) => appId);
    const all = this.#isSweep ? this.apps.entries().map(([appId]) => appId) : [];
    const chosen = new Set([...this.#dirty, ...due, ...waiting, ...all]);
    this.#dirty.clear();
    this.#isSweep = false;
    return [...chosen];
  }

  #serve(
    appId: string,
    scene: { readonly offers: Offers; readonly context: Context; readonly log: EventLog },
  ): readonly (Placement | Action)[] {
    const { context } = scene;
    this.#wakeAt.delete(appId);
    const record = this.apps.get(appId);
    if (record === undefined) {
      this.queue.done(appId);
      this.#specs.delete(appId);
      return [];
    }
    const goal = goalOf(this, appId);
    const plan = planApp(goal, this.#factsOf(appId, context));
    // Its deployment was cancelled by force: it goes all the same.
    const isForgotten = goal.kind === 'stop' && plan.isDone && !this.#isDeployed(appId);
    if (isForgotten) forgetApp(this, appId);
    if (plan.wakeAtMs !== undefined) this.#wakeAt.set(appId, plan.wakeAtMs);
    const kills = plan.kills.map(({ task }) => kill(task));
    if (plan.launch === 0 || goal.kind === 'stop' || goal.kind === 'hold') {
      this.queue.done(appId);
      return kills;
    }
    return [...kills, ...this.#launch(goal.app, plan.launch, scene)];
  }

  #isDeployed(appId: string): boolean {
    return this.deployments.values().some(({ changes }) => Object.hasOwn(changes, appId));
  }

  #launch(
    app: App,
    count: number,
    { offers, context, log }: { offers: Offers; context: Context; log: EventLog },
  ): readonly Placement[] {
    const nowMs = context.clock.now();
    const untilMs = delayedUntil(app, this.delays.get(app.id), nowMs);
    if (untilMs !== undefined) {
      this.queue.delayed(app.id, count, { nowMs, untilMs });
      const known = this.#wakeAt.get(app.id) ?? Infinity;
      this.#wakeAt.set(app.id, Math.min(known, untilMs));
      return [];
    }
    const placement = offers.fit(this.#specOf(app), { count });
    const { placed, unplaced } = placement;
    this.queue.looked(app.id, { offers: offers.size, placed: placed.length, unplaced }, nowMs);
    launchEvents(log, app, placed, nowMs);
    return [placement];
  }

  #specOf(app: App): TaskSpec {
    const known = this.#specs.get(app.id);
    if (known?.version === app.version) return known.spec;
    const spec = taskOfApp(app);
    this.#specs.set(app.id, { version: app.version, spec });
    return spec;
  }
}
