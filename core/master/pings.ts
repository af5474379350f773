/** Pings: how the master notices that an agent does not answer any more. */
import type { Agent } from './agent.js';
import { markUnreachable } from './agent-departure.js';
import type { MasterContext } from './context.js';

/**
 * Starts, or starts again, to ping an agent. A disconnected one is given the same time to come back,
 * counted from its last answer.
 */
export function startPings(context: MasterContext, agent: Agent): void {
  const { agentPingTimeoutMs, maxAgentPingTimeouts } = context.config;
  agent.pings?.dispose();
  agent.missedPings = 0;
  const ping = (): void => agent.connection?.send({ type: 'PING' });
  ping();
  agent.pings = context.timers.every(agentPingTimeoutMs, () => {
    agent.missedPings++;
    if (agent.missedPings >= maxAgentPingTimeouts) markUnreachable(context, agent);
    else ping();
  });
}

/** PONG of an agent. */
export function pong(agent: Agent): void {
  agent.missedPings = 0;
}
