/**
 * The route table: which handler answers which path. It is ours rather than a framework's because
 * the order of checks (leader, method, media type, body) is fixed by the API and differs between
 * routes, and because event streams and upgrades need the bare request.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpLimits } from './limits.js';
import type { Disposable, World } from '../base/index.js';

/** One request with its answer, and what was read from its head. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The decoded path, without a trailing slash; `/` for the root. */
  readonly path: string;
  /** The path with its query as it was sent. */
  readonly target: string;
  readonly query: URLSearchParams;
  /** Where the client is, such as `127.0.0.1:40112`. */
  readonly peer: string;
  readonly limits: HttpLimits;
  readonly world: World;
  /** Ends the exchange when the body is not there in time; disposed of, the body may take for ever. */
  readonly bodyTimer: Disposable;
  /** Cuts a client off that does not take its answer; disposed of, the answer looks after itself. */
  readonly answerWatch: Disposable;
}

/** Answers one request. What it throws becomes a 500 and a line in the log. */
export type Handler = (exchange: Exchange) => void | Promise<void>;

export interface Route {
  readonly handler: Handler;
  /** Allowed methods; others are 405. Undefined: the handler checks the method in its own order. */
  readonly methods: readonly string[] | undefined;
}

/** Paths and what answers them. */
export class RouteTable {
  readonly #routes = new Map<string, Route>();
  readonly #below: { readonly prefix: string; readonly route: Route }[] = [];

  /** Adds a page that is read: GET, and HEAD with it. */
  page(paths: readonly string[], handler: Handler): void {
    this.#add(paths, { handler, methods: ['GET', 'HEAD'] });
  }

  /** Adds a route that takes POST only. */
  post(paths: readonly string[], handler: Handler): void {
    this.#add(paths, { handler, methods: ['POST'] });
  }

  /** Adds a route whose handler checks the method itself. */
  endpoint(paths: readonly string[], handler: Handler): void {
    this.#add(paths, { handler, methods: undefined });
  }

  /** Adds what answers every path below these, unless it is a route of its own. */
  below(paths: readonly string[], handler: Handler): void {
    const route = { handler, methods: undefined };
    for (const path of paths) this.#below.push({ prefix: `${path}/`, route });
  }

  /** The route of a path, or undefined. */
  find(path: string): Route | undefined {
    return (
      this.#routes.get(path) ?? this.#below.find(({ prefix }) => path.startsWith(prefix))?.route
    );
  }

  /** All paths, sorted. */
  paths(): readonly string[] {
    return [...this.#routes.keys()].toSorted();
  }

  #add(paths: readonly string[], route: Route): void {
    for (const path of paths) this.#routes.set(path, route);
  }
}

/** What the request line and the headers say, or why the request is refused. */
export type RequestHead =
  | {
      readonly kind: 'good';
      readonly path: string;
      readonly target: string;
      readonly query: URLSearchParams;
    }
  | { readonly kind: 'bad'; readonly status: 400 | 431; readonly message: string };

/**
 * Checks what Node's parser lets pass and splits the target. Refused are absolute-form and `*`
 * targets, malformed escapes, several Host headers, and too many header lines.
 */
export function readHead(request: IncomingMessage, maxHeaderLines: number): RequestHead {
  const target = request.url ?? '';
  if (!target.startsWith('/')) {
    return {
      kind: 'bad',
      status: 400,
      message: 'The request target must be a path: start it with /.',
    };
  }
  if (request.rawHeaders.length / 2 > maxHeaderLines) {
    const message = `The request has more than ${maxHeaderLines} header lines.`;
    return { kind: 'bad', status: 431, message };
  }
  if (countHeader(request, 'host') > 1) {
    return { kind: 'bad', status: 400, message: 'The request has several Host headers.' };
  }
  const mark = target.indexOf('?');
  const rawPath = mark < 0 ? target : target.slice(0, mark);
  const rawQuery = mark < 0 ? '' : target.slice(mark + 1);
  const path = decode(rawPath);
  if (path === undefined || decode(rawQuery) === undefined) {
    return { kind: 'bad', status: 400, message: 'The request target has a malformed %-escape.' };
  }
  return { kind: 'good', path: trimSlash(path), target, query: new URLSearchParams(rawQuery) };
}

function countHeader(request: IncomingMessage, name: string): number {
  let count = 0;
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    if (request.rawHeaders[index]?.toLowerCase() === name) count++;
  }
  return count;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function trimSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
