/**
 * Why resources were not offered. The checks that refuse in a run give these reasons, and the same
 * checks answer `explain`; `why`, the web page and the metrics read nothing else.
 */

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
  /** How often an agent was offered since the last batch began, that batch included. */
  readonly offeredAgents: number;
  /**
   * The other agents by the first reason for which they are not offered. Left out: agents that the
   * framework was the last to be offered since then, and those that the next run will offer.
   */
  readonly refusals: Readonly<Partial<Record<RefusalReason, number>>>;
}

export interface AllocationExplanation {
  readonly frameworkId: string;
  readonly active: boolean;
  /** One for each role that the framework subscribes to. */
  readonly roles: readonly RoleExplanation[];
}
