/** Durable key-value stores, and the lock of a work directory. */
export {
  MAX_KEY_BYTES,
  MAX_PENDING_TRANSACTIONS,
  MAX_TRANSACTIONS_PER_COMMIT,
  MAX_VALUE_BYTES,
  checkRecord,
} from './limits.js';
export { LmdbStore } from './lmdb-store.js';
export { MemoryMedium } from './memory-medium.js';
export { MemoryStore, type MemoryStoreOptions } from './memory-store.js';
export {
  type OpenedReader,
  STORE_URL_FORMS,
  openStore,
  openStoreForReading,
} from './open-store.js';
export {
  type ProcessIdentity,
  isProcessIdentity,
  isRunning,
  ownIdentity,
} from './process-identity.js';
export {
  type WorkDirectoryLock,
  type WorkDirectoryOptions,
  lockWorkDirectory,
} from './work-directory.js';
