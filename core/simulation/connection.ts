/** One connection of the simulated network: two ends, each of which one process holds. */
import { type Clock, type Disposable, PlateauError } from '../base/index.js';
import { Backlog } from './backlog.js';
import type { Parcel } from './wire.js';

/** One side of a connection. */
export interface ConnectionEnd {
  /** Whether this side is open: closed by itself or told of the other side's end, it is not. */
  readonly isOpen: boolean;
  /** Sends a parcel, in order. Does nothing on a closed end. */
  send(parcel: Parcel): void;
  /** Closes after what was sent; this side hears nothing any more. */
  close(): void;
  /** Takes what arrives; to be set in the moment in which the end is handed out. */
  onParcel: (parcel: Parcel) => void;
  /** The other side closed, or the connection was reset. */
  onClose: (reason: string) => void;
}

/** Who opened a connection to whom, and what for. */
export interface Route {
  readonly from: string;
  readonly to: string;
  readonly purpose: string;
}

export interface ConnectionContext {
  readonly clock: Clock;
  /** Draws how long a parcel takes. */
  readonly delayMs: (from: string, to: string) => number;
  readonly isBlocked: (from: string, to: string) => boolean;
  readonly beforeEvent: () => void;
  /** `origin` is such as `from master`. */
  readonly onArrival: (node: string, origin: string, content: Parcel) => void;
  /** Both sides are closed. */
  readonly onOver: (connection: Connection) => void;
}

/** What is on its way: a parcel, or undefined for the end of the connection. */
interface InFlight {
  readonly dueMs: number;
  readonly parcel: Parcel | undefined;
}

/** Messages on their way in one direction at most; more is a defect of what is simulated. */
export const MAX_MESSAGES_IN_FLIGHT = 100_000;

/** Between what arrives on a connection that was held back and that for which it was. */
const LEAST_DELAY_MS = 0.001;

const IGNORE = (): void => {};

class End implements ConnectionEnd {
  readonly node: string;
  /** Where what arrives comes from, for the trace. */
  readonly origin: string;
  isOpen = true;
  onParcel: (parcel: Parcel) => void = IGNORE;
  onClose: (reason: string) => void = IGNORE;
  /** On its way to this end, in order. */
  readonly incoming = new Backlog<InFlight>();
  arrival: Disposable | undefined;
  readonly arrive: () => void;
  readonly #connection: Connection;

  constructor(node: string, peer: string, connection: Connection) {
    this.node = node;
    this.origin = `from ${peer}`;
    this.#connection = connection;
    this.arrive = () => connection.arrive(this);
  }

  send(parcel: Parcel): void {
    if (this.isOpen) this.#connection.transmit(this, parcel);
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#connection.transmit(this, undefined);
  }

  end(reason: string): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.onClose(reason);
  }

  /** Loses what is on its way to it. */
  drop(): void {
    this.incoming.clear();
    this.arrival?.dispose();
    this.arrival = undefined;
  }
}

export class Connection {
  readonly route: Route;
  readonly #context: ConnectionContext;
  readonly #opener: End;
  readonly #accepter: End;
  /** Whether a partition breaks it, instead of holding back what is on its way. */
  readonly #isFragile: boolean;
  /** Whether everything that is sent is lost, without a word to either side. */
  #isDead = false;
  #heldUntilMs = 0;
  /** Told of the first parcel of who opened it, before it goes on its way. */
  onFirst: ((parcel: Parcel) => void) | undefined;

  constructor(route: Route, context: ConnectionContext, isFragile = false) {
    this.route = route;
    this.#context = context;
    this.#isFragile = isFragile;
    this.#opener = new End(route.from, route.to, this);
    this.#accepter = new End(route.to, route.from, this);
  }

  /** The end of who opened it, and of who accepted it. */
  get ends(): readonly [opener: ConnectionEnd, accepter: ConnectionEnd] {
    return [this.#opener, this.#accepter];
  }

  joins(one: string, other: string): boolean {
    const { from, to } = this.route;
    return (from === one && to === other) || (from === other && to === one);
  }

  /** When the last thing that is on its way to the accepter will arrive. */
  get lastDueMs(): number {
    return this.#accepter.incoming.last?.dueMs ?? 0;
  }

  /** What is sent from now on arrives after this moment. */
  holdUntil(elapsedMs: number): void {
    this.#heldUntilMs = elapsedMs;
  }

  /** Sends a parcel, or the end of the connection, to the other side. */
  transmit(from: End, parcel: Parcel | undefined): void {
    const to = this.#other(from);
    if (this.onFirst !== undefined && parcel !== undefined && from === this.#opener) {
      const { onFirst } = this;
      this.onFirst = undefined;
      onFirst(parcel);
    }
    if (!to.isOpen || this.#isDead) {
      this.#finishIfOver();
      return;
    }
    const { clock, delayMs } = this.#context;
    const lastMs = to.incoming.last?.dueMs ?? 0;
    const earliestMs = Math.max(lastMs, this.#heldUntilMs + LEAST_DELAY_MS);
    const dueMs = Math.max(earliestMs, clock.elapsed() + delayMs(from.node, to.node));
    to.incoming.push({ dueMs, parcel });
    if (to.incoming.size > MAX_MESSAGES_IN_FLIGHT) {
      throw new PlateauError('ASSERTION', `too many messages for ${to.node}`);
    }
    if (to.arrival === undefined) this.#arm(to);
  }

  /** The process of a node dies: the other side learns of it after what was sent. */
  crash(node: string): void {
    for (const end of [this.#opener, this.#accepter]) {
      if (end.node !== node || !end.isOpen) continue;
      end.onParcel = IGNORE;
      end.onClose = IGNORE;
      end.close();
    }
  }

  /** The host of a node is gone without a word: the other side keeps an end that looks open. */
  vanish(node: string): void {
    for (const end of [this.#opener, this.#accepter]) {
      if (end.node !== node) continue;
      end.onParcel = IGNORE;
      end.onClose = IGNORE;
      this.halfOpen(node);
    }
  }

  /** Both sides learn at once that the connection is gone, and what was on its way is lost. */
  reset(): void {
    this.#opener.drop();
    this.#accepter.drop();
    this.#opener.end('reset');
    this.#accepter.end('reset');
    this.#context.onOver(this);
  }

  /**
   * From now on nothing arrives any more, and what was on its way is lost; only the named side learns
   * of it. The other one keeps an end that looks open, until `mend`.
   */
  halfOpen(toldNode: string | undefined): void {
    this.#isDead = true;
    this.#opener.drop();
    this.#accepter.drop();
    for (const end of [this.#opener, this.#accepter]) if (end.node === toldNode) end.end('reset');
    this.#finishIfOver();
  }

  /** Who still holds an end of a dead connection learns of it. */
  mend(): void {
    if (this.#isDead) this.reset();
  }

  /** Lets what a partition held back go on. */
  resume(): void {
    this.#arm(this.#opener);
    this.#arm(this.#accepter);
  }

  /** For its ends: what is due has arrived. */
  arrive(to: End): void {
    to.arrival = undefined;
    const from = this.#other(to).node;
    if (this.#context.isBlocked(from, to.node)) {
      if (this.#isFragile) this.reset();
      return;
    }
    this.#context.beforeEvent();
    const message = to.incoming.shift();
    if (message !== undefined && to.isOpen) {
      const { parcel } = message;
      this.#context.onArrival(to.node, to.origin, parcel ?? 'closed');
      if (parcel === undefined) to.end('the other side closed');
      else to.onParcel(parcel);
      if (parcel === undefined) this.#finishIfOver();
    }
    this.#arm(to);
  }

  #arm(to: End): void {
    const next = to.incoming.first;
    if (next === undefined || to.arrival !== undefined) return;
    if (this.#context.isBlocked(this.#other(to).node, to.node)) return;
    const { clock } = this.#context;
    to.arrival = clock.setTimer(next.dueMs - clock.elapsed(), to.arrive);
  }

  #finishIfOver(): void {
    if (!this.#opener.isOpen && !this.#accepter.isOpen) this.#context.onOver(this);
  }

  #other(end: End): End {
    return this.#opener === end ? this.#accepter : this.#opener;
  }
}
