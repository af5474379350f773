/**
 * A scheduler's connection to the cluster: subscribes, stays subscribed over failures and changes of
 * the leader, hands events over in order, and sends calls in order. It decides nothing about offers.
 */
import {
  type FrameworkID,
  type FrameworkInfo,
  type Offer,
  type OfferID,
  type OfferOperation,
  type OfferOperationLaunchGroup,
  type OperationStatus,
  type SchedulerCall,
  type SchedulerCallReconcileOperationsOperation,
  type SchedulerEvent,
  type TaskInfo,
  type TaskStatus,
  type Filters,
  decodeJson,
  encodeJson,
} from '../api/index.js';
import { type Disposable, PlateauError, type World, errorMessage } from '../base/index.js';
import { parseAddresses } from './addresses.js';
import { Backoff, type BackoffOptions, Pause } from './backoff.js';
import { CallQueue } from './call-queue.js';
import { type EventStream, openEventStream } from './event-stream.js';
import { DEFAULT_MASTER_PORT } from './operator-client.js';

/** Heartbeat intervals without any event after which a stream counts as dead. */
export const MAX_MISSED_HEARTBEATS = 5;
/** Seconds between heartbeats until the master has told its own interval. */
const ASSUMED_HEARTBEAT_SECONDS = 15;

/** A call without what the client fills in. */
export type SchedulerCallBody = Omit<SchedulerCall, 'framework_id' | 'subscribe'>;

export interface SchedulerClientOptions {
  readonly world: World;
  /** `host:port` or URLs of masters, separated by commas; the leader is found among them. */
  readonly masters: string;
  /** With its `id` set, the client takes the framework over. */
  readonly frameworkInfo: FrameworkInfo;
  /** Roles for which no offers are wanted at first. */
  readonly suppressedRoles?: readonly string[];
  /**
   * Is given every event, in order: the next one only when the promise of this one has resolved, and
   * nothing more is read from the network meanwhile. What it throws ends the client, except for
   * retriable errors, such as those of calls that could not be sent: they end the connection, and the
   * client subscribes again.
   */
  readonly onEvent: (event: SchedulerEvent) => void | Promise<void>;
  /** Told whenever the connection is lost or could not be made, with the wait before the next try. */
  readonly onDisconnected?: (reason: string, retryInMs: number) => void;
  readonly backoff?: BackoffOptions;
}

export class SchedulerClient {
  readonly #options: SchedulerClientOptions;
  readonly #masters: readonly URL[];
  readonly #backoff: Backoff;
  readonly #pause: Pause;
  readonly #abort = new AbortController();
  #info: FrameworkInfo;
  #stream: EventStream | undefined;
  #calls: CallQueue | undefined;
  #running: Promise<void> | undefined;
  #nextMaster = 0;
  #isHandling = false;
  #isTearingDown = false;

  /** @throws PlateauError `INVALID_FLAG` when the addresses are not well-formed. */
  constructor(options: SchedulerClientOptions) {
    this.#options = options;
    this.#info = options.frameworkInfo;
    this.#masters = parseAddresses(options.masters, DEFAULT_MASTER_PORT);
    this.#backoff = new Backoff(options.world.random.fork('scheduler-client'), options.backoff);
    this.#pause = new Pause(options.world.clock);
  }

  /** The id that the master gave, once subscribed. Store it to take the framework over later. */
  get frameworkId(): string | undefined {
    return this.#info.id?.value;
  }

  /** Whether the master has confirmed the subscription and calls can be made. */
  get isSubscribed(): boolean {
    return this.#calls !== undefined;
  }

  /** The master to which the client is subscribed. */
  get master(): URL | undefined {
    return this.#stream?.url;
  }

  /**
   * Subscribes, again and again when needed. Resolves when `close` was called.
   * @throws PlateauError `FRAMEWORK_REMOVED` when the framework cannot subscribe under its id any
   *   more, `CALL_REFUSED` when the master does not accept it or another instance took it over; and
   *   whatever `onEvent` throws. The client is of no use afterwards.
   */
  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  /**
   * Makes a call; the framework id is filled in. Calls reach the master in the order of `call`.
   * Resolves when the master has accepted it, which promises nothing about its effect: launches are
   * confirmed by status updates alone.
   * @throws PlateauError `CALL_REFUSED`, `MASTER_UNREACHABLE` (it may have arrived), `STREAM_ENDED`
   *   (not subscribed: it was not sent).
   */
  async call(call: SchedulerCallBody): Promise<void> {
    const type = call.type ?? 'the call';
    const { calls, frameworkId } = this.#subscription(type);
    await calls.send(type, encodeJson('SchedulerCall', { ...call, framework_id: frameworkId }));
  }

  /**
   * Confirms a status update, once it has been dealt with. Updates without a uuid need none. Unlike
   * other calls it may overtake, and be overtaken.
   * @throws PlateauError as `call` does.
   */
  async acknowledge(status: TaskStatus): Promise<void> {
    const { uuid, agent_id, task_id } = status;
    if (uuid === undefined || agent_id === undefined) return;
    const type = 'ACKNOWLEDGE';
    const { calls, frameworkId } = this.#subscription(type);
    const acknowledge = { agent_id, task_id, uuid };
    const call: SchedulerCall = { type, framework_id: frameworkId, acknowledge };
    await calls.sendBeside(type, encodeJson('SchedulerCall', call));
  }

  /**
   * Confirms an UPDATE_OPERATION_STATUS event, once it has been dealt with; it is repeated until then.
   * Statuses without a uuid need none. Like `acknowledge` it may overtake, and be overtaken.
   * @throws PlateauError as `call` does.
   */
  async acknowledgeOperation(status: OperationStatus): Promise<void> {
    const { uuid, agent_id, operation_id, resource_provider_id } = status;
    if (uuid === undefined || agent_id === undefined || operation_id === undefined) return;
    const type = 'ACKNOWLEDGE_OPERATION_STATUS';
    const { calls, frameworkId } = this.#subscription(type);
    const acknowledge_operation_status = {
      agent_id,
      operation_id,
      resource_provider_id,
      uuid: uuid.value,
    };
    const call: SchedulerCall = { type, framework_id: frameworkId, acknowledge_operation_status };
    await calls.sendBeside(type, encodeJson('SchedulerCall', call));
  }

  /**
   * Asks for the states of operations; without any named, of all whose outcome was not acknowledged.
   * Each answer is an UPDATE_OPERATION_STATUS event without a uuid.
   */
  async reconcileOperations(
    operations: readonly SchedulerCallReconcileOperationsOperation[] = [],
  ): Promise<void> {
    await this.call({ type: 'RECONCILE_OPERATIONS', reconcile_operations: { operations } });
  }

  /**
   * Accepts offers of one agent and role: the operations are done in order, what they leave is declined,
   * by default for 5 seconds. An operation with an id is answered by UPDATE_OPERATION_STATUS.
   */
  async accept(
    offerIds: readonly OfferID[],
    operations: readonly OfferOperation[],
    filters?: Filters,
  ): Promise<void> {
    await this.call({ type: 'ACCEPT', accept: { offer_ids: offerIds, operations, filters } });
  }

  /** Accepts an offer to launch tasks; what they leave is declined, by default for 5 seconds. */
  async launch(offer: Offer, tasks: readonly TaskInfo[], filters?: Filters): Promise<void> {
    const operations = [{ type: 'LAUNCH' as const, launch: { task_infos: tasks } }];
    await this.accept([offer.id], operations, filters);
  }

  /**
   * Accepts an offer to launch a task group: all of its tasks under one executor, or none. What they
   * leave is declined, by default for 5 seconds.
   */
  async launchGroup(
    offer: Offer,
    group: OfferOperationLaunchGroup,
    filters?: Filters,
  ): Promise<void> {
    await this.accept([offer.id], [{ type: 'LAUNCH_GROUP', launch_group: group }], filters);
  }

  /** Declines offers, by default for 5 seconds. */
  async decline(offerIds: readonly OfferID[], filters?: Filters): Promise<void> {
    await this.call({ type: 'DECLINE', decline: { offer_ids: offerIds, filters } });
  }

  /**
   * Promises to give back what the framework holds on the agents of these inverse offers before their
   * maintenance begins. It has to end its tasks there itself. As long as it holds something, it is
   * asked again, by default after 5 seconds.
   */
  async acceptInverseOffers(offerIds: readonly OfferID[], filters?: Filters): Promise<void> {
    const accept_inverse_offers = { inverse_offer_ids: offerIds, filters };
    await this.call({ type: 'ACCEPT_INVERSE_OFFERS', accept_inverse_offers });
  }

  /** Says that the tasks stay; asked again, by default after 5 seconds. It stops no operator. */
  async declineInverseOffers(offerIds: readonly OfferID[], filters?: Filters): Promise<void> {
    const decline_inverse_offers = { inverse_offer_ids: offerIds, filters };
    await this.call({ type: 'DECLINE_INVERSE_OFFERS', decline_inverse_offers });
  }

  /** Ends the framework: its tasks are killed, and it can never subscribe again. Then closes. */
  async teardown(): Promise<void> {
    // The stream may end before the call is answered: that must not lead to a new subscription.
    this.#isTearingDown = true;
    try {
      await this.call({ type: 'TEARDOWN' });
    } catch (error) {
      this.#isTearingDown = false;
      throw error;
    }
    await this.close();
  }

  /**
   * Leaves: calls already made are sent, then the stream is closed. The master keeps the tasks for the
   * failover timeout of the framework. Does not throw for what ended the client before. While an
   * event is being handled it does not wait for the handler, so handlers may call it.
   */
  async close(): Promise<void> {
    if (!this.#abort.signal.aborted) {
      await this.#calls?.drain();
      this.#abort.abort();
      this.#stream?.cut('the client was closed');
      this.#pause.end();
    }
    if (!this.#isHandling) await this.#running?.catch(() => undefined);
  }

  #subscription(type: string): { readonly calls: CallQueue; readonly frameworkId: FrameworkID } {
    const frameworkId = this.#info.id;
    if (this.#calls !== undefined && frameworkId !== undefined) {
      return { calls: this.#calls, frameworkId };
    }
    throw new PlateauError('STREAM_ENDED', `${type} was not sent: not subscribed to a master.`, {
      retriable: true,
    });
  }

  async #run(): Promise<void> {
    try {
      while (!this.#abort.signal.aborted) {
        const reason = await this.#session();
        if (this.#abort.signal.aborted || this.#isTearingDown) return;
        const waitMs = this.#backoff.next();
        this.#options.world.log.info('not subscribed to a master', { reason, waitMs });
        this.#options.onDisconnected?.(reason, waitMs);
        await this.#pause.wait(waitMs);
      }
    } finally {
      this.#abort.abort();
    }
  }

  /** One subscription from beginning to end. Returns why it ended, or throws when it is the last. */
  async #session(): Promise<string> {
    const { world } = this.#options;
    const body = this.#subscribeBody();
    try {
      this.#stream = await openEventStream({
        clock: world.clock,
        url: new URL('/api/v1/scheduler', this.#takeMaster()),
        body,
        signal: this.#abort.signal,
      });
      await this.#consume(this.#stream);
      return 'the master ended the stream';
    } catch (error) {
      const isTransient = error instanceof PlateauError && isWorthRetrying(error);
      if (this.#abort.signal.aborted || isTransient) return errorMessage(error);
      throw error;
    } finally {
      // The master may end the stream before it answers the TEARDOWN.
      if (this.#isTearingDown) await this.#calls?.drain();
      this.#calls?.close();
      this.#calls = undefined;
      this.#stream?.cut('the session has ended');
      this.#stream = undefined;
    }
  }

  async #consume(stream: EventStream): Promise<void> {
    const watchdog = new Watchdog(this.#options.world, (seconds) =>
      stream.cut(`the master was silent for ${seconds} seconds`),
    );
    try {
      watchdog.arm();
      for await (const record of stream.records) {
        // While the handler runs nothing is read: silence then is ours, not the master's.
        watchdog.disarm();
        const event = decodeJson('SchedulerEvent', record);
        if (event.subscribed !== undefined) this.#subscribed(stream, event, watchdog);
        await this.#handle(event);
        if (event.type === 'ERROR') throw errorOf(event.error?.message ?? '', this.frameworkId);
        if (this.#abort.signal.aborted) return;
        watchdog.arm();
      }
    } finally {
      watchdog.disarm();
    }
  }

  async #handle(event: SchedulerEvent): Promise<void> {
    this.#isHandling = true;
    try {
      await this.#options.onEvent(event);
    } finally {
      this.#isHandling = false;
    }
  }

  #subscribed(stream: EventStream, event: SchedulerEvent, watchdog: Watchdog): void {
    const { framework_id, heartbeat_interval_seconds } = event.subscribed ?? {};
    if (framework_id !== undefined) this.#info = { ...this.#info, id: framework_id };
    if (heartbeat_interval_seconds !== undefined)
      watchdog.intervalSeconds = heartbeat_interval_seconds;
    this.#calls = new CallQueue({ url: stream.url, streamId: stream.streamId });
    this.#backoff.reset();
  }

  #subscribeBody(): string {
    const call: SchedulerCall = {
      type: 'SUBSCRIBE',
      framework_id: this.#info.id,
      subscribe: {
        framework_info: this.#info,
        suppressed_roles: this.#options.suppressedRoles ?? [],
      },
    };
    return encodeJson('SchedulerCall', call);
  }

  /** The masters are tried in turn. */
  #takeMaster(): URL {
    const index = this.#nextMaster % this.#masters.length;
    this.#nextMaster = index + 1;
    const [first] = this.#masters;
    const master = this.#masters[index] ?? first;
    if (master === undefined) throw new PlateauError('ASSERTION', 'no master address');
    return master;
  }
}

/** Garbage on the stream counts as a broken connection. */
function isWorthRetrying(error: PlateauError): boolean {
  return error.retriable || error.code === 'INVALID_MESSAGE';
}

/** Notices that nothing came for too long. */
class Watchdog {
  intervalSeconds = ASSUMED_HEARTBEAT_SECONDS;
  readonly #world: World;
  readonly #onSilence: (seconds: number) => void;
  #timer: Disposable | undefined;

  constructor(world: World, onSilence: (seconds: number) => void) {
    this.#world = world;
    this.#onSilence = onSilence;
  }

  arm(): void {
    this.disarm();
    const seconds = this.intervalSeconds * MAX_MISSED_HEARTBEATS;
    this.#timer = this.#world.clock.setTimer(seconds * 1000, () => this.#onSilence(seconds));
  }

  disarm(): void {
    this.#timer?.dispose();
    this.#timer = undefined;
  }
}

/** An ERROR event ends the subscription for good: what it says decides the code. */
function errorOf(message: string, frameworkId: string | undefined): PlateauError {
  const context = { frameworkId, reason: message };
  if (/\bremoved\b/i.test(message)) {
    return new PlateauError(
      'FRAMEWORK_REMOVED',
      `The framework ${frameworkId ?? ''} was removed (${message}): subscribe without an id to ` +
        'begin anew.',
      { context },
    );
  }
  return new PlateauError('CALL_REFUSED', `The master ended the subscription: ${message}`, {
    context,
  });
}
