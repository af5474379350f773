/**
 * The admin interface of a framework over HTTP. It serves whether or not this copy is active: a copy
 * that stands by answers `/health` with 503, and passes everything that needs the framework on to the
 * active copy; while there is none, that is 503 too. Handlers of user routes run as turns of the runtime.
 */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import {
  type Disposable,
  type Logger,
  PlateauError,
  type World,
  errorMessage,
} from '../../core/base/index.js';
import { answer, answerRefused } from './answers.js';
import { BUILT_IN_ROUTES, type BuiltInRoute, ROUTES_OF_COPY } from './built-in.js';
import { type EventSource, isEventSource, streamEvents } from './event-stream.js';
import {
  ADMIN_CLOSE_MS,
  ADMIN_REQUEST_TIMEOUT_MS,
  MAX_ADMIN_CONNECTIONS,
  MAX_ADMIN_HEADER_BYTES,
  MAX_ADMIN_STREAMS,
} from './limits.js';
import { MetricsPage } from './metrics.js';
import { proxyRequest } from './proxy.js';
import type { ActiveFramework } from './port.js';
import { RequestRefused, refusalOf, refuse } from './refusal.js';
import { HttpAnswer, type Mount, findMount, readMounts } from './mount.js';
import { readMounted, readRequest, refuseForeign } from './requests.js';
import {
  type CheckedRequest,
  type MethodRoute,
  clashesOf,
  findRoute,
  readRoutes,
} from './routes.js';
import { type Site, activeOf } from './site.js';

export interface AdminServerOptions {
  readonly world: World;
  /** Name of the framework. */
  readonly title: string;
  /** Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** 0 (default): a free one. */
  readonly port?: number | undefined;
  /** Serve beyond loopback although nobody is authenticated. */
  readonly insecureBind?: boolean | undefined;
  /** Classes with `@Admin`; the framework's own class among them or not. */
  readonly classes?: readonly object[] | undefined;
  readonly version?: string | undefined;
}

export class AdminServer {
  readonly #world: World;
  readonly #log: Logger;
  readonly #options: AdminServerOptions;
  readonly #routes: readonly (BuiltInRoute | MethodRoute)[];
  readonly #mounts: readonly Mount[];
  readonly #metrics = new MetricsPage();
  readonly #server: Server;
  readonly #streams = new Set<Disposable>();
  readonly #instances = new Map<object, object>();
  #active: ActiveFramework | undefined;
  #standing: 'standby' | 'closed' = 'standby';
  #leader: string | undefined;
  readonly #self: string;

  /** @throws PlateauError `INVALID_FRAMEWORK` when routes are not valid. */
  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#world = options.world;
    this.#self = options.world.ids.uuid();
    this.#log = options.world.log.child({ part: 'admin' });
    this.#routes = [...BUILT_IN_ROUTES, ...readRoutes(options.classes ?? [])];
    this.#mounts = readMounts(options.classes ?? []);
    const clashes = clashesOf(this.#routes);
    if (clashes.length > 0) {
      const message = `The admin routes are not valid: there twice: ${clashes.join(', ')}.`;
      throw new PlateauError('INVALID_FRAMEWORK', message);
    }
    this.#server = this.#createServer();
  }

  /**
   * Starts to serve.
   * @throws PlateauError `PORT_IN_USE`, `INSECURE_BIND`.
   */
  async listen(): Promise<{ readonly port: number }> {
    const { host = '127.0.0.1', port = 0, insecureBind } = this.#options;
    if (!isLoopback(host) && insecureBind !== true) throw insecureBindError(host);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        reject(error.code === 'EADDRINUSE' ? portInUseError(host, port, error) : error);
      });
      this.#server.listen(port, host, resolve);
    });
    const address = this.#server.address();
    const actual = typeof address === 'object' && address !== null ? address.port : port;
    this.#log.info('the admin interface serves', { address: `http://${host}:${actual}/` });
    return { port: actual };
  }

  /** This copy is active from now on. */
  attach(active: ActiveFramework): void {
    this.#instances.clear();
    this.#active = active;
  }

  /** Where the active copy is, when it is another one; undefined: nobody knows. */
  follow(leader: string | undefined): void {
    this.#leader = leader;
  }

  /** This copy is not active any more. Streams of its routes end. */
  detach(standing: 'standby' | 'closed'): void {
    this.#active = undefined;
    this.#standing = standing;
    this.#instances.clear();
    for (const stream of this.#streams) stream.dispose();
  }

  /** Ends streams, lets answers go out for a moment, and closes every connection. */
  async close(): Promise<void> {
    this.detach('closed');
    const closed = new Promise<void>((resolve) => {
      if (this.#server.listening) this.#server.close(() => resolve());
      else resolve();
    });
    this.#server.closeIdleConnections();
    const deadline = this.#world.clock.setTimer(ADMIN_CLOSE_MS, () =>
      this.#server.closeAllConnections(),
    );
    await closed;
    deadline.dispose();
    this.#metrics.dispose();
  }

  #createServer(): Server {
    const server = createServer(
      {
        maxHeaderSize: MAX_ADMIN_HEADER_BYTES,
        requestTimeout: ADMIN_REQUEST_TIMEOUT_MS,
        headersTimeout: ADMIN_REQUEST_TIMEOUT_MS,
      },
      (request, response) => void this.#serve(request, response),
    );
    server.maxConnections = MAX_ADMIN_CONNECTIONS;
    return server;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // The client went away: 'close' follows, nothing is lost.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    try {
      refuseForeign(request, isLoopback(this.#options.host ?? '127.0.0.1'));
      await this.#answer(request, response);
    } catch (error) {
      this.#fail(request, response, error);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
    const leader = this.#leaderFor(url.pathname);
    if (leader !== undefined) {
      const { leaderHeader } = findMount(this.#mounts, url.pathname)?.options ?? {};
      return await proxyRequest(request, response, { leader, self: this.#self, leaderHeader });
    }
    const found = findRoute(this.#routes, method, url.pathname);
    if (found.kind === 'none') {
      const mount = findMount(this.#mounts, url.pathname);
      if (mount !== undefined) return await this.#answerMounted(mount, { request, response, url });
      throw refuse(404, `there is nothing at ${url.pathname}: see /docs`);
    }
    if (found.kind === 'method') {
      throw new RequestRefused(405, `${url.pathname} takes ${found.allowed.join(', ')}`, {
        headers: { Allow: found.allowed.join(', ') },
      });
    }
    const { route, params } = found;
    const checked = await readRequest(request, route, { params, query: url.searchParams });
    const value = await this.#run(route, checked);
    this.#send(response, value, route.status);
  }

  /** The copy that a request is passed on to; undefined: this one answers. */
  #leaderFor(path: string): string | undefined {
    const isForActive = this.#active === undefined && this.#standing === 'standby';
    return isForActive && !ROUTES_OF_COPY.has(path) ? this.#leader : undefined;
  }

  #send(response: ServerResponse, value: unknown, status?: number): void {
    if (value instanceof HttpAnswer && value.resigns) {
      // Also when the reader has left: it was asked for.
      const runtime = this.#active?.runtime;
      response.once('close', () => runtime?.resign());
      if (response.destroyed) runtime?.resign();
    }
    if (response.destroyed) return;
    if (isEventSource(value)) this.#stream(response, value);
    else answer(response, value, status);
  }

  async #answerMounted(
    mount: Mount,
    { request, response, url }: { request: IncomingMessage; response: ServerResponse; url: URL },
  ): Promise<void> {
    const given = await readMounted(request, url);
    const active = activeOf(this.#site());
    const instance = this.#instanceOf(mount.owner, active);
    const { runtime } = active;
    const value = await runtime.turn(() => mount.invoke(instance, [given, runtime.context]));
    this.#send(response, value);
  }

  async #run(route: BuiltInRoute | MethodRoute, request: CheckedRequest): Promise<unknown> {
    if ('answer' in route) return await route.answer(this.#site(), request);
    const active = activeOf(this.#site());
    const instance = this.#instanceOf(route.owner, active);
    const { runtime } = active;
    return await runtime.turn(() => route.invoke(instance, [request, runtime.context]));
  }

  /** The framework itself, or one object of each class for as long as the framework is active. */
  #instanceOf(owner: object, { framework, make }: ActiveFramework): object {
    if (typeof owner !== 'function' || framework instanceof owner) return framework;
    const known = this.#instances.get(owner);
    if (known !== undefined) return known;
    const instance = make(owner);
    this.#instances.set(owner, instance);
    return instance;
  }

  #stream(response: ServerResponse, source: EventSource): void {
    if (this.#streams.size >= MAX_ADMIN_STREAMS) {
      throw refuse(503, `there are ${MAX_ADMIN_STREAMS} streams already`);
    }
    const { clock } = this.#world;
    const stream = streamEvents(response, source, {
      clock,
      onEnd: () => this.#streams.delete(stream),
    });
    if (!response.writableEnded) this.#streams.add(stream);
  }

  #site(): Site {
    return {
      title: this.#options.title,
      version: this.#options.version ?? '1',
      active: this.#active,
      standing: this.#standing,
      leader: this.#active === undefined ? this.#leader : undefined,
      routes: this.#routes,
      metrics: this.#metrics,
    };
  }

  #fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (response.destroyed) return;
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const refused = refusalOf(error);
    if (refused === undefined) {
      this.#log.error('a request could not be answered', {
        method: request.method,
        path: request.url,
        error: errorMessage(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
    }
    const mount = findMount(this.#mounts, (request.url ?? '').split('?', 1)[0] ?? '');
    const shown = refused ?? refuse(500, 'an internal error: the log says more');
    answerRefused(response, shown, mount?.options.refusal);
    // What is left of a body that was refused is read and thrown away.
    request.resume();
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function insecureBindError(host: string): PlateauError {
  return new PlateauError(
    'INSECURE_BIND',
    `Not serving the admin interface on ${host}: nobody is authenticated, so whoever reaches the port ` +
      'could steer the framework. Use 127.0.0.1, or say --insecure-bind if the network keeps strangers away.',
    { context: { host } },
  );
}

function portInUseError(host: string, port: number, cause: unknown): PlateauError {
  return new PlateauError(
    'PORT_IN_USE',
    `Another process listens on ${host}:${port}. Stop it, or choose another port for the admin interface ` +
      '(--admin-port; 0 takes a free one).',
    { context: { host, port }, cause },
  );
}
