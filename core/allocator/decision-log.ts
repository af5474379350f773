/**
 * Writes what is decided about clients into their rings: runs that offered or refused something, and
 * calls that changed what a client may be offered. A ring is made when something first happens to the
 * client; a run does nothing for clients that it does not look at.
 */
import type { Clock } from '../base/index.js';
import type { Client } from './client.js';
import { DecisionRing, reasonBit } from './decision-ring.js';
import type { DecisionKind, RefusalReason } from './decisions.js';
import type { ShareTree } from './share-tree.js';

export interface DecisionLogOptions {
  readonly clock: Clock;
  readonly tree: ShareTree<Client>;
}

/** Writes the rings of all clients. */
export class DecisionLog {
  readonly #clock: Clock;
  readonly #tree: ShareTree<Client>;
  /** The clients that the present run has looked at. */
  #touched: DecisionRingOwner[] = [];

  constructor({ clock, tree }: DecisionLogOptions) {
    this.#clock = clock;
    this.#tree = tree;
  }

  /** The present run gives the client something of an agent. */
  noteOffered(client: Client): void {
    this.#touch(client).offered++;
  }

  /** The present run does not give the client an agent that it looked at for it. */
  noteRefused(client: Client, reason: RefusalReason): void {
    this.#touch(client).refusedFor |= reasonBit(reason);
  }

  /** The present run is over. */
  endRun(): void {
    if (this.#touched.length === 0) return;
    const nowMs = this.#clock.now();
    for (const { client, ring } of this.#touched) {
      ring.endRun(nowMs, this.#tree.subtreeShareOf(client.node));
    }
    this.#touched = [];
  }

  /** Something but a run changed what the client may be offered. */
  noteChange(client: Client, kind: DecisionKind): void {
    client.decisions ??= new DecisionRing();
    client.decisions.note(kind, this.#clock.now(), this.#tree.subtreeShareOf(client.node));
  }

  #touch(client: Client): DecisionRing {
    const ring = (client.decisions ??= new DecisionRing());
    if (!ring.isTouched) {
      ring.isTouched = true;
      this.#touched.push({ client, ring });
    }
    return ring;
  }
}

interface DecisionRingOwner {
  readonly client: Client;
  readonly ring: DecisionRing;
}
