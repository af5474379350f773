/**
 * The pages `/state`, `/state-summary`, `/slaves`, `/frameworks` and `/tasks` of a master. Each function
 * takes a snapshot at once, and gives the text in pieces that are made while they are taken: what
 * happens in between does not show.
 */
import type { MasterInfo, Task } from '../../api/index.js';
import {
  type ClusterView,
  type MasterTimes,
  type TasksSnapshot,
  type WholeFramework,
  snapshotAgent,
  snapshotCluster,
  snapshotFramework,
  snapshotTasks,
} from '../../master/index.js';
import type { TextPiece } from '../pages/text-store.js';
import type { TextPieces } from '../pages/write-text.js';
import { absentAgentText, agentText, wholeAgentPieces } from './agents.js';
import { BUILD_MEMBERS } from './build.js';
import { frameworkPieces, timeText } from './frameworks.js';
import {
  listOfPieces,
  listPieces,
  objectText,
  optionalText,
  rendered,
  seconds,
  valueText,
} from './json-text.js';
import { type TaskQuery, newestTasks } from './newest-tasks.js';
import { summaryPieces } from './summary.js';
import { taskText } from './tasks.js';

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
export function statePage(context: MasterPageContext): TextPieces {
  const head = objectText(identityMembers(context));
  const { agents, recoveredAgents, frameworks, completedFrameworks } = snapshotCluster(
    context.cluster,
  );
  return concatenated([
    [head.slice(0, -1), ',"slaves":'],
    listPieces(rendered(agents, agentText)),
    [',"recovered_slaves":'],
    listPieces(rendered(recoveredAgents, absentAgentText)),
    [','],
    frameworksPieces(frameworks, completedFrameworks),
    [',"orphan_tasks":[],"unregistered_frameworks":[]}'],
  ]);
}

function identityMembers(context: MasterPageContext): Record<string, string | undefined> {
  const { info, cluster } = context;
  const agents = [...cluster.agents.values()];
  const active = agents.filter((agent) => agent.isActive).length;
  const { id, pid, port, hostname } = info;
  return {
    ...BUILD_MEMBERS,
    start_time: valueText(seconds(context.times.startedMs)),
    elected_time: timeText(context.times.electedMs),
    id: valueText(id),
    pid: valueText(pid ?? ''),
    hostname: valueText(hostname ?? ''),
    capabilities: valueText((info.capabilities ?? []).flatMap(({ type }) => type ?? [])),
    activated_slaves: valueText(active),
    deactivated_slaves: valueText(agents.length - active),
    unreachable_slaves: valueText(cluster.unreachableAgents.size),
    leader: valueText(pid ?? ''),
    leader_info: valueText({ id, pid, port, hostname }),
    cluster: optionalText(context.clusterName),
    flags: valueText(context.flags),
  };
}

/** `/slaves`, all or one. */
export function agentsPage(cluster: ClusterView, agentId: string | undefined): TextPieces {
  const isShown = isAsked(agentId);
  const agents = [...cluster.agents.values()].filter(isShown);
  const recovered = [...cluster.recoveredAgents].filter(([id]) => isShown({ id }));
  return concatenated([
    ['{"slaves":'],
    listOfPieces(agents.map(snapshotAgent), wholeAgentPieces),
    [',"recovered_slaves":'],
    listPieces(rendered(recovered, ([, agent]) => absentAgentText(agent))),
    ['}'],
  ]);
}

/** `/frameworks`, all or one. */
export function frameworksPage(cluster: ClusterView, frameworkId: string | undefined): TextPieces {
  const { frameworks, completed } = snapshotFrameworks(cluster, frameworkId);
  return concatenated([
    ['{'],
    frameworksPieces(frameworks, completed),
    [',"unregistered_frameworks":[]}'],
  ]);
}

interface FrameworksSnapshot {
  readonly frameworks: readonly WholeFramework[];
  readonly completed: readonly WholeFramework[];
}

function snapshotFrameworks(
  cluster: ClusterView,
  frameworkId: string | undefined,
): FrameworksSnapshot {
  const isShown = isAsked(frameworkId);
  const whole = (framework: Parameters<typeof snapshotTasks>[0]): WholeFramework => ({
    head: snapshotFramework(cluster, framework),
    tasks: snapshotTasks(framework),
  });
  return {
    frameworks: [...cluster.frameworks.values()].filter(isShown).map(whole),
    completed: [...cluster.completedFrameworks].filter(isShown).map(whole),
  };
}

/** Whether something is shown to who asks for one id, or for all. */
function isAsked(asked: string | undefined): (one: { readonly id: string }) => boolean {
  return ({ id }) => asked === undefined || id === asked;
}

function* frameworksPieces(
  frameworks: readonly WholeFramework[],
  completed: readonly WholeFramework[],
): Generator<TextPiece> {
  yield '"frameworks":';
  yield* listOfPieces(frameworks, frameworkPieces);
  yield ',"completed_frameworks":';
  yield* listOfPieces(completed, frameworkPieces);
}

/** `/tasks`. */
export function tasksPage(cluster: ClusterView, query: TaskQuery): TextPieces {
  const all = [...cluster.frameworks.values(), ...cluster.completedFrameworks];
  const isShown = isAsked(query.frameworkId);
  return taskPieces(all.filter(isShown).map(snapshotTasks), query);
}

function* taskPieces(all: readonly TasksSnapshot[], query: TaskQuery): Generator<TextPiece> {
  const search = newestTasks(tasksOf(all), query);
  let step = search.next();
  for (; step.done !== true; step = search.next()) yield '';
  yield '{"tasks":';
  yield* listPieces(rendered(step.value, taskText));
  yield '}';
}

function* tasksOf(all: readonly TasksSnapshot[]): Generator<Task> {
  for (const { active, unreachable, completed } of all) {
    yield* active;
    yield* unreachable;
    yield* completed;
  }
}

/** `/state-summary`. */
export function summaryPage(context: MasterPageContext): TextPieces {
  const { cluster, info, clusterName } = context;
  const head = objectText({
    hostname: valueText(info.hostname ?? ''),
    cluster: optionalText(clusterName),
  });
  return concatenated([[head.slice(0, -1)], summaryPieces(snapshotCluster(cluster)), ['}']]);
}

/** One after the other, each begun when the one before it has ended. */
function* concatenated(parts: readonly TextPieces[]): Generator<TextPiece> {
  for (const part of parts) yield* part;
}
