/** What one framework wants, has refused, and may be offered. */
import type {
  AgentAllocationState,
  AgentId,
  AllocatorConfig,
  FrameworkId,
  FrameworkInfo,
  FrameworkInfoCapabilityType,
  OfferConstraints,
  ResourceItem,
  Resources,
} from '../../../core/index.js';

/** Refusals kept for one agent and role; the oldest makes room. */
const MAX_REFUSALS = 4;

interface Refusal {
  readonly resources: Resources;
  readonly endMs: number;
}

interface Wishes {
  readonly info: FrameworkInfo;
  readonly roles: readonly string[];
  readonly suppressedRoles: readonly string[];
  readonly constraints: OfferConstraints;
}

export class Framework {
  readonly id: FrameworkId;
  isActive = true;
  #capabilities: ReadonlySet<FrameworkInfoCapabilityType> = new Set();
  #roles: readonly string[] = [];
  #suppressed = new Set<string>();
  #constraints: OfferConstraints = new Map();
  /** By agent, then by role. */
  readonly #refusals = new Map<AgentId, Map<string, readonly Refusal[]>>();

  constructor(id: FrameworkId) {
    this.id = id;
  }

  update({ info, roles, suppressedRoles, constraints }: Wishes): void {
    this.#capabilities = new Set((info.capabilities ?? []).flatMap(({ type }) => type ?? []));
    this.#roles = roles;
    this.#suppressed = new Set(suppressedRoles);
    this.#constraints = constraints;
  }

  /** Roles in which it may be offered anything now. */
  wantedRoles(): readonly string[] {
    if (!this.isActive) return [];
    return this.#roles.filter((role) => !this.#suppressed.has(role));
  }

  /** An empty list means all of its roles; so it does for `revive`. */
  suppress(roles: readonly string[]): void {
    for (const role of this.#named(roles)) this.#suppressed.add(role);
  }

  revive(roles: readonly string[]): void {
    for (const role of this.#named(roles)) {
      this.#suppressed.delete(role);
      for (const refusals of this.#refusals.values()) refusals.delete(role);
    }
  }

  deactivate(): void {
    this.isActive = false;
    this.#refusals.clear();
  }

  forgetAgent(agentId: AgentId): void {
    this.#refusals.delete(agentId);
  }

  /** Whether the framework understands the kind of resource. */
  canUse(item: ResourceItem): boolean {
    if (item.revocable && !this.#has('REVOCABLE_RESOURCES')) return false;
    // What is shared would have to be divided with care: this allocator keeps it back.
    if (item.shared) return false;
    return item.reservations.length <= 1 || this.#has('RESERVATION_REFINEMENT');
  }

  /** The rules of Mesos about agents: what both sides can do, gpus, regions, and constraints. */
  mayUse(
    { info, capabilities, total }: AgentAllocationState,
    { role, config }: { readonly role: string; readonly config: AllocatorConfig },
  ): boolean {
    const can = new Set(capabilities.map(({ type }) => type));
    if (this.#has('MULTI_ROLE') && !can.has('MULTI_ROLE')) return false;
    if (role.includes('/') && !can.has('HIERARCHICAL_ROLE')) return false;
    const isGpuAgent = config.filterGpuResources && total.scalar('gpus') > 0;
    if (isGpuAgent && !this.#has('GPU_RESOURCES')) return false;
    const here = config.domain?.fault_domain?.region.name;
    const there = info.domain?.fault_domain?.region.name ?? here;
    if (here !== undefined && there !== here && !this.#has('REGION_AWARE')) return false;
    return this.#constraints.get(role)?.isMetBy(info) ?? true;
  }

  /** It has given these back, and wants neither them nor less of them before `endMs`. */
  refuse(
    resources: Resources,
    { agentId, endMs }: { readonly agentId: AgentId; readonly endMs: number },
  ): void {
    const byRole = this.#refusals.get(agentId) ?? new Map<string, readonly Refusal[]>();
    this.#refusals.set(agentId, byRole);
    for (const [role, part] of resources.byAllocationRole()) {
      const refusal = { resources: part.unallocated(), endMs };
      byRole.set(role, [...(byRole.get(role) ?? []), refusal].slice(-MAX_REFUSALS));
    }
  }

  refuses(
    offer: Resources,
    about: { readonly role: string; readonly agentId: AgentId; readonly nowMs: number },
  ): boolean {
    const refusals = this.#refusals.get(about.agentId)?.get(about.role) ?? [];
    return refusals.some(
      ({ resources, endMs }) => endMs > about.nowMs && resources.contains(offer),
    );
  }

  #has(capability: FrameworkInfoCapabilityType): boolean {
    return this.#capabilities.has(capability);
  }

  #named(roles: readonly string[]): readonly string[] {
    return roles.length === 0 ? this.#roles : roles;
  }
}
