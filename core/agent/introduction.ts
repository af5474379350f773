/** How the agent presents itself to a master: alone the first time, later with all that it runs. */
import type {
  AgentInfo,
  AgentInfoCapability,
  LinkAgentMessage,
  Resource,
  Task,
} from '../api/index.js';
import type { AgentExecutor, AgentState, AgentTask } from './state.js';
import type { StatusUpdates } from './status-updates.js';

export interface IntroductionOptions {
  readonly agentInfo: AgentInfo;
  readonly state: AgentState;
  readonly updates: StatusUpdates;
  readonly version: string;
  readonly capabilities: readonly AgentInfoCapability[];
  /** What it can give to revocable tasks over and above what it has. */
  readonly oversubscribed: readonly Resource[];
}

/** REGISTER without an id, REREGISTER with one. */
export function introduction(options: IntroductionOptions): LinkAgentMessage {
  const { agentInfo, state, updates, version, capabilities, oversubscribed } = options;
  const common = {
    agent_info: agentInfo,
    version,
    capabilities,
    checkpointed_resources: state.checkpointedResources,
    ...(oversubscribed.length > 0 && { oversubscribed_resources: oversubscribed }),
  };
  if (state.agentId === undefined) return { type: 'REGISTER', register: common };
  const frameworks = [...state.frameworks.values()];
  const executors = [...state.executors()];
  return {
    type: 'REREGISTER',
    reregister: {
      ...common,
      frameworks: frameworks.map((framework) => framework.info),
      operations: [...state.operations.values()],
      tasks: executors.flatMap((executor) => tasksOf(executor, updates)),
      executors: executors
        .filter((executor) => executor.kind !== 'COMMAND' && executor.phase !== 'terminated')
        .map((executor) => ({
          framework_id: { value: executor.framework.id },
          executor_info: executor.info,
        })),
    },
  };
}

function tasksOf(executor: AgentExecutor, updates: StatusUpdates): readonly Task[] {
  const tasks = [...executor.active.values(), ...executor.terminated.values()];
  return tasks.map((task) => withForwarded(task, updates));
}

/** The task with the state that was forwarded last, as far as that is not acknowledged. */
function withForwarded(task: AgentTask, updates: StatusUpdates): Task {
  const outstanding = updates.outstanding(task.executor.framework.id, task.id);
  return {
    ...task.task,
    status_update_state: outstanding?.state ?? task.state,
    status_update_uuid: outstanding?.uuid ?? task.task.statuses?.at(-1)?.uuid,
  };
}
