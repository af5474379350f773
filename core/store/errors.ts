/** The errors that all stores reject with, in the same words. */
import { PlateauError, errorMessage } from '../base/index.js';

/** A check of a transaction found another version. */
export function conflictError(key: string, wanted: number, found: number): PlateauError {
  const message =
    `the record '${key}' has version ${found}, not ${wanted}: ` +
    'somebody else wrote it; read it again and retry';
  return new PlateauError('STORE_CONFLICT', message, { context: { key, wanted, found } });
}

/** The writer's epoch is lower than the store's. */
export function fencedError(epoch: number, current: number): PlateauError {
  const message =
    `the write with epoch ${epoch} was refused, the store is at epoch ${current}: ` +
    'a newer leader has taken over; stop writing';
  return new PlateauError('FENCED', message, { context: { epoch, current } });
}

/** The medium refused to read or write. */
export function storeFailedError(what: string, cause?: unknown): PlateauError {
  const message = cause === undefined ? what : `${what}: ${errorMessage(cause)}`;
  return new PlateauError('STORE_FAILED', message, cause === undefined ? {} : { cause });
}

/** More transactions wait than the store keeps. */
export function overloadedError(limit: number): PlateauError {
  const message = `${limit} transactions wait for the store already; retry when some are durable`;
  return new PlateauError('STORE_FAILED', message, { retriable: true, context: { limit } });
}

/** The store was closed before. */
export function closedError(): PlateauError {
  return new PlateauError('STORE_FAILED', 'the store is closed');
}
