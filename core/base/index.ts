/** What everything stands on: world, ownership, errors, ids, and the ports to durable state. */
export {
  type AgentId,
  type Brand,
  type ContainerId,
  type ExecutorId,
  type FrameworkId,
  type OfferId,
  type StreamId,
  type TaskId,
  id,
} from './brand.js';
export { at, isRecord } from './cast.js';
export { type Clock, SystemClock, setRepeatingTimer } from './clock.js';
export { type Disposable, DisposableStore, toDisposable } from './disposable.js';
export {
  ERROR_CODES,
  type ErrorCode,
  type ErrorContext,
  PlateauError,
  type PlateauErrorOptions,
  assert,
  errorMessage,
} from './errors.js';
export { FewMap, type FewMapView } from './few-map.js';
export { type Ids, SeededIds, SystemIds } from './ids.js';
export type { Candidacy, Lease, LeaseHolder } from './lease.js';
export { LOG_LEVELS, type LogFields, type LogLevel, type Logger, SILENT_LOGGER } from './log.js';
export { canRunPromises, runPromises } from './microtasks.js';
export { type Random, SeededRandom, shuffle } from './random.js';
export type { Store, StoreCheck, StoreEntry, StoreReader, StoreTransaction } from './store.js';
export { VirtualClock, VirtualWorld, type VirtualWorldOptions } from './virtual-world.js';
export { Ring } from './ring.js';
export { TimeoutQueue, type TimeoutQueueOptions } from './timeout-queue.js';
export { Timers } from './timers.js';
export { type World, systemWorld } from './world.js';
