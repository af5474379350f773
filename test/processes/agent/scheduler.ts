/**
 * A scheduler for tests: holds the offers that come, launches what it is told, acknowledges every
 * update and keeps everything that it hears, in order.
 */
import { userInfo } from 'node:os';
import type {
  CommandInfo,
  ExecutorInfo,
  FrameworkInfo,
  Offer,
  OfferOperation,
  Resource,
  SchedulerEvent,
  TaskInfo,
  TaskState,
  TaskStatus,
} from '../../../core/api/index.js';
import { isTerminalState } from '../../../core/api/index.js';
import { SILENT_LOGGER, at, systemWorld } from '../../../core/base/index.js';
import { OfferRemainder, SchedulerClient, type TaskSize } from '../../../core/client/index.js';
import { eventually as within } from '../faults/cluster.js';

/** What a task takes, unless a test says otherwise. */
export const SMALL: TaskSize = { cpus: 0.1, memoryMiB: 32 };

export interface TestSchedulerOptions {
  readonly masters: string;
  readonly framework?: Partial<FrameworkInfo>;
  /** False: leaves updates unacknowledged. Default true. */
  readonly acknowledges?: boolean;
}

/** Shorter than the time limit of a test, so that the reason is told. */
const PATIENCE_MS = 10_000;

/** Waits until a condition holds. @throws Error naming `what` when it does not come true. */
export function eventually(
  what: string | (() => string),
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  return within(what, condition, PATIENCE_MS);
}

/** A task to launch: all of a TaskInfo that a test wants to state. */
export type TaskWish = Partial<Omit<TaskInfo, 'task_id' | 'agent_id'>> & { readonly id: string };

export class TestScheduler {
  readonly events: SchedulerEvent[] = [];
  readonly client: SchedulerClient;
  readonly #offers = new Map<string, Offer>();
  readonly #options: TestSchedulerOptions;
  #failure: unknown;

  constructor(options: TestSchedulerOptions) {
    this.#options = options;
    this.client = new SchedulerClient({
      world: systemWorld(SILENT_LOGGER),
      masters: options.masters,
      frameworkInfo: {
        user: userInfo().username,
        name: 'agent tests',
        roles: ['tests'],
        checkpoint: true,
        failover_timeout: 600,
        capabilities: [
          { type: 'MULTI_ROLE' },
          { type: 'RESERVATION_REFINEMENT' },
          { type: 'PARTITION_AWARE' },
        ],
        ...options.framework,
      },
      onEvent: (event) => this.#take(event),
      // The offers of a master that is gone are gone with it.
      onDisconnected: () => this.#offers.clear(),
      backoff: { baseMs: 50, maxMs: 200 },
    });
  }

  async start(): Promise<void> {
    this.client.run().catch((error: unknown) => {
      this.#failure = error;
    });
    await this.#subscribed();
  }

  async #subscribed(): Promise<void> {
    await eventually('the scheduler is subscribed', () => {
      if (this.#failure !== undefined) throw this.#failure;
      return this.client.isSubscribed;
    });
  }

  /** Ends the framework, or what is left of it. */
  async end(): Promise<void> {
    if (this.client.isSubscribed) await this.client.teardown().catch(() => undefined);
    await this.client.close();
  }

  get frameworkId(): string {
    return this.client.frameworkId ?? '';
  }

  /**
   * Waits for an offer and takes it out of those that are held. The others are declined meanwhile:
   * what was freed at different times comes back in one offer.
   */
  async takeOffer(fits: (offer: Offer) => boolean = () => true): Promise<Offer> {
    let taken: Offer | undefined;
    await eventually('an offer that fits', async () => {
      await this.#subscribed();
      const held = [...this.#offers.values()];
      this.#offers.clear();
      taken = held.find(fits);
      const others = held.filter((offer) => offer !== taken).map(({ id }) => id);
      if (others.length > 0) await this.client.decline(others, { refuse_seconds: 0 });
      return taken !== undefined;
    });
    if (taken === undefined) throw new Error('no offer');
    return taken;
  }

  /** Launches tasks on one offer, in one call, after the operations. */
  async launch(wishes: readonly TaskWish[]): Promise<void> {
    const offer = await this.takeOffer((one) => {
      const need = { cpus: 0.2 * wishes.length + 0.2, memoryMiB: 32 * wishes.length + 32 };
      return new OfferRemainder(one).fits(need);
    });
    const remainder = new OfferRemainder(offer);
    const task_infos = wishes.map((wish) => taskInfo(offer, wish, remainder.take(SMALL)));
    await this.accept(offer, [{ type: 'LAUNCH', launch: { task_infos } }]);
  }

  /** Launches a command task on its own. */
  async run(
    id: string,
    command: CommandInfo | string,
    more: Partial<TaskWish> = {},
  ): Promise<void> {
    await this.launch([
      { ...more, id, command: typeof command === 'string' ? { value: command } : command },
    ]);
  }

  async accept(offer: Offer, operations: readonly OfferOperation[]): Promise<void> {
    const accept = { offer_ids: [offer.id], operations, filters: { refuse_seconds: 0 } };
    await this.client.call({ type: 'ACCEPT', accept });
  }

  async kill(taskId: string): Promise<void> {
    await this.#subscribed();
    await this.client.call({ type: 'KILL', kill: { task_id: { value: taskId } } });
  }

  /** What was told about a task, in order, without what was told again. */
  told(taskId: string): readonly TaskStatus[] {
    const seen = new Set<string>();
    return this.events.flatMap(({ update }) => {
      if (update?.status.task_id.value !== taskId) return [];
      const { uuid } = update.status;
      if (uuid !== undefined && seen.has(uuid)) return [];
      if (uuid !== undefined) seen.add(uuid);
      return [update.status];
    });
  }

  states(taskId: string): readonly (TaskState | undefined)[] {
    return this.told(taskId).map(({ state }) => state);
  }

  /** Waits until a task is in a state. @throws Error when it ends in another. */
  async until(taskId: string, state: TaskState): Promise<TaskStatus> {
    const found = (): TaskStatus | undefined =>
      this.told(taskId).find((status) => status.state === state);
    const ended = (): TaskStatus | undefined =>
      this.told(taskId).find((status) => isTerminalState(status.state));
    await eventually(
      () => `${taskId} is ${state}; told: ${this.states(taskId).join(', ')}`,
      () => found() !== undefined || ended() !== undefined,
    );
    const status = found() ?? ended();
    if (status?.state !== state) {
      throw new Error(`${taskId} is ${status?.state ?? 'unknown'}: ${status?.message ?? ''}`);
    }
    return status;
  }

  /** Waits until a task has ended, in whatever way. */
  async ended(taskId: string): Promise<TaskStatus> {
    const found = (): readonly TaskStatus[] =>
      this.told(taskId).filter((status) => isTerminalState(status.state));
    await eventually(
      () => `${taskId} has ended; told: ${this.states(taskId).join(', ')}`,
      () => found().length > 0,
    );
    return at(found(), 0);
  }

  /** Waits for an event and returns what is of interest in it. */
  async event<T>(what: string, pick: (event: SchedulerEvent) => T | undefined): Promise<T> {
    const found = (): T | undefined => {
      for (const event of this.events) {
        const picked = pick(event);
        if (picked !== undefined) return picked;
      }
      return undefined;
    };
    await eventually(what, () => found() !== undefined);
    const picked = found();
    if (picked === undefined) throw new Error(what);
    return picked;
  }

  async #take(event: SchedulerEvent): Promise<void> {
    this.events.push(event);
    for (const offer of event.offers?.offers ?? []) this.#offers.set(offer.id.value, offer);
    const rescinded = event.rescind?.offer_id.value;
    if (rescinded !== undefined) this.#offers.delete(rescinded);
    // Offers of another session, or of another master, are not valid any more.
    if (event.subscribed !== undefined) this.#offers.clear();
    if (event.update !== undefined && this.#options.acknowledges !== false) {
      await this.client.acknowledge(event.update.status);
    }
  }
}

/** A task for an offer. */
export function taskInfo(offer: Offer, wish: TaskWish, resources: readonly Resource[]): TaskInfo {
  const { id, ...more } = wish;
  return {
    name: id,
    resources,
    ...more,
    task_id: { value: id },
    agent_id: offer.agent_id,
  };
}

/** An executor of the test, as one would name it in a TaskInfo. */
export function executorInfo(
  scheduler: TestScheduler,
  options: {
    readonly id: string;
    readonly program: string;
    readonly variables?: Readonly<Record<string, string>>;
  },
): ExecutorInfo {
  const variables = Object.entries(options.variables ?? {});
  return {
    type: 'CUSTOM',
    executor_id: { value: options.id },
    framework_id: { value: scheduler.frameworkId },
    command: {
      shell: false,
      value: process.execPath,
      arguments: ['node', options.program],
      environment: {
        variables: variables.map(([name, value]) => ({ name, type: 'VALUE' as const, value })),
      },
    },
    resources: [
      allocated({ name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 } }),
      allocated({ name: 'mem', type: 'SCALAR', scalar: { value: 32 } }),
    ],
  };
}

function allocated(resource: Resource): Resource {
  return { ...resource, allocation_info: { role: 'tests' } };
}
