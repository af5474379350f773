/**
 * Passes requests on to the copy of the framework that is active, and its answers back, streams included.
 * Nothing is gathered on the way: bodies go through as they come.
 */
import { type IncomingMessage, type ServerResponse, request as httpRequest } from 'node:http';
import { ADMIN_PROXY_TIMEOUT_MS } from './limits.js';
import { RequestRefused } from './refusal.js';

/** Names the copies through which a request has come. */
export const VIA_HEADER = 'x-plateau-via';
/** Names the copy that has answered, when it was another one than was asked. */
export const LEADER_HEADER = 'x-plateau-leader';

/** What belongs to one connection, and is not passed on. */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // Judged by the copy that was asked; the active one has another address.
  'origin',
]);

export interface ProxyOptions {
  /** URL of the active copy. */
  readonly leader: string;
  /** This copy among all, for noticing that a request goes round in circles. */
  readonly self: string;
  /** Header of the answer that names the active copy, beside `LEADER_HEADER`. */
  readonly leaderHeader?: string | undefined;
}

/**
 * Resolves when the answer has gone out, or the reader has left.
 * @throws RequestRefused 502 when the active copy breaks off, 503 when it cannot be reached or the request
 *   has been here before, 504 when it says nothing for too long.
 */
export function proxyRequest(
  request: IncomingMessage,
  response: ServerResponse,
  { leader, self, leaderHeader }: ProxyOptions,
): Promise<void> {
  const via = textOf(request.headers[VIA_HEADER])
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);
  if (via.includes(self)) {
    throw unavailable(`the request has come round to this copy again: nobody is active yet`);
  }
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(new URL(request.url ?? '/', `${leader}/`), {
      method: request.method,
      headers: { ...passedOn(request.headers), [VIA_HEADER]: [...via, self].join(', ') },
      agent: false,
      timeout: ADMIN_PROXY_TIMEOUT_MS,
    });
    let isSilent = false;
    outgoing.once('timeout', () => {
      isSilent = true;
      outgoing.destroy(new Error('it says nothing'));
    });
    outgoing.once('error', (error) => {
      const { code = '' }: NodeJS.ErrnoException = error;
      const why = `the active copy at ${leader} does not answer: ${error.message}`;
      if (isSilent) reject(new RequestRefused(504, why));
      else if (UNREACHED.has(code)) reject(unavailable(why));
      else reject(new RequestRefused(502, why));
    });
    outgoing.once('response', (answer) => {
      const headers = { ...passedOn(answer.headers), [LEADER_HEADER]: leader };
      const named = leaderHeader === undefined ? {} : { [leaderHeader]: leader };
      response.writeHead(answer.statusCode ?? 502, { ...headers, ...named });
      response.flushHeaders();
      answer.pipe(response);
      // An answer that breaks off must not look like one that is complete.
      answer.once('error', () => response.destroy());
      answer.once('aborted', () => response.destroy());
    });
    response.once('close', () => {
      outgoing.destroy();
      resolve();
    });
    request.pipe(outgoing);
  });
}

const UNREACHED: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

function unavailable(message: string): RequestRefused {
  return new RequestRefused(503, message, { headers: { 'Retry-After': '1' } });
}

function textOf(value: string | readonly string[] | undefined): string {
  return typeof value === 'string' ? value : (value ?? []).join(',');
}

function passedOn(
  headers: IncomingMessage['headers'],
): Readonly<Record<string, string | readonly string[]>> {
  const named = textOf(headers.connection)
    .split(',')
    .map((each) => each.trim().toLowerCase());
  const passed: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || OF_CONNECTION.has(name) || named.includes(name)) continue;
    passed[name] = value;
  }
  return passed;
}
