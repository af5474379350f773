/**
 * MARK_AGENT_GONE: an agent is declared dead for ever, with all that runs on it. Its record says so
 * before anybody is told; from then on it is shut down whenever it asks to come back.
 */
import type { CallAnswer, RegistryAgent, Task } from '../api/index.js';
import { type AgentId, assert, id } from '../base/index.js';
import type { Agent } from './agent.js';
import { agentRecord, detach, startLeaving, tellFailure, writeDone } from './agent-departure.js';
import { MAX_STATUSES_PER_TASK, countEnd } from './books.js';
import type { AbsentAgent } from './cluster.js';
import type { MasterContext } from './context.js';
import type { Framework } from './framework.js';
import type { OperatorDecision } from './operator-changes.js';
import { deactivationKey, putAgent } from './registry-records.js';
import { masterStatus, sendUpdate } from './status.js';

/** MARK_AGENT_GONE. Of an agent that is gone already it is true: 200. */
export function markAgentGone(context: MasterContext, agentId: AgentId): Promise<CallAnswer> {
  return context.operatorChanges.submit(() => decideGone(context, agentId));
}

/** Decides whether an agent can be marked gone now, and takes it out of everything if so. */
export function decideGone(context: MasterContext, agentId: AgentId): OperatorDecision {
  const { cluster, pendingAgents } = context;
  if (cluster.goneAgents.has(agentId)) return { status: 200 };
  if (pendingAgents.writing.has(agentId)) {
    const message = `Agent ${agentId} is being removed or registered at this moment: try again`;
    return { status: 503, message };
  }
  if (!cluster.isKnown(agentId)) {
    return { status: 404, message: `No agent found with ID ${agentId}` };
  }
  const sinceMs = context.world.clock.now();
  const gone = goneAgent(context, agentId, sinceMs);
  startGoing(context, agentId);
  return {
    change: { puts: [putAgent(agentId, gone.record)], deletes: [deactivationKey(agentId)] },
    apply() {
      finishGoing(context, agentId, gone);
      return { status: 200 };
    },
  };
}

function goneAgent({ cluster }: MasterContext, agentId: AgentId, sinceMs: number): AbsentAgent {
  const record = (known: RegistryAgent): RegistryAgent => ({
    ...known,
    state: 'GONE',
    since: sinceMs / 1000,
  });
  const agent = cluster.agents.get(agentId);
  if (agent !== undefined) {
    return { info: agent.info, sinceMs, record: record(agentRecord(agent, 'GONE')) };
  }
  const absent = cluster.recoveredAgents.get(agentId) ?? cluster.unreachableAgents.get(agentId);
  assert(absent, `agent ${agentId} is neither registered nor absent`);
  return { info: absent.info, sinceMs, record: record(absent.record) };
}

/** From now on it cannot come back, until the record is durable. */
function startGoing(context: MasterContext, agentId: AgentId): void {
  const { cluster, pendingAgents } = context;
  const agent = cluster.agents.get(agentId);
  if (agent === undefined) pendingAgents.writing.set(agentId, undefined);
  else startLeaving(context, agent);
  pendingAgents.markingGone.add(agentId);
}

function finishGoing(context: MasterContext, agentId: AgentId, gone: AbsentAgent): void {
  const { cluster, metrics, pendingAgents } = context;
  const message = `Agent ${gone.info.hostname} was marked gone by an operator`;
  const agent = cluster.agents.get(agentId);
  cluster.setDeactivation(agentId, undefined);
  cluster.goneAgents.set(agentId, gone);
  if (agent !== undefined) {
    metrics.count('slave_removals');
    removeRegistered(context, agent, message);
  } else if (cluster.unreachableAgents.delete(agentId)) {
    // It was counted and told as lost when it became unreachable.
    endUnreachableTasks(context, agentId, message);
  } else {
    metrics.count('slave_removals');
    cluster.recoveredAgents.delete(agentId);
    tellFailure(context, agentId);
    context.notify({ kind: 'agent-removed', agentId });
  }
  context.log.warn('an agent was marked gone', { agent: agentId, host: gone.info.hostname });
  context.notify({ kind: 'agent-gone', agentId });
  pendingAgents.markingGone.delete(agentId);
  writeDone(context, agentId);
}

function removeRegistered(context: MasterContext, agent: Agent, message: string): void {
  agent.connection?.send({ type: 'REFUSED', refused: { message, shutdown: true } });
  detach(context, agent, {
    state: 'TASK_GONE_BY_OPERATOR',
    reason: 'REASON_AGENT_REMOVED_BY_OPERATOR',
    message,
  });
  context.notify({ kind: 'agent-removed', agentId: agent.id });
}

/** Tasks that could have come back with their agent are over now. */
function endUnreachableTasks(context: MasterContext, agentId: AgentId, message: string): void {
  for (const framework of context.cluster.frameworks.values()) {
    for (const task of framework.unreachableTasks.values()) {
      if (task.agent_id.value === agentId) endTask(context, framework, { task, message });
    }
  }
}

function endTask(
  context: MasterContext,
  framework: Framework,
  ended: { readonly task: Task; readonly message: string },
): void {
  const { task, message } = ended;
  const status = masterStatus(context, {
    taskId: task.task_id.value,
    agentId: task.agent_id.value,
    executorId: task.executor_id && id<'ExecutorId'>(task.executor_id.value),
    state: framework.visible('TASK_GONE_BY_OPERATOR'),
    reason: 'REASON_AGENT_REMOVED_BY_OPERATOR',
    message,
  });
  const { state } = status;
  framework.unreachableTasks.delete(id<'TaskId'>(task.task_id.value));
  framework.completedTasks.push({
    ...task,
    state,
    statuses: [...(task.statuses ?? []).slice(1 - MAX_STATUSES_PER_TASK), status],
    status_update_state: state,
    status_update_uuid: undefined,
  });
  countEnd(context, framework, state);
  const { id: frameworkId } = framework;
  context.notify({ kind: 'task-updated', frameworkId, taskId: task.task_id.value, state });
  sendUpdate(framework, status);
}
