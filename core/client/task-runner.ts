/**
 * Runs a set of tasks once and tells how they ended: a one-shot scheduler for `plateau run`, examples
 * and scripts. It lives as long as its process; a scheduler that must survive is written with the
 * SDK. Tasks go to the agent with the most room. A launch that never reached an agent is repeated.
 */
import {
  type FrameworkInfo,
  type Offer,
  type SchedulerEvent,
  type TaskInfo,
  type TaskState,
  type TaskStatus,
  isTerminalState,
} from '../api/index.js';
import { type Disposable, PlateauError, type World, errorMessage } from '../base/index.js';
import { OfferRemainder, type TaskSize } from './offer-remainder.js';
import { SchedulerClient } from './scheduler-client.js';

/** What to run: a task without what only an offer can tell. */
export interface TaskRequest {
  /** Unique among the requests of a runner. */
  readonly id: string;
  readonly size: TaskSize;
  readonly info: Omit<TaskInfo, 'task_id' | 'agent_id' | 'resources'>;
}

/** A request and what became of it. Times are on the monotonic clock of the world. */
export interface TaskRecord {
  readonly request: TaskRequest;
  /** Id of the last launch: that of the request, with `.2`, `.3` after repeated launches. */
  readonly taskId: string;
  readonly launches: number;
  readonly state: TaskState | 'WAITING';
  readonly submittedMs: number;
  readonly launchedMs?: number | undefined;
  readonly runningMs?: number | undefined;
  readonly endedMs?: number | undefined;
  readonly frameworkId?: string | undefined;
  readonly agentId?: string | undefined;
  readonly hostname?: string | undefined;
  /** `host:port` of the agent's server. */
  readonly agentAddress?: string | undefined;
  /** Last status that carried a container. */
  readonly containerId?: string | undefined;
  readonly executorId?: string | undefined;
  readonly status?: TaskStatus | undefined;
}

export interface TaskRunnerOptions {
  readonly world: World;
  /** Addresses of masters, separated by commas. */
  readonly masters: string;
  readonly frameworkInfo: FrameworkInfo;
  /** Told of every change of a task. */
  readonly onChange?: (record: TaskRecord) => void;
  readonly onDisconnected?: (reason: string, retryInMs: number) => void;
  /** Milliseconds for the first subscription; a connection that is lost later is tried for ever. */
  readonly connectTimeoutMs?: number;
}

/** How long a master is looked for at first. */
export const FIRST_CONNECT_TIMEOUT_MS = 10_000;

/** Launches of one request at most: what fails so often is not a matter of luck. */
export const MAX_LAUNCHES = 5;
/** Seconds for which an offer is declined that is too small now. */
const REFUSE_SMALL_SECONDS = 5;
/** Seconds for which offers are declined when nothing waits. */
const REFUSE_IDLE_SECONDS = 3600;

/** The task never reached an executor: running it again repeats nothing. */
const NOT_STARTED: ReadonlySet<TaskStatus['reason']> = new Set([
  'REASON_INVALID_OFFERS',
  'REASON_AGENT_DISCONNECTED',
  'REASON_AGENT_REMOVED',
]);

export class TaskRunner {
  readonly #options: TaskRunnerOptions;
  readonly #client: SchedulerClient;
  readonly #records = new Map<string, TaskRecord>();
  /** Task id of the last launch → id of the request. */
  readonly #requestOf = new Map<string, string>();
  /** Ids of requests that wait for an offer, in their order. */
  readonly #waiting = new Set<string>();
  /** How many requests are not over. */
  #open = 0;
  readonly #waiters = new Set<() => void>();
  #failure: unknown;
  #lastReason = 'no answer';
  #isSuppressed = false;
  #connectTimer: Disposable | undefined;

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
    this.#client = new SchedulerClient({
      world: options.world,
      masters: options.masters,
      frameworkInfo: options.frameworkInfo,
      onEvent: (event) => this.#take(event),
      onDisconnected: (reason, retryInMs) => {
        this.#lastReason = reason;
        options.onDisconnected?.(reason, retryInMs);
      },
    });
  }

  /** The id of the framework, once subscribed. */
  get frameworkId(): string | undefined {
    return this.#client.frameworkId;
  }

  get records(): readonly TaskRecord[] {
    return [...this.#records.values()];
  }

  /** Subscribes. What ends the subscription for good is thrown by `finished`. */
  start(): void {
    this.#client.run().catch((error: unknown) => this.#fail(error));
    const timeoutMs = this.#options.connectTimeoutMs ?? FIRST_CONNECT_TIMEOUT_MS;
    this.#connectTimer = this.#options.world.clock.setTimer(timeoutMs, () => {
      if (this.frameworkId !== undefined) return;
      this.#fail(
        new PlateauError(
          'MASTER_UNREACHABLE',
          `gave up after ${timeoutMs / 1000} s: ${this.#lastReason}`,
        ),
      );
    });
  }

  /** Adds tasks to what shall run. */
  submit(requests: readonly TaskRequest[]): void {
    const submittedMs = this.#options.world.clock.elapsed();
    for (const request of requests) {
      if (this.#records.has(request.id)) {
        throw new PlateauError('INVALID_MESSAGE', `a task '${request.id}' was submitted before`);
      }
      const record = { request, taskId: request.id, launches: 0, submittedMs };
      this.#records.set(request.id, { ...record, state: 'WAITING' });
      this.#waiting.add(request.id);
      this.#open += 1;
    }
    if (this.#isSuppressed && this.#client.isSubscribed) {
      this.#isSuppressed = false;
      this.#send({ type: 'REVIVE', revive: {} });
    }
  }

  /** Resolves with all records once every task submitted so far has ended. */
  async finished(): Promise<readonly TaskRecord[]> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#open === 0) return this.records;
      await new Promise<void>((resolve) => this.#waiters.add(resolve));
    }
  }

  /** Kills what runs and forgets what waits. */
  kill(): void {
    for (const record of this.records) {
      if (record.state === 'WAITING') this.#change(record, { state: 'TASK_KILLED' });
      else if (!isOver(record)) {
        this.#send({ type: 'KILL', kill: { task_id: { value: record.taskId } } });
      }
    }
  }

  /** Ends the framework; tasks that still run are killed. */
  async close(): Promise<void> {
    this.#connectTimer?.dispose();
    if (this.#client.isSubscribed) await this.#client.teardown().catch(() => this.#client.close());
    else await this.#client.close();
  }

  #take(event: SchedulerEvent): void {
    if (event.subscribed !== undefined) this.#subscribed();
    if (event.offers !== undefined) this.#answer(event.offers.offers ?? []);
    if (event.update !== undefined) this.#update(event.update.status);
  }

  /** After a reconnection: what happened meanwhile is asked for. */
  #subscribed(): void {
    this.#isSuppressed = false;
    const tasks = this.records
      .filter((record) => record.state !== 'WAITING' && !isOver(record))
      .map((record) => ({
        task_id: { value: record.taskId },
        ...(record.agentId === undefined ? {} : { agent_id: { value: record.agentId } }),
      }));
    if (tasks.length > 0) this.#send({ type: 'RECONCILE', reconcile: { tasks } });
  }

  #answer(offers: readonly Offer[]): void {
    const remainders = offers.map((offer) => new OfferRemainder(offer));
    const launches = new Map<OfferRemainder, TaskInfo[]>();
    for (const requestId of this.#waiting) {
      const record = this.#records.get(requestId);
      if (record === undefined) continue;
      const place = roomiest(remainders.filter((each) => each.fits(record.request.size)));
      if (place === undefined) continue;
      const task = this.#place(record, place);
      launches.set(place, [...(launches.get(place) ?? []), task]);
    }
    const hasWaiting = this.#waiting.size > 0;
    const filters = { refuse_seconds: hasWaiting ? REFUSE_SMALL_SECONDS : REFUSE_IDLE_SECONDS };
    for (const [{ offer }, tasks] of launches) {
      const launched = this.#client.launch(offer, tasks, filters);
      launched.catch((error: unknown) => this.#logLost('ACCEPT', error));
    }
    const declined = remainders.filter((each) => !launches.has(each)).map(({ offer }) => offer.id);
    if (declined.length > 0) {
      this.#send({ type: 'DECLINE', decline: { offer_ids: declined, filters } });
    }
    if (!hasWaiting && !this.#isSuppressed) {
      this.#isSuppressed = true;
      this.#send({ type: 'SUPPRESS', suppress: {} });
    }
  }

  #place(record: TaskRecord, place: OfferRemainder): TaskInfo {
    const { request } = record;
    const { offer } = place;
    const launches = record.launches + 1;
    const taskId = launches === 1 ? request.id : `${request.id}.${launches}`;
    this.#requestOf.set(taskId, request.id);
    const port = offer.url?.address.port;
    this.#change(record, {
      taskId,
      launches,
      state: 'TASK_STAGING',
      launchedMs: this.#options.world.clock.elapsed(),
      frameworkId: offer.framework_id.value,
      agentId: offer.agent_id.value,
      hostname: offer.hostname,
      agentAddress: `${offer.url?.address.ip ?? offer.hostname}:${port ?? ''}`,
    });
    return {
      ...request.info,
      task_id: { value: taskId },
      agent_id: offer.agent_id,
      resources: place.take(request.size),
    };
  }

  #update(status: TaskStatus): void {
    this.#client.acknowledge(status).catch((error: unknown) => this.#logLost('ACKNOWLEDGE', error));
    const record = this.#records.get(this.#requestOf.get(status.task_id.value) ?? '');
    if (record === undefined || record.taskId !== status.task_id.value || isOver(record)) return;
    const nowMs = this.#options.world.clock.elapsed();
    const isFirstRunning = status.state === 'TASK_RUNNING' && record.runningMs === undefined;
    if (isTerminalState(status.state) && this.#mayRepeat(record, status)) {
      this.#change(record, { state: 'WAITING', status });
      this.#isSuppressed = false;
      this.#send({ type: 'REVIVE', revive: {} });
      return;
    }
    this.#change(record, {
      state: status.state,
      status,
      containerId: status.container_status?.container_id?.value ?? record.containerId,
      executorId: status.executor_id?.value ?? record.executorId,
      runningMs: isFirstRunning ? nowMs : record.runningMs,
      endedMs: isTerminalState(status.state) ? nowMs : undefined,
    });
  }

  #mayRepeat(record: TaskRecord, status: TaskStatus): boolean {
    const isLost = status.state === 'TASK_LOST' || status.state === 'TASK_DROPPED';
    return isLost && NOT_STARTED.has(status.reason) && record.launches < MAX_LAUNCHES;
  }

  #change(record: TaskRecord, change: Partial<TaskRecord>): void {
    const changed = { ...record, ...change };
    this.#records.set(record.request.id, changed);
    if (changed.state === 'WAITING') this.#waiting.add(record.request.id);
    else this.#waiting.delete(record.request.id);
    this.#options.onChange?.(changed);
    if (!isOver(changed)) return;
    this.#open -= 1;
    if (this.#open === 0) this.#wake();
  }

  #send(call: Parameters<SchedulerClient['call']>[0]): void {
    this.#client.call(call).catch((error: unknown) => this.#logLost(call.type ?? '', error));
  }

  /** A lost call is made good by reconciliation after the next subscription, or by new offers. */
  #logLost(type: string, error: unknown): void {
    this.#options.world.log.warn('a call was lost', { type, error: errorMessage(error) });
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiters) resolve();
    this.#waiters.clear();
  }
}

/** Whether nothing more is to come of a request. */
export function isOver(record: TaskRecord): boolean {
  return record.state !== 'WAITING' && isTerminalState(record.state);
}

function roomiest(remainders: readonly OfferRemainder[]): OfferRemainder | undefined {
  let best: OfferRemainder | undefined;
  for (const each of remainders) {
    if (best === undefined || each.left('cpus') > best.left('cpus')) best = each;
  }
  return best;
}
