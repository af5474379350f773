/** The agent's side of the socket to the launcher: messages in and out, nothing decided. */
import { type Socket, connect } from 'node:net';
import { PlateauError } from '../base/index.js';
import {
  type LauncherEvent,
  type LauncherRequest,
  LineReader,
  PROTOCOL_VERSION,
  type Welcome,
  decodeEvent,
  encodeLine,
} from './launcher/protocol.js';

/** How long a launcher may take to answer a hello. */
const WELCOME_TIMEOUT_MS = 10_000;

/** Who hears of what happens on a connection. */
export interface ConnectionListener {
  event(event: Exclude<LauncherEvent, Welcome>): void;
  /** The connection ended without `close` having been called. */
  lost(): void;
}

export class LauncherConnection {
  readonly #socket: Socket;
  readonly #lines = new LineReader();
  #listener: ConnectionListener | undefined;
  #onWelcome: ((welcome: Welcome) => void) | undefined;
  #isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      const wasClosed = this.#isClosed;
      this.#isClosed = true;
      if (!wasClosed) this.#listener?.lost();
    });
  }

  /** Connects. @throws the error of the system, such as `ECONNREFUSED` or `ENOENT`. */
  static open(path: string): Promise<LauncherConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new LauncherConnection(socket));
      });
    });
  }

  /**
   * Says hello; the launcher answers with what it runs and serves this connection alone from now on.
   * @throws PlateauError `LAUNCHER_UNREACHABLE` when it does not answer or speaks another version;
   *   ConnectionBroken when it breaks the connection, as a dying launcher does.
   */
  async greet(): Promise<Welcome> {
    let timer: NodeJS.Timeout | undefined;
    try {
      const welcome = await new Promise<Welcome>((resolve, reject) => {
        this.#onWelcome = resolve;
        this.#socket.once('close', () => reject(new ConnectionBroken()));
        timer = setTimeout(() => reject(unreachable('it is silent')), WELCOME_TIMEOUT_MS);
        this.send({ type: 'hello' });
      });
      if (welcome.protocol === PROTOCOL_VERSION) return welcome;
      throw unreachable(`it speaks protocol ${welcome.protocol}, not ${PROTOCOL_VERSION}`);
    } catch (error) {
      this.close();
      throw error;
    } finally {
      clearTimeout(timer);
      this.#onWelcome = undefined;
    }
  }

  /** Names who hears of events. To be called in the same turn in which `greet` resolved. */
  listen(listener: ConnectionListener): void {
    this.#listener = listener;
    if (this.#isClosed) listener.lost();
  }

  /** Queues a request; one that cannot be sent any more is dropped, and `lost` is told. */
  send(request: LauncherRequest): void {
    if (!this.#isClosed) this.#socket.write(encodeLine(request));
  }

  /** Ends the connection after what was sent. `lost` is not called. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.end();
    this.#socket.unref();
  }

  #read(chunk: Buffer): void {
    const lines = this.#lines.push(chunk);
    if (lines === undefined) this.#socket.destroy();
    for (const line of lines ?? []) {
      const event = decodeEvent(line);
      if (event === undefined) this.#socket.destroy();
      else if (event.type === 'welcome') this.#onWelcome?.(event);
      else this.#listener?.event(event);
    }
  }
}

/** The other side took the connection and broke it before it answered. */
export class ConnectionBroken extends Error {
  constructor() {
    super('the launcher closed the connection before it answered');
    this.name = 'ConnectionBroken';
  }
}

function unreachable(why: string): PlateauError {
  const message = `the launcher does not serve this agent: ${why}; if it hangs, kill it: its tasks end with it and are reported`;
  return new PlateauError('LAUNCHER_UNREACHABLE', message, { retriable: true });
}
