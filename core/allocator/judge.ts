/**
 * What the next run would decide about one agent for one client, and for a task that somebody
 * describes. The decisions are those of `checks.ts`; what is added is how far the agent is from being
 * offered. Nothing here changes anything: a run after a question gives what it would have given.
 */
import type { FrameworkId } from '../base/index.js';
import { Resources } from '../resources/index.js';
import type { AgentEntry } from './agent-entry.js';
import {
  type CheckContext,
  canUse,
  examineAgent,
  examineClient,
  examineOffer,
  usableBy,
} from './checks.js';
import type { Client } from './client.js';
import type { RefusalReason, WhyReason } from './decisions.js';
import type { DescribedTask } from './described-task.js';
import { grantGuarantee, grantShare } from './grant.js';
import { isDivided } from './quota-part.js';
import type { Wanted } from './wanted.js';

/** What is asked, and the state of the allocator as of now. */
export interface Inquiry {
  readonly client: Client;
  readonly task: DescribedTask | undefined;
  /** What has to be there for the agent to be of use. */
  readonly wanted: Wanted;
  /** The client is asked for no offers, or nothing is offered to anybody. */
  readonly refusal: WhyReason | undefined;
  readonly context: CheckContext;
  /** The window of time since the last batch began. */
  readonly window: number;
  /** What a framework holds of an agent as offers, bound to roles. */
  readonly offeredOf: (frameworkId: FrameworkId, agent: AgentEntry) => Resources;
}

/** A refusal of an agent. */
export interface Refusal {
  readonly reason: WhyReason;
  /** What the framework could have there if the reason were gone; quota: what quota leaves. */
  readonly available: Resources;
  /** By how much it is further away than what is missing tells. */
  readonly extra: number;
}

/** `fits`: the next run would offer it. `holds`: it was offered already. */
export type Verdict = 'fits' | 'holds' | Refusal;

/** Why the client is offered nothing at all, if that is so. */
export function refusalOfAll(
  client: Client,
  context: CheckContext,
  isHeldOff: boolean,
): WhyReason | undefined {
  return examineClient(client, context) ?? (isHeldOff ? 'RECOVERING' : undefined);
}

/** Decides about one agent. */
export function judge(agent: AgentEntry, inquiry: Inquiry): Verdict {
  return inquiry.task === undefined
    ? judgeOffer(agent, inquiry)
    : judgeTask(agent, inquiry, inquiry.task);
}

/** Whether it is offered anything at all. */
function judgeOffer(agent: AgentEntry, inquiry: Inquiry): Verdict {
  const { client, window, context, refusal: ofAll } = inquiry;
  const isServed = agent.servedWindow === window;
  if (ofAll !== undefined) return refuse(ofAll, usableBy(client, agent));
  if (isServed && agent.servedClient === client) return 'holds';
  const reason = examineAgent(agent, context);
  if (reason !== undefined) return refuseAgent(agent, reason, inquiry);
  const offer = examineNext(client, agent, context);
  if (typeof offer !== 'string') return 'fits';
  const isQuota = offer === 'QUOTA_LIMIT' || offer === 'QUOTA_HEADROOM';
  if (!isQuota) return refuse(offer, usableBy(client, agent));
  return refuse(offer, withinQuota(agent, inquiry, offer === 'QUOTA_LIMIT'));
}

/** Whether it is offered what a task needs. What can never be is told before what passes. */
function judgeTask(agent: AgentEntry, inquiry: Inquiry, task: DescribedTask): Verdict {
  const { client, wanted, refusal: ofAll, context } = inquiry;
  const offered = offeredTo(agent, inquiry);
  const within = usableBy(client, agent);
  const usable = within.plus(offered);
  const { info } = agent.state;
  if (!task.takes(info, client.role)) {
    return refuse('TASK_CONSTRAINTS', usable, task.misses(info, client.role).length);
  }
  const never = judgeTotal(agent, inquiry);
  if (never !== undefined) return never;
  if (!offered.isEmpty && wanted.fits(offered)) return 'holds';
  if (ofAll !== undefined) return refuse(ofAll, usable);
  const reason = examineAgent(agent, context);
  if (reason !== undefined && (reason !== 'NOTHING_FREE' || offered.isEmpty)) {
    return refuseAgent(agent, reason, inquiry);
  }
  const offer = reason ?? examineNext(client, agent, context);
  if (typeof offer === 'string' && ABOUT_THE_PAIR.has(offer)) return refuse(offer, usable);
  if (!wanted.fits(usable)) return refuse('TASK_NOT_ENOUGH_FREE', usable);
  if (typeof offer === 'string' && !PASSING.has(offer)) return refuse(offer, usable);
  return judgeQuota(agent, { inquiry, offered, offer });
}

/** Whether quota leaves enough, and no filter hides it. */
function judgeQuota(
  agent: AgentEntry,
  given: {
    readonly inquiry: Inquiry;
    readonly offered: Resources;
    readonly offer: Resources | WhyReason;
  },
): Verdict {
  const { inquiry, offered, offer } = given;
  const { wanted } = inquiry;
  const limited = withinQuota(agent, inquiry, true).plus(offered);
  if (!wanted.fits(limited) || offer === 'QUOTA_LIMIT') return refuse('QUOTA_LIMIT', limited);
  const granted = withinQuota(agent, inquiry, false).plus(offered);
  if (!wanted.fits(granted) || offer === 'QUOTA_HEADROOM') return refuse('QUOTA_HEADROOM', granted);
  return typeof offer === 'string' ? refuse('FILTERED', granted) : 'fits';
}

/** Why the task will never fit, however much is given back. */
function judgeTotal(agent: AgentEntry, { client, wanted }: Inquiry): Refusal | undefined {
  const { total } = agent;
  if (!wanted.fits(total)) return refuse('TASK_TOO_LARGE_FOR_AGENT', total, 1);
  const reservable = total.reservableTo(client.role);
  if (!wanted.fits(reservable)) return refuse('RESERVED_FOR_OTHERS', reservable, 1);
  const usable = reservable.filter((item) => canUse(client, item));
  return wanted.fits(usable) ? undefined : refuse('FRAMEWORK_CAPABILITY', usable, 1);
}

/** Nothing free may mean that somebody else was just served. */
function refuseAgent(agent: AgentEntry, reason: WhyReason, { client, window }: Inquiry): Refusal {
  const isServed = agent.servedWindow === window && agent.servedClient !== client;
  const told = reason === 'NOTHING_FREE' && isServed ? 'LOWER_SHARE_FIRST' : reason;
  return refuse(told, usableBy(client, agent));
}

/** What the next run decides: first of what the role lacks of its guarantee, then of a fair share. */
function examineNext(
  client: Client,
  agent: AgentEntry,
  context: CheckContext,
): Resources | RefusalReason {
  if (context.quotas.isUnmet(client.role)) {
    const offer = examineOffer(client, agent, context, 'guarantees');
    if (typeof offer !== 'string') return offer;
  }
  return examineOffer(client, agent, context);
}

/** What quota leaves of what the client can use: by its limits alone, or by headroom too. */
function withinQuota(agent: AgentEntry, inquiry: Inquiry, isLimitAlone: boolean): Resources {
  const { client, context } = inquiry;
  const usable = usableBy(client, agent);
  if (context.quotas.isEmpty) return usable;
  const options = { role: client.role, quotas: context.quotas, random: undefined };
  const grant = grantShare(usable, options);
  if (isLimitAlone) return grant.withinLimit;
  const guaranteed = context.quotas.isUnmet(client.role)
    ? grantGuarantee(usable, options)
    : Resources.EMPTY;
  if (guaranteed.isEmpty) return grant.resources;
  // The first stage took all scalars that quota is about; the second adds what it is not about.
  return guaranteed.plus(grant.resources.minus(guaranteed).filter((item) => !isDivided(item)));
}

/** What the framework was offered of the agent in the role and has not used, bound to no role. */
function offeredTo(agent: AgentEntry, { client, offeredOf }: Inquiry): Resources {
  const { framework, role } = client;
  if (!agent.held.has(framework.id)) return Resources.EMPTY;
  const offered = offeredOf(framework.id, agent);
  return offered.filter((item) => item.allocationRole === role).unallocated();
}

function refuse(reason: WhyReason, available: Resources, extra = 0): Refusal {
  return { reason, available, extra };
}

/** Reasons that more free resources would not change. */
const ABOUT_THE_PAIR: ReadonlySet<WhyReason> = new Set<WhyReason>([
  'AGENT_CAPABILITY',
  'GPU_AGENT',
  'REMOTE_REGION',
  'OFFER_CONSTRAINTS',
]);

/** Reasons that depend on how much quota leaves, and on time. */
const PASSING: ReadonlySet<WhyReason> = new Set<WhyReason>([
  'QUOTA_LIMIT',
  'QUOTA_HEADROOM',
  'FILTERED',
]);
