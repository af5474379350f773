/** What operators do to agents, against a master under test. */
import type {
  CallAnswer,
  LinkMasterMessageDrain,
  MasterCall,
  MasterCallDrainAgent,
  MasterResponseGetAgentsAgent,
} from '../../../core/api/index.js';
import { decodeJson } from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import type { FakeConnection, Harness } from './harness.js';

/** Makes a call and waits for its answer. */
export async function operate(harness: Harness, asked: MasterCall): Promise<CallAnswer> {
  const answer = harness.master.operatorCall(asked);
  await harness.world.settle();
  const settled = await answer;
  if (!('status' in settled)) throw new Error('not a status');
  return settled;
}

export function drain(
  harness: Harness,
  agentId: string,
  conditions: Omit<MasterCallDrainAgent, 'agent_id'> = {},
): Promise<CallAnswer> {
  const drain_agent = { agent_id: { value: agentId }, ...conditions };
  return operate(harness, { type: 'DRAIN_AGENT', drain_agent });
}

export function deactivate(harness: Harness, agentId: string): Promise<CallAnswer> {
  const deactivate_agent = { agent_id: { value: agentId } };
  return operate(harness, { type: 'DEACTIVATE_AGENT', deactivate_agent });
}

export function reactivate(harness: Harness, agentId: string): Promise<CallAnswer> {
  const reactivate_agent = { agent_id: { value: agentId } };
  return operate(harness, { type: 'REACTIVATE_AGENT', reactivate_agent });
}

export function markGone(harness: Harness, agentId: string): Promise<CallAnswer> {
  const mark_agent_gone = { agent_id: { value: agentId } };
  return operate(harness, { type: 'MARK_AGENT_GONE', mark_agent_gone });
}

/** The registered agents. */
export function agentsOf(harness: Harness): readonly MasterResponseGetAgentsAgent[] {
  const answer = harness.master.operatorCall({ type: 'GET_AGENTS' });
  if (answer instanceof Promise || 'status' in answer) throw new Error('no agents');
  return answer.get_agents?.agents ?? [];
}

/** The only registered agent. */
export function agentOf(harness: Harness): MasterResponseGetAgentsAgent {
  return at(agentsOf(harness), 0);
}

/** How far the only registered agent is drained. */
export function drainState(harness: Harness): string | undefined {
  return agentOf(harness).drain_info?.state;
}

/** What an agent was told about being drained. */
export function drainsTold(connection: FakeConnection): readonly LinkMasterMessageDrain[] {
  return connection.of('DRAIN').flatMap((message) => message.drain ?? []);
}

/** The states of the agents on record, and the ids of those that are deactivated. */
export function onRecord(harness: Harness): {
  readonly states: readonly string[];
  readonly deactivated: readonly string[];
} {
  const entries = harness.medium.list('registry/');
  const under = (folder: string): typeof entries =>
    entries.filter(({ key }) => key.startsWith(`registry/${folder}/`));
  return {
    states: under('agents').map(({ value }) => decodeJson('RegistryAgent', value).state),
    deactivated: under('drains').map(
      ({ value }) => decodeJson('RegistryDeactivation', value).agent_id.value,
    ),
  };
}
