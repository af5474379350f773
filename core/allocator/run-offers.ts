/**
 * What one run gives out. All that a client is given of one agent is one allocation, though it may be
 * put together in two stages. One object serves all runs: when the last of its kind is collected, the
 * engine also drops the code that it had compiled for it, and every run would begin slowly.
 */
import { at } from '../base/index.js';
import type { AgentEntry } from './agent-entry.js';
import type { Allocation } from './allocator.js';
import type { Resources } from '../resources/index.js';
import type { Client } from './client.js';
import type { DecisionLog } from './decision-log.js';
import type { Ledger } from './ledger.js';

export class RunOffers {
  readonly #ledger: Ledger;
  readonly #log: DecisionLog | undefined;
  #allocations: Allocation[] = [];
  /** The number of the window of time that the explanations are about. */
  #window = 0;
  /** The number of the run: what agents note about an earlier one does not hold. */
  #run = 0;
  /** For each allocation the one before it of the same agent, or -1; kept only while there are quotas. */
  #previous: number[] = [];
  /** Agents of which shared resources were offered. */
  readonly #sharing = new Set<AgentEntry>();

  constructor(ledger: Ledger, log?: DecisionLog) {
    this.#ledger = ledger;
    this.#log = log;
  }

  /**
   * A run begins.
   * @param window the number of the window of time that the explanations are about.
   */
  begin(window: number): void {
    this.#window = window;
    this.#run++;
  }

  /** Gives a client what it may have of an agent. */
  serve(agent: AgentEntry, client: Client, offer: Resources): void {
    const { quotas } = this.#ledger;
    if (!quotas.isEmpty) this.#noteEased(agent, client.role);
    const resources = this.#ledger.serve(agent, client, offer);
    if (agent.noteSharedOffered(offer)) this.#sharing.add(agent);
    const { framework, role } = client;
    const allocation = { frameworkId: framework.id, role, agentId: agent.id, resources };
    if (quotas.isEmpty) {
      this.#allocations.push(allocation);
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
    return agent.isEased && agent.run === this.#run;
  }

  /** The run is over. Returns what it gave out. */
  end(): readonly Allocation[] {
    for (const agent of this.#sharing) agent.forgetSharedOffered();
    this.#log?.endRun();
    const allocations = this.#allocations;
    this.#allocations = [];
    this.#previous = [];
    this.#sharing.clear();
    return allocations;
  }

  #noteServed(client: Client, agent: AgentEntry): void {
    noteServed(client, agent, this.#window);
    this.#log?.noteOffered(client);
  }

  /** What is given of the agent from now on is the first, unless it is of this run already. */
  #noteEased(agent: AgentEntry, role: string): void {
    if (agent.run !== this.#run) {
      agent.run = this.#run;
      agent.allocation = -1;
      agent.isEased = false;
    }
    agent.isEased ||= this.#ledger.quotas.isNeeded(role);
  }

  /** Adds the allocation; returns whether the client was given something of the agent before. */
  #merge(agent: AgentEntry, allocation: Allocation): boolean {
    for (let place = agent.allocation; place >= 0; place = at(this.#previous, place)) {
      const known = at(this.#allocations, place);
      if (known.frameworkId !== allocation.frameworkId || known.role !== allocation.role) continue;
      const resources = known.resources.plus(allocation.resources);
      this.#allocations[place] = { ...known, resources };
      return true;
    }
    this.#previous.push(agent.allocation);
    agent.allocation = this.#allocations.push(allocation) - 1;
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
