/**
 * What an agent can give to revocable tasks over and above what it has: it tells that with its
 * registration and whenever it has changed. Revocable resources come from nowhere else.
 */
import type { Resource } from '../api/index.js';
import { Resources, validateResources } from '../resources/index.js';
import type { Agent } from './agent.js';
import type { MasterContext } from './context.js';
import { rescindOffer } from './offers.js';

/** Most revocable resources that an agent may tell. */
export const MAX_REVOCABLE_RESOURCES = 1_000;

/** Why an agent cannot be oversubscribed by this, or undefined. */
export function oversubscriptionProblem(list: readonly Resource[]): string | undefined {
  if (list.length > MAX_REVOCABLE_RESOURCES) {
    return `'oversubscribed_resources' has ${list.length} entries, more than ${MAX_REVOCABLE_RESOURCES}`;
  }
  const problem = validateResources(list);
  if (problem !== undefined) return `'oversubscribed_resources': ${problem}`;
  const plain = list.find(({ revocable }) => revocable === undefined);
  if (plain === undefined) return undefined;
  return `'oversubscribed_resources': resource '${plain.name}' is not 'revocable'`;
}

/**
 * Replaces what an agent has of revocable resources. Offers that have any are taken back: what they
 * promise may be gone, and there may be more. Tasks that hold some go on.
 */
export function updateOversubscribed(
  context: MasterContext,
  agent: Agent,
  list: readonly Resource[],
): void {
  const problem = oversubscriptionProblem(list);
  if (problem !== undefined) {
    context.log.warn('ignoring what an agent would oversubscribe', { agent: agent.id, problem });
    context.metrics.count('dropped_messages');
    return;
  }
  const revocable = Resources.fromWire(list).unallocated();
  const total = agent.total.nonRevocable().plus(revocable);
  if (total.equals(agent.total)) return;
  for (const offer of agent.offers) {
    if (!offer.resources.revocable().isEmpty) rescindOffer(context, offer);
  }
  agent.total = total;
  agent.noteOvercommitment();
  const { info, capabilities } = agent;
  context.allocator.updateAgent(agent.id, { info, capabilities, total });
}
