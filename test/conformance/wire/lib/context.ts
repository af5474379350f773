/**
 * What a case gets: clients of the cluster under test, names of its own, and a list of things to undo.
 * Whatever a case makes is gone when `finish` resolves, so that the next one finds the same cluster.
 */
import { existsSync } from 'node:fs';
import { CheckFailed, Skipped, fail, findIn, get, listAt, textAt } from './check.js';
import { documentOf, exchange } from './http.js';
import { Operator } from './operator.js';
import { Scheduler, type SchedulerOptions, type SchedulerTarget } from './scheduler.js';
import { type Target, attempt } from './target.js';

const POLL_MS = 100;
const EVENTUALLY_MS = 15_000;
const RELEASE_TRIES = 50;
const LOCAL_HOSTS: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

let names = 0;

export class Context implements SchedulerTarget {
  readonly target: Target;
  readonly master: string;
  readonly agent: string;
  readonly agentId: string;
  readonly operator: Operator;
  readonly agentOperator: Operator;
  readonly #caseId: string;
  readonly #schedulers: Scheduler[] = [];
  readonly #frameworks = new Set<string>();
  readonly #undo: (() => unknown)[] = [];
  readonly #rolesToRelease: string[] = [];

  constructor(target: Target, caseId: string) {
    this.target = target;
    this.master = target.master;
    this.agent = target.agent;
    this.agentId = target.agentId;
    this.operator = new Operator(target.master);
    this.agentOperator = new Operator(target.agent);
    this.#caseId = caseId;
  }

  unique(kind: string): string {
    names += 1;
    return `${kind}-${this.target.runId}-${this.#caseId.toLowerCase()}-${names}`;
  }

  created(frameworkId: string): void {
    this.#frameworks.add(frameworkId);
  }

  /** Lets time pass: for a task to get going, or for something that must not happen. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, delayMs));
  }

  /** Something to do after the case; the last registered is done first. */
  cleanup(action: () => unknown): void {
    this.#undo.push(action);
  }

  /** A scheduler that has not connected. */
  session(options: SchedulerOptions = {}): Scheduler {
    const scheduler = new Scheduler(this, options);
    this.#schedulers.push(scheduler);
    return scheduler;
  }

  /** A subscribed scheduler. */
  scheduler(options: SchedulerOptions = {}): Promise<Scheduler> {
    return this.session(options).subscribe();
  }

  /** Asks until the answer is something. A check that fails meanwhile is asked again. */
  async eventually<T>(
    what: string,
    probe: () => Promise<T | undefined>,
    limitMs = EVENTUALLY_MS,
  ): Promise<T> {
    const deadline = performance.now() + limitMs;
    let last: CheckFailed | undefined;
    do {
      try {
        const value = await probe();
        if (value !== undefined && value !== false) return value;
      } catch (error) {
        if (!(error instanceof CheckFailed)) throw error;
        last = error;
      }
      await this.sleep(POLL_MS);
    } while (performance.now() < deadline);
    throw last ?? new CheckFailed(`not within ${limitMs} ms: ${what}`);
  }

  /** A framework's entry in a list of GET_FRAMEWORKS. */
  async framework(id: string, list = 'frameworks'): Promise<unknown> {
    const all = await this.operator.call('GET_FRAMEWORKS');
    return findIn(listAt(all, list), 'framework_info.id.value', id);
  }

  /** A task's entry in a list of GET_TASKS. */
  async task(id: string, list = 'tasks'): Promise<unknown> {
    return findIn(listAt(await this.operator.call('GET_TASKS'), list), 'task_id.value', id);
  }

  /** The entry of the agent under test in GET_AGENTS. */
  async agentEntry(): Promise<unknown> {
    const agents = listAt(await this.operator.call('GET_AGENTS'), 'agents');
    return findIn(agents, 'agent_info.id.value', this.agentId);
  }

  /** The agent's resources that are reserved for a role or one below it. */
  async reservedFor(role: string): Promise<readonly unknown[]> {
    const isOurs = (one: unknown): boolean => {
      const name = textAt(one, 'role');
      return name === role || name.startsWith(`${role}/`);
    };
    const all = listAt(await this.agentEntry(), 'total_resources');
    return all.filter((resource) => listAt(resource, 'reservations').some(isOurs));
  }

  needLocalAgent(): void {
    if (!LOCAL_HOSTS.includes(new URL(this.agent).hostname)) {
      throw new Skipped('the agent is not on this machine');
    }
  }

  needAgentCapability(name: string): void {
    if (!this.target.agentCapabilities.includes(name)) {
      throw new Skipped(`the agent has not the capability ${name}`);
    }
  }

  needProgram(...paths: readonly string[]): void {
    if (!paths.some((path) => existsSync(path))) {
      throw new Skipped(`none of ${paths.join(', ')} is here`);
    }
  }

  /** The sandbox of the executor that a status names. */
  async sandboxOf(status: unknown, frameworkId: string): Promise<string> {
    const state = await this.agentOperator.page('/state');
    const both = (document: unknown, list: string): readonly unknown[] => [
      ...listAt(document, list),
      ...listAt(document, `completed_${list}`),
    ];
    const framework = findIn(both(state, 'frameworks'), 'id', frameworkId);
    const executorId = textAt(status, 'executor_id.value');
    return textAt(findIn(both(framework, 'executors'), 'id', executorId), 'directory');
  }

  /** The start of a file of the agent. */
  async fileOfAgent(path: string): Promise<string> {
    const query = new URLSearchParams({ path, offset: '0' }).toString();
    const answer = await this.agentOperator.get(`/files/read?${query}`);
    if (answer.status !== 200) fail(`reading ${path}`, '200', `${answer.status} ${answer.text}`);
    return textAt(documentOf(answer), 'data');
  }

  /** Empties the quota of a role after the case, and takes it out of the list. */
  dropQuotaLater(role: string): void {
    this.cleanup(async () => {
      const update_quota = { force: true, quota_configs: [{ role }] };
      await this.operator.send({ type: 'UPDATE_QUOTA', update_quota });
      await exchange(this.master, { method: 'DELETE', path: `/quota/${role}` });
    });
  }

  /** Removes volumes and reservations of a role after the case. */
  releaseLater(role: string): void {
    this.#rolesToRelease.push(role);
  }

  /** Undoes everything. Failures are noted; they are not failures of the case. */
  async finish(): Promise<void> {
    const name = this.#caseId;
    for (const action of this.#undo.toReversed()) {
      await attempt(this.target, `${name}: cleaning up`, action);
    }
    for (const scheduler of this.#schedulers) await scheduler.settle();
    for (const id of this.#frameworks) {
      const teardown = { framework_id: { value: id } };
      await attempt(this.target, `${name}: ending ${id}`, () =>
        this.operator.send({ type: 'TEARDOWN', teardown }),
      );
    }
    for (const scheduler of this.#schedulers) scheduler.disconnect();
    for (const role of this.#rolesToRelease) {
      await attempt(this.target, `${name}: releasing ${role}`, () => this.#release(role));
    }
  }

  async #release(role: string): Promise<void> {
    const agent_id = { value: this.agentId };
    for (let round = 0; round < RELEASE_TRIES; round++) {
      const left = await this.reservedFor(role);
      if (left.length === 0) return;
      const isVolume = (one: unknown): boolean => get(one, 'disk.persistence') !== undefined;
      const volumes = left.filter(isVolume);
      const resources = left.filter((one) => !isVolume(one));
      if (volumes.length > 0) {
        await this.operator.send({
          type: 'DESTROY_VOLUMES',
          destroy_volumes: { agent_id, volumes },
        });
      }
      for (const one of resources) {
        await this.operator.send({
          type: 'UNRESERVE_RESOURCES',
          unreserve_resources: { agent_id, resources: [one] },
        });
      }
      await this.sleep(POLL_MS);
    }
    throw new Error('there are reservations left');
  }
}
