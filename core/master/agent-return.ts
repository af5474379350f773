/**
 * An agent comes back with what runs on it. An agent that this master has registered keeps its
 * books, and is asked about tasks that it does not know; for one that it has only read of, the
 * agent's report becomes the books.
 */
import {
  type LinkAgentMessageReregister,
  type LinkFrameworkTasks,
  type Task,
  isTerminalState,
  messagesEqual,
  validateId,
} from '../api/index.js';
import { type FrameworkId, type TaskId, id } from '../base/index.js';
import { Resources, validateResources } from '../resources/index.js';
import type { Agent } from './agent.js';
import { addExecutor, addTask, removeExecutor } from './books.js';
import type { MasterContext } from './context.js';
import type { Framework } from './framework.js';
import { addRecoveredFramework, recordFramework } from './frameworks.js';
import { isRecordable } from './registry-records.js';
import { lastKnown, masterStatus, sendUpdate } from './status.js';

/** Why a report cannot be trusted, or undefined. */
export function reportProblem(report: LinkAgentMessageReregister): string | undefined {
  const lists = [
    ...(report.tasks ?? []).map(({ resources }) => resources ?? []),
    ...(report.executors ?? []).map(({ executor_info: { resources } }) => resources ?? []),
  ];
  for (const resources of lists) {
    const problem = validateResources(resources);
    if (problem !== undefined) return problem;
    const unbound = resources.find((resource) => resource.allocation_info?.role === undefined);
    if (unbound !== undefined) return `resource '${unbound.name}' in use is bound to no role`;
  }
  return undefined;
}

/**
 * Puts the tasks and executors that an agent reports into the books. Returns the tasks that must not
 * go on: their framework has launched another task under the same id on another agent meanwhile.
 */
export function recoverFromReport(
  context: MasterContext,
  agent: Agent,
  report: LinkAgentMessageReregister,
): readonly Task[] {
  const duplicates: Task[] = [];
  for (const { framework_id: owner, executor_info: info } of report.executors ?? []) {
    const framework = ownerOf(context, report, id<'FrameworkId'>(owner.value));
    const executorId = id<'ExecutorId'>(info.executor_id.value);
    if (framework === undefined || agent.executor(framework.id, executorId) !== undefined) continue;
    const resources = Resources.fromWire(info.resources ?? []);
    const place = { executorId, frameworkId: framework.id, agentId: agent.id };
    addExecutor(framework, agent, { ...place, info, resources });
  }
  for (const task of report.tasks ?? []) {
    const framework = ownerOf(context, report, id<'FrameworkId'>(task.framework_id.value));
    if (framework === undefined) continue;
    const known = framework.tasks.get(id<'TaskId'>(task.task_id.value));
    if (known === undefined) {
      recoverTask(framework, agent, task);
      const { task_id, state } = task;
      const { id: frameworkId } = framework;
      context.notify({ kind: 'task-added', frameworkId, taskId: task_id.value, state });
    } else if (known.agentId !== agent.id && !isTerminalState(task.state)) duplicates.push(task);
  }
  agent.noteOvercommitment();
  return duplicates;
}

/** The framework of a reported task: known, or made from the report; undefined when removed. */
function ownerOf(
  context: MasterContext,
  report: LinkAgentMessageReregister,
  frameworkId: FrameworkId,
): Framework | undefined {
  const { cluster } = context;
  const known = cluster.frameworks.get(frameworkId);
  if (known !== undefined || cluster.removedFrameworks.has(frameworkId)) return known;
  const info = report.frameworks?.find((one) => one.id?.value === frameworkId);
  if (info === undefined || validateId(frameworkId) !== undefined || !isRecordable(info)) {
    context.log.warn('an agent reports tasks whose framework is missing or not valid', {
      framework: frameworkId,
    });
    return undefined;
  }
  recordFramework(context, info);
  return addRecoveredFramework(context, info);
}

function recoverTask(framework: Framework, agent: Agent, message: Task): void {
  const taskId = id<'TaskId'>(message.task_id.value);
  const executorId = message.executor_id?.value;
  framework.unreachableTasks.delete(taskId);
  framework.completedTasks.removeWhere((task) => isSameTask(task, message));
  addTask(framework, agent, {
    taskId,
    frameworkId: framework.id,
    agentId: agent.id,
    executorId: executorId === undefined ? undefined : id<'ExecutorId'>(executorId),
    resources: Resources.fromWire(message.resources ?? []),
    message,
    isReleased: isTerminalState(message.state),
    kill: undefined,
  });
}

/** A task that was given up as lost may come back. */
function isSameTask(task: Task, other: Task): boolean {
  return (
    task.state === 'TASK_LOST' &&
    task.task_id.value === other.task_id.value &&
    task.agent_id.value === other.agent_id.value
  );
}

/** Tells frameworks about their tasks on an agent that was given up and is back. */
export function announceTasks(context: MasterContext, agent: Agent): void {
  for (const tasks of agent.tasks.values()) {
    for (const { message, frameworkId, taskId, executorId } of tasks.values()) {
      const framework = context.cluster.frameworks.get(frameworkId);
      if (framework === undefined || isTerminalState(message.state)) continue;
      const status = masterStatus(context, {
        ...lastKnown(message),
        taskId,
        agentId: agent.id,
        executorId,
        state: framework.visible(message.status_update_state ?? message.state),
        reason: 'REASON_AGENT_REREGISTERED',
        message: 'The agent has registered again',
      });
      sendUpdate(framework, status);
    }
  }
}

/** What the books have and the agent does not know: it answers for the tasks. */
export function compareBooks(
  context: MasterContext,
  agent: Agent,
  report: LinkAgentMessageReregister,
): readonly LinkFrameworkTasks[] {
  const reported = new Set(
    (report.tasks ?? []).map((task) => key(task.framework_id.value, task.task_id.value)),
  );
  const unknown: LinkFrameworkTasks[] = [];
  for (const [frameworkId, tasks] of agent.tasks) {
    const missing: TaskId[] = [...tasks.keys()].filter(
      (one) => !reported.has(key(frameworkId, one)),
    );
    if (missing.length === 0) continue;
    const taskIds = missing.map((value) => ({ value }));
    unknown.push({ framework_id: { value: frameworkId }, task_ids: taskIds });
  }
  const running = new Set(
    (report.executors ?? []).map((one) =>
      key(one.framework_id.value, one.executor_info.executor_id.value),
    ),
  );
  for (const executors of agent.executors.values()) {
    for (const executor of executors.values()) {
      const isRunning = running.has(key(executor.frameworkId, executor.executorId));
      if (!isRunning) removeExecutor(context, executor);
    }
  }
  return unknown;
}

/** Ids hold no slash. */
function key(frameworkId: string, other: string): string {
  return `${frameworkId}/${other}`;
}

/** Frameworks that the agent still runs and that were removed, or have changed, while it was away. */
export function updateReportedFrameworks(
  context: MasterContext,
  agent: Agent,
  report: LinkAgentMessageReregister,
): void {
  const { cluster } = context;
  for (const info of report.frameworks ?? []) {
    const frameworkId = id<'FrameworkId'>(info.id?.value ?? '');
    const framework = cluster.frameworks.get(frameworkId);
    if (cluster.removedFrameworks.has(frameworkId)) {
      agent.connection?.send({
        type: 'SHUTDOWN_FRAMEWORK',
        shutdown_framework: { framework_id: { value: frameworkId } },
      });
    } else if (framework !== undefined) {
      framework.agentsUsed.add(agent.id);
      if (messagesEqual('FrameworkInfo', framework.info, info)) continue;
      agent.connection?.send({
        type: 'UPDATE_FRAMEWORK',
        update_framework: { framework_info: framework.info },
      });
    }
  }
}
