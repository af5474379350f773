/**
 * Why a framework is, or is not, offered resources, or what a task needs. Made when somebody asks, by
 * the checks that runs make: O(roles of the framework × agents) for each question. It reads the state
 * as it would be brought up to date by a run, and changes none of it.
 */
import type { FrameworkId } from '../base/index.js';
import { Resources } from '../resources/index.js';
import type { AgentEntry } from './agent-entry.js';
import type { AllocationQuestion } from './allocator.js';
import type { CheckContext } from './checks.js';
import type { Client } from './client.js';
import type { AgentExamples, Decision, RoleExplanation, WhyReason } from './decisions.js';
import type { DescribedTask } from './described-task.js';
import { type Inquiry, type Verdict, judge, refusalOfAll } from './judge.js';
import type { Ledger } from './ledger.js';
import { type MissContext, describeMiss } from './near-miss.js';
import { type Candidate, NearestCandidates } from './nearest.js';
import { type OfferFilters, isOver } from './offer-filters.js';
import { ReasonTally } from './reason-tally.js';
import { Wanted } from './wanted.js';

/** Roles that one answer explains; the others have to be asked about by name. */
export const MAX_EXPLAINED_ROLES = 16;
/** Agents that an answer names for each reason, the nearest first. */
export const MAX_NEAR_MISSES_PER_REASON = 3;
/** Agents that an answer names over all reasons, the nearest first. */
export const MAX_NEAR_MISSES = 5;
/** Agents that an answer names among those that are not refused. */
export const MAX_EXAMPLE_AGENTS = 5;

export interface ExplainOptions {
  readonly ledger: Ledger;
  readonly context: Omit<CheckContext, 'filters' | 'random'>;
  readonly filters: OfferFilters;
  /** The window of time since the last batch began. */
  readonly window: number;
  /** Batches so far, which filters outlast. */
  readonly batches: number;
  readonly lastRunMs: number | undefined;
  /** Whether nothing is offered yet after a failover. */
  readonly isHeldOff: boolean;
  /** Now on the monotonic clock, and since 1970. */
  readonly elapsedMs: number;
  readonly nowMs: number;
  readonly task: DescribedTask | undefined;
  /** See `AllocationQuestion`. */
  readonly offered: AllocationQuestion['offered'];
}

/** A view of the allocator as at the beginning of a run now, if quotas are. Valid until it changes. */
export interface ExplainView extends ExplainOptions {
  readonly checks: CheckContext;
}

/** Makes the view; it can serve several questions at one moment. */
export function viewNow(options: ExplainOptions): ExplainView {
  const { filters, elapsedMs, batches } = options;
  const inForce: CheckContext['filters'] = {
    isRefused: (client, agent, candidate) =>
      filters
        .of(client, agent)
        .some((one) => !isOver(one, elapsedMs, batches) && one.refused.contains(candidate)),
  };
  // Without randomness: what a run draws must not depend on questions.
  const checks = { ...options.context, filters: inForce, random: undefined };
  return { ...options, checks };
}

/** Explains one client; see `RoleExplanation`. */
export function explainClient(client: Client, view: ExplainView): RoleExplanation {
  const { ledger, window, elapsedMs } = view;
  const { role } = client;
  const lastCycleMs = client.firstRun < ledger.runs ? view.lastRunMs : undefined;
  const survey = surveyAgents(client, view);
  return {
    role,
    dominantShare: ledger.tree.subtreeShare(role),
    weight: ledger.tree.weightOf(role),
    lastCycleMs,
    lastCycleAgoMs: lastCycleMs === undefined ? undefined : elapsedMs - lastCycleMs,
    offeredAgents: client.offeredWindow === window ? client.offeredAgents : 0,
    ...survey,
    decisions: decisionsOf(client, view),
  };
}

function decisionsOf(client: Client, { nowMs }: ExplainView): readonly Decision[] {
  return client.decisions?.read(nowMs) ?? [];
}

type Survey = Pick<RoleExplanation, 'refusals' | 'reasons' | 'nearest' | 'fits' | 'holds'>;

/** Looks at all agents for one client. */
function surveyAgents(client: Client, view: ExplainView): Survey {
  const inquiry = inquiryOf(client, view);
  const fits = new Examples();
  const holds = new Examples();
  const tallies = new Map<WhyReason, ReasonTally>();
  for (const agent of view.ledger.agents.values()) {
    const verdict = judge(agent, inquiry);
    if (verdict === 'fits') fits.add(agent);
    else if (verdict === 'holds') holds.add(agent);
    else tallyOf(tallies, verdict.reason, inquiry).add(candidateOf(agent, verdict, inquiry, view));
  }
  const excludedAgents = tallies.get('TASK_CONSTRAINTS')?.agents ?? 0;
  const miss: MissContext = { inquiry, ledger: view.ledger, excludedAgents };
  const sorted = [...tallies.values()].toSorted((one, other) => other.agents - one.agents);
  const overall = new NearestCandidates(MAX_NEAR_MISSES);
  for (const tally of sorted) for (const one of tally.nearest) overall.add(one);
  return {
    refusals: Object.fromEntries([...tallies].map(([reason, { agents }]) => [reason, agents])),
    reasons: sorted.map((tally) => tally.explain(miss)),
    nearest: overall.kept.map((one) => describeMiss(one, miss)),
    fits: fits.read(),
    holds: holds.read(),
  };
}

function inquiryOf(client: Client, view: ExplainView): Inquiry {
  const { task, checks, window, isHeldOff, offered } = view;
  return {
    client,
    task,
    wanted: task?.wanted ?? Wanted.minimum(client.minimum ?? checks.config.minAllocatable),
    refusal: refusalOfAll(client, checks, isHeldOff),
    context: checks,
    window,
    offeredOf: (frameworkId, agent) =>
      offered?.(frameworkId, agent.id) ?? heldUnused(frameworkId, agent),
  };
}

/** What a framework holds and no task is known to use. */
function heldUnused(frameworkId: FrameworkId, { held, used }: AgentEntry): Resources {
  const all = held.get(frameworkId) ?? Resources.EMPTY;
  return all.minus(used.get(frameworkId) ?? Resources.EMPTY);
}

function tallyOf(
  tallies: Map<WhyReason, ReasonTally>,
  reason: WhyReason,
  { wanted }: Inquiry,
): ReasonTally {
  const known = tallies.get(reason);
  if (known !== undefined) return known;
  const made = new ReasonTally({ reason, wanted, bound: MAX_NEAR_MISSES_PER_REASON });
  tallies.set(reason, made);
  return made;
}

function candidateOf(
  agent: AgentEntry,
  refusal: Exclude<Verdict, string>,
  { client, wanted }: Inquiry,
  { filters, elapsedMs }: ExplainView,
): Candidate {
  const { reason, available, extra } = refusal;
  let waitMs = 0;
  if (reason === 'FILTERED') {
    for (const { endMs } of filters.of(client, agent)) waitMs = Math.max(waitMs, endMs - elapsedMs);
  }
  return { reason, available, extra, agent, waitMs, distance: extra + wanted.distance(available) };
}

/** Counts agents and remembers the first few. */
class Examples {
  #agents = 0;
  readonly #examples: AgentEntry[] = [];

  add(agent: AgentEntry): void {
    this.#agents++;
    if (this.#examples.length < MAX_EXAMPLE_AGENTS) this.#examples.push(agent);
  }

  read(): AgentExamples {
    const examples = this.#examples.map(({ id, state }) => ({
      agentId: id,
      hostname: state.info.hostname,
    }));
    return { agents: this.#agents, examples };
  }
}
