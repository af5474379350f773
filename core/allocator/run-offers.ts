/**
 * What one run gives out. All that a client is given of one agent is one allocation, though it may be
 * put together in two stages.
 */
import type { AgentEntry } from './agent-entry.js';
import type { Allocation } from './allocator.js';
import type { Resources } from '../resources/index.js';
import type { Client } from './client.js';
import type { DecisionLog } from './decision-log.js';
import type { Ledger } from './ledger.js';

export class RunOffers {
  readonly allocations: Allocation[] = [];
  readonly #ledger: Ledger;
  readonly #window: number;
  readonly #log: DecisionLog | undefined;
  /** Where the allocations of an agent are in the list; kept only while there are quotas. */
  readonly #places = new Map<AgentEntry, number[]>();
  /** Agents of which shared resources were offered. */
  readonly #sharing = new Set<AgentEntry>();

  /** Agents of which something was given that made a guarantee need less. */
  readonly #easing = new Set<AgentEntry>();

  /** @param window the number of the window of time that the explanations are about. */
  constructor(ledger: Ledger, window: number, log?: DecisionLog) {
    this.#ledger = ledger;
    this.#window = window;
    this.#log = log;
  }

  /** Gives a client what it may have of an agent. */
  serve(agent: AgentEntry, client: Client, offer: Resources): void {
    if (this.#ledger.quotas.isNeeded(client.role)) this.#easing.add(agent);
    const resources = this.#ledger.serve(agent, client, offer);
    if (agent.noteSharedOffered(offer)) this.#sharing.add(agent);
    const { framework, role } = client;
    const { quotas } = this.#ledger;
    const allocation = { frameworkId: framework.id, role, agentId: agent.id, resources };
    if (quotas.isEmpty) {
      this.allocations.push(allocation);
      this.#noteServed(client, agent);
    } else {
      quotas.noteServed(agent, role, resources);
      if (!this.#merge(agent, allocation)) this.#noteServed(client, agent);
    }
  }

  /**
   * Whether another look at the agent may give more: what a role is given that counts for a guarantee
   * leaves others as much headroom as before, and the role may go on taking it.
   */
  isWorthAnotherLook(agent: AgentEntry): boolean {
    return this.#easing.has(agent);
  }

  /** The run is over. */
  close(): void {
    for (const agent of this.#sharing) agent.forgetSharedOffered();
    this.#log?.endRun();
  }

  #noteServed(client: Client, agent: AgentEntry): void {
    noteServed(client, agent, this.#window);
    this.#log?.noteOffered(client);
  }

  /** Adds the allocation; returns whether the client was given something of the agent before. */
  #merge(agent: AgentEntry, allocation: Allocation): boolean {
    const places = this.#places.get(agent) ?? [];
    for (const place of places) {
      const known = this.allocations[place];
      if (known?.frameworkId !== allocation.frameworkId || known.role !== allocation.role) continue;
      const resources = known.resources.plus(allocation.resources);
      this.allocations[place] = { ...known, resources };
      return true;
    }
    places.push(this.allocations.push(allocation) - 1);
    this.#places.set(agent, places);
    return false;
  }
}

function noteServed(client: Client, agent: AgentEntry, window: number): void {
  if (client.offeredWindow !== window) client.offeredAgents = 0;
  client.offeredWindow = window;
  client.offeredAgents++;
  agent.servedWindow = window;
  agent.servedClient = client;
}
