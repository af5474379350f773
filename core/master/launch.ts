/** LAUNCH: each task of the operation is checked, charged and sent, or refused, on its own. */
import {
  type ExecutorInfo,
  type OfferOperation,
  type TaskInfo,
  withHealthCheckType,
} from '../api/index.js';
import type { AcceptedOffers } from './accepted-offers.js';
import { chargeExecutor, chargeTask, refuseTask } from './charges.js';
import { type LaunchableTask, completedExecutor, validateTask } from './task-validation.js';

/** Tasks of one RUN_TASKS message: they run under the same executor, or each under its own. */
interface Batch {
  readonly executor: ExecutorInfo | undefined;
  readonly isNewExecutor: boolean;
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
      const message = problem ?? verdict.problem ?? '';
      refuseTask(work, task, { reason: 'REASON_TASK_INVALID', message });
      continue;
    }
    appendTo(batches, charge(work, task, verdict.launchable), verdict.launchable.isNewExecutor);
  }
  send(work, batches);
}

/** Fills in the type of a health check that says what to probe, as Mesos does for LAUNCH. */
function inferred(task: TaskInfo): TaskInfo {
  if (task.health_check === undefined) return task;
  return { ...task, health_check: withHealthCheckType(task.health_check) };
}

/** Takes what the task needs from the offer and puts it into the books; returns what is sent on. */
function charge(work: AcceptedOffers, given: TaskInfo, launchable: LaunchableTask): TaskInfo {
  const { taskResources, executorResources, isNewExecutor } = launchable;
  const executor =
    given.executor === undefined ? undefined : completedExecutor(given.executor, work);
  if (isNewExecutor && executor !== undefined) chargeExecutor(work, executor, executorResources);
  return chargeTask(work, { ...given, executor }, taskResources);
}

/** Consecutive tasks without an executor, or with the same one, travel together. */
function appendTo(batches: Batch[], task: TaskInfo, isNewExecutor: boolean): void {
  const last = batches.at(-1);
  const executorId = task.executor?.executor_id.value;
  if (last !== undefined && last.executor?.executor_id.value === executorId) last.tasks.push(task);
  else batches.push({ executor: task.executor, isNewExecutor, tasks: [task] });
}

function send({ framework, agent }: AcceptedOffers, batches: readonly Batch[]): void {
  for (const { executor, isNewExecutor, tasks } of batches) {
    agent.connection?.send({
      type: 'RUN_TASKS',
      run_tasks: {
        framework_info: framework.info,
        executor_info: executor,
        tasks,
        ...(executor !== undefined && { launch_executor: isNewExecutor }),
      },
    });
  }
}
