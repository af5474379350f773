/** The decorators of a framework, what its handlers are given, and the one reader of both. */
export type { ConnectionState, Context, DaemonContext, HandlerClock } from './context.js';
export type {
  DaemonOptions,
  ErrorPolicy,
  FrameworkDefinition,
  FrameworkSettings,
  HandlerDefinition,
  HandlerOptions,
  StatusFilter,
  StoredDefinition,
} from './definition.js';
export type {
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
export type {
  DaemonHandler,
  EventHandler,
  HandlerEvents,
  HandlerKind,
  HandlerResult,
  PlainHandler,
  Subscribable,
} from './handlers.js';
export { MemoryRepository, type Repository } from './repository.js';
export type {
  EventDecorator,
  FieldDecoratorOf,
  MethodDecoratorOf,
  OnInstance,
  PlainDecorator,
} from './decorator-types.js';
export {
  Daemon,
  Every,
  Framework,
  OnConnected,
  OnDisconnected,
  OnError,
  OnFailure,
  OnInverseOffer,
  OnLost,
  OnMessage,
  OnOffers,
  OnOperation,
  OnRescind,
  OnStart,
  OnStatus,
  type StatusArgument,
  Stored,
  type StoredOptions,
} from './decorators.js';
export { frameworkInfoOf } from './framework-info.js';
export { MAX_HANDLER_RETRIES, TASK_STATES } from './handler-options.js';
export {
  INJECTED_CLOSE_MS,
  Injector,
  LOG,
  type Provided,
  type ProvidedBy,
  type Token,
  checkProvided,
  inject,
  isProvidedList,
  provide,
  token,
} from './injection.js';
export { type FrameworkOptions, IsDuration, isDuration } from './options.js';
export { MIN_EVERY_MS } from './read-handlers.js';
export { MAX_STORED_NAME_LENGTH } from './read-stored.js';
export {
  type FrameworkClass,
  type ReadFrameworkOptions,
  isFrameworkClass,
  readFramework,
} from './reader.js';
export {
  FatalError,
  MAX_RETRY_AFTER_MS,
  TransientError,
  type TransientErrorOptions,
  retryAfterMsOf,
} from './steering-errors.js';
export {
  type Checked,
  MAX_LISTED_PROBLEMS,
  type Problem,
  type Shape,
  checkShape,
  fieldsOf,
} from './validation.js';
