/**
 * The pages `/state`, `/state-summary`, `/slaves`, `/frameworks` and `/tasks` of a master, as pieces of
 * text: a snapshot taken at once, sent in chunks. Tasks of one version are rendered once.
 */
import type { MasterInfo, Task } from '../../api/index.js';
import type { ClusterView, MasterTimes } from '../../master/index.js';
import type { JsonChunks } from '../answers.js';
import { absentAgentText, agentBasics, agentText } from './agents.js';
import { BUILD_MEMBERS } from './build.js';
import { type FrameworkView, frameworkBasics, frameworkPieces, timeText } from './frameworks.js';
import { listPieces, listText, objectText, optionalText, seconds, valueText } from './json-text.js';
import { StateCounts, taskText } from './tasks.js';

/** What the pages show besides the cluster. */
export interface MasterPageContext {
  readonly info: MasterInfo;
  readonly cluster: ClusterView;
  /** Name of the cluster, if it has one. */
  readonly clusterName: string | undefined;
  readonly flags: Readonly<Record<string, string>>;
  /** In milliseconds since 1970. */
  readonly times: Pick<MasterTimes, 'startedMs' | 'electedMs'>;
}

/** `/version`: what we are compatible with, and what we are. */
export function versionText(): string {
  return objectText(BUILD_MEMBERS);
}

/** `/state`. */
export function stateChunks(context: MasterPageContext): JsonChunks {
  const { cluster } = context;
  const head = objectText(identityMembers(context));
  const agents = [...cluster.agents.values()];
  return [
    head.slice(0, -1),
    ',"slaves":',
    ...listPieces(agents.map((agent) => objectText(agentBasics(agent)))),
    ',"recovered_slaves":',
    ...listPieces([...cluster.recoveredAgents.values()].map(absentAgentText)),
    ',',
    ...frameworksPieces(cluster, undefined),
    ',"orphan_tasks":[],"unregistered_frameworks":[]}',
  ];
}

function identityMembers(context: MasterPageContext): Record<string, string | undefined> {
  const { info, cluster } = context;
  const agents = [...cluster.agents.values()];
  const connected = agents.filter((agent) => agent.isConnected).length;
  const { id, pid, port, hostname } = info;
  return {
    ...BUILD_MEMBERS,
    start_time: valueText(seconds(context.times.startedMs)),
    elected_time: timeText(context.times.electedMs),
    id: valueText(id),
    pid: valueText(pid ?? ''),
    hostname: valueText(hostname ?? ''),
    capabilities: valueText((info.capabilities ?? []).flatMap(({ type }) => type ?? [])),
    activated_slaves: valueText(connected),
    deactivated_slaves: valueText(agents.length - connected),
    unreachable_slaves: valueText(cluster.unreachableAgents.size),
    leader: valueText(pid ?? ''),
    leader_info: valueText({ id, pid, port, hostname }),
    cluster: optionalText(context.clusterName),
    flags: valueText(context.flags),
  };
}

/** `/slaves`, all or one. */
export function agentsChunks(cluster: ClusterView, agentId: string | undefined): JsonChunks {
  const isShown = (id: string): boolean => agentId === undefined || id === agentId;
  const agents = [...cluster.agents.values()].filter((agent) => isShown(agent.id));
  const recovered = [...cluster.recoveredAgents].filter(([id]) => isShown(id));
  return [
    '{"slaves":',
    ...listPieces(agents.map(agentText)),
    ',"recovered_slaves":',
    ...listPieces(recovered.map(([, agent]) => absentAgentText(agent))),
    '}',
  ];
}

/** `/frameworks`, all or one. */
export function frameworksChunks(
  cluster: ClusterView,
  frameworkId: string | undefined,
): JsonChunks {
  return ['{', ...frameworksPieces(cluster, frameworkId), ',"unregistered_frameworks":[]}'];
}

function frameworksPieces(cluster: ClusterView, frameworkId: string | undefined): string[] {
  const isShown = ({ id }: FrameworkView): boolean =>
    frameworkId === undefined || id === frameworkId;
  const frameworks = [...cluster.frameworks.values()].filter(isShown);
  const completed = [...cluster.completedFrameworks].filter(isShown);
  return [
    '"frameworks":',
    ...frameworkList(frameworks),
    ',"completed_frameworks":',
    ...frameworkList(completed),
  ];
}

function* frameworkList(frameworks: readonly FrameworkView[]): Generator<string> {
  yield '[';
  for (const [index, framework] of frameworks.entries()) {
    if (index > 0) yield ',';
    yield* frameworkPieces(framework);
  }
  yield ']';
}

/** Which part of the tasks `/tasks` shows. */
export interface TaskQuery {
  readonly limit: number;
  readonly offset: number;
  /** `asc`: the oldest first. */
  readonly order: 'asc' | 'des';
  readonly frameworkId: string | undefined;
  readonly taskId: string | undefined;
}

/** `/tasks`. */
export function tasksChunks(cluster: ClusterView, query: TaskQuery): JsonChunks {
  const { frameworkId, taskId, offset, limit } = query;
  const tasks = [...allFrameworks(cluster)]
    .filter((framework) => frameworkId === undefined || framework.id === frameworkId)
    .flatMap((framework) => [...tasksOf(framework)])
    .filter((task) => taskId === undefined || task.task_id.value === taskId)
    .map((task) => ({ task, since: task.statuses?.[0]?.timestamp ?? 0 }))
    .toSorted((one, other) => one.since - other.since);
  if (query.order === 'des') tasks.reverse();
  const shown = tasks.slice(offset, offset + limit);
  return ['{"tasks":', ...listPieces(shown.map(({ task }) => taskText(task))), '}'];
}

/** `/state-summary`. */
export function summaryChunks(context: MasterPageContext): JsonChunks {
  const { cluster, info, clusterName } = context;
  const byAgent = new Map<string, { counts: StateCounts; frameworks: Set<string> }>();
  const frameworkTexts = [...cluster.frameworks.values()].map((framework) => {
    const counts = new StateCounts();
    const agents = new Set<string>();
    for (const task of tasksOf(framework)) {
      const agentId = task.agent_id.value;
      counts.add(task.state);
      agents.add(agentId);
      const place = byAgent.get(agentId) ?? { counts: new StateCounts(), frameworks: new Set() };
      byAgent.set(agentId, place);
      place.counts.add(task.state);
      place.frameworks.add(framework.id);
    }
    const ids = listText([...agents].map(valueText));
    return objectText({ ...frameworkBasics(framework), ...counts.members(), slave_ids: ids });
  });
  const agentTexts = [...cluster.agents.values()].map((agent) => {
    const place = byAgent.get(agent.id);
    const counts = (place?.counts ?? new StateCounts()).members();
    const ids = listText([...(place?.frameworks ?? [])].map(valueText));
    return objectText({ ...agentBasics(agent), ...counts, framework_ids: ids });
  });
  const head = objectText({
    hostname: valueText(info.hostname ?? ''),
    cluster: optionalText(clusterName),
  });
  return [
    head.slice(0, -1),
    ',"slaves":',
    ...listPieces(agentTexts),
    ',"frameworks":',
    ...listPieces(frameworkTexts),
    '}',
  ];
}

function* allFrameworks(cluster: ClusterView): Generator<FrameworkView> {
  yield* cluster.frameworks.values();
  yield* cluster.completedFrameworks;
}

/** Everything that is known of a framework's tasks. */
function* tasksOf(framework: FrameworkView): Generator<Task> {
  for (const record of framework.tasks.values()) yield record.message;
  yield* framework.unreachableTasks.values();
  yield* framework.completedTasks;
}
