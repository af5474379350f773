/** Observations as the events that streams of operators carry. */
import type { MasterEvent } from '../api/index.js';
import { id } from '../base/index.js';
import type { ClusterView } from './cluster.js';
import type { MasterObservation } from './ports.js';
import { snapshotAgent, snapshotFramework } from './snapshots.js';
import { viewAgent, viewFramework } from './views.js';

/**
 * The event that tells of an observation, with what it is about as it is now; undefined when operators
 * are not told of such a thing, or when it is there no more.
 */
export function operatorEvent(
  cluster: ClusterView,
  observation: MasterObservation,
): MasterEvent | undefined {
  switch (observation.kind) {
    case 'agent-added': {
      const agent = cluster.agents.get(observation.agentId);
      if (agent === undefined) return undefined;
      return { type: 'AGENT_ADDED', agent_added: { agent: viewAgent(snapshotAgent(agent)) } };
    }
    case 'agent-removed':
    case 'agent-unreachable': {
      const agent_id = { value: observation.agentId };
      return { type: 'AGENT_REMOVED', agent_removed: { agent_id } };
    }
    case 'framework-added':
    case 'framework-updated':
      return frameworkEvent(cluster, observation);
    case 'framework-removed': {
      const framework_info = observation.info;
      return { type: 'FRAMEWORK_REMOVED', framework_removed: { framework_info } };
    }
    case 'task-added':
    case 'task-updated':
      return taskEvent(cluster, observation);
    default:
      return undefined;
  }
}

type FrameworkChange = Extract<
  MasterObservation,
  { readonly kind: 'framework-added' | 'framework-updated' }
>;

function frameworkEvent(cluster: ClusterView, change: FrameworkChange): MasterEvent | undefined {
  const found = cluster.frameworks.get(change.frameworkId);
  if (found === undefined) return undefined;
  const framework = viewFramework(snapshotFramework(cluster, found));
  return change.kind === 'framework-added'
    ? { type: 'FRAMEWORK_ADDED', framework_added: { framework } }
    : { type: 'FRAMEWORK_UPDATED', framework_updated: { framework } };
}

type TaskChange = Extract<MasterObservation, { readonly kind: 'task-added' | 'task-updated' }>;

/** The data of a status is not in the books, and so in no event. */
function taskEvent(cluster: ClusterView, change: TaskChange): MasterEvent | undefined {
  const framework = cluster.frameworks.get(change.frameworkId);
  const task = framework?.tasks.get(id<'TaskId'>(change.taskId))?.message;
  if (task === undefined) return undefined;
  if (change.kind === 'task-added') return { type: 'TASK_ADDED', task_added: { task } };
  const status = task.statuses?.at(-1);
  if (status === undefined) return undefined;
  const framework_id = task.framework_id;
  return { type: 'TASK_UPDATED', task_updated: { framework_id, status, state: task.state } };
}
