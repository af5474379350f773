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
import type { Agent } from './agent.js';
import type { ClusterView } from './cluster.js';
import type { Framework } from './framework.js';
import { offerMessage } from './offers.js';

/** GET_AGENTS: registered agents, and those of the registry that are awaited. */
export function viewAgents(cluster: ClusterView): MasterResponseGetAgents {
  const recovered: AgentInfo[] = [...cluster.recoveredAgents.values()].map(({ info }) => info);
  return { agents: [...cluster.agents.values()].map(viewAgent), recovered_agents: recovered };
}

/** One registered agent. */
export function viewAgent(agent: Readonly<Agent>): MasterResponseGetAgentsAgent {
  const { reregisteredMs } = agent;
  const offered = Resources.sum([...agent.offers.values()].map((offer) => offer.resources));
  return {
    agent_info: agent.info,
    active: agent.isConnected,
    deactivated: false,
    version: agent.version,
    pid: agent.pid,
    registered_time: toTimeInfo(agent.registeredMs),
    reregistered_time: reregisteredMs === undefined ? undefined : toTimeInfo(reregisteredMs),
    total_resources: agent.total.toEndpoint(),
    allocated_resources: Resources.sum(agent.used.values()).toEndpoint(),
    offered_resources: offered.toEndpoint(),
    capabilities: agent.capabilities,
  };
}

/** GET_FRAMEWORKS: present frameworks and the last removed ones. */
export function viewFrameworks(cluster: ClusterView): MasterResponseGetFrameworks {
  return {
    frameworks: [...cluster.frameworks.values()].map((one) => viewFramework(cluster, one)),
    completed_frameworks: [...cluster.completedFrameworks].map((one) =>
      viewFramework(cluster, one),
    ),
  };
}

/** One framework, present or removed. */
export function viewFramework(
  cluster: ClusterView,
  framework: Readonly<Framework>,
): MasterResponseGetFrameworksFramework {
  const { registeredMs, reregisteredMs, unregisteredMs } = framework;
  const offers = [...framework.offers.values()];
  const offered = Resources.sum(offers.map((offer) => offer.resources));
  return {
    framework_info: framework.info,
    active: framework.isConnected,
    connected: framework.isConnected,
    recovered: framework.state === 'recovered',
    registered_time: timeOf(registeredMs),
    reregistered_time: timeOf(reregisteredMs ?? registeredMs),
    unregistered_time: timeOf(unregisteredMs),
    offers: offers.flatMap((offer) => {
      const agent = cluster.agents.get(offer.agentId);
      return agent === undefined ? [] : [offerMessage(framework, agent, offer)];
    }),
    inverse_offers: [...framework.inverseOffers.values()].map(({ message }) => message),
    allocated_resources: Resources.sum(framework.used.values()).toEndpoint(),
    offered_resources: offered.toEndpoint(),
    offer_constraints: framework.offerConstraints ?? {},
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
