/**
 * Errors by which a handler says what is to follow, whatever its policy. They are known by their codes, so that those
 * of another copy of the package are too.
 */
import { PlateauError } from '../../core/base/index.js';
import { type Duration, durationMs } from '../decisions/index.js';

/** Longest wait that a `TransientError` can ask for, in milliseconds; a longer one is cut to it. */
export const MAX_RETRY_AFTER_MS = 3_600_000;

export interface TransientErrorOptions {
  /** Wait before the next call: just so long, an hour at most. Default: the growing `backoff` of the handler. */
  readonly retryAfter?: Duration;
  readonly cause?: unknown;
}

/**
 * What failed may work later: the handler is called again with the same event, whatever its `onError` says. Not for
 * ever: after its `retries` in a row `onError` decides, where `retry` has used them up and crashes.
 */
export class TransientError extends PlateauError {
  /** @throws PlateauError `INVALID_DURATION`. */
  constructor(message: string, { retryAfter, cause }: TransientErrorOptions = {}) {
    const context =
      retryAfter === undefined ? {} : { retryAfterMs: durationMs(retryAfter, 'retryAfter') };
    super('TRANSIENT', message, { context, retriable: true, cause });
    this.name = 'TransientError';
  }
}

/** Nothing will make it better: the framework ends with `HANDLER_FAILED`, whatever the handler's `onError` says. */
export class FatalError extends PlateauError {
  constructor(message: string, { cause }: { readonly cause?: unknown } = {}) {
    super('FATAL', message, { cause });
    this.name = 'FatalError';
  }
}

/** The wait that a `TransientError` asks for, in milliseconds. */
export function retryAfterMsOf(error: Error): number | undefined {
  if (!PlateauError.is(error, 'TRANSIENT')) return undefined;
  const { retryAfterMs } = error.context;
  if (typeof retryAfterMs !== 'number' || !(retryAfterMs >= 0)) return undefined;
  return Math.min(retryAfterMs, MAX_RETRY_AFTER_MS);
}
