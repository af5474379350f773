/** One connection of the simulated network: two ends, each of which one process holds. */
import { type Clock, type Disposable, assert } from '../base/index.js';

/** One side of a connection. */
export interface ConnectionEnd {
  /** Whether this side is open: closed by itself or told of the other side's end, it is not. */
  readonly isOpen: boolean;
  /** Sends a text, in order. Does nothing on a closed end. */
  send(text: string): void;
  /** Closes after what was sent; this side hears nothing any more. */
  close(): void;
  /** Takes what arrives; to be set in the moment in which the end is handed out. */
  onText: (text: string) => void;
  /** The other side closed, or the connection was reset. */
  onClose: (reason: string) => void;
}

export interface ConnectionContext {
  readonly clock: Clock;
  readonly delayMs: () => number;
  readonly isBlocked: (from: string, to: string) => boolean;
  readonly beforeEvent: () => void;
  readonly onArrival: (from: string, to: string, text: string) => void;
  /** Both sides are closed. */
  readonly onOver: () => void;
}

/** What is on its way: a text, or undefined for the end of the connection. */
interface InFlight {
  readonly dueMs: number;
  readonly text: string | undefined;
}

/** Messages on their way in one direction at most; more is a defect of what is simulated. */
export const MAX_MESSAGES_IN_FLIGHT = 100_000;

class End implements ConnectionEnd {
  readonly node: string;
  isOpen = true;
  onText: (text: string) => void = () => {};
  onClose: (reason: string) => void = () => {};
  /** On its way to this end, in order. */
  readonly incoming: InFlight[] = [];
  arrival: Disposable | undefined;
  readonly #connection: Connection;

  constructor(node: string, connection: Connection) {
    this.node = node;
    this.#connection = connection;
  }

  send(text: string): void {
    if (this.isOpen) this.#connection.transmit(this, text);
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#connection.transmit(this, undefined);
  }
}

export class Connection {
  readonly #context: ConnectionContext;
  readonly #ends: readonly [End, End];

  constructor([one, other]: readonly [string, string], context: ConnectionContext) {
    this.#context = context;
    this.#ends = [new End(one, this), new End(other, this)];
  }

  end(node: string): ConnectionEnd {
    return this.#endOf(node);
  }

  joins(one: string, other: string): boolean {
    const [first, second] = this.#ends;
    return (
      (first.node === one && second.node === other) || (first.node === other && second.node === one)
    );
  }

  /** Sends a text, or the end of the connection, to the other side. */
  transmit(from: End, text: string | undefined): void {
    const to = this.#other(from);
    if (!to.isOpen) {
      this.#finishIfOver();
      return;
    }
    const { clock, delayMs } = this.#context;
    const lastMs = to.incoming.at(-1)?.dueMs ?? 0;
    const dueMs = Math.max(lastMs, clock.elapsed() + delayMs());
    to.incoming.push({ dueMs, text });
    assert(to.incoming.length <= MAX_MESSAGES_IN_FLIGHT, `too many messages for ${to.node}`);
    this.#arm(to);
  }

  /** The process of a node dies: the other side learns of it after what was sent. */
  crash(node: string): void {
    for (const end of this.#ends) {
      if (end.node !== node || !end.isOpen) continue;
      end.onText = () => {};
      end.onClose = () => {};
      end.close();
    }
  }

  /** Both sides learn at once that the connection is gone, and what was on its way is lost. */
  reset(): void {
    for (const end of this.#ends) {
      end.incoming.length = 0;
      end.arrival?.dispose();
      end.arrival = undefined;
    }
    for (const end of this.#ends) {
      if (!end.isOpen) continue;
      end.isOpen = false;
      end.onClose('reset');
    }
    this.#context.onOver();
  }

  /** Lets what a partition held back go on. */
  resume(): void {
    for (const end of this.#ends) this.#arm(end);
  }

  #arm(to: End): void {
    const next = to.incoming[0];
    if (next === undefined || to.arrival !== undefined) return;
    if (this.#context.isBlocked(this.#other(to).node, to.node)) return;
    const { clock, beforeEvent } = this.#context;
    to.arrival = clock.setTimer(next.dueMs - clock.elapsed(), () => {
      to.arrival = undefined;
      if (this.#context.isBlocked(this.#other(to).node, to.node)) return;
      beforeEvent();
      this.#arrive(to);
      this.#arm(to);
    });
  }

  #arrive(to: End): void {
    const message = to.incoming.shift();
    if (message === undefined || !to.isOpen) return;
    const from = this.#other(to).node;
    this.#context.onArrival(from, to.node, message.text ?? 'closed');
    if (message.text !== undefined) {
      to.onText(message.text);
      return;
    }
    to.isOpen = false;
    to.onClose('the other side closed');
    this.#finishIfOver();
  }

  #finishIfOver(): void {
    if (this.#ends.every((end) => !end.isOpen)) this.#context.onOver();
  }

  #other(end: End): End {
    return this.#ends[0] === end ? this.#ends[1] : this.#ends[0];
  }

  #endOf(node: string): End {
    return this.#ends[0].node === node ? this.#ends[0] : this.#ends[1];
  }
}
