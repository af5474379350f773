/**
 * DRAIN_AGENT, DEACTIVATE_AGENT and REACTIVATE_AGENT. A deactivated agent is offered no more; one that
 * is drained has to end its tasks as well, and is drained when nothing is left on it and every end is
 * acknowledged. All of that is in the registry before it is acted upon or answered, and holds for
 * agents that are away: they are told when they come back, by whichever master they come to.
 */
import type {
  AgentInfoCapability,
  CallAnswer,
  DrainConfig,
  DrainInfo,
  MasterCallDrainAgent,
  ProtobufDuration,
} from '../api/index.js';
import { machineText } from '../api/index.js';
import { type AgentId, id } from '../base/index.js';
import type { Agent } from './agent.js';
import { decideGone } from './agent-gone.js';
import type { MasterContext } from './context.js';
import { type Deactivation, drainUnderWay } from './deactivation.js';
import { rescindInverseOffers } from './inverse-offers.js';
import { placeOf } from './maintenance-windows.js';
import { rescindOffer } from './offers.js';
import type { OperatorDecision } from './operator-changes.js';
import type { MasterObservation } from './ports.js';
import { deactivationKey, putDeactivation } from './registry-records.js';

/** DRAIN_AGENT; of an agent that drains already it replaces the conditions. */
export function drainAgent(
  context: MasterContext,
  call: MasterCallDrainAgent,
): Promise<CallAnswer> {
  const agentId = id<'AgentId'>(call.agent_id.value);
  return change(context, agentId, (former) => {
    const grace = graceOf(call.max_grace_period);
    const problem =
      grace.problem ?? capabilityProblem(context, agentId) ?? scheduleProblem(context, agentId);
    if (problem !== undefined) return refusal(problem);
    const config: DrainConfig = {
      ...(grace.nanoseconds !== undefined && {
        max_grace_period: { nanoseconds: grace.nanoseconds },
      }),
      mark_gone: call.mark_gone ?? false,
    };
    const startedMs = drainUnderWay(former)?.startedMs ?? context.world.clock.now();
    const info: DrainInfo = { state: 'DRAINING', config };
    return { next: { drain: { info, startedMs } }, kind: 'agent-draining' };
  });
}

/** DEACTIVATE_AGENT: what the agent runs goes on. One that is drained stays so. */
export function deactivateAgent(context: MasterContext, agentId: AgentId): Promise<CallAnswer> {
  return change(context, agentId, (former) => {
    if (former !== undefined) return { status: 200 };
    return { next: { drain: undefined }, kind: 'agent-deactivated' };
  });
}

/** REACTIVATE_AGENT: the agent is offered again, whether it was deactivated or drained. */
export function reactivateAgent(context: MasterContext, agentId: AgentId): Promise<CallAnswer> {
  return change(context, agentId, (former) => {
    if (former === undefined) return refusal(`Agent ${agentId} is not deactivated`);
    if (drainUnderWay(former) !== undefined) {
      return refusal(`Agent ${agentId} is still being drained: wait until it is DRAINED`);
    }
    return { next: undefined, kind: 'agent-reactivated' };
  });
}

/** What becomes of an agent's deactivation. */
interface Change {
  readonly next: Deactivation | undefined;
  /** How it is told to those who observe. */
  readonly kind: MasterObservation['kind'] & `agent-${string}`;
}

/** Has a change of an agent's deactivation decided, recorded and done. */
function change(
  context: MasterContext,
  agentId: AgentId,
  decide: (former: Deactivation | undefined) => CallAnswer | Change,
): Promise<CallAnswer> {
  const { cluster, operatorChanges, pendingAgents } = context;
  if (pendingAgents.markingGone.has(agentId)) {
    return Promise.resolve({ status: 409, message: `Agent ${agentId} is being marked gone` });
  }
  return operatorChanges.submit(() => {
    if (!cluster.isKnown(agentId)) return refusal(`No agent found with ID ${agentId}`);
    const decided = decide(cluster.deactivations.get(agentId));
    return 'status' in decided ? decided : recorded(context, agentId, decided);
  });
}

function recorded(context: MasterContext, agentId: AgentId, decided: Change): OperatorDecision {
  const { cluster, registry } = context;
  const { next } = decided;
  const deletes = [deactivationKey(agentId)];
  return {
    change: next === undefined ? { deletes } : { puts: [putDeactivation(agentId, next)] },
    apply() {
      if (cluster.isKnown(agentId)) {
        adopt(context, agentId, decided);
        return { status: 200 };
      }
      // Its record was removed before this one was written: nothing may be left of it.
      registry.commit({ deletes });
      return { status: 409, message: `Agent ${agentId} was removed meanwhile` };
    },
  };
}

/** The change counts from now on. */
function adopt(context: MasterContext, agentId: AgentId, { next, kind }: Change): void {
  const { allocator, cluster } = context;
  const isDraining = kind === 'agent-draining';
  cluster.setDeactivation(agentId, next);
  context.log.info('an operator has decided about an agent', { agent: agentId, what: kind });
  context.notify({ kind, agentId });
  const agent = cluster.agents.get(agentId);
  if (agent === undefined) return;
  if (next === undefined) {
    if (agent.isConnected) allocator.activateAgent(agentId);
    return;
  }
  allocator.deactivateAgent(agentId);
  for (const offer of agent.offers) rescindOffer(context, offer);
  rescindInverseOffers(context, agent);
  if (isDraining || kind === 'agent-drained') tellDrain(agent);
  if (isDraining) checkDrained(context, agent);
}

/** Tells an agent that has just been registered, or is back, that it is to be drained. */
export function greetDraining(context: MasterContext, agent: Agent): void {
  if (drainUnderWay(agent.deactivation) === undefined) return;
  tellDrain(agent);
  checkDrained(context, agent);
}

/** Tells an agent on which conditions it is drained, or that it is no more. */
function tellDrain(agent: Agent): void {
  const drain = drainUnderWay(agent.deactivation);
  agent.connection?.send({
    type: 'DRAIN',
    drain:
      drain === undefined ? {} : { config: drain.info.config, started: drain.startedMs / 1000 },
  });
}

/** Looks whether an agent that is being drained has nothing left, and records it. */
export function checkDrained(context: MasterContext, agent: Agent): void {
  if (isEmptied(context, agent)) {
    context.operatorChanges.follow(() => decideDrained(context, agent));
  }
}

/** An agent that is away may hold more than its books say, so its end is not seen before it is back. */
function isEmptied({ cluster }: MasterContext, agent: Agent): boolean {
  return (
    drainUnderWay(agent.deactivation) !== undefined &&
    agent.isConnected &&
    !agent.isLeaving &&
    cluster.agents.get(agent.id) === agent &&
    agent.tasks.size === 0 &&
    agent.executors.size === 0 &&
    agent.operations.size === 0
  );
}

function decideDrained(context: MasterContext, agent: Agent): OperatorDecision {
  const drain = drainUnderWay(agent.deactivation);
  if (drain === undefined || !isEmptied(context, agent)) return { status: 200 };
  // One write: no master ever finds an agent that is drained and should be gone.
  if (drain.info.config.mark_gone === true) return decideGone(context, agent.id);
  const info: DrainInfo = { ...drain.info, state: 'DRAINED' };
  return recorded(context, agent.id, {
    next: { drain: { ...drain, info } },
    kind: 'agent-drained',
  });
}

function refusal(message: string): CallAnswer {
  return { status: 400, message };
}

const NANOS_PER_SECOND = 1_000_000_000n;
const LONGEST_NANOS = 2n ** 63n - 1n;

interface Grace {
  readonly problem?: string;
  readonly nanoseconds?: bigint;
}

/** The longest grace period of a call; without `nanoseconds` it sets none. */
function graceOf(period: ProtobufDuration | undefined): Grace {
  if (period === undefined) return {};
  const nanoseconds = (period.seconds ?? 0n) * NANOS_PER_SECOND + BigInt(period.nanos ?? 0);
  const field = "'drain_agent.max_grace_period'";
  if (nanoseconds < 0n) return { problem: `${field} is negative` };
  return nanoseconds > LONGEST_NANOS ? { problem: `${field} exceeds 292 years` } : { nanoseconds };
}

function capabilityProblem(context: MasterContext, agentId: AgentId): string | undefined {
  const can = capabilitiesOf(context, agentId).some(({ type }) => type === 'AGENT_DRAINING');
  return can ? undefined : `Agent ${agentId} is not capable of being drained (AGENT_DRAINING)`;
}

function capabilitiesOf(
  { cluster }: MasterContext,
  agentId: AgentId,
): readonly AgentInfoCapability[] {
  const { agents, recoveredAgents, unreachableAgents } = cluster;
  const absent = recoveredAgents.get(agentId) ?? unreachableAgents.get(agentId);
  return agents.get(agentId)?.capabilities ?? absent?.record.capabilities ?? [];
}

/** An agent is either drained by itself or with its machine. Where one is that is away, its name says. */
function scheduleProblem({ cluster }: MasterContext, agentId: AgentId): string | undefined {
  const { agents, recoveredAgents, unreachableAgents, machines } = cluster;
  const agent = agents.get(agentId);
  const absent = recoveredAgents.get(agentId) ?? unreachableAgents.get(agentId);
  const hostname = absent?.info.hostname ?? '';
  const [machine] = machines.at(agent === undefined ? { hostname, ip: '' } : placeOf(agent));
  if (machine === undefined) return undefined;
  const name = machineText(machine.id);
  return `Agent ${agentId} runs on machine ${name}, which is in the maintenance schedule`;
}
