/**
 * The checks that every v1 endpoint makes in the same order: method, media type of the body, size,
 * JSON and schema, validation. What fails first is answered, and the caller gets nothing.
 */
import { type Messages, decodeJson } from '../api/index.js';
import { PlateauError } from '../base/index.js';
import { answerMethodNotAllowed, answerText } from './answers.js';
import { answerTooLarge, readBody } from './body.js';
import { refuseContentType } from './media.js';
import type { Exchange } from './routes.js';

export interface ApiCallOptions<Name extends keyof Messages> {
  readonly message: Name;
  /** What the call is called in the answer to an invalid one, such as `scheduler::Call`. */
  readonly label: string;
  /** Why the call is not valid, or undefined. */
  readonly validate: (call: Messages[Name]) => string | undefined;
  /** Replaces the check of the content type; answers itself and returns false when it refuses. */
  readonly checkMedia?: (exchange: Exchange) => boolean;
}

/** Reads and checks one call; undefined: it was answered with a 4xx, or the client is gone. */
export async function readCall<Name extends keyof Messages>(
  exchange: Exchange,
  options: ApiCallOptions<Name>,
): Promise<Messages[Name] | undefined> {
  if (exchange.request.method !== 'POST') {
    answerMethodNotAllowed(exchange, ['POST']);
    return undefined;
  }
  const isMediaGood = (options.checkMedia ?? checkContentType)(exchange);
  if (!isMediaGood) return undefined;
  const body = await readBody(exchange.request, exchange.limits.callBytes);
  if (body.kind === 'too-large') answerTooLarge(exchange, exchange.limits.callBytes);
  return body.kind === 'body' ? decodeCall(exchange, options, body.bytes) : undefined;
}

/** Refuses a body that is not JSON by its type. */
export function checkContentType(exchange: Exchange): boolean {
  const refusal = refuseContentType(exchange.request.headers);
  if (refusal !== undefined) answerText(exchange, refusal.status, refusal.message);
  return refusal === undefined;
}

function decodeCall<Name extends keyof Messages>(
  exchange: Exchange,
  options: ApiCallOptions<Name>,
  bytes: Buffer,
): Messages[Name] | undefined {
  try {
    const call = decodeJson(options.message, bytes);
    const reason = options.validate(call);
    if (reason === undefined) return call;
    answerText(exchange, 400, `Failed to validate ${options.label}: ${reason}`);
  } catch (error) {
    if (!(error instanceof PlateauError) || error.code !== 'INVALID_MESSAGE') throw error;
    answerText(exchange, 400, error.message);
  }
  return undefined;
}
