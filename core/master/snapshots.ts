/**
 * What pages and answers are made of: agents, frameworks and tasks as they are at one moment. Taking a
 * snapshot copies references of values that are replaced and never mutated, so it is quick, and the
 * text can be made later, in parts, while the cluster goes on. An object that has not changed since
 * the last snapshot is the same object again: whoever keeps its text with it makes that once.
 */
import type {
  AgentInfo,
  AgentInfoCapability,
  FrameworkInfo,
  InverseOffer,
  SchedulerOfferConstraints,
  Task,
} from '../api/index.js';
import type { AgentId, FrameworkId } from '../base/index.js';
import type { Resources } from '../resources/index.js';
import type { Agent, AgentReference } from './agent.js';
import type { AbsentAgent, ClusterView } from './cluster.js';
import type { Deactivation } from './deactivation.js';
import type { ExecutorRecord, Framework, FrameworkState, OutstandingOffer } from './framework.js';

/** An agent at one moment. Times are in milliseconds since 1970. */
export interface AgentSnapshot {
  readonly id: AgentId;
  readonly info: AgentInfo;
  readonly version: string;
  readonly capabilities: readonly AgentInfoCapability[];
  readonly isConnected: boolean;
  /** Why it is not offered, though it may be connected. */
  readonly deactivation: Deactivation | undefined;
  /** How offers name it; the same object as long as it says the same. */
  readonly reference: AgentReference;
  readonly pid: string;
  readonly port: number;
  readonly registeredMs: number;
  readonly reregisteredMs: number | undefined;
  readonly total: Resources;
  /** Sum of what tasks and executors hold, not bound to roles. */
  readonly usedTotal: Resources;
  /** Sum of all offers, not bound to roles. */
  readonly offered: Resources;
  /** What tasks and executors hold, a part for each framework, bound to roles. */
  readonly used: readonly Resources[];
  readonly offers: readonly Resources[];
}

/** An offer, with the agent that it is of. */
export interface OfferSnapshot {
  readonly offer: Readonly<OutstandingOffer>;
  readonly agent: Readonly<Agent> | undefined;
}

/** A framework at one moment, without its tasks. Times are in milliseconds since 1970. */
export interface FrameworkSnapshot {
  readonly id: FrameworkId;
  readonly framework: Readonly<Framework>;
  readonly info: FrameworkInfo;
  readonly state: FrameworkState;
  readonly isConnected: boolean;
  readonly registeredMs: number | undefined;
  readonly reregisteredMs: number | undefined;
  readonly unregisteredMs: number | undefined;
  readonly offerConstraints: SchedulerOfferConstraints | undefined;
  /** What tasks and executors hold, a part for each agent. */
  readonly used: readonly Resources[];
  readonly offers: readonly OfferSnapshot[];
  readonly inverseOffers: readonly InverseOffer[];
  readonly executors: readonly ExecutorRecord[];
}

/** The tasks of a framework at one moment. */
export interface TasksSnapshot {
  readonly active: readonly Task[];
  readonly unreachable: readonly Task[];
  /** The oldest first. */
  readonly completed: readonly Task[];
}

/** A framework with its tasks. */
export interface WholeFramework {
  readonly head: FrameworkSnapshot;
  readonly tasks: TasksSnapshot;
}

/** All that the larger pages show. */
export interface ClusterSnapshot {
  readonly agents: readonly AgentSnapshot[];
  readonly recoveredAgents: readonly AbsentAgent[];
  readonly frameworks: readonly WholeFramework[];
  /** The oldest first. */
  readonly completedFrameworks: readonly WholeFramework[];
}

/** Takes a snapshot of everything. Linear in the number of objects, without making any text. */
export function snapshotCluster(cluster: ClusterView): ClusterSnapshot {
  const whole = (framework: Readonly<Framework>): WholeFramework => ({
    head: snapshotFramework(cluster, framework),
    tasks: snapshotTasks(framework),
  });
  return {
    agents: Array.from(cluster.agents.values(), snapshotAgent),
    recoveredAgents: [...cluster.recoveredAgents.values()],
    frameworks: Array.from(cluster.frameworks.values(), whole),
    completedFrameworks: Array.from(cluster.completedFrameworks, whole),
  };
}

const lastOfAgent = new WeakMap<Readonly<Agent>, AgentSnapshot>();

/** An agent as it is now: the same object as last time, if nothing changed. */
export function snapshotAgent(agent: Readonly<Agent>): AgentSnapshot {
  const last = lastOfAgent.get(agent);
  if (last !== undefined && isSameAgent(last, agent)) return last;
  const { id, info, version, capabilities, isConnected, reference, pid, port } = agent;
  const { registeredMs, reregisteredMs, total, usedTotal, offered, deactivation } = agent;
  const snapshot: AgentSnapshot = {
    id,
    info,
    version,
    capabilities,
    isConnected,
    reference,
    pid,
    port,
    registeredMs,
    reregisteredMs,
    total,
    usedTotal,
    offered,
    deactivation,
    used: [...agent.used.values()],
    offers: agent.offers.map((offer) => offer.resources),
  };
  lastOfAgent.set(agent, snapshot);
  return snapshot;
}

function isSameAgent(last: AgentSnapshot, agent: Readonly<Agent>): boolean {
  return (
    last.usedTotal === agent.usedTotal &&
    last.offered === agent.offered &&
    last.total === agent.total &&
    last.info === agent.info &&
    last.isConnected === agent.isConnected &&
    last.deactivation === agent.deactivation &&
    last.reregisteredMs === agent.reregisteredMs &&
    last.version === agent.version &&
    last.capabilities === agent.capabilities &&
    // As long as this is the same, so are the address and the port in the pid.
    last.reference === agent.reference &&
    areSame(last.used, agent.used.values(), agent.used.size) &&
    last.offers.length === agent.offers.length
  );
}

const lastOfFramework = new WeakMap<Readonly<Framework>, FrameworkSnapshot>();

/** A framework as it is now, without its tasks: the same object as last time, if nothing changed. */
export function snapshotFramework(
  cluster: ClusterView,
  framework: Readonly<Framework>,
): FrameworkSnapshot {
  const last = lastOfFramework.get(framework);
  const executors = [...framework.executors.values()].flatMap((byId) => [...byId.values()]);
  if (last !== undefined && isSameFramework(last, framework, executors)) return last;
  const { id, info, state, isConnected, offerConstraints } = framework;
  const { registeredMs, reregisteredMs, unregisteredMs } = framework;
  const snapshot: FrameworkSnapshot = {
    id,
    framework,
    info,
    state,
    isConnected,
    offerConstraints,
    registeredMs,
    reregisteredMs,
    unregisteredMs,
    executors,
    used: [...framework.used.values()],
    offers: Array.from(framework.offers.values(), (offer) => ({
      offer,
      agent: cluster.agents.get(offer.agentId),
    })),
    inverseOffers: Array.from(framework.inverseOffers.values(), ({ message }) => message),
  };
  lastOfFramework.set(framework, snapshot);
  return snapshot;
}

function isSameFramework(
  last: FrameworkSnapshot,
  framework: Readonly<Framework>,
  executors: readonly ExecutorRecord[],
): boolean {
  return (
    last.info === framework.info &&
    last.state === framework.state &&
    last.isConnected === framework.isConnected &&
    last.registeredMs === framework.registeredMs &&
    last.reregisteredMs === framework.reregisteredMs &&
    last.unregisteredMs === framework.unregisteredMs &&
    last.offerConstraints === framework.offerConstraints &&
    areSame(
      last.offers.map(({ offer }) => offer),
      framework.offers.values(),
      framework.offers.size,
    ) &&
    last.inverseOffers.length === framework.inverseOffers.size &&
    areSame(last.executors, executors, executors.length) &&
    areSame(last.used, framework.used.values(), framework.used.size)
  );
}

function areSame<T>(known: readonly T[], now: Iterable<T>, size: number): boolean {
  if (known.length !== size) return false;
  let index = 0;
  for (const one of now) if (known[index++] !== one) return false;
  return true;
}

/** The tasks of a framework as they are now. */
export function snapshotTasks(framework: Readonly<Framework>): TasksSnapshot {
  const active: Task[] = [];
  for (const { message } of framework.tasks.values()) active.push(message);
  return {
    active,
    unreachable: [...framework.unreachableTasks.values()],
    completed: [...framework.completedTasks],
  };
}
