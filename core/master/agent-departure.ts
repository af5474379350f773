/**
 * How agents leave: unreachable when they no longer answer (they may come back), removed when they
 * say so or are replaced. The registry learns of it first; the books, frameworks and the allocator
 * follow when the write is durable.
 */
import type { RegistryAgent, TaskState, TaskStatusReason } from '../api/index.js';
import { type AgentId, isRecord } from '../base/index.js';
import type { Agent } from './agent.js';
import { hostPort } from './agent-profile.js';
import { recordStatus, removeExecutor, removeTask } from './books.js';
import { type MasterContext, nowSeconds, sendEvent } from './context.js';
import type { AbsentAgent } from './cluster.js';
import type { TaskRecord } from './framework.js';
import type { CounterName } from './metrics.js';
import { rescindInverseOffers } from './inverse-offers.js';
import { rescindOffer } from './offers.js';
import { loseOperations } from './operation-feedback.js';
import { keysOf, putAgent } from './registry-records.js';
import { masterStatus, sendUpdate } from './status.js';

/** Agents that one transaction of the registry marks. */
const AGENTS_PER_TRANSACTION = 1000;

/** The record of an agent, for the registry. */
export function agentRecord(agent: Agent, state: RegistryAgent['state']): RegistryAgent {
  const { info, version, capabilities } = agent;
  return { agent_info: info, state, version, capabilities };
}

/** A registered agent does not answer any more. */
export function markUnreachable(context: MasterContext, agent: Agent): void {
  if (!startLeaving(context, agent)) return;
  const { cluster, metrics } = context;
  metrics.count('slave_unreachable_scheduled');
  const sinceMs = context.world.clock.now();
  const record = { ...agentRecord(agent, 'UNREACHABLE'), since: sinceMs / 1000 };
  context.registry.commit({ puts: [putAgent(agent.id, record)] }, () => {
    metrics.count('slave_unreachable_completed');
    metrics.count('slave_removals');
    metrics.count('slave_removals/reason_unhealthy');
    detach(context, agent, {
      state: 'TASK_UNREACHABLE',
      message: `Agent ${agent.info.hostname} is unreachable: it did not answer pings`,
      unreachableMs: sinceMs,
    });
    cluster.unreachableAgents.set(agent.id, { info: agent.info, sinceMs, record });
    context.notify({ kind: 'agent-unreachable', agentId: agent.id });
    writeDone(context, agent.id);
  });
}

/** Why an agent is removed. */
export interface Removal {
  /** For the frameworks whose tasks were there. */
  readonly message: string;
  readonly counter?: CounterName;
  /** The agent is shut down with this message, if it is connected. */
  readonly shutdown?: string;
}

/** A registered agent is removed: it said so, another one took its place, or an operator wants it. */
export function removeAgent(context: MasterContext, agent: Agent, why: Removal): void {
  if (!startLeaving(context, agent)) return;
  context.registry.commit({ deletes: keysOf(agent.id) }, () => {
    finishRemoval(context, agent, why);
  });
}

/** The second half of a removal, for those who write its record themselves: that is durable now. */
export function finishRemoval(context: MasterContext, agent: Agent, why: Removal): void {
  const { cluster, metrics } = context;
  metrics.count('slave_removals');
  cluster.setDeactivation(agent.id, undefined);
  if (why.counter !== undefined) metrics.count(why.counter);
  if (why.shutdown !== undefined) {
    const refused = { message: why.shutdown, shutdown: true };
    agent.connection?.send({ type: 'REFUSED', refused });
  }
  detach(context, agent, { state: 'TASK_GONE', message: why.message });
  context.notify({ kind: 'agent-removed', agentId: agent.id });
  writeDone(context, agent.id);
}

/** An agent of the registry that is not registered is forgotten; `then` runs when that is durable. */
export function forgetAbsent(context: MasterContext, agentId: AgentId, then: () => void): void {
  context.pendingAgents.writing.set(agentId, undefined);
  context.registry.commit({ deletes: keysOf(agentId) }, () => {
    context.metrics.count('slave_removals');
    context.cluster.recoveredAgents.delete(agentId);
    context.cluster.setDeactivation(agentId, undefined);
    then();
    tellFailure(context, agentId);
    context.notify({ kind: 'agent-removed', agentId });
    writeDone(context, agentId);
  });
}

/**
 * The first half of a removal: the agent is offered no more and cannot come back, until its record is
 * durable. False when it is leaving already.
 */
export function startLeaving(context: MasterContext, agent: Agent): boolean {
  if (agent.isLeaving) return false;
  agent.isLeaving = true;
  agent.pings?.dispose();
  context.pendingAgents.writing.set(agent.id, undefined);
  return true;
}

/** A write about an agent is durable: the request that waited for it is made again. */
export function writeDone(context: MasterContext, agentId: AgentId): void {
  const { writing } = context.pendingAgents;
  const waiting = writing.get(agentId);
  writing.delete(agentId);
  if (isRecord(waiting)) waiting.repeat();
}

/** What becomes of the tasks of an agent that leaves, and why. */
interface Departure {
  readonly state: Extract<TaskState, 'TASK_UNREACHABLE' | 'TASK_GONE' | 'TASK_GONE_BY_OPERATOR'>;
  readonly message: string;
  /** Default: that the agent was removed. */
  readonly reason?: TaskStatusReason;
  readonly unreachableMs?: number;
}

/** Takes an agent and all that is on it off the books. */
export function detach(context: MasterContext, agent: Agent, departure: Departure): void {
  const { cluster, allocator } = context;
  for (const offer of agent.offers) rescindOffer(context, offer);
  rescindInverseOffers(context, agent);
  for (const tasks of agent.tasks.values()) {
    for (const task of tasks.values()) loseTask(context, task, departure);
  }
  for (const executors of agent.executors.values()) {
    for (const executor of executors.values()) removeExecutor(context, executor);
  }
  loseOperations(context, agent, departure);
  allocator.removeAgent(agent.id);
  cluster.agents.delete(agent.id);
  if (cluster.agentsByAddress.get(hostPort(agent.info)) === agent) {
    cluster.agentsByAddress.delete(hostPort(agent.info));
  }
  if (agent.connection !== undefined) {
    cluster.connections.delete(agent.connection);
    agent.connection.close();
    agent.connection = undefined;
  }
  for (const framework of cluster.frameworks.values()) framework.agentsUsed.delete(agent.id);
  tellFailure(context, agent.id);
}

function loseTask(context: MasterContext, task: TaskRecord, departure: Departure): void {
  const framework = context.cluster.frameworks.get(task.frameworkId);
  const isUnreachable = departure.state === 'TASK_UNREACHABLE';
  if (framework === undefined) return;
  if (task.isReleased) {
    // It has ended, and the framework has not acknowledged that: its state stays as it is.
    removeTask(context, task, isUnreachable);
    return;
  }
  const { taskId, agentId, executorId } = task;
  const state = framework.visible(departure.state);
  const status = masterStatus(context, {
    taskId,
    agentId,
    executorId,
    state,
    reason: departure.reason ?? 'REASON_AGENT_REMOVED',
    message: departure.message,
    unreachableMs: departure.unreachableMs,
  });
  if (state === 'TASK_LOST') context.metrics.count('task_lost/source_master/reason_slave_removed');
  recordStatus(context, task, { status });
  removeTask(context, task, state === 'TASK_UNREACHABLE');
  sendUpdate(framework, status);
}

/** Every connected framework learns that an agent is lost. */
export function tellFailure(context: MasterContext, agentId: AgentId): void {
  for (const framework of context.cluster.frameworks.values()) {
    sendEvent(framework, { type: 'FAILURE', failure: { agent_id: { value: agentId } } });
  }
}

/** Agents of the registry that have not come back in time are unreachable. */
export function markAbsentUnreachable(
  context: MasterContext,
  absent: readonly (readonly [AgentId, AbsentAgent])[],
): void {
  for (let start = 0; start < absent.length; start += AGENTS_PER_TRANSACTION) {
    markPart(context, absent.slice(start, start + AGENTS_PER_TRANSACTION));
  }
}

function markPart(
  context: MasterContext,
  absent: readonly (readonly [AgentId, AbsentAgent])[],
): void {
  const { cluster, pendingAgents, metrics } = context;
  const since = nowSeconds(context);
  const marked = absent.map(([agentId, { info, record: former }]) => {
    pendingAgents.writing.set(agentId, undefined);
    const record: RegistryAgent = { ...former, state: 'UNREACHABLE', since };
    return { agentId, entry: { info, sinceMs: since * 1000, record } };
  });
  const puts = marked.map(({ agentId, entry }) => putAgent(agentId, entry.record));
  context.registry.commit({ puts }, () => {
    for (const { agentId, entry } of marked) {
      metrics.count('recovery_slave_removals');
      cluster.recoveredAgents.delete(agentId);
      cluster.unreachableAgents.set(agentId, entry);
      tellFailure(context, agentId);
      context.notify({ kind: 'agent-unreachable', agentId });
      writeDone(context, agentId);
    }
  });
}
