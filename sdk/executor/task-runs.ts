/** The tasks of an executor as its handlers see them: what they are given, and their signals. */
import type { TaskInfo } from '../../core/api/index.js';
import { PlateauError } from '../../core/base/index.js';
import type { ExecutorTask, TaskGroup } from './handlers.js';

interface Run {
  readonly task: ExecutorTask;
  readonly controller: AbortController;
}

export class TaskRuns {
  readonly #runs = new Map<string, Run>();

  /** A launch: the tasks of a group share one signal. */
  add(infos: readonly TaskInfo[]): TaskGroup {
    const controller = new AbortController();
    const tasks = infos.map((info) => taskOf(info, controller.signal));
    for (const task of tasks) this.#runs.set(task.id, { task, controller });
    return { tasks, signal: controller.signal };
  }

  get(taskId: string): ExecutorTask | undefined {
    return this.#runs.get(taskId)?.task;
  }

  abort(taskId: string, reason: string): void {
    const error = new PlateauError('HANDLER_FAILED', `${taskId} is to end: ${reason}.`, {
      context: { taskId },
    });
    this.#runs.get(taskId)?.controller.abort(error);
  }

  /** Drops those whose handler is done, unless they were launched anew meanwhile. */
  remove({ tasks }: TaskGroup): void {
    for (const task of tasks) {
      if (this.get(task.id) === task) this.#runs.delete(task.id);
    }
  }
}

function taskOf(info: TaskInfo, signal: AbortSignal): ExecutorTask {
  const data = Buffer.from(info.data ?? '', 'base64');
  const labels = (info.labels?.labels ?? []).map(({ key, value }) => [key, value ?? ''] as const);
  return {
    id: info.task_id.value,
    name: info.name,
    data,
    payload: data.toString('utf8'),
    labels: Object.fromEntries(labels),
    info,
    signal,
  };
}
