/**
 * Reading requests: bodies within their bound, everything checked by the classes of the route, all
 * problems told at once. Requests that a page of another origin makes a browser send are refused.
 */
import type { IncomingMessage } from 'node:http';
import { type Problem, type Shape, checkShape } from '../framework/index.js';
import { MAX_ADMIN_BODY_BYTES } from './limits.js';
import type { MountedRequest } from './mount.js';
import { RequestRefused, refuse } from './refusal.js';
import type { CheckedRequest, Route } from './routes.js';
import { readQuery } from './shapes.js';

const PROTOTYPE = '__proto__';

/**
 * The checked request of a route.
 * @throws RequestRefused 400 for what is no JSON, 413, 415, and 422 with all problems.
 */
export async function readRequest(
  request: IncomingMessage,
  route: Route,
  parts: { readonly params: Readonly<Record<string, string>>; readonly query: URLSearchParams },
): Promise<CheckedRequest> {
  const problems: Problem[] = [];
  const text = await readText(request);
  const { query: queryShape, body: bodyShape } = route;
  // class-transformer leaves this name out without a word; nothing unknown is to pass.
  if (parts.query.has(PROTOTYPE) || text.includes(PROTOTYPE)) {
    throw refuse(400, `a field cannot be called '${PROTOTYPE}'`);
  }
  const query =
    queryShape === undefined
      ? undefined
      : check(queryShape, readQuery(parts.query, queryShape), { path: 'query', problems });
  let body: object | undefined;
  if (bodyShape !== undefined) {
    body = check(bodyShape, parseJson(request, text), { path: 'body', problems });
  } else if (text !== '') {
    throw refuse(400, 'this route takes no body');
  }
  if (problems.length > 0) {
    const first = problems.slice(0, 3).map(({ path, message }) => `${path}: ${message}`);
    const more = problems.length > 3 ? `; and ${problems.length - 3} more` : '';
    throw new RequestRefused(422, `${first.join('; ')}${more}`, { problems });
  }
  return { params: parts.params, body, query };
}

/**
 * The request of a mount.
 * @throws RequestRefused 400 for what is no JSON, 413, 415.
 */
export async function readMounted(request: IncomingMessage, url: URL): Promise<MountedRequest> {
  const text = await readText(request);
  if (text.includes(PROTOTYPE)) throw refuse(400, `a field cannot be called '${PROTOTYPE}'`);
  const headers = Object.entries(request.headers).map(
    ([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value] as const,
  );
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: Object.fromEntries(headers),
    body: text.trim() === '' ? undefined : parseJson(request, text),
    client: request.socket.remoteAddress ?? '',
  };
}

function check(
  shape: Shape,
  value: unknown,
  { path, problems }: { readonly path: string; readonly problems: Problem[] },
): object | undefined {
  const checked = checkShape(shape, value, path);
  if (checked.kind === 'good') return checked.value;
  problems.push(...checked.problems);
  return undefined;
}

function parseJson(request: IncomingMessage, text: string): unknown {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\s*(?:;|$)/i.test(type)) {
    throw refuse(415, "the body has to be JSON: send 'Content-Type: application/json'");
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refuse(400, `the body is no JSON: ${error instanceof Error ? error.message : ''}`);
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  const tooLarge = (): RequestRefused =>
    new RequestRefused(413, `the body is larger than ${MAX_ADMIN_BODY_BYTES} bytes`, {
      headers: { Connection: 'close' },
    });
  if (Number(request.headers['content-length'] ?? 0) > MAX_ADMIN_BODY_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_ADMIN_BODY_BYTES) throw tooLarge();
    chunks.push(bytes);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  if (text.includes('\u{FFFD}')) throw refuse(400, 'the body is not UTF-8');
  return text;
}

/**
 * Refuses what a browser sends for a foreign page: nobody is authenticated, so a page could otherwise
 * speak to the loopback port of whoever looks at it, also under a name of its own (DNS rebinding).
 */
export function refuseForeign(request: IncomingMessage, isLoopback: boolean): void {
  const { host = '', origin } = request.headers;
  if (isLoopback && !/^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/i.test(host)) {
    throw refuse(403, `the host '${host}' is not this one: use localhost or 127.0.0.1`);
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    throw refuse(403, `requests of pages from ${origin} are refused`);
  }
}
