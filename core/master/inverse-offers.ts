/**
 * Inverse offers: of machines that are to be maintained, frameworks are asked to give back what they
 * hold. Each is ended exactly once: answered, timed out, or taken back when the window changes or one
 * of the two sides goes away. An answer moves nothing by itself: the framework has to end its tasks.
 */
import type { InverseAllocation } from '../allocator/index.js';
import type {
  AllocatorInverseOfferStatus,
  AllocatorInverseOfferStatusStatus,
  Filters,
  InverseOffer,
} from '../api/index.js';
import { toTimeInfo } from '../api/index.js';
import { id } from '../base/index.js';
import type { Agent } from './agent.js';
import { type MasterContext, sendEvent } from './context.js';
import type { Framework, OutstandingInverseOffer } from './framework.js';
import { offerIdOf } from './offer-book.js';

/** Turns one round of the allocator into one INVERSE_OFFERS event for each framework. */
export function makeInverseOffers(
  context: MasterContext,
  round: readonly InverseAllocation[],
): void {
  const events = new Map<Framework, InverseOffer[]>();
  for (const allocation of round) {
    const { frameworkId, agentId } = allocation;
    const framework = context.cluster.frameworks.get(frameworkId);
    const agent = context.cluster.agents.get(agentId);
    if (framework?.stream === undefined || agent?.isConnected !== true || agent.isLeaving) {
      // Nobody was asked: the next run may ask again.
      context.allocator.updateInverseOffer(agentId, frameworkId);
      continue;
    }
    const { message } = addInverseOffer(context, { framework, agent, allocation });
    const messages = events.get(framework);
    if (messages === undefined) events.set(framework, [message]);
    else messages.push(message);
  }
  for (const [framework, messages] of events) {
    sendEvent(framework, {
      type: 'INVERSE_OFFERS',
      inverse_offers: { inverse_offers: messages },
    });
  }
}

function addInverseOffer(
  context: MasterContext,
  given: {
    readonly framework: Framework;
    readonly agent: Agent;
    readonly allocation: InverseAllocation;
  },
): OutstandingInverseOffer {
  const { framework, agent, allocation } = given;
  const offerId = offerIdOf(context.info.id, context.next.offer++);
  const offer: OutstandingInverseOffer = {
    id: offerId,
    frameworkId: framework.id,
    agentId: agent.id,
    message: {
      id: { value: offerId },
      url: agent.reference.url,
      framework_id: { value: framework.id },
      agent_id: { value: agent.id },
      unavailability: allocation.unavailability,
    },
    timer: undefined,
  };
  const { offerTimeoutMs } = context.config;
  if (offerTimeoutMs > 0) {
    offer.timer = context.timers.after(offerTimeoutMs, () => rescindInverseOffer(context, offer));
  }
  framework.inverseOffers.set(offerId, offer);
  agent.inverseOffers.set(offerId, offer);
  return offer;
}

function endInverseOffer(context: MasterContext, offer: OutstandingInverseOffer): void {
  offer.timer?.dispose();
  context.cluster.touch();
  context.cluster.frameworks.get(offer.frameworkId)?.inverseOffers.delete(offer.id);
  context.cluster.agents.get(offer.agentId)?.inverseOffers.delete(offer.id);
}

/** Ends an inverse offer that was not answered, without a word. */
function withdraw(context: MasterContext, offer: OutstandingInverseOffer): void {
  endInverseOffer(context, offer);
  context.allocator.updateInverseOffer(offer.agentId, offer.frameworkId);
}

/** Takes an inverse offer back from a framework that may still want to answer it. */
function rescindInverseOffer(context: MasterContext, offer: OutstandingInverseOffer): void {
  withdraw(context, offer);
  const framework = context.cluster.frameworks.get(offer.frameworkId);
  if (framework === undefined) return;
  sendEvent(framework, {
    type: 'RESCIND_INVERSE_OFFER',
    rescind_inverse_offer: { inverse_offer_id: { value: offer.id } },
  });
}

/** The agent goes away, or is to be maintained at another time: all about it are taken back. */
export function rescindInverseOffers(context: MasterContext, agent: Agent): void {
  for (const offer of agent.inverseOffers.values()) rescindInverseOffer(context, offer);
}

/** The stream of a framework has ended: what it was asked there is void, and nobody is told. */
export function dropInverseOffers(context: MasterContext, framework: Framework): void {
  for (const offer of framework.inverseOffers.values()) withdraw(context, offer);
}

export interface InverseOfferAnswer {
  readonly offerIds: readonly string[];
  readonly filters: Filters | undefined;
  readonly status: Extract<AllocatorInverseOfferStatusStatus, 'ACCEPT' | 'DECLINE'>;
}

/** ACCEPT_INVERSE_OFFERS and DECLINE_INVERSE_OFFERS: unknown ids and those of others are ignored. */
export function answerInverseOffers(
  context: MasterContext,
  framework: Framework,
  answer: InverseOfferAnswer,
): void {
  for (const value of answer.offerIds) {
    const offer = framework.inverseOffers.get(id<'OfferId'>(value));
    if (offer === undefined) {
      const fields = { offer: value, answer: answer.status };
      context.log.warn('ignoring the answer to an inverse offer that is no longer valid', fields);
      continue;
    }
    endInverseOffer(context, offer);
    const { agentId, frameworkId } = offer;
    const { status, filters } = answer;
    context.allocator.updateInverseOffer(agentId, frameworkId, status, filters ?? {});
    const agent = context.cluster.agents.get(agentId);
    agent?.inverseAnswersMs.set(frameworkId, context.world.clock.now());
  }
}

/** The last answers about the tasks of some agents, for the status of their machine. */
export function inverseOfferStatuses(
  context: MasterContext,
  agents: readonly Agent[],
): AllocatorInverseOfferStatus[] {
  const statuses = context.allocator.inverseOfferStatuses();
  return agents.flatMap((agent) =>
    [...(statuses.get(agent.id) ?? [])].map(([frameworkId, status]) => ({
      status,
      framework_id: { value: frameworkId },
      timestamp: toTimeInfo(agent.inverseAnswersMs.get(frameworkId) ?? 0),
    })),
  );
}
