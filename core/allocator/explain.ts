/**
 * Why a framework is, or is not, offered resources. Made when somebody asks, by the checks that runs
 * make: O(roles of the framework × agents) for each question, and nothing while nobody asks.
 */
import type { AgentEntry } from './agent-entry.js';
import { type CheckContext, examineAgent, examineClient, examineOffer } from './checks.js';
import type { Client } from './client.js';
import type { RefusalReason, RoleExplanation } from './decisions.js';
import type { Ledger } from './ledger.js';

export interface ExplainOptions {
  readonly ledger: Ledger;
  readonly context: CheckContext;
  /** The window of time since the last batch began. */
  readonly window: number;
  readonly lastRunMs: number | undefined;
  /** Whether nothing is offered yet after a failover. */
  readonly isHeldOff: boolean;
}

/** Explains one client; see `RoleExplanation`. */
export function explainClient(client: Client, options: ExplainOptions): RoleExplanation {
  const { ledger, window } = options;
  const { role } = client;
  return {
    role,
    dominantShare: ledger.tree.subtreeShare(role),
    weight: ledger.tree.weightOf(role),
    lastCycleMs: client.firstRun < ledger.runs ? options.lastRunMs : undefined,
    offeredAgents: client.offeredWindow === window ? client.offeredAgents : 0,
    refusals: countRefusals(client, options),
  };
}

function countRefusals(
  client: Client,
  { ledger, context, window, isHeldOff }: ExplainOptions,
): Partial<Record<RefusalReason, number>> {
  const own = examineClient(client, context);
  if (own !== undefined) return { [own]: ledger.agents.size };
  if (isHeldOff) return { RECOVERING: ledger.agents.size };
  const counts: Partial<Record<RefusalReason, number>> = {};
  for (const agent of ledger.agents.values()) {
    const isServed = agent.servedWindow === window;
    if (isServed && agent.servedClient === client) continue;
    const reason = refusal(client, agent, context);
    if (reason === undefined) continue;
    const told = reason === 'NOTHING_FREE' && isServed ? 'LOWER_SHARE_FIRST' : reason;
    counts[told] = (counts[told] ?? 0) + 1;
  }
  return counts;
}

function refusal(
  client: Client,
  agent: AgentEntry,
  context: CheckContext,
): RefusalReason | undefined {
  const reason = examineAgent(agent, context);
  if (reason !== undefined) return reason;
  const offer = examineOffer(client, agent, context);
  return typeof offer === 'string' ? offer : undefined;
}
