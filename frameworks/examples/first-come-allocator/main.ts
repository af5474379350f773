/**
 * A whole allocator, for `plateau master --allocator=…/first-come-allocator/main.js`: everything that
 * is free goes to the framework that came first, as far as it wants it and may have it. There are no
 * shares, weights and quotas. `docs/extending-the-allocator.md` walks through it.
 */
import {
  type AgentAllocationState,
  type AgentId,
  type Allocation,
  type AllocatorModuleOptions,
  type CustomAllocator,
  type Disposable,
  type Filters,
  type FrameworkAllocationState,
  type FrameworkId,
  type FrameworkInfo,
  type Held,
  Resources,
  type SchedulerOfferConstraints,
  compileOfferConstraints,
  frameworkRoles,
  re2Compiler,
} from '../../../core/index.js';
import { Agent } from './agent.js';
import { Framework } from './framework.js';

/** What `plateau master` calls. */
export function createAllocator(options: AllocatorModuleOptions): CustomAllocator {
  return new FirstComeAllocator(options);
}

class FirstComeAllocator implements CustomAllocator {
  readonly #options: AllocatorModuleOptions;
  readonly #agents = new Map<AgentId, Agent>();
  /** In the order in which they came: a Map keeps it. */
  readonly #frameworks = new Map<FrameworkId, Framework>();
  #whitelist: ReadonlySet<string> | undefined;
  /** The next run. There is always one, so that what waits for no event is offered, too. */
  #timer: Disposable;

  constructor(options: AllocatorModuleOptions) {
    this.#options = options;
    this.#timer = this.#runIn(options.config.allocationIntervalMs);
  }

  // ---- Runs. The master must not be called back within its own calls: it is a timer that runs.

  #runIn(delayMs: number): Disposable {
    return this.#options.world.clock.setTimer(delayMs, () => {
      this.#timer = this.#runIn(this.#options.config.allocationIntervalMs);
      this.#run();
    });
  }

  /** Something can be offered that could not before: what happens until then is one run. */
  #runSoon(): void {
    this.#timer.dispose();
    this.#timer = this.#runIn(0);
  }

  #run(): void {
    const allocations: Allocation[] = [];
    for (const framework of this.#frameworks.values()) {
      for (const role of framework.wantedRoles()) {
        for (const agent of this.#agents.values()) {
          const allocation = this.#allocate(framework, role, agent);
          if (allocation !== undefined) allocations.push(allocation);
        }
      }
    }
    if (allocations.length > 0) this.#options.onAllocations(allocations);
  }

  /** Everything free that the framework may have and wants; held by it from now on. */
  #allocate(framework: Framework, role: string, agent: Agent): Allocation | undefined {
    const { config, world } = this.#options;
    if (!agent.isActive || this.#whitelist?.has(agent.state.info.hostname) === false) {
      return undefined;
    }
    if (!framework.mayUse(agent.state, { role, config })) return undefined;
    const usable = agent.free.reservableTo(role).filter((item) => framework.canUse(item));
    const isWorthIt = config.minAllocatable.some((minimum) => usable.hasAtLeast(minimum));
    if (usable.isEmpty || !(isWorthIt || config.minAllocatable.length === 0)) return undefined;
    if (framework.refuses(usable, { role, agentId: agent.id, nowMs: world.clock.elapsed() })) {
      return undefined;
    }
    const resources = usable.allocatedTo(role);
    agent.hold(framework.id, resources);
    return { frameworkId: framework.id, role, agentId: agent.id, resources };
  }

  // ---- Frameworks.

  addFramework(id: FrameworkId, state: FrameworkAllocationState, used: Held<AgentId>): void {
    const framework = new Framework(id);
    this.#frameworks.set(id, framework);
    framework.isActive = state.active;
    this.updateFramework(id, state.info, state.suppressedRoles, state.offerConstraints);
    for (const [agentId, resources] of used) this.#agents.get(agentId)?.hold(id, resources);
    this.#runSoon();
  }

  updateFramework(
    id: FrameworkId,
    info: FrameworkInfo,
    suppressedRoles: readonly string[],
    offerConstraints?: SchedulerOfferConstraints,
  ): void {
    const compile = re2Compiler(this.#options.config.patternLimits);
    this.#frameworks.get(id)?.update({
      info,
      roles: frameworkRoles(info),
      suppressedRoles,
      constraints: compileOfferConstraints(offerConstraints, compile),
    });
  }

  removeFramework(id: FrameworkId): void {
    this.#frameworks.delete(id);
    for (const agent of this.#agents.values()) agent.releaseAll(id);
  }

  activateFramework(id: FrameworkId): void {
    const framework = this.#frameworks.get(id);
    if (framework !== undefined) framework.isActive = true;
    this.#runSoon();
  }

  deactivateFramework(id: FrameworkId): void {
    this.#frameworks.get(id)?.deactivate();
  }

  suppress(id: FrameworkId, roles: readonly string[]): void {
    this.#frameworks.get(id)?.suppress(roles);
  }

  revive(id: FrameworkId, roles: readonly string[]): void {
    this.#frameworks.get(id)?.revive(roles);
    this.#runSoon();
  }

  // ---- Agents.

  addAgent(id: AgentId, state: AgentAllocationState, used: Held<FrameworkId>): void {
    const agent = new Agent(id, state);
    this.#agents.set(id, agent);
    for (const [frameworkId, resources] of used) agent.hold(frameworkId, resources);
    this.#runSoon();
  }

  updateAgent(id: AgentId, state: AgentAllocationState): void {
    this.#agents.get(id)?.update(state);
    this.#runSoon();
  }

  addResourceProvider(id: AgentId, brought: Resources, used: Held<FrameworkId>): void {
    const agent = this.#agents.get(id);
    agent?.change(Resources.EMPTY, brought);
    for (const [frameworkId, resources] of used) agent?.hold(frameworkId, resources);
  }

  removeAgent(id: AgentId): void {
    this.#agents.delete(id);
    for (const framework of this.#frameworks.values()) framework.forgetAgent(id);
  }

  activateAgent(id: AgentId): void {
    const agent = this.#agents.get(id);
    if (agent !== undefined) agent.isActive = true;
  }

  deactivateAgent(id: AgentId): void {
    const agent = this.#agents.get(id);
    if (agent !== undefined) agent.isActive = false;
  }

  updateWhitelist(hostnames: readonly string[] | undefined): void {
    this.#whitelist = hostnames === undefined ? undefined : new Set(hostnames);
  }

  // ---- Resources that change hands.

  recoverResources(
    frameworkId: FrameworkId,
    agentId: AgentId,
    resources: Resources,
    filters?: Filters,
    reoffer: 'early' | 'batch' = filters === undefined ? 'early' : 'batch',
  ): void {
    const { config, world } = this.#options;
    this.#agents.get(agentId)?.release(frameworkId, resources);
    if (filters !== undefined) {
      const stated = (filters.refuse_seconds ?? -1) * 1000;
      const wantedMs = stated >= 0 ? stated : config.defaultFilterMs;
      // At least a batch passes, so that others see what was refused.
      const lastsMs = Math.min(Math.max(wantedMs, config.allocationIntervalMs), config.maxFilterMs);
      const endMs = world.clock.elapsed() + lastsMs;
      if (wantedMs > 0) this.#frameworks.get(frameworkId)?.refuse(resources, { agentId, endMs });
    }
    if (reoffer === 'early') this.#runSoon();
  }

  share(frameworkId: FrameworkId, agentId: AgentId, resources: Resources): void {
    this.#agents.get(agentId)?.hold(frameworkId, resources);
  }

  updateAllocation(
    frameworkId: FrameworkId,
    agentId: AgentId,
    { from, to }: { readonly from: Resources; readonly to: Resources },
  ): void {
    const agent = this.#agents.get(agentId);
    agent?.release(frameworkId, from);
    agent?.hold(frameworkId, to);
    agent?.change(from.unallocated(), to.unallocated());
  }

  updateAvailable(
    agentId: AgentId,
    { from, to }: { readonly from: Resources; readonly to: Resources },
  ): boolean {
    const agent = this.#agents.get(agentId);
    if (agent?.free.contains(from) !== true) return false;
    agent.change(from, to);
    return true;
  }

  // ---- What first come, first served has no use for.

  recover(): void {}
  updateWeights(): void {}
  updateQuota(): void {}

  dispose(): void {
    this.#timer.dispose();
  }
}
