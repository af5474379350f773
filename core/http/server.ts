/**
 * The HTTP server that master and agent share: listening, bounds, dispatch to the route table,
 * answers to what is not even HTTP, and closing. No byte sequence from outside ends the process: a
 * handler that throws is a 500 and a line in the log.
 */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  type Disposable,
  type Logger,
  PlateauError,
  type World,
  errorMessage,
  toDisposable,
} from '../base/index.js';
import { AnswerWatch } from './answer-watch.js';
import { answerMethodNotAllowed, answerText } from './answers.js';
import { HTTP_LIMITS, type HttpLimits, STREAM_CLOSE_MS, TCP_KEEP_ALIVE_MS } from './limits.js';
import { type Exchange, type RouteTable, readHead } from './routes.js';
import { UpgradeAwareRequest } from './upgrade-request.js';

/** Takes over the socket of a request that asks for our own protocol. */
export type UpgradeHandler = (request: IncomingMessage, socket: Socket, head: Buffer) => void;

export interface HttpServerOptions {
  readonly world: World;
  readonly log: Logger;
  /** Address to listen on; anything but loopback needs `insecureBind`. */
  readonly host: string;
  /** Port to listen on; 0 takes a free one. */
  readonly port: number;
  readonly routes: RouteTable;
  readonly onUpgrade?: UpgradeHandler | undefined;
  /** Allows to listen where other hosts can reach it, though nobody is authenticated. */
  readonly insecureBind?: boolean | undefined;
  readonly limits?: Partial<HttpLimits> | undefined;
}

/** Status and text for what Node's parser refuses; anything else is 400. */
const PARSER_REFUSALS: ReadonlyMap<string, string> = new Map([
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', '413 Payload Too Large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout'],
]);

const NO_TIMER: Disposable = toDisposable(() => undefined);

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #limits: HttpLimits;
  readonly #server: Server<typeof UpgradeAwareRequest>;
  readonly #sockets = new Set<Socket>();
  /** The answer that is being written on a socket, to know what may still be written there. */
  readonly #answers = new WeakMap<Duplex, ServerResponse>();
  /** The timer of the last body on a socket: a request that is cut off may tell of no end. */
  readonly #bodyTimers = new WeakMap<Socket, Disposable>();
  readonly #watch: AnswerWatch;
  #isClosing = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#limits = { ...HTTP_LIMITS, ...options.limits };
    this.#server = this.#create();
    this.#watch = new AnswerWatch({
      clock: options.world.clock,
      log: options.log,
      stallMs: this.#limits.answerStallMs,
      sockets: this.#sockets,
      answerOn: (socket) => this.#answers.get(socket),
      peerOf,
    });
  }

  /** Whether `close` was called: what ends now ends because of it. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /**
   * Starts to listen and tells the port.
   * @throws PlateauError `INSECURE_BIND` for an address beyond loopback that was not allowed, and
   *   `PORT_IN_USE`, both with what to do; other errors of the system as they are.
   */
  async listen(): Promise<{ readonly port: number }> {
    const { host, port, insecureBind } = this.#options;
    if (!isLoopback(host) && insecureBind !== true) throw insecureBindError(host);
    await new Promise<void>((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => {
        reject(error.code === 'EADDRINUSE' ? portInUseError(host, port, error) : error);
      };
      this.#server.once('error', onError);
      this.#server.listen(port, host, () => {
        this.#server.off('error', onError);
        resolve();
      });
    });
    this.#watch.start();
    const address = this.#server.address();
    return { port: isAddressInfo(address) ? address.port : port };
  }

  /**
   * Stops listening, lets what is written go out, and closes every connection. One whose other end
   * does not read is cut after `STREAM_CLOSE_MS`.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    const deadline = this.#options.world.clock.setTimer(STREAM_CLOSE_MS, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroySoon();
    });
    deadline.dispose();
    this.#watch.dispose();
  }

  #create(): Server<typeof UpgradeAwareRequest> {
    const limits = this.#limits;
    const server = createServer(
      {
        IncomingMessage: UpgradeAwareRequest,
        maxHeaderSize: limits.headerBytes,
        headersTimeout: limits.headersTimeoutMs,
        // A body that is a stream of records may last: `#limitBody` bounds the others.
        requestTimeout: 0,
        connectionsCheckingInterval: limits.connectionsCheckMs,
        keepAliveTimeout: limits.keepAliveMs,
        noDelay: true,
      },
      (request, response) => void this.#dispatch(request, response),
    );
    // A client that has sent its request may close its side and wait for the answer; see `#halfClosed`.
    // Node has had this setting from its beginnings, though its types and manual do not name it.
    Object.assign(server, { httpAllowHalfOpen: true });
    // Node would drop the header lines beyond its own limit without a word; we refuse them.
    server.maxHeadersCount = 0;
    server.maxConnections = limits.connections;
    server.on('connection', (socket: Socket) => this.#track(socket));
    server.on('clientError', (error, socket) => this.#refuse(error, socket));
    server.on('connect', (_request, socket) => endRaw(socket, '405 Method Not Allowed'));
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    return server;
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('end', () => this.#halfClosed(socket));
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#bodyTimers.get(socket)?.dispose();
    });
  }

  /**
   * The client sends no more. A stream of events ends so: it would not be known for long that its reader
   * has gone. Any other answer may still be wanted; the system finds out whether somebody is there.
   */
  #halfClosed(socket: Socket): void {
    const answer = this.#answers.get(socket);
    if (answer !== undefined && this.#watch.isStream(answer)) socket.destroy();
    else socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
  }

  async #dispatch(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#answers.set(request.socket, response);
    // Errors of the two streams mean that the client went away: 'close' follows, nothing is lost.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const head = readHead(request, this.#limits.headerLines);
    const exchange: Exchange = {
      request,
      response,
      path: head.kind === 'good' ? head.path : '',
      target: request.url ?? '',
      query: head.kind === 'good' ? head.query : new URLSearchParams(),
      peer: peerOf(request.socket),
      limits: this.#limits,
      world: this.#options.world,
      bodyTimer: this.#limitBody(request, response),
      answerWatch: toDisposable(() => this.#watch.leaveOut(response)),
    };
    if (head.kind === 'bad') {
      answerText(exchange, head.status, head.message, { Connection: 'close' });
      return;
    }
    try {
      await this.#handle(exchange);
    } catch (error) {
      this.#fail(exchange, error);
    }
  }

  /** Cuts a request off whose body is not there in time, answering 408 if nothing was answered. */
  #limitBody(request: IncomingMessage, response: ServerResponse): Disposable {
    const { headers, socket } = request;
    const hasBody =
      headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    if (!hasBody) return NO_TIMER;
    const timer = this.#options.world.clock.setTimer(this.#limits.requestTimeoutMs, () => {
      if (request.complete) return;
      if (response.headersSent) socket.destroy();
      else endRaw(socket, '408 Request Timeout');
    });
    this.#bodyTimers.get(socket)?.dispose();
    this.#bodyTimers.set(socket, timer);
    request.once('end', () => timer.dispose());
    request.once('close', () => timer.dispose());
    return timer;
  }

  async #handle(exchange: Exchange): Promise<void> {
    const route = this.#options.routes.find(exchange.path);
    if (route === undefined) {
      answerText(exchange, 404, 'There is nothing at this path.');
      return;
    }
    const { methods } = route;
    if (methods !== undefined && !methods.includes(exchange.request.method ?? '')) {
      answerMethodNotAllowed(exchange, methods);
      return;
    }
    await route.handler(exchange);
  }

  #fail(exchange: Exchange, error: unknown): void {
    const { request, response } = exchange;
    if (response.destroyed || request.socket.destroyed) return;
    this.#options.log.error('a request could not be answered', {
      method: request.method,
      path: exchange.path,
      error: errorMessage(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
    if (response.headersSent) response.destroy();
    else answerText(exchange, 500, 'An internal error: the log of the server says more.');
  }

  #upgrade(request: IncomingMessage, duplex: Duplex, head: Buffer): void {
    const socket = asSocket(duplex);
    const isGood = readHead(request, this.#limits.headerLines).kind === 'good';
    if (this.#options.onUpgrade === undefined || !isGood || this.#isClosing) {
      endRaw(socket, isGood ? '404 Not Found' : '400 Bad Request');
      return;
    }
    try {
      this.#options.onUpgrade(request, socket, head);
    } catch (error) {
      this.#options.log.error('an upgrade failed', { error: errorMessage(error) });
      socket.destroy();
    }
  }

  /** Answers what Node's parser refused, unless an answer is half written on the same socket. */
  #refuse(error: Error, socket: Duplex): void {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
    const answer = this.#answers.get(socket);
    const isAnswering = answer !== undefined && answer.headersSent && !answer.writableFinished;
    if (!socket.writable || code === 'ECONNRESET' || isAnswering) {
      socket.destroy();
      return;
    }
    endRaw(socket, PARSER_REFUSALS.get(code) ?? '400 Bad Request');
  }
}

/** Writes an answer without a body to a bare socket, and closes it. */
export function endRaw(
  socket: Duplex,
  status: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const fixed = 'Connection: close\r\nContent-Length: 0\r\n';
  socket.end(`HTTP/1.1 ${status}\r\n${fixed}${lines.join('')}\r\n`, () => socket.destroy());
}

/** Where the other end of a connection is. */
export function peerOf(socket: Socket): string {
  const address = socket.remoteAddress ?? 'unknown';
  const host = address.includes(':') ? `[${address}]` : address;
  return `${host}:${socket.remotePort ?? 0}`;
}

/** Whether an address can be reached from this host alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function insecureBindError(host: string): PlateauError {
  return new PlateauError(
    'INSECURE_BIND',
    `Not listening on ${host}: nobody is authenticated yet, so whoever reaches the port could run ` +
      'commands on the hosts of the cluster. Listen on 127.0.0.1, or say --insecure-bind if the ' +
      'network keeps strangers away.',
    { context: { host } },
  );
}

function portInUseError(host: string, port: number, cause: unknown): PlateauError {
  return new PlateauError(
    'PORT_IN_USE',
    `Another process listens on ${host}:${port}. Stop it, or choose another port (--port; 0 takes ` +
      'a free one).',
    { context: { host, port }, cause },
  );
}

function isAddressInfo(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

/** The sockets of a plain HTTP server are TCP sockets; Node's types leave room for other streams. */
function asSocket(duplex: Duplex): Socket {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return duplex as Socket;
}
