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
import { type CheckContext, examineAgent, examineOffer, isBelowMinimum } from './checks.js';
import type { Client } from './client.js';
import type { DecisionLog } from './decision-log.js';
import type { RefusalReason } from './decisions.js';
import type { Ledger } from './ledger.js';
import type { Allocation } from './allocator.js';
import type { QuotaStanding } from './quota-entry.js';
import { RunOffers } from './run-offers.js';
import type { ShareNode } from './share-node.js';

/** The agents that a run is about. */
export type Candidates = 'all' | Iterable<AgentEntry>;

export interface AllocationCycleOptions {
  readonly ledger: Ledger;
  readonly context: CheckContext;
  readonly random: Random;
  /** Undefined: decisions are not logged. */
  readonly log?: DecisionLog | undefined;
}

export class AllocationCycle {
  readonly #ledger: Ledger;
  readonly #context: CheckContext;
  readonly #random: Random;
  readonly #log: DecisionLog | undefined;
  readonly #offers: RunOffers;
  /** What is being served: the visitors below are made once, not for each of thousands of agents. */
  #agent: AgentEntry | undefined;
  /** Why it is not for clients without a minimum of their own. */
  #barred: RefusalReason | undefined;
  /** Whether there is a client that is not barred from it. */
  #isOpen = false;
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
    this.#log = options.log;
    this.#offers = new RunOffers(options.ledger, options.log);
  }

  /** The client may now be offered what it was not offered before. */
  noteEligible(client: Client): void {
    client.changedAt = ++this.#changes;
    if (client.minimum !== undefined) this.#ledger.reopen();
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
    this.#offers.begin(window);
    const unmet = this.#servableUnmet();
    if (unmet.size > 0) {
      this.#serveGuarantees(agents, unmet);
      shuffle(this.#random, agents);
    }
    this.#serveShares(agents);
    this.#agent = undefined;
    return this.#offers.end();
  }

  #worthALook(candidates: Candidates): AgentEntry[] {
    const agents: AgentEntry[] = [];
    for (const agent of this.#inQuestion(candidates)) {
      if (agent.settledAt >= this.#changes) continue;
      if (examineAgent(agent, this.#context) !== undefined) agent.isUnsettled = false;
      else if (agent.free.isEmpty) agent.close();
      else agents.push(agent);
    }
    return agents;
  }

  #inQuestion(candidates: Candidates): Iterable<AgentEntry> {
    if (candidates !== 'all') return candidates;
    if (this.#changesSeen === this.#changes) return this.#ledger.unsettled();
    this.#changesSeen = this.#changes;
    return this.#ledger.open;
  }

  /** The quotas that lack something of their guarantees, of roles that can be served. */
  #servableUnmet(): Set<QuotaStanding> {
    const { quotas, tree } = this.#ledger;
    if (quotas.isEmpty) return new Set();
    return new Set(quotas.unmetEntries().filter(({ role }) => tree.isServable(role)));
  }

  /** The first stage; `unmet` gets smaller: a run gives, and what is met stays so. */
  #serveGuarantees(agents: readonly AgentEntry[], unmet: Set<QuotaStanding>): void {
    const { tree } = this.#ledger;
    const walkRoles = tree.walkerOfRoles(({ quota }) => quota?.isUnmet !== true);
    for (const agent of agents) {
      for (const standing of unmet) {
        if (standing.isUnmet) break;
        unmet.delete(standing);
      }
      if (unmet.size === 0) return;
      if (agent.free.isEmpty) continue;
      tree.settle();
      this.#agent = agent;
      walkRoles(this.#serveGuaranteeOf);
    }
  }

  /** Serves the clients of a role in the first stage. Returns whether nothing of the agent is left. */
  readonly #serveGuaranteeOf = (ownLeaf: ShareNode<Client>): boolean => {
    const agent = this.#agent;
    if (agent === undefined) return true;
    const clients = this.#ledger.tree.clientsOf(ownLeaf);
    for (let place = 0; ; place++) {
      const node = clients.at(place);
      if (node === undefined) return false;
      const { client } = node;
      if (client === undefined || !this.#isToBeAsked(client, agent)) continue;
      // What is not guaranteed is not refused yet: the second stage decides about it.
      const offer = examineOffer(client, agent, this.#context, 'guarantees');
      if (typeof offer === 'string') continue;
      this.#offers.serve(agent, client, offer);
      if (agent.free.isEmpty) return true;
      if (ownLeaf.quota?.isUnmet !== true) return false;
    }
  };

  /**
   * The second stage. When quota bars everybody from one agent, it does so from the others; and what is
   * below the minimum is so for everybody who has none of his own. What was looked at is settled.
   */
  #serveShares(agents: readonly AgentEntry[]): void {
    const isOpen = { enough: true, tooLittle: true };
    for (const agent of agents) {
      const { free } = agent;
      if (!free.isEmpty) {
        const kind = isBelowMinimum(free, this.#context.config) ? 'tooLittle' : 'enough';
        if (isOpen[kind] || (kind === 'enough' && !free.isPlain)) {
          const bar = kind === 'tooLittle' ? 'BELOW_MINIMUM' : this.#barOfAgent(agent);
          isOpen[kind] = this.#serveShare(agent, bar);
        }
        if (kind === 'tooLittle' && !isOpen.tooLittle) agent.close();
      }
      if (!this.#offers.isWorthAnotherLook(agent)) agent.settle(this.#changes);
    }
  }

  #barOfAgent({ free }: AgentEntry): RefusalReason | undefined {
    return free.isPlain && this.#ledger.quotas.isHeldBack ? 'QUOTA_HEADROOM' : undefined;
  }

  /**
   * @param barred why the agent is not for clients without a minimum of their own.
   * @returns whether there is a client that is not barred from the agent.
   */
  #serveShare(agent: AgentEntry, barred: RefusalReason | undefined): boolean {
    const { tree } = this.#ledger;
    this.#agent = agent;
    this.#barred = barred;
    this.#isOpen = barred !== 'BELOW_MINIMUM' && !agent.free.isPlain;
    tree.settle();
    tree.walkRoles(this.#serveShareOf);
    return this.#isOpen;
  }

  /** Serves the clients of a role in the second stage. Returns whether nothing of the agent is left. */
  readonly #serveShareOf = (ownLeaf: ShareNode<Client>): boolean => {
    const agent = this.#agent;
    if (agent === undefined) return true;
    const bar = this.#barred ?? barOf(ownLeaf, agent);
    const clients = this.#ledger.tree.clientsOf(ownLeaf);
    for (let place = 0; ; place++) {
      const node = clients.at(place);
      if (node === undefined) return false;
      const { client } = node;
      if (client === undefined) continue;
      const isBarred = bar !== undefined && client.minimum === undefined;
      this.#isOpen ||= !isBarred;
      if (!this.#isToBeAsked(client, agent)) continue;
      const offer = isBarred ? bar : examineOffer(client, agent, this.#context);
      if (typeof offer === 'string') {
        this.#log?.noteRefused(client, offer);
        continue;
      }
      this.#offers.serve(agent, client, offer);
      if (agent.free.isEmpty) return true;
    }
  };

  /** Whether client or agent has changed since the client was last asked about the agent. */
  #isToBeAsked(client: Client, agent: AgentEntry): boolean {
    return client.changedAt > agent.settledAt || this.#changedForAll > agent.settledAt;
  }
}

/** Why quota bars a role's clients, but those with minimums of their own, from what is unreserved. */
function barOf(ownLeaf: ShareNode<Client>, { free }: AgentEntry): RefusalReason | undefined {
  return ownLeaf.quota?.isExhausted === true && free.isPlain ? 'QUOTA_LIMIT' : undefined;
}
