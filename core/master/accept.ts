/**
 * ACCEPT: the operations of the call are done in order on the resources of its offers; what is left
 * goes back to the allocator. An offer that is not valid fails the whole call; an operation or task
 * that is not valid fails alone.
 */
import {
  type Filters,
  type OfferOperation,
  type SchedulerCallAccept,
  type TaskInfo,
  validateId,
} from '../api/index.js';
import { Resources } from '../resources/index.js';
import type { AcceptedOffers } from './accepted-offers.js';
import type { Agent } from './agent.js';
import { countEnd } from './books.js';
import type { MasterContext } from './context.js';
import { convert, shortage } from './conversions.js';
import type { Framework, OutstandingOffer } from './framework.js';
import { launchGroup } from './group-launch.js';
import { launchTasks } from './launch.js';
import { findOffer, offerIdsOf, returnOffer, takeOffer } from './offers.js';
import { startOperation } from './operation-feedback.js';
import { operationChars, roomProblem } from './operation-records.js';
import {
  convertTotal,
  memoryProblem,
  refuseOperation,
  rescindSharing,
  sendCheckpoint,
} from './operations.js';
import { masterStatus, sendUpdate } from './status.js';

/** Handles ACCEPT of a connected framework. */
export function accept(
  context: MasterContext,
  framework: Framework,
  call: { readonly accept: SchedulerCallAccept; readonly principal: string | undefined },
): void {
  const operations = call.accept.operations ?? [];
  const ids = offerIdsOf(call.accept.offer_ids);
  const found = offersOf(context, framework, ids);
  if (typeof found === 'string') {
    for (const value of ids) {
      const offer = findOffer(framework, value);
      if (offer !== undefined) returnOffer(context, offer, { reoffer: 'batch' });
    }
    for (const operation of operations) {
      refuse(context, framework, { operation, problem: found });
    }
    return;
  }
  const offered = Resources.sum(found.offers.map((offer) => takeOffer(context, offer)));
  framework.answers.note(context.world.clock.now(), {
    outcome: 'ACCEPTED',
    offers: found.offers.length,
    refuseSeconds: call.accept.filters?.refuse_seconds,
  });
  const { agent, role } = found;
  const { principal } = call;
  const place = { context, framework, agent, role, principal };
  const work: AcceptedOffers = {
    ...place,
    available: offered,
    later: Resources.EMPTY,
    hasLaunched: false,
  };
  for (const operation of operations) {
    framework.counts.operation(operation.type ?? 'UNKNOWN');
    apply(work, operation);
  }
  returnRest(work, offered, call.accept.filters);
}

/**
 * What operations made of the offer goes back at once, the rest as declined. After a launch it may be
 * offered again early: a scheduler that takes one task of each offer is not kept waiting.
 */
function returnRest(work: AcceptedOffers, offered: Resources, filters: Filters | undefined): void {
  const { framework, agent, available, later } = work;
  const { allocator } = work.context;
  const changed = available.minus(offered);
  const declined = available.minus(changed);
  const converted = changed.plus(later);
  if (!declined.isEmpty) {
    const reoffer = work.hasLaunched ? 'early' : 'batch';
    allocator.recoverResources(framework.id, agent.id, declined, filters ?? {}, reoffer);
  }
  if (!converted.isEmpty) allocator.recoverResources(framework.id, agent.id, converted);
}

interface FoundOffers {
  readonly offers: readonly OutstandingOffer[];
  readonly agent: Agent;
  readonly role: string;
}

/** The offers that the call names, or why they cannot be used together. */
function offersOf(
  context: MasterContext,
  framework: Framework,
  ids: readonly string[],
): FoundOffers | string {
  const seen = new Set<string>();
  const offers: OutstandingOffer[] = [];
  for (const value of ids) {
    if (seen.has(value)) return `Duplicate offer ${value}`;
    seen.add(value);
    const offer = findOffer(framework, value);
    if (offer === undefined) return whyNotOffered(context, value);
    offers.push(offer);
  }
  const [first] = offers;
  if (first === undefined) return 'No offers specified';
  const other = offers.find((offer) => offer.agentId !== first.agentId);
  if (other !== undefined) {
    return `Offers of more than one agent: ${first.agentId} and ${other.agentId}`;
  }
  const mixed = offers.find((offer) => offer.role !== first.role);
  if (mixed !== undefined) return `Offers of more than one role: ${first.role} and ${mixed.role}`;
  const agent = context.cluster.agents.get(first.agentId);
  if (agent === undefined) return `Offer ${first.id} is of an agent that is gone`;
  return { offers, agent, role: first.role };
}

function whyNotOffered({ cluster }: MasterContext, value: string): string {
  for (const other of cluster.frameworks.values()) {
    if (findOffer(other, value) !== undefined) return `Offer ${value} belongs to another framework`;
  }
  return `Offer ${value} is no longer valid`;
}

/** Answers an operation of an ACCEPT whose offers are not valid. */
function refuse(
  context: MasterContext,
  framework: Framework,
  refused: { readonly operation: OfferOperation; readonly problem: string },
): void {
  const { operation, problem } = refused;
  const tasks = tasksOf(operation);
  if (tasks === undefined) {
    refuseOperation(context, framework, { operation, message: problem });
    return;
  }
  const state = framework.visible('TASK_DROPPED');
  for (const task of tasks) {
    countEnd(context, framework, state);
    context.metrics.count('task_lost/source_master/reason_invalid_offers');
    const status = masterStatus(context, {
      taskId: task.task_id.value,
      agentId: task.agent_id.value,
      state,
      reason: 'REASON_INVALID_OFFERS',
      message: `Task launched with invalid offers: ${problem}`,
    });
    sendUpdate(framework, status);
  }
}

/** The tasks that an operation launches; undefined for one that launches none. */
function tasksOf(operation: OfferOperation): readonly TaskInfo[] | undefined {
  if (operation.type === 'LAUNCH') return operation.launch?.task_infos ?? [];
  if (operation.type === 'LAUNCH_GROUP') return operation.launch_group?.task_group.tasks ?? [];
  return undefined;
}

function apply(work: AcceptedOffers, operation: OfferOperation): void {
  switch (operation.type) {
    case 'LAUNCH':
      launchTasks(work, operation);
      break;
    case 'LAUNCH_GROUP':
      launchGroup(work, operation);
      break;
    case 'RESERVE':
    case 'UNRESERVE':
    case 'CREATE':
    case 'DESTROY':
    case 'GROW_VOLUME':
    case 'SHRINK_VOLUME':
      applyConversion(work, operation);
      break;
    default: {
      const message = `operations of type ${operation.type ?? 'UNKNOWN'} are not supported`;
      const { context, framework } = work;
      refuseOperation(context, framework, { operation, message });
    }
  }
}

/** Converts what was offered, at once; the agent is told before it is told of later operations. */
function applyConversion(work: AcceptedOffers, operation: OfferOperation): void {
  const { context, framework, agent, role, principal, available } = work;
  const offer = {
    role,
    frameworkRoles: framework.roles,
    canShare: framework.has('SHARED_RESOURCES'),
    canRefine: framework.has('RESERVATION_REFINEMENT'),
  };
  const change = convert(operation, { agent, principal, offer });
  const problem =
    change.problem ??
    (available.contains(change.from) ? undefined : shortage(change.from, available)) ??
    memoryProblem(agent, change) ??
    feedbackProblem(framework, agent, operation);
  if (change.problem !== undefined || problem !== undefined) {
    const message = `Invalid ${operation.type} operation: ${problem}`;
    refuseOperation(context, framework, { operation, message });
    return;
  }
  rescindSharing(context, agent, change.from);
  const { to } = change;
  const isResize = operation.type === 'GROW_VOLUME' || operation.type === 'SHRINK_VOLUME';
  // Offers that are used together may each have brought a shared volume: it ends for all of them.
  const from = change.from.plus(furtherCopies(available, change.from));
  if (isResize) work.later = work.later.plus(to);
  work.available = isResize ? available.minus(from) : available.minus(from).plus(to);
  context.allocator.updateAllocation(framework.id, agent.id, { from, to });
  convertTotal(agent, change);
  if (operation.id === undefined) {
    context.metrics.operations.count(operation.type, 'OPERATION_FINISHED');
    sendCheckpoint(agent);
  } else {
    const converted = isResize ? to.unallocated().toWire() : [];
    startOperation(context, { framework, agent }, { operation, converted });
  }
}

/** Why nobody could tell the framework what became of an operation with an id, or undefined. */
function feedbackProblem(
  framework: Framework,
  agent: Agent,
  operation: OfferOperation,
): string | undefined {
  if (operation.id === undefined) return undefined;
  const { value } = operation.id;
  if (!agent.capabilities.some(({ type }) => type === 'AGENT_OPERATION_FEEDBACK')) {
    return `agent ${agent.id} cannot tell what becomes of operations: leave out the 'id'`;
  }
  if (framework.operations.has(value)) {
    return `another operation with the id '${value}' has not been acknowledged`;
  }
  return validateId(value, "the operation's 'id'") ?? roomProblem(agent, operationChars(operation));
}

/** What there is more of than one of the shared resources of a conversion. */
function furtherCopies(available: Resources, from: Resources): Resources {
  const keys = new Set(from.items.filter(({ shared }) => shared).map(({ key }) => key));
  if (keys.size === 0) return Resources.EMPTY;
  return available.filter(({ key }) => keys.has(key)).minus(from);
}
