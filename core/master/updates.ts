/**
 * The way of a status update through the master: from the agent into the books and on to the
 * framework, and the acknowledgement back. The agent keeps and repeats an update until it is
 * acknowledged; the master only passes it on, so nothing is lost when either side is away.
 */
import {
  type LinkAgentMessageStatusUpdate,
  type SchedulerCallAcknowledge,
  isTerminalState,
} from '../api/index.js';
import { id } from '../base/index.js';
import type { Agent } from './agent.js';
import { recordStatus, removeTask } from './books.js';
import type { MasterContext } from './context.js';
import type { Framework } from './framework.js';
import { sendUpdate } from './status.js';

/** Handles a STATUS_UPDATE of a registered agent. */
export function statusUpdate(
  context: MasterContext,
  agent: Agent,
  message: LinkAgentMessageStatusUpdate,
): void {
  const { cluster, metrics } = context;
  metrics.count('messages_status_update');
  const framework = cluster.frameworks.get(id<'FrameworkId'>(message.framework_id.value));
  const taskId = id<'TaskId'>(message.status.task_id.value);
  if (framework === undefined) {
    metrics.count('invalid_status_updates');
    const fields = { framework: message.framework_id.value, task: taskId };
    context.log.warn('dropping a status update of an unknown framework', fields);
    return;
  }
  const { status } = message;
  sendUpdate(framework, { ...status, state: framework.visible(status.state) });
  const task = agent.task(framework.id, taskId);
  if (task === undefined) {
    // Forwarded all the same: the agent waits for the framework's acknowledgement.
    metrics.count('invalid_status_updates');
    return;
  }
  metrics.count('valid_status_updates');
  recordStatus(context, task, { status, latestState: message.latest_state });
  const isSettled = status.uuid === undefined && isTerminalState(status.state);
  if (isSettled) removeTask(context, task);
}

/** ACKNOWLEDGE: passed on to the agent; the task of a terminal update is now completed. */
export function acknowledge(
  context: MasterContext,
  framework: Framework,
  call: SchedulerCallAcknowledge,
): void {
  const { cluster, metrics } = context;
  metrics.count('messages_status_update_acknowledgement');
  const agent = cluster.agents.get(id<'AgentId'>(call.agent_id.value));
  if (agent?.connection === undefined) {
    // The agent will repeat the update when it is back, and be acknowledged then.
    metrics.count('invalid_status_update_acknowledgements');
    return;
  }
  const task = agent.task(framework.id, id<'TaskId'>(call.task_id.value));
  if (task !== undefined) {
    const { status_update_state: state, status_update_uuid: uuid } = task.message;
    const isLast = state !== undefined && isTerminalState(state) && uuid === call.uuid;
    if (isLast) removeTask(context, task);
  }
  metrics.count('valid_status_update_acknowledgements');
  agent.connection.send({
    type: 'ACKNOWLEDGE',
    acknowledge: {
      framework_id: { value: framework.id },
      task_id: call.task_id,
      uuid: call.uuid,
    },
  });
}
