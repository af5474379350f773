/**
 * Looks after answers that are being sent: a client that takes nothing of one for too long is cut off,
 * whatever the answer is and whoever made it. Event streams are left out: they may be silent for as long
 * as they like, and have a bound of bytes instead.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import {
  type Clock,
  type Disposable,
  type Logger,
  setRepeatingTimer,
  toDisposable,
} from '../base/index.js';

/** In each span for which a client may take nothing, it is looked at so often. */
const LOOKS_PER_STALL = 6;

export interface AnswerWatchOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds for which a client may take nothing of an answer. */
  readonly stallMs: number;
  /** Connections of the server, as they are at each look. */
  readonly sockets: Iterable<Socket>;
  /** The answer that is being sent on a connection. */
  readonly answerOn: (socket: Socket) => ServerResponse | undefined;
  readonly peerOf: (socket: Socket) => string;
}

/** What a connection had taken, and since when it has taken no more. */
interface Progress {
  readonly takenBytes: number;
  readonly sinceMs: number;
}

export class AnswerWatch implements Disposable {
  readonly #options: AnswerWatchOptions;
  readonly #streams = new WeakSet<ServerResponse>();
  readonly #progress = new WeakMap<Socket, Progress>();
  #timer: Disposable = toDisposable(() => undefined);

  constructor(options: AnswerWatchOptions) {
    this.#options = options;
  }

  /** Begins to look; to be called once. */
  start(): void {
    const { clock, stallMs } = this.#options;
    this.#timer = setRepeatingTimer(clock, stallMs / LOOKS_PER_STALL, () => this.#look());
  }

  /** The answer is a stream, which looks after itself. */
  leaveOut(answer: ServerResponse): void {
    this.#streams.add(answer);
  }

  /** Whether the answer has begun to be a stream. */
  isStream(answer: ServerResponse): boolean {
    return answer.headersSent && this.#streams.has(answer);
  }

  dispose(): void {
    this.#timer.dispose();
  }

  #look(): void {
    const { answerOn, sockets } = this.#options;
    for (const socket of sockets) {
      const answer = answerOn(socket);
      if (socket.writableLength === 0 || answer === undefined || this.#streams.has(answer)) {
        this.#progress.delete(socket);
      } else {
        this.#compare(socket);
      }
    }
  }

  #compare(socket: Socket): void {
    const { clock, log, stallMs, peerOf } = this.#options;
    const nowMs = clock.elapsed();
    // What is being written counts as waiting until all of that write has gone.
    const takenBytes = socket.bytesWritten - socket.writableLength;
    const before = this.#progress.get(socket);
    if (before?.takenBytes !== takenBytes) {
      this.#progress.set(socket, { takenBytes, sinceMs: nowMs });
      return;
    }
    if (nowMs - before.sinceMs < stallMs) return;
    const waitingBytes = socket.writableLength;
    log.warn('a client takes nothing of its answer and was cut off', {
      peer: peerOf(socket),
      stallMs,
      waitingBytes,
    });
    socket.destroy();
  }
}
