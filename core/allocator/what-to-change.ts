/** One sentence for each reason: what would have to change for the nearest agent to be offered. */
import type { NearMiss, Shortage, WhyReason } from './decisions.js';
import type { MissContext } from './near-miss.js';

export interface ChangeFacts {
  readonly context: MissContext;
  /** How many agents are refused for the reason. */
  readonly agents: number;
  /** For agents that are too small: the most that any of them has, in wholes. */
  readonly most: ReadonlyMap<string, number>;
}

/** What would have to change, from the nearest miss of the reason. */
export function whatToChange(miss: NearMiss, facts: ChangeFacts): string {
  return SENTENCES[miss.reason](miss, facts);
}

type Sentence = (miss: NearMiss, facts: ChangeFacts) => string;

const SENTENCES: Readonly<Record<WhyReason, Sentence>> = {
  FRAMEWORK_INACTIVE: () => 'subscribe the framework again with its id',
  ROLE_SUPPRESSED: (_miss, facts) => `revive role ${roleOf(facts)}: the framework suppressed it`,
  AGENT_INACTIVE: (miss) => `bring ${nameOf(miss)} back: it is disconnected or deactivated`,
  NOT_WHITELISTED: ({ hostname }) => `add host ${hostname} to the whitelist`,
  AGENT_CAPABILITY: (miss) =>
    `upgrade ${nameOf(miss)}: it does not state MULTI_ROLE or HIERARCHICAL_ROLE`,
  GPU_AGENT: () => 'state the capability GPU_RESOURCES, or add agents without gpus',
  REMOTE_REGION: (_miss, { context }) => {
    const here = context.inquiry.context.config.domain?.fault_domain?.region.name ?? 'the master';
    return `state the capability REGION_AWARE, or add agents in region ${here}`;
  },
  OFFER_CONSTRAINTS: (miss, facts) =>
    `change the offer constraints of role ${roleOf(facts)}: ${differences(miss)}`,
  NOTHING_FREE: freeUp,
  TASK_NOT_ENOUGH_FREE: freeUp,
  RESERVED_FOR_OTHERS: (miss, facts) =>
    `unreserve ${amounts(miss.missing)} on ${nameOf(miss)} for role ${roleOf(facts)}, or use the role that they are reserved for`,
  FRAMEWORK_CAPABILITY: () =>
    'state the capability for what is there: REVOCABLE_RESOURCES, SHARED_RESOURCES or RESERVATION_REFINEMENT',
  BELOW_MINIMUM: (miss) =>
    `free ${amounts(miss.missing)} on ${nameOf(miss)}, or lower the minimum that is worth offering`,
  QUOTA_LIMIT: (miss, facts) =>
    `raise the limit of role ${miss.limitedRole ?? roleOf(facts)} by ${amounts(miss.missing)}`,
  QUOTA_HEADROOM: (miss) => {
    const roles = miss.guaranteedRoles ?? [];
    const word = roles.length === 1 ? 'role' : 'roles';
    return `free or add ${amounts(miss.missing)} beyond what is kept for ${word} ${roles.join(', ')}, or lower the guarantees`;
  },
  FILTERED: (miss, facts) => {
    const wait = `wait: the filter on ${nameOf(miss)} ends in ${span(miss.filterEndsInMs ?? 0)}`;
    return `revive role ${roleOf(facts)}, or ${wait}`;
  },
  RECOVERING: () => 'wait until most agents have come back to the new master',
  LOWER_SHARE_FIRST: (miss) => {
    const { frameworkId = '', role = '', dominantShare = 0 } = miss.servedFirst ?? {};
    const share = `${Math.round(dominantShare * 1000) / 10} %`;
    return `wait until framework ${frameworkId} (role ${role}, share ${share}) gives back ${nameOf(miss)}, which it was served first`;
  },
  TASK_CONSTRAINTS: (miss) => `change the constraints of the task: ${differences(miss)}`,
  TASK_TOO_LARGE_FOR_AGENT: askForLess,
};

function freeUp(miss: NearMiss): string {
  const [holder] = miss.holders ?? [];
  const by =
    holder === undefined ? '' : ` (held by framework ${holder.frameworkId} in role ${holder.role})`;
  return `free ${amounts(miss.missing)} on ${nameOf(miss)}${by}`;
}

function askForLess(miss: NearMiss, { context, agents, most }: ChangeFacts): string {
  const { wanted } = context.inquiry;
  if (agents + context.excludedAgents < context.ledger.agents.size) {
    return `ask for less, or add larger agents: ${nameOf(miss)} lacks ${amounts(miss.missing)}`;
  }
  const ofThese = context.excludedAgents === 0 ? '' : 'that meets the constraints ';
  const tooMuch = wanted.shortagesFrom((name) => most.get(name) ?? 0);
  if (tooMuch.length === 0) {
    return `no agent ${ofThese}has all of it together: ask for ${amounts(miss.missing)} less, or add a larger agent`;
  }
  const limits = tooMuch.map(({ resource, available }) => amount(available, resource)).join(', ');
  return `no agent ${ofThese}has more than ${limits}: ask for at most that, or add a larger agent`;
}

function differences({ agentId, hostname, attributes = [] }: NearMiss): string {
  const texts = attributes.map(({ attribute, wanted, found }) =>
    found === undefined
      ? `no ${attribute}, not ${attribute} ${wanted}`
      : `${attribute} = ${found}, not ${attribute} ${wanted}`,
  );
  return `${nameOf({ agentId, hostname })} has ${texts.join(' and ')}`;
}

function roleOf({ context }: ChangeFacts): string {
  return context.inquiry.client.role;
}

function nameOf({ agentId, hostname }: Pick<NearMiss, 'agentId' | 'hostname'>): string {
  return `agent ${agentId} (${hostname})`;
}

function amounts(missing: readonly Shortage[]): string {
  if (missing.length === 0) return 'something';
  return missing.map((one) => amount(one.missing, one.resource)).join(' and ');
}

/** `2 cpus`, `512 MiB of mem`, `3 licences`. */
function amount(value: number, name: string): string {
  const rounded = Math.round(value * 1000) / 1000;
  return name === 'mem' || name === 'disk' ? `${rounded} MiB of ${name}` : `${rounded} ${name}`;
}

function span(milliseconds: number): string {
  return `${Math.ceil(milliseconds / 100) / 10} s`;
}
