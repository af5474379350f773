/**
 * The scheduler runtime as a pure step: an input goes in, effects come out. It owns the order of
 * things: one turn at a time, its changes durable before its calls are sent, nothing before the
 * framework's id is stored. No promise, no timer and no network is known here.
 */
import type { Offer, SchedulerEvent } from '../../core/api/index.js';
import type { PlateauError, World } from '../../core/base/index.js';
import type { StopAction } from '../decisions/index.js';
import type { FrameworkDefinition } from '../framework/index.js';
import { CallTracker } from './call-tracker.js';
import { Connection } from './connection.js';
import { type CoreContext, clearTimer, say, setTimer } from './core-context.js';
import { CoreParts, type Matching } from './core-parts.js';
import { Counters } from './counters.js';
import type { DaemonFailure } from './daemon-state.js';
import { DEMAND_REPEAT_TIMER, DEMAND_TIMER } from './demand.js';
import type { RuntimeEffect, RuntimeInput } from './effects.js';
import { closedError, handlerError, toError } from './errors.js';
import {
  EVALUATE_TIMER,
  Evaluation,
  HOLD_TIMER,
  WAKE_TIMER,
  endHolds,
  noteArrival,
} from './evaluation.js';
import {
  failureTurn,
  handlerTurn,
  inverseOfferTurn,
  messageTurn,
  operationTurn,
  rescindTurn,
  statusTurn,
} from './event-turns.js';
import { KILLS_TIMER } from './kills.js';
import { MAX_WAITING_OFFERS, type RuntimeLimits } from './limits.js';
import type { LoadedState } from './load-state.js';
import { OPERATIONS_TIMER } from './operation-ledger.js';
import { RECONCILE_ALL_TIMER, RECONCILE_DOUBTS_TIMER, RECONCILE_TIMER } from './reconciliation.js';
import type { RetryingView } from './retries.js';
import { RECONNECT_TIMER, WATCHDOG_TIMER } from './subscription.js';
import { RETRY_TIMER, TurnRunner } from './turn-runner.js';
import { type Turn, TurnQueue } from './turns.js';

export interface RuntimeCoreOptions {
  readonly world: World;
  readonly definition: FrameworkDefinition;
  readonly limits: RuntimeLimits;
  readonly loaded: LoadedState;
  /** Epoch of the writer, if the store was claimed. */
  readonly epoch: number | undefined;
  readonly matching: (parts: () => CoreParts) => Matching;
  /** Where the master of the present session is, if known. */
  readonly master: () => string | undefined;
}

export class RuntimeCore {
  readonly parts: CoreParts;
  readonly counters = new Counters();
  readonly #context: CoreContext;
  readonly #queue = new TurnQueue();
  readonly #evaluation: Evaluation;
  readonly #runner: TurnRunner;
  readonly #connection: Connection;
  readonly #calls: CallTracker;
  readonly #timers: ReadonlyMap<string, () => void>;
  readonly #dueEvery = new Set<string>();
  #effects: RuntimeEffect[] = [];
  #stage: 'new' | 'running' | 'closing' | 'ended' = 'new';
  #endError: Error | undefined;

  constructor(options: RuntimeCoreOptions) {
    const { world, definition, limits, loaded, epoch } = options;
    const { counters } = this;
    const emit = (effect: RuntimeEffect): void => void this.#effects.push(effect);
    this.#context = { world, settings: definition.settings, limits, counters, emit };
    this.parts = new CoreParts({
      context: this.#context,
      definition,
      loaded,
      epoch,
      send: (call) => this.#calls.send(call),
    });
    const { parts } = this;
    const push = (turn: Turn): void => this.#queue.push(turn);
    const matching = options.matching(() => parts);
    this.#evaluation = new Evaluation(parts, matching, push);
    this.#runner = new TurnRunner(parts, this.#evaluation, {
      queue: this.#queue,
      port: {
        isReady: () => this.#isReady,
        onCrash: (error) => this.#close(error),
        onStop: (stop) => this.#stop(stop),
      },
    });
    this.#connection = new Connection(parts, {
      loaded,
      master: options.master,
      matching,
      queue: this.#queue,
      runner: this.#runner,
      onReady: () => this.#declineIfNotReady(),
      onOver: (error) => this.#close(error),
      onChange: () => this.#evaluation.soon(),
    });
    this.#calls = new CallTracker(parts, { connection: this.#connection, runner: this.#runner });
    this.#timers = this.#timerTable();
  }

  get connection(): Connection {
    return this.#connection;
  }

  get isPaused(): boolean {
    return this.#evaluation.isPaused;
  }

  /** Handlers that have failed and are to be called again. */
  get retrying(): readonly RetryingView[] {
    return this.#runner.retrying;
  }

  /** Turns that wait. While there are too many, nothing further should be read from the master. */
  get queueDepth(): number {
    return this.#queue.length;
  }

  get isEnded(): boolean {
    return this.#stage === 'ended';
  }

  /** Takes one input. Effects are to be carried out in their order. */
  step(input: RuntimeInput): readonly RuntimeEffect[] {
    if (this.#stage !== 'ended') {
      this.#take(input);
      this.#work();
    } else if (input.kind === 'decide' || input.kind === 'turn') {
      const error = closedError('The request was not carried out');
      this.#context.emit({ kind: 'settle', request: input.request, error });
    }
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  get #isReady(): boolean {
    const isAtRest = !this.#runner.isWaitingToRetry && !this.#evaluation.isBackingOff;
    return this.#stage === 'running' && isAtRest && !this.#evaluation.isPaused;
  }

  #take(input: RuntimeInput): void {
    switch (input.kind) {
      case 'start':
        return this.#start();
      case 'event':
        return this.#event(input.session, input.event);
      case 'session-ended':
        return this.#connection.ended(input.session, input.error);
      case 'timer':
        return this.#timers.get(input.name)?.();
      case 'handled':
        return this.#runner.handled(input.invocation, input.decision);
      case 'handler-failed':
        return this.#runner.failed(input.invocation, input.error);
      case 'committed':
        return this.parts.outbox.committed(input.commit);
      case 'commit-failed':
      case 'abandon':
        return this.#end(input.error);
      case 'called':
        return this.#calls.succeeded(input.call);
      case 'call-failed':
        return this.#calls.failed(input.call, input.error);
      case 'daemon-failed':
        return this.#daemonFailed(input);
      case 'pause':
        return this.#setPaused(true);
      case 'resume':
        return this.#setPaused(false);
      case 'close':
        return this.#close(undefined);
      default:
        return this.#request(input);
    }
  }

  /** Runs what can run, and ends when that was asked for and nothing is left to do. */
  #work(): void {
    if (this.#stage === 'ended') return;
    const { outbox } = this.parts;
    do {
      this.#runner.pump();
      outbox.flush();
    } while (this.#runner.canRun);
    if (this.#stage !== 'closing' || this.#runner.isBusy || outbox.length > 0) return;
    this.#end(this.#endError);
  }

  #start(): void {
    if (this.#stage !== 'new') return;
    this.#stage = 'running';
    for (const handler of this.parts.handlers('start')) this.#queue.push(handlerTurn(handler));
    if (this.parts.handlers('daemon').length > 0) {
      this.#queue.push({
        label: 'daemons',
        begin: () => {
          this.#context.emit({ kind: 'start-daemons' });
          return [];
        },
      });
    }
    this.#evaluation.now();
    this.#queue.push({
      label: 'open',
      begin: () => {
        this.#connection.open();
        return [];
      },
    });
    for (const handler of this.parts.handlers('every')) {
      setTimer(this.#context, everyTimer(handler.method), handler.everyMs ?? 0);
    }
  }

  #every(method: string): void {
    const handler = this.parts.handlers('every').find((one) => one.method === method);
    if (handler === undefined || this.#stage !== 'running') return;
    setTimer(this.#context, everyTimer(method), handler.everyMs ?? 0);
    // One that has not had its turn stands for this one too.
    if (this.#dueEvery.has(method)) return;
    this.#dueEvery.add(method);
    const turn = handlerTurn(handler);
    this.#queue.push({
      ...turn,
      begin: () => {
        this.#dueEvery.delete(method);
        return turn.begin();
      },
      end: () => this.#evaluation.soon(),
    });
  }

  #daemonFailed({ method, error, policy }: DaemonFailure): void {
    if (this.#stage !== 'running') return;
    this.counters.count('handler_errors');
    if (policy === 'retry') this.counters.count('daemon_restarts');
    this.#runner.tell({ error, where: method, policy });
    if (policy === 'crash') this.#close(handlerError(method, error));
  }

  #event(session: number, event: SchedulerEvent): void {
    if (session !== this.parts.subscription.session || this.#stage === 'closing') return;
    this.counters.count('events');
    this.parts.subscription.heard();
    const { parts } = this;
    const { subscribed, offers, rescind, update, inverse_offers: inverse } = event;
    if (subscribed !== undefined) this.#connection.subscribed(subscribed);
    if (offers?.offers !== undefined) this.#offers(offers.offers);
    if (rescind !== undefined) this.#rescind(rescind.offer_id.value);
    if (update !== undefined) {
      this.#queue.push(statusTurn(parts, update.status, () => this.#evaluation.soon()));
    }
    const { update_operation_status: operation, message, failure, error } = event;
    if (operation !== undefined) this.#queue.push(operationTurn(parts, operation.status));
    for (const one of inverse?.inverse_offers ?? []) this.#push(inverseOfferTurn(parts, one));
    if (message !== undefined) this.#push(messageTurn(parts, message));
    if (failure !== undefined) this.#push(failureTurn(parts, failure));
    if (error !== undefined) this.#connection.refused(error.message);
  }

  #push(turn: Turn | undefined): void {
    if (turn !== undefined) this.#queue.push(turn);
  }

  #offers(offers: readonly Offer[]): void {
    const { hand } = this.parts;
    noteArrival(this.parts, offers);
    this.#context.emit({ kind: 'publish-offers', offers });
    hand.arrive(offers);
    if (hand.waitingCount > MAX_WAITING_OFFERS) this.#declineWaiting();
    this.#declineIfNotReady();
    if (hand.waitingCount === 0) return;
    if (this.parts.handlers('offers').length === 0) this.#declineWaiting(true);
    else this.#evaluation.now();
  }

  /** Offers that nobody can look at now are for others. */
  #declineIfNotReady(): void {
    if (!this.parts.subscription.isSubscribed) return;
    if (!this.#isReady) this.#declineWaiting();
    else if (this.parts.handlers('offers').length === 0) this.#declineWaiting(true);
  }

  #declineWaiting(isReady = false): void {
    const waiting = this.parts.hand.takeWaiting();
    if (waiting.length === 0) return;
    this.parts.outbox.add({ calls: this.parts.decline(waiting, isReady) });
  }

  #rescind(offerId: string): void {
    this.counters.count('offers_rescinded');
    const offer = this.parts.hand.rescind(offerId);
    const view = offer === undefined ? undefined : this.#connection.viewOf(offer);
    this.#push(rescindTurn(this.parts, { offerId, view }));
  }

  #setPaused(isPaused: boolean): void {
    if (isPaused === this.#evaluation.isPaused) return;
    this.parts.demand.setPaused(isPaused);
    if (!isPaused) {
      this.#evaluation.resume();
      return;
    }
    this.#evaluation.pause();
    const held = this.parts.hand.takeHeld();
    if (held.length > 0) this.parts.outbox.add({ calls: this.parts.decline(held, false) });
    this.#declineIfNotReady();
  }

  #request(input: Extract<RuntimeInput, { readonly kind: 'decide' | 'turn' }>): void {
    const { request } = input;
    const settle = (error?: Error): void => {
      const failure = error === undefined ? {} : { error };
      this.#context.emit({ kind: 'settle', request, ...failure });
    };
    if (this.#stage === 'closing') {
      settle(closedError('The request was not carried out'));
    } else if (input.kind === 'turn') {
      const end = (): void => this.#evaluation.soon();
      this.#queue.push({ label: 'turn', request, begin: () => [{ request }], end });
    } else {
      try {
        this.#runner.decide(input.decision, settle);
      } catch (error) {
        settle(toError(error));
      }
    }
  }

  #stop(stop: StopAction): void {
    say(this.#context, 'info', 'the framework stops', { teardown: stop.teardown });
    if (!stop.teardown) {
      this.#close(undefined);
      return;
    }
    this.#context.emit({ kind: 'stop-daemons' });
    this.#evaluation.pause();
    this.parts.demand.setPaused(true);
    this.#connection.tearDown();
  }

  /** No further turn begins; what was decided is written and sent. */
  #close(error: PlateauError | undefined): void {
    if (this.#stage === 'ended') return;
    if (this.#stage === 'closing') {
      this.#endError ??= error;
      return;
    }
    this.#stage = 'closing';
    this.#endError = error;
    this.#context.emit({ kind: 'stop-daemons' });
    const waiting = this.#queue.clear();
    // A crash is told to `@OnError` before the end.
    for (const turn of waiting) {
      if (error !== undefined && turn.label === 'error') this.#queue.push(turn);
      if (turn.request === undefined) continue;
      const failure = closedError('The request was not carried out');
      this.#context.emit({ kind: 'settle', request: turn.request, error: failure });
    }
    this.#evaluation.pause();
    this.#runner.close();
    for (const name of this.#timers.keys())
      if (name !== RETRY_TIMER) clearTimer(this.#context, name);
  }

  #end(error: Error | undefined): void {
    this.#stage = 'ended';
    this.parts.subscription.close();
    this.parts.hand.clear();
    this.#context.emit({ kind: 'close-session' });
    this.#context.emit(error === undefined ? { kind: 'end' } : { kind: 'end', error });
  }

  #reconnect(): void {
    if (this.#stage === 'running') this.#connection.open();
  }

  #timerTable(): ReadonlyMap<string, () => void> {
    const { demand, kills, operations, reconciliation } = this.parts;
    const every = this.parts
      .handlers('every')
      .map(({ method }) => [everyTimer(method), () => this.#every(method)] as const);
    return new Map<string, () => void>([
      [DEMAND_TIMER, () => demand.onTimer()],
      [DEMAND_REPEAT_TIMER, () => demand.onRepeatTimer()],
      [KILLS_TIMER, () => kills.onTimer()],
      [OPERATIONS_TIMER, () => operations.onTimer()],
      [RECONCILE_TIMER, () => reconciliation.onTimer()],
      [RECONCILE_ALL_TIMER, () => reconciliation.askAll()],
      [RECONCILE_DOUBTS_TIMER, () => reconciliation.askAboutDoubts()],
      [EVALUATE_TIMER, () => this.#evaluation.onTimer()],
      [WAKE_TIMER, () => this.#evaluation.onWakeTimer()],
      [HOLD_TIMER, () => endHolds(this.parts)],
      [RETRY_TIMER, () => this.#runner.onRetryTimer()],
      [RECONNECT_TIMER, () => this.#reconnect()],
      [WATCHDOG_TIMER, () => this.#connection.onWatchdog(this.#isReading)],
      ...every,
    ]);
  }

  get #isReading(): boolean {
    return this.queueDepth <= this.#context.limits.maxQueuedTurns / 2;
  }
}

function everyTimer(method: string): string {
  return `every/${method}`;
}
