/** The cluster in the messages of the operator API. Pages are made of the same. */
import {
  type AgentInfo,
  type MasterResponseGetAgents,
  type MasterResponseGetAgentsAgent,
  type MasterResponseGetExecutors,
  type MasterResponseGetFrameworks,
  type MasterResponseGetFrameworksFramework,
  type MasterResponseGetTasks,
  type Task,
  toTimeInfo,
} from '../api/index.js';
import { Resources } from '../resources/index.js';
import type { ClusterView } from './cluster.js';
import type { Framework } from './framework.js';
import { offerMessage } from './offer-messages.js';
import {
  type AgentSnapshot,
  type FrameworkSnapshot,
  snapshotAgent,
  snapshotFramework,
} from './snapshots.js';

/** GET_AGENTS: registered agents, and those of the registry that are awaited. */
export function viewAgents(cluster: ClusterView): MasterResponseGetAgents {
  const recovered: AgentInfo[] = [...cluster.recoveredAgents.values()].map(({ info }) => info);
  const agents = Array.from(cluster.agents.values(), (agent) => viewAgent(snapshotAgent(agent)));
  return { agents, recovered_agents: recovered };
}

/** One registered agent. */
export function viewAgent(agent: AgentSnapshot): MasterResponseGetAgentsAgent {
  const { reregisteredMs } = agent;
  const drain = agent.deactivation?.drain;
  return {
    agent_info: agent.info,
    active: agent.isConnected && agent.deactivation === undefined,
    deactivated: agent.deactivation !== undefined,
    version: agent.version,
    pid: agent.pid,
    registered_time: toTimeInfo(agent.registeredMs),
    reregistered_time: reregisteredMs === undefined ? undefined : toTimeInfo(reregisteredMs),
    total_resources: agent.total.toEndpoint(),
    allocated_resources: Resources.sum(agent.used).toEndpoint(),
    offered_resources: Resources.sum(agent.offers).toEndpoint(),
    capabilities: agent.capabilities,
    drain_info: drain?.info,
    estimated_drain_start_time: drain && toTimeInfo(drain.startedMs),
  };
}

/** GET_FRAMEWORKS: present frameworks and the last removed ones. */
export function viewFrameworks(cluster: ClusterView): MasterResponseGetFrameworks {
  const view = (framework: Readonly<Framework>): MasterResponseGetFrameworksFramework =>
    viewFramework(snapshotFramework(cluster, framework));
  return {
    frameworks: Array.from(cluster.frameworks.values(), view),
    completed_frameworks: Array.from(cluster.completedFrameworks, view),
  };
}

/** One framework, present or removed. */
export function viewFramework(snapshot: FrameworkSnapshot): MasterResponseGetFrameworksFramework {
  const { framework, registeredMs, reregisteredMs, unregisteredMs } = snapshot;
  const offered = Resources.sum(snapshot.offers.map(({ offer }) => offer.resources));
  return {
    framework_info: snapshot.info,
    active: snapshot.isConnected,
    connected: snapshot.isConnected,
    recovered: snapshot.state === 'recovered',
    registered_time: timeOf(registeredMs),
    reregistered_time: timeOf(reregisteredMs ?? registeredMs),
    unregistered_time: timeOf(unregisteredMs),
    offers: snapshot.offers.flatMap(({ offer, agent }) =>
      agent === undefined ? [] : [offerMessage(framework, agent, offer)],
    ),
    inverse_offers: snapshot.inverseOffers,
    allocated_resources: Resources.sum(snapshot.used).toEndpoint(),
    offered_resources: offered.toEndpoint(),
    offer_constraints: snapshot.offerConstraints ?? {},
  };
}

function timeOf(milliseconds: number | undefined): ReturnType<typeof toTimeInfo> | undefined {
  return milliseconds === undefined ? undefined : toTimeInfo(milliseconds);
}

/** GET_TASKS: of present and removed frameworks. */
export function viewTasks(cluster: ClusterView): MasterResponseGetTasks {
  const tasks: Task[] = [];
  const unreachable: Task[] = [];
  const completed: Task[] = [];
  for (const framework of everyFramework(cluster)) {
    for (const { message } of framework.tasks.values()) tasks.push(message);
    unreachable.push(...framework.unreachableTasks.values());
    completed.push(...framework.completedTasks);
  }
  return { tasks, unreachable_tasks: unreachable, completed_tasks: completed };
}

function* everyFramework(cluster: ClusterView): Iterable<Readonly<Framework>> {
  yield* cluster.frameworks.values();
  yield* cluster.completedFrameworks;
}

/** GET_EXECUTORS: executors of frameworks; those that agents supply are known to the agents. */
export function viewExecutors(cluster: ClusterView): MasterResponseGetExecutors {
  const executors = [...cluster.frameworks.values()].flatMap((framework) =>
    [...framework.executors.values()].flatMap((byId) =>
      [...byId.values()].map(({ info, agentId }) => ({
        executor_info: info,
        agent_id: { value: agentId },
      })),
    ),
  );
  return { executors };
}
