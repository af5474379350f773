/**
 * What operators have decided about an agent that is not to be offered: deactivated, or drained as
 * well. Kept apart from what the agent is (registered, unreachable, awaited), so that it stays as it
 * is while that changes; it ends with the agent.
 */
import type { DrainInfo, RegistryDeactivation } from '../api/index.js';
import { type AgentId, id } from '../base/index.js';

/** The agent is not offered. Replaced as a whole, never mutated. */
export interface Deactivation {
  /** Undefined: what it runs goes on. */
  readonly drain: Drain | undefined;
}

/** The tasks of the agent have to end, or have ended. */
export interface Drain {
  readonly info: DrainInfo;
  /** When it was asked for, in milliseconds since 1970. */
  readonly startedMs: number;
}

/** The drain of an agent whose end is awaited; undefined: there is none, or it is over. */
export function drainUnderWay(deactivation: Deactivation | undefined): Drain | undefined {
  const drain = deactivation?.drain;
  return drain?.info.state === 'DRAINING' ? drain : undefined;
}

/** The record of a deactivation, for the registry. */
export function deactivationRecord(
  agentId: AgentId,
  { drain }: Deactivation,
): RegistryDeactivation {
  const agent_id = { value: agentId };
  if (drain === undefined) return { agent_id };
  return { agent_id, drain_info: drain.info, drain_started: drain.startedMs / 1000 };
}

/** Reads what `deactivationRecord` made. */
export function readDeactivation(
  record: RegistryDeactivation,
): readonly [agentId: AgentId, deactivation: Deactivation] {
  const { agent_id, drain_info: info, drain_started: started = 0 } = record;
  const drain = info === undefined ? undefined : { info, startedMs: started * 1000 };
  return [id<'AgentId'>(agent_id.value), { drain }];
}
