/**
 * Whether a client may be offered what is free on an agent: small named checks, in the order in which
 * they are made. The check that refuses is the explanation: runs and `explain` use the same.
 */
import type { Random } from '../base/index.js';
import { type Quantities, type ResourceItem, type Resources } from '../resources/index.js';
import type { AgentEntry } from './agent-entry.js';
import type { Client } from './client.js';
import type { AllocatorConfig } from './config.js';
import type { RefusalReason } from './decisions.js';
import { type Stage, grantGuarantee, grantShare } from './grant.js';
import type { OfferFilters } from './offer-filters.js';
import type { QuotaBook } from './quota-book.js';

/** What checks need to know beside client and agent. */
export interface CheckContext {
  readonly config: AllocatorConfig;
  readonly filters: Pick<OfferFilters, 'isRefused'>;
  readonly quotas: QuotaBook;
  /** Hosts that may be offered; undefined: all. */
  readonly whitelist: ReadonlySet<string> | undefined;
  /** See `shrink`; explanations have none, so that asking changes nothing. */
  readonly random?: Random | undefined;
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
  {
    reason: 'NOT_WHITELISTED',
    refuses: ({ state }, { whitelist }) => whitelist?.has(state.info.hostname) === false,
  },
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
  { reason: 'REMOTE_REGION', refuses: isRemote },
  {
    reason: 'OFFER_CONSTRAINTS',
    refuses: ({ client, agent }) => client.constraints?.isMetBy(agent.state.info) === false,
  },
  { reason: 'RESERVED_FOR_OTHERS', refuses: ({ offerable }) => offerable.isEmpty },
  { reason: 'FRAMEWORK_CAPABILITY', refuses: ({ offer }) => offer.isEmpty },
  {
    reason: 'BELOW_MINIMUM',
    refuses: ({ offer, client }, { config }) => !isWorthOffering(offer, client, config),
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

/**
 * What the client may be offered of the agent (bound to no role), or why nothing. In the stage of
 * guarantees only for roles whose guarantee is not met, as far as it is not met.
 */
export function examineOffer(
  client: Client,
  agent: AgentEntry,
  context: CheckContext,
  stage: Stage = 'fair-share',
): Resources | RefusalReason {
  const offerable = agent.offerableTo(client.role);
  const usable = usableBy(client, agent, offerable);
  const candidate = { client, agent, offerable, offer: usable };
  const refusal = firstRefusal(OFFER_CHECKS, candidate, context);
  if (refusal !== undefined) return refusal;
  const offer = context.quotas.isEmpty ? usable : withinQuota(client, usable, { context, stage });
  if (typeof offer === 'string') return offer;
  return context.filters.isRefused(client, agent, offer) ? 'FILTERED' : offer;
}

/** What the framework can use, by its capabilities, of what is free for the role of the client. */
export function usableBy(
  client: Client,
  agent: AgentEntry,
  offerable = agent.offerableTo(client.role),
): Resources {
  return agent.isFreePlain ? offerable : offerable.filter((item) => canUse(client, item));
}

function withinQuota(
  client: Client,
  usable: Resources,
  { context, stage }: { readonly context: CheckContext; readonly stage: Stage },
): Resources | RefusalReason {
  const { config, quotas, random } = context;
  const options = { role: client.role, quotas, random };
  if (stage === 'guarantees') {
    const offer = grantGuarantee(usable, options);
    return isWorthOffering(offer, client, config) ? offer : 'QUOTA_LIMIT';
  }
  const { resources, withinLimit } = grantShare(usable, options);
  if (isWorthOffering(resources, client, config)) return resources;
  return isWorthOffering(withinLimit, client, config) ? 'QUOTA_HEADROOM' : 'QUOTA_LIMIT';
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
  if (client.framework.isMultiRole && !agent.takesMultiRole) return true;
  return client.isNestedRole && !agent.takesNestedRoles;
}

/** Frameworks that cannot use gpus would fill up the few agents that have them. */
function isKeptForGpus({ client, agent }: Pair, { config }: CheckContext): boolean {
  if (!agent.hasGpus || !config.filterGpuResources) return false;
  return !client.framework.capabilities.has('GPU_RESOURCES');
}

/** Whether the framework understands the kind of resource. */
export function canUse({ framework: { capabilities } }: Client, item: ResourceItem): boolean {
  if (item.revocable && !capabilities.has('REVOCABLE_RESOURCES')) return false;
  if (item.shared && !capabilities.has('SHARED_RESOURCES')) return false;
  return item.reservations.length <= 1 || capabilities.has('RESERVATION_REFINEMENT');
}

/** Agents of another region are far away: for frameworks that say that they can bear it. */
function isRemote({ client, agent }: Pair, { config }: CheckContext): boolean {
  const here = config.domain?.fault_domain?.region.name;
  if (here === undefined || agent.region === undefined || agent.region === here) return false;
  return !client.framework.capabilities.has('REGION_AWARE');
}

/** Whether it is less than every minimum of the configuration, so that no part of it is worth offering. */
export function isBelowMinimum(free: Resources, { minAllocatable }: AllocatorConfig): boolean {
  if (minAllocatable.length === 0) return false;
  for (const minimum of minAllocatable) if (free.hasAtLeast(minimum)) return false;
  return true;
}

/** Whether an offer contains at least one of the minimums completely; without any, something. */
function isWorthOffering(offer: Resources, client: Client, config: AllocatorConfig): boolean {
  if (offer.isEmpty) return false;
  const minimums: readonly Quantities[] = client.minimum ?? config.minAllocatable;
  if (minimums.length === 0) return true;
  for (const minimum of minimums) if (offer.hasAtLeast(minimum)) return true;
  return false;
}
