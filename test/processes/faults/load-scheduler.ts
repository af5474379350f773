/**
 * A scheduler that keeps a cluster busy with short tasks and writes down every status it is told.
 * It does what a sound scheduler does: it acknowledges what it has written down, asks for what it may
 * have missed after each subscription, and never launches an id twice.
 */
import { userInfo } from 'node:os';
import {
  type FrameworkInfo,
  type Offer,
  type SchedulerEvent,
  type TaskInfo,
  type TaskStatus,
} from '../../../core/api/index.js';
import { SILENT_LOGGER, systemWorld } from '../../../core/base/index.js';
import { OfferRemainder, SchedulerClient } from '../../../core/client/index.js';
import { isAnswer, verdictOf } from './truth.js';

/** What a task takes. */
const SIZE = { cpus: 0.1, memoryMiB: 32 };

/** A task to launch. */
export interface Job {
  readonly taskId: string;
  readonly command: string;
}

/** What the scheduler knows of a task that it has launched. */
export interface History {
  readonly agentId: string;
  /** Every status, in the order of arrival, repeated ones and answers included. */
  readonly told: TaskStatus[];
}

export interface LoadSchedulerOptions {
  readonly masters: string;
  /** The next task to launch, asked for whenever there is room; undefined: none now. */
  readonly next: () => Job | undefined;
  /** Takes the framework of this id over. */
  readonly frameworkId?: string;
  /** False: leaves updates unacknowledged. Default true. */
  readonly acknowledges?: boolean;
}

export class LoadScheduler {
  readonly histories = new Map<string, History>();
  readonly #options: LoadSchedulerOptions;
  readonly #client: SchedulerClient;
  #failure: unknown;

  constructor(options: LoadSchedulerOptions) {
    this.#options = options;
    this.#client = new SchedulerClient({
      world: systemWorld(SILENT_LOGGER),
      masters: options.masters,
      frameworkInfo: frameworkInfo(options.frameworkId),
      onEvent: (event) => this.#take(event),
      backoff: { baseMs: 100, maxMs: 500 },
    });
  }

  get frameworkId(): string | undefined {
    return this.#client.frameworkId;
  }

  /** @throws what ended the client for good, if anything did. */
  get isSubscribed(): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#client.isSubscribed;
  }

  /** Tasks whose end is not known. */
  get open(): readonly string[] {
    return [...this.histories]
      .filter(([, { told }]) => verdictOf(told) === undefined)
      .map(([taskId]) => taskId);
  }

  start(): void {
    this.#client.run().catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** The latest news of a task, answers included. */
  latest(taskId: string): TaskStatus | undefined {
    return this.histories.get(taskId)?.told.at(-1);
  }

  /** The status that told the end of a task. */
  verdict(taskId: string): TaskStatus | undefined {
    return verdictOf(this.histories.get(taskId)?.told ?? []);
  }

  /** Counts the answers to RECONCILE that a task has had. */
  answers(taskId: string): number {
    return (this.histories.get(taskId)?.told ?? []).filter(isAnswer).length;
  }

  /** Asks about tasks; about all that are known to the master when none is named. */
  async reconcile(taskIds: readonly string[]): Promise<void> {
    const tasks = taskIds.map((value, index) => {
      const agentId = this.histories.get(value)?.agentId;
      // Both forms of the question are in use: with the agent, and without.
      const withAgent = index % 2 === 0 && agentId !== undefined;
      return { task_id: { value }, ...(withAgent ? { agent_id: { value: agentId } } : {}) };
    });
    await this.#client.call({ type: 'RECONCILE', reconcile: { tasks } });
  }

  async kill(taskId: string): Promise<void> {
    await this.#client.call({ type: 'KILL', kill: { task_id: { value: taskId } } });
  }

  async teardown(): Promise<void> {
    await this.#client.teardown();
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #take(event: SchedulerEvent): Promise<void> {
    if (event.subscribed !== undefined) {
      await this.reconcile([]);
      if (this.open.length > 0) await this.reconcile(this.open);
    }
    if (event.update !== undefined) await this.#note(event.update.status);
    for (const offer of event.offers?.offers ?? []) await this.#answer(offer);
  }

  async #note(status: TaskStatus): Promise<void> {
    const taskId = status.task_id.value;
    const agentId = status.agent_id?.value ?? '';
    const history = this.histories.get(taskId) ?? { agentId, told: [] };
    this.histories.set(taskId, history);
    history.told.push(status);
    if (this.#options.acknowledges !== false) await this.#client.acknowledge(status);
  }

  async #answer(offer: Offer): Promise<void> {
    const remainder = new OfferRemainder(offer);
    const task_infos: TaskInfo[] = [];
    while (remainder.fits(SIZE)) {
      const job = this.#options.next();
      if (job === undefined) break;
      // Known before it is launched: whatever becomes of the call, its end must be found out.
      this.histories.set(job.taskId, { agentId: offer.agent_id.value, told: [] });
      task_infos.push({
        task_id: { value: job.taskId },
        name: job.taskId,
        agent_id: offer.agent_id,
        resources: remainder.take(SIZE),
        command: { value: job.command },
      });
    }
    await this.#client.call({
      type: 'ACCEPT',
      accept: {
        offer_ids: [offer.id],
        operations: task_infos.length === 0 ? [] : [{ type: 'LAUNCH', launch: { task_infos } }],
        filters: { refuse_seconds: 0.1 },
      },
    });
  }
}

function frameworkInfo(frameworkId: string | undefined): FrameworkInfo {
  return {
    user: userInfo().username,
    name: 'faults',
    failover_timeout: 3600,
    checkpoint: true,
    capabilities: [{ type: 'PARTITION_AWARE' }],
    ...(frameworkId === undefined ? {} : { id: { value: frameworkId } }),
  };
}
