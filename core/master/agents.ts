/**
 * The life of an agent: admitted under a new id, disconnected, and back. An agent is in the registry
 * before it learns its id; a request that is repeated while the write is under way changes only where
 * the answer goes, so that nobody is admitted twice.
 */
import {
  type AgentInfoCapability,
  type LinkAgentMessageRegister,
  type LinkAgentMessageReregister,
  type LinkFrameworkTasks,
  messagesEqual,
  validateId,
} from '../api/index.js';
import { type AgentId, id } from '../base/index.js';
import { Resources } from '../resources/index.js';
import { Agent, type AgentProfile } from './agent.js';
import { agentRecord, markAbsentUnreachable, removeAgent, writeDone } from './agent-departure.js';
import { hostOf, hostPort, presentationProblem, profileOf } from './agent-profile.js';
import {
  announceTasks,
  compareBooks,
  recoverFromReport,
  reportProblem,
  updateReportedFrameworks,
} from './agent-return.js';
import type { AbsentAgent } from './cluster.js';
import type { MasterContext } from './context.js';
import { domainProblem } from './domains.js';
import { greetDraining } from './drain.js';
import { resendKills } from './kill.js';
import { rescindInverseOffers } from './inverse-offers.js';
import { downProblem, turnAway } from './machines-down.js';
import { applyWindow, placeOf } from './maintenance-windows.js';
import { rescindOffer } from './offers.js';
import { recoverOperations, resendOperations } from './operation-feedback.js';
import { checkpointedPart, sendCheckpoint } from './operations.js';
import { startPings } from './pings.js';
import type { AgentConnection } from './ports.js';
import { agentKey, putAgent } from './registry-records.js';

/** REGISTER: an agent that has no id, or has lost it. */
export function registerAgent(
  context: MasterContext,
  connection: AgentConnection,
  message: LinkAgentMessageRegister,
): void {
  context.metrics.count('messages_register_slave');
  const problem = presentationProblem(message) ?? domainProblem(context.config, message.agent_info);
  if (problem !== undefined) {
    refuse(connection, problem, false);
    return;
  }
  const isDown = downProblem(context, message.agent_info.hostname, connection);
  if (isDown !== undefined) {
    refuse(connection, isDown, true);
    return;
  }
  const address = hostPort(message.agent_info);
  const { registering } = context.pendingAgents;
  const pending = registering.get(address);
  if (pending !== undefined) {
    pending.connection = connection;
    return;
  }
  const former = context.cluster.agentsByAddress.get(address);
  if (former !== undefined && former.connection === connection && !former.isLeaving) {
    // A repeated request that crossed the answer.
    sendRegistered(context, former);
    return;
  }
  if (former !== undefined && isUnused(former)) {
    // It never learned its id, or has forgotten it: nothing is lost by giving it the same again.
    update(context, former, profileOf(former.id, message));
    connect(context, former, connection);
    sendRegistered(context, former);
    return;
  }
  if (former !== undefined) {
    const message = `A new agent registered from ${address}`;
    removeAgent(context, former, { message, counter: 'slave_removals/reason_registered' });
  }
  admitNew(context, connection, message);
}

function isUnused(agent: Agent): boolean {
  return !agent.isLeaving && agent.tasks.size === 0 && agent.executors.size === 0;
}

function admitNew(
  context: MasterContext,
  connection: AgentConnection,
  message: LinkAgentMessageRegister,
): void {
  const address = hostPort(message.agent_info);
  const agentId = id<'AgentId'>(`${context.info.id}-S${context.next.agent++}`);
  const profile = profileOf(agentId, message);
  const agent = new Agent(agentId, profile, context.world.clock.now());
  agent.address = hostOf(connection.peer);
  const pending: { readonly agentId: AgentId; connection: AgentConnection | undefined } = {
    agentId,
    connection,
  };
  context.pendingAgents.registering.set(address, pending);
  context.registry.commit({ puts: [putAgent(agentId, agentRecord(agent, 'ADMITTED'))] }, () => {
    context.pendingAgents.registering.delete(address);
    const isDown = downProblem(context, agent.info.hostname, connection);
    if (isDown !== undefined) {
      // Its machine was taken down while this was written, and nobody learned of the id.
      context.registry.commit({ deletes: [agentKey(agentId)] });
      if (pending.connection !== undefined) refuse(pending.connection, isDown, true);
      return;
    }
    context.metrics.count('slave_registrations');
    add(context, agent);
    if (pending.connection === undefined) startPings(context, agent);
    else connect(context, agent, pending.connection);
    sendRegistered(context, agent);
  });
}

/** Adds an agent to the books and to the allocator, with what is used on it; not connected yet. */
function add(context: MasterContext, agent: Agent): void {
  const { cluster, allocator } = context;
  cluster.agents.set(agent.id, agent);
  cluster.agentsByAddress.set(hostPort(agent.info), agent);
  const { info, capabilities, total } = agent;
  agent.deactivation = cluster.deactivations.get(agent.id);
  agent.unavailability = cluster.machines.unavailabilityAt(placeOf(agent));
  const state = { info, capabilities, total, unavailability: agent.unavailability };
  allocator.addAgent(agent.id, state, new Map(agent.used));
  allocator.deactivateAgent(agent.id);
  context.notify({ kind: 'agent-added', agentId: agent.id });
}

/** Binds a connection to an agent; a second one replaces the first. */
function connect(context: MasterContext, agent: Agent, connection: AgentConnection): void {
  const { connections } = context.cluster;
  if (agent.connection !== undefined && agent.connection !== connection) {
    connections.delete(agent.connection);
    agent.connection.close();
  }
  const other = connections.get(connection);
  if (other !== undefined && other !== agent) loseConnection(context, other);
  agent.connection = connection;
  agent.address = hostOf(connection.peer);
  connections.set(connection, agent);
  applyWindow(context, agent);
  if (agent.deactivation === undefined) context.allocator.activateAgent(agent.id);
  startPings(context, agent);
}

/** Takes over what an agent says of itself now. */
function update(context: MasterContext, agent: Agent, profile: AgentProfile): void {
  const { agentsByAddress } = context.cluster;
  const isSame =
    agent.total.equals(profile.total) &&
    messagesEqual('AgentInfo', agent.info, profile.info) &&
    typesOf(agent.capabilities) === typesOf(profile.capabilities);
  agent.version = profile.version;
  if (isSame) return;
  for (const offer of agent.offers) rescindOffer(context, offer);
  if (agentsByAddress.get(hostPort(agent.info)) === agent) {
    agentsByAddress.delete(hostPort(agent.info));
  }
  agent.info = profile.info;
  agent.capabilities = profile.capabilities;
  agent.total = profile.total;
  agent.noteOvercommitment();
  agentsByAddress.set(hostPort(agent.info), agent);
  const { info, capabilities, total } = profile;
  context.allocator.updateAgent(agent.id, { info, capabilities, total });
  context.registry.commit({ puts: [putAgent(agent.id, agentRecord(agent, 'ADMITTED'))] });
}

function typesOf(capabilities: readonly AgentInfoCapability[]): string {
  return capabilities.map(({ type }) => type).join(',');
}

/** REREGISTER: an agent that has an id and may have tasks. */
export function reregisterAgent(
  context: MasterContext,
  connection: AgentConnection,
  message: LinkAgentMessageReregister,
): void {
  const { cluster, pendingAgents, metrics } = context;
  metrics.count('messages_reregister_slave');
  const agentId = id<'AgentId'>(message.agent_info.id?.value ?? '');
  const problem =
    validateId(agentId, "'agent_info.id'") ??
    presentationProblem(message) ??
    domainProblem(context.config, message.agent_info) ??
    reportProblem(message);
  if (problem !== undefined) {
    refuse(connection, problem, false);
    return;
  }
  if (pendingAgents.writing.has(agentId)) {
    const repeat = (): void => reregisterAgent(context, connection, message);
    pendingAgents.writing.set(agentId, { connection, repeat });
    return;
  }
  if (cluster.goneAgents.has(agentId)) {
    const gone = `agent ${agentId} was marked gone and must not come back`;
    refuse(
      connection,
      `${gone}: to let the host join as a new agent, remove the work directory`,
      true,
    );
    return;
  }
  const registered = cluster.agents.get(agentId);
  const recovered = cluster.recoveredAgents.get(agentId);
  const isDown = downProblem(context, message.agent_info.hostname, connection);
  if (isDown !== undefined) {
    turnAway(context, message);
    refuse(connection, isDown, true);
    return;
  }
  if (registered !== undefined) returnRegistered(context, registered, { connection, message });
  else if (recovered !== undefined) returnRecovered(context, recovered, { connection, message });
  else readmit(context, agentId, { connection, message });
}

interface Return {
  readonly connection: AgentConnection;
  readonly message: LinkAgentMessageReregister;
}

/** An agent that this master knows: the books stay, the agent is asked about what it lacks. */
function returnRegistered(context: MasterContext, agent: Agent, given: Return): void {
  const { connection, message } = given;
  const kept = checkpointedPart(agent.total);
  const presentation = { ...message, checkpointed_resources: kept.toWire() };
  update(context, agent, profileOf(agent.id, presentation));
  const unknown = compareBooks(context, agent, message);
  completeReturn(context, agent, { connection, message, unknown });
  resendOperations(context, agent, message.operations ?? []);
}

/** An agent of the registry: its report becomes the books. */
function returnRecovered(context: MasterContext, absent: AbsentAgent, given: Return): void {
  const { connection, message } = given;
  const agentId = id<'AgentId'>(message.agent_info.id?.value ?? '');
  const agent = new Agent(agentId, profileOf(agentId, message), context.world.clock.now());
  agent.address = hostOf(connection.peer);
  context.cluster.recoveredAgents.delete(agentId);
  const duplicates = recoverFromReport(context, agent, message);
  recoverOperations(context, agent, message.operations ?? []);
  add(context, agent);
  const record = agentRecord(agent, 'ADMITTED');
  if (!messagesEqual('RegistryAgent', absent.record, record)) {
    context.registry.commit({ puts: [putAgent(agentId, record)] });
  }
  completeReturn(context, agent, { connection, message, unknown: [] });
  for (const { framework_id, task_id } of duplicates) {
    connection.send({ type: 'KILL_TASK', kill_task: { framework_id, task_id } });
  }
  if (absent.isReturning) announceTasks(context, agent);
}

function completeReturn(
  context: MasterContext,
  agent: Agent,
  given: Return & { readonly unknown: readonly LinkFrameworkTasks[] },
): void {
  const { connection, message, unknown } = given;
  const { cluster, config } = context;
  context.metrics.count('slave_reregistrations');
  connect(context, agent, connection);
  agent.reregisteredMs = context.world.clock.now();
  cluster.agentsByAddress.set(hostPort(agent.info), agent);
  connection.send({
    type: 'REREGISTERED',
    reregistered: {
      agent_id: { value: agent.id },
      master_info: context.info,
      ping_timeout_seconds: (config.agentPingTimeoutMs * config.maxAgentPingTimeouts) / 1000,
      unknown_tasks: unknown,
    },
  });
  const remembered = Resources.fromWire(message.checkpointed_resources ?? []).unallocated();
  if (!checkpointedPart(agent.total).equals(remembered)) sendCheckpoint(agent);
  updateReportedFrameworks(context, agent, message);
  resendKills(agent);
  greetDraining(context, agent);
}

/** An unreachable agent, or one that the registry does not know: it is recorded first. */
function readmit(context: MasterContext, agentId: AgentId, given: Return): void {
  const { cluster, pendingAgents } = context;
  const { connection, message } = given;
  const { info, version, capabilities } = profileOf(agentId, message);
  const record = { agent_info: info, state: 'ADMITTED' as const, version, capabilities };
  const repeat = (): void => reregisterAgent(context, connection, message);
  pendingAgents.writing.set(agentId, { connection, repeat });
  context.registry.commit({ puts: [putAgent(agentId, record)] }, () => {
    cluster.unreachableAgents.delete(agentId);
    const sinceMs = context.world.clock.now();
    const absent: AbsentAgent = { info, sinceMs, record, isReturning: true };
    cluster.recoveredAgents.set(agentId, absent);
    expireRecovered(context, [[agentId, absent]]);
    writeDone(context, agentId);
  });
}

/** Gives agents of the registry their time to come back. */
export function expireRecovered(
  context: MasterContext,
  absent: readonly (readonly [AgentId, AbsentAgent])[],
): void {
  context.timers.after(context.config.agentReregisterTimeoutMs, () => {
    const { recoveredAgents } = context.cluster;
    const { writing } = context.pendingAgents;
    const late = absent.filter(
      // One that is being removed, or marked gone, is not to be recorded otherwise.
      ([agentId, entry]) => recoveredAgents.get(agentId) === entry && !writing.has(agentId),
    );
    if (late.length > 0) markAbsentUnreachable(context, late);
  });
}

function sendRegistered(context: MasterContext, agent: Agent): void {
  const { agentPingTimeoutMs, maxAgentPingTimeouts } = context.config;
  agent.connection?.send({
    type: 'REGISTERED',
    registered: {
      agent_id: { value: agent.id },
      master_info: context.info,
      ping_timeout_seconds: (agentPingTimeoutMs * maxAgentPingTimeouts) / 1000,
    },
  });
  greetDraining(context, agent);
}

function refuse(connection: AgentConnection, message: string, shutdown: boolean): void {
  connection.send({ type: 'REFUSED', refused: { message, shutdown } });
  connection.close();
}

/** UNREGISTER: the agent ends for good. */
export function unregisterAgent(context: MasterContext, agent: Agent, reason: string): void {
  context.metrics.count('messages_unregister_slave');
  const message = `Agent ${agent.info.hostname} unregistered: ${reason}`;
  removeAgent(context, agent, { message, counter: 'slave_removals/reason_unregistered' });
}

/** A connection has ended: its agent has until its pings run out to come back. */
export function agentDisconnected(context: MasterContext, connection: AgentConnection): void {
  const { registering, writing } = context.pendingAgents;
  for (const pending of registering.values()) {
    if (pending.connection === connection) pending.connection = undefined;
  }
  for (const [agentId, waiting] of writing) {
    if (waiting?.connection === connection) writing.set(agentId, undefined);
  }
  const agent = context.cluster.connections.get(connection);
  if (agent !== undefined) loseConnection(context, agent);
}

function loseConnection(context: MasterContext, agent: Agent): void {
  if (agent.connection !== undefined) context.cluster.connections.delete(agent.connection);
  agent.connection = undefined;
  context.allocator.deactivateAgent(agent.id);
  for (const offer of agent.offers) rescindOffer(context, offer);
  rescindInverseOffers(context, agent);
}
