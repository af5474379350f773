/**
 * A network of named nodes with connections like those of TCP: two-way, ordered, and silent while a
 * partition lasts: what is on its way is held back and comes when it heals. A connection that is
 * reset, or whose process died, loses what had not arrived. Parcels travel: texts, or frozen objects.
 *
 * Delays are a minimum plus an exponential part, drawn from randomness of the network's own.
 */
import type { Clock, Random } from '../base/index.js';
import {
  Connection,
  type ConnectionContext,
  type ConnectionEnd,
  type Route,
} from './connection.js';
import type { Parcel } from './wire.js';

export interface NetworkOptions {
  /** Shortest time that a message takes. */
  readonly minDelayMs: number;
  /** Mean of what comes on top, exponentially distributed. */
  readonly meanExtraDelayMs: number;
  /** After this time an attempt to connect through a partition fails. */
  readonly connectTimeoutMs: number;
}

export const DEFAULT_NETWORK: NetworkOptions = {
  minDelayMs: 0.2,
  meanExtraDelayMs: 0.8,
  connectTimeoutMs: 3_000,
};

/** What a listening process does with a new connection. */
export type AcceptConnection = (purpose: string, end: ConnectionEnd, peer: string) => void;

/** What becomes of an attempt to connect. */
export interface ConnectHandlers {
  readonly connected: (end: ConnectionEnd) => void;
  readonly failed: (reason: string) => void;
}

export interface NetworkContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly options: NetworkOptions;
  /** Called before anything arrives. */
  readonly beforeEvent: () => void;
  /** Called with everything that arrives; `origin` is such as `from master`. */
  readonly onArrival: (node: string, origin: string, content: Parcel) => void;
}

/** For so long the older of two connections stays open that its opener has forgotten. */
const FORGOTTEN_MS = 2_000;

export class Network {
  readonly #context: NetworkContext;
  readonly #forConnections: ConnectionContext;
  readonly #listeners = new Map<string, AcceptConnection>();
  readonly #connections = new Set<Connection>();
  /** Directions, as `from to`, in which nothing passes, and how many partitions say so. */
  readonly #blocked = new Map<string, number>();
  /** Further delay of what comes from or goes to a node: the mean, exponentially distributed. */
  readonly #slowNodes = new Map<string, number>();
  /** Nodes whose next connection is opened twice, and by how much the copy comes late. */
  readonly #doubled = new Map<string, number>();

  constructor(context: NetworkContext) {
    this.#context = context;
    this.#forConnections = {
      ...context,
      delayMs: (from, to) => this.#delay(from, to),
      isBlocked: (from, to) => this.#isBlocked(from, to),
      onOver: (connection) => this.#connections.delete(connection),
    };
  }

  /** How many connections are open at one end at least. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** The node takes connections from now on, until `crash`. */
  listen(node: string, accept: AcceptConnection): void {
    this.#listeners.set(node, accept);
  }

  /** Tries to connect; one of the handlers is called later, unless the node crashes before. */
  connect(route: Route, isAlive: () => boolean, handlers: ConnectHandlers): void {
    const { clock, options, beforeEvent } = this.#context;
    const { from, to } = route;
    const isBlocked = this.#isCutOff(from, to);
    const waitMs = isBlocked
      ? options.connectTimeoutMs
      : this.#delay(from, to) + this.#delay(to, from);
    clock.setTimer(waitMs, () => {
      if (!isAlive()) return;
      beforeEvent();
      const accept = this.#listeners.get(to);
      if (isBlocked || this.#isCutOff(from, to)) handlers.failed('timed out');
      else if (accept === undefined) handlers.failed('refused');
      else {
        const connection = this.#open(route, accept);
        const lateMs = this.#doubled.get(from);
        if (lateMs !== undefined) this.#double(connection, lateMs, isAlive);
        this.#doubled.delete(from);
        handlers.connected(connection.ends[0]);
      }
    });
  }

  /** The process at the node dies: its ends are gone, the others learn of it. */
  crash(node: string): void {
    this.#listeners.delete(node);
    for (const connection of this.#connections) connection.crash(node);
  }

  /** The host of the node is gone: nobody is told, and the others keep ends that look open. */
  vanish(node: string): void {
    this.#listeners.delete(node);
    for (const connection of this.#connections) connection.vanish(node);
  }

  /** Resets all connections between two nodes. Both sides learn of it at once. */
  cut(one: string, other: string): void {
    for (const connection of this.#connections) {
      if (connection.joins(one, other)) connection.reset();
    }
  }

  /**
   * All connections between two nodes die: nothing arrives any more. `told` learns of it at once, the
   * other side never; without `told` neither does. New connections work.
   */
  halfOpen(one: string, other: string, told?: string): void {
    for (const connection of this.#connections) {
      if (connection.joins(one, other)) connection.halfOpen(told);
    }
  }

  /** Who still holds an end of a connection between the two that is half open learns that it is gone. */
  mend(one: string, other: string): void {
    for (const connection of this.#connections) {
      if (connection.joins(one, other)) connection.mend();
    }
  }

  /**
   * The next connection that the node opens is opened twice, as by a client that gave up on one and
   * tried again: a copy of the first parcel arrives on another connection, to which nobody listens.
   * @param lateMs 0: the copy comes first, as from the attempt before; otherwise so much later.
   */
  doubleNext(node: string, lateMs = 0): void {
    this.#doubled.set(node, lateMs);
  }

  /** Nothing passes from one node to the other; in the other direction everything does. */
  block(from: string, to: string): void {
    const direction = `${from} ${to}`;
    this.#blocked.set(direction, (this.#blocked.get(direction) ?? 0) + 1);
  }

  /** Takes back one `block`. What was held back arrives when it was the last one. */
  unblock(from: string, to: string): void {
    const direction = `${from} ${to}`;
    const count = (this.#blocked.get(direction) ?? 0) - 1;
    if (count > 0) {
      this.#blocked.set(direction, count);
    } else if (this.#blocked.delete(direction)) {
      for (const connection of this.#connections) {
        if (connection.joins(from, to)) connection.resume();
      }
    }
  }

  /** Delays what comes from or goes to a node by a further exponential part; 0: no more. */
  slow(node: string, meanExtraDelayMs: number): void {
    if (meanExtraDelayMs > 0) this.#slowNodes.set(node, meanExtraDelayMs);
    else this.#slowNodes.delete(node);
  }

  /** Ends all faults. What was held back arrives now. */
  heal(): void {
    this.#blocked.clear();
    this.#slowNodes.clear();
    this.#doubled.clear();
    for (const connection of this.#connections) {
      connection.mend();
      connection.resume();
    }
  }

  #open(route: Route, accept: AcceptConnection, isFragile = false): Connection {
    const connection = new Connection(route, this.#forConnections, isFragile);
    this.#connections.add(connection);
    accept(route.purpose, connection.ends[1], route.from);
    return connection;
  }

  /** Copies the first parcel that is sent through a connection to a further one. */
  #double(connection: Connection, lateMs: number, isAlive: () => boolean): void {
    const { clock } = this.#context;
    const { route } = connection;
    const copy = (parcel: Parcel): Connection | undefined => {
      const accept = this.#listeners.get(route.to);
      if (!isAlive() || accept === undefined || this.#isCutOff(route.from, route.to)) return;
      const other = this.#open(route, accept, true);
      const [end] = other.ends;
      end.send(parcel);
      clock.setTimer(FORGOTTEN_MS, () => end.close());
      return other;
    };
    connection.onFirst = (parcel) => {
      if (lateMs > 0) clock.setTimer(lateMs, () => copy(parcel));
      else connection.holdUntil(copy(parcel)?.lastDueMs ?? 0);
    };
  }

  #isCutOff(from: string, to: string): boolean {
    return this.#isBlocked(from, to) || this.#isBlocked(to, from);
  }

  #isBlocked(from: string, to: string): boolean {
    return this.#blocked.size > 0 && this.#blocked.has(`${from} ${to}`);
  }

  #delay(from: string, to: string): number {
    const { random, options } = this.#context;
    let delayMs = options.minDelayMs + this.#exponential(random, options.meanExtraDelayMs);
    if (this.#slowNodes.size > 0) {
      for (const node of [from, to]) {
        const meanMs = this.#slowNodes.get(node);
        if (meanMs !== undefined) delayMs += this.#exponential(random, meanMs);
      }
    }
    // Whole microseconds: the times in a trace stay readable.
    return Math.round(delayMs * 1000) / 1000;
  }

  #exponential(random: Random, mean: number): number {
    return -Math.log(1 - random.next()) * mean;
  }
}
