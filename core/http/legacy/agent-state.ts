/** The page `/state` of an agent, as it was before the v1 API. */
import type { AgentExecutor, AgentFramework } from '../../agent/index.js';
import { type Task, encodeJson } from '../../api/index.js';
import { Resources, legacyAttributes, legacyObject } from '../../resources/index.js';
import { launchedTasks, queuedTasks, terminatedTasks } from '../agent-views.js';
import type { JsonChunks } from '../answers.js';
import type { ServedAgent } from '../served-agent.js';
import { domainText, reservedText, resourcesText } from './agents.js';
import { BUILD_MEMBERS } from './build.js';
import { listPieces, listText, objectText, optionalText, seconds, valueText } from './json-text.js';
import { taskText } from './tasks.js';

export interface AgentPageContext {
  readonly agent: ServedAgent;
  readonly flags: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  /** Address as in its pid, such as `127.0.0.1:5051`. */
  readonly address: string;
  readonly capabilities: readonly string[];
}

/** `/state`. */
export function agentStateChunks(context: AgentPageContext): JsonChunks {
  const { state } = context.agent;
  const head = objectText({ ...identityMembers(context), ...resourceMembers(context.agent) });
  return [
    head.slice(0, -1),
    `,"flags":${valueText(context.flags)}`,
    ',"frameworks":',
    ...listPieces([...state.frameworks.values()].map(frameworkText)),
    ',"completed_frameworks":',
    ...listPieces(state.completedFrameworks.items.map(frameworkText)),
    '}',
  ];
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

function resourceMembers(agent: ServedAgent): Record<string, string> {
  const total = agent.totalResources;
  const executors = [...agent.state.executors()];
  const used = Resources.sum(executors.map(resourcesOf)).unallocated();
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

function frameworkText(framework: AgentFramework): string {
  const { info } = framework;
  const isMultiRole = framework.can('MULTI_ROLE');
  return objectText({
    id: valueText(framework.id),
    name: valueText(info.name),
    user: valueText(info.user),
    principal: optionalText(info.principal),
    failover_timeout: valueText(info.failover_timeout ?? 0),
    checkpoint: valueText(info.checkpoint ?? false),
    hostname: valueText(info.hostname ?? ''),
    ...(isMultiRole
      ? { roles: valueText(info.roles ?? []) }
      : { role: valueText(info.role ?? '*') }),
    executors: listText([...framework.executors.values()].map(executorText)),
    completed_executors: listText(framework.completedExecutors.items.map(executorText)),
  });
}

function executorText(executor: AgentExecutor): string {
  const { info } = executor;
  const resources = resourcesOf(executor);
  const completed: readonly Task[] = [...terminatedTasks(executor), ...executor.completed.items];
  return objectText({
    id: valueText(executor.id),
    name: valueText(info.name ?? ''),
    source: valueText(info.source ?? ''),
    container: valueText(executor.containerId),
    directory: valueText(executor.directory),
    resources: valueText(legacyObject(resources.unallocated())),
    role: optionalText(resources.allocationRoles()[0]),
    labels: optionalText(info.labels?.labels),
    type: optionalText(info.type),
    tasks: listText(launchedTasks(executor).map(taskText)),
    queued_tasks: listText(queuedTasks(executor).map(taskText)),
    completed_tasks: listText(completed.map(taskText)),
  });
}

function resourcesOf(executor: AgentExecutor): Resources {
  return Resources.fromWire(executor.usedResources);
}
