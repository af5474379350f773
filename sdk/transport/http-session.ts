/**
 * One subscription over HTTP from its first try to its end. Calls are settled before the end is told, so
 * that nobody subscribes anew while a TEARDOWN is being answered.
 */
import {
  type SchedulerCall,
  type SchedulerEvent,
  decodeJson,
  encodeJson,
} from '../../core/api/index.js';
import { PlateauError, type World, errorMessage } from '../../core/base/index.js';
import type { Session, SessionHandlers } from '../runtime/index.js';
import { Calls } from './calls.js';
import type { MasterDetector } from './detector.js';
import { garbled, masterUnreachable, notSent } from './failures.js';
import { type Subscription, openSubscription } from './subscription.js';

/** Calls that confirm what was told: their order does not matter. */
const CONFIRMATIONS: ReadonlySet<string> = new Set(['ACKNOWLEDGE', 'ACKNOWLEDGE_OPERATION_STATUS']);

export interface HttpSessionOptions {
  readonly world: World;
  readonly detector: MasterDetector;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly subscribe: SchedulerCall;
  readonly handlers: SessionHandlers;
  /** Told once, when nothing of the session is left. */
  readonly onClosed: () => void;
}

export class HttpSession implements Session {
  readonly #options: HttpSessionOptions;
  readonly #abort = new AbortController();
  #calls: Calls | undefined;
  #closing: Promise<void> | undefined;
  #isOver = false;

  constructor(options: HttpSessionOptions) {
    this.#options = options;
    void this.#run();
  }

  get master(): string | undefined {
    return this.#calls?.master.origin;
  }

  async call(call: SchedulerCall): Promise<void> {
    const type = call.type ?? 'UNKNOWN';
    const calls = this.#calls;
    if (this.#isOver || this.#closing !== undefined || calls === undefined) {
      throw notSent(
        type,
        calls === undefined ? 'no master has answered yet' : 'the session is over',
      );
    }
    const lane = CONFIRMATIONS.has(type) ? 'beside' : 'ordered';
    await calls.send(lane, type, encodeJson('SchedulerCall', call));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (!this.#isOver) await this.#calls?.drain();
    this.#end();
  }

  async #run(): Promise<void> {
    let reason: Error;
    try {
      const subscription = await this.#subscribe();
      reason = await this.#consume(subscription);
    } catch (error) {
      reason = error instanceof Error ? error : new Error(errorMessage(error));
    }
    // Who closes sends what was called, and ends the session then.
    if (this.#closing !== undefined) return;
    await this.#calls?.settle(this.#options.world.clock);
    if (this.#isOver) return;
    this.#end();
    if (this.#closing === undefined) this.#options.handlers.onEnd(reason);
  }

  /** Hands over one event after the other. Returns why there are no more. */
  async #consume(subscription: Subscription): Promise<Error> {
    const { url, streamId, records } = subscription;
    const { handlers, requestTimeoutMs } = this.#options;
    if (!this.#isOver) this.#calls = new Calls({ url, streamId, requestTimeoutMs });
    for await (const record of records) {
      if (this.#closing !== undefined) break;
      const handled = handlers.onEvent(eventOf(record, url));
      if (handled !== undefined) await handled;
      if (this.#closing !== undefined) break;
    }
    return new Error('closed');
  }

  /** The candidates are tried in turn. */
  async #subscribe(): Promise<Subscription> {
    const { world, detector, subscribe, connectTimeoutMs } = this.#options;
    const body = encodeJson('SchedulerCall', subscribe);
    const { signal } = this.#abort;
    const failures: string[] = [];
    for (const master of await this.#candidates()) {
      if (signal.aborted) break;
      const request = { clock: world.clock, master, body, timeoutMs: connectTimeoutMs, signal };
      try {
        const subscription = await openSubscription(request);
        detector.leaderIs?.(new URL(subscription.url.origin));
        return subscription;
      } catch (error) {
        if (!(error instanceof PlateauError) || error.code !== 'MASTER_UNREACHABLE') throw error;
        world.log.debug('a master did not take the subscription', { reason: error.message });
        failures.push(error.message);
      }
    }
    if (!signal.aborted) detector.leaderIs?.(undefined);
    const [only] = failures;
    const why = failures.length > 1 ? failures.join(' ') : (only ?? 'no address is known');
    throw masterUnreachable('any address', why.replace(/\.$/, ''));
  }

  async #candidates(): Promise<readonly URL[]> {
    try {
      return await this.#options.detector.candidates();
    } catch (cause) {
      throw masterUnreachable('any address', `detection failed (${errorMessage(cause)})`, cause);
    }
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#abort.abort();
    this.#calls?.end();
    this.#options.onClosed();
  }
}

function eventOf(record: Buffer, url: URL): SchedulerEvent {
  try {
    return decodeJson('SchedulerEvent', record);
  } catch (error) {
    throw garbled(url.origin, error);
  }
}
