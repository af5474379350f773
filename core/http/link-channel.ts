/**
 * One end of the connection between an agent and its master: ordered JSON messages as RecordIO
 * frames, both ways, over the socket of an upgraded request. Messages that are sent in one turn of the
 * event loop leave in one write. A frame that is not a message, or a peer that does not read, ends
 * the connection with a line in the log.
 */
import type { Socket } from 'node:net';
import {
  type Messages,
  RecordDecoder,
  decodeJson,
  encodeJson,
  encodeRecord,
} from '../api/index.js';
import { type Logger, errorMessage } from '../base/index.js';
import { type HttpLimits, STREAM_CLOSE_MS, TCP_KEEP_ALIVE_MS } from './limits.js';

/** Names of the messages that travel on a link. */
export type LinkMessageName = 'LinkAgentMessage' | 'LinkMasterMessage';

export interface LinkChannelOptions<In extends LinkMessageName, Out extends LinkMessageName> {
  readonly socket: Socket;
  /** Bytes that came together with the head of the upgrade. */
  readonly head: Buffer;
  readonly receives: In;
  readonly sends: Out;
  readonly peer: string;
  readonly log: Logger;
  readonly limits: HttpLimits;
  readonly onMessage: (message: Messages[In]) => void;
  /** Called once, with the reason, when the connection ended and `close` was not called. */
  readonly onLost: (reason: string) => void;
}

export class LinkChannel<In extends LinkMessageName, Out extends LinkMessageName> {
  readonly #options: LinkChannelOptions<In, Out>;
  readonly #decoder: RecordDecoder;
  #isEnded = false;
  #isCorked = false;
  /** Why the connection is about to be lost; told when the socket has closed. */
  #reason: string | undefined;

  constructor(options: LinkChannelOptions<In, Out>) {
    this.#options = options;
    this.#decoder = new RecordDecoder({ maxRecordBytes: options.limits.linkMessageBytes });
    const { socket } = options;
    socket.setTimeout(0);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    socket.on('error', (error) => this.#fail(errorMessage(error)));
    socket.once('end', () => this.#fail('the other end closed the connection'));
    socket.once('close', () => this.#lost());
  }

  /** Begins to read. Messages are handed over in order, in later turns of the event loop. */
  start(): void {
    const { socket, head } = this.#options;
    if (head.length > 0) socket.unshift(head);
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
  }

  get peer(): string {
    return this.#options.peer;
  }

  /** Queues one message, in order. Never throws; after the end it is dropped. */
  send(message: Messages[Out]): void {
    if (this.#isEnded || this.#reason !== undefined) return;
    const { socket, limits, sends } = this.#options;
    this.#cork();
    socket.write(encodeRecord(encodeJson(sends, message)));
    if (socket.writableLength <= limits.linkBufferBytes) return;
    this.#fail(`more than ${limits.linkBufferBytes} bytes wait for the other end`);
  }

  /** Ends the connection after what was sent; `onLost` is not called any more. */
  close(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const { socket } = this.#options;
    socket.end();
    // Half-open sockets are the usual end of a link: the other end may be gone already.
    socket.setTimeout(STREAM_CLOSE_MS, () => socket.destroy());
    socket.resume();
  }

  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    const { socket } = this.#options;
    socket.cork();
    setImmediate(() => {
      this.#isCorked = false;
      socket.uncork();
    });
  }

  #receive(bytes: Buffer): void {
    const { receives, onMessage } = this.#options;
    try {
      for (const record of this.#decoder.push(bytes)) {
        if (this.#isEnded || this.#reason !== undefined) return;
        onMessage(decodeJson(receives, record));
      }
    } catch (error) {
      this.#fail(`a frame was refused: ${errorMessage(error)}`);
    }
  }

  /** Destroys the socket; the owner is told in a later turn, never inside a call of its own. */
  #fail(reason: string): void {
    this.#reason ??= reason;
    this.#options.socket.destroy();
  }

  #lost(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const { log, peer, onLost } = this.#options;
    const reason = this.#reason ?? 'the connection was closed';
    log.warn('the connection between agent and master ended', { peer, reason });
    onLost(reason);
  }
}
