/** The errors of a session, in one place: which are worth another try is what the runtime goes by. */
import { PlateauError, errorMessage } from '../../core/base/index.js';

/** Nobody leads, or nobody is there. */
export function masterUnreachable(where: string, why: string, cause?: unknown): PlateauError {
  return new PlateauError('MASTER_UNREACHABLE', `No leading master at ${where}: ${why}.`, {
    retriable: true,
    context: { address: where },
    cause,
  });
}

/** A call was sent, and no answer came. */
export function unanswered(type: string, where: string, cause: unknown): PlateauError {
  return new PlateauError(
    'MASTER_UNREACHABLE',
    `${type} got no answer from ${where} (${errorMessage(cause)}). It may have arrived: only events ` +
      'and reconciliation show what it did.',
    { retriable: true, context: { address: where, call: type }, cause },
  );
}

/** A call stayed here. */
export function notSent(type: string, why: string): PlateauError {
  return new PlateauError('STREAM_ENDED', `${type} was not sent, because ${why}.`, {
    retriable: true,
    context: { call: type },
  });
}

export function streamEnded(why: string, cause?: unknown): PlateauError {
  return new PlateauError('STREAM_ENDED', `The subscription is over: ${why}.`, {
    retriable: true,
    cause,
  });
}

/** What came is no event. A new stream may be sound. */
export function garbled(where: string, cause: unknown): PlateauError {
  return new PlateauError(
    'INVALID_MESSAGE',
    `The master at ${where} sent something that is no event: ${errorMessage(cause)}`,
    { retriable: true, context: { address: where }, cause },
  );
}

/** A status other than success, with the text that came with it. */
export interface Refusal {
  readonly type: string;
  readonly status: number;
  readonly reason: string;
}

/** The subscription was understood and refused: the same one will be again. */
export function subscriptionRefused(where: string, refusal: Refusal): PlateauError {
  const { type, status, reason } = refusal;
  const message = `The master at ${where} answered ${type} with status ${status}: ${reason}`;
  return new PlateauError('CALL_REFUSED', message, { context: { status, reason } });
}

/** A call was refused. Another subscription may help when this master does not lead or know it any more. */
export function callRefused({ type, status, reason }: Refusal): PlateauError {
  const detail = status === 307 ? 'another master leads' : reason;
  return new PlateauError('CALL_REFUSED', `${type} was refused with status ${status}: ${detail}`, {
    context: { status, reason },
    retriable: status === 307 || status === 403 || status >= 500,
  });
}
