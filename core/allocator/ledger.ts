/**
 * Who holds what: all agents, all frameworks, and the share tree. Each change goes to the agent and to
 * the tree together, so that the two never differ.
 *
 * What a framework holds that has not subscribed yet (after a failover of the master, say) takes
 * room on the agent and is in no share until the framework is added.
 */
import { type AgentId, type FrameworkId, assert } from '../base/index.js';
import type { Quantities, Resources } from '../resources/index.js';
import { AgentEntry, hasShared } from './agent-entry.js';
import type { AgentAllocationState, Held } from './allocator.js';
import { Client, FrameworkEntry } from './client.js';
import { Holdings } from './holdings.js';
import type { RoleQuota } from './quota.js';
import { QuotaBook } from './quota-book.js';
import type { QuotaStanding } from './quota-entry.js';
import { ScalarNames, type ScalarVector } from './scalar-vectors.js';
import { ShareTree, type ShareTreeOptions } from './share-tree.js';

/** What a framework holds of an agent in a role, and what the whole role does, of what is shared. */
interface SharedUse {
  readonly client: Resources;
  readonly role: Resources;
}

export interface LedgerOptions extends Omit<ShareTreeOptions, 'names' | 'standingOf'> {
  /** See `AllocatorConfig.minAllocatable`. */
  readonly minimums: readonly Quantities[];
}

export class Ledger {
  readonly agents = new Map<AgentId, AgentEntry>();
  readonly frameworks = new Map<FrameworkId, FrameworkEntry>();
  readonly names = new ScalarNames();
  readonly tree: ShareTree<Client>;
  readonly #holdings = new Holdings();
  /** Agents that may have changed since a run looked at them: those that say so have. */
  #noted: AgentEntry[] = [];
  /** All agents but those that are known to have nothing to offer. */
  readonly open = new Set<AgentEntry>();
  /** How many runs there have been. */
  runs = 0;

  readonly quotas: QuotaBook;

  constructor(options: LedgerOptions) {
    this.quotas = new QuotaBook(this.names, options.minimums);
    const standingOf = (role: string): QuotaStanding | undefined => this.quotas.standing(role);
    this.tree = new ShareTree({ ...options, names: this.names, standingOf });
  }

  /** Sets or removes the quota of a role. */
  setQuota(role: string, quota: RoleQuota | undefined): void {
    this.quotas.set(role, quota, this.agents.values());
    this.tree.refreshStanding(role);
  }

  /** Called by agents that are worth another look, once until they are not any more. */
  noteUnsettled(agent: AgentEntry): void {
    agent.isNoted = true;
    this.#noted.push(agent);
  }

  /** The agents that have changed since a run looked at them. */
  unsettled(): readonly AgentEntry[] {
    const unsettled: AgentEntry[] = [];
    for (const agent of this.#noted) {
      if (agent.isUnsettled) unsettled.push(agent);
      else agent.isNoted = false;
    }
    this.#noted = unsettled;
    return unsettled;
  }

  /** Called by agents that change. */
  noteChanged(agent: AgentEntry): void {
    this.quotas.noteChanged(agent);
  }

  /** The agent of an id that must be known. */
  agent(id: AgentId): AgentEntry {
    const agent = this.agents.get(id);
    if (agent === undefined) assert(agent, `agent ${id} is not known to the allocator`);
    return agent;
  }

  /** The framework of an id that must be known. */
  framework(id: FrameworkId): FrameworkEntry {
    const framework = this.frameworks.get(id);
    if (framework === undefined) assert(framework, `framework ${id} is not known to the allocator`);
    return framework;
  }

  addAgent(id: AgentId, state: AgentAllocationState, used: Held<FrameworkId>): AgentEntry {
    assert(!this.agents.has(id), `agent ${id} is known to the allocator already`);
    const agent = new AgentEntry(id, state, this);
    this.agents.set(id, agent);
    this.tree.changeTotal(this.names.measure(agent.total), 1);
    for (const [frameworkId, resources] of used) this.use(agent, frameworkId, resources);
    return agent;
  }

  /** Somebody takes less than others: agents that had too little are looked at again. */
  reopen(): void {
    for (const agent of this.agents.values()) agent.open();
  }

  /** Forgets an agent; what was held on it counts for nobody any more. */
  removeAgent(agent: AgentEntry): void {
    for (const [frameworkId, resources] of agent.held) {
      this.release(agent, frameworkId, resources);
    }
    this.tree.changeTotal(this.names.measure(agent.total), -1);
    this.agents.delete(agent.id);
    this.quotas.forget(agent);
    agent.close();
    agent.isActive = false;
  }

  /** The agent has something else from now on. */
  setTotal(agent: AgentEntry, total: Resources): void {
    this.tree.changeTotal(this.names.measure(agent.total), -1);
    this.tree.changeTotal(this.names.measure(total), 1);
    agent.total = total;
  }

  /** Adds a framework. Of agents on which it is known to hold something, `used` is not read. */
  addFramework(id: FrameworkId, used: Held<AgentId>): FrameworkEntry {
    assert(!this.frameworks.has(id), `framework ${id} is known to the allocator already`);
    const framework = new FrameworkEntry(id);
    this.frameworks.set(id, framework);
    for (const agent of this.#holdings.agentsOf(id)) {
      const held = agent.held.get(id);
      if (held !== undefined) this.#charge(agent, id, { resources: held, sign: 1 });
    }
    for (const [agentId, resources] of used) {
      const agent = this.agents.get(agentId);
      if (agent !== undefined && !agent.held.has(id)) this.use(agent, id, resources);
    }
    return framework;
  }

  /** Forgets a framework. Returns the agents on which it held anything. */
  removeFramework(framework: FrameworkEntry): readonly AgentEntry[] {
    const agents = this.#holdings.agentsOf(framework.id);
    for (const agent of agents) {
      const held = agent.held.get(framework.id);
      if (held !== undefined) this.release(agent, framework.id, held);
    }
    for (const client of framework.clients.values()) {
      client.isSubscribed = false;
      this.#retire(client);
    }
    this.frameworks.delete(framework.id);
    return agents;
  }

  /** The client of a framework in a role, made when it is new. */
  client(framework: FrameworkEntry, role: string): Client {
    return framework.clients.get(role) ?? new Client(framework, role, this);
  }

  /** The framework left a role: its client goes as soon as it holds nothing. */
  leaveRole(client: Client): void {
    client.isSubscribed = false;
    this.tree.deactivate(client.node);
    this.#retire(client);
  }

  /** The client is given resources in a run. Returns them bound to its role. */
  serve(agent: AgentEntry, client: Client, offer: Resources): Resources {
    const bound = client.bind(offer);
    const frameworkId = client.framework.id;
    if (agent.hold(frameworkId, bound, offer)) this.#holdings.add(frameworkId, agent);
    if (!hasShared(bound)) {
      this.tree.serve(client.node, this.names.measure(bound));
      return bound;
    }
    const amounts = this.#amounts(agent, client, { resources: bound, sign: 1 });
    this.tree.serve(client.node, amounts.client, amounts.role);
    return bound;
  }

  /** A framework, known or not, is found to hold resources, each bound to a role. */
  hold(agent: AgentEntry, frameworkId: FrameworkId, resources: Resources): void {
    if (resources.isEmpty) return;
    if (agent.hold(frameworkId, resources)) this.#holdings.add(frameworkId, agent);
    this.#charge(agent, frameworkId, { resources, sign: 1 });
  }

  /** The same for resources that its tasks use. */
  use(agent: AgentEntry, frameworkId: FrameworkId, resources: Resources): void {
    if (resources.isEmpty) return;
    this.hold(agent, frameworkId, resources);
    agent.noteUsed(frameworkId, resources);
  }

  /** A framework, known or not, gives resources back. Returns what it did hold of them. */
  release(agent: AgentEntry, frameworkId: FrameworkId, resources: Resources): Resources {
    const isHolder = agent.held.has(frameworkId);
    const released = agent.release(frameworkId, resources);
    if (isHolder && !agent.held.has(frameworkId)) this.#holdings.delete(frameworkId);
    this.#charge(agent, frameworkId, { resources: released, sign: -1 });
    return released;
  }

  /** Carries a change that the agent knows of already to the share tree. */
  #charge(agent: AgentEntry, frameworkId: FrameworkId, change: Change): void {
    const framework = this.frameworks.get(frameworkId);
    if (framework === undefined) return;
    const { sign } = change;
    for (const [role, part] of change.resources.byAllocationRole()) {
      const client = this.client(framework, role);
      if (hasShared(part)) {
        const amounts = this.#amounts(agent, client, { resources: part, sign });
        this.tree.charge(client.node, amounts.client, sign, amounts.role);
      } else {
        this.tree.charge(client.node, this.names.measure(part), sign);
      }
      if (sign === -1) this.#retire(client);
    }
  }

  /**
   * By how much client and role change when some of it is shared, which counts once for each client
   * and once for the role, however often they hold it.
   */
  #amounts(
    agent: AgentEntry,
    client: Client,
    { resources, sign }: Change,
  ): Readonly<Record<'client' | 'role', ScalarVector>> {
    const plain = resources.filter((item) => !item.shared);
    const shared = resources.filter((item) => item.shared);
    const now: SharedUse = {
      client: agent.sharedHeld(client.role, client.framework.id),
      role: agent.sharedHeld(client.role),
    };
    const measure = (held: Resources): ScalarVector => {
      const other = sign === 1 ? held.minus(shared) : held.plus(shared);
      const change = sign === 1 ? countedOnce(held, other) : countedOnce(other, held);
      return this.names.measure(plain.plus(change)).slice();
    };
    return { client: measure(now.client), role: measure(now.role) };
  }

  /** Removes a client that is in no role and holds nothing. */
  #retire(client: Client): void {
    if (client.isSubscribed || client.framework.clients.get(client.role) !== client) return;
    if (client.node.allocated.some((amount) => amount !== 0)) return;
    if (this.#holdsNonScalars(client)) return;
    this.tree.removeClient(client.node);
    client.framework.clients.delete(client.role);
  }

  /** Whether the client holds what has no place in shares: ports, say. */
  #holdsNonScalars({ framework, role }: Client): boolean {
    for (const agent of this.#holdings.agentsOf(framework.id)) {
      const items = agent.held.get(framework.id)?.items ?? [];
      if (items.some((item) => item.allocationRole === role)) return true;
    }
    return false;
  }
}

interface Change {
  /** Each bound to a role. */
  readonly resources: Resources;
  readonly sign: 1 | -1;
}

/** The shared items of `more` of which there are none in `less`. */
function countedOnce(more: Resources, less: Resources): Resources {
  const keys = new Set(less.items.map(({ key }) => key));
  return more.filter(({ key }) => !keys.has(key));
}
