/**
 * Whether a client may be offered what is free on an agent: small named checks, in the order in which
 * they are made. The check that refuses is the explanation: runs and `explain` use the same.
 */
import {
  type Quantities,
  type ResourceItem,
  type Resources,
  quantitiesContain,
} from '../resources/index.js';
import type { AgentEntry } from './agent-entry.js';
import type { Client } from './client.js';
import type { AllocatorConfig } from './config.js';
import type { RefusalReason } from './decisions.js';
import type { OfferFilters } from './offer-filters.js';

/** What checks need to know beside client and agent. */
export interface CheckContext {
  readonly config: AllocatorConfig;
  readonly filters: OfferFilters;
}

interface Check<Subject> {
  readonly reason: RefusalReason;
  /** Whether the subject may not be offered. Pure: it changes nothing. */
  refuses(subject: Subject, context: CheckContext): boolean;
}

interface Pair {
  readonly client: Client;
  readonly agent: AgentEntry;
}

interface Candidate extends Pair {
  /** What is free for the role. */
  readonly offerable: Resources;
  /** What of it the framework can use. */
  readonly offer: Resources;
}

/** About the agent alone. */
const AGENT_CHECKS: readonly Check<AgentEntry>[] = [
  { reason: 'AGENT_INACTIVE', refuses: (agent) => !agent.isActive },
  { reason: 'NOTHING_FREE', refuses: (agent) => agent.free.isEmpty },
];

/** About the client alone. */
const CLIENT_CHECKS: readonly Check<Client>[] = [
  { reason: 'FRAMEWORK_INACTIVE', refuses: (client) => !client.framework.isActive },
  { reason: 'ROLE_SUPPRESSED', refuses: (client) => client.isSuppressed },
];

/** About what of the agent the client would be offered. */
const OFFER_CHECKS: readonly Check<Candidate>[] = [
  { reason: 'AGENT_CAPABILITY', refuses: lacksCapability },
  { reason: 'GPU_AGENT', refuses: isKeptForGpus },
  { reason: 'RESERVED_FOR_OTHERS', refuses: ({ offerable }) => offerable.isEmpty },
  { reason: 'FRAMEWORK_CAPABILITY', refuses: ({ offer }) => offer.isEmpty },
  {
    reason: 'BELOW_MINIMUM',
    refuses: ({ offer, client }, { config }) =>
      !isWorthOffering(offer, client.minimum ?? config.minAllocatable),
  },
  {
    reason: 'FILTERED',
    refuses: ({ offer, client, agent }, { filters }) => filters.isRefused(client, agent, offer),
  },
];

/** Why nobody may be offered the agent, or undefined. */
export function examineAgent(agent: AgentEntry, context: CheckContext): RefusalReason | undefined {
  return firstRefusal(AGENT_CHECKS, agent, context);
}

/** Why the client may not be offered any agent, or undefined. */
export function examineClient(client: Client, context: CheckContext): RefusalReason | undefined {
  return firstRefusal(CLIENT_CHECKS, client, context);
}

/** What the client may be offered of the agent (bound to no role), or why nothing. */
export function examineOffer(
  client: Client,
  agent: AgentEntry,
  context: CheckContext,
): Resources | RefusalReason {
  const offerable = agent.offerableTo(client.role);
  const offer = agent.isFreePlain ? offerable : offerable.filter((item) => canUse(client, item));
  return firstRefusal(OFFER_CHECKS, { client, agent, offerable, offer }, context) ?? offer;
}

function firstRefusal<Subject>(
  checks: readonly Check<Subject>[],
  subject: Subject,
  context: CheckContext,
): RefusalReason | undefined {
  for (const check of checks) if (check.refuses(subject, context)) return check.reason;
  return undefined;
}

/** Agents from before roles were several, or nested, cannot tell whose resources are whose. */
function lacksCapability({ client, agent }: Pair): boolean {
  const { capabilities } = agent;
  if (client.framework.capabilities.has('MULTI_ROLE') && !capabilities.has('MULTI_ROLE')) {
    return true;
  }
  return client.isNestedRole && !capabilities.has('HIERARCHICAL_ROLE');
}

/** Frameworks that cannot use gpus would fill up the few agents that have them. */
function isKeptForGpus({ client, agent }: Pair, { config }: CheckContext): boolean {
  if (!config.filterGpuResources || client.framework.capabilities.has('GPU_RESOURCES')) {
    return false;
  }
  return agent.total.scalar('gpus') > 0;
}

/** Whether the framework understands the kind of resource. */
function canUse({ framework: { capabilities } }: Client, item: ResourceItem): boolean {
  if (item.revocable && !capabilities.has('REVOCABLE_RESOURCES')) return false;
  if (item.shared && !capabilities.has('SHARED_RESOURCES')) return false;
  return item.reservations.length <= 1 || capabilities.has('RESERVATION_REFINEMENT');
}

/** Whether an offer contains at least one of the minimums completely; without any, it does. */
function isWorthOffering(offer: Resources, minimums: readonly Quantities[]): boolean {
  if (minimums.length === 0) return true;
  const quantities = offer.quantities();
  return minimums.some((minimum) => quantitiesContain(quantities, minimum));
}
