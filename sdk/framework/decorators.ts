/**
 * The decorators of a framework class. They are inert: they write metadata that `readFramework` reads. Each
 * takes options of the handler last; the type of each refuses methods of another signature.
 */
import { type Duration, type TaskStateName } from '../decisions/index.js';
import type { Offers } from '../matching/index.js';
import type { Context } from './context.js';
import type {
  EventDecorator,
  FieldDecoratorOf,
  MethodDecoratorOf,
  PlainDecorator,
} from './decorator-types.js';
import type { DaemonOptions, HandlerOptions, StatusFilter } from './definition.js';
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
import type { DaemonHandler, HandlerKind } from './handlers.js';
import {
  type HandlerDeclaration,
  declareFramework,
  declareHandler,
  declareStored,
  isStandardContext,
  placeOf,
  wrongDecorators,
} from './metadata.js';
import type { FrameworkOptions } from './options.js';
import type { Repository } from './repository.js';

/** Makes a class a framework. Options are checked when it is read, not here. */
export function Framework(
  options: FrameworkOptions,
): (target: abstract new (...given: never) => object) => void {
  return (target: object, ...rest: readonly unknown[]) => {
    if (isStandardContext(rest[0])) throw wrongDecorators('@Framework');
    declareFramework(target, options);
  };
}

/** Places tasks. A framework has exactly one: called with new offers, and whenever wants may have changed. */
export function OnOffers(
  options: HandlerOptions = {},
): EventDecorator<
  Offers,
  Context,
  '(offers: Offers, context: Context) => Decision | Promise<Decision>'
> {
  return handler({ kind: 'offers', decorator: '@OnOffers', options });
}

/** A state whose updates are handled, or, last, a filter and options. */
export type StatusArgument = TaskStateName | (StatusFilter & HandlerOptions);

/**
 * A task has news: of any state, or of those named. The update is acknowledged when the handler is
 * done and its turn recorded.
 */
export function OnStatus(
  ...given: readonly StatusArgument[]
): EventDecorator<
  TaskUpdate,
  Context,
  '(update: TaskUpdate, context: Context) => Decision | Promise<Decision>'
> {
  const last: unknown = given.at(-1);
  const hasOptions = typeof last === 'object' && last !== null;
  const states: readonly unknown[] = hasOptions ? given.slice(0, -1) : given;
  const options = hasOptions ? last : {};
  return handler({ kind: 'status', decorator: '@OnStatus', options, states });
}

/** A task is lost to its infrastructure: unreachable, gone, dropped, unknown. `@OnStatus` is called as well. */
export function OnLost(
  options: HandlerOptions = {},
): EventDecorator<
  TaskUpdate,
  Context,
  '(update: TaskUpdate, context: Context) => Decision | Promise<Decision>'
> {
  return handler({ kind: 'lost', decorator: '@OnLost', options });
}

/** An offer was taken back. */
export function OnRescind(
  options: HandlerOptions = {},
): EventDecorator<
  Rescinded,
  Context,
  '(rescinded: Rescinded, context: Context) => Decision | Promise<Decision>'
> {
  return handler({ kind: 'rescind', decorator: '@OnRescind', options });
}

/** An operator asks to leave a machine. Unless the decision answers it, it stays unanswered. */
export function OnInverseOffer(
  options: HandlerOptions = {},
): EventDecorator<
  InverseOfferView,
  Context,
  '(inverse: InverseOfferView, context: Context) => Decision | Promise<Decision>'
> {
  return handler({ kind: 'inverse-offer', decorator: '@OnInverseOffer', options });
}

/** An agent is gone, or an executor ended. */
export function OnFailure(
  options: HandlerOptions = {},
): EventDecorator<
  Failure,
  Context,
  '(failure: Failure, context: Context) => Decision | Promise<Decision>'
> {
  return handler({ kind: 'failure', decorator: '@OnFailure', options });
}

/** An executor has sent a message. */
export function OnMessage(
  options: HandlerOptions = {},
): EventDecorator<
  ExecutorMessage,
  Context,
  '(message: ExecutorMessage, context: Context) => Decision | Promise<Decision>'
> {
  return handler({ kind: 'message', decorator: '@OnMessage', options });
}

/** The framework is subscribed, for the first time or again. */
export function OnConnected(
  options: HandlerOptions = {},
): EventDecorator<
  Connected,
  Context,
  '(connected: Connected, context: Context) => Decision | Promise<Decision>'
> {
  return handler({ kind: 'connected', decorator: '@OnConnected', options });
}

/** The connection is lost; the runtime connects again by itself. */
export function OnDisconnected(
  options: HandlerOptions = {},
): EventDecorator<
  Disconnected,
  Context,
  '(disconnected: Disconnected, context: Context) => Decision | Promise<Decision>'
> {
  return handler({ kind: 'disconnected', decorator: '@OnDisconnected', options });
}

/** Something went wrong that no other handler is told of. */
export function OnError(
  options: HandlerOptions = {},
): EventDecorator<
  Trouble,
  Context,
  '(trouble: Trouble, context: Context) => Decision | Promise<Decision>'
> {
  return handler({ kind: 'error', decorator: '@OnError', options });
}

/** An operation on reservations or volumes has news. */
export function OnOperation(
  options: HandlerOptions = {},
): EventDecorator<
  OperationUpdate,
  Context,
  '(update: OperationUpdate, context: Context) => Decision | Promise<Decision>'
> {
  return handler({ kind: 'operation', decorator: '@OnOperation', options });
}

/** Called again and again while the framework is active; the first time one interval after the start. */
export function Every(interval: Duration, options: HandlerOptions = {}): PlainDecorator<Context> {
  return handler({ kind: 'every', decorator: '@Every', options, every: interval });
}

/** Called once when the framework has become active and its state is there, before anything else. */
export function OnStart(options: HandlerOptions = {}): PlainDecorator<Context> {
  return handler({ kind: 'start', decorator: '@OnStart', options });
}

/**
 * Runs beside all handlers while the framework is active: a loop that watches something and decides by
 * `context.decide`. Begun after `@OnStart`; it ends when it returns, and is told to by `context.signal`.
 */
export function Daemon(
  options: DaemonOptions = {},
): MethodDecoratorOf<DaemonHandler, '(context: DaemonContext) => Promise<void>'> {
  return handler({ kind: 'daemon', decorator: '@Daemon', options });
}

/** How stored values are read. */
export interface StoredOptions {
  /** Version of the shape that this program writes. Default 1. */
  readonly version?: number;
  /** By version: makes a value of that version into one of the next. */
  readonly migrations?: Readonly<Record<number, (value: unknown) => unknown>>;
  /** Throws when a value that was read is not valid. */
  readonly check?: (value: unknown) => void;
}

/**
 * Makes a field a `Repository` that is kept in the store of the framework. The runtime puts it there before
 * any handler is called; `new MemoryRepository()` as initial value serves unit tests.
 * @param name first part of the keys of its records.
 */
export function Stored(
  name: string,
  options: StoredOptions = {},
): FieldDecoratorOf<Repository<unknown>, 'a class whose field is public and a Repository<…>'> {
  return (decorated: unknown, key: PropertyKey, descriptor?: unknown) => {
    const target: object = Object(decorated);
    const place = placeOf('@Stored', [target, key, descriptor]);
    declareStored(target, { key, place, name, options });
  };
}

/** A decorator that writes the declaration down, for any handler. */
function handler(
  declaration: Omit<HandlerDeclaration, 'key' | 'place'> & { readonly kind: HandlerKind },
): (target: unknown, key: PropertyKey, descriptor: unknown) => void {
  return (decorated, key, descriptor) => {
    const target: object = Object(decorated);
    const place = placeOf(declaration.decorator, [target, key, descriptor]);
    declareHandler(target, { ...declaration, key, place });
  };
}
