/**
 * A client of the v1 API that costs little itself: calls on kept connections, one at a time on each, by
 * hand over bare sockets. Answers are read as far as a server must write them for calls.
 */
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { type Socket, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { RecordDecoder } from '../../core/api/index.js';

const HEAD_END = '\r\n\r\n';

/** One kept connection. Calls leave in order, each when the one before it was answered. */
export class CallConnection {
  readonly #socket: Socket;
  readonly #head: string;
  readonly #waiting: string[] = [];
  #isBusy = false;
  #isEnded = false;
  #received = '';

  constructor(url: URL, headers: Readonly<Record<string, string>> = {}) {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#head =
      `POST ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/json\r\n` +
      `Accept: application/json\r\n${lines.join('')}Content-Length: `;
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (chunk: string) => this.#receive(chunk));
  }

  /** Sends one call. An answer that refuses it is thrown, and so ends the program. */
  call(call: object): void {
    if (this.#isEnded) return;
    this.#waiting.push(JSON.stringify(call));
    if (!this.#isBusy) this.#next();
  }

  /** Sends a last call, before those that wait. */
  finish(call: object): void {
    this.#waiting.length = 0;
    this.call(call);
    this.#isEnded = true;
  }

  /** Drops what waits. */
  close(): void {
    this.#isEnded = true;
    this.#waiting.length = 0;
    this.#socket.destroy();
  }

  #next(): void {
    const body = this.#waiting.shift();
    this.#isBusy = body !== undefined;
    if (body === undefined) return;
    this.#socket.write(`${this.#head}${Buffer.byteLength(body)}${HEAD_END}${body}`);
  }

  #receive(chunk: string): void {
    this.#received += chunk;
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const length = Number(/^content-length: (\d+)/im.exec(this.#received)?.[1] ?? 0);
    const end = headEnd + HEAD_END.length + length;
    if (this.#received.length < end) return;
    const answer = this.#received.slice(0, end);
    if (!answer.startsWith('HTTP/1.1 202 ')) throw new Error(`a call was refused: ${answer}`);
    this.#received = this.#received.slice(end);
    this.#next();
  }
}

/** An open event stream. */
export interface Events {
  readonly streamId: string;
  close(): void;
}

/** Opens an event stream; undefined: it was refused, as it is to begin with where nobody is known. */
export function openEvents(
  url: URL,
  call: object,
  onEvent: (event: unknown) => void,
): Promise<Events | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', accept: 'application/json' };
    const request = httpRequest(url, { method: 'POST', headers, agent: false }, (response) => {
      if (response.statusCode !== 200) {
        text(response).then(() => resolve(undefined), reject);
        return;
      }
      readEvents(response, onEvent);
      const streamId = String(response.headers['mesos-stream-id'] ?? '');
      resolve({ streamId, close: () => request.destroy() });
    });
    request.on('error', reject);
    request.end(JSON.stringify(call));
  });
}

function readEvents(response: IncomingMessage, onEvent: (event: unknown) => void): void {
  const decoder = new RecordDecoder();
  response.on('error', () => undefined);
  response.on('data', (chunk: Buffer) => {
    for (const record of decoder.push(chunk)) {
      onEvent(JSON.parse(record.toString('utf8')));
    }
  });
}
