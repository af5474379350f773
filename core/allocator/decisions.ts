/**
 * Why resources were not offered. The checks that refuse in a run give these reasons, and the same
 * checks answer `explain`; `why`, the web page and the metrics read nothing else. The types below are
 * JSON as they are: the page `/plateau/v1/why` serves them, and the command reads them.
 */
import type { AttributeMiss } from './offer-constraints.js';

/** Every reason for which an agent is not offered to a framework in a role. */
export const REFUSAL_REASONS = {
  FRAMEWORK_INACTIVE: 'the framework is not connected',
  ROLE_SUPPRESSED: 'the framework suppressed offers for the role',
  AGENT_INACTIVE: 'the agent is disconnected or deactivated',
  NOT_WHITELISTED: 'the host of the agent is not on the whitelist',
  AGENT_CAPABILITY: 'the agent lacks a capability that the framework needs',
  GPU_AGENT: 'the agent has gpus and the framework lacks the capability GPU_RESOURCES',
  REMOTE_REGION: 'the agent is in another region and the framework lacks REGION_AWARE',
  OFFER_CONSTRAINTS: 'the offer constraints of the framework exclude the agent',
  NOTHING_FREE: 'all resources of the agent are offered or used',
  RESERVED_FOR_OTHERS: 'what is free is reserved for other roles',
  FRAMEWORK_CAPABILITY: 'the framework lacks the capability to use what is free for its role',
  BELOW_MINIMUM: 'what is free is less than the minimum worth offering',
  QUOTA_LIMIT: 'the role holds all that its quota limits it to',
  QUOTA_HEADROOM: 'what is free is held back for the guarantees of other roles',
  FILTERED: 'the framework declined the same not long ago',
  RECOVERING: 'nothing is offered until most agents have come back after a failover',
  LOWER_SHARE_FIRST: 'another role or framework with a lower share was served first',
} as const satisfies Record<string, string>;

export type RefusalReason = keyof typeof REFUSAL_REASONS;

/** Whether a text names a reason of the allocator. */
export function isRefusalReason(text: string): text is RefusalReason {
  return Object.hasOwn(REFUSAL_REASONS, text);
}

/** Every reason for which a task that somebody describes cannot start on an agent. */
export const WHY_REASONS = {
  ...REFUSAL_REASONS,
  TASK_CONSTRAINTS: 'the agent does not meet the constraints of the task',
  TASK_TOO_LARGE_FOR_AGENT: 'the agent has less in all than the task asks for',
  TASK_NOT_ENOUGH_FREE: 'the agent has enough in all, but too little of it is free',
} as const satisfies Record<string, string>;

export type WhyReason = keyof typeof WHY_REASONS;

/** Whether a text names a reason. */
export function isWhyReason(text: string): text is WhyReason {
  return Object.hasOwn(WHY_REASONS, text);
}

/** What the log of decisions tells of. */
export const DECISION_KINDS = [
  'OFFERED',
  'REFUSED',
  'SUPPRESSED',
  'REVIVED',
  'DEACTIVATED',
  'ACTIVATED',
] as const;

export type DecisionKind = (typeof DECISION_KINDS)[number];

/** Something that was decided about a framework in a role. */
export interface Decision {
  readonly kind: DecisionKind;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** Milliseconds from then until now. */
  readonly agoMs: number;
  /** How many agents were offered. */
  readonly agents: number;
  /** Dominant share of the role after that, 0 to 1. */
  readonly dominantShare: number;
  /** Why the run did not offer other agents that it looked at. */
  readonly reasons: readonly RefusalReason[];
}

export interface AgentName {
  readonly agentId: string;
  readonly hostname: string;
}

/** Amounts by resource name: cpus, MiB, or whatever the resource counts in. */
export type Amounts = Readonly<Record<string, number>>;

/** How much of one resource there is too little; `ports` are counted. */
export interface Shortage {
  readonly resource: string;
  readonly wanted: number;
  readonly available: number;
  readonly missing: number;
}

/** Who holds resources of an agent, scalars alone. */
export interface Holder {
  readonly frameworkId: string;
  readonly role: string;
  readonly held: Amounts;
  /** The part of it that is offered, and used by no task yet. */
  readonly offered: Amounts;
}

/** An agent that was refused, and how near it came. */
export interface NearMiss extends AgentName {
  readonly reason: WhyReason;
  /**
   * What it lacks for the task; without a task, for the smallest offer that is worth making. Compared
   * with what the framework could have if the reason were gone; for quota, with what quota leaves.
   */
  readonly missing: readonly Shortage[];
  /** For constraints: what the agent has that it should not. */
  readonly attributes?: readonly AttributeMiss[] | undefined;
  /** For filters: when the last one ends. The agent is offered by the first batch after that. */
  readonly filterEndsInMs?: number | undefined;
  /** Who holds most of what is missing. */
  readonly holders?: readonly Holder[] | undefined;
  /** For limits: the role whose limit it is. */
  readonly limitedRole?: string | undefined;
  /** For headroom: roles whose guarantees are not met. */
  readonly guaranteedRoles?: readonly string[] | undefined;
  /** Who was served instead, and the share of that role now. */
  readonly servedFirst?:
    | { readonly frameworkId: string; readonly role: string; readonly dominantShare: number }
    | undefined;
}

/** One reason, and all agents that it is the first one for. */
export interface ReasonExplanation {
  readonly reason: WhyReason;
  /** One sentence; see `WHY_REASONS`. */
  readonly meaning: string;
  readonly agents: number;
  /** What would have to change for the nearest of them. */
  readonly change: string;
  /** The nearest first. */
  readonly nearest: readonly NearMiss[];
  /** Where too little is free: who holds anything on how many of these agents, most first. */
  readonly heldBy?:
    | readonly { readonly frameworkId: string; readonly role: string; readonly agents: number }[]
    | undefined;
}

/** Agents that are not refused: how many, and the first few. */
export interface AgentExamples {
  readonly agents: number;
  readonly examples: readonly AgentName[];
}

/** Why a framework is, or is not, offered resources in one role, as of now. */
export interface RoleExplanation {
  readonly role: string;
  /** Dominant share of the role's subtree, weight not applied, 0 to 1. */
  readonly dominantShare: number;
  readonly weight: number;
  /**
   * Milliseconds on the world's monotonic clock of the last run; undefined when there was none since
   * the framework is in the role.
   */
  readonly lastCycleMs: number | undefined;
  /** Milliseconds since that run. */
  readonly lastCycleAgoMs: number | undefined;
  /** How often an agent was offered since the last batch began, that batch included. */
  readonly offeredAgents: number;
  /**
   * The other agents by the first reason for which they are not offered. Left out: agents that the
   * framework was the last to be offered since then, and those that the next run will offer.
   */
  readonly refusals: Readonly<Partial<Record<WhyReason, number>>>;
  /** The same with the nearest misses; most agents first. */
  readonly reasons: readonly ReasonExplanation[];
  /** The nearest misses of all reasons, the nearest first. */
  readonly nearest: readonly NearMiss[];
  /** Agents that the next run would offer if nobody else competed; with room for the task. */
  readonly fits: AgentExamples;
  /**
   * Agents that the framework was the last to be offered since the last batch began; for a task, those
   * on which it holds offers that contain the task.
   */
  readonly holds: AgentExamples;
  /** The last decisions, the newest first; empty when they are not logged. */
  readonly decisions: readonly Decision[];
}

export interface AllocationExplanation {
  readonly frameworkId: string;
  readonly active: boolean;
  /** One for each role that the framework subscribes to, or for the one that was asked about. */
  readonly roles: readonly RoleExplanation[];
  /** Roles beyond `MAX_EXPLAINED_ROLES`: ask about each. */
  readonly rolesLeftOut: readonly string[];
}
