/** What follows when a handler has failed: by its policy, unless the error itself says. */
import { PlateauError, type Random } from '../../core/base/index.js';
import { type HandlerDefinition, retryAfterMsOf } from '../framework/index.js';
import { RETRY_MAX_MS } from './limits.js';

export type Verdict =
  | { readonly policy: 'retry'; readonly waitMs: number }
  | { readonly policy: 'skip' | 'crash' };

export interface FailureFacts {
  readonly error: Error;
  /** How often in a row it has failed, this time included. */
  readonly failures: number;
  readonly jitter: Random;
}

/** A handler that has failed and is to be called again. */
export interface RetryingView {
  /** The method. */
  readonly handler: string;
  /** How often in a row it has failed. */
  readonly failures: number;
  readonly error: string;
}

export function judgeFailure(handler: HandlerDefinition, facts: FailureFacts): Verdict {
  const { error, failures } = facts;
  const { onError, retries } = handler;
  if (PlateauError.is(error, 'FATAL')) return { policy: 'crash' };
  const isAsked = onError === 'retry' || PlateauError.is(error, 'TRANSIENT');
  if (isAsked && failures <= retries) return { policy: 'retry', waitMs: waitMsOf(handler, facts) };
  return { policy: onError === 'skip' ? 'skip' : 'crash' };
}

function waitMsOf(handler: HandlerDefinition, { error, failures, jitter }: FailureFacts): number {
  const limitMs = Math.min(RETRY_MAX_MS, handler.backoffMs * 2 ** Math.min(failures - 1, 30));
  return retryAfterMsOf(error) ?? limitMs * (0.5 + jitter.next() / 2);
}
