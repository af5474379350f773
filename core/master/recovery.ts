/**
 * Starting from the registry: frameworks and agents of a former master are known again and have their
 * time to come back. And keeping it small: old unreachable and gone agents are forgotten.
 */
import type { RoleQuota } from '../allocator/index.js';
import type { RegistryAgent } from '../api/index.js';
import { type AgentId, id } from '../base/index.js';
import { expireRecovered } from './agents.js';
import type { AbsentAgent } from './cluster.js';
import type { MasterContext } from './context.js';
import { addRecoveredFramework } from './frameworks.js';
import { roleQuota } from './quota-forms.js';
import { type RegistryContents, deactivationKey, keysOf } from './registry-records.js';
import { recoverWeights } from './weights.js';

/** Fills the cluster with what a former master left, and starts the timeouts anew. */
export function recoverCluster(context: MasterContext, contents: RegistryContents): void {
  const { cluster } = context;
  recoverQuotas(context, contents);
  recoverWeights(context, contents.weights);
  cluster.machines.replace(contents);
  recoverAgents(context, contents);
  recoverDeactivations(context, contents);
  const removed = [...contents.frameworks.values()].filter(({ state }) => state === 'REMOVED');
  removed.sort((one, other) => (one.removed_time ?? 0) - (other.removed_time ?? 0));
  for (const { framework_info: info } of removed) {
    cluster.removedFrameworks.set(id<'FrameworkId'>(info.id?.value ?? ''), { info });
  }
  for (const { framework_info: info, state, registered_time } of contents.frameworks.values()) {
    const registeredMs = registered_time === undefined ? undefined : registered_time * 1000;
    if (state !== 'REMOVED') addRecoveredFramework(context, info, registeredMs);
  }
}

/** Before anything can be offered: with quota the allocator waits for most agents to come back. */
function recoverQuotas({ cluster, allocator }: MasterContext, contents: RegistryContents): void {
  const quotas = new Map<string, RoleQuota>();
  for (const [role, config] of contents.quotas) {
    quotas.set(role, roleQuota(config));
  }
  for (const [role, quota] of quotas) cluster.quotas.set(role, quota);
  const records = [...contents.agents.values()];
  const expectedAgents = records.filter(({ state }) => state === 'ADMITTED').length;
  allocator.recover({ expectedAgents, quotas });
}

function recoverAgents(context: MasterContext, contents: RegistryContents): void {
  const { recoveredAgents, unreachableAgents, goneAgents } = context.cluster;
  const nowMs = context.world.clock.now();
  const bySince = [...contents.agents].toSorted(
    ([, one], [, other]) => (one.since ?? 0) - (other.since ?? 0),
  );
  for (const [agentId, record] of bySince) {
    const sinceMs = record.since === undefined ? nowMs : record.since * 1000;
    const absent = { info: record.agent_info, sinceMs, record };
    mapOf(record.state)?.set(agentId, absent);
  }
  if (recoveredAgents.size > 0) expireRecovered(context, [...recoveredAgents]);

  function mapOf(state: RegistryAgent['state']): Map<AgentId, AbsentAgent> | undefined {
    if (state === 'ADMITTED') return recoveredAgents;
    if (state === 'UNREACHABLE') return unreachableAgents;
    return state === 'GONE' ? goneAgents : undefined;
  }
}

/** What is decided about agents that are no more was written while they were being removed. */
function recoverDeactivations(context: MasterContext, contents: RegistryContents): void {
  const { cluster, registry } = context;
  for (const [agentId, deactivation] of contents.deactivations) {
    if (cluster.isKnown(agentId)) cluster.setDeactivation(agentId, deactivation);
    else registry.commit({ deletes: [deactivationKey(agentId)] });
  }
}

/** Forgets unreachable and gone agents that are too old or too many, the oldest first. */
export function collectGarbage(context: MasterContext): void {
  for (const kind of ['unreachableAgents', 'goneAgents'] as const) {
    const absent = context.cluster[kind];
    const old = tooOld(context, absent);
    if (old.length === 0) continue;
    context.registry.commit({ deletes: old.flatMap(([agentId]) => keysOf(agentId)) }, () => {
      for (const [agentId, entry] of old) {
        if (absent.get(agentId) !== entry) continue;
        absent.delete(agentId);
        context.cluster.setDeactivation(agentId, undefined);
      }
    });
  }
}

function tooOld(
  context: MasterContext,
  absent: ReadonlyMap<AgentId, AbsentAgent>,
): (readonly [AgentId, AbsentAgent])[] {
  const { registryMaxAgentAgeMs, registryMaxAgentCount } = context.config;
  const limitMs = context.world.clock.now() - registryMaxAgentAgeMs;
  let surplus = absent.size - registryMaxAgentCount;
  return [...absent].filter(([agentId, { sinceMs }]) => {
    // One that is coming back is left alone.
    if (context.pendingAgents.writing.has(agentId)) return false;
    return surplus-- > 0 || sinceMs < limitMs;
  });
}
