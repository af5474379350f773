/**
 * The checks that every v1 endpoint makes in the same order: method, media type of the body, size,
 * JSON or protobuf and schema, validation, and later the media type of the answer. What fails first
 * is answered, and the caller gets nothing.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Messages } from '../api/index.js';
import { PlateauError } from '../base/index.js';
import { answerMethodNotAllowed, answerText } from './answers.js';
import { answerTooLarge, readBody } from './body.js';
import { type MediaChoice, type MessageFormat, answerFormat, requestFormat } from './media.js';
import type { Exchange } from './routes.js';

export interface ApiCallOptions<Name extends keyof Messages> {
  readonly message: Name;
  /** What the call is called in the answer to an invalid one, such as `scheduler::Call`. */
  readonly label: string;
  /** Why the call is not valid, or undefined. */
  readonly validate: (call: Messages[Name]) => string | undefined;
  /** How the form of the body is chosen, where there is more to it than Content-Type. */
  readonly requestFormat?: (headers: IncomingHttpHeaders) => MediaChoice;
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
  const choose = options.requestFormat ?? requestFormat;
  const format = chosen(exchange, choose(exchange.request.headers));
  if (format === undefined) return undefined;
  const body = await readBody(exchange.request, exchange.limits.callBytes);
  if (body.kind === 'too-large') answerTooLarge(exchange, exchange.limits.callBytes);
  if (body.kind !== 'body') return undefined;
  return decodeCall(exchange, options, () => format.decode(options.message, body.bytes));
}

/** The form of the answer that the client takes; undefined: it takes none, and was answered 406. */
export function acceptedFormat(
  exchange: Exchange,
  choose: (headers: IncomingHttpHeaders) => MediaChoice = answerFormat,
): MessageFormat | undefined {
  return chosen(exchange, choose(exchange.request.headers));
}

function chosen(exchange: Exchange, choice: MediaChoice): MessageFormat | undefined {
  if (!('status' in choice)) return choice;
  answerText(exchange, choice.status, choice.message);
  return undefined;
}

function decodeCall<Name extends keyof Messages>(
  exchange: Exchange,
  options: ApiCallOptions<Name>,
  decode: () => Messages[Name],
): Messages[Name] | undefined {
  try {
    const call = decode();
    const reason = options.validate(call);
    if (reason === undefined) return call;
    answerText(exchange, 400, `Failed to validate ${options.label}: ${reason}`);
  } catch (error) {
    if (!(error instanceof PlateauError) || error.code !== 'INVALID_MESSAGE') throw error;
    answerText(exchange, 400, error.message);
  }
  return undefined;
}
