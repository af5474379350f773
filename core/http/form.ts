/** Bodies of HTML forms, which a few endpoints from before the v1 API take. */
import { answerText } from './answers.js';
import { answerTooLarge, readBody } from './body.js';
import type { Exchange } from './routes.js';

/**
 * The fields of a form; undefined: it was answered with a 4xx, or the client is gone. A form that a
 * page of another site sent is refused: browsers send those without asking anybody.
 */
export async function readForm(exchange: Exchange): Promise<URLSearchParams | undefined> {
  const { request, limits } = exchange;
  const { origin, host } = request.headers;
  if (origin !== undefined && hostOf(origin) !== host) {
    answerText(exchange, 403, 'A form of another site is not accepted.');
    return undefined;
  }
  const body = await readBody(request, limits.callBytes);
  if (body.kind === 'too-large') answerTooLarge(exchange, limits.callBytes);
  return body.kind === 'body' ? new URLSearchParams(body.bytes.toString('utf8')) : undefined;
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}
