/** Whether a framework, the master and the hosts agree on what runs: compared without any message passing. */
import { id } from '../../core/base/index.js';
import type { SimulatedCluster } from '../../core/simulation/index.js';
import { type TaskRecord, type TaskView, isEnded, stateName } from '../decisions/index.js';

/** Whose ledger is compared. */
export interface AgreementSubject {
  readonly frameworkId: string | undefined;
  readonly view: { readonly tasks: TaskView };
}

/** Disagreements that are listed at most. */
export const MAX_LISTED_DISAGREEMENTS = 20;

/** One line for each task of which the framework, the master and the hosts do not think the same. */
export function disagreements(
  cluster: SimulatedCluster,
  { frameworkId, view }: AgreementSubject,
): readonly string[] {
  const { master } = cluster;
  if (master === undefined) return ['there is no master'];
  if (frameworkId === undefined) return ['the framework is not registered'];
  const atMaster = master.cluster.frameworks.get(id<'FrameworkId'>(frameworkId));
  if (atMaster === undefined) return [`the master does not know framework ${frameworkId}`];
  const onHosts = tasksOnHosts(cluster, frameworkId);
  const live = new Map(view.tasks.live().map((task) => [task.id, task]));
  const known = new Map<string, string>();
  for (const task of atMaster.tasks.values()) {
    const state = stateName(task.message.state);
    if (!isEnded(state)) known.set(task.taskId, state);
  }
  const complaints: string[] = [];
  for (const taskId of new Set([...live.keys(), ...known.keys(), ...onHosts.keys()])) {
    const task = live.get(taskId);
    const host = onHosts.get(taskId);
    if (isLostForGood(cluster, task) && host === undefined) continue;
    const state = known.get(taskId);
    if (task !== undefined && task.state === state && host !== undefined) continue;
    const ended = view.tasks.get(taskId)?.state ?? 'nothing';
    complaints.push(
      `task ${taskId}: framework ${task?.state ?? ended}, master ${state ?? 'nothing'}, ` +
        (host === undefined ? 'runs nowhere' : `runs on ${host}`),
    );
  }
  return complaints.slice(0, MAX_LISTED_DISAGREEMENTS);
}

/** Nobody can know better about a task whose host went without a word. */
function isLostForGood({ master }: SimulatedCluster, task: TaskRecord | undefined): boolean {
  if (task?.state !== 'UNREACHABLE') return false;
  return master?.cluster.unreachableAgents.has(id<'AgentId'>(task.agentId)) === true;
}

/** Where each task of a framework runs. */
function tasksOnHosts(
  { agents }: SimulatedCluster,
  frameworkId: string,
): ReadonlyMap<string, string> {
  const running = new Map<string, string>();
  for (const { name, host, isLost } of agents) {
    if (isLost) continue;
    for (const { task, end } of host.containers.values()) {
      const [owner, taskId = ''] = splitTask(task);
      if (end === undefined && owner === frameworkId) running.set(taskId, name);
    }
  }
  return running;
}

/** A task that was started on a host. */
export interface StartedTask {
  readonly taskId: string;
  readonly frameworkId: string;
  /** The node of the agent. */
  readonly agent: string;
  /** Whether it runs now. */
  readonly isRunning: boolean;
}

/** The truth on the hosts: every task that was ever started there, by whom it was seen or not. */
export function startedTasks({ agents }: SimulatedCluster): readonly StartedTask[] {
  return agents.flatMap(({ name, host, isLost }) => {
    const running = new Set<string>();
    for (const { task, end } of host.containers.values()) {
      if (end === undefined && !isLost) running.add(task);
    }
    return [...host.starts.keys()].map((task) => {
      const [frameworkId = '', taskId = ''] = splitTask(task);
      return { taskId, frameworkId, agent: name, isRunning: running.has(task) };
    });
  });
}

/** The ids of framework and task; neither has a slash. */
function splitTask(task: string): readonly string[] {
  return task.split('/');
}
