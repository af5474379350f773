/**
 * What the master knows after any calls, in its simplest form: agents, frameworks, who holds what, and
 * every refusal. Nothing here is taken from the allocator; calls change the model beside it, and what
 * it gives out is entered as it comes.
 */
import type {
  AgentInfoCapabilityType,
  AllocatorInverseOfferStatusStatus,
  FrameworkInfoCapabilityType,
  Unavailability,
} from '../../../../core/api/index.js';
import { type Piles, contains, freeOf, pilesOf, sumPiles } from './piles.js';
import { Resources } from '../../../../core/resources/index.js';

/** What one framework holds on one agent in one role; bound to no role. */
export interface Holding {
  readonly agent: string;
  readonly framework: string;
  readonly role: string;
  /** What is on offer, and what tasks use. */
  offered: Resources;
  used: Resources;
}

/** What a framework was asked to give back. */
export interface Asked {
  isOutstanding: boolean;
  silentUntilMs: number;
  status: AllocatorInverseOfferStatusStatus | undefined;
}

export interface ModelAgent {
  readonly name: string;
  hostname: string;
  total: Resources;
  isActive: boolean;
  capabilities: readonly AgentInfoCapabilityType[];
  rack: string | undefined;
  region: string | undefined;
  window: Unavailability | undefined;
  readonly asked: Map<string, Asked>;
}

export interface ModelFramework {
  readonly name: string;
  isActive: boolean;
  roles: ReadonlySet<string>;
  suppressed: Set<string>;
  capabilities: readonly FrameworkInfoCapabilityType[];
  /** Roles in which only agents of rack r1 will do. */
  picky: ReadonlySet<string>;
  /** Roles in which offers may be of any size. */
  modest: ReadonlySet<string>;
}

export interface ModelFilter {
  readonly agent: string;
  readonly framework: string;
  readonly role: string;
  readonly refused: Piles;
  readonly endMs: number;
  /** How many batches there had been. */
  readonly batches: number;
}

export interface ModelQuota {
  readonly guarantees: ReadonlyMap<string, number>;
  readonly limits: ReadonlyMap<string, number>;
}

/** As the allocator's bound on filters for one framework, role and agent. */
const MOST_FILTERS = 4;

export class Model {
  readonly agents = new Map<string, ModelAgent>();
  readonly frameworks = new Map<string, ModelFramework>();
  holdings: Holding[] = [];
  filters: ModelFilter[] = [];
  readonly quotas = new Map<string, ModelQuota>();
  readonly weights = new Map<string, number>();
  whitelist: ReadonlySet<string> | undefined;
  nowMs = 0;
  /** Batches that have ended. */
  batches = 0;
  /** After a failover: agents that have to come, and when it is over in any case. */
  missingAgents = 0;
  holdUntilMs = 0;
  hasRecovered = false;
  /** How many volumes have been made: each has a name of its own. */
  volumes = 0;

  get isHolding(): boolean {
    return this.missingAgents > 0 && this.nowMs < this.holdUntilMs;
  }

  holdingsOn(agent: string): readonly Holding[] {
    return this.holdings.filter((holding) => holding.agent === agent);
  }

  holdingsOf(framework: string): readonly Holding[] {
    return this.holdings.filter((holding) => holding.framework === framework);
  }

  /** Those that frameworks hold that are known. */
  get counted(): readonly Holding[] {
    return this.holdings.filter(({ framework }) => this.frameworks.has(framework));
  }

  /** What nobody holds of an agent, and all that is shared. */
  freeOn(agent: ModelAgent): Piles {
    return freeOf(pilesOf(agent.total), sumPiles(this.holdingsOn(agent.name).map(heldPiles)));
  }

  give(to: Pick<Holding, 'agent' | 'framework' | 'role'>, part: Partial<Holding>): void {
    const offered = part.offered ?? Resources.EMPTY;
    const used = part.used ?? Resources.EMPTY;
    if (offered.isEmpty && used.isEmpty) return;
    const known = this.holdings.find(
      ({ agent, framework, role }) =>
        agent === to.agent && framework === to.framework && role === to.role,
    );
    if (known === undefined) {
      const { agent, framework, role } = to;
      this.holdings.push({ agent, framework, role, offered, used });
      return;
    }
    known.offered = known.offered.plus(offered);
    known.used = known.used.plus(used);
  }

  /** Takes back from offers first; the holding has at least as much. */
  take(from: Holding, resources: Resources): void {
    const rest = resources.minus(from.offered);
    from.offered = from.offered.minus(resources);
    from.used = from.used.minus(rest);
    if (from.offered.isEmpty && from.used.isEmpty) {
      this.holdings = this.holdings.filter((holding) => holding !== from);
    }
  }

  /** A refusal replaces weaker ones; of too many, the one that ends first goes. */
  refuse(filter: ModelFilter): void {
    const isSamePair = (old: ModelFilter): boolean =>
      old.agent === filter.agent && old.framework === filter.framework && old.role === filter.role;
    this.filters = this.filters.filter(
      (old) =>
        !(isSamePair(old) && old.endMs <= filter.endMs && contains(filter.refused, old.refused)),
    );
    const pair = this.filters.filter(isSamePair);
    if (pair.length >= MOST_FILTERS) {
      const first = pair.reduce((one, other) => (other.endMs < one.endMs ? other : one));
      this.filters = this.filters.filter((old) => old !== first);
    }
    this.filters.push(filter);
  }

  dropFilters(isDropped: (filter: ModelFilter) => boolean): void {
    this.filters = this.filters.filter((filter) => !isDropped(filter));
  }

  /** A refusal ends with its time, but not before a batch has passed. */
  isInForce({ endMs, batches }: ModelFilter): boolean {
    return this.nowMs < endMs || batches === this.batches;
  }
}

export function heldPiles({ offered, used }: Holding): Piles {
  return sumPiles([pilesOf(offered), pilesOf(used)]);
}

/** Whether a role is below another. */
export function isBelow(role: string, ancestor: string): boolean {
  return role.startsWith(`${ancestor}/`);
}
