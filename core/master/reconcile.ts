/** RECONCILE and RECONCILE_OPERATIONS: what the master knows, or what it can conclude. */
import type {
  OperationState,
  OperationStatus,
  SchedulerCallReconcile,
  SchedulerCallReconcileOperations,
  SchedulerCallReconcileTask,
  TaskState,
} from '../api/index.js';
import { type AgentId, id } from '../base/index.js';
import type { MasterContext } from './context.js';
import type { Framework, TaskRecord } from './framework.js';
import { tellFramework } from './operation-feedback.js';
import { lastKnown, masterStatus, sendUpdate } from './status.js';

/** RECONCILE: no tasks named means all tasks of the framework. */
export function reconcile(
  context: MasterContext,
  framework: Framework,
  call: SchedulerCallReconcile,
): void {
  context.metrics.count('messages_reconcile_tasks');
  const named = call.tasks ?? [];
  if (named.length > 0) {
    for (const task of named) reconcileTask(context, framework, task);
    return;
  }
  for (const task of framework.tasks.values()) answerKnown(context, framework, task);
}

/** Answers about one task; not at all while its agent may still come back and say more. */
export function reconcileTask(
  context: MasterContext,
  framework: Framework,
  named: SchedulerCallReconcileTask,
): void {
  const task = framework.tasks.get(id<'TaskId'>(named.task_id.value));
  if (task !== undefined) {
    answerKnown(context, framework, task);
    return;
  }
  const agentId = named.agent_id === undefined ? undefined : id<'AgentId'>(named.agent_id.value);
  const conclusion = conclude(context, framework, { taskId: named.task_id.value, agentId });
  if (conclusion === undefined) return;
  const status = masterStatus(context, {
    taskId: named.task_id.value,
    agentId: agentId ?? conclusion.agentId,
    state: framework.visible(conclusion.state),
    reason: 'REASON_RECONCILIATION',
    message: `Reconciliation: ${conclusion.message}`,
    unreachableMs: conclusion.unreachableMs,
  });
  sendUpdate(framework, status);
}

function answerKnown(context: MasterContext, framework: Framework, task: TaskRecord): void {
  // The last state that was forwarded: a newer one of the agent is still on its way.
  const state = task.message.status_update_state ?? task.message.state;
  const status = masterStatus(context, {
    ...lastKnown(task.message),
    taskId: task.taskId,
    agentId: task.agentId,
    executorId: task.executorId,
    state: framework.visible(state),
    reason: 'REASON_RECONCILIATION',
    message: 'Reconciliation: latest state of the task',
  });
  sendUpdate(framework, status);
}

interface Conclusion {
  readonly state: TaskState;
  readonly message: string;
  readonly agentId?: AgentId | undefined;
  readonly unreachableMs?: number | undefined;
}

function conclude(
  context: MasterContext,
  framework: Framework,
  named: { readonly taskId: string; readonly agentId: AgentId | undefined },
): Conclusion | undefined {
  const { cluster } = context;
  const remembered = framework.unreachableTasks.get(id<'TaskId'>(named.taskId));
  const agentId = named.agentId ?? (remembered && id<'AgentId'>(remembered.agent_id.value));
  if (agentId === undefined) {
    if (cluster.recoveredAgents.size > 0) return undefined;
    return { state: 'TASK_UNKNOWN', message: 'task is unknown' };
  }
  if (cluster.recoveredAgents.has(agentId)) return undefined;
  if (cluster.agents.has(agentId)) {
    return { state: 'TASK_GONE', message: 'task is unknown to its agent', agentId };
  }
  const unreachable = cluster.unreachableAgents.get(agentId);
  if (unreachable !== undefined) {
    const unreachableMs = unreachable.sinceMs;
    return { state: 'TASK_UNREACHABLE', message: 'agent is unreachable', agentId, unreachableMs };
  }
  if (cluster.goneAgents.has(agentId)) {
    return { state: 'TASK_GONE_BY_OPERATOR', message: 'agent is gone', agentId };
  }
  return { state: 'TASK_UNKNOWN', message: 'task and agent are unknown', agentId };
}

/** RECONCILE_OPERATIONS: no operations named means all of the framework that have an id. */
export function reconcileOperations(
  context: MasterContext,
  framework: Framework,
  call: SchedulerCallReconcileOperations,
): void {
  context.metrics.count('messages_reconcile_operations');
  const named = call.operations ?? [];
  if (named.length === 0) {
    for (const { status } of framework.operations.values()) answerOperation(framework, status);
    return;
  }
  for (const { operation_id: operationId, agent_id: agentId } of named) {
    const known = framework.operations.get(operationId.value);
    if (known !== undefined) {
      answerOperation(framework, known.status);
      continue;
    }
    const state = operationState(context, agentId && id<'AgentId'>(agentId.value));
    const message = 'Reconciliation: operation is unknown';
    tellFramework(framework, { operation_id: operationId, state, message, agent_id: agentId });
  }
}

/** Says what the agent said last, without the uuid: its own repetitions are acknowledged, not this. */
function answerOperation(framework: Framework, status: OperationStatus): void {
  const message = 'Reconciliation: latest status of the operation';
  tellFramework(framework, { ...status, uuid: undefined, message: status.message ?? message });
}

function operationState(context: MasterContext, agentId: AgentId | undefined): OperationState {
  const { cluster } = context;
  if (agentId === undefined) return 'OPERATION_UNKNOWN';
  if (cluster.recoveredAgents.has(agentId)) return 'OPERATION_RECOVERING';
  if (cluster.unreachableAgents.has(agentId)) return 'OPERATION_UNREACHABLE';
  if (cluster.goneAgents.has(agentId)) return 'OPERATION_GONE_BY_OPERATOR';
  return 'OPERATION_UNKNOWN';
}
