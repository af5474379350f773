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
} from '../../sdk/index.js';
import type { App } from './apps/app.js';
import { taskNameOf } from './apps/app-id.js';
import { taskOfApp } from './apps/task-of-app.js';
import { delayAfter, delayedUntil } from './decide/delays.js';
import {
  type Scene,
  advanceDeployment,
  deadlineOf,
  deploymentsOf,
  goalOf,
} from './decide/deployments.js';
import { type Instance, instanceData, isCurrent } from './decide/instances.js';
import { type AppFacts, type AppPlan, type Goal, planApp, soonest } from './decide/plan-app.js';
import { AppIndex } from './state/app-index.js';
import type { AppRecord } from './state/app-record.js';
import {
  type DeploymentPlan,
  type DeploymentProgress,
  DeploymentStore,
} from './state/deployment-store.js';
import { EventHub } from './state/event-hub.js';
import { EventLog } from './state/events.js';
import { LaunchQueue, unusedOffers } from './state/launch-queue.js';
import {
  type Change,
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
/** How soon an app is looked at again of which nothing can be ended before the truth is known. */
const TRUTH_AGAIN_MS = 1_000;

/** A plan with what it was made of. Tasks are not among it: whoever changes them says so by `touch`. */
interface KnownPlan {
  readonly plan: AppPlan;
  readonly goal: Goal;
  readonly record: AppRecord | undefined;
  readonly deployment: string | undefined;
  readonly current: number | undefined;
}

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
  @Stored('deployment-plans') readonly plans: Repository<DeploymentPlan> = new MemoryRepository();
  @Stored('deployment-progress') readonly progress: Repository<DeploymentProgress> =
    new MemoryRepository();
  @Stored('deployment-changes') readonly changes: Repository<Change> = new MemoryRepository();
  @Stored('instances') readonly instances: Repository<InstanceRecord> = new MemoryRepository();
  @Stored('delays') readonly delays: Repository<DelayRecord> = new MemoryRepository();
  @Stored('failures') readonly failures: Repository<TaskFailure> = new MemoryRepository();

  readonly options: ServicesOptions;
  readonly deployments = new DeploymentStore(() => this);
  readonly index = new AppIndex(() => this.apps);
  readonly queue = new LaunchQueue();
  hub = new EventHub('0');
  readonly #specs = new Map<string, { readonly version: string; readonly spec: TaskSpec }>();
  /** What apps need, as long as nothing of theirs has changed: see `#planFor`. */
  readonly #known = new Map<string, KnownPlan>();
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
    this.sweep();
  }

  /** Nothing that should have been seen stays unseen for longer. */
  @Every('5m') sweep(): void {
    this.#isSweep = true;
    this.#known.clear();
    this.index.refresh();
    this.deployments.refresh();
  }

  @OnStatus() changed(update: TaskUpdate, context: Context): void {
    const { task } = update;
    const data = instanceData(task);
    if (data === undefined) return;
    this.touch(data.app);
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
    const decisions: (Placement | Action)[] = [];
    const placements: Placement[] = [];
    for (const appId of this.#toLookAt(nowMs)) {
      const { kills, placement } = this.#serve(appId, { offers, context, log });
      decisions.push(...kills);
      if (placement !== undefined) placements.push(placement);
    }
    decisions.push(joined(placements));
    wakes.push(...this.#wakeAt.values());
    const next = soonest(wakes);
    if (next !== undefined) decisions.push(wake({ after: Math.max(1, Math.ceil(next - nowMs)) }));
    this.hub.publish(log.events);
    return decisions;
  }

  /** The app is to be looked at: what is wanted of it, or something of its tasks, has changed. */
  touch(appId: string): void {
    this.#dirty.add(appId);
    this.#known.delete(appId);
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

  /**
   * What the app needs. Deployments may be of many apps, and each turn asks about all of them: so what was said
   * is kept until the app, its deployment or its tasks change, or a moment comes that was told before.
   */
  #planFor(appId: string, context: Context): AppPlan {
    const nowMs = context.clock.now();
    const record = this.apps.get(appId);
    const [deployment] = deploymentsOf(this, appId);
    const known = this.#known.get(appId);
    if (
      known?.record === record &&
      known?.deployment === deployment?.id &&
      known?.current === deployment?.current &&
      known !== undefined &&
      (known.plan.wakeAtMs ?? Infinity) > nowMs
    ) {
      return known.plan;
    }
    const goal = goalOf(this, appId);
    const facts = this.#factsOf(appId, context);
    const plan = planApp(goal, facts);
    this.#dirty.add(appId);
    if (facts.isReconciled) {
      const { id, current } = deployment ?? {};
      this.#known.set(appId, { plan, goal, record, deployment: id, current });
    } else {
      this.#known.delete(appId);
    }
    return plan;
  }

  #advance(scene: Scene, context: Context): void {
    const seen = new Set<string>();
    let open = this.deployments.values();
    while (open.length > 0) {
      for (const record of open) this.#advanceOne(record, scene, context);
      for (const { id } of open) seen.add(id);
      // One that fails may begin another, which may have reached its end already.
      open = this.deployments.values().filter(({ id }) => !seen.has(id));
    }
  }

  #advanceOne(record: DeploymentRecord, scene: Scene, context: Context): void {
    advanceDeployment(
      scene,
      record,
      (appId) => this.#planFor(appId, context),
      (appId) => this.#factsOf(appId, context).isReconciled,
    );
    // With another step, or without the deployment, something else may be wanted of each of its apps.
    if (this.deployments.get(record.id)?.current === record.current) return;
    for (const appId of Object.keys(record.changes)) this.touch(appId);
  }

  #toLookAt(nowMs: number): readonly string[] {
    const due = [...this.#wakeAt].flatMap(([appId, atMs]) => (atMs <= nowMs ? [appId] : []));
    const all = this.#isSweep ? this.apps.entries().map(([appId]) => appId) : [];
    const chosen = new Set([...this.#dirty, ...due, ...this.queue.ids(), ...all]);
    this.#dirty.clear();
    this.#isSweep = false;
    return [...chosen];
  }

  #serve(
    appId: string,
    scene: { readonly offers: Offers; readonly context: Context; readonly log: EventLog },
  ): { readonly kills: readonly Action[]; readonly placement?: Placement | undefined } {
    const { context } = scene;
    this.#wakeAt.delete(appId);
    const record = this.apps.get(appId);
    if (record === undefined) {
      this.queue.done(appId);
      this.#specs.delete(appId);
      this.#known.delete(appId);
      return { kills: [] };
    }
    const plan = this.#planFor(appId, context);
    this.#dirty.delete(appId);
    const goal = this.#known.get(appId)?.goal ?? goalOf(this, appId);
    // Its deployment was cancelled by force: it goes all the same.
    const isForgotten = goal.kind === 'stop' && plan.isDone && !this.#isDeployed(appId);
    if (isForgotten) forgetApp(this, appId);
    this.#wakeFor(appId, plan.wakeAtMs);
    if (plan.isHeldBack) this.#wakeFor(appId, context.clock.now() + TRUTH_AGAIN_MS);
    // What is decided changes its tasks: the next turn looks at it again.
    if (plan.kills.length > 0 || plan.launch > 0) this.touch(appId);
    const kills = plan.kills.map(({ task }) => kill(task));
    if (plan.launch === 0 || goal.kind === 'stop' || goal.kind === 'hold') {
      this.queue.done(appId);
      return { kills };
    }
    return { kills, placement: this.#launch(goal.app, plan.launch, scene) };
  }

  #wakeFor(appId: string, atMs: number | undefined): void {
    if (atMs === undefined) return;
    this.#wakeAt.set(appId, Math.min(this.#wakeAt.get(appId) ?? Infinity, atMs));
  }

  #isDeployed(appId: string): boolean {
    return deploymentsOf(this, appId).length > 0;
  }

  #launch(
    app: App,
    count: number,
    { offers, context, log }: { offers: Offers; context: Context; log: EventLog },
  ): Placement | undefined {
    const nowMs = context.clock.now();
    const untilMs = delayedUntil(app, this.delays.get(app.id), nowMs);
    if (untilMs !== undefined) {
      this.queue.delayed(app.id, count, { nowMs, untilMs });
      this.#wakeFor(app.id, untilMs);
      return undefined;
    }
    const placement = offers.fit(this.#specOf(app), { count });
    const { placed, unplaced } = placement;
    const unused = unplaced.length === 0 ? [] : unusedOffers(offers, app, { unplaced, nowMs });
    const looked = { offers: offers.size, placed: placed.length, unplaced, unused };
    this.queue.looked(app.id, looked, nowMs);
    launchEvents(log, app, placed, nowMs);
    return placement;
  }

  #specOf(app: App): TaskSpec {
    const known = this.#specs.get(app.id);
    if (known?.version === app.version) return known.spec;
    const spec = taskOfApp(app);
    this.#specs.set(app.id, { version: app.version, spec });
    return spec;
  }
}

/** The placements as one, which wants what all of them want: they are of different names. */
function joined(placements: readonly Placement[]): Placement {
  const actions = placements.flatMap((placement) => placement.actions);
  const wants = actions.flatMap((action) => (action.kind === 'want' ? action.wants : []));
  const others = actions.filter(({ kind }) => kind !== 'want');
  return {
    placed: placements.flatMap(({ placed }) => placed),
    unplaced: placements.flatMap(({ unplaced }) => unplaced),
    surplus: [],
    actions: [...others, { kind: 'want', replaces: 'all', wants }],
  };
}
