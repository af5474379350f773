/**
 * The allocator that the master uses: dominant resource fairness over a tree of roles. This file
 * receives the calls of the master, changes the ledger, and decides which of them ask for a run; what
 * a run does is in `allocation-cycle.ts`, whether a client may be offered an agent in `checks.ts`.
 */
import type {
  AllocatorInverseOfferStatusStatus,
  Filters,
  FrameworkInfo,
  SchedulerOfferConstraints,
  Unavailability,
} from '../api/index.js';
import { type AgentId, type Clock, type FrameworkId, type World, assert } from '../base/index.js';
import { Resources } from '../resources/index.js';
import type { AgentEntry } from './agent-entry.js';
import { AllocationCycle } from './allocation-cycle.js';
import { AllocatorMetrics } from './allocator-metrics.js';
import type {
  AgentAllocationState,
  AllocationListener,
  AllocationQuestion,
  Allocator,
  AllocatorRecovery,
  FrameworkAllocationState,
  Held,
  InverseAllocationListener,
  InverseOfferStatuses,
  RoleState,
} from './allocator.js';
import type { CheckContext } from './checks.js';
import { type FrameworkEntry, capabilitiesOf, minimumOf, rolesOf, type Client } from './client.js';
import type { AllocatorConfig } from './config.js';
import { DecisionLog } from './decision-log.js';
import type { AllocationExplanation, DecisionKind } from './decisions.js';
import { MAX_EXPLAINED_ROLES, explainClient, viewNow } from './explain.js';
import { InverseOffers } from './inverse-offers.js';
import { Ledger } from './ledger.js';
import { type OfferConstraints, compileOfferConstraints } from './offer-constraints.js';
import { OfferFilters, filterDurationMs, refusalDurationMs } from './offer-filters.js';
import type { CompilePattern } from './pattern.js';
import type { RoleQuota } from './quota.js';
import { re2Compiler } from './re2-pattern.js';
import { RecoveryHold } from './recovery-hold.js';
import { trackRoles } from './role-tracking.js';
import { type Run, RunSchedule } from './run-schedule.js';
import { isSameValue } from './same-value.js';

export interface HierarchicalAllocatorOptions {
  readonly world: World;
  readonly config: AllocatorConfig;
  /** Called once for each run that gave out anything. */
  readonly onAllocations: AllocationListener;
  /** Called once for each run that asks anybody to give back anything. Default: nobody is asked. */
  readonly onInverseOffers?: InverseAllocationListener | undefined;
  /** Compiles the regular expressions of offer constraints. Default: by RE2, within `patternLimits`. */
  readonly compilePattern?: CompilePattern | undefined;
}

export class HierarchicalAllocator implements Allocator {
  readonly #clock: Clock;
  readonly #config: AllocatorConfig;
  readonly #onAllocations: AllocationListener;
  readonly #ledger: Ledger;
  readonly #filters = new OfferFilters((agent) => agent.unsettle());
  readonly #inverseOffers = new InverseOffers();
  readonly #onInverseOffers: InverseAllocationListener | undefined;
  readonly #compilePattern: CompilePattern;
  readonly #context: MutableContext;
  readonly #cycle: AllocationCycle;
  readonly #log: DecisionLog | undefined;
  readonly #metrics = new AllocatorMetrics();
  readonly #schedule: RunSchedule;
  /** How many batches have ended: filters outlast one. */
  #batches = 0;
  /** How many batches have begun: explanations are about what happened since. */
  #window = 0;
  #lastRunMs: number | undefined;
  #recovery: RecoveryHold | undefined;

  /** Batches begin one interval after this. */
  constructor(options: HierarchicalAllocatorOptions) {
    const { world, config } = options;
    this.#clock = world.clock;
    this.#config = config;
    this.#onAllocations = options.onAllocations;
    this.#onInverseOffers = options.onInverseOffers;
    this.#compilePattern = options.compilePattern ?? re2Compiler(config.patternLimits);
    const random = world.random.fork('allocator');
    this.#ledger = new Ledger({
      minimums: config.minAllocatable,
      fairnessExcluded: config.fairnessExcluded,
      randomRoles: config.roleSorter === 'random' ? random.fork('roles') : undefined,
      randomClients: config.frameworkSorter === 'random' ? random.fork('frameworks') : undefined,
    });
    const { quotas } = this.#ledger;
    this.#context = { config, filters: this.#filters, quotas, whitelist: undefined, random };
    if (config.decisionLog) {
      this.#log = new DecisionLog({ clock: world.clock, tree: this.#ledger.tree });
    }
    this.#cycle = new AllocationCycle({
      ledger: this.#ledger,
      context: this.#context,
      random,
      log: this.#log,
    });
    this.#schedule = new RunSchedule({
      clock: world.clock,
      config,
      run: (run) => this.#carryOut(run),
    });
  }

  recover({ expectedAgents, quotas }: AllocatorRecovery): void {
    assert(this.#ledger.agents.size === 0, 'recover is called before any agent is added');
    for (const [role, quota] of quotas) this.updateQuota(role, quota);
    const { recoveryAgentFactor, recoveryTimeoutMs } = this.#config;
    const agents = Math.floor(expectedAgents * recoveryAgentFactor);
    if (agents === 0 || this.#ledger.quotas.isEmpty) return;
    this.#recovery = new RecoveryHold({ clock: this.#clock, agents, timeoutMs: recoveryTimeoutMs });
  }

  addFramework(id: FrameworkId, state: FrameworkAllocationState, used: Held<AgentId>): void {
    const constraints = this.#compile(state.offerConstraints);
    const framework = this.#ledger.addFramework(id, used);
    framework.isActive = state.active;
    this.#setInfo(framework, { ...state, constraints });
    if (state.active) this.#schedule.requestAll();
  }

  updateFramework(
    id: FrameworkId,
    info: FrameworkInfo,
    suppressedRoles: readonly string[],
    offerConstraints?: SchedulerOfferConstraints,
  ): void {
    const constraints = this.#compile(offerConstraints);
    this.#setInfo(this.#ledger.framework(id), { info, suppressedRoles, constraints });
  }

  removeFramework(id: FrameworkId): void {
    const framework = this.#ledger.framework(id);
    for (const client of framework.clients.values()) this.#filters.dropOfClient(client);
    this.#inverseOffers.forget(id);
    for (const agent of this.#ledger.removeFramework(framework)) {
      this.#schedule.requestEarly(agent);
    }
  }

  activateFramework(id: FrameworkId): void {
    const framework = this.#ledger.framework(id);
    framework.isActive = true;
    this.#noteChanges(framework, 'ACTIVATED');
    for (const client of framework.clients.values()) this.#refresh(client);
    this.#schedule.requestAll();
  }

  deactivateFramework(id: FrameworkId): void {
    const framework = this.#ledger.framework(id);
    framework.isActive = false;
    this.#noteChanges(framework, 'DEACTIVATED');
    this.#inverseOffers.disconnect(id);
    for (const client of framework.clients.values()) {
      this.#filters.dropOfClient(client);
      this.#refresh(client);
    }
  }

  addAgent(id: AgentId, state: AgentAllocationState, used: Held<FrameworkId>): void {
    const agent = this.#ledger.addAgent(id, state, used);
    if (state.unavailability !== undefined) {
      this.#inverseOffers.setWindow(agent, state.unavailability);
    }
    this.#recovery?.noteAgent();
    this.#schedule.requestAgent(agent);
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
    this.#inverseOffers.setWindow(agent, undefined);
    this.#ledger.removeAgent(agent);
  }

  addResourceProvider(id: AgentId, brought: Resources, used: Held<FrameworkId>): void {
    const agent = this.#ledger.agent(id);
    this.#ledger.setTotal(agent, agent.total.plus(brought));
    for (const [frameworkId, resources] of used) this.#ledger.use(agent, frameworkId, resources);
  }

  updateWhitelist(hostnames: readonly string[] | undefined): void {
    this.#context.whitelist = hostnames === undefined ? undefined : new Set(hostnames);
    for (const agent of this.#ledger.agents.values()) agent.unsettle();
  }

  updateUnavailability(id: AgentId, unavailability: Unavailability | undefined): void {
    const agent = this.#ledger.agent(id);
    this.#inverseOffers.setWindow(agent, unavailability);
    this.#schedule.requestAgent(agent);
  }

  updateInverseOffer(
    agentId: AgentId,
    frameworkId: FrameworkId,
    status?: AllocatorInverseOfferStatusStatus,
    filters?: Filters,
  ): void {
    const agent = this.#ledger.agents.get(agentId);
    if (agent === undefined || !this.#ledger.frameworks.has(frameworkId)) return;
    const silentUntilMs =
      filters === undefined
        ? undefined
        : this.#clock.elapsed() + refusalDurationMs(filters, this.#config);
    this.#inverseOffers.answer(agent, frameworkId, { status, silentUntilMs });
  }

  inverseOfferStatuses(): InverseOfferStatuses {
    return this.#inverseOffers.statuses();
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

  noteUsed(frameworkId: FrameworkId, agentId: AgentId, resources: Resources): void {
    const agent = this.#ledger.agents.get(agentId);
    const held = agent?.held.get(frameworkId);
    if (agent === undefined || held === undefined) return;
    const offered = held.minus(agent.used.get(frameworkId) ?? Resources.EMPTY);
    agent.noteUsed(frameworkId, resources.minus(resources.minus(offered)));
  }

  share(frameworkId: FrameworkId, agentId: AgentId, resources: Resources): void {
    const agent = this.#ledger.agent(agentId);
    assert(
      agent.held.get(frameworkId)?.contains(resources) === true,
      `framework ${frameworkId} cannot share ${resources.toString()} on agent ${agentId}`,
    );
    this.#ledger.hold(agent, frameworkId, resources);
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
      if (!client.isSuppressed) this.#log?.noteChange(client, 'SUPPRESSED');
      client.isSuppressed = true;
      this.#refresh(client);
    }
  }

  revive(id: FrameworkId, roles: readonly string[]): void {
    for (const client of this.#clients(id, roles)) {
      client.isSuppressed = false;
      this.#log?.noteChange(client, 'REVIVED');
      this.#filters.dropOfClient(client);
      this.#refresh(client);
    }
    this.#inverseOffers.revive(id);
    this.#schedule.requestAll();
  }

  updateWeights(weights: ReadonlyMap<string, number>): void {
    for (const [role, weight] of weights) this.#ledger.tree.setWeight(role, weight);
  }

  updateQuota(role: string, quota: RoleQuota | undefined): void {
    this.#ledger.setQuota(role, quota);
    // Without any quota no later run would notice that something is not held back any more.
    this.#cycle.noteAllEligible();
  }

  roles(): ReadonlyMap<string, RoleState> {
    return trackRoles(this.#ledger);
  }

  explain(
    id: FrameworkId,
    { role, task, offered }: AllocationQuestion = {},
  ): AllocationExplanation | undefined {
    const framework = this.#ledger.frameworks.get(id);
    if (framework === undefined) return undefined;
    const view = viewNow({
      ledger: this.#ledger,
      context: this.#context,
      filters: this.#filters,
      window: this.#window,
      batches: this.#batches,
      lastRunMs: this.#lastRunMs,
      isHeldOff: this.#recovery?.isHolding === true,
      elapsedMs: this.#clock.elapsed(),
      nowMs: this.#clock.now(),
      task,
      offered,
    });
    const clients = this.#clients(id, role === undefined ? [] : [role]);
    const explained = clients.slice(0, MAX_EXPLAINED_ROLES);
    return {
      frameworkId: id,
      active: framework.isActive,
      roles: this.#ledger.quotas.readSettled(() =>
        explained.map((client) => explainClient(client, view)),
      ),
      rolesLeftOut: clients.slice(MAX_EXPLAINED_ROLES).map((client) => client.role),
    };
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
    this.#recovery?.dispose();
    this.#schedule.dispose();
  }

  #carryOut({ isBatch, candidates, requestedMs }: Run): void {
    const startMs = this.#clock.elapsed();
    this.#expireFilters();
    if (this.#recovery?.isHolding === true) return;
    if (isBatch) this.#window++;
    const allocations = this.#cycle.run(candidates, this.#window);
    this.#ledger.runs++;
    this.#lastRunMs = startMs;
    if (isBatch) this.#batches++;
    this.#metrics.noteRun(this.#clock.elapsed() - startMs, startMs - requestedMs);
    if (allocations.length > 0) this.#onAllocations(allocations);
    this.#askBack(candidates, startMs);
  }

  #askBack(candidates: Run['candidates'], nowMs: number): void {
    if (this.#onInverseOffers === undefined) return;
    const inverse = this.#inverseOffers.collect(candidates, this.#ledger.frameworks, nowMs);
    if (inverse.length > 0) this.#onInverseOffers(inverse);
  }

  #compile(constraints: SchedulerOfferConstraints | undefined): OfferConstraints {
    return compileOfferConstraints(constraints, this.#compilePattern);
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

  #setInfo(framework: FrameworkEntry, { info, suppressedRoles, constraints }: Wishes): void {
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
      client.isSuppressed = suppressedRoles.includes(role);
      client.minimum = minimumOf(info, role);
      client.constraints = constraints.get(role);
      this.#refresh(client);
    }
  }

  #noteChanges(framework: FrameworkEntry, kind: DecisionKind): void {
    for (const client of framework.clients.values()) this.#log?.noteChange(client, kind);
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

/** The one part of what checks know that calls replace. */
type MutableContext = CheckContext & { whitelist: CheckContext['whitelist'] };

/** What a framework says that it wants. */
interface Wishes {
  readonly info: FrameworkInfo;
  readonly suppressedRoles: readonly string[];
  readonly constraints: OfferConstraints;
}
