/** LAUNCH: each task of the operation is checked, charged and sent, or refused, on its own. */
import {
  type ExecutorInfo,
  type OfferOperation,
  type Task,
  type TaskInfo,
  withHealthCheckType,
} from '../api/index.js';
import { type ExecutorId, id } from '../base/index.js';
import type { Resources } from '../resources/index.js';
import type { AcceptedOffers } from './accepted-offers.js';
import { addExecutor, addTask, countEnd } from './books.js';
import { masterStatus, sendUpdate } from './status.js';
import { type LaunchableTask, completedExecutor, validateTask } from './task-validation.js';

/** Tasks of one RUN_TASKS message: they run under the same executor, or each under its own. */
interface Batch {
  readonly executor: ExecutorInfo | undefined;
  readonly tasks: TaskInfo[];
}

/** Launches the tasks of a LAUNCH operation. */
export function launchTasks(work: AcceptedOffers, operation: OfferOperation): void {
  work.context.metrics.count('messages_launch_tasks');
  const batches: Batch[] = [];
  for (const given of operation.launch?.task_infos ?? []) {
    const task = inferred(given);
    const verdict = validateTask(task, work);
    const problem =
      operation.id === undefined ? verdict.problem : "LAUNCH must not have an operation 'id'";
    if (problem !== undefined || verdict.problem !== undefined) {
      refuseTask(work, task, problem ?? verdict.problem ?? '');
      continue;
    }
    const sent = charge(work, task, verdict.launchable);
    work.hasLaunched = true;
    appendTo(batches, sent);
  }
  send(work, batches);
}

/** Fills in the type of a health check that says what to probe, as Mesos does for LAUNCH. */
function inferred(task: TaskInfo): TaskInfo {
  if (task.health_check === undefined) return task;
  return { ...task, health_check: withHealthCheckType(task.health_check) };
}

function refuseTask(work: AcceptedOffers, task: TaskInfo, problem: string): void {
  const { context } = work;
  countEnd(context, 'TASK_ERROR');
  const status = masterStatus(context, {
    taskId: task.task_id.value,
    agentId: task.agent_id.value,
    state: 'TASK_ERROR',
    reason: 'REASON_TASK_INVALID',
    message: problem,
  });
  sendUpdate(work.framework, status);
}

/** Takes what the task needs from the offer and puts it into the books; returns what is sent on. */
function charge(work: AcceptedOffers, given: TaskInfo, launchable: LaunchableTask): TaskInfo {
  const { context, framework, agent } = work;
  const { taskResources, executorResources, isNewExecutor } = launchable;
  const executor =
    given.executor === undefined ? undefined : completedExecutor(given.executor, work);
  const executorId =
    executor === undefined ? undefined : id<'ExecutorId'>(executor.executor_id.value);
  const task: TaskInfo = { ...given, resources: taskResources.wire(), executor };
  take(work, taskResources, executorResources);
  if (isNewExecutor && executor !== undefined && executorId !== undefined) {
    const owner = { executorId, frameworkId: framework.id, agentId: agent.id };
    addExecutor(framework, agent, { ...owner, info: executor, resources: executorResources });
  }
  const taskId = id<'TaskId'>(task.task_id.value);
  addTask(framework, agent, {
    taskId,
    frameworkId: framework.id,
    agentId: agent.id,
    executorId,
    resources: taskResources,
    message: taskMessage(task, work, executorId),
    isReleased: false,
    kill: undefined,
  });
  agent.assertWithinTotal();
  context.notify({ kind: 'task-added', frameworkId: framework.id, taskId, state: 'TASK_STAGING' });
  return task;
}

/** Takes from the offer what a launch uses up; what is shared stays for further tasks. */
function take(work: AcceptedOffers, ofTask: Resources, ofExecutor: Resources): void {
  const { context, framework, agent } = work;
  const shared = ofTask.filter((item) => item.shared);
  if (!shared.isEmpty) context.allocator.share(framework.id, agent.id, shared);
  work.available = work.available.minus(ofTask.minus(shared)).minus(ofExecutor);
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

/** Consecutive tasks without an executor, or with the same one, travel together. */
function appendTo(batches: Batch[], task: TaskInfo): void {
  const last = batches.at(-1);
  const executorId = task.executor?.executor_id.value;
  if (last !== undefined && last.executor?.executor_id.value === executorId) last.tasks.push(task);
  else batches.push({ executor: task.executor, tasks: [task] });
}

function send({ framework, agent }: AcceptedOffers, batches: readonly Batch[]): void {
  for (const { executor, tasks } of batches) {
    agent.connection?.send({
      type: 'RUN_TASKS',
      run_tasks: { framework_info: framework.info, executor_info: executor, tasks },
    });
  }
}
