/** Tasks as the pages from before the v1 API show them. */
import { type Task, type TaskStatus, encodeJson } from '../../api/index.js';
import { Resources, legacyObject } from '../../resources/index.js';
import { listText, objectText, optionalText, valueText } from './json-text.js';

/** A message is replaced when its task changes and never mutated, so its text can be kept with it. */
const cache = new WeakMap<Task, string>();

/** The text of one task. Made once for each version of the task. */
export function taskText(task: Task): string {
  const known = cache.get(task);
  if (known !== undefined) return known;
  const text = renderTask(task);
  cache.set(task, text);
  return text;
}

function renderTask(task: Task): string {
  const resources = Resources.fromWire(task.resources ?? []);
  return objectText({
    id: valueText(task.task_id.value),
    name: valueText(task.name),
    framework_id: valueText(task.framework_id.value),
    executor_id: valueText(task.executor_id?.value ?? ''),
    slave_id: valueText(task.agent_id.value),
    state: valueText(task.state),
    resources: valueText(legacyObject(resources)),
    role: optionalText(resources.allocationRoles()[0]),
    user: optionalText(task.user),
    statuses: listText((task.statuses ?? []).map(statusText)),
    labels: optionalText(task.labels?.labels),
    discovery: task.discovery && encodeJson('DiscoveryInfo', task.discovery),
    container: task.container && encodeJson('ContainerInfo', task.container),
    health_check: task.health_check && encodeJson('HealthCheck', task.health_check),
    kill_policy: task.kill_policy && encodeJson('KillPolicy', task.kill_policy),
  });
}

function statusText(status: TaskStatus): string {
  return objectText({
    state: valueText(status.state),
    timestamp: optionalText(status.timestamp),
    labels: optionalText(status.labels?.labels),
    container_status: status.container_status && containerStatusText(status.container_status),
    healthy: optionalText(status.healthy),
  });
}

/** Without the pid, which pages of Mesos do not show. */
function containerStatusText(status: NonNullable<TaskStatus['container_status']>): string {
  const { executor_pid: _pid, ...shown } = status;
  return encodeJson('ContainerStatus', shown);
}

/** Every state that the summary counts, in its order. */
export const SUMMARY_STATES = [
  'TASK_STAGING',
  'TASK_STARTING',
  'TASK_RUNNING',
  'TASK_KILLING',
  'TASK_FINISHED',
  'TASK_KILLED',
  'TASK_FAILED',
  'TASK_LOST',
  'TASK_ERROR',
  'TASK_UNREACHABLE',
] as const;

/** How many tasks there are of each state. */
export class StateCounts {
  readonly #counts = new Map<string, number>();

  add(state: string): void {
    this.#counts.set(state, (this.#counts.get(state) ?? 0) + 1);
  }

  /** Members of an object: one for each state of the summary. */
  members(): Record<string, string> {
    return Object.fromEntries(
      SUMMARY_STATES.map((state) => [state, String(this.#counts.get(state) ?? 0)]),
    );
  }
}
