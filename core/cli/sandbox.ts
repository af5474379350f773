/** Where the output of a task is: which agent has its sandbox, and under which path. */
import type { ContainerID, Task } from '../api/index.js';
import { PlateauError } from '../base/index.js';
import {
  AgentClient,
  DEFAULT_AGENT_PORT,
  type OperatorClient,
  sandboxPath,
} from '../client/index.js';

export interface Sandbox {
  readonly reader: AgentClient;
  /** The path under which the agent serves the folder. */
  readonly path: string;
}

/** All tasks that the master remembers, running ones first. */
export async function allTasks(master: OperatorClient): Promise<readonly Task[]> {
  const found = (await master.call({ type: 'GET_TASKS' }))?.get_tasks;
  return [
    ...(found?.tasks ?? []),
    ...(found?.unreachable_tasks ?? []),
    ...(found?.completed_tasks ?? []),
  ];
}

/**
 * The task of an id, or of a unique beginning of one.
 * @throws PlateauError `NOT_FOUND` when there is none, or more than one.
 */
export function findTask(tasks: readonly Task[], wanted: string): Task {
  const exact = tasks.filter((task) => task.task_id.value === wanted);
  const found =
    exact.length > 0 ? exact : tasks.filter((task) => task.task_id.value.startsWith(wanted));
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  const message =
    first === undefined
      ? `no task is called '${wanted}'; 'plateau tasks --all' lists those that are known`
      : `${found.length} tasks begin with '${wanted}': ${found.map(describe).slice(0, 5).join(', ')}`;
  throw new PlateauError('NOT_FOUND', message, { context: { task: wanted } });
}

/**
 * The sandbox of a task.
 * @throws PlateauError `NOT_FOUND` when the task never had one or its agent is not registered.
 */
export async function sandboxOf(task: Task, master: OperatorClient): Promise<Sandbox> {
  const statuses = task.statuses ?? [];
  const container = containerOf(task).value;
  const address = await agentAddress(task, master);
  const executor =
    statuses.findLast((status) => status.executor_id)?.executor_id?.value ?? task.task_id.value;
  return {
    reader: new AgentClient({ address }),
    path: sandboxPath({
      frameworkId: task.framework_id.value,
      executorId: executor,
      containerId: container,
    }),
  };
}

/**
 * The container of a task, inside that of its executor if it is in a group.
 * @throws PlateauError `NOT_FOUND` when the task never had one.
 */
export function containerOf(task: Task): ContainerID {
  const container = task.statuses?.findLast((status) => status.container_status?.container_id)
    ?.container_status?.container_id;
  if (container !== undefined) return container;
  throw notFound(task, `has not been started: it is ${task.state}`);
}

/**
 * Where the agent of a task is reached.
 * @throws PlateauError `NOT_FOUND` when it is not registered.
 */
export async function agentAddress(task: Task, master: OperatorClient): Promise<string> {
  const agents = (await master.call({ type: 'GET_AGENTS' }))?.get_agents?.agents ?? [];
  const agent = agents.find(({ agent_info }) => agent_info.id?.value === task.agent_id.value);
  if (agent === undefined) {
    throw notFound(task, `was on agent ${task.agent_id.value}, which is not registered now`);
  }
  const { hostname, port = DEFAULT_AGENT_PORT } = agent.agent_info;
  return `http://${hostname}:${port}`;
}

function notFound(task: Task, what: string): PlateauError {
  return new PlateauError('NOT_FOUND', `task ${task.task_id.value} ${what}`, {
    context: { taskId: task.task_id.value, agentId: task.agent_id.value },
  });
}

function describe(task: Task): string {
  return task.task_id.value;
}
