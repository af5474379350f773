/**
 * What follows when resources of an agent were converted: its books change, it is told what to
 * checkpoint; and what a framework is told of an operation that is not done.
 */
import { type OfferOperation, encodeJson } from '../api/index.js';
import { type Resources, isDynamicallyReserved } from '../resources/index.js';
import type { Agent } from './agent.js';
import { type MasterContext, sendEvent } from './context.js';
import type { Framework } from './framework.js';
import { rescindOffer } from './offers.js';

/** Everything that is reserved dynamically or is a volume: what an agent has to remember. */
export function checkpointedPart(total: Resources): Resources {
  return total.filter((item) => isDynamicallyReserved(item) || item.isPersistentVolume);
}

/**
 * Most that an agent is to remember, in characters of JSON: some two thousand reservations and
 * volumes. An agent that could not record them all would record none.
 */
export const MAX_CHECKPOINTED_CHARS = 500_000;

/** Why an agent cannot remember what a conversion would leave it with; undefined: it can. */
export function memoryProblem(agent: Readonly<Agent>, change: Change): string | undefined {
  const resources = checkpointedPart(convertedTotal(agent, change)).toWire();
  const { length } = encodeJson('LinkMasterMessageCheckpointResources', { resources });
  if (length <= MAX_CHECKPOINTED_CHARS) return undefined;
  return (
    `the reservations and volumes of agent ${agent.id} would take ${length} characters, ` +
    `and it remembers ${MAX_CHECKPOINTED_CHARS} at most`
  );
}

/** From what to what resources are converted. */
interface Change {
  readonly from: Resources;
  readonly to: Resources;
}

function convertedTotal(agent: Readonly<Agent>, { from, to }: Change): Resources {
  return agent.total.minus(from.unallocated()).plus(to.unallocated());
}

/**
 * Takes back every offer of an agent that has shared resources of a conversion: they end, and whoever
 * was offered them has to know.
 */
export function rescindSharing(context: MasterContext, agent: Agent, ended: Resources): void {
  const keys = new Set(
    ended.unallocated().items.flatMap(({ shared, key }) => (shared ? [key] : [])),
  );
  if (keys.size === 0) return;
  for (const offer of agent.offers) {
    const has = offer.resources.unallocated().items.some(({ key }) => keys.has(key));
    if (has) rescindOffer(context, offer);
  }
}

/** Puts a conversion into the books of an agent. Allocator and agent are told by the caller. */
export function convertTotal(agent: Agent, change: Change): void {
  agent.total = convertedTotal(agent, change);
}

/** Tells an agent what it has to checkpoint. */
export function sendCheckpoint(agent: Agent): void {
  agent.connection?.send({
    type: 'CHECKPOINT_RESOURCES',
    checkpoint_resources: { resources: checkpointedPart(agent.total).toWire() },
  });
}

/**
 * Answers an operation that is not done, if it has an id; without one the framework does not want to
 * know. Nobody acknowledges the answer.
 */
export function refuseOperation(
  context: MasterContext,
  framework: Framework,
  refused: { readonly operation: OfferOperation; readonly message: string },
): void {
  const { operation, message } = refused;
  context.metrics.operations.count(operation.type, 'OPERATION_ERROR');
  if (operation.id === undefined) {
    const fields = { framework: framework.id, type: operation.type, message };
    context.log.warn('dropped an operation', fields);
    return;
  }
  sendEvent(framework, {
    type: 'UPDATE_OPERATION_STATUS',
    update_operation_status: {
      status: { operation_id: operation.id, state: 'OPERATION_ERROR', message },
    },
  });
}
