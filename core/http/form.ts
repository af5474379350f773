/** Bodies of the endpoints from before the v1 API, which look at no content type: forms, and JSON. */
import { answerText } from './answers.js';
import { answerTooLarge, readBody } from './body.js';
import type { Exchange } from './routes.js';

/** The fields of a form; undefined: see `readBytes`. */
export async function readForm(exchange: Exchange): Promise<URLSearchParams | undefined> {
  const bytes = await readBytes(exchange);
  return bytes === undefined ? undefined : new URLSearchParams(bytes.toString('utf8'));
}

/**
 * The body; undefined: it was answered with a 4xx, or the client is gone. What a page of another site
 * sent is refused: browsers send forms without asking anybody.
 */
export async function readBytes(exchange: Exchange): Promise<Buffer | undefined> {
  if (refuseOtherSite(exchange)) return undefined;
  const { request, limits } = exchange;
  const body = await readBody(request, limits.callBytes);
  if (body.kind === 'too-large') answerTooLarge(exchange, limits.callBytes);
  return body.kind === 'body' ? body.bytes : undefined;
}

/** Whether the request came from a page of another site, and was refused. */
export function refuseOtherSite(exchange: Exchange): boolean {
  const { origin, host } = exchange.request.headers;
  if (origin === undefined || hostOf(origin) === host) return false;
  answerText(exchange, 403, 'A form of another site is not accepted.');
  return true;
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}
