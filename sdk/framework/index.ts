/** The decorators of a framework, what its handlers are given, and the one reader of both. */
export type { ConnectionState, Context, HandlerClock } from './context.js';
export type {
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
  type Checked,
  MAX_LISTED_PROBLEMS,
  type Problem,
  type Shape,
  checkShape,
  fieldsOf,
} from './validation.js';
