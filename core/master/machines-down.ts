/**
 * Machines that are down: their agents are shut down when that happens, and turned away when they ask
 * to be registered. What an agent that is turned away still runs is ended by it, so its tasks are
 * given up at once: the master may have been restarted since the machine was taken down.
 */
import { type LinkAgentMessageReregister, isTerminalState, machineText } from '../api/index.js';
import { type AgentId, type FrameworkId, id } from '../base/index.js';
import { hostOf } from './agent-profile.js';
import { forgetAbsent, removeAgent } from './agent-departure.js';
import type { MasterContext } from './context.js';
import type { AgentConnection } from './ports.js';
import { masterStatus, sendUpdate } from './status.js';

/** What the agents of a machine are told, and their frameworks, when it goes down. */
export const MACHINE_DOWN = 'its machine was taken down for maintenance';

/** Why an agent is not taken now; undefined: its machine is not down. */
export function downProblem(
  context: MasterContext,
  hostname: string,
  connection: AgentConnection,
): string | undefined {
  const place = { hostname, ip: hostOf(connection.peer) };
  const machine = context.cluster.machines.downAt(place);
  if (machine === undefined) return undefined;
  return `machine ${machineText(machine.id)} is down for maintenance: start the agent when it is up`;
}

/** An agent with an id is turned away: it ends its tasks, and is none of the cluster any more. */
export function turnAway(context: MasterContext, report: LinkAgentMessageReregister): void {
  const agentId = id<'AgentId'>(report.agent_info.id?.value ?? '');
  const { agents, recoveredAgents } = context.cluster;
  const registered = agents.get(agentId);
  if (registered !== undefined) {
    // It has moved to this machine: its books tell its frameworks.
    const message = `Agent ${registered.info.hostname} was removed: ${MACHINE_DOWN}`;
    removeAgent(context, registered, { message, shutdown: MACHINE_DOWN });
    return;
  }
  const tellTasks = (): void => giveUpTasks(context, agentId, report);
  if (recoveredAgents.has(agentId)) forgetAbsent(context, agentId, tellTasks);
  else tellTasks();
}

/** Tells frameworks of the tasks that an agent which is turned away had. */
function giveUpTasks(
  context: MasterContext,
  agentId: AgentId,
  report: LinkAgentMessageReregister,
): void {
  for (const task of report.tasks ?? []) {
    if (isTerminalState(task.state)) continue;
    const frameworkId: FrameworkId = id<'FrameworkId'>(task.framework_id.value);
    const framework = context.cluster.frameworks.get(frameworkId);
    const taskId = id<'TaskId'>(task.task_id.value);
    // Its framework may have launched it anew elsewhere, under the same id.
    if (framework === undefined || framework.tasks.has(taskId)) continue;
    if (framework.unreachableTasks.delete(taskId)) {
      framework.completedTasks.push({ ...task, state: framework.visible('TASK_GONE') });
    }
    const status = masterStatus(context, {
      taskId,
      agentId,
      state: framework.visible('TASK_GONE'),
      reason: 'REASON_AGENT_REMOVED',
      message: `Agent ${report.agent_info.hostname} was turned away: ${MACHINE_DOWN}`,
    });
    sendUpdate(framework, status);
  }
}
