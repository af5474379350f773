/**
 * One run: goes over candidate agents in random order and gives each, whole, to the clients that may
 * have it, lowest share first. Shares move with every agent that is given away.
 *
 * Runs remember what they need not look at again. Changes that make a client eligible for more are
 * numbered; an agent that was looked at is settled up to the last of them. So a run looks at agents
 * that have changed, and at others only for clients that have; when nothing changed it does nothing.
 */
import { type Random, shuffle } from '../base/index.js';
import type { AgentEntry } from './agent-entry.js';
import type { Allocation } from './allocator.js';
import { type CheckContext, examineAgent, examineOffer } from './checks.js';
import type { Client } from './client.js';
import type { Ledger } from './ledger.js';
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

  /** @param window the number of the window of time that the explanations are about. */
  run(candidates: Candidates, window: number): Allocation[] {
    const allocations: Allocation[] = [];
    this.#ledger.tree.settle();
    if (!this.#ledger.tree.hasActiveClients) return allocations;
    for (const agent of shuffle(this.#random, this.#worthALook(candidates))) {
      this.#divide(agent, window, allocations);
    }
    return allocations;
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

  #divide(agent: AgentEntry, window: number, allocations: Allocation[]): void {
    const { tree } = this.#ledger;
    const { settledAt } = agent;
    tree.settle();
    tree.walkRoles((ownLeaf: ShareNode<Client>) => {
      for (const { client } of ownLeaf.ordered) {
        if (client === undefined || client.changedAt <= settledAt) continue;
        const offer = examineOffer(client, agent, this.#context);
        if (typeof offer === 'string') continue;
        const resources = this.#ledger.serve(agent, client, offer);
        const { framework, role } = client;
        allocations.push({ frameworkId: framework.id, role, agentId: agent.id, resources });
        noteServed(client, agent, window);
        if (agent.free.isEmpty) return true;
      }
      return false;
    });
    agent.settle(this.#changes);
  }
}

function noteServed(client: Client, agent: AgentEntry, window: number): void {
  if (client.offeredWindow !== window) client.offeredAgents = 0;
  client.offeredWindow = window;
  client.offeredAgents++;
  agent.servedWindow = window;
  agent.servedClient = client;
}
