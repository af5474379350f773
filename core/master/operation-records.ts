/**
 * Operations with an id whose outcome the framework has not acknowledged: the books of agent and
 * framework. Resources are not held by them: those change when an operation is accepted.
 */
import {
  type MasterResponseGetOperations,
  type OfferOperation,
  type OfferOperationType,
  type Operation,
  type OperationState,
  encodeJson,
} from '../api/index.js';
import type { Agent } from './agent.js';
import type { Framework, OperationRecord } from './framework.js';

/** Operations of one agent that wait for their acknowledgement at most. */
export const MAX_OPERATIONS_PER_AGENT = 1_000;

/** What all of them are together at most, in characters of JSON: the agent reports them in one message. */
export const MAX_OPERATION_CHARS_PER_AGENT = 2_000_000;

/** One operation at most, in characters of JSON: the agent keeps it in one record. */
export const MAX_OPERATION_CHARS = 256 * 1024;

/** Characters of an operation as JSON. */
export function operationChars(info: OfferOperation): number {
  return encodeJson('OfferOperation', info).length;
}

/** Why an agent has no room for another operation with an id, or undefined. */
export function roomProblem(agent: Readonly<Agent>, chars: number): string | undefined {
  if (chars > MAX_OPERATION_CHARS) {
    return `the operation has ${chars} characters as JSON, and at most ${MAX_OPERATION_CHARS} are taken`;
  }
  const { operations } = agent;
  if (operations.size >= MAX_OPERATIONS_PER_AGENT) {
    return `${operations.size} operations on agent ${agent.id} wait for acknowledgement already`;
  }
  let all = chars;
  for (const record of operations.values()) all += record.chars;
  if (all <= MAX_OPERATION_CHARS_PER_AGENT) return undefined;
  return `the operations on agent ${agent.id} that wait for acknowledgement are too large together`;
}

/** Puts an operation into the books. A newer one of the same id stays what the id means. */
export function addOperation(framework: Framework, agent: Agent, record: OperationRecord): void {
  agent.operations.set(record.uuid, record);
  if (!framework.operations.has(record.operationId)) {
    framework.operations.set(record.operationId, record);
  }
  framework.agentsUsed.add(agent.id);
}

/** Takes an operation off the books; either side may be gone. */
export function removeOperation(
  framework: Framework | undefined,
  agent: Agent | undefined,
  record: OperationRecord,
): void {
  agent?.operations.delete(record.uuid);
  if (framework?.operations.get(record.operationId) === record) {
    framework.operations.delete(record.operationId);
  }
}

/** Whether nothing follows a state of an operation. */
export function isOver(state: OperationState): boolean {
  return OVER.has(state);
}

const OVER: ReadonlySet<OperationState> = new Set<OperationState>([
  'OPERATION_FINISHED',
  'OPERATION_FAILED',
  'OPERATION_ERROR',
  'OPERATION_DROPPED',
  'OPERATION_GONE_BY_OPERATOR',
]);

/** The operation as pages show it and agents keep it. */
export function operationMessage(record: OperationRecord): Operation {
  const { status } = record;
  return {
    framework_id: { value: record.frameworkId },
    agent_id: { value: record.agentId },
    info: record.info,
    latest_status: status,
    statuses: status.uuid === undefined ? [] : [status],
    uuid: { value: record.uuid },
  };
}

/** Counts, by type, the operations that an agent has not answered. */
export function addPending(
  counts: Map<OfferOperationType, number>,
  { operations }: Readonly<Pick<Agent, 'operations'>>,
): void {
  for (const { info, status } of operations.values()) {
    const type = status.state === 'OPERATION_PENDING' ? info.type : undefined;
    if (type !== undefined) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
}

/** GET_OPERATIONS: those that the frameworks have not acknowledged. */
export function viewOperations(
  agents: Iterable<Readonly<Pick<Agent, 'operations'>>>,
): MasterResponseGetOperations {
  const operations = [...agents].flatMap((agent) =>
    [...agent.operations.values()].map(operationMessage),
  );
  return operations.length === 0 ? {} : { operations };
}
