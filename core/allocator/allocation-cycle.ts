/**
 * One run: goes over candidate agents in random order and gives each, as far as quota allows whole, to
 * the clients that may have it, lowest share first. Shares move with every agent that is given away.
 * Where guarantees are not met, a first pass over all agents serves the roles that have them.
 *
 * Runs remember what they need not look at again. Changes that make a client eligible for more are
 * numbered; an agent that was looked at is settled up to the last of them. So a run looks at agents
 * that have changed, and at others only for clients that have; when nothing changed it does nothing. When quota
 * leaves more than before, all clients count as changed.
 */
import { type Random, shuffle } from '../base/index.js';
import type { AgentEntry } from './agent-entry.js';
import { type CheckContext, examineAgent, examineOffer } from './checks.js';
import type { Client } from './client.js';
import type { Stage } from './grant.js';
import type { Ledger } from './ledger.js';
import type { Allocation } from './allocator.js';
import { RunOffers } from './run-offers.js';
import type { ShareNode } from './share-node.js';

/** The agents that a run is about. */
export type Candidates = 'all' | Iterable<AgentEntry>;

export interface AllocationCycleOptions {
  readonly ledger: Ledger;
  readonly context: CheckContext;
  readonly random: Random;
}

export class AllocationCycle {
  readonly #ledger: Ledger;
  readonly #context: CheckContext;
  readonly #random: Random;
  /** The number of the last change that made a client eligible for more. */
  #changes = 0;
  /** The last such change that made all clients eligible for more. */
  #changedForAll = 0;
  /** The last such change when a run last looked at all agents. */
  #changesSeen = 0;

  constructor(options: AllocationCycleOptions) {
    this.#ledger = options.ledger;
    this.#context = options.context;
    this.#random = options.random;
  }

  /** The client may now be offered what it was not offered before. */
  noteEligible(client: Client): void {
    client.changedAt = ++this.#changes;
  }

  /** All clients may now be offered what they were not offered before. */
  noteAllEligible(): void {
    this.#changedForAll = ++this.#changes;
  }

  /** @param window the number of the window of time that the explanations are about. */
  run(candidates: Candidates, window: number): readonly Allocation[] {
    const { tree, quotas } = this.#ledger;
    tree.settle();
    if (quotas.settle()) this.noteAllEligible();
    if (!tree.hasActiveClients) return [];
    const agents = shuffle(this.#random, this.#worthALook(candidates));
    const offers = new RunOffers(this.#ledger, window);
    if (!quotas.isEmpty && this.#hasUnmetGuarantees()) {
      this.#divideAll(agents, offers, 'guarantees');
      shuffle(this.#random, agents);
    }
    this.#divideAll(agents, offers, 'fair-share');
    for (const agent of agents) agent.settle(this.#changes);
    offers.close();
    return offers.allocations;
  }

  #worthALook(candidates: Candidates): AgentEntry[] {
    const agents: AgentEntry[] = [];
    for (const agent of this.#inQuestion(candidates)) {
      if (agent.settledAt >= this.#changes) continue;
      if (examineAgent(agent, this.#context) === undefined) agents.push(agent);
      else this.#ledger.unsettled.delete(agent);
    }
    return agents;
  }

  #inQuestion(candidates: Candidates): Iterable<AgentEntry> {
    if (candidates !== 'all') return candidates;
    if (this.#changesSeen === this.#changes) return this.#ledger.unsettled;
    this.#changesSeen = this.#changes;
    return this.#ledger.agents.values();
  }

  /** Whether a role that can be served lacks something of its guarantee. */
  #hasUnmetGuarantees(): boolean {
    const { quotas, tree } = this.#ledger;
    return quotas.unmetRoles().some((role) => tree.isServable(role));
  }

  #divideAll(agents: readonly AgentEntry[], offers: RunOffers, stage: Stage): void {
    for (const agent of agents) {
      if (stage === 'guarantees' && !this.#hasUnmetGuarantees()) return;
      if (!agent.free.isEmpty) this.#divide(agent, offers, stage);
    }
  }

  #divide(agent: AgentEntry, offers: RunOffers, stage: Stage): void {
    const { tree, quotas } = this.#ledger;
    const { settledAt } = agent;
    tree.settle();
    tree.walkRoles((ownLeaf: ShareNode<Client>) => {
      if (stage === 'guarantees' && !quotas.isUnmet(ownLeaf.role)) return false;
      for (const { client } of tree.clientsOf(ownLeaf)) {
        if (client === undefined) continue;
        if (Math.max(client.changedAt, this.#changedForAll) <= settledAt) continue;
        const offer = examineOffer(client, agent, this.#context, stage);
        if (typeof offer === 'string') continue;
        offers.serve(agent, client, offer);
        if (agent.free.isEmpty) return true;
        if (stage === 'guarantees' && !quotas.isUnmet(ownLeaf.role)) break;
      }
      return false;
    });
  }
}
