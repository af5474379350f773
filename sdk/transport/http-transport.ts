/**
 * The transport of production: the v1 scheduler API over HTTP. Each subscription has a connection of its
 * own for events and a few for calls; nothing of it outlives `close`.
 */
import type { SchedulerCall } from '../../core/api/index.js';
import type { World } from '../../core/base/index.js';
import { CONNECT_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from '../../core/client/index.js';
import type { Session, SessionHandlers, Transport } from '../runtime/index.js';
import { ListDetector, type MasterDetector } from './detector.js';
import { HttpSession } from './http-session.js';

export interface HttpTransportOptions {
  readonly world: World;
  /** `host:port` or URLs of masters with commas between, or something that finds them. Closed with the transport. */
  readonly masters: string | MasterDetector;
  /** Milliseconds until a master must have answered a subscription. Default 5 s. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds until a master must have answered a call. Default 30 s. */
  readonly requestTimeoutMs?: number;
}

export class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions;
  readonly #detector: MasterDetector;
  readonly #sessions = new Set<Session>();

  /** @throws PlateauError `INVALID_FLAG` when one of the masters is no address. */
  constructor(options: HttpTransportOptions) {
    const { masters } = options;
    this.#options = options;
    this.#detector = typeof masters === 'string' ? new ListDetector(masters) : masters;
  }

  /**
   * Subscribes at the leader: the addresses are tried in turn, redirects are followed. ACKNOWLEDGE and
   * ACKNOWLEDGE_OPERATION_STATUS may overtake other calls and each other; all others keep their order.
   * What `onEvent` throws ends the session, and `onEnd` is given it.
   */
  open(subscribe: SchedulerCall, handlers: SessionHandlers): Session {
    const { world, connectTimeoutMs, requestTimeoutMs } = this.#options;
    const session: Session = new HttpSession({
      world,
      detector: this.#detector,
      connectTimeoutMs: connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      requestTimeoutMs: requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      subscribe,
      handlers,
      onClosed: () => this.#sessions.delete(session),
    });
    this.#sessions.add(session);
    return session;
  }

  /** Closes all sessions as `Session.close` does, then the detector. */
  async close(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.close()));
    await this.#detector.close();
  }
}
