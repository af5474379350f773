/**
 * Deployments in the store: what never changes of one apart from how far it has come, and each of its apps
 * apart. So progress is a small write however many apps there are, and no value grows with their number.
 */
import type { Repository } from '../../../sdk/index.js';
import type { Cause, Change, DeploymentRecord, Deployments, Step } from './model.js';

/** What stays the same from the beginning of a deployment to its end. */
export interface DeploymentPlan {
  readonly id: string;
  readonly version: string;
  readonly cause: Cause;
  readonly steps: readonly Step[];
  /** Ids of the apps that it changes. */
  readonly apps: readonly string[];
}

export type DeploymentProgress = Pick<DeploymentRecord, 'current' | 'progressAt' | 'best'>;

/** Where the parts are. */
export interface DeploymentParts {
  readonly plans: Repository<DeploymentPlan>;
  readonly progress: Repository<DeploymentProgress>;
  /** By id of the deployment, a blank, and the id of the app. */
  readonly changes: Repository<Change>;
}

export class DeploymentStore implements Deployments {
  readonly #parts: () => DeploymentParts;
  /**
   * Whole records by their progress. A value of a repository is replaced, never changed, and a turn that fails
   * brings the value before back: so what was made for a value stays true.
   */
  readonly #whole = new WeakMap<DeploymentProgress, DeploymentRecord>();

  /** Ids of deployments by app; some may be over, none is missing. */
  readonly #byApp = new Map<string, Set<string>>();
  #isBuilt = false;

  /** @param parts where the parts are now: the runtime replaces repositories when it begins. */
  constructor(parts: () => DeploymentParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#parts().plans.size;
  }

  has(id: string): boolean {
    return this.#parts().plans.has(id);
  }

  get(id: string): DeploymentRecord | undefined {
    const { plans, progress, changes } = this.#parts();
    const plan = plans.get(id);
    const reached = progress.get(id);
    if (plan === undefined || reached === undefined) return undefined;
    const known = this.#whole.get(reached);
    if (known !== undefined) return known;
    const { apps, ...rest } = plan;
    const entries = apps.map((app) => [app, changes.get(changeKey(id, app)) ?? {}] as const);
    const whole = { ...rest, ...reached, changes: Object.fromEntries(entries) };
    this.#whole.set(reached, whole);
    return whole;
  }

  of(app: string): readonly DeploymentRecord[] {
    if (!this.#isBuilt) {
      this.#isBuilt = true;
      for (const plan of this.#parts().plans.values()) this.#note(plan);
    }
    const found: DeploymentRecord[] = [];
    for (const id of this.#byApp.get(app) ?? []) {
      const record = this.get(id);
      if (record !== undefined) found.push(record);
    }
    return found;
  }

  /** Forgets which apps were in deployments that are over. */
  refresh(): void {
    this.#byApp.clear();
    this.#isBuilt = false;
  }

  entries(): readonly (readonly [string, DeploymentRecord])[] {
    return this.values().map((record) => [record.id, record] as const);
  }

  values(): readonly DeploymentRecord[] {
    const plans = this.#parts().plans.values();
    return plans.flatMap(({ id }) => this.get(id) ?? []);
  }

  /** Begins a deployment, or notes how far a known one has come: nothing else of it may have changed. */
  set(id: string, record: DeploymentRecord): void {
    const { plans, progress, changes } = this.#parts();
    if (!plans.has(id)) {
      const { version, cause, steps } = record;
      const plan = { id, version, cause, steps, apps: Object.keys(record.changes) };
      plans.set(id, plan);
      if (this.#isBuilt) this.#note(plan);
      for (const [app, change] of Object.entries(record.changes)) {
        changes.set(changeKey(id, app), change);
      }
    }
    const { current, progressAt, best } = record;
    const reached = { current, progressAt, best };
    this.#whole.set(reached, record);
    progress.set(id, reached);
  }

  delete(id: string): void {
    const { plans, progress, changes } = this.#parts();
    for (const app of plans.get(id)?.apps ?? []) changes.delete(changeKey(id, app));
    plans.delete(id);
    progress.delete(id);
  }

  #note({ id, apps }: DeploymentPlan): void {
    for (const app of apps) {
      const known = this.#byApp.get(app);
      if (known === undefined) this.#byApp.set(app, new Set([id]));
      else known.add(id);
    }
  }
}

function changeKey(id: string, app: string): string {
  return `${id} ${app}`;
}
