/** Messages of agents: registration, and what only a registered agent may say. */
import type { LinkAgentMessage } from '../api/index.js';
import type { Agent } from './agent.js';
import { registerAgent, reregisterAgent, unregisterAgent } from './agents.js';
import type { MasterContext } from './context.js';
import { executorExited, messageToFramework } from './messages.js';
import { operationStatus } from './operation-feedback.js';
import { updateOversubscribed } from './oversubscription.js';
import { pong } from './pings.js';
import type { AgentConnection } from './ports.js';
import { statusUpdate } from './updates.js';

/** Handles one message. Those of an agent that is not registered are ignored: it has to register. */
export function agentMessage(
  context: MasterContext,
  connection: AgentConnection,
  message: LinkAgentMessage,
): void {
  if (message.register !== undefined) registerAgent(context, connection, message.register);
  else if (message.reregister !== undefined) {
    reregisterAgent(context, connection, message.reregister);
  } else {
    const agent = context.cluster.connections.get(connection);
    if (agent !== undefined) fromRegistered(context, agent, message);
    else context.metrics.count('dropped_messages');
  }
}

function fromRegistered(context: MasterContext, agent: Agent, message: LinkAgentMessage): void {
  switch (message.type) {
    case 'STATUS_UPDATE':
      if (message.status_update !== undefined) statusUpdate(context, agent, message.status_update);
      break;
    case 'EXECUTOR_MESSAGE':
      if (message.executor_message !== undefined) {
        messageToFramework(context, agent, message.executor_message);
      }
      break;
    case 'EXECUTOR_EXITED':
      if (message.executor_exited !== undefined) {
        executorExited(context, agent, message.executor_exited);
      }
      break;
    case 'UNREGISTER':
      unregisterAgent(context, agent, message.unregister?.reason ?? 'no reason given');
      break;
    case 'OVERSUBSCRIBED':
      updateOversubscribed(context, agent, message.oversubscribed?.resources ?? []);
      break;
    case 'OPERATION_STATUS':
      if (message.operation_status !== undefined) {
        operationStatus(context, agent, message.operation_status);
      }
      break;
    case 'PONG':
      pong(agent);
      break;
    default:
      context.metrics.count('dropped_messages');
  }
}
