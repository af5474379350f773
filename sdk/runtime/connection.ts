/**
 * The framework and its master: subscribing, the framework's id, what has to happen when a session
 * begins or ends, removal and teardown.
 */
import type { Offer, SchedulerEventSubscribed, TaskState } from '../../core/api/index.js';
import { PlateauError } from '../../core/base/index.js';
import { frameworkInfoOf } from '../framework/index.js';
import type { OfferView } from '../matching/index.js';
import { say } from './core-context.js';
import type { CoreParts, Matching } from './core-parts.js';
import { FrameworkRemovedError } from './errors.js';
import { operationTurn, plainTurn, statusTurn } from './event-turns.js';
import type { LoadedState } from './load-state.js';
import { EPOCH_KEY, FRAMEWORK_ID_KEY } from './stored-records.js';
import { isWorthRetrying } from './subscription.js';
import type { TurnRunner } from './turn-runner.js';
import type { TurnQueue } from './turns.js';

export interface ConnectionOptions {
  readonly loaded: LoadedState;
  readonly master: () => string | undefined;
  readonly matching: Matching;
  readonly queue: TurnQueue;
  readonly runner: TurnRunner;
  /** Calls can be made. */
  readonly onReady: () => void;
  /** The framework is at its end. */
  readonly onOver: (error: PlateauError | undefined) => void;
  /** The state of a task has changed. */
  readonly onChange: () => void;
}

export class Connection {
  readonly #parts: CoreParts;
  readonly #options: ConnectionOptions;
  #frameworkId: string | undefined;
  #registrations: number;
  /** Whether the framework was known to a master before this process. */
  #isTakeover: boolean;
  #isFirst: boolean;
  #teardown: 'no' | 'wanted' | 'done' = 'no';

  constructor(parts: CoreParts, options: ConnectionOptions) {
    this.#parts = parts;
    this.#options = options;
    const { frameworkId, registrations } = options.loaded;
    this.#frameworkId = frameworkId;
    this.#registrations = registrations;
    this.#isTakeover = frameworkId !== undefined;
    this.#isFirst = frameworkId === undefined;
  }

  get frameworkId(): string | undefined {
    return this.#frameworkId;
  }

  get master(): string | undefined {
    return this.#parts.subscription.isSubscribed ? this.#options.master() : undefined;
  }

  viewOf(offer: Offer): OfferView {
    return this.#options.matching.viewOf(offer);
  }

  /** Begins a session. */
  open(): void {
    const { settings } = this.#parts.context;
    const info = frameworkInfoOf(settings, this.#frameworkId);
    this.#parts.subscription.open(info, this.#parts.demand.unwantedRoles);
  }

  /** The SUBSCRIBED event: the id is made durable, and then everything else begins. */
  subscribed(event: SchedulerEventSubscribed): void {
    const { subscription, outbox } = this.#parts;
    // A repetition within one session says nothing new.
    if (!subscription.confirm(event)) return;
    const frameworkId = event.framework_id.value;
    const isNew = frameworkId !== this.#frameworkId;
    this.#frameworkId = frameworkId;
    const { session } = subscription;
    const { queue, runner } = this.#options;
    queue.push({
      label: 'subscribed',
      begin: () => {
        if (!isNew) {
          this.#begin(session);
          return [];
        }
        runner.block();
        outbox.add({
          puts: [
            { key: FRAMEWORK_ID_KEY, value: frameworkId },
            { key: EPOCH_KEY, value: String(this.#registrations) },
          ],
          onDurable: () => {
            runner.unblock();
            this.#begin(session);
          },
        });
        return [];
      },
    });
  }

  #begin(session: number): void {
    const { subscription, demand, kills, operations, reconciliation, context } = this.#parts;
    if (session !== subscription.session || this.#frameworkId === undefined) return;
    subscription.ready();
    say(context, 'info', 'subscribed', { frameworkId: this.#frameworkId });
    if (this.#teardown !== 'no') {
      this.#sendTeardown();
      return;
    }
    demand.subscribed(subscription.suppressed);
    reconciliation.subscribed();
    operations.subscribed();
    kills.subscribed();
    const turn = plainTurn(this.#parts, 'connected', {
      frameworkId: this.#frameworkId,
      master: this.master,
      first: this.#isFirst,
      failover: this.#isTakeover,
    });
    this.#isFirst = false;
    this.#isTakeover = false;
    if (turn !== undefined) this.#options.queue.pushFirst(turn);
    this.#options.onReady();
  }

  /** The session is over; another one follows, unless that is of no use. */
  ended(session: number, error: Error): void {
    if (session !== this.#parts.subscription.session) return;
    if (isRemoval(error)) {
      this.refused(error.message);
    } else if (isWorthRetrying(error)) {
      this.lose(error.message);
    } else {
      this.#leave();
      this.#options.onOver(asPlateauError(error));
    }
  }

  /** Gives the session up, and opens another one after a while. */
  lose(reason: string): void {
    const { subscription, context } = this.#parts;
    const wasOpen = subscription.hasBeenConfirmed;
    this.#leave();
    context.emit({ kind: 'close-session' });
    const retryInMs = subscription.lost();
    say(context, wasOpen ? 'warn' : 'info', 'not subscribed to a master', { reason, retryInMs });
    const turn = plainTurn(this.#parts, 'disconnected', { reason, retryInMs });
    if (turn !== undefined) this.#options.queue.push(turn);
  }

  /**
   * An ERROR event: the master does not want this subscription. When another copy of the framework has
   * subscribed, the framework is fenced.
   */
  refused(reason: string): void {
    if (!/\bremoved\b/i.test(reason)) {
      this.#leave();
      const message = `The master ended the subscription: ${reason}.`;
      const code = /\bfailed over\b/i.test(reason) ? 'FENCED' : 'CALL_REFUSED';
      this.#options.onOver(new PlateauError(code, message, { context: { reason } }));
    } else if (this.#teardown === 'wanted') {
      this.#leave();
      this.tornDown();
    } else {
      this.#removed(reason);
    }
  }

  onWatchdog(isReading: boolean): void {
    const error = this.#parts.subscription.checkSilence(isReading);
    if (error !== undefined) this.lose(error.message);
  }

  /** Ends the framework and its tasks, as soon as a master can be told. */
  tearDown(): void {
    if (this.#teardown !== 'no') return;
    this.#teardown = 'wanted';
    if (this.#frameworkId === undefined) this.tornDown();
    else if (this.#parts.subscription.isSubscribed) this.#sendTeardown();
  }

  /** The master has ended the framework. */
  tornDown(): void {
    if (this.#teardown === 'done') return;
    this.#teardown = 'done';
    const { ledger, outbox, context } = this.#parts;
    const nowMs = context.world.clock.now();
    const message = 'The framework was torn down';
    for (const task of ledger.live()) {
      ledger.put({
        ...ledger.stored(task.id),
        ...task,
        state: 'KILLED',
        message,
        updatedAt: nowMs,
      });
    }
    const { puts, deletes } = ledger.takeChanges();
    outbox.add({ puts, deletes: [...deletes, FRAMEWORK_ID_KEY] });
    this.#options.onOver(undefined);
  }

  #sendTeardown(): void {
    this.#parts.say({ type: 'TEARDOWN' });
  }

  #removed(reason: string): void {
    const removed = new FrameworkRemovedError(this.#frameworkId ?? '', reason);
    this.#leave();
    if (this.#parts.context.settings.onRemoved === 'exit') {
      this.#options.onOver(removed);
      return;
    }
    const { outbox, ledger, operations, subscription, context } = this.#parts;
    this.#options.runner.tell({ error: removed, where: 'SUBSCRIBE', policy: 'skip' });
    this.#frameworkId = undefined;
    this.#isFirst = true;
    this.#isTakeover = false;
    this.#registrations++;
    outbox.add({
      puts: [{ key: EPOCH_KEY, value: String(this.#registrations) }],
      deletes: [FRAMEWORK_ID_KEY],
    });
    for (const { id } of ledger.live()) this.lost(id, 'TASK_LOST', 'The framework was removed');
    for (const id of operations.ids()) this.dropped(id, 'The framework was removed');
    context.emit({ kind: 'close-session' });
    subscription.lost();
  }

  /** Concludes that an operation was not done, as if the master had said so. */
  dropped(operationId: string, message: string): void {
    const status = this.#parts.operations.dropped(operationId, message);
    if (status !== undefined) this.#options.queue.push(operationTurn(this.#parts, status));
  }

  /** Concludes that a task is not there, as if the master had said so. */
  lost(taskId: string, state: TaskState, message: string): void {
    const { ledger } = this.#parts;
    const { queue, onChange } = this.#options;
    const agentId = ledger.get(taskId)?.agentId;
    const agent = agentId === undefined ? {} : { agent_id: { value: agentId } };
    const status = { task_id: { value: taskId }, ...agent, state, message };
    queue.push(statusTurn(this.#parts, status, onChange));
  }

  /** Everything that belongs to the session ends with it. */
  #leave(): void {
    const { hand, demand, kills, operations, reconciliation } = this.#parts;
    hand.clear();
    demand.disconnected();
    kills.disconnected();
    reconciliation.disconnected();
    operations.disconnected();
  }
}

function isRemoval(error: Error): boolean {
  if (!(error instanceof PlateauError)) return false;
  if (error.code === 'FRAMEWORK_REMOVED') return true;
  return error.code === 'CALL_REFUSED' && /\bremoved\b/i.test(error.message);
}

function asPlateauError(error: Error): PlateauError {
  if (error instanceof PlateauError) return error;
  return new PlateauError('STREAM_ENDED', `The subscription ended: ${error.message}`, {
    cause: error,
  });
}
