/**
 * The port between an executor and its agent. `HttpAgentLink` implements it; tests script it. It knows
 * nothing of reconnecting: that is decided in the core.
 */
import type { ExecutorCall, ExecutorEvent } from '../../core/api/index.js';

export interface AgentSessionHandlers {
  /** Every event of the stream, in order. */
  readonly onEvent: (event: ExecutorEvent) => void;
  /**
   * The session is over, or could not be opened. Called once; nothing follows. `AGENT_UNREACHABLE`,
   * `STREAM_ENDED`, `INVALID_MESSAGE`, and `CALL_REFUSED` when the agent does not know the executor.
   */
  readonly onEnd: (error: Error) => void;
}

/** One subscription of an executor. */
export interface AgentSession {
  /**
   * Makes a call; calls arrive in the order in which they were made. Resolves when the agent has accepted it.
   * @throws PlateauError `CALL_REFUSED` with the status in its context, `AGENT_UNREACHABLE` (it may have
   *   arrived), `STREAM_ENDED` (it was not sent).
   */
  call(call: ExecutorCall): Promise<void>;
  /** Ends the session at once; no handler is called any more. */
  close(): void;
}

export interface AgentLink {
  /** Opens a subscription by a SUBSCRIBE call. Never throws. */
  open(subscribe: ExecutorCall, handlers: AgentSessionHandlers): AgentSession;
}
