/** Messages between schedulers and executors, and the end of executors. Best effort, at most once. */
import type {
  LinkAgentMessageExecutorExited,
  LinkAgentMessageExecutorMessage,
  SchedulerCallMessage,
} from '../api/index.js';
import { id } from '../base/index.js';
import type { Agent } from './agent.js';
import { removeExecutor } from './books.js';
import { type MasterContext, sendEvent } from './context.js';
import type { Framework } from './framework.js';

/** MESSAGE of a scheduler: passed on to the agent, dropped when it is away. */
export function messageToExecutor(
  context: MasterContext,
  framework: Framework,
  call: SchedulerCallMessage,
): void {
  const { cluster, metrics } = context;
  metrics.count('messages_framework_to_executor');
  const agent = cluster.agents.get(id<'AgentId'>(call.agent_id.value));
  if (agent?.connection === undefined) {
    metrics.count('invalid_framework_to_executor_messages');
    return;
  }
  metrics.count('valid_framework_to_executor_messages');
  agent.connection.send({
    type: 'FRAMEWORK_MESSAGE',
    framework_message: {
      framework_id: { value: framework.id },
      executor_id: call.executor_id,
      data: call.data,
    },
  });
}

/** EXECUTOR_MESSAGE of an agent: passed on to the scheduler. */
export function messageToFramework(
  context: MasterContext,
  agent: Agent,
  message: LinkAgentMessageExecutorMessage,
): void {
  const { cluster, metrics } = context;
  metrics.count('messages_executor_to_framework');
  const framework = cluster.frameworks.get(id<'FrameworkId'>(message.framework_id.value));
  if (framework?.stream === undefined) {
    metrics.count('invalid_executor_to_framework_messages');
    return;
  }
  metrics.count('valid_executor_to_framework_messages');
  const { executor_id: executorId, data } = message;
  sendEvent(framework, {
    type: 'MESSAGE',
    message: { agent_id: { value: agent.id }, executor_id: executorId, data },
  });
}

/** EXECUTOR_EXITED of an agent: gives back what the executor held and tells the framework. */
export function executorExited(
  context: MasterContext,
  agent: Agent,
  message: LinkAgentMessageExecutorExited,
): void {
  context.metrics.count('messages_exited_executor');
  const frameworkId = id<'FrameworkId'>(message.framework_id.value);
  const executorId = id<'ExecutorId'>(message.executor_id.value);
  const executor = agent.executor(frameworkId, executorId);
  // Executors that the agent supplies for command tasks are not in the books.
  if (executor === undefined) return;
  removeExecutor(context, executor);
  const framework = context.cluster.frameworks.get(frameworkId);
  if (framework === undefined) return;
  const { status } = message;
  sendEvent(framework, {
    type: 'FAILURE',
    failure: { agent_id: { value: agent.id }, executor_id: { value: executorId }, status },
  });
  context.notify({ kind: 'executor-lost', frameworkId, executorId });
}
