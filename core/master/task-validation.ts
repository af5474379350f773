/**
 * Whether a task may be launched, in the order in which Mesos checks: the first problem is the one
 * that the framework is told. A task that gets through is ready to be charged and sent.
 */
import {
  type ExecutorInfo,
  type Resource,
  type TaskInfo,
  messagesEqual,
  validateCheck,
  validateCommandInfo,
  validateContainerInfo,
  validateExecutorInfo,
  validateHealthCheck,
  validateId,
  validateKillPolicy,
  validateNotNegative,
} from '../api/index.js';
import { id } from '../base/index.js';
import {
  Resources,
  countSharedOnce,
  validateNoMixedRevocable,
  validateResources,
  validateTaskResources,
  validateUniqueVolumes,
} from '../resources/index.js';
import type { Agent } from './agent.js';
import type { Framework } from './framework.js';

/** A reason why something is not valid; undefined: it is. */
type Problem = string | undefined;

/** Where a task is to be launched. */
export interface LaunchPlace {
  readonly framework: Framework;
  readonly agent: Agent;
  readonly role: string;
  /** What is left of the offers, bound to the role. */
  readonly available: Resources;
}

/** A task that may be launched. */
export interface LaunchableTask {
  readonly taskResources: Resources;
  /** Of an executor that is not on the agent yet; empty otherwise. */
  readonly executorResources: Resources;
  readonly isNewExecutor: boolean;
}

/** What is wrong with a task, or what launching it takes. */
export type TaskVerdict =
  | { readonly problem: string }
  | { readonly problem: undefined; readonly launchable: LaunchableTask };

/** Checks a task of LAUNCH, as sent by the framework with the inferred fields filled in. */
export function validateTask(task: TaskInfo, place: LaunchPlace): TaskVerdict {
  const problem =
    taskProblem(task, place) ??
    runnerProblem(task) ??
    (task.executor && launchExecutorProblem(task.executor, place));
  if (problem !== undefined) return { problem };
  return fitInto(task, taskResourcesOf(task, place.role), place);
}

/** Why a task is not valid, whether it is alone or in a group, and whatever runs it; or undefined. */
export function taskProblem(task: TaskInfo, place: LaunchPlace): Problem {
  return (
    identityProblem(task, place) ??
    validateKillPolicy(task.kill_policy) ??
    validateNotNegative(task.max_completion_time, 'max_completion_time') ??
    (task.check && validateCheck(task.check)) ??
    (task.health_check && validateHealthCheck(task.health_check)) ??
    resourcesProblem(task, place.role) ??
    validateCommandInfo(task.command) ??
    validateContainerInfo(task.container) ??
    limitsProblem(task, place)
  );
}

/** What a valid task holds, bound to the role of the offer; each shared resource once. */
export function taskResourcesOf(task: TaskInfo, role: string): Resources {
  const named = Resources.fromWire(task.resources ?? [])
    .common()
    .allocatedTo(role);
  return countSharedOnce(named);
}

function identityProblem(task: TaskInfo, { framework, agent }: LaunchPlace): Problem {
  const text = task.task_id.value;
  const taskId = id<'TaskId'>(text);
  const syntax = validateId(text, "'TaskInfo.task_id'");
  if (syntax !== undefined) return syntax;
  if (framework.tasks.has(taskId)) return `Task has duplicate ID: ${text}`;
  if (framework.unreachableTasks.has(taskId)) {
    return `Task reuses the ID of an unreachable task: ${text}`;
  }
  if (task.agent_id.value === agent.id) return undefined;
  return `Task uses the wrong agent: 'agent_id' is ${task.agent_id.value}, the offer's is ${agent.id}`;
}

function resourcesProblem(task: TaskInfo, role: string): Problem {
  const resources = task.resources ?? [];
  if (resources.length === 0) return 'Task uses no resources';
  const problem =
    validateResources(resources) ??
    validateTaskResources(resources) ??
    foreignRoleProblem(resources, role);
  if (problem !== undefined) return `Task uses invalid resources: ${problem}`;
  return Resources.fromWire(resources).isEmpty ? 'Task uses no resources' : undefined;
}

function foreignRoleProblem(resources: readonly Resource[], role: string): Problem {
  const foreign = resources.find(
    (one) => one.allocation_info?.role !== undefined && one.allocation_info.role !== role,
  );
  if (foreign === undefined) return undefined;
  return `'${foreign.name}' is allocated to role '${foreign.allocation_info?.role}', the offer to '${role}'`;
}

function runnerProblem(task: TaskInfo): Problem {
  if ((task.executor === undefined) !== (task.command === undefined)) return undefined;
  return "Task should have exactly one of 'command' and 'executor' set";
}

function limitsProblem(task: TaskInfo, { agent }: LaunchPlace): Problem {
  const limits = Object.entries(task.limits ?? {});
  if (limits.length === 0) return undefined;
  if (!agent.capabilities.some(({ type }) => type === 'TASK_RESOURCE_LIMITS')) {
    return `'limits' are set, and agent ${agent.id} cannot keep them`;
  }
  const requests = Resources.fromWire(task.resources ?? []);
  for (const [name, { value }] of limits) {
    if (name !== 'cpus' && name !== 'mem') return `'limits' of '${name}' are not supported`;
    const requested = requests.scalar(name) / 1000;
    if (requested === 0) return `'limits' of '${name}' need a request of '${name}'`;
    if (!(value >= requested)) return `'limits' of '${name}' are below the request ${requested}`;
  }
  return undefined;
}

function launchExecutorProblem(executor: ExecutorInfo, place: LaunchPlace): Problem {
  if (executor.type === 'DEFAULT') return "'ExecutorInfo.type' must be CUSTOM for LAUNCH";
  return executorProblem(executor, place);
}

/** Why the executor of a task or group is not valid, or undefined. */
export function executorProblem(executor: ExecutorInfo, place: LaunchPlace): Problem {
  const { framework, agent } = place;
  const owner = executor.framework_id?.value;
  const problem =
    validateExecutorInfo(executor) ??
    (owner !== undefined && owner !== framework.id
      ? `ExecutorInfo has the wrong 'framework_id' ${owner}`
      : executorResourcesProblem(executor, place.role));
  if (problem !== undefined) return problem;
  const text = executor.executor_id.value;
  const running = agent.executor(framework.id, id<'ExecutorId'>(text));
  if (running === undefined || isSame(running.info, executor, place)) return undefined;
  return `ExecutorInfo differs from that of executor '${text}' which is on the agent`;
}

/** An executor with what the master fills in, as it is sent to the agent and kept. */
export function completedExecutor(
  executor: ExecutorInfo,
  place: Pick<LaunchPlace, 'framework' | 'role'>,
): ExecutorInfo {
  const resources = Resources.fromWire(executor.resources ?? []).allocatedTo(place.role);
  return {
    ...executor,
    type: executor.type ?? 'CUSTOM',
    framework_id: { value: place.framework.id },
    resources: resources.toWire(),
  };
}

function isSame(running: ExecutorInfo, executor: ExecutorInfo, place: LaunchPlace): boolean {
  return messagesEqual(
    'ExecutorInfo',
    completedExecutor(running, place),
    completedExecutor(executor, place),
  );
}

function executorResourcesProblem(executor: ExecutorInfo, role: string): Problem {
  const resources = executor.resources ?? [];
  const problem =
    validateResources(resources) ??
    validateTaskResources(resources) ??
    foreignRoleProblem(resources, role) ??
    sharedProblem(resources);
  return problem === undefined ? undefined : `Executor uses invalid resources: ${problem}`;
}

/** What a task and its executor may not have together, though each may alone. */
function jointProblem(ofTask: readonly Resource[], ofExecutor: readonly Resource[]): Problem {
  if (ofExecutor.length === 0) return undefined;
  const both = [...ofTask, ...ofExecutor];
  const problem = validateUniqueVolumes(both) ?? validateNoMixedRevocable(both);
  return problem === undefined ? undefined : `Task and its executor do not go together: ${problem}`;
}

function sharedProblem(resources: readonly Resource[]): Problem {
  const shared = resources.find((one) => one.shared !== undefined);
  if (shared === undefined) return undefined;
  return `'shared' is set on '${shared.name}', and executors hold nothing that is shared`;
}

function fitInto(task: TaskInfo, taskResources: Resources, place: LaunchPlace): TaskVerdict {
  const { framework, agent, role, available } = place;
  const executor = task.executor;
  const isNewExecutor =
    executor !== undefined &&
    agent.executor(framework.id, id<'ExecutorId'>(executor.executor_id.value)) === undefined;
  const own = Resources.fromWire(executor?.resources ?? []).allocatedTo(role);
  const together = jointProblem(task.resources ?? [], executor?.resources ?? []);
  if (together !== undefined) return { problem: together };
  const overlap = own.nonScalars().items.find((item) => intersects(item.key, taskResources, own));
  if (overlap !== undefined) return { problem: `Task and its executor both use '${overlap.name}'` };
  const executorResources = isNewExecutor ? own : Resources.EMPTY;
  const needed = taskResources.plus(executorResources);
  if (!available.contains(needed)) {
    return {
      problem: `Task uses more resources ${needed.toString()} than available ${available.toString()}`,
    };
  }
  if (task.container?.linux_info?.share_cgroups === false) {
    return { problem: "'container.linux_info.share_cgroups' may be false in a group only" };
  }
  return { problem: undefined, launchable: { taskResources, executorResources, isNewExecutor } };
}

/** Whether two bags share a range or text of one kind: what one lacks after the other is taken. */
function intersects(key: string, one: Resources, other: Resources): boolean {
  const mine = one.filter((item) => item.key === key);
  const theirs = other.filter((item) => item.key === key);
  return !mine.isEmpty && !mine.minus(theirs).equals(mine);
}
