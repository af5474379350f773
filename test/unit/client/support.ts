/** A server that answers as the test says and remembers what it was sent. */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { encodeRecord } from '../../../core/api/index.js';

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Answerer = (received: Received, response: ServerResponse) => void;

export class ScriptedServer {
  readonly received: Received[] = [];
  answer: Answerer = (_received, response) => void response.writeHead(200).end();
  port = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server = createServer((request, response) => {
    void this.#take(request, response);
  });

  async listen(): Promise<this> {
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Types of the calls that were received, in order. */
  get types(): readonly string[] {
    return this.received.map(({ body }) => (JSON.parse(body) as { type: string }).type);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const { method = '', url = '', headers } = request;
    const received = { method, url, headers, body };
    this.received.push(received);
    this.answer(received, response);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** Writes one event as a record. */
export function sendEvent(response: ServerResponse, event: object): void {
  response.write(encodeRecord(JSON.stringify(event)));
}

/** Answers SUBSCRIBE with a stream. */
export function openStream(response: ServerResponse, streamId = 'stream-1'): void {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Mesos-Stream-Id': streamId });
  sendEvent(response, {
    type: 'SUBSCRIBED',
    subscribed: { framework_id: { value: 'f-1' }, heartbeat_interval_seconds: 15 },
  });
}

/** Resolves once the condition holds, looking after each turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** The error that a promise was rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
