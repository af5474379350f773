/** Keeps what is known of an agent's next maintenance in step with the schedule. */
import { type Unavailability, messagesEqual } from '../api/index.js';
import type { Agent } from './agent.js';
import type { MasterContext } from './context.js';
import { rescindInverseOffers } from './inverse-offers.js';
import type { Place } from './machines.js';
import { rescindOffer } from './offers.js';

/** Where an agent runs. */
export function placeOf({ info, address }: Agent): Place {
  return { hostname: info.hostname, ip: address };
}

/**
 * Looks up when an agent is to be maintained, after the schedule or the agent's place has changed.
 * On a change everything that was offered of it, or asked back, is taken back: it is offered again
 * with the new window, and asked back anew.
 */
export function applyWindow(context: MasterContext, agent: Agent): void {
  const unavailability = context.cluster.machines.unavailabilityAt(placeOf(agent));
  if (isSame(agent.unavailability, unavailability)) return;
  for (const offer of agent.offers) rescindOffer(context, offer);
  rescindInverseOffers(context, agent);
  agent.unavailability = unavailability;
  agent.inverseAnswersMs.clear();
  context.allocator.updateUnavailability(agent.id, unavailability);
}

function isSame(one: Unavailability | undefined, other: Unavailability | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return messagesEqual('Unavailability', one, other);
}
