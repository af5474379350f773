/**
 * The bounds that every store shares, and the check of a transaction against them before anything is
 * queued, so that one bad record cannot spoil the commit of others.
 */
import { PlateauError, type StoreTransaction } from '../base/index.js';

/** Longest key, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 512;

/** Longest value, in bytes of UTF-8 (1 MiB). */
export const MAX_VALUE_BYTES = 1024 * 1024;

/** Transactions that may wait for their commit; a further one is refused and may be retried. */
export const MAX_PENDING_TRANSACTIONS = 100_000;

/** Transactions that share one commit at most: bounds how long the write lock is held. */
export const MAX_TRANSACTIONS_PER_COMMIT = 2_000;

/**
 * Checks keys and values against the limits.
 * @throws PlateauError `STORE_FAILED` naming the key.
 */
export function checkLimits(transaction: StoreTransaction): void {
  for (const { key } of transaction.checks ?? []) checkKey(key);
  for (const key of transaction.deletes ?? []) checkKey(key);
  for (const { key, value } of transaction.puts ?? []) checkRecord(key, value);
}

/**
 * Checks what is to be put, for those who would rather know before they commit.
 * @throws PlateauError `STORE_FAILED` naming the key.
 */
export function checkRecord(key: string, value: string): void {
  checkKey(key);
  checkValue(key, value);
}

/**
 * Checks a key.
 * @throws PlateauError `STORE_FAILED` naming the key.
 */
export function checkKey(key: string): void {
  if (key === '') throw refusal(key, 'keys are not empty');
  if (isOversize(key, MAX_KEY_BYTES)) {
    throw refusal(`${key.slice(0, 64)}…`, `keys have at most ${MAX_KEY_BYTES} bytes`);
  }
  // A surrogate without its other half would come back changed: UTF-8 cannot carry it.
  if (!key.isWellFormed()) throw refusal(key, 'keys are well-formed Unicode');
}

function checkValue(key: string, value: string): void {
  if (isOversize(value, MAX_VALUE_BYTES)) {
    const size = Buffer.byteLength(value);
    throw refusal(key, `its value has ${size} bytes, at most ${MAX_VALUE_BYTES} are allowed`);
  }
  if (!value.isWellFormed()) throw refusal(key, 'its value is not well-formed Unicode');
}

/** A UTF-16 unit takes 1 to 3 bytes in UTF-8: counting is needed in between only. */
function isOversize(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return true;
  return text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes;
}

function refusal(key: string, reason: string): PlateauError {
  return new PlateauError('STORE_FAILED', `the store refuses the record '${key}': ${reason}`, {
    context: { key },
  });
}
