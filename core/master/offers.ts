/**
 * Offers: made of what the allocator gives out, and ended exactly once: used, declined, rescinded or
 * timed out. Whoever ends an offer says what becomes of its resources.
 */
import type { Allocation } from '../allocator/index.js';
import type { Filters, Offer, Resource, URL } from '../api/index.js';
import { type FrameworkId, type OfferId, id } from '../base/index.js';
import type { Resources } from '../resources/index.js';
import type { Agent } from './agent.js';
import { type MasterContext, sendEvent } from './context.js';
import type { Framework, OutstandingOffer } from './framework.js';

/** Turns one round of the allocator into offers: one OFFERS event for each framework. */
export function makeOffers(context: MasterContext, allocations: readonly Allocation[]): void {
  const rounds = new Map<FrameworkId, Offer[]>();
  for (const allocation of allocations) {
    const framework = context.cluster.frameworks.get(allocation.frameworkId);
    const agent = context.cluster.agents.get(allocation.agentId);
    if (framework?.stream === undefined || agent === undefined || !agent.isConnected) {
      const { frameworkId, agentId, resources } = allocation;
      // Not early: whatever keeps the offer from being made may last, and would be met again at once.
      context.allocator.recoverResources(frameworkId, agentId, resources, undefined, 'batch');
      continue;
    }
    const offer = addOffer(context, { framework, agent, allocation });
    const round = rounds.get(framework.id);
    const message = offerMessage(framework, agent, offer);
    if (round === undefined) rounds.set(framework.id, [message]);
    else round.push(message);
  }
  for (const [frameworkId, offers] of rounds) {
    const framework = context.cluster.frameworks.get(frameworkId);
    if (framework !== undefined) sendEvent(framework, { type: 'OFFERS', offers: { offers } });
  }
}

/** The id of the next offer, or inverse offer. */
export function nextOfferId({ info, next }: MasterContext): OfferId {
  return id<'OfferId'>(`${info.id}-O${next.offer++}`);
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
  const offerId = nextOfferId(context);
  const offer: OutstandingOffer = {
    id: offerId,
    frameworkId: framework.id,
    agentId: agent.id,
    role: allocation.role,
    resources: allocation.resources,
    timer: undefined,
  };
  const { offerTimeoutMs } = context.config;
  if (offerTimeoutMs > 0) {
    offer.timer = context.offerTimeouts.add(() => rescindOffer(context, offer));
  }
  context.cluster.offers.set(offerId, offer);
  framework.offers.set(offerId, offer);
  agent.offers.set(offerId, offer);
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
  context.cluster.offers.delete(offer.id);
  context.cluster.frameworks.get(offer.frameworkId)?.offers.delete(offer.id);
  const agent = context.cluster.agents.get(offer.agentId);
  if (agent !== undefined) {
    agent.offers.delete(offer.id);
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

/** The offer as its framework sees it. */
export function offerMessage(
  framework: Readonly<Framework>,
  agent: Readonly<Agent>,
  offer: Readonly<OutstandingOffer>,
): Offer {
  const executors = agent.executors.get(framework.id);
  const isMultiRole = framework.has('MULTI_ROLE');
  return {
    id: { value: offer.id },
    framework_id: { value: framework.id },
    agent_id: { value: agent.id },
    hostname: agent.info.hostname,
    url: agentUrl(agent),
    domain: agent.info.domain,
    unavailability: agent.unavailability,
    resources: offeredResources(framework, offer),
    attributes: agent.info.attributes,
    executor_ids:
      executors === undefined ? undefined : [...executors.keys()].map((value) => ({ value })),
    allocation_info: isMultiRole ? { role: offer.role } : undefined,
  };
}

/** Where an agent is reached, as offers tell it. */
export function agentUrl(agent: Readonly<Agent>): URL {
  return {
    scheme: 'http',
    address: { hostname: agent.info.hostname, ip: agent.address, port: agent.port },
    path: '/slave(1)',
  };
}

/** Resources that only agents need to know. */
const HIDDEN_RESOURCE = 'ephemeral_ports';

function offeredResources(
  framework: Readonly<Framework>,
  offer: Readonly<OutstandingOffer>,
): readonly Resource[] {
  const canRefine = framework.has('RESERVATION_REFINEMENT');
  const visible = offer.resources.filter(
    (item) => item.name !== HIDDEN_RESOURCE && (canRefine || item.reservations.length <= 1),
  );
  const resources = visible.wire(canRefine ? 'post-refinement' : 'pre-refinement');
  if (framework.has('MULTI_ROLE')) return resources;
  return resources.map((resource) => ({ ...resource, allocation_info: undefined }));
}

/** The id of an offer in a call. */
export function offerIdsOf(ids: readonly { readonly value: string }[] | undefined): string[] {
  return (ids ?? []).map((offerId) => offerId.value);
}

/** Looks up the offers of a framework by the ids of a call; undefined where there is none. */
export function findOffer(framework: Framework, value: string): OutstandingOffer | undefined {
  const offerId: OfferId = id<'OfferId'>(value);
  return framework.offers.get(offerId);
}
