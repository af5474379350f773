/** KILL and SHUTDOWN: what a framework asks of its tasks and executors. */
import {
  type SchedulerCallKill,
  type SchedulerCallShutdown,
  isTerminalState,
} from '../api/index.js';
import { id } from '../base/index.js';
import type { Agent } from './agent.js';
import type { MasterContext } from './context.js';
import type { Framework, TaskRecord } from './framework.js';
import { reconcileTask } from './reconcile.js';

/**
 * KILL. An unknown task is answered like a reconciliation. The wish is remembered until the task
 * has ended: an agent that is away is told when it comes back.
 */
export function killTask(
  context: MasterContext,
  framework: Framework,
  call: SchedulerCallKill,
): void {
  context.metrics.count('messages_kill_task');
  const { task_id: taskId, agent_id: agentId } = call;
  const task = framework.tasks.get(id<'TaskId'>(taskId.value));
  if (task === undefined) {
    reconcileTask(context, framework, { task_id: taskId, agent_id: agentId });
    return;
  }
  if (agentId !== undefined && agentId.value !== task.agentId) {
    const fields = { task: taskId.value, agent: agentId.value, actual: task.agentId };
    context.log.warn('ignoring KILL that names the wrong agent', fields);
    return;
  }
  task.kill = { policy: call.kill_policy };
  const agent = context.cluster.agents.get(task.agentId);
  if (agent !== undefined) sendKill(agent, task);
}

/** Asks a task to end, so that roles have what they are guaranteed. */
export function revokeTask(
  context: MasterContext,
  task: TaskRecord,
  roles: readonly string[],
): void {
  task.kill = { revokedFor: roles.join(', ') };
  const agent = context.cluster.agents.get(task.agentId);
  if (agent !== undefined) sendKill(agent, task);
}

/** Repeats what was asked while the agent was away. */
export function resendKills(agent: Agent): void {
  for (const tasks of agent.tasks.values()) {
    for (const task of tasks.values()) {
      if (task.kill !== undefined && !isTerminalState(task.message.state)) sendKill(agent, task);
    }
  }
}

function sendKill(agent: Agent, task: TaskRecord): void {
  agent.connection?.send({
    type: 'KILL_TASK',
    kill_task: {
      framework_id: { value: task.frameworkId },
      task_id: { value: task.taskId },
      kill_policy: task.kill?.policy,
      ...(task.kill?.revokedFor !== undefined && { revoked_for: task.kill.revokedFor }),
    },
  });
}

/** SHUTDOWN of an executor; an unknown one is ignored. */
export function shutdownExecutor(
  context: MasterContext,
  framework: Framework,
  call: SchedulerCallShutdown,
): void {
  const agent = context.cluster.agents.get(id<'AgentId'>(call.agent_id.value));
  const executor = agent?.executor(framework.id, id<'ExecutorId'>(call.executor_id.value));
  if (agent === undefined || executor === undefined) {
    const fields = { executor: call.executor_id.value, agent: call.agent_id.value };
    context.log.warn('ignoring SHUTDOWN of an unknown executor', fields);
    return;
  }
  agent.connection?.send({
    type: 'SHUTDOWN_EXECUTOR',
    shutdown_executor: {
      framework_id: { value: framework.id },
      executor_id: { value: executor.executorId },
    },
  });
}
