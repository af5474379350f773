/**
 * Who is served next: dominant resource fairness (DRF) over the tree of roles, and over the
 * frameworks in each role. The share of a node is the largest, over resource names, of what its
 * subtree holds divided by the cluster's total, divided by the node's weight.
 *
 * A role that has clients of its own has an own leaf, which competes with the role's subroles; the
 * clients (frameworks) are the children of that leaf. So one walk over the tree yields roles and, in
 * each, frameworks, and one path upwards carries each change.
 *
 * Order moves only in `settle`: a run settles before each agent, and walks while shares move. Instead
 * of by share, roles or frameworks may be served in random order by weight, a new one in each walk.
 */
import { type Random, assert, at } from '../base/index.js';
import type { QuotaStanding } from './quota-entry.js';
import { NO_AMOUNTS, type ScalarNames, type ScalarVector, accumulate } from './scalar-vectors.js';
import { ShareNode } from './share-node.js';
import { WeightedDraws } from './weighted-draws.js';

/** Sorts before everything that the name of a role may start with. */
const OWN_LEAF = '.';

/** A longer list of nodes that have moved is given back to the memory. */
const MAX_KEPT_MOVED = 64;

export interface ShareTreeOptions {
  readonly names: ScalarNames;
  /** Resource names that do not count in shares. */
  readonly fairnessExcluded: readonly string[];
  /** Serves roles in random order by weight instead of by share. */
  readonly randomRoles?: Random | undefined;
  /** Serves the clients of a role in random order instead of by share. */
  readonly randomClients?: Random | undefined;
  /** What quota means to the clients of a role. Default: nothing to any. */
  readonly standingOf?: ((role: string) => QuotaStanding | undefined) | undefined;
}

/** Clients by place, from 0 on, none left out; undefined beyond the last. */
export interface ClientOrder<Client> {
  at(place: number): ShareNode<Client> | undefined;
}

export class ShareTree<Client> {
  readonly #root = new ShareNode<Client>({ name: '', role: '' });
  readonly #ownLeaves = new Map<string, ShareNode<Client>>();
  /** Weights other than 1, by role; also of roles that nobody is in. */
  readonly #weights = new Map<string, number>();
  readonly #excluded: ReadonlySet<number>;
  readonly #randomRoles: Random | undefined;
  readonly #randomClients: Random | undefined;
  readonly #standingOf: (role: string) => QuotaStanding | undefined;
  #total: ScalarVector = new Float64Array(0);
  /** Listed nodes whose key is out of date: the first so many of the list, which is written over. */
  readonly #moved: ShareNode<Client>[] = [];
  #movedCount = 0;
  /** The part of the tree that each own leaf has, for random order; made anew when roles have changed. */
  #parts: ReadonlyMap<ShareNode<Client>, number> | undefined;
  #draws: WeightedDraws<ShareNode<Client>> | undefined;
  /** Whether all keys are: the total has changed. */
  #isTotalChanged = false;

  constructor(options: ShareTreeOptions) {
    this.#excluded = new Set(options.fairnessExcluded.map((name) => options.names.indexOf(name)));
    this.#randomRoles = options.randomRoles;
    this.#randomClients = options.randomClients;
    this.#standingOf = options.standingOf ?? (() => undefined);
  }

  /** What all agents have. */
  get total(): ScalarVector {
    return this.#total;
  }

  /** What all clients hold. */
  get allocated(): ScalarVector {
    return this.#root.allocated;
  }

  /** Adds an inactive client that holds nothing. */
  addClient(role: string, name: string, client: Client): ShareNode<Client> {
    const leaf = this.#ownLeaf(role);
    assert(!leaf.children.has(name), `${name} is a client of role ${role} already`);
    return new ShareNode({ name, role, parent: leaf, client });
  }

  /** Removes a client, and roles that are left without any. What it held must be given back before. */
  removeClient(client: ShareNode<Client>): void {
    assert(
      client.allocated.every((amount) => amount === 0),
      `client ${client.name} of role ${client.role} still holds resources`,
    );
    this.deactivate(client);
    let node = client;
    while (node.parent !== undefined && node.children.size === 0) {
      node.parent.children.delete(node.name);
      if (this.#ownLeaves.get(node.role) === node) this.#ownLeaves.delete(node.role);
      node = node.parent;
    }
  }

  /** From now on the client takes part. */
  activate(client: ShareNode<Client>): void {
    this.#forgetDraws();
    for (let node = client; node.parent !== undefined && !node.isListed; node = node.parent) {
      node.parent.list(node, this.#weightedShare(node));
    }
  }

  /** The client is passed over. What it holds stays counted. */
  deactivate(client: ShareNode<Client>): void {
    if (!client.isListed) return;
    this.#forgetDraws();
    for (let node = client; node.parent !== undefined; node = node.parent) {
      node.parent.unlist(node);
      if (node.parent.ordered.length > 0) break;
    }
  }

  /** The client was served: it and all nodes above hold more. See `charge`. */
  serve(client: ShareNode<Client>, amount: ScalarVector, roleAmount = amount): void {
    for (let node: ShareNode<Client> | undefined = client; node !== undefined; node = node.parent) {
      node.served++;
    }
    this.charge(client, amount, 1, roleAmount);
  }

  /**
   * What the client holds has grown (1) or shrunk (-1) without being served.
   * @param roleAmount by how much the nodes above change, where that is another amount: what two
   *   clients of a role share counts for each of them, and for the role once.
   */
  charge(client: ShareNode<Client>, amount: ScalarVector, sign: 1 | -1, roleAmount = amount): void {
    client.allocated = accumulate(client.allocated, amount, sign);
    this.#noteMoved(client);
    for (let node = client.parent; node !== undefined; node = node.parent) {
      node.allocated = accumulate(node.allocated, roleAmount, sign);
      this.#noteMoved(node);
    }
  }

  /** The cluster has grown (1) or shrunk (-1). */
  changeTotal(amount: ScalarVector, sign: 1 | -1): void {
    this.#total = accumulate(this.#total, amount, sign);
    this.#isTotalChanged = true;
  }

  /** Sets the weight of a role's subtree against its siblings; it must be positive. */
  setWeight(role: string, weight: number): void {
    assert(weight > 0, `role ${role}: the weight must be positive, not ${weight}`);
    if (weight === 1) this.#weights.delete(role);
    else this.#weights.set(role, weight);
    this.#forgetDraws();
    const node = this.#roleNode(role);
    if (node === undefined) return;
    node.weight = weight;
    this.#noteMoved(node);
  }

  /** The quota of a role has changed. */
  refreshStanding(role: string): void {
    const leaf = this.#ownLeaves.get(role);
    if (leaf !== undefined) leaf.quota = this.#standingOf(role);
  }

  weightOf(role: string): number {
    return this.#weights.get(role) ?? 1;
  }

  /** The weights that are not 1, by role. */
  weights(): ReadonlyMap<string, number> {
    return this.#weights;
  }

  /** What the role's own clients hold. */
  ownAllocated(role: string): ScalarVector {
    return this.#ownLeaves.get(role)?.allocated ?? NO_AMOUNTS;
  }

  /** Whether the role has active clients of its own. */
  isServable(role: string): boolean {
    return (this.#ownLeaves.get(role)?.ordered.length ?? 0) > 0;
  }

  /** The roles that have clients, in no particular order. */
  roles(): IterableIterator<string> {
    return this.#ownLeaves.keys();
  }

  /** Share of a role's whole subtree, weight not applied; 0 for a role without clients. */
  subtreeShare(role: string): number {
    const node = this.#roleNode(role);
    return node === undefined ? 0 : this.#dominantShare(node);
  }

  /** The same for the role of a client. */
  subtreeShareOf(client: ShareNode<Client>): number {
    const role = client.parent?.parent;
    return role === undefined ? 0 : this.#dominantShare(role);
  }

  /**
   * Share by which a role's own clients compete, weight applied: of the role, or, when the role has
   * subroles, of its own leaf beside them.
   */
  ownShare(role: string): number {
    const leaf = this.#ownLeaves.get(role);
    if (leaf?.parent === undefined) return 0;
    const isAlone = leaf.parent.children.size === 1;
    return this.#weightedShare(isAlone ? leaf.parent : leaf);
  }

  get hasActiveClients(): boolean {
    return this.#root.ordered.length > 0;
  }

  /** Brings the order up to date with all shares. */
  settle(): void {
    if (this.#isTotalChanged) {
      this.#isTotalChanged = false;
      this.#sortBelow(this.#root);
      for (let index = 0; index < this.#movedCount; index++) at(this.#moved, index).isMoved = false;
    } else {
      for (let index = 0; index < this.#movedCount; index++) {
        const node = at(this.#moved, index);
        node.isMoved = false;
        if (node.isListed) node.parent?.place(node, this.#weightedShare(node));
      }
    }
    if (this.#movedCount > MAX_KEPT_MOVED) this.#moved.length = 0;
    this.#movedCount = 0;
  }

  /**
   * Visits the roles that have active clients, subtree by subtree, the lowest share first (or in
   * random order), until `visit` answers true. It is given the role's own leaf; see `clientsOf`.
   */
  walkRoles(visit: (ownLeaf: ShareNode<Client>) => boolean): void {
    if (this.#randomRoles === undefined) {
      walk(this.#root, visit);
      return;
    }
    if (!this.hasActiveClients) return;
    this.#draws ??= new WeightedDraws([...this.#partsOfRoles()]);
    this.#draws.some(this.#randomRoles, visit);
  }

  /**
   * Walks over roles again and again, as `walkRoles` does, leaving out those that are over: once they
   * are, they stay so.
   */
  walkerOfRoles(
    isOver: (ownLeaf: ShareNode<Client>) => boolean,
  ): (visit: (ownLeaf: ShareNode<Client>) => boolean) => void {
    const random = this.#randomRoles;
    if (random === undefined) {
      return (visit) => this.walkRoles((ownLeaf) => !isOver(ownLeaf) && visit(ownLeaf));
    }
    const parts = [...this.#partsOfRoles()].filter(([ownLeaf]) => !isOver(ownLeaf));
    const draws = new WeightedDraws(parts);
    return (visit) => draws.some(random, visit, isOver);
  }

  /** The active clients of a role in the order in which they are served. Valid until the next call. */
  clientsOf(ownLeaf: ShareNode<Client>): ClientOrder<Client> {
    return this.#randomClients === undefined
      ? ownLeaf.ordered
      : ownLeaf.drawOrdered(this.#randomClients);
  }

  #ownLeaf(role: string): ShareNode<Client> {
    const known = this.#ownLeaves.get(role);
    if (known !== undefined) return known;
    let node = this.#root;
    let path = '';
    for (const part of role.split('/')) {
      path = path === '' ? part : `${path}/${part}`;
      const child =
        node.children.get(part) ?? new ShareNode({ name: part, role: path, parent: node });
      child.weight = this.weightOf(path);
      node = child;
    }
    const leaf = new ShareNode<Client>({ name: OWN_LEAF, role, parent: node });
    leaf.quota = this.#standingOf(role);
    this.#ownLeaves.set(role, leaf);
    return leaf;
  }

  #roleNode(role: string): ShareNode<Client> | undefined {
    let node: ShareNode<Client> | undefined = this.#root;
    for (const part of role.split('/')) node = node?.children.get(part);
    return node;
  }

  #noteMoved(node: ShareNode<Client>): void {
    if (node.isMoved || !node.isListed || this.#isDrawn(node)) return;
    node.isMoved = true;
    this.#moved[this.#movedCount++] = node;
  }

  /** Whether the order in which the node is listed does not matter: its turn is drawn. */
  #isDrawn(node: ShareNode<Client>): boolean {
    return (node.client === undefined ? this.#randomRoles : this.#randomClients) !== undefined;
  }

  #partsOfRoles(): ReadonlyMap<ShareNode<Client>, number> {
    return (this.#parts ??= partsOf(this.#root));
  }

  #forgetDraws(): void {
    this.#draws = undefined;
    this.#parts = undefined;
  }

  #sortBelow(node: ShareNode<Client>): void {
    node.sort(this.#shareOf);
    const { ordered } = node;
    for (let place = 0; place < ordered.length; place++) {
      const child = ordered.at(place);
      if (child !== undefined && child.ordered.length > 0) this.#sortBelow(child);
    }
  }

  readonly #shareOf = (node: ShareNode<Client>): number => this.#weightedShare(node);

  #weightedShare(node: ShareNode<Client>): number {
    return this.#dominantShare(node) / node.weight;
  }

  #dominantShare(node: ShareNode<Client>): number {
    let share = 0;
    for (let index = 0; index < node.allocated.length; index++) {
      const total = this.#total[index] ?? 0;
      if (total <= 0 || (this.#excluded.size > 0 && this.#excluded.has(index))) continue;
      share = Math.max(share, (node.allocated[index] ?? 0) / total);
    }
    return share;
  }
}

function walk<Client>(
  node: ShareNode<Client>,
  visit: (ownLeaf: ShareNode<Client>) => boolean,
): boolean {
  const { ordered } = node;
  for (let place = 0; place < ordered.length; place++) {
    const child = ordered.at(place);
    if (child === undefined) break;
    if (child.name === OWN_LEAF ? visit(child) : walk(child, visit)) return true;
  }
  return false;
}

/** The part of the whole that each own leaf has: a subtree's weight is divided among its nodes. */
function partsOf<Client>(root: ShareNode<Client>): Map<ShareNode<Client>, number> {
  const parts = new Map<ShareNode<Client>, number>();
  divideWeight(root, 1, parts);
  return parts;
}

function divideWeight<Client>(
  node: ShareNode<Client>,
  part: number,
  parts: Map<ShareNode<Client>, number>,
): void {
  let total = 0;
  for (const { weight } of node.ordered) total += weight;
  for (const child of node.ordered) {
    const share = (part * child.weight) / total;
    if (child.name === OWN_LEAF) parts.set(child, share);
    else divideWeight(child, share, parts);
  }
}
