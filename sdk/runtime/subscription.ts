/**
 * The connection to a master: one session after another, with jittered waits between them, and a
 * watchdog that gives a silent one up.
 */
import type {
  FrameworkInfo,
  SchedulerCall,
  SchedulerEventSubscribed,
} from '../../core/api/index.js';
import { PlateauError } from '../../core/base/index.js';
import { Backoff, MAX_MISSED_HEARTBEATS } from '../../core/client/index.js';
import type { ConnectionState } from '../framework/index.js';
import { type CoreContext, clearTimer, setTimer } from './core-context.js';

export const RECONNECT_TIMER = 'reconnect';
export const WATCHDOG_TIMER = 'watchdog';

/** Seconds between heartbeats until the master has told its own interval. */
const ASSUMED_HEARTBEAT_SECONDS = 15;

export class Subscription {
  readonly #context: CoreContext;
  readonly #backoff: Backoff;
  #state: ConnectionState = 'standby';
  #session = 0;
  #heardMs = 0;
  #heartbeatSeconds = ASSUMED_HEARTBEAT_SECONDS;
  #hasBeenConfirmed = false;
  #suppressed: readonly string[] = [];

  constructor(context: CoreContext) {
    this.#context = context;
    this.#backoff = new Backoff(context.world.random.fork('reconnect'));
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Number of the session; those before it are over. */
  get session(): number {
    return this.#session;
  }

  /** Whether calls can be made. */
  get isSubscribed(): boolean {
    return this.#state === 'subscribed';
  }

  /** Roles that the SUBSCRIBE call of this session named as suppressed. */
  get suppressed(): readonly string[] {
    return this.#suppressed;
  }

  /** Whether the session has seen its SUBSCRIBED event. */
  get hasBeenConfirmed(): boolean {
    return this.#hasBeenConfirmed;
  }

  open(info: FrameworkInfo, suppressed: readonly string[]): void {
    this.#session++;
    this.#state = 'connecting';
    this.#hasBeenConfirmed = false;
    this.#suppressed = suppressed;
    const message: SchedulerCall = {
      type: 'SUBSCRIBE',
      ...(info.id !== undefined && { framework_id: info.id }),
      subscribe: { framework_info: info, suppressed_roles: suppressed },
    };
    this.heard();
    setTimer(this.#context, WATCHDOG_TIMER, this.#silenceMs);
    this.#context.emit({ kind: 'open', session: this.#session, call: message });
  }

  /** Something came from the master. */
  heard(): void {
    this.#heardMs = this.#context.world.clock.elapsed();
  }

  /** The SUBSCRIBED event is there. Returns false when it is a repetition. */
  confirm(event: SchedulerEventSubscribed): boolean {
    const seconds = event.heartbeat_interval_seconds;
    if (seconds !== undefined && seconds > 0) this.#heartbeatSeconds = seconds;
    setTimer(this.#context, WATCHDOG_TIMER, this.#silenceMs);
    if (this.#hasBeenConfirmed) return false;
    this.#hasBeenConfirmed = true;
    return true;
  }

  /** Everything that has to come first is done: calls can be made. */
  ready(): void {
    this.#state = 'subscribed';
    this.#context.counters.count('subscriptions');
    this.#backoff.reset();
  }

  /**
   * The watchdog rings. Returns what is wrong when the master was silent for too long.
   * @param isReading whether the runtime takes what comes: if not, the silence is its own.
   */
  checkSilence(isReading: boolean): PlateauError | undefined {
    if (!isReading) this.heard();
    const silentMs = this.#context.world.clock.elapsed() - this.#heardMs;
    const leftMs = this.#silenceMs - silentMs;
    if (leftMs > 0) {
      setTimer(this.#context, WATCHDOG_TIMER, leftMs);
      return undefined;
    }
    const seconds = Math.round(silentMs / 1000);
    return new PlateauError('STREAM_ENDED', `The master was silent for ${seconds} seconds.`, {
      retriable: true,
    });
  }

  /** The session is over. Returns the wait before the next one, which is under way. */
  lost(): number {
    this.#end('disconnected');
    this.#context.counters.count('disconnects');
    const waitMs = this.#backoff.next();
    setTimer(this.#context, RECONNECT_TIMER, waitMs);
    return waitMs;
  }

  /** There will be no further session. */
  close(): void {
    this.#end('closed');
    clearTimer(this.#context, RECONNECT_TIMER);
  }

  #end(state: ConnectionState): void {
    this.#state = state;
    this.#session++;
    clearTimer(this.#context, WATCHDOG_TIMER);
  }

  get #silenceMs(): number {
    return this.#heartbeatSeconds * MAX_MISSED_HEARTBEATS * 1000;
  }
}

/** Whether another session may do better than the one that ended with this error. */
export function isWorthRetrying(error: Error): boolean {
  if (!(error instanceof PlateauError)) return false;
  return error.retriable || RETRIED_CODES.has(error.code);
}

const RETRIED_CODES: ReadonlySet<string> = new Set([
  'MASTER_UNREACHABLE',
  'STREAM_ENDED',
  'INVALID_MESSAGE',
]);
