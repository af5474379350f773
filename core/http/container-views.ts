/**
 * The containers of an agent as GET_CONTAINERS and the pages show them: those of executors, those
 * inside them, and standalone ones, each with its limits and what its processes use.
 */
import type { AgentExecutor, AgentTask, ApiContainer, ContainerUsage } from '../agent/index.js';
import type {
  AgentResponseGetContainersContainer,
  ContainerID,
  Resource,
  ResourceStatistics,
} from '../api/index.js';
import { Resources } from '../resources/index.js';
import type { ServedAgent } from './served-agent.js';

const MIB = 1024n * 1024n;

/** Which containers are shown besides those of executors. */
export interface ContainersShown {
  readonly nested: boolean;
  readonly standalone: boolean;
}

interface Leader {
  readonly pid: number;
  readonly startTime: string;
}

/** A container before what it uses is known. */
interface Listed {
  readonly containerId: ContainerID;
  readonly executor: AgentExecutor | undefined;
  readonly resources: readonly Resource[] | undefined;
  /** Its process, and those of the tasks that an executor of a group stands for. */
  readonly leaders: readonly Leader[];
  readonly pid: number | undefined;
}

/** All containers that run. */
export function containersView(
  agent: ServedAgent,
  nowMs: number,
  shown: ContainersShown,
): readonly AgentResponseGetContainersContainer[] {
  const listed = [...listTasks(agent, shown), ...listLaunched(agent, shown)];
  const usage =
    agent.containers?.usage(listed.flatMap(({ leaders }) => leaders)) ??
    new Map<number, ContainerUsage>();
  return listed.map((container) => view(container, usage, nowMs));
}

function listTasks({ state }: ServedAgent, shown: ContainersShown): readonly Listed[] {
  const running = [...state.executors()].filter((executor) => executor.phase !== 'terminated');
  return running.flatMap((executor) => [
    ofExecutor(executor),
    ...(shown.nested && executor.kind === 'GROUP' ? ofTasks(executor) : []),
  ]);
}

function ofExecutor(executor: AgentExecutor): Listed {
  const ofTask = [...executor.active.values()].flatMap(({ process }) => leaderOf(process));
  const own = leaderOf(executor.process);
  const leaders = executor.kind === 'CUSTOM' ? own : ofTask;
  return {
    containerId: { value: executor.containerId },
    executor,
    resources: executor.usedResources,
    leaders,
    // A command task has no executor process: its own stands for both.
    pid: own[0]?.pid ?? (executor.kind === 'COMMAND' ? ofTask[0]?.pid : undefined),
  };
}

function ofTasks(executor: AgentExecutor): readonly Listed[] {
  const isStarted = (task: AgentTask): boolean => task.containerId !== undefined;
  return [...executor.active.values()].filter(isStarted).map((task) => {
    const leaders = leaderOf(task.process);
    return {
      containerId: { value: task.containerId ?? '', parent: { value: executor.containerId } },
      executor,
      resources: task.task.resources,
      leaders,
      pid: leaders[0]?.pid,
    };
  });
}

function listLaunched({ containers }: ServedAgent, shown: ContainersShown): readonly Listed[] {
  const isShown = ({ containerId, phase }: ApiContainer): boolean =>
    phase !== 'ended' && (containerId.parent === undefined ? shown.standalone : shown.nested);
  return [...(containers?.list() ?? [])].filter(isShown).map((container) => {
    const leaders = leaderOf(container.process);
    const { containerId, executor, resources } = container;
    const hasResources = resources.length > 0;
    return {
      containerId,
      executor,
      resources: hasResources ? resources : undefined,
      leaders,
      pid: leaders[0]?.pid,
    };
  });
}

function leaderOf(
  process: { readonly pid: number; readonly start_time: string } | undefined,
): readonly Leader[] {
  return process === undefined ? [] : [{ pid: process.pid, startTime: process.start_time }];
}

function view(
  { containerId, executor, resources, leaders, pid }: Listed,
  usage: ReadonlyMap<number, ContainerUsage>,
  nowMs: number,
): AgentResponseGetContainersContainer {
  const used = leaders.flatMap((leader) => usage.get(leader.pid) ?? []);
  return {
    ...(executor !== undefined && {
      framework_id: { value: executor.framework.id },
      executor_id: executor.info.executor_id,
      executor_name: executor.info.name ?? '',
    }),
    // Mesos names the parents in the status alone.
    container_id: { value: containerId.value },
    container_status: { container_id: containerId, executor_pid: pid },
    resource_statistics: {
      timestamp: nowMs / 1000,
      ...statisticsOf(used),
      ...(resources === undefined ? {} : limitsOf(resources)),
    },
  };
}

function statisticsOf(used: readonly ContainerUsage[]): Partial<ResourceStatistics> {
  if (used.length === 0) return {};
  const total = (figure: (one: ContainerUsage) => number): number =>
    used.reduce((sum, one) => sum + figure(one), 0);
  return {
    processes: total((one) => one.processes),
    threads: total((one) => one.threads),
    cpus_user_time_secs: rounded(total((one) => one.cpuUserSeconds)),
    cpus_system_time_secs: rounded(total((one) => one.cpuSystemSeconds)),
    mem_rss_bytes: BigInt(total((one) => one.residentBytes)),
  };
}

/** To the hundredths that the system counts in. */
function rounded(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}

function limitsOf(resources: readonly Resource[]): Partial<ResourceStatistics> {
  const amounts = Resources.fromWire(resources);
  const memoryBytes = (BigInt(amounts.scalar('mem')) * MIB) / 1000n;
  const cpus = amounts.scalar('cpus') / 1000;
  return {
    ...(cpus > 0 && { cpus_soft_limit: cpus }),
    ...(memoryBytes > 0n && { mem_limit_bytes: memoryBytes, mem_soft_limit_bytes: memoryBytes }),
  };
}
