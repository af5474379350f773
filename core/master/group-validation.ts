/**
 * Whether a task group may be launched: its tasks, its executor, and all of them together, in the
 * order in which Mesos checks. The first problem is that of the whole group.
 */
import {
  type ExecutorInfo,
  type OfferOperationLaunchGroup,
  type TaskInfo,
  messagesEqual,
} from '../api/index.js';
import { id } from '../base/index.js';
import { Resources, validateNoMixedRevocable, validateUniqueVolumes } from '../resources/index.js';
import {
  type LaunchPlace,
  completedExecutor,
  executorProblem,
  taskProblem,
  taskResourcesOf,
} from './task-validation.js';

/** Least that the executor of a group has, beside some disk. */
export const MIN_EXECUTOR_CPUS = 0.01;
export const MIN_EXECUTOR_MEMORY_MIB = 32;

type Problem = string | undefined;

/** A group that may be launched. */
export interface LaunchableGroup {
  readonly members: readonly { readonly task: TaskInfo; readonly resources: Resources }[];
  /** Of an executor that is not on the agent yet; empty otherwise. */
  readonly executorResources: Resources;
  readonly isNewExecutor: boolean;
}

/** What is wrong with a group, or what launching it takes. */
export type GroupVerdict =
  | { readonly problem: string }
  | { readonly problem: undefined; readonly launchable: LaunchableGroup };

/** Checks a group, as sent by the framework. */
export function validateGroup(group: OfferOperationLaunchGroup, place: LaunchPlace): GroupVerdict {
  const { executor } = group;
  const tasks = group.task_group.tasks ?? [];
  const problem =
    membersProblem(tasks, executor, place) ??
    groupExecutorProblem(executor, place) ??
    togetherProblem(tasks, executor);
  if (problem !== undefined) return { problem };
  return fitInto(tasks, executor, place);
}

function membersProblem(
  tasks: readonly TaskInfo[],
  executor: ExecutorInfo,
  place: LaunchPlace,
): Problem {
  const seen = new Set<string>();
  for (const task of tasks) {
    const taskId = task.task_id.value;
    const problem = seen.has(taskId)
      ? 'the group has two tasks of this ID'
      : (taskProblem(task, place) ?? memberProblem(task, executor, place));
    if (problem !== undefined) return `Task '${taskId}' is invalid: ${problem}`;
    seen.add(taskId);
  }
  return undefined;
}

/** What tasks of groups alone may not have. */
function memberProblem(task: TaskInfo, executor: ExecutorInfo, place: LaunchPlace): Problem {
  const { container, health_check: check, limits } = task;
  if (task.executor !== undefined && !isSameExecutor(task.executor, executor, place)) {
    return "'TaskInfo.executor' differs from the executor of the group; leave it out";
  }
  const isProbed = check?.type === 'HTTP' || check?.type === 'TCP';
  if (isProbed && (container?.network_infos ?? []).length > 0) {
    return `'TaskInfo.health_check' of type ${check.type} cannot be had with 'network_infos'`;
  }
  if (container?.type === 'DOCKER') return "'ContainerInfo.type' must not be DOCKER in a group";
  if (Object.keys(limits ?? {}).length > 0 && sharesCgroups(task)) {
    return "'TaskInfo.limits' in a group need 'container.linux_info.share_cgroups' to be false";
  }
  return undefined;
}

function isSameExecutor(one: ExecutorInfo, other: ExecutorInfo, place: LaunchPlace): boolean {
  // What is not valid cannot be completed: it is equal as it is, or not.
  if (messagesEqual('ExecutorInfo', one, other)) return true;
  if (executorProblem(one, place) !== undefined || executorProblem(other, place) !== undefined) {
    return false;
  }
  return messagesEqual(
    'ExecutorInfo',
    completedExecutor(one, place),
    completedExecutor(other, place),
  );
}

function sharesCgroups({ container }: TaskInfo): boolean {
  return container?.linux_info?.share_cgroups !== false;
}

function groupExecutorProblem(executor: ExecutorInfo, place: LaunchPlace): Problem {
  if (executor.type === undefined) return "'ExecutorInfo.type' must be set: DEFAULT or CUSTOM";
  const problem = executorProblem(executor, place);
  if (problem !== undefined) return problem;
  if (executor.container?.type === 'DOCKER') {
    return "'ExecutorInfo.container.type' must not be DOCKER for a group";
  }
  const resources = Resources.fromWire(executor.resources ?? []);
  const cpus = resources.scalar('cpus') / 1000;
  const memory = resources.scalar('mem') / 1000;
  const what = `Executor '${executor.executor_id.value}' of a group`;
  if (cpus < MIN_EXECUTOR_CPUS) return `${what} has ${cpus} cpus, less than ${MIN_EXECUTOR_CPUS}`;
  if (memory < MIN_EXECUTOR_MEMORY_MIB) {
    return `${what} has ${memory} MiB of 'mem', less than ${MIN_EXECUTOR_MEMORY_MIB}`;
  }
  return resources.scalar('disk') === 0 ? `${what} has no 'disk'` : undefined;
}

/** What each may have, but not all of them together. */
function togetherProblem(tasks: readonly TaskInfo[], executor: ExecutorInfo): Problem {
  const [first] = tasks;
  if (first !== undefined && tasks.some((task) => sharesCgroups(task) !== sharesCgroups(first))) {
    return "'container.linux_info.share_cgroups' must be the same for all tasks of a group";
  }
  const ofExecutor = executor.resources ?? [];
  const all = [...tasks.flatMap(({ resources }) => resources ?? []), ...ofExecutor];
  const problem = validateUniqueVolumes(all) ?? validateNoMixedRevocable(all);
  return problem === undefined ? undefined : `The tasks of a group do not go together: ${problem}`;
}

/** Takes one after the other, so that no two have the same port. */
function fitInto(
  tasks: readonly TaskInfo[],
  executor: ExecutorInfo,
  { framework, agent, role, available }: LaunchPlace,
): GroupVerdict {
  const executorId = id<'ExecutorId'>(executor.executor_id.value);
  const isNewExecutor = agent.executor(framework.id, executorId) === undefined;
  const executorResources = isNewExecutor
    ? Resources.fromWire(executor.resources ?? []).allocatedTo(role)
    : Resources.EMPTY;
  let rest = available;
  const lacks = (what: string, needed: Resources): GroupVerdict => ({
    problem: `${what} uses more resources ${needed.toString()} than available ${rest.toString()}`,
  });
  if (!rest.contains(executorResources)) return lacks('The executor', executorResources);
  rest = rest.minus(executorResources);
  const members: { readonly task: TaskInfo; readonly resources: Resources }[] = [];
  for (const task of tasks) {
    const resources = taskResourcesOf(task, role);
    if (!rest.contains(resources)) return lacks(`Task '${task.task_id.value}'`, resources);
    rest = rest.minus(resources.filter((item) => !item.shared));
    members.push({ task, resources });
  }
  return { problem: undefined, launchable: { members, executorResources, isNewExecutor } };
}
