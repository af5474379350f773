/**
 * What a launch takes from the offers of an ACCEPT, and what of it goes into the books: executors
 * once, tasks each. The task is checked before; see `task-validation.ts` and `group-validation.ts`.
 */
import type { ExecutorInfo, Task, TaskInfo } from '../api/index.js';
import { type ExecutorId, id } from '../base/index.js';
import type { Resources } from '../resources/index.js';
import type { AcceptedOffers } from './accepted-offers.js';
import { addExecutor, addTask, countEnd } from './books.js';
import { masterStatus, sendUpdate } from './status.js';

/** Takes what a new executor needs from the offers and puts it into the books. */
export function chargeExecutor(
  work: AcceptedOffers,
  info: ExecutorInfo,
  resources: Resources,
): void {
  const { framework, agent } = work;
  const executorId = id<'ExecutorId'>(info.executor_id.value);
  work.available = work.available.minus(resources);
  const owner = { executorId, frameworkId: framework.id, agentId: agent.id };
  addExecutor(framework, agent, { ...owner, info, resources });
}

/**
 * Takes what a task needs from the offers and puts the task into the books. What is shared stays for
 * further tasks. Returns the task as it is sent to the agent.
 */
export function chargeTask(work: AcceptedOffers, given: TaskInfo, resources: Resources): TaskInfo {
  const { context, framework, agent } = work;
  const shared = resources.filter((item) => item.shared);
  if (!shared.isEmpty) context.allocator.share(framework.id, agent.id, shared);
  work.available = work.available.minus(resources.minus(shared));
  work.hasLaunched = true;
  const task: TaskInfo = { ...given, resources: resources.wire() };
  const executorId =
    task.executor === undefined ? undefined : id<'ExecutorId'>(task.executor.executor_id.value);
  const taskId = id<'TaskId'>(task.task_id.value);
  addTask(framework, agent, {
    taskId,
    frameworkId: framework.id,
    agentId: agent.id,
    executorId,
    resources,
    message: taskMessage(task, work, executorId),
    isReleased: false,
    kill: undefined,
  });
  agent.assertWithinTotal();
  context.notify({ kind: 'task-added', frameworkId: framework.id, taskId, state: 'TASK_STAGING' });
  return task;
}

function taskMessage(
  task: TaskInfo,
  work: AcceptedOffers,
  executorId: ExecutorId | undefined,
): Task {
  const user = task.command?.user ?? task.executor?.command?.user;
  return {
    name: task.name,
    task_id: task.task_id,
    framework_id: { value: work.framework.id },
    executor_id: executorId === undefined ? undefined : { value: executorId },
    agent_id: { value: work.agent.id },
    state: 'TASK_STAGING',
    resources: task.resources,
    labels: task.labels,
    discovery: task.discovery,
    container: task.container,
    health_check: task.health_check,
    kill_policy: task.kill_policy,
    user,
    limits: task.limits,
  };
}

/** Tells the framework that a task, or the group that it belongs to, is not valid. */
export function refuseTask(
  work: AcceptedOffers,
  task: TaskInfo,
  why: {
    readonly reason: 'REASON_TASK_INVALID' | 'REASON_TASK_GROUP_INVALID';
    readonly message: string;
  },
): void {
  const { context, framework } = work;
  countEnd(context, framework, 'TASK_ERROR');
  const status = masterStatus(context, {
    taskId: task.task_id.value,
    agentId: task.agent_id.value,
    state: 'TASK_ERROR',
    ...why,
  });
  sendUpdate(framework, status);
}
