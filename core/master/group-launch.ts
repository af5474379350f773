/**
 * LAUNCH_GROUP: tasks that start together under one executor and share their fate. All of them are
 * charged and sent in one message, or each is told that the group is not valid.
 */
import type { OfferOperation } from '../api/index.js';
import type { AcceptedOffers } from './accepted-offers.js';
import { chargeExecutor, chargeTask, refuseTask } from './charges.js';
import { validateGroup } from './group-validation.js';
import { completedExecutor } from './task-validation.js';

/** Launches the tasks of a LAUNCH_GROUP operation. */
export function launchGroup(work: AcceptedOffers, operation: OfferOperation): void {
  work.context.metrics.count('messages_launch_tasks');
  const group = operation.launch_group;
  const given = group?.task_group.tasks ?? [];
  if (group === undefined || given.length === 0) return;
  const verdict = validateGroup(group, work);
  const problem =
    operation.id === undefined ? verdict.problem : "LAUNCH_GROUP must not have an operation 'id'";
  if (problem !== undefined || verdict.problem !== undefined) {
    const message = problem ?? verdict.problem ?? '';
    for (const task of given) {
      refuseTask(work, task, { reason: 'REASON_TASK_GROUP_INVALID', message });
    }
    return;
  }
  const { members, executorResources, isNewExecutor } = verdict.launchable;
  const executor = completedExecutor(group.executor, work);
  if (isNewExecutor) chargeExecutor(work, executor, executorResources);
  const tasks = members.map(({ task, resources }) =>
    chargeTask(work, { ...task, executor }, resources),
  );
  work.agent.connection?.send({
    type: 'RUN_TASKS',
    run_tasks: {
      framework_info: work.framework.info,
      executor_info: executor,
      tasks,
      group: true,
      launch_executor: isNewExecutor,
    },
  });
}
