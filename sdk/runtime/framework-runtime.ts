/**
 * Runs a framework: loads its state, feeds the core with what happens, and carries out what it says.
 * Everything that waits is here: store, transport, handlers, timers. `run` resolves when all of it is
 * over and nothing is left behind.
 */
import { type Observable, Subject } from 'rxjs';
import type { Offer, SchedulerCall, SchedulerEvent } from '../../core/api/index.js';
import {
  type Disposable,
  PlateauError,
  SeededRandom,
  type Store,
  type World,
} from '../../core/base/index.js';
import type { Decision } from '../decisions/index.js';
import type { Context, FrameworkDefinition, TaskUpdate } from '../framework/index.js';
import { offersOf, viewOf } from '../matching/index.js';
import type { Matching } from './core-parts.js';
import { Daemons } from './daemons.js';
import type { RuntimeEffect, RuntimeInput } from './effects.js';
import { toError } from './errors.js';
import { Deferred } from './deferred.js';
import { HandlerContext } from './handler-context.js';
import { type Interceptor, type Traffic, chain } from './interceptors.js';
import { type Invocation, invoke } from './invocation.js';
import { DEFAULT_LIMITS, type RuntimeLimits } from './limits.js';
import { loadState } from './load-state.js';
import { Requests } from './requests.js';
import { RuntimeCore } from './runtime-core.js';
import type { Session, Transport } from './transport.js';
import { EMPTY_VIEW, type RuntimeView, viewOfCore } from './view.js';

export interface FrameworkRuntimeOptions {
  readonly world: World;
  /** The instance of the framework class. */
  readonly framework: object;
  readonly definition: FrameworkDefinition;
  /** The way to the master. Not closed by the runtime. */
  readonly transport: Transport;
  /** For this framework alone. Not closed by the runtime. */
  readonly store: Store;
  /** What `Store.claimEpoch` gave: a later claimant ends this runtime at its next write. */
  readonly epoch?: number;
  readonly interceptors?: readonly Interceptor[];
  readonly limits?: Partial<RuntimeLimits>;
}

export class FrameworkRuntime {
  readonly #options: FrameworkRuntimeOptions;
  readonly #limits: RuntimeLimits;
  readonly #inputs = new Subject<RuntimeInput>();
  readonly #events = new Subject<SchedulerEvent>();
  readonly #offers = new Subject<readonly Offer[]>();
  readonly #updates = new Subject<TaskUpdate>();
  readonly #context: HandlerContext;
  readonly #daemons: Daemons;
  readonly #waiting: RuntimeInput[] = [];
  readonly #timers = new Map<string, Disposable>();
  readonly #requests = new Requests();
  readonly #openCalls = new Set<Promise<void>>();
  readonly #ended = new Deferred<void>();
  readonly #held: Deferred<void>[] = [];
  readonly #incoming: (traffic: Traffic) => void;
  readonly #outgoing: (traffic: Traffic) => void;
  #core: RuntimeCore | undefined;
  #session: Session | undefined;
  #sessionNumber = 0;
  #invocation: Invocation | undefined;
  #running: Promise<void> | undefined;
  #isOver = false;
  #isStepping = false;
  #sent: { readonly call: SchedulerCall } | undefined;

  constructor(options: FrameworkRuntimeOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    const { world, framework, definition } = options;
    const port = {
      core: () => this.#core,
      decide: (decision: Decision) => this.decide(decision),
    };
    this.#context = new HandlerContext(world, port);
    this.#daemons = new Daemons({
      world,
      framework,
      handlers: definition.handlers.filter(({ kind }) => kind === 'daemon'),
      port: { ...port, turn: (run) => this.turn(run) },
      onFailure: (failure) => this.#feed({ kind: 'daemon-failed', ...failure }),
    });
    const interceptors = options.interceptors ?? [];
    this.#incoming = chain(interceptors, (traffic) => this.#received(traffic));
    this.#outgoing = chain(interceptors, (traffic) => {
      if (traffic.direction === 'out') this.#sent = traffic;
    });
    this.#inputs.subscribe((input) => this.#take(input));
  }

  /** Every event of the master, before anything was done about it. Completes with the runtime. */
  get events$(): Observable<SchedulerEvent> {
    return this.#events.asObservable();
  }

  /** Offers as they come. */
  get offers$(): Observable<readonly Offer[]> {
    return this.#offers.asObservable();
  }

  /** Updates that say something new, when their turn has begun. */
  get updates$(): Observable<TaskUpdate> {
    return this.#updates.asObservable();
  }

  /** What handlers get beside their events. */
  get context(): Context {
    return this.#context;
  }

  /** The present state; empty until the stored state has been read. */
  get view(): RuntimeView {
    return this.#core === undefined ? EMPTY_VIEW : viewOfCore(this.#core, this.#daemons.view);
  }

  /**
   * Loads the state, subscribes, and runs the framework. Resolves after `close`, or when the framework
   * has stopped itself.
   * @throws PlateauError what ended it: `INVALID_STATE`, `HANDLER_FAILED`, `FRAMEWORK_REMOVED`,
   *   `CALL_REFUSED`, `FENCED`, `STORE_FAILED`.
   */
  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  /**
   * Ends the run: the turn under way is finished, what was decided is written and sent, and the session
   * is closed. Daemons have 5 s to end (`DAEMON_STOP_MS`). Tasks go on for the failover timeout. Does
   * not throw for what ended the framework; do not await it in a handler, which it waits for: return
   * `stop()` there.
   */
  async close(): Promise<void> {
    this.#feed({ kind: 'close' });
    await this.#running?.catch(() => undefined);
  }

  /** Ends the run at once: nothing more is written or sent. For a copy that does not lead any more. */
  async abandon(reason: Error): Promise<void> {
    this.#feed({ kind: 'abandon', error: reason });
    await this.#running?.catch(() => undefined);
  }

  /**
   * Carries a decision out. Resolves when it is durable. While a handler runs it does not wait for it:
   * the changes of repositories so far belong to this decision.
   * @throws PlateauError `INVALID_DECISION`; `STREAM_ENDED` when the framework is closed.
   */
  async decide(decision: Decision): Promise<void> {
    await this.#requests.open((request) => this.#feed({ kind: 'decide', request, decision }));
  }

  /**
   * Runs code as a turn of its own: no handler runs meanwhile, its changes of repositories are
   * written together, and undone when it throws. Resolves when they are durable. Within it,
   * `decide` must be used for decisions; a further `turn` must not be awaited.
   * @throws what `run` throws; `STREAM_ENDED` when the framework is closed.
   */
  async turn<T>(run: () => T | Promise<T>): Promise<T> {
    const ask = (request: number): void => this.#feed({ kind: 'turn', request });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `run` returned
    return (await this.#requests.open(ask, run)) as T;
  }

  /** Wants no offers until `resume`. Updates, timers and requests are dealt with as before. */
  pause(): void {
    this.#feed({ kind: 'pause' });
  }

  resume(): void {
    this.#feed({ kind: 'resume' });
  }

  async #run(): Promise<void> {
    const { store, definition, epoch, world, framework } = this.#options;
    try {
      const loaded = await loadState(store, definition, epoch);
      this.#core = new RuntimeCore({
        world,
        definition,
        limits: this.#limits,
        loaded,
        epoch,
        matching: (parts) => this.#matching(parts),
        master: () => this.#session?.master,
      });
      this.#core.parts.repositories.attach(framework);
      this.#feed({ kind: 'start' });
      await this.#ended.promise;
    } finally {
      await this.#cleanUp();
    }
  }

  #matching(parts: () => RuntimeCore['parts']): Matching {
    const { clock, ids } = this.#options.world;
    return {
      offersOf: (offers) => {
        // Drawn from the offers themselves, so that a recording that is replayed is matched alike.
        const random = new SeededRandom(`matching/${offers.at(-1)?.id.value ?? ''}`);
        return offersOf(offers, { tasks: parts().ledger, clock, ids, random });
      },
      viewOf: (offer) => viewOf(offer, parts().ledger),
    };
  }

  #feed(input: RuntimeInput): void {
    this.#inputs.next(input);
  }

  /** Takes inputs one after the other, also those that come from carrying out effects. */
  #take(input: RuntimeInput): void {
    if (this.#isOver) return;
    this.#waiting.push(input);
    if (this.#isStepping || this.#core === undefined) return;
    this.#isStepping = true;
    try {
      for (let index = 0; index < this.#waiting.length; index++) {
        const next = this.#waiting[index];
        if (next === undefined || this.#isOver) break;
        for (const effect of this.#core.step(next)) this.#carryOut(effect);
      }
    } catch (error) {
      // An interceptor or a subscriber threw, or an invariant does not hold.
      this.#finish(toError(error));
    } finally {
      this.#waiting.length = 0;
      this.#isStepping = false;
    }
    this.#letIn();
  }

  #carryOut(effect: RuntimeEffect): void {
    switch (effect.kind) {
      case 'open':
        return this.#open(effect.session, effect.call);
      case 'close-session':
        return this.#closeSession();
      case 'call':
        return this.#call(effect.call, effect.message);
      case 'invoke':
        return this.#invoke(effect);
      case 'start-daemons':
        return this.#daemons.start();
      case 'stop-daemons':
        return this.#daemons.stop();
      case 'commit':
        return this.#commit(effect);
      case 'set-timer':
        return this.#setTimer(effect.name, effect.delayMs);
      case 'clear-timer':
        return this.#clearTimer(effect.name);
      case 'settle':
        return this.#requests.settle(effect.request, effect.error);
      case 'publish-update':
        return this.#updates.next(effect.update);
      case 'publish-offers':
        return this.#offers.next(effect.offers);
      case 'log':
        return this.#options.world.log[effect.level](effect.message, effect.fields);
      default:
        return this.#finish(effect.error);
    }
  }

  #open(session: number, call: SchedulerCall): void {
    this.#sessionNumber = session;
    const message = this.#intercepted(call);
    if (message === undefined) {
      const error = new PlateauError('STREAM_ENDED', 'An interceptor dropped SUBSCRIBE.');
      this.#feed({ kind: 'session-ended', session, error });
      return;
    }
    this.#session = this.#options.transport.open(message, {
      onEvent: (event) => this.#onEvent(session, event),
      onEnd: (error) => this.#feed({ kind: 'session-ended', session, error }),
    });
  }

  /** Lets nothing further in while too much waits. */
  #onEvent(session: number, event: SchedulerEvent): void | Promise<void> {
    if (session !== this.#sessionNumber || this.#core === undefined) return;
    this.#events.next(event);
    try {
      this.#incoming({ direction: 'in', event });
    } catch (error) {
      this.#finish(toError(error));
    }
    if (this.#core.queueDepth < this.#limits.maxQueuedTurns || this.#core.isEnded) return;
    const room = new Deferred<void>();
    this.#held.push(room);
    return room.promise;
  }

  #received(traffic: Traffic): void {
    if (traffic.direction !== 'in') return;
    this.#feed({ kind: 'event', session: this.#sessionNumber, event: traffic.event });
  }

  #letIn(): void {
    if (this.#held.length === 0) return;
    const depth = this.#core?.queueDepth ?? 0;
    const isOver = this.#core?.isEnded === true;
    if (!isOver && depth > this.#limits.maxQueuedTurns / 2) return;
    for (const room of this.#held.splice(0)) room.resolve();
  }

  #intercepted(call: SchedulerCall): SchedulerCall | undefined {
    this.#sent = undefined;
    this.#outgoing({ direction: 'out', call });
    return this.#sentCall();
  }

  #sentCall(): SchedulerCall | undefined {
    return this.#sent?.call;
  }

  #call(number: number | undefined, message: SchedulerCall): void {
    const call = this.#intercepted(message);
    const session = this.#session;
    if (call === undefined || session === undefined) {
      if (number === undefined) return;
      const error = new PlateauError('STREAM_ENDED', `${message.type} was not sent.`);
      this.#feed({ kind: 'call-failed', call: number, error });
      return;
    }
    this.#await(
      number === undefined ? ignored(session.call(call)) : this.#outcome(session, number, call),
    );
  }

  async #outcome(session: Session, number: number, call: SchedulerCall): Promise<void> {
    try {
      await session.call(call);
    } catch (error) {
      this.#feed({ kind: 'call-failed', call: number, error: toError(error) });
      return;
    }
    this.#feed({ kind: 'called', call: number });
  }

  /** The end waits for it. */
  #await(settled: Promise<void>): void {
    this.#openCalls.add(settled);
    void settled.finally(() => this.#openCalls.delete(settled));
  }

  #invoke({ invocation, callee, timeoutMs }: Extract<RuntimeEffect, { kind: 'invoke' }>): void {
    const { framework, world } = this.#options;
    const isHandler = 'handler' in callee;
    this.#invocation = invoke({
      clock: world.clock,
      method: isHandler ? callee.handler.method : 'the code of a turn',
      timeoutMs,
      call: () => {
        if (!isHandler) return this.#requests.run(callee.request);
        const { handler, event } = callee;
        const args = event === undefined ? [this.#context] : [event, this.#context];
        return handler.invoke(framework, args);
      },
      onDone: (decision) => this.#feed({ kind: 'handled', invocation, decision }),
      onFailed: (error) => this.#feed({ kind: 'handler-failed', invocation, error }),
    });
  }

  #commit({ commit, transaction }: Extract<RuntimeEffect, { kind: 'commit' }>): void {
    this.#options.store.transact(transaction).then(
      () => this.#feed({ kind: 'committed', commit }),
      (error: unknown) => this.#feed({ kind: 'commit-failed', commit, error: toError(error) }),
    );
  }

  #setTimer(name: string, delayMs: number): void {
    this.#clearTimer(name);
    const timer = this.#options.world.clock.setTimer(delayMs, () => {
      this.#timers.delete(name);
      this.#feed({ kind: 'timer', name });
    });
    this.#timers.set(name, timer);
  }

  #clearTimer(name: string): void {
    this.#timers.get(name)?.dispose();
    this.#timers.delete(name);
  }

  #closeSession(): void {
    const session = this.#session;
    this.#session = undefined;
    this.#sessionNumber = 0;
    if (session === undefined) return;
    this.#await(ignored(session.close()));
  }

  #finish(error: Error | undefined): void {
    this.#isOver = true;
    this.#daemons.stop();
    this.#closeSession();
    if (error === undefined) this.#ended.resolve();
    else this.#ended.reject(error);
  }

  /** Nothing may be left: no timer, no waiting caller, no daemon, no call. */
  async #cleanUp(): Promise<void> {
    this.#isOver = true;
    this.#invocation?.cancel();
    for (const timer of this.#timers.values()) timer.dispose();
    this.#timers.clear();
    this.#requests.close();
    await this.#daemons.ended();
    for (const room of this.#held.splice(0)) room.resolve();
    while (this.#openCalls.size > 0) {
      // oxlint-disable-next-line no-await-in-loop -- the end of one may begin another
      await Promise.allSettled(this.#openCalls);
    }
    for (const stream of [this.#inputs, this.#events, this.#offers, this.#updates])
      stream.complete();
  }
}

/** Whether it fails does not matter. */
async function ignored(promise: Promise<void>): Promise<void> {
  try {
    await promise;
  } catch {
    // An acknowledgement that was lost comes again, and a session that does not close is over.
  }
}
