/**
 * A node of the share tree: the root, a role, a role's own leaf, or a client. Keeps its children that
 * want to be served in order of service: lower share first, then fewer allocations, then name.
 *
 * The order is by keys copied at the time of sorting, so that shares may move while a run walks over
 * the children; `place` copies the new key and moves the one node.
 */
import { type Random, assert } from '../base/index.js';
import { DrawnOrder } from './drawn-order.js';
import type { QuotaStanding } from './quota-entry.js';
import { NO_AMOUNTS, type ScalarVector } from './scalar-vectors.js';
import { ShareOrder } from './share-order.js';

export interface ShareNodePlace<Client> {
  readonly name: string;
  readonly role: string;
  readonly parent?: ShareNode<Client> | undefined;
  readonly client?: Client | undefined;
}

export class ShareNode<Client> {
  readonly name: string;
  readonly parent: ShareNode<Client> | undefined;
  /** Who is served, at a node of a client. */
  readonly client: Client | undefined;
  /** The role that a role's node or own leaf stands for, or that a client is in; '' for the root. */
  readonly role: string;
  /** All children by name. */
  readonly children = new Map<string, ShareNode<Client>>();
  /** The children with an active client in their subtree, the next to be served first. */
  readonly ordered = new ShareOrder<ShareNode<Client>>();
  /** What the subtree holds. */
  allocated: ScalarVector = NO_AMOUNTS;
  /** How often the subtree was served. Giving back does not lower it. */
  served = 0;
  weight = 1;
  /** At a role's own leaf: what quota means to its clients; undefined: nothing. */
  quota: QuotaStanding | undefined;
  /** How often the order has got another member, or lost one. */
  listings = 0;
  /** Whether it is in the order of its parent. */
  isListed = false;
  /** Whether its share may differ from its key. */
  isMoved = false;
  /** For random order: of the children listed when there had been `#drawnListings`. */
  #drawn: DrawnOrder<ShareNode<Client>> | undefined;
  #drawnListings = 0;
  #keyShare = 0;
  #keyServed = 0;

  constructor(place: ShareNodePlace<Client>) {
    const { name, role, parent, client } = place;
    this.name = name;
    this.role = role;
    this.parent = parent;
    this.client = client;
    parent?.children.set(name, this);
  }

  /** Puts a child that is not listed into the order. */
  list(child: ShareNode<Client>, share: number): void {
    child.#setKey(share);
    this.ordered.insert(this.#find(child), child);
    child.isListed = true;
    this.listings++;
  }

  /** Takes a listed child out of the order. */
  unlist(child: ShareNode<Client>): void {
    this.ordered.remove(this.#positionOf(child));
    child.isListed = false;
    this.listings++;
  }

  /** Moves a listed child to where its present share belongs. */
  place(child: ShareNode<Client>, share: number): void {
    const { ordered } = this;
    const position = this.#positionOf(child);
    child.#setKey(share);
    const before = ordered.at(position - 1);
    const after = ordered.at(position + 1);
    if (before !== undefined && compare(before, child) > 0) {
      ordered.move(position, this.#find(child, 0, position));
    } else if (after !== undefined && compare(child, after) > 0) {
      ordered.move(position, this.#find(child, position + 1, ordered.length) - 1);
    }
  }

  /** Sorts all listed children anew. */
  sort(shareOf: (child: ShareNode<Client>) => number): void {
    const { ordered } = this;
    for (let place = 0; place < ordered.length; place++) {
      const child = ordered.at(place);
      if (child !== undefined) child.#setKey(shareOf(child));
    }
    ordered.sort(compare);
  }

  /** The listed children in a new random order; only as many are drawn as are asked for. */
  drawOrdered(random: Random): DrawnOrder<ShareNode<Client>> {
    if (this.#drawn === undefined || this.#drawnListings !== this.listings) {
      this.#drawn = new DrawnOrder(this.ordered, random);
      this.#drawnListings = this.listings;
    }
    return this.#drawn.restart();
  }

  #setKey(share: number): void {
    this.#keyShare = share;
    this.#keyServed = this.served;
  }

  #positionOf(child: ShareNode<Client>): number {
    // Whoever was served was mostly the first.
    const position = this.ordered.at(0) === child ? 0 : this.#find(child);
    if (this.ordered.at(position) !== child) {
      assert(false, `${child.role}: ${child.name} is lost in the order of shares`);
    }
    return position;
  }

  /** The position in a range of the first listed child that is not before `child`. */
  #find(child: ShareNode<Client>, from = 0, end = this.ordered.length): number {
    let low = from;
    let high = end;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.ordered.at(middle);
      if (other !== undefined && compare(other, child) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  static compareKeys<Client>(one: ShareNode<Client>, other: ShareNode<Client>): number {
    if (one.#keyShare !== other.#keyShare) return one.#keyShare - other.#keyShare;
    if (one.#keyServed !== other.#keyServed) return one.#keyServed - other.#keyServed;
    if (one.name === other.name) return 0;
    return one.name < other.name ? -1 : 1;
  }
}

const compare = <Client>(one: ShareNode<Client>, other: ShareNode<Client>): number =>
  ShareNode.compareKeys(one, other);
