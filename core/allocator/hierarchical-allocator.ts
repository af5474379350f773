/**
 * The allocator that the master uses: dominant resource fairness over a tree of roles. This file
 * receives the calls of the master, changes the ledger, and decides which of them ask for a run; what
 * a run does is in `allocation-cycle.ts`, whether a client may be offered an agent in `checks.ts`.
 */
import type { Filters, FrameworkInfo } from '../api/index.js';
import { type AgentId, type Clock, type FrameworkId, type World, assert } from '../base/index.js';
import type { Resources } from '../resources/index.js';
import type { AgentEntry } from './agent-entry.js';
import { AllocationCycle } from './allocation-cycle.js';
import { AllocatorMetrics } from './allocator-metrics.js';
import type {
  AgentAllocationState,
  AllocationListener,
  Allocator,
  FrameworkAllocationState,
  Held,
} from './allocator.js';
import type { CheckContext } from './checks.js';
import { type FrameworkEntry, capabilitiesOf, minimumOf, rolesOf, type Client } from './client.js';
import type { AllocatorConfig } from './config.js';
import type { AllocationExplanation } from './decisions.js';
import { explainClient } from './explain.js';
import { Ledger } from './ledger.js';
import { OfferFilters, filterDurationMs } from './offer-filters.js';
import { type Run, RunSchedule } from './run-schedule.js';
import { isSameValue } from './same-value.js';

export interface HierarchicalAllocatorOptions {
  readonly world: World;
  readonly config: AllocatorConfig;
  /** Called once for each run that gave out anything. */
  readonly onAllocations: AllocationListener;
}

export class HierarchicalAllocator implements Allocator {
  readonly #clock: Clock;
  readonly #config: AllocatorConfig;
  readonly #onAllocations: AllocationListener;
  readonly #ledger: Ledger;
  readonly #filters = new OfferFilters((agent) => agent.unsettle());
  readonly #context: CheckContext;
  readonly #cycle: AllocationCycle;
  readonly #metrics = new AllocatorMetrics();
  readonly #schedule: RunSchedule;
  /** How many batches have ended: filters outlast one. */
  #batches = 0;
  /** How many batches have begun: explanations are about what happened since. */
  #window = 0;
  #lastRunMs: number | undefined;

  /** Batches begin one interval after this. */
  constructor(options: HierarchicalAllocatorOptions) {
    const { world, config } = options;
    this.#clock = world.clock;
    this.#config = config;
    this.#onAllocations = options.onAllocations;
    this.#ledger = new Ledger(config.fairnessExcluded);
    this.#context = { config, filters: this.#filters };
    this.#cycle = new AllocationCycle({
      ledger: this.#ledger,
      context: this.#context,
      random: world.random.fork('allocator'),
    });
    this.#schedule = new RunSchedule({
      clock: world.clock,
      config,
      run: (run) => this.#carryOut(run),
    });
  }

  addFramework(id: FrameworkId, state: FrameworkAllocationState, used: Held<AgentId>): void {
    const framework = this.#ledger.addFramework(id, used);
    framework.isActive = state.active;
    this.#setInfo(framework, state.info, state.suppressedRoles);
    if (state.active) this.#schedule.requestAll();
  }

  updateFramework(id: FrameworkId, info: FrameworkInfo, suppressedRoles: readonly string[]): void {
    this.#setInfo(this.#ledger.framework(id), info, suppressedRoles);
  }

  removeFramework(id: FrameworkId): void {
    const framework = this.#ledger.framework(id);
    for (const client of framework.clients.values()) this.#filters.dropOfClient(client);
    for (const agent of this.#ledger.removeFramework(framework)) {
      this.#schedule.requestEarly(agent);
    }
  }

  activateFramework(id: FrameworkId): void {
    const framework = this.#ledger.framework(id);
    framework.isActive = true;
    for (const client of framework.clients.values()) this.#refresh(client);
    this.#schedule.requestAll();
  }

  deactivateFramework(id: FrameworkId): void {
    const framework = this.#ledger.framework(id);
    framework.isActive = false;
    for (const client of framework.clients.values()) {
      this.#filters.dropOfClient(client);
      this.#refresh(client);
    }
  }

  addAgent(id: AgentId, state: AgentAllocationState, used: Held<FrameworkId>): void {
    this.#schedule.requestAgent(this.#ledger.addAgent(id, state, used));
  }

  updateAgent(id: AgentId, state: AgentAllocationState): void {
    const agent = this.#ledger.agent(id);
    const before = agent.state.info;
    const isSame =
      agent.total.equals(state.total) &&
      isSameValue(agent.state.capabilities, state.capabilities) &&
      isSameValue(before.domain, state.info.domain) &&
      before.hostname === state.info.hostname;
    const hasSameAttributes = isSameValue(before.attributes, state.info.attributes);
    if (!hasSameAttributes) this.#filters.dropOfAgent(agent);
    this.#ledger.setTotal(agent, state.total);
    agent.state = state;
    if (!isSame || !hasSameAttributes) this.#schedule.requestAgent(agent);
  }

  removeAgent(id: AgentId): void {
    const agent = this.#ledger.agent(id);
    this.#filters.dropOfAgent(agent);
    this.#ledger.removeAgent(agent);
  }

  activateAgent(id: AgentId): void {
    const agent = this.#ledger.agent(id);
    agent.isActive = true;
    agent.unsettle();
  }

  deactivateAgent(id: AgentId): void {
    this.#ledger.agent(id).isActive = false;
  }

  recoverResources(
    frameworkId: FrameworkId,
    agentId: AgentId,
    resources: Resources,
    filters?: Filters,
    reoffer: 'early' | 'batch' = filters === undefined ? 'early' : 'batch',
  ): void {
    const agent = this.#ledger.agents.get(agentId);
    if (agent === undefined || resources.isEmpty) return;
    const released = this.#ledger.release(agent, frameworkId, resources);
    if (reoffer === 'early' && !released.isEmpty) this.#schedule.requestEarly(agent);
    const framework = this.#ledger.frameworks.get(frameworkId);
    if (framework !== undefined && filters !== undefined) {
      this.#refuse(framework, agent, { resources, filters });
    }
  }

  updateAllocation(
    frameworkId: FrameworkId,
    agentId: AgentId,
    change: { readonly from: Resources; readonly to: Resources },
  ): void {
    const agent = this.#ledger.agent(agentId);
    const held = agent.held.get(frameworkId);
    assert(
      held?.contains(change.from) === true,
      `framework ${frameworkId} does not hold ${change.from.toString()} on agent ${agentId}`,
    );
    this.#ledger.release(agent, frameworkId, change.from);
    this.#ledger.hold(agent, frameworkId, change.to);
    const total = agent.total.minus(change.from.unallocated()).plus(change.to.unallocated());
    this.#ledger.setTotal(agent, total);
  }

  updateAvailable(
    agentId: AgentId,
    change: { readonly from: Resources; readonly to: Resources },
  ): boolean {
    const agent = this.#ledger.agent(agentId);
    if (!agent.free.contains(change.from)) return false;
    this.#ledger.setTotal(agent, agent.total.minus(change.from).plus(change.to));
    return true;
  }

  suppress(id: FrameworkId, roles: readonly string[]): void {
    for (const client of this.#clients(id, roles)) {
      client.isSuppressed = true;
      this.#refresh(client);
    }
  }

  revive(id: FrameworkId, roles: readonly string[]): void {
    for (const client of this.#clients(id, roles)) {
      client.isSuppressed = false;
      this.#filters.dropOfClient(client);
      this.#refresh(client);
    }
    this.#schedule.requestAll();
  }

  updateWeights(weights: ReadonlyMap<string, number>): void {
    for (const [role, weight] of weights) this.#ledger.tree.setWeight(role, weight);
  }

  explain(id: FrameworkId): AllocationExplanation | undefined {
    const framework = this.#ledger.frameworks.get(id);
    if (framework === undefined) return undefined;
    this.#expireFilters();
    const options = {
      ledger: this.#ledger,
      context: this.#context,
      window: this.#window,
      lastRunMs: this.#lastRunMs,
    };
    const roles = this.#clients(id, []).map((client) => explainClient(client, options));
    return { frameworkId: id, active: framework.isActive, roles };
  }

  metrics(): ReadonlyMap<string, number> {
    this.#expireFilters();
    return this.#metrics.read(this.#ledger, this.#schedule.isRunQueued);
  }

  /** Runs a batch at once, as if the interval were over. The timer of batches is not moved. */
  runNow(): void {
    this.#schedule.runBatch();
  }

  /** No run happens after this. */
  dispose(): void {
    this.#schedule.dispose();
  }

  #carryOut({ isBatch, candidates, requestedMs }: Run): void {
    const startMs = this.#clock.elapsed();
    this.#expireFilters();
    if (isBatch) this.#window++;
    const allocations = this.#cycle.run(candidates, this.#window);
    this.#ledger.runs++;
    this.#lastRunMs = startMs;
    if (isBatch) this.#batches++;
    this.#metrics.noteRun(this.#clock.elapsed() - startMs, startMs - requestedMs);
    if (allocations.length > 0) this.#onAllocations(allocations);
  }

  #expireFilters(): void {
    this.#filters.expire(this.#clock.elapsed(), this.#batches);
  }

  #refuse(
    framework: FrameworkEntry,
    agent: AgentEntry,
    { resources, filters }: { readonly resources: Resources; readonly filters: Filters },
  ): void {
    const durationMs = filterDurationMs(filters, this.#config);
    if (durationMs === 0) return;
    const endMs = this.#clock.elapsed() + durationMs;
    for (const [role, part] of resources.byAllocationRole()) {
      const client = framework.clients.get(role);
      if (client?.isSubscribed !== true) continue;
      const refused = part.unallocated();
      this.#filters.add({ client, agent, refused, endMs, batches: this.#batches });
    }
  }

  /** The clients of the named roles that the framework is in; of all its roles if none is named. */
  #clients(id: FrameworkId, roles: readonly string[]): Client[] {
    const clients = [...this.#ledger.framework(id).clients.values()];
    return clients.filter(
      (client) => client.isSubscribed && (roles.length === 0 || roles.includes(client.role)),
    );
  }

  #setInfo(framework: FrameworkEntry, info: FrameworkInfo, suppressed: readonly string[]): void {
    framework.capabilities = capabilitiesOf(info);
    const roles = rolesOf(info);
    for (const client of framework.clients.values()) {
      if (!client.isSubscribed || roles.has(client.role)) continue;
      this.#filters.dropOfClient(client);
      this.#ledger.leaveRole(client);
    }
    for (const role of roles) {
      const client = this.#ledger.client(framework, role);
      client.isSubscribed = true;
      client.isSuppressed = suppressed.includes(role);
      client.minimum = minimumOf(info, role);
      this.#refresh(client);
    }
  }

  /** Brings the share tree in line with what the client wants; it may be eligible for more now. */
  #refresh(client: Client): void {
    if (client.isEligible) {
      this.#ledger.tree.activate(client.node);
      this.#cycle.noteEligible(client);
    } else {
      this.#ledger.tree.deactivate(client.node);
    }
  }
}
