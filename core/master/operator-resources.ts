/**
 * Operators reserve, unreserve, create, destroy and resize on what no task holds. Offers that are in the way
 * are rescinded, but only when the operation can be done then.
 */
import type { CallAnswer, MasterCall, OfferOperation, Resource } from '../api/index.js';
import { id } from '../base/index.js';
import { Resources } from '../resources/index.js';
import type { Agent } from './agent.js';
import type { MasterContext } from './context.js';
import { convert, shortage } from './conversions.js';
import { rescindOffer } from './offers.js';
import { convertTotal, memoryProblem, rescindSharing, sendCheckpoint } from './operations.js';

/** An operation of an operator on one agent. */
export interface OperatorOperation {
  readonly agentId: string;
  readonly operation: OfferOperation;
}

/** The operation that a call asks for; undefined: the call is of another kind. */
export function resourceOperation(call: MasterCall): OperatorOperation | undefined {
  const {
    reserve_resources: reserve,
    unreserve_resources: unreserve,
    create_volumes: create,
    destroy_volumes: destroy,
    grow_volume: grow,
    shrink_volume: shrink,
  } = call;
  if (call.type === 'RESERVE_RESOURCES' && reserve !== undefined) {
    const source = fromPages(reserve.source);
    const resources = fromPages(reserve.resources);
    return of(reserve, { type: 'RESERVE', reserve: { source, resources } });
  }
  if (call.type === 'UNRESERVE_RESOURCES' && unreserve !== undefined) {
    const resources = fromPages(unreserve.resources);
    return of(unreserve, { type: 'UNRESERVE', unreserve: { resources } });
  }
  if (call.type === 'CREATE_VOLUMES' && create !== undefined) {
    return of(create, { type: 'CREATE', create: { volumes: fromPages(create.volumes) } });
  }
  if (call.type === 'DESTROY_VOLUMES' && destroy !== undefined) {
    return of(destroy, { type: 'DESTROY', destroy: { volumes: fromPages(destroy.volumes) } });
  }
  if (call.type === 'GROW_VOLUME' && grow !== undefined) {
    const grow_volume = { volume: fromPage(grow.volume), addition: fromPage(grow.addition) };
    return of(grow, { type: 'GROW_VOLUME', grow_volume });
  }
  if (call.type === 'SHRINK_VOLUME' && shrink !== undefined) {
    const shrink_volume = { volume: fromPage(shrink.volume), subtract: shrink.subtract };
    return of(shrink, { type: 'SHRINK_VOLUME', shrink_volume });
  }
  return undefined;
}

function of(
  { agent_id }: { readonly agent_id?: { readonly value: string } | undefined },
  operation: OfferOperation,
): OperatorOperation {
  return { agentId: agent_id?.value ?? '', operation };
}

/**
 * Operators copy from the pages, which name a reservation in both the older and the newer fields.
 * What is not well-formed stays as it is: validation says why.
 */
function fromPages(list: readonly Resource[] = []): readonly Resource[] {
  try {
    return Resources.fromWire(list).toWire();
  } catch {
    return list;
  }
}

function fromPage(resource: Resource): Resource {
  // An empty resource has no item: it stays, and is refused.
  return fromPages([resource])[0] ?? resource;
}

/**
 * Does an operation of an operator: 202; 400 for an unknown agent or an operation that is not valid;
 * 409 when the agent is away or the resources cannot be had.
 */
export function operateOnResources(
  context: MasterContext,
  { agentId, operation }: OperatorOperation,
): CallAnswer {
  const agent = context.cluster.agents.get(id<'AgentId'>(agentId));
  if (agent === undefined) return { status: 400, message: `No agent found with ID ${agentId}` };
  const change = convert(operation, { agent, principal: undefined, offer: undefined });
  if (change.problem !== undefined) {
    const what = `Invalid ${operation.type ?? ''} operation on agent ${agentId}`;
    return { status: 400, message: `${what}: ${change.problem}` };
  }
  if (!agent.isConnected || agent.isLeaving) {
    const message = `Agent ${agentId} is not connected: try again when it is back`;
    return { status: 409, message };
  }
  const full = memoryProblem(agent, change);
  if (full !== undefined) return { status: 409, message: `Cannot apply the operation: ${full}` };
  if (!take(context, agent, change)) {
    const unused = agent.total.minus(agent.usedTotal);
    const what = `Cannot apply the operation on agent ${agentId}`;
    return { status: 409, message: `${what}: ${shortage(change.from, unused)}` };
  }
  convertTotal(agent, change);
  context.metrics.operations.count(operation.type, 'OPERATION_FINISHED');
  sendCheckpoint(agent);
  agent.assertWithinTotal();
  return { status: 202 };
}

/** Has the allocator convert what is free, after rescinding offers where that is enough. */
function take(
  context: MasterContext,
  agent: Agent,
  change: { readonly from: Resources; readonly to: Resources },
): boolean {
  const { allocator } = context;
  rescindSharing(context, agent, change.from);
  if (allocator.updateAvailable(agent.id, change)) return true;
  const { from } = change;
  if (!agent.total.minus(agent.usedTotal).contains(from)) return false;
  let free = agent.total.minus(agent.usedTotal).minus(agent.offered);
  for (const offer of agent.offers) {
    if (free.contains(from)) break;
    const part = offer.resources.unallocated();
    const isInTheWay = !from.minus(part).equals(from);
    if (!isInTheWay) continue;
    rescindOffer(context, offer);
    free = free.plus(part);
  }
  return allocator.updateAvailable(agent.id, change);
}
