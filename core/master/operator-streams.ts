/**
 * The event streams of operators. A stream begins with the state as of one moment; what happens after
 * it follows in order, with nothing left out and nothing told twice. There are at most so many: a
 * further one ends the oldest.
 */
import type { MasterEvent } from '../api/index.js';
import type { Disposable, Timers } from '../base/index.js';
import type { ClusterView } from './cluster.js';
import { operatorEvent } from './operator-events.js';
import type { MasterObservation } from './ports.js';

/** The event stream of one subscription of an operator. */
export interface OperatorStream {
  /** Where the operator is, for logs. */
  readonly peer: string;
  /**
   * Sends SUBSCRIBED with the state of the master's cluster as it is now, while this is called. Comes
   * once, before any `send`; the shell may write the state in parts, and then keeps back what follows.
   */
  begin(heartbeatIntervalSeconds: number): void;
  /**
   * Queues one event, in order. Never throws. The same object goes to all streams; a reader that is
   * too slow is cut off by the shell, which reports that after this call has returned.
   */
  send(event: MasterEvent): void;
  /** Ends the stream after what was sent. The shell reports no disconnection for it. */
  close(): void;
}

export interface OperatorStreamsOptions {
  readonly cluster: ClusterView;
  readonly timers: Timers;
  /** Time between two HEARTBEAT events of one stream. */
  readonly heartbeatMs: number;
  /** Streams at the same time; at least one. */
  readonly maxStreams: number;
}

const HEARTBEAT: MasterEvent = { type: 'HEARTBEAT' };

export class OperatorStreams {
  readonly #options: OperatorStreamsOptions;
  /** In the order in which they subscribed, each with its heartbeat. */
  readonly #streams = new Map<OperatorStream, Disposable>();

  constructor(options: OperatorStreamsOptions) {
    this.#options = options;
  }

  /** Streams that are open. */
  get size(): number {
    return this.#streams.size;
  }

  /** Sends SUBSCRIBED and a HEARTBEAT, and from now on everything that happens. */
  add(stream: OperatorStream): void {
    const { timers, heartbeatMs, maxStreams } = this.#options;
    for (const oldest of this.#streams.keys()) {
      if (this.#streams.size < maxStreams) break;
      this.remove(oldest);
      oldest.close();
    }
    stream.begin(heartbeatMs / 1000);
    stream.send(HEARTBEAT);
    const heartbeat = timers.every(heartbeatMs, () => stream.send(HEARTBEAT));
    this.#streams.set(stream, heartbeat);
  }

  /** The stream has ended. */
  remove(stream: OperatorStream): void {
    this.#streams.get(stream)?.dispose();
    this.#streams.delete(stream);
  }

  /** Tells everybody; all streams get the same object, so that its text is made once. */
  tell(observation: MasterObservation): void {
    if (this.#streams.size === 0) return;
    const event = operatorEvent(this.#options.cluster, observation);
    if (event === undefined) return;
    for (const stream of this.#streams.keys()) stream.send(event);
  }

  /** Ends all streams. */
  close(): void {
    for (const [stream, heartbeat] of this.#streams) {
      heartbeat.dispose();
      stream.close();
    }
    this.#streams.clear();
  }
}
