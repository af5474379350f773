/** The signatures of handlers, by the decorator that takes them. A handler may leave parameters out. */
import type { Decision } from '../decisions/index.js';
import type { Offers } from '../matching/index.js';
import type { Context, DaemonContext } from './context.js';
import type {
  Connected,
  Disconnected,
  ExecutorMessage,
  Failure,
  InverseOfferView,
  OperationUpdate,
  Rescinded,
  TaskUpdate,
  Trouble,
} from './events.js';

/** Anything of rxjs or its like that can be subscribed to. */
export interface Subscribable<T> {
  subscribe(observer: {
    next: (value: T) => void;
    error: (error: unknown) => void;
    complete: () => void;
  }): { unsubscribe(): void };
}

/** A decision, now or later; of a stream, all decisions together. */
export type HandlerResult =
  | Decision
  | PromiseLike<Decision>
  | Subscribable<Decision>
  | AsyncIterable<Decision>;

/** What each kind of handler is given. */
export interface HandlerEvents {
  readonly offers: Offers;
  readonly status: TaskUpdate;
  readonly lost: TaskUpdate;
  readonly rescind: Rescinded;
  readonly 'inverse-offer': InverseOfferView;
  readonly failure: Failure;
  readonly message: ExecutorMessage;
  readonly connected: Connected;
  readonly disconnected: Disconnected;
  readonly error: Trouble;
  readonly operation: OperationUpdate;
}

export type HandlerKind = keyof HandlerEvents | 'start' | 'every' | 'daemon';

export type EventHandler<K extends keyof HandlerEvents> = (
  event: HandlerEvents[K],
  context: Context,
) => HandlerResult;
export type PlainHandler = (context: Context) => HandlerResult;
/** Runs until it is over; it decides by its context, not by what it returns. */
export type DaemonHandler = (context: DaemonContext) => Promise<void>;
