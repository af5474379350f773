/** What an agent runs and ran, sorted as the v1 API and the pages group it. */
import type { AgentExecutor, AgentFramework, AgentState } from '../agent/index.js';
import type {
  AgentResponseGetExecutors,
  AgentResponseGetFrameworks,
  AgentResponseGetOperations,
  AgentResponseGetTasks,
  Task,
} from '../api/index.js';

/** All frameworks, those that are history last. */
export function allFrameworks(state: AgentState): readonly AgentFramework[] {
  return [...state.frameworks.values(), ...state.completedFrameworks.items];
}

/** Executors that are history, of all frameworks. */
function completedExecutors(state: AgentState): readonly AgentExecutor[] {
  return allFrameworks(state).flatMap((framework) => framework.completedExecutors.items);
}

/** Tasks that the executor works on: without those that it has not been given yet. */
export function launchedTasks(executor: AgentExecutor): readonly Task[] {
  return [...executor.active.values()]
    .filter((task) => !executor.queued.has(task.id))
    .map(({ task }) => task);
}

/** Tasks that wait for their executor. */
export function queuedTasks(executor: AgentExecutor): readonly Task[] {
  return [...executor.queued.values()].map(({ task }) => task);
}

/** Tasks that have ended and whose end is not acknowledged yet. */
export function terminatedTasks(executor: AgentExecutor): readonly Task[] {
  return [...executor.terminated.values()].map(({ task }) => task);
}

/** GET_TASKS. */
export function tasksView(state: AgentState): AgentResponseGetTasks {
  const executors = [...state.executors()];
  const everyRun = [...executors, ...completedExecutors(state)];
  return {
    pending_tasks: [],
    queued_tasks: executors.flatMap(queuedTasks),
    launched_tasks: executors.flatMap(launchedTasks),
    terminated_tasks: executors.flatMap(terminatedTasks),
    completed_tasks: everyRun.flatMap((executor) => executor.completed.items),
  };
}

/** GET_EXECUTORS. */
export function executorsView(state: AgentState): AgentResponseGetExecutors {
  return {
    executors: [...state.executors()].map(({ info }) => ({ executor_info: info })),
    completed_executors: completedExecutors(state).map(({ info }) => ({ executor_info: info })),
  };
}

/** GET_FRAMEWORKS. */
export function frameworksView(state: AgentState): AgentResponseGetFrameworks {
  const completed = state.completedFrameworks.items;
  return {
    frameworks: [...state.frameworks.values()].map(({ info }) => ({ framework_info: info })),
    completed_frameworks: completed.map(({ info }) => ({ framework_info: info })),
  };
}

/** GET_OPERATIONS: those whose outcome is not acknowledged. */
export function operationsView({ operations }: AgentState): AgentResponseGetOperations {
  return operations.size === 0 ? {} : { operations: [...operations.values()] };
}
