/**
 * Finds the containers of executors and tasks by the ids that the API gives them: that of an executor
 * or command task stands alone, that of a task in a group is inside that of its executor.
 */
import type { ContainerID } from '../api/index.js';
import { type ContainerId, id } from '../base/index.js';
import type { AgentConfig } from './config.js';
import type { AgentExecutor, AgentState, AgentTask } from './state.js';
import { nestedDirectory } from './paths.js';
import { userOf } from './user.js';

/** A container in which others may be started. */
export interface ContainerRun {
  /** Under which its end is told: that of its process, or of the executor of a group. */
  readonly runId: ContainerId;
  /** Undefined below standalone containers. */
  readonly executor: AgentExecutor | undefined;
  readonly directory: string;
  readonly user: string | undefined;
  /** Undefined: none yet, or the executor of a group, which has none. */
  readonly process: { readonly pid: number; readonly startTime: string } | undefined;
  readonly isRunning: boolean;
}

/** The id of a container with those of its parents, as one text; ids contain no dot. */
export function pathOfContainer(containerId: ContainerID): string {
  const names: string[] = [];
  for (let part: ContainerID | undefined = containerId; part !== undefined; part = part.parent) {
    names.unshift(part.value);
  }
  return names.join('.');
}

/** The container of an executor or a task that is not history, or undefined. */
export function findTaskRun(
  state: AgentState,
  config: AgentConfig,
  containerId: ContainerID,
): ContainerRun | undefined {
  const { parent } = containerId;
  if (parent?.parent !== undefined) return undefined;
  const executorRun = parent?.value ?? containerId.value;
  for (const executor of state.executors()) {
    if (executor.containerId !== id<'ContainerId'>(executorRun)) continue;
    if (parent === undefined) return runOfExecutor(executor, config);
    const task = [...executor.active.values()].find(
      (one) => one.containerId === id<'ContainerId'>(containerId.value),
    );
    return task === undefined || executor.kind !== 'GROUP' ? undefined : runOfTask(task, config);
  }
  return undefined;
}

function runOfExecutor(executor: AgentExecutor, config: AgentConfig): ContainerRun {
  const [task] = executor.active.values();
  if (executor.kind === 'COMMAND' && task !== undefined) return runOfTask(task, config);
  const { switchUser } = config;
  const isOver = executor.phase === 'terminated' || executor.phase === 'registering';
  return {
    runId: executor.containerId,
    executor,
    directory: executor.directory,
    user: userOf(executor.framework, executor.info.command ?? {}, switchUser),
    process: identityOf(executor.process),
    isRunning: executor.kind === 'CUSTOM' ? isCustomRunning(executor) : !isOver,
  };
}

/** From its start on, whether it has subscribed or not. */
function isCustomRunning(executor: AgentExecutor): boolean {
  return executor.process !== undefined && executor.phase !== 'terminated';
}

function runOfTask(task: AgentTask, config: AgentConfig): ContainerRun {
  const { executor } = task;
  const runId = task.containerId ?? executor.containerId;
  const command = task.task.user === undefined ? {} : { user: task.task.user };
  return {
    runId,
    executor,
    directory:
      executor.kind === 'GROUP' ? nestedDirectory(executor.directory, runId) : executor.directory,
    user: userOf(executor.framework, command, config.switchUser),
    process: identityOf(task.process),
    isRunning: task.process !== undefined && !task.isTerminal,
  };
}

function identityOf(
  process: { readonly pid: number; readonly start_time: string } | undefined,
): ContainerRun['process'] {
  return process && { pid: process.pid, startTime: process.start_time };
}
