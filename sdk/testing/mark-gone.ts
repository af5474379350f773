/** What an operator does about a host that will never come back. */
import { at } from '../../core/base/index.js';
import type { SimulatedCluster } from '../../core/simulation/index.js';

/** Tells the master; does nothing when there is none, or when it does not know the agent. */
export function markGone(cluster: SimulatedCluster, index: number): void {
  const { master } = cluster;
  const { hostname, name } = at(cluster.agents, index);
  if (master === undefined) return;
  const { agents, recoveredAgents, unreachableAgents } = master.cluster;
  for (const known of [agents, recoveredAgents, unreachableAgents]) {
    for (const [agentId, { info }] of known) {
      if (info.hostname !== hostname) continue;
      cluster.trace.add(name, 'gone', agentId);
      void master.operatorCall({
        type: 'MARK_AGENT_GONE',
        mark_agent_gone: { agent_id: { value: agentId } },
      });
    }
  }
}
