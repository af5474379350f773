/** Errors of the runtime that carry more than a code. */
import { PlateauError, errorMessage } from '../../core/base/index.js';

/**
 * The master has removed the framework: it was away for longer than its failover timeout, or was torn
 * down. Its tasks are gone, and its id can never be used again.
 */
export class FrameworkRemovedError extends PlateauError {
  readonly frameworkId: string;

  constructor(frameworkId: string, reason: string) {
    super(
      'FRAMEWORK_REMOVED',
      `The framework ${frameworkId} was removed by the master (${reason}). To begin anew under a new ` +
        "id, start with onRemoved: 'reregister', or delete its state.",
      { context: { frameworkId, reason } },
    );
    this.name = 'FrameworkRemovedError';
    this.frameworkId = frameworkId;
  }
}

/** A handler threw or took too long, and its policy, or what it threw, ends the framework. */
export function handlerError(method: string, cause: Error): PlateauError {
  const advice = PlateauError.is(cause, 'FATAL')
    ? ''
    : ". To go on instead, give its decorator onError: 'retry' or 'skip'.";
  return new PlateauError(
    'HANDLER_FAILED',
    `The handler ${method} failed: ${errorMessage(cause).replace(/\.$/, '')}${advice}`,
    { context: { method }, cause },
  );
}

export function closedError(what: string): PlateauError {
  return new PlateauError('STREAM_ENDED', `${what}: the framework is closed.`);
}

/** Anything thrown, as an error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(errorMessage(thrown));
}
