/**
 * Which tasks have to end so that guarantees can be met. Pure: it looks at the cluster and names
 * tasks; nothing is done here.
 *
 * Only roles that want offers count, and only what they lack beyond all that is free: what is free
 * is theirs already, by the headroom. No role is taken below its own guarantee. Of what can be taken,
 * no more is named than is missing: tasks that use revocable resources first; then, if allowed, those
 * of roles that hold more than their guarantee: each time of the role that has most beyond it. Of one
 * framework the newest go first, as least work is lost.
 */
import { isTerminalState } from '../api/index.js';
import { topLevelRole } from '../resources/index.js';
import type { ClusterView } from './cluster.js';
import type { RevocableTasks } from './config.js';
import type { Framework, TaskRecord } from './framework.js';
import {
  type Sums,
  addTo,
  consumedByRole,
  freeForAnybody,
  unreservedPart,
} from './quota-consumption.js';

export interface RevocationQuestion {
  readonly cluster: ClusterView;
  readonly tasks: RevocableTasks;
  /** Tasks that were asked to end for this before: what they hold is on its way. */
  readonly ending: ReadonlySet<TaskRecord>;
}

export interface RevocationPlan {
  /** Roles whose guarantees lack something. */
  readonly roles: readonly string[];
  /** What is missing beyond what is free or on its way. */
  readonly missing: ReadonlyMap<string, number>;
  /** May free less than is missing, when there is no more to be taken. */
  readonly tasks: readonly TaskRecord[];
}

/** Makes a plan; undefined when no guarantee lacks anything, or what is free suffices. */
export function planRevocation(question: RevocationQuestion): RevocationPlan | undefined {
  const { cluster, ending } = question;
  const wanting = [...cluster.quotas.keys()].filter((role) => isWantedFor(cluster, role));
  if (wanting.length === 0) return undefined;
  const consumed = consumedByRole(cluster, 'used-and-offered');
  const taking = new Taking(cluster, consumed);
  const roles = wanting.filter((role) => taking.need(role));
  if (roles.length === 0) return undefined;
  taking.subtract(freeForAnybody(cluster));
  for (const task of ending) taking.count(task);
  if (!taking.isAnyMissing) return undefined;
  const missing = taking.missing();
  return { roles, missing, tasks: pickTasks(question, taking) };
}

/** Whether a framework would take what the role is guaranteed: none of a role below is given it. */
function isWantedFor({ frameworks }: ClusterView, role: string): boolean {
  const wants = ({ isConnected, roles, suppressedRoles }: Readonly<Framework>): boolean =>
    isConnected && roles.includes(role) && !suppressedRoles.has(role);
  return [...frameworks.values()].some(wants);
}

function pickTasks({ cluster, tasks, ending }: RevocationQuestion, taking: Taking): TaskRecord[] {
  const revocable: TaskRecord[] = [];
  const others: TaskRecord[] = [];
  for (const framework of cluster.frameworks.values()) {
    for (const task of [...framework.tasks.values()].toReversed()) {
      if (ending.has(task) || !isEndable(task, cluster)) continue;
      const isRevocable = task.resources.items.some((item) => item.revocable);
      (isRevocable ? revocable : others).push(task);
    }
  }
  const picked = taking.fromRichest(revocable);
  return tasks === 'revocable' ? picked : [...picked, ...taking.fromRichest(others)];
}

/** Whether asking it to end would free anything: it runs, where somebody can be told to end it. */
function isEndable(task: TaskRecord, cluster: ClusterView): boolean {
  if (task.isReleased || task.kill !== undefined || isTerminalState(task.message.state)) {
    return false;
  }
  return cluster.agents.get(task.agentId)?.isConnected === true;
}

/** Takes one task after the other until nothing is missing. */
class Taking {
  readonly #quotas: ClusterView['quotas'];
  /** By top-level role; less what was taken. */
  readonly #consumed: ReadonlyMap<string, Sums>;
  readonly #missing: Sums = new Map();
  readonly #needy = new Set<string>();

  constructor({ quotas }: ClusterView, consumed: ReadonlyMap<string, Sums>) {
    this.#quotas = quotas;
    this.#consumed = consumed;
  }

  /** Adds what a role lacks of its guarantee; whether it lacks anything. */
  need(role: string): boolean {
    for (const [name, amount] of this.#guarantee(role)) {
      const unmet = amount - (this.#consumed.get(role)?.get(name) ?? 0);
      if (unmet <= 0) continue;
      this.#needy.add(role);
      addTo(this.#missing, name, unmet);
    }
    return this.#needy.has(role);
  }

  /** What comes from elsewhere is not missing. */
  subtract(sums: Sums): void {
    for (const [name, amount] of sums) {
      if (this.#missing.has(name)) addTo(this.#missing, name, -Math.max(0, amount));
    }
  }

  /** What a task holds is on its way: it is not missing any more, nor of use to its role. */
  count({ resources }: Pick<TaskRecord, 'resources'>): void {
    const part = unreservedPart(resources);
    this.subtract(part);
    const consumed = this.#consumed.get(topRoleOf(resources));
    for (const [name, amount] of part) if (consumed !== undefined) addTo(consumed, name, -amount);
  }

  get isAnyMissing(): boolean {
    return [...this.#missing.values()].some((amount) => amount > 0);
  }

  missing(): ReadonlyMap<string, number> {
    return new Map([...this.#missing].filter(([, amount]) => amount > 0));
  }

  fromRichest(tasks: readonly TaskRecord[]): TaskRecord[] {
    const queues = new Map<string, Iterator<TaskRecord>>();
    for (const [role, queue] of byTopLevelRole(tasks)) {
      if (!this.#needy.has(role)) queues.set(role, queue.values());
    }
    const picked: TaskRecord[] = [];
    while (this.isAnyMissing && queues.size > 0) {
      const role = this.#richest(queues.keys());
      const next = queues.get(role)?.next();
      if (next === undefined || next.done === true) queues.delete(role);
      else if (this.#take(next.value, role)) picked.push(next.value);
    }
    return picked;
  }

  #richest(roles: Iterable<string>): string {
    let richest = '';
    let most = Number.NEGATIVE_INFINITY;
    for (const role of roles) {
      let surplus = 0;
      for (const [name, amount] of this.#missing) {
        if (amount > 0) surplus += this.#surplus(role, name) / amount;
      }
      if (surplus <= most) continue;
      richest = role;
      most = surplus;
    }
    return richest;
  }

  #take({ resources }: TaskRecord, role: string): boolean {
    const part = unreservedPart(resources);
    if (![...part.keys()].some((name) => (this.#missing.get(name) ?? 0) > 0)) return false;
    const isTooMuch = [...part].some(
      ([name, amount]) => this.#guarantee(role).has(name) && amount > this.#surplus(role, name),
    );
    if (isTooMuch) return false;
    this.count({ resources });
    return true;
  }

  #surplus(role: string, name: string): number {
    const consumed = this.#consumed.get(role)?.get(name) ?? 0;
    return consumed - (this.#guarantee(role).get(name) ?? 0);
  }

  #guarantee(role: string): ReadonlyMap<string, number> {
    return this.#quotas.get(role)?.guarantees ?? NOTHING;
  }
}

const NOTHING: ReadonlyMap<string, number> = new Map();

function byTopLevelRole(tasks: readonly TaskRecord[]): ReadonlyMap<string, readonly TaskRecord[]> {
  const groups = new Map<string, TaskRecord[]>();
  for (const task of tasks) {
    const role = topRoleOf(task.resources);
    const group = groups.get(role);
    if (group === undefined) groups.set(role, [task]);
    else group.push(task);
  }
  return groups;
}

function topRoleOf(resources: TaskRecord['resources']): string {
  return topLevelRole(resources.allocationRoles()[0] ?? '*');
}
