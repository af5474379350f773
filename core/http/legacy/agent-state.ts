/** The page `/state` of an agent, as it was before the v1 API. */
import type { AgentExecutor, AgentFramework } from '../../agent/index.js';
import {
  type FrameworkInfo,
  type Resource,
  type Task,
  encodeJson,
  hasCapability,
} from '../../api/index.js';
import { Resources, legacyAttributes, legacyObject } from '../../resources/index.js';
import { launchedTasks, queuedTasks, terminatedTasks } from '../agent-views.js';
import type { TextPiece } from '../pages/text-store.js';
import type { TextPieces } from '../pages/write-text.js';
import type { ServedAgent } from '../served-agent.js';
import { domainText, reservedText, resourcesText } from './agents.js';
import { BUILD_MEMBERS } from './build.js';
import {
  listOfPieces,
  listPieces,
  objectText,
  optionalText,
  rendered,
  seconds,
  valueText,
} from './json-text.js';
import { taskTextsOf } from './tasks.js';

export interface AgentPageContext {
  readonly agent: ServedAgent;
  readonly flags: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  /** Address as in its pid, such as `127.0.0.1:5051`. */
  readonly address: string;
  readonly capabilities: readonly string[];
}

/** An executor at one moment. What of it never changes is read when its text is made. */
interface ExecutorSnapshot {
  readonly executor: AgentExecutor;
  readonly used: readonly Resource[];
  readonly launched: readonly Task[];
  readonly queued: readonly Task[];
  readonly completed: readonly Task[];
}

interface FrameworkSnapshot {
  readonly framework: AgentFramework;
  readonly info: FrameworkInfo;
  readonly executors: readonly ExecutorSnapshot[];
  readonly completedExecutors: readonly ExecutorSnapshot[];
}

/** `/state`: takes a snapshot at once, and makes the text while it is taken. */
export function agentStatePage(context: AgentPageContext): TextPieces {
  const { agent } = context;
  const frameworks = Array.from(agent.state.frameworks.values(), snapshotFramework);
  const completed = agent.state.completedFrameworks.items.map(snapshotFramework);
  const identity = identityMembers(context);
  const { totalResources } = agent;
  const flags = `,"flags":${valueText(context.flags)}`;
  return statePieces({ identity, totalResources, flags, frameworks, completed });
}

interface AgentSnapshot {
  readonly identity: Readonly<Record<string, string | undefined>>;
  readonly totalResources: Resources;
  readonly flags: string;
  readonly frameworks: readonly FrameworkSnapshot[];
  readonly completed: readonly FrameworkSnapshot[];
}

function* statePieces(snapshot: AgentSnapshot): Generator<TextPiece> {
  const { identity, totalResources, flags, frameworks, completed } = snapshot;
  const executors = frameworks.flatMap((framework) => framework.executors);
  const head = objectText({ ...identity, ...resourceMembers(totalResources, executors) });
  yield head.slice(0, -1);
  yield flags;
  yield ',"frameworks":';
  yield* listOfPieces(frameworks, frameworkPieces);
  yield ',"completed_frameworks":';
  yield* listOfPieces(completed, frameworkPieces);
  yield '}';
}

function snapshotFramework(framework: AgentFramework): FrameworkSnapshot {
  return {
    framework,
    info: framework.info,
    executors: Array.from(framework.executors.values(), snapshotExecutor),
    completedExecutors: framework.completedExecutors.items.map(snapshotExecutor),
  };
}

function snapshotExecutor(executor: AgentExecutor): ExecutorSnapshot {
  return {
    executor,
    used: executor.usedResources,
    launched: launchedTasks(executor),
    queued: queuedTasks(executor),
    completed: [...terminatedTasks(executor), ...executor.completed.items],
  };
}

function identityMembers(context: AgentPageContext): Record<string, string | undefined> {
  const { agent, startMs, address, capabilities } = context;
  return {
    ...BUILD_MEMBERS,
    start_time: valueText(seconds(startMs)),
    id: valueText(agent.state.agentId ?? ''),
    pid: valueText(`slave(1)@${address}`),
    hostname: valueText(agent.agentInfo.hostname),
    capabilities: valueText(capabilities),
    attributes: valueText(legacyAttributes(agent.agentInfo.attributes ?? [])),
    domain: domainText(agent.agentInfo),
    master_hostname: optionalText(agent.masterHostname),
    ...drainMembers(agent),
    resource_providers: '[]',
  };
}

function drainMembers({ state: { drain } }: ServedAgent): Record<string, string | undefined> {
  return {
    drain_config: drain && encodeJson('DrainConfig', drain.config),
    estimated_drain_start_time_seconds: optionalText(drain && seconds(drain.startedMs)),
  };
}

function resourceMembers(
  total: Resources,
  executors: readonly ExecutorSnapshot[],
): Record<string, string> {
  const used = Resources.sum(executors.map((one) => Resources.fromWire(one.used))).unallocated();
  return {
    resources: shown(total),
    reserved_resources: reservedText(total, shown),
    unreserved_resources: shown(total.unreserved()),
    reserved_resources_full: reservedText(total, resourcesText),
    unreserved_resources_full: resourcesText(total.unreserved()),
    reserved_resources_allocated: reservedText(used, shown),
    unreserved_resources_allocated: shown(used.unreserved()),
  };
}

function shown(part: Resources): string {
  return valueText(legacyObject(part));
}

function* frameworkPieces(snapshot: FrameworkSnapshot): Generator<TextPiece> {
  const { framework, info, executors, completedExecutors } = snapshot;
  const textOf = taskTextsOf(framework);
  const executorPieces = (executor: ExecutorSnapshot): Iterable<TextPiece> =>
    piecesOfExecutor(executor, textOf);
  const head = objectText({
    id: valueText(framework.id),
    name: valueText(info.name),
    user: valueText(info.user),
    principal: optionalText(info.principal),
    failover_timeout: valueText(info.failover_timeout ?? 0),
    checkpoint: valueText(info.checkpoint ?? false),
    hostname: valueText(info.hostname ?? ''),
    ...(hasCapability(info, 'MULTI_ROLE')
      ? { roles: valueText(info.roles ?? []) }
      : { role: valueText(info.role ?? '*') }),
  });
  yield head.slice(0, -1);
  yield ',"executors":';
  yield* listOfPieces(executors, executorPieces);
  yield ',"completed_executors":';
  yield* listOfPieces(completedExecutors, executorPieces);
  yield '}';
}

function* piecesOfExecutor(
  { executor, used, launched, queued, completed }: ExecutorSnapshot,
  textOf: (task: Task) => TextPiece,
): Generator<TextPiece> {
  const { info } = executor;
  const resources = Resources.fromWire(used);
  const head = objectText({
    id: valueText(executor.id),
    name: valueText(info.name ?? ''),
    source: valueText(info.source ?? ''),
    container: valueText(executor.containerId),
    directory: valueText(executor.directory),
    resources: valueText(legacyObject(resources.unallocated())),
    role: optionalText(resources.allocationRoles()[0]),
    labels: optionalText(info.labels?.labels),
    type: optionalText(info.type),
  });
  yield head.slice(0, -1);
  yield ',"tasks":';
  yield* listPieces(rendered(launched, textOf));
  yield ',"queued_tasks":';
  yield* listPieces(rendered(queued, textOf));
  yield ',"completed_tasks":';
  yield* listPieces(rendered(completed, textOf));
  yield '}';
}
