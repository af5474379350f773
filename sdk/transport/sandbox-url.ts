/** Where to fetch what a task left in its sandbox. */
import { sandboxPath } from '../../core/client/index.js';
import { PlateauError } from '../../core/base/index.js';
import type { TaskRecord } from '../decisions/index.js';

/**
 * The address at which the agent of a task serves a file of its sandbox: for `fetch`, for `uris` of another
 * task. The file is there until the agent collects the sandbox, some time after the end.
 * @param file path within the sandbox, such as `stdout`.
 * @throws PlateauError `INVALID_STATE` when the task has not been heard of yet.
 */
export function sandboxUrl(task: TaskRecord, file: string, frameworkId: string): string {
  const { agentUrl, executorId = task.id, containerId } = task;
  if (agentUrl === undefined || containerId === undefined) {
    throw new PlateauError(
      'INVALID_STATE',
      `Nobody knows yet where the sandbox of task '${task.id}' is: ask when it runs or has ended.`,
      { context: { task: task.id } },
    );
  }
  const path = `${sandboxPath({ frameworkId, executorId, containerId })}/${file}`;
  return `${agentUrl}/files/download?path=${encodeURIComponent(path)}`;
}
