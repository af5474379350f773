/**
 * The server's side of an event stream: one record is one chunk and one write. A reader that does not
 * keep up is cut off at a bound of bytes, so that it cannot fill the memory of the server.
 */
import type { ServerResponse } from 'node:http';
import { encodeRecord } from '../api/index.js';
import { type Disposable, type Logger, toDisposable } from '../base/index.js';
import { STREAM_CLOSE_MS, TCP_KEEP_ALIVE_MS } from './limits.js';
import type { Exchange } from './routes.js';

export interface RecordStreamOptions {
  readonly exchange: Exchange;
  readonly log: Logger;
  /** Media type of the records: JSON or protobuf. */
  readonly contentType: string;
  /** Headers besides the content type. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Called once when the stream ended and `close` was not called: the client or the bound did it. */
  readonly onLost: () => void;
}

/** Events of one subscription on their way to the client. */
export class RecordStream {
  readonly #options: RecordStreamOptions;
  readonly #response: ServerResponse;
  /** Records that were sent before the stream was opened. */
  #early: Buffer[] | undefined = [];
  #earlyBytes = 0;
  #hasBegun = false;
  #isEnded = false;
  #closeTimer: Disposable = toDisposable(() => undefined);

  constructor(options: RecordStreamOptions) {
    this.#options = options;
    this.#response = options.exchange.response;
    options.exchange.answerWatch.dispose();
    this.#response.once('close', () => this.#lost());
  }

  /** Whether anything that is sent still goes out. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Bytes that wait for the reader. */
  get waitingBytes(): number {
    return this.#response.writableLength;
  }

  /** Calls `listener` each time that nothing waits for the reader any more. */
  onDrain(listener: () => void): void {
    this.#response.on('drain', listener);
  }

  /** Cuts the stream off; `onLost` is told. */
  cut(reason: string): void {
    const { exchange, log } = this.#options;
    log.warn('a stream was cut off', { peer: exchange.peer, reason });
    this.#response.destroy();
  }

  /**
   * Answers 200 at once, for a stream whose first record the caller writes itself: what is sent waits for
   * `open`, as much of it as may wait for a slow reader.
   */
  begin(): void {
    if (this.#early === undefined || this.#response.headersSent) return;
    this.#hasBegun = true;
    this.#writeHead();
    this.#response.flushHeaders();
  }

  #writeHead(): void {
    const { exchange, contentType, headers } = this.#options;
    exchange.request.socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    this.#response.writeHead(200, { 'Content-Type': contentType, ...headers });
  }

  /** Answers 200 and writes what was sent so far. */
  open(): void {
    if (this.#early === undefined || (this.#response.headersSent && !this.#hasBegun)) return;
    if (!this.#hasBegun) this.#writeHead();
    const early = this.#early;
    this.#early = undefined;
    if (early.length === 0 && !this.#hasBegun) this.#response.flushHeaders();
    for (const record of early) this.#write(record);
    // A client that has closed its side already is given what there is, and no more.
    const isAlone = this.#options.exchange.request.socket.readableEnded;
    if (this.#isEnded || isAlone) this.#end();
  }

  /** Writes one message as a record, in order. Before `open` it waits; after the end it is dropped. */
  send(payload: string | Buffer): void {
    if (!this.#isEnded) this.sendRecord(encodeRecord(payload));
  }

  /** The same for a record with its frame, which others may be sent too. */
  sendRecord(record: Buffer): void {
    if (this.#isEnded) return;
    if (this.#early === undefined) {
      this.#write(record);
      return;
    }
    this.#early.push(record);
    this.#earlyBytes += record.length;
    const bound = this.#options.exchange.limits.streamBufferBytes;
    if (this.#hasBegun && this.#earlyBytes > bound) {
      this.#early = [];
      this.cut(`more than ${bound} bytes wait behind its first record`);
    }
  }

  /** Ends the stream after what was sent; `onLost` is not called any more. */
  close(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (this.#early === undefined) this.#end();
  }

  /** The answer was something else than a stream: nothing is sent, and nothing reported. */
  abandon(): void {
    this.#isEnded = true;
    this.#early = undefined;
  }

  #write(record: Buffer): void {
    if (this.#response.destroyed) return;
    this.#response.write(record);
    const { exchange, log } = this.#options;
    const waitingBytes = this.#response.writableLength;
    if (waitingBytes <= exchange.limits.streamBufferBytes) return;
    log.warn('a reader of an event stream is too slow and was cut off', {
      peer: exchange.peer,
      waitingBytes,
      bound: exchange.limits.streamBufferBytes,
    });
    // Destroying tells the owner by 'close', after the call that sent this record has returned.
    this.#response.destroy();
  }

  /** A reader that takes nothing any more must not keep a closed stream in memory. */
  #end(): void {
    this.#response.end();
    this.#awaitFinish(this.#response.writableLength);
  }

  #awaitFinish(waitingBytes: number): void {
    if (this.#response.writableFinished) return;
    this.#closeTimer = this.#options.exchange.world.clock.setTimer(STREAM_CLOSE_MS, () => {
      const stillWaiting = this.#response.writableLength;
      if (stillWaiting < waitingBytes) this.#awaitFinish(stillWaiting);
      else this.#response.destroy();
    });
  }

  #lost(): void {
    this.#closeTimer.dispose();
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#options.onLost();
  }
}
