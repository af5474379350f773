/**
 * Bookkeeping of tasks and executors: who holds what on which agent. Each change keeps the records of
 * framework and agent in step, gives ended tasks' resources back exactly once, and asserts that an
 * agent never promises more than it has.
 */
import { type TaskState, type TaskStatus, isTerminalState } from '../api/index.js';
import { Resources } from '../resources/index.js';
import type { Agent } from './agent.js';
import type { MasterContext } from './context.js';
import type { ExecutorRecord, Framework, TaskRecord } from './framework.js';
import type { CounterName } from './metrics.js';

/** Statuses that are kept of a task; an executor may change its state as often as it likes. */
export const MAX_STATUSES_PER_TASK = 50;

/** Adds a task to the books; unless it has ended, what it holds is counted as used. */
export function addTask(framework: Framework, agent: Agent, task: TaskRecord): void {
  framework.tasks.set(task.taskId, task);
  framework.counts.moved(undefined, task.message.state);
  framework.agentsUsed.add(agent.id);
  inner(agent.tasks, framework.id).set(task.taskId, task);
  if (!task.isReleased) charge(framework, agent, task.resources);
}

/**
 * Takes a task off the books, into a history: of unreachable tasks when `isUnreachable`, else of
 * completed ones. What it still holds is given back.
 */
export function removeTask(context: MasterContext, task: TaskRecord, isUnreachable = false): void {
  releaseTask(context, task);
  const framework = context.cluster.frameworks.get(task.frameworkId);
  if (framework?.tasks.delete(task.taskId) === true) {
    framework.counts.moved(task.message.state, undefined);
  }
  const agent = context.cluster.agents.get(task.agentId);
  if (agent !== undefined) removeInner(agent.tasks, task.frameworkId, task.taskId);
  if (isUnreachable) framework?.addUnreachable(task.taskId, task.message);
  else framework?.completedTasks.push(task.message);
  if (agent !== undefined) context.agentEmptied(agent);
}

/** Gives back what a task holds, once. */
function releaseTask(context: MasterContext, task: TaskRecord): void {
  if (task.isReleased) return;
  task.isReleased = true;
  release(context, task);
}

/**
 * Records a status of a task. `latestState`, if the agent told it, is the newest state that the agent
 * knows: it decides about the resources, while the status is what the framework is being told.
 * A terminal state is never left again.
 */
export function recordStatus(
  context: MasterContext,
  task: TaskRecord,
  update: { readonly status: TaskStatus; readonly latestState?: TaskState | undefined },
): void {
  const { status } = update;
  const framework = context.cluster.frameworks.get(task.frameworkId);
  const before = task.message.state;
  const wasTerminal = isTerminalState(before);
  const state = wasTerminal ? before : (update.latestState ?? status.state);
  const statuses = task.message.statuses ?? [];
  const isSameState = statuses.at(-1)?.state === status.state;
  const kept = isSameState ? statuses.slice(0, -1) : statuses.slice(1 - MAX_STATUSES_PER_TASK);
  task.message = {
    ...task.message,
    state,
    statuses: [...kept, withoutData(status)],
    status_update_state: status.state,
    status_update_uuid: status.uuid,
  };
  if (state !== before) framework?.counts.moved(before, state);
  if (!wasTerminal && isTerminalState(state)) {
    countEnd(context, framework, state);
    if (isLostByAgent(status)) context.metrics.count(LOST_BY_AGENT);
    releaseTask(context, task);
  }
  if (state !== before || isCheckResult(status)) notifyTask(context, task);
}

const LOST_BY_AGENT = 'task_lost/source_slave/reason_executor_terminated';

/** Whether a task was lost because its executor ended, in the words of older frameworks. */
function isLostByAgent({ state, source, reason }: TaskStatus): boolean {
  return (
    state === 'TASK_LOST' && source === 'SOURCE_AGENT' && reason === 'REASON_EXECUTOR_TERMINATED'
  );
}

/** Says that a task changed. */
function notifyTask(context: MasterContext, task: TaskRecord): void {
  const { frameworkId, taskId, message } = task;
  context.notify({ kind: 'task-updated', frameworkId, taskId, state: message.state });
}

function isCheckResult(status: TaskStatus): boolean {
  return (
    status.reason === 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED' ||
    status.reason === 'REASON_TASK_CHECK_STATUS_UPDATED'
  );
}

/** The data of a status may be large and is for the framework alone. */
function withoutData(status: TaskStatus): TaskStatus {
  return status.data === undefined ? status : { ...status, data: undefined };
}

const END_COUNTERS: Readonly<Partial<Record<TaskState, CounterName>>> = {
  TASK_FINISHED: 'tasks_finished',
  TASK_FAILED: 'tasks_failed',
  TASK_KILLED: 'tasks_killed',
  TASK_LOST: 'tasks_lost',
  TASK_ERROR: 'tasks_error',
  TASK_DROPPED: 'tasks_dropped',
  TASK_GONE: 'tasks_gone',
  TASK_GONE_BY_OPERATOR: 'tasks_gone_by_operator',
};

/** Counts a task that came to its end, for the cluster and for its framework. */
export function countEnd(
  context: MasterContext,
  framework: Framework | undefined,
  state: TaskState,
): void {
  framework?.counts.ended(state);
  const counter = END_COUNTERS[state];
  if (counter !== undefined) context.metrics.count(counter);
}

/** Adds an executor of a framework and counts what it holds. */
export function addExecutor(framework: Framework, agent: Agent, executor: ExecutorRecord): void {
  inner(framework.executors, agent.id).set(executor.executorId, executor);
  inner(agent.executors, framework.id).set(executor.executorId, executor);
  framework.agentsUsed.add(agent.id);
  charge(framework, agent, executor.resources);
}

/** Takes an executor off the books and gives back what it holds. */
export function removeExecutor(context: MasterContext, executor: ExecutorRecord): void {
  const { frameworkId, agentId, executorId } = executor;
  const framework = context.cluster.frameworks.get(frameworkId);
  const agent = context.cluster.agents.get(agentId);
  if (framework !== undefined) removeInner(framework.executors, agentId, executorId);
  if (agent !== undefined) removeInner(agent.executors, frameworkId, executorId);
  release(context, executor);
  if (agent !== undefined) context.agentEmptied(agent);
}

function charge(framework: Framework, agent: Agent, resources: Resources): void {
  framework.used.set(agent.id, sum(framework.used.get(agent.id), resources));
  agent.used.set(framework.id, sum(agent.used.get(framework.id), resources));
  agent.usedTotal = agent.usedTotal.plus(resources.unallocated());
}

function release(
  context: MasterContext,
  held: Pick<TaskRecord, 'frameworkId' | 'agentId' | 'resources'>,
): void {
  const { frameworkId, agentId, resources } = held;
  const framework = context.cluster.frameworks.get(frameworkId);
  if (framework !== undefined) subtract(framework.used, agentId, resources);
  const agent = context.cluster.agents.get(agentId);
  if (agent !== undefined) {
    subtract(agent.used, frameworkId, resources);
    agent.usedTotal = agent.usedTotal.minus(resources.unallocated());
  }
  context.allocator.recoverResources(frameworkId, agentId, resources);
}

function sum(one: Resources | undefined, other: Resources): Resources {
  return (one ?? Resources.EMPTY).plus(other);
}

function subtract<Key>(held: Map<Key, Resources>, key: Key, resources: Resources): void {
  const rest = (held.get(key) ?? Resources.EMPTY).minus(resources);
  if (rest.isEmpty) held.delete(key);
  else held.set(key, rest);
}

function inner<Outer, Inner, Value>(
  maps: Map<Outer, Map<Inner, Value>>,
  key: Outer,
): Map<Inner, Value> {
  const known = maps.get(key);
  if (known !== undefined) return known;
  const made = new Map<Inner, Value>();
  maps.set(key, made);
  return made;
}

function removeInner<Outer, Inner, Value>(
  maps: Map<Outer, Map<Inner, Value>>,
  outer: Outer,
  key: Inner,
): void {
  const found = maps.get(outer);
  found?.delete(key);
  if (found?.size === 0) maps.delete(outer);
}
