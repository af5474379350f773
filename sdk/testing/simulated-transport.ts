/**
 * The way of a framework to the master of a simulated cluster: what `HttpTransport` is over sockets, over
 * the network of the simulation, with its delays, resets and partitions.
 */
import {
  type CallAnswer,
  type SchedulerCall,
  type SchedulerEvent,
  validateSchedulerCall,
} from '../../core/api/index.js';
import type { Clock, Disposable } from '../../core/base/index.js';
import { CONNECT_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from '../../core/client/index.js';
import {
  type SchedulerLink,
  type SchedulerLinkHandlers,
  sizeRefusal,
} from '../../core/simulation/index.js';
import type { Session, SessionHandlers, Transport } from '../runtime/index.js';
import {
  type Refusal,
  callRefused,
  masterUnreachable,
  notSent,
  streamEnded,
  subscriptionRefused,
  unanswered,
} from '../transport/index.js';

export interface SimulatedTransportOptions {
  /** Of the process of the framework. */
  readonly clock: Clock;
  /** Makes a link from the node of the framework to the master. */
  readonly link: (handlers: SchedulerLinkHandlers) => SchedulerLink;
  /** The name of the master's node. */
  readonly master: string;
}

export class SimulatedTransport implements Transport {
  readonly #options: SimulatedTransportOptions;

  constructor(options: SimulatedTransportOptions) {
    this.#options = options;
  }

  open(subscribe: SchedulerCall, handlers: SessionHandlers): Session {
    return new SimulatedSession(this.#options, subscribe, handlers);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

interface OpenCall {
  readonly call: SchedulerCall;
  readonly dueMs: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

class SimulatedSession implements Session {
  readonly master: string;
  readonly #link: SchedulerLink;
  readonly #handlers: SessionHandlers;
  readonly #clock: Clock;
  /** Until the subscription is answered, then until the oldest open call has to be. */
  #timer: Disposable | undefined;
  #isSubscribed = false;
  /** Calls without an answer, in their order. */
  #open: OpenCall[] = [];
  #events: SchedulerEvent[] = [];
  #isHandling = false;
  #isOver = false;
  #onIdle: (() => void) | undefined;

  constructor(
    { clock, link, master }: SimulatedTransportOptions,
    subscribe: SchedulerCall,
    handlers: SessionHandlers,
  ) {
    this.master = master;
    this.#handlers = handlers;
    this.#clock = clock;
    this.#timer = clock.setTimer(CONNECT_TIMEOUT_MS, () =>
      this.#fail(
        masterUnreachable(master, `no answer to SUBSCRIBE within ${CONNECT_TIMEOUT_MS / 1000} s`),
      ),
    );
    this.#link = link({
      onEvent: (event) => this.#arrived(event),
      onEnd: (reason) => this.#streamEnded(reason),
      onAnswer: (call, answer) => this.#answered(call, answer),
    });
    const refused = refusalOf(subscribe);
    if (refused === undefined) this.#link.subscribe(subscribe);
    else queueMicrotask(() => this.#fail(subscriptionRefused(master, refused)));
  }

  call(call: SchedulerCall): Promise<void> {
    if (this.#isOver) return Promise.reject(notSent(typeOf(call), 'the session is over'));
    const dueMs = this.#clock.elapsed() + REQUEST_TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      this.#open.push({ call, dueMs, resolve, reject });
      this.#link.call(call);
      this.#timer ??= this.#clock.setTimer(REQUEST_TIMEOUT_MS, () => this.#onTimer());
    });
  }

  async close(): Promise<void> {
    if (this.#isOver) return;
    // Over HTTP the calls before are answered, or given up, before the stream is closed.
    if (this.#open.length > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    this.#end();
  }

  /** Nothing is sent or heard any more. */
  #end(): void {
    this.#isOver = true;
    this.#timer?.dispose();
    this.#timer = undefined;
    // What had arrived and was not dealt with is dropped, as with a connection that breaks.
    this.#events = [];
    this.#link.close();
  }

  /** Calls that got no answer in time fail, though the session goes on. */
  #onTimer(): void {
    const nowMs = this.#clock.elapsed();
    this.#timer = undefined;
    let [oldest] = this.#open;
    while (oldest !== undefined && oldest.dueMs <= nowMs) {
      this.#open.shift();
      oldest.reject(this.#unanswered(oldest.call, 'none came in time'));
      [oldest] = this.#open;
    }
    this.#noteIdle();
    if (oldest === undefined || this.#isOver) return;
    this.#timer = this.#clock.setTimer(oldest.dueMs - nowMs, () => this.#onTimer());
  }

  #arrived(event: SchedulerEvent): void {
    if (!this.#isSubscribed) {
      this.#isSubscribed = true;
      this.#timer?.dispose();
      this.#timer = undefined;
    }
    this.#events.push(event);
    if (!this.#isHandling) void this.#handleAll();
  }

  /** One event after the other: what comes meanwhile waits. */
  async #handleAll(): Promise<void> {
    this.#isHandling = true;
    for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) {
      const handled = this.#handlers.onEvent(event);
      // oxlint-disable-next-line no-await-in-loop -- the order of events
      if (handled !== undefined) await handled;
    }
    this.#isHandling = false;
  }

  #answered(call: SchedulerCall, { status, message }: CallAnswer): void {
    // Answers come in the order of calls, without those that the link dropped because too many wait. One
    // that was given up is answered too late.
    const index = this.#open.findIndex((one) => one.call === call);
    if (index < 0) return;
    for (const dropped of this.#open.splice(0, index)) {
      dropped.reject(notSent(typeOf(dropped.call), 'too many calls wait already'));
    }
    const answered = this.#open.shift();
    if (answered === undefined) return;
    if (status === 200 || status === 202) answered.resolve();
    else {
      const type = typeOf(answered.call);
      answered.reject(callRefused({ type, status, reason: message ?? '' }));
    }
    this.#noteIdle();
  }

  #streamEnded(reason: string): void {
    this.#fail(streamEnded(reason));
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#end();
    const open = this.#open;
    this.#open = [];
    for (const { call, reject } of open) reject(this.#unanswered(call, error.message));
    this.#noteIdle();
    this.#handlers.onEnd(error);
  }

  #unanswered(call: SchedulerCall, why: string): Error {
    return unanswered(typeOf(call), this.master, why);
  }

  #noteIdle(): void {
    if (this.#open.length > 0) return;
    this.#onIdle?.();
    this.#onIdle = undefined;
  }
}

/** What the master would answer to a subscription that it cannot read; undefined: it can. */
function refusalOf(call: SchedulerCall): Refusal | undefined {
  const tooLarge = sizeRefusal(call);
  if (tooLarge !== undefined)
    return { type: 'SUBSCRIBE', status: tooLarge.status, reason: tooLarge.message ?? '' };
  const fault = validateSchedulerCall(call);
  return fault === undefined ? undefined : { type: 'SUBSCRIBE', status: 400, reason: fault };
}

function typeOf({ type }: SchedulerCall): string {
  return type ?? 'UNKNOWN';
}
