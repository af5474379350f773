/**
 * The port between the runtime and a master. `sdk/transport` implements it over HTTP, `sdk/testing` over the
 * simulated network. It knows nothing of reconnecting: that is decided in the runtime.
 */
import type { SchedulerCall, SchedulerEvent } from '../../core/api/index.js';

export interface SessionHandlers {
  /**
   * Every event of the stream, in order, the SUBSCRIBED first. While a returned promise is open nothing
   * further is read from the network.
   */
  readonly onEvent: (event: SchedulerEvent) => void | Promise<void>;
  /**
   * The session is over, or could not be opened. Called once; nothing follows. Errors are
   * `MASTER_UNREACHABLE`, `STREAM_ENDED`, `INVALID_MESSAGE`, and `CALL_REFUSED` when the subscription was refused.
   */
  readonly onEnd: (error: Error) => void;
}

/** One subscription. */
export interface Session {
  /** Where the master is, once known. */
  readonly master: string | undefined;
  /**
   * Makes a call; calls arrive in the order in which they were made. Resolves when the master has
   * accepted it.
   * @throws PlateauError `CALL_REFUSED`, `MASTER_UNREACHABLE` (it may have arrived), `STREAM_ENDED` (it was
   *   not sent).
   */
  call(call: SchedulerCall): Promise<void>;
  /** Ends the session: calls already made are sent, no handler is called any more. */
  close(): Promise<void>;
}

export interface Transport {
  /** Opens a subscription by a SUBSCRIBE call, at the leader. Never throws. */
  open(subscribe: SchedulerCall, handlers: SessionHandlers): Session;
  /** Frees what the transport holds. */
  close(): Promise<void>;
}
