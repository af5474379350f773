/**
 * Offers: made of what the allocator gives out, and ended exactly once: used, declined, rescinded or
 * timed out. Whoever ends an offer says what becomes of its resources.
 */
import type { Allocation } from '../allocator/index.js';
import type { Filters, Offer } from '../api/index.js';
import { type FrameworkId, id } from '../base/index.js';
import type { Resources } from '../resources/index.js';
import type { Agent } from './agent.js';
import { type MasterContext, sendEvent } from './context.js';
import type { Framework, OutstandingOffer } from './framework.js';
import { offerIdOf } from './offer-book.js';
import type { OfferWriter } from './offer-messages.js';

/** Turns one round of the allocator into offers: one OFFERS event for each framework. */
export function makeOffers(context: MasterContext, allocations: readonly Allocation[]): void {
  const rounds = new Map<FrameworkId, Round>();
  for (const allocation of allocations) {
    const round = roundOf(context, rounds, allocation.frameworkId);
    const agent = context.cluster.agents.get(allocation.agentId);
    if (round === undefined || agent === undefined || !agent.isConnected) {
      const { frameworkId, agentId, resources } = allocation;
      // Not early: whatever keeps the offer from being made may last, and would be met again at once.
      context.allocator.recoverResources(frameworkId, agentId, resources, undefined, 'batch');
      continue;
    }
    const offer = addOffer(context, { framework: round.framework, agent, allocation });
    round.offers.push(round.writer.write(agent, offer));
  }
  for (const { framework, offers } of rounds.values()) {
    if (offers.length > 0) sendEvent(framework, { type: 'OFFERS', offers: { offers } });
  }
}

/** The offers that one framework is made at once. */
interface Round {
  readonly framework: Framework;
  readonly writer: OfferWriter;
  readonly offers: Offer[];
}

/** The round of a framework; undefined when it is not connected. */
function roundOf(
  context: MasterContext,
  rounds: Map<FrameworkId, Round>,
  frameworkId: FrameworkId,
): Round | undefined {
  const known = rounds.get(frameworkId);
  if (known !== undefined) return known;
  const framework = context.cluster.frameworks.get(frameworkId);
  if (framework?.stream === undefined) return undefined;
  const round = { framework, writer: context.offerWriters.of(framework), offers: [] };
  rounds.set(frameworkId, round);
  return round;
}

function addOffer(
  context: MasterContext,
  given: {
    readonly framework: Framework;
    readonly agent: Agent;
    readonly allocation: Allocation;
  },
): OutstandingOffer {
  const { framework, agent, allocation } = given;
  const number = context.next.offer++;
  const offer: OutstandingOffer = {
    id: offerIdOf(context.info.id, number),
    number,
    frameworkId: framework.id,
    agentId: agent.id,
    role: allocation.role,
    resources: allocation.resources,
    timer: undefined,
    before: undefined,
    after: undefined,
  };
  const { offerTimeoutMs } = context.config;
  if (offerTimeoutMs > 0) {
    offer.timer = context.offerTimeouts.add(offer);
  }
  context.cluster.offers.add(offer);
  framework.offers.add(offer);
  agent.offers = agent.offers.length === 0 ? [offer] : [...agent.offers, offer];
  agent.offered = agent.offered.plus(offer.resources.unallocated());
  agent.assertWithinTotal();
  return offer;
}

/**
 * Ends an offer and leaves its resources to the caller, who has to use them or give them back to
 * the allocator.
 */
export function takeOffer(context: MasterContext, offer: OutstandingOffer): Resources {
  offer.timer?.dispose();
  context.cluster.touch();
  context.cluster.offers.delete(offer);
  context.cluster.frameworks.get(offer.frameworkId)?.offers.delete(offer);
  const agent = context.cluster.agents.get(offer.agentId);
  if (agent !== undefined) {
    agent.offers = agent.offers.filter((other) => other !== offer);
    agent.offered = agent.offered.minus(offer.resources.unallocated());
  }
  return offer.resources;
}

/** How an offer that was not used goes back. */
export interface OfferReturn {
  /** What the framework that declined it does not want again for a while. */
  readonly filters?: Filters;
  /** When it may be offered again: see `Allocator.recoverResources`. */
  readonly reoffer?: 'early' | 'batch';
}

/** Ends an offer and gives its resources back. */
export function returnOffer(
  context: MasterContext,
  offer: OutstandingOffer,
  { filters, reoffer }: OfferReturn = {},
): void {
  const resources = takeOffer(context, offer);
  const { frameworkId, agentId } = offer;
  context.allocator.recoverResources(frameworkId, agentId, resources, filters, reoffer);
}

/** Takes an offer back from a framework that may still want to use it. */
export function rescindOffer(context: MasterContext, offer: OutstandingOffer): void {
  const framework = context.cluster.frameworks.get(offer.frameworkId);
  returnOffer(context, offer);
  if (framework === undefined) return;
  framework.answers.note(context.world.clock.now(), { outcome: 'RESCINDED', offers: 1 });
  sendEvent(framework, { type: 'RESCIND', rescind: { offer_id: { value: offer.id } } });
}

/** DECLINE: unknown offers and those of others are ignored. */
export function declineOffers(
  context: MasterContext,
  framework: Framework,
  call: { readonly offerIds: readonly string[]; readonly filters: Filters | undefined },
): void {
  context.metrics.count('messages_decline_offers');
  const before = framework.offers.size;
  for (const value of call.offerIds) {
    const offer = framework.offers.get(id<'OfferId'>(value));
    if (offer !== undefined) returnOffer(context, offer, { filters: call.filters ?? {} });
    else context.log.warn('ignoring DECLINE of an offer that is no longer valid', { offer: value });
  }
  framework.answers.note(context.world.clock.now(), {
    outcome: 'DECLINED',
    offers: before - framework.offers.size,
    refuseSeconds: call.filters?.refuse_seconds,
  });
}

/** The id of an offer in a call. */
export function offerIdsOf(ids: readonly { readonly value: string }[] | undefined): string[] {
  return (ids ?? []).map((offerId) => offerId.value);
}

/** Looks up the offers of a framework by the ids of a call; undefined where there is none. */
export function findOffer(framework: Framework, value: string): OutstandingOffer | undefined {
  return framework.offers.get(id<'OfferId'>(value));
}
