/**
 * A network of named nodes with connections like those of TCP: two-way, ordered, and silent while a
 * partition lasts: what is on its way is held back and comes when it heals. A connection that is
 * reset, or whose process died, loses what had not arrived. Only texts travel.
 *
 * Delays are a minimum plus an exponential part, drawn from randomness of the network's own.
 */
import type { Clock, Random } from '../base/index.js';
import { Connection, type ConnectionEnd } from './connection.js';

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
  /** Called with everything that arrives. */
  readonly onArrival: (from: string, to: string, text: string) => void;
}

export class Network {
  readonly #context: NetworkContext;
  readonly #listeners = new Map<string, AcceptConnection>();
  readonly #connections = new Set<Connection>();
  /** Directions, as `from to`, in which nothing passes. */
  readonly #blocked = new Set<string>();

  constructor(context: NetworkContext) {
    this.#context = context;
  }

  /** The node takes connections from now on, until `crash`. */
  listen(node: string, accept: AcceptConnection): void {
    this.#listeners.set(node, accept);
  }

  /** Tries to connect; one of the handlers is called later, unless the node crashes before. */
  connect(
    route: { readonly from: string; readonly to: string; readonly purpose: string },
    isAlive: () => boolean,
    handlers: ConnectHandlers,
  ): void {
    const { clock, options, beforeEvent } = this.#context;
    const { from, to, purpose } = route;
    const isBlocked = this.#isBlocked(from, to) || this.#isBlocked(to, from);
    const waitMs = isBlocked ? options.connectTimeoutMs : this.#delay() + this.#delay();
    clock.setTimer(waitMs, () => {
      if (!isAlive()) return;
      beforeEvent();
      const accept = this.#listeners.get(to);
      if (isBlocked || this.#isBlocked(from, to) || this.#isBlocked(to, from)) {
        handlers.failed('timed out');
      } else if (accept === undefined) {
        handlers.failed('refused');
      } else {
        const connection = this.#open(from, to);
        accept(purpose, connection.end(to), from);
        handlers.connected(connection.end(from));
      }
    });
  }

  /** The process at the node dies: its ends are gone, the others learn of it. */
  crash(node: string): void {
    this.#listeners.delete(node);
    for (const connection of this.#connections) connection.crash(node);
  }

  /** Resets all connections between two nodes. Both sides learn of it at once. */
  cut(one: string, other: string): void {
    for (const connection of this.#connections) {
      if (connection.joins(one, other)) connection.reset();
    }
  }

  /** Nothing passes from one node to the other; in the other direction everything does. */
  block(from: string, to: string): void {
    this.#blocked.add(`${from} ${to}`);
  }

  /** Ends all partitions. What was held back arrives now. */
  heal(): void {
    this.#blocked.clear();
    for (const connection of this.#connections) connection.resume();
  }

  #open(from: string, to: string): Connection {
    const connection = new Connection([from, to], {
      ...this.#context,
      delayMs: () => this.#delay(),
      isBlocked: (source, target) => this.#isBlocked(source, target),
      onOver: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    return connection;
  }

  #isBlocked(from: string, to: string): boolean {
    return this.#blocked.has(`${from} ${to}`);
  }

  #delay(): number {
    const { random, options } = this.#context;
    const extra = -Math.log(1 - random.next()) * options.meanExtraDelayMs;
    // Whole microseconds: the times in a trace stay readable.
    return Math.round((options.minDelayMs + extra) * 1000) / 1000;
  }
}
