/**
 * The way of an operation with an id: to its agent, which carries it out and keeps its outcome; the
 * outcome to the framework, as often as it takes; and the acknowledgement back. An operation that may
 * not have reached its agent is sent again, under the uuid by which the agent knows it.
 */
import type {
  FrameworkID,
  LinkAgentMessageOperationStatus,
  OfferOperation,
  Operation,
  OperationState,
  OperationStatus,
  Resource,
  SchedulerCallAcknowledgeOperationStatus,
  TaskState,
} from '../api/index.js';
import { id } from '../base/index.js';
import { Resources, validateResources } from '../resources/index.js';
import type { Agent } from './agent.js';
import { type MasterContext, sendEvent } from './context.js';
import type { Framework, OperationRecord } from './framework.js';
import {
  MAX_OPERATIONS_PER_AGENT,
  addOperation,
  isOver,
  operationChars,
  operationMessage,
  removeOperation,
} from './operation-records.js';
import { checkpointedPart } from './operations.js';

/**
 * How long the outcome of an operation waits for a framework that no master has heard of, before it
 * is acknowledged in its place: its scheduler may come back after the registry was lost.
 */
export const ORPHAN_OPERATION_WAIT_MS = 600_000;

/** Sends an operation to its agent, whose books have changed already. */
export function startOperation(
  context: MasterContext,
  place: { readonly framework: Framework; readonly agent: Agent },
  asked: { readonly operation: OfferOperation; readonly converted: readonly Resource[] },
): void {
  const { framework, agent } = place;
  const { operation, converted } = asked;
  const record: OperationRecord = {
    uuid: context.world.ids.uuidBytes(),
    operationId: operation.id?.value ?? '',
    frameworkId: framework.id,
    agentId: agent.id,
    info: operation,
    converted,
    chars: operationChars(operation),
    status: {
      operation_id: operation.id,
      state: 'OPERATION_PENDING',
      agent_id: { value: agent.id },
    },
  };
  addOperation(framework, agent, record);
  sendOperation(agent, record);
}

function sendOperation(agent: Agent, record: OperationRecord): void {
  agent.connection?.send({
    type: 'APPLY_OPERATION',
    apply_operation: {
      operation: operationMessage(record),
      resources: checkpointedPart(agent.total).toWire(),
      converted: record.converted,
    },
  });
}

/** An agent of the books is back: what it has not recorded is sent again. */
export function resendOperations(
  context: MasterContext,
  agent: Agent,
  reported: readonly Operation[],
): void {
  const known = new Set(reported.map(({ uuid }) => uuid.value));
  for (const record of agent.operations.values()) {
    if (known.has(record.uuid)) continue;
    if (record.status.state === 'OPERATION_PENDING') sendOperation(agent, record);
    // What it had recorded and no longer knows, it was acknowledged.
    else removeOperation(context.cluster.frameworks.get(record.frameworkId), agent, record);
  }
}

/** Takes over the operations that an agent reports, as far as their frameworks are known. */
export function recoverOperations(
  context: MasterContext,
  agent: Agent,
  reported: readonly Operation[],
): void {
  for (const operation of reported) {
    const frameworkId = id<'FrameworkId'>(operation.framework_id?.value ?? '');
    const framework = context.cluster.frameworks.get(frameworkId);
    if (framework !== undefined && isSound(operation)) adopt(framework, agent, operation);
  }
}

function isSound({ latest_status: status }: Operation): boolean {
  return validateResources(status.converted_resources ?? []) === undefined;
}

function adopt(framework: Framework, agent: Agent, operation: Operation): void {
  const { info, latest_status: status, uuid } = operation;
  const record: OperationRecord = {
    uuid: uuid.value,
    operationId: info.id?.value ?? '',
    frameworkId: framework.id,
    agentId: agent.id,
    info,
    converted: status.converted_resources ?? [],
    chars: operationChars(info),
    status,
  };
  // Agents of this master report no more than they were given.
  if (agent.operations.size < MAX_OPERATIONS_PER_AGENT) addOperation(framework, agent, record);
}

/** OPERATION_STATUS of an agent: passed on; the agent repeats it until it is acknowledged. */
export function operationStatus(
  context: MasterContext,
  agent: Agent,
  { operation }: LinkAgentMessageOperationStatus,
): void {
  const { cluster, metrics } = context;
  metrics.count('messages_operation_status_update');
  const frameworkId = id<'FrameworkId'>(operation.framework_id?.value ?? '');
  const framework = cluster.frameworks.get(frameworkId);
  if (framework === undefined || !isSound(operation)) {
    metrics.count('invalid_operation_status_updates');
    const waitedMs = context.world.clock.now() - (agent.reregisteredMs ?? agent.registeredMs);
    const isOrphan = waitedMs >= ORPHAN_OPERATION_WAIT_MS;
    const { uuid } = operation.latest_status;
    if (uuid !== undefined && (isOrphan || cluster.removedFrameworks.has(frameworkId))) {
      settle(agent, operation.framework_id, uuid.value);
    }
    return;
  }
  metrics.count('valid_operation_status_updates');
  const record = agent.operations.get(operation.uuid.value);
  if (record !== undefined) {
    if (!isOver(record.status.state)) {
      metrics.operations.count(record.info.type, operation.latest_status.state);
    }
    record.status = operation.latest_status;
  }
  // Forwarded all the same: it crossed its acknowledgement, or that was lost.
  tellFramework(framework, operation.latest_status);
}

function settle(agent: Agent, framework_id: FrameworkID | undefined, statusUuid: string): void {
  agent.connection?.send({
    type: 'ACKNOWLEDGE_OPERATION',
    acknowledge_operation: { framework_id, status_uuid: { value: statusUuid } },
  });
}

/** ACKNOWLEDGE_OPERATION_STATUS: passed on to the agent; an operation that is over is forgotten. */
export function acknowledgeOperation(
  context: MasterContext,
  framework: Framework,
  call: SchedulerCallAcknowledgeOperationStatus,
): void {
  const { cluster, metrics } = context;
  metrics.count('messages_operation_status_update_acknowledgement');
  const agent = cluster.agents.get(id<'AgentId'>(call.agent_id?.value ?? ''));
  if (agent?.connection === undefined) {
    // It will repeat the status when it is back, and be acknowledged then.
    metrics.count('invalid_operation_status_update_acknowledgements');
    return;
  }
  metrics.count('valid_operation_status_update_acknowledgements');
  settle(agent, { value: framework.id }, call.uuid);
  const record = recordOf(framework, agent, call);
  if (record === undefined || !isOver(record.status.state)) return;
  removeOperation(framework, agent, record);
  context.agentEmptied(agent);
}

/** The operation whose latest status is acknowledged; its id alone may mean a newer one. */
function recordOf(
  framework: Framework,
  agent: Agent,
  { operation_id: operationId, uuid }: SchedulerCallAcknowledgeOperationStatus,
): OperationRecord | undefined {
  const isMeant = (record: OperationRecord): boolean =>
    record.frameworkId === framework.id &&
    record.operationId === operationId.value &&
    record.status.uuid?.value === uuid;
  const known = framework.operations.get(operationId.value);
  if (known !== undefined && known.agentId === agent.id && isMeant(known)) return known;
  return [...agent.operations.values()].find(isMeant);
}

/** What becomes of the operations on an agent that is lost, by what becomes of the tasks there. */
const LOST_STATES: Readonly<Partial<Record<TaskState, OperationState>>> = {
  TASK_UNREACHABLE: 'OPERATION_UNREACHABLE',
  TASK_GONE_BY_OPERATOR: 'OPERATION_GONE_BY_OPERATOR',
};

/** An agent is taken off the books: frameworks learn what that means for their operations. */
export function loseOperations(
  context: MasterContext,
  agent: Agent,
  departure: { readonly state: TaskState; readonly message: string },
): void {
  for (const record of agent.operations.values()) {
    const framework = context.cluster.frameworks.get(record.frameworkId);
    removeOperation(framework, agent, record);
    // Of an agent that is removed for good nothing is known any more, as reconciliation says.
    const state = LOST_STATES[departure.state] ?? 'OPERATION_UNKNOWN';
    context.metrics.operations.count(record.info.type, state);
    if (framework === undefined) continue;
    tellFramework(framework, {
      operation_id: record.info.id,
      state,
      message: departure.message,
      agent_id: { value: agent.id },
    });
  }
}

/** Forgets the operations of a framework that is removed; its agents are told of the removal. */
export function dropOperations(context: MasterContext, framework: Framework): void {
  for (const agentId of framework.agentsUsed) {
    const agent = context.cluster.agents.get(agentId);
    for (const record of agent?.operations.values() ?? []) {
      if (record.frameworkId === framework.id) agent?.operations.delete(record.uuid);
    }
    if (agent !== undefined) context.agentEmptied(agent);
  }
  framework.operations.clear();
}

/** Sends an UPDATE_OPERATION_STATUS event; resources are written as the framework understands them. */
export function tellFramework(framework: Framework, status: OperationStatus): void {
  const converted = status.converted_resources ?? [];
  const visible =
    converted.length === 0 || framework.has('RESERVATION_REFINEMENT')
      ? status
      : { ...status, converted_resources: older(converted) };
  sendEvent(framework, {
    type: 'UPDATE_OPERATION_STATUS',
    update_operation_status: { status: visible },
  });
}

function older(resources: readonly Resource[]): readonly Resource[] | undefined {
  const bag = Resources.fromWire(resources);
  // What cannot be said to the framework it learns from its offers, or not at all.
  return bag.hasRefined ? undefined : bag.toWire('pre-refinement');
}
