/**
 * RESERVE and UNRESERVE in an ACCEPT: they turn what was offered into something else of the same
 * amount, at once in the books of master and allocator, and the agent is told what to checkpoint.
 */
import type { OfferOperation, OperationState, Resource } from '../api/index.js';
import {
  Resources,
  isDynamicallyReserved,
  popReservation,
  validateReserve,
  validateUnreserve,
} from '../resources/index.js';
import type { Agent } from './agent.js';
import { type MasterContext, sendEvent } from './context.js';
import type { Framework } from './framework.js';

/** Where an operation is to be done. */
export interface OperationPlace {
  readonly framework: Framework;
  readonly role: string;
  /** What is left of the offers, bound to the role. */
  readonly available: Resources;
  /** The authenticated principal of the framework, if any. */
  readonly principal: string | undefined;
}

/** What an operation changes, or why it cannot be done. */
export type Conversion =
  | { readonly problem: string }
  | { readonly problem: undefined; readonly from: Resources; readonly to: Resources };

/** What a RESERVE or UNRESERVE would change. */
export function convert(operation: OfferOperation, place: OperationPlace): Conversion {
  const { role, available } = place;
  const problem = operationProblem(operation, place);
  if (problem !== undefined) return { problem };
  const named = Resources.fromWire(resourcesOf(operation)).allocatedTo(role);
  const less = popReservation(named);
  const isReserve = operation.type === 'RESERVE';
  const [from, to] = isReserve ? [less, named] : [named, less];
  if (available.contains(from)) return { problem: undefined, from, to };
  return { problem: `${from.toString()} is needed and ${available.toString()} is available` };
}

function resourcesOf(operation: OfferOperation): readonly Resource[] {
  const payload = operation.type === 'RESERVE' ? operation.reserve : operation.unreserve;
  return payload?.resources ?? [];
}

function operationProblem(operation: OfferOperation, place: OperationPlace): string | undefined {
  const resources = resourcesOf(operation);
  if (operation.type === 'UNRESERVE') {
    if (operation.unreserve === undefined) return "'unreserve' is not set";
    return validateUnreserve(resources);
  }
  if (operation.reserve === undefined) return "'reserve' is not set";
  if ((operation.reserve.source ?? []).length > 0) {
    return "'reserve.source' is for operators; a scheduler unreserves first";
  }
  return validateReserve(resources, {
    principal: place.principal,
    allocationRole: place.role,
    frameworkRoles: place.framework.roles,
  });
}

/** Everything that is reserved dynamically or is a volume: what an agent has to remember. */
export function checkpointedPart(total: Resources): Resources {
  return total.filter((item) => isDynamicallyReserved(item) || item.isPersistentVolume);
}

/** Tells an agent what it has to checkpoint. */
export function sendCheckpoint(agent: Agent): void {
  agent.connection?.send({
    type: 'CHECKPOINT_RESOURCES',
    checkpoint_resources: { resources: checkpointedPart(agent.total).toWire() },
  });
}

/** Answers an operation that has an id; without one the framework does not want to know. */
export function answerOperation(
  context: MasterContext,
  framework: Framework,
  answer: {
    readonly operation: OfferOperation;
    readonly state: Extract<OperationState, 'OPERATION_FINISHED' | 'OPERATION_ERROR'>;
    readonly agent?: Agent | undefined;
    readonly message?: string | undefined;
  },
): void {
  const { operation, state, agent, message } = answer;
  if (operation.id === undefined) {
    if (message !== undefined) {
      context.log.warn('dropped an operation', {
        framework: framework.id,
        type: operation.type,
        message,
      });
    }
    return;
  }
  const isFinished = state === 'OPERATION_FINISHED';
  sendEvent(framework, {
    type: 'UPDATE_OPERATION_STATUS',
    update_operation_status: {
      status: {
        operation_id: operation.id,
        state,
        message,
        uuid: isFinished ? { value: context.world.ids.uuidBytes() } : undefined,
        agent_id: agent === undefined ? undefined : { value: agent.id },
      },
    },
  });
}
