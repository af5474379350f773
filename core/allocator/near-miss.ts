/** Tells of a refused agent what it lacks, who holds it, and what else belongs to the reason. */
import { Resources, ancestorsOf, fromThousandths } from '../resources/index.js';
import type { AgentEntry } from './agent-entry.js';
import type { Amounts, Holder, NearMiss, Shortage, WhyReason } from './decisions.js';
import type { Inquiry } from './judge.js';
import type { Ledger } from './ledger.js';
import type { Candidate } from './nearest.js';

/** Holders that are named for an agent. */
const MOST_HOLDERS = 3;
/** Roles with unmet guarantees that are named. */
const MOST_ROLES = 3;

export interface MissContext {
  readonly inquiry: Inquiry;
  readonly ledger: Ledger;
  /** How many agents the constraints of the task exclude. */
  readonly excludedAgents: number;
}

/** The near miss as answers show it. */
export function describeMiss(candidate: Candidate, context: MissContext): NearMiss {
  const { agent, reason, available } = candidate;
  const missing = context.inquiry.wanted.shortages(available);
  const { hostname } = agent.state.info;
  return {
    agentId: agent.id,
    hostname,
    reason,
    missing,
    ...DETAILS[reason]?.(candidate, context, missing),
  };
}

type Details = Omit<NearMiss, 'agentId' | 'hostname' | 'reason' | 'missing'>;
type Detail = (one: Candidate, context: MissContext, missing: readonly Shortage[]) => Details;

const DETAILS: Readonly<Partial<Record<WhyReason, Detail>>> = {
  TASK_CONSTRAINTS: ({ agent }, { inquiry: { task, client } }) => ({
    attributes: task?.misses(agent.state.info, client.role),
  }),
  OFFER_CONSTRAINTS: ({ agent }, { inquiry: { client } }) => ({
    attributes: client.constraints?.unmetBy(agent.state.info),
  }),
  FILTERED: ({ waitMs }) => ({ filterEndsInMs: waitMs }),
  NOTHING_FREE: holders,
  TASK_NOT_ENOUGH_FREE: holders,
  LOWER_SHARE_FIRST: ({ agent }, context, missing) => ({
    ...holders({ agent }, context, missing),
    servedFirst: servedFirst(agent, context.ledger),
  }),
  QUOTA_LIMIT: (_one, { inquiry, ledger }, missing) => {
    // Names that no agent has brought are not looked up: the allocator would remember them.
    const known = missing.filter(({ resource }) => ledger.names.names.includes(resource));
    return { limitedRole: limitedRole(inquiry, known) };
  },
  QUOTA_HEADROOM: (_one, { inquiry: { context } }) => ({
    guaranteedRoles: context.quotas.unmetRoles().toSorted().slice(0, MOST_ROLES),
  }),
};

function servedFirst({ servedClient }: AgentEntry, { tree }: Ledger): Details['servedFirst'] {
  if (servedClient === undefined) return undefined;
  const { framework, role } = servedClient;
  return { frameworkId: framework.id, role, dominantShare: tree.subtreeShare(role) };
}

/** The role nearest to the root of the tree that has no room for what is missing; else its own. */
function limitedRole(
  { client: { role }, context: { quotas } }: Inquiry,
  missing: readonly Shortage[],
): string {
  const roles = [role, ...ancestorsOf(role).toReversed()];
  const isShort = (one: string): boolean =>
    missing.some(({ resource, wanted }) => fromThousandths(quotas.room(one, resource)) < wanted);
  return roles.find(isShort) ?? role;
}

/** Who holds most of what is missing (of anything, when nothing is), role by role. */
function holders(
  { agent }: Pick<Candidate, 'agent'>,
  { inquiry }: MissContext,
  missing: readonly Shortage[],
): Details {
  const found: { readonly holder: Holder; readonly weight: number }[] = [];
  for (const [frameworkId, held] of agent.held) {
    const offered = inquiry.offeredOf(frameworkId, agent).byAllocationRole();
    for (const [role, part] of held.byAllocationRole()) {
      const unused = amountsOf(offered.get(role) ?? Resources.EMPTY);
      const holder = { frameworkId, role, held: amountsOf(part), offered: unused };
      found.push({ holder, weight: weightOf(holder, missing) });
    }
  }
  const most = found.toSorted((one, other) => other.weight - one.weight);
  return { holders: most.slice(0, MOST_HOLDERS).map(({ holder }) => holder) };
}

function weightOf({ held }: Holder, missing: readonly Shortage[]): number {
  let weight = 0;
  for (const one of missing) weight += Math.min(1, (held[one.resource] ?? 0) / one.missing);
  return weight;
}

function amountsOf(resources: Resources): Amounts {
  const amounts = [...resources.quantities()];
  return Object.fromEntries(amounts.map(([name, amount]) => [name, fromThousandths(amount)]));
}
