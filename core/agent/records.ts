/** Between what the agent knows and the records of its checkpoint. */
import {
  type CheckpointExecutor,
  type CheckpointTask,
  type NetworkInfo,
  type Task,
  durationInfoMs,
  toDurationInfo,
} from '../api/index.js';
import { id } from '../base/index.js';
import { type AgentExecutor, type AgentState, AgentTask, type RecordedTask } from './state.js';

/** What is remembered of an executor. */
export function executorRecord(executor: AgentExecutor): CheckpointExecutor {
  return {
    framework_id: { value: executor.framework.id },
    executor_info: executor.info,
    container_id: { value: executor.containerId },
    directory: executor.directory,
    kind: executor.kind,
    process: executor.process,
    ended: executor.phase === 'terminated',
  };
}

/** What is remembered of a task, with its state and statuses as they are or were. */
export function taskRecord(
  task: AgentTask,
  { task: state, nextUpdate }: RecordedTask = task,
): CheckpointTask {
  const { containerId, maxCompletionTimeMs } = task;
  return {
    task: state,
    executor_container_id: { value: task.executor.containerId },
    container_id: containerId === undefined ? undefined : { value: containerId },
    process: task.process,
    max_completion_time:
      maxCompletionTimeMs === undefined ? undefined : toDurationInfo(maxCompletionTimeMs),
    group: task.group.map((value) => ({ value })),
    ending: task.ending,
    check: task.check,
    probe_context: task.probeContext,
    next_update: nextUpdate,
  };
}

/** Puts the executor of a record back among what the agent knows, without its tasks. */
export function restoreExecutor(
  state: AgentState,
  record: CheckpointExecutor,
): AgentExecutor | undefined {
  const framework = state.frameworks.get(id<'FrameworkId'>(record.framework_id.value));
  if (framework === undefined) return undefined;
  const executor = state.addExecutor(framework, {
    kind: record.kind,
    info: record.executor_info,
    containerId: id<'ContainerId'>(record.container_id.value),
    directory: record.directory,
  });
  executor.process = record.process;
  if (record.ended === true) executor.phase = 'terminated';
  else if (record.kind !== 'CUSTOM') executor.phase = 'running';
  return executor;
}

/** Puts the task of a record back under its executor. */
export function restoreTask(executor: AgentExecutor, record: CheckpointTask): AgentTask {
  const task = new AgentTask(executor, record.task);
  const containerId = record.container_id?.value;
  task.containerId = containerId === undefined ? undefined : id<'ContainerId'>(containerId);
  task.process = record.process;
  task.networkInfos = networksOf(record.task);
  const limit = record.max_completion_time;
  task.maxCompletionTimeMs = limit === undefined ? undefined : durationInfoMs(limit);
  task.group = (record.group ?? []).map((entry) => id<'TaskId'>(entry.value));
  task.ending = record.ending;
  task.check = record.check;
  task.probeContext = record.probe_context;
  task.nextUpdate = record.next_update ?? 0;
  task.recorded = { task: task.task, nextUpdate: task.nextUpdate };
  (task.isTerminal ? executor.terminated : executor.active).set(task.id, task);
  return task;
}

/** The networks of a container of its own, as its scheduler was told last. */
function networksOf({ container, statuses = [] }: Task): readonly NetworkInfo[] | undefined {
  const network = container?.docker?.network;
  if (container?.type !== 'DOCKER' || network === undefined || network === 'HOST') return undefined;
  return statuses.findLast(({ state }) => state === 'TASK_RUNNING')?.container_status
    ?.network_infos;
}
