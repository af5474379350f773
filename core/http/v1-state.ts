/**
 * The large answers of the operators' API in JSON, as text in pieces: GET_STATE and its parts, and the
 * event with which a stream of operators begins. The same text as the codec writes for the whole
 * message, but for lists that Mesos writes when they are empty too.
 */
import { type AgentInfo, type MasterCall, type Task, encodeJson } from '../api/index.js';
import {
  type AgentSnapshot,
  type ClusterSnapshot,
  type ClusterView,
  type ExecutorRecord,
  type FrameworkSnapshot,
  type WholeFramework,
  snapshotCluster,
  viewAgent,
  viewFramework,
} from '../master/index.js';
import { keptText, keptWithin, listPieces, rendered } from './legacy/json-text.js';
import type { TextPiece } from './pages/text-store.js';
import type { TextPieces } from './pages/write-text.js';

type CallType = NonNullable<MasterCall['type']>;

/** Makes the text of what a type of call is answered with. */
type Part = (snapshot: ClusterSnapshot) => TextPieces;

/** Calls whose answers may be large, with the member that holds the answer. */
const PARTS: Readonly<Partial<Record<CallType, readonly [member: string, part: Part]>>> = {
  GET_TASKS: ['get_tasks', tasksPieces],
  GET_EXECUTORS: ['get_executors', executorsPieces],
  GET_FRAMEWORKS: ['get_frameworks', frameworksPieces],
  GET_AGENTS: ['get_agents', agentsPieces],
  GET_STATE: ['get_state', statePieces],
};

/** The answer to a call, of the cluster as it is now; undefined: it is not one of the large ones. */
export function largeAnswer(
  type: CallType | undefined,
): ((cluster: ClusterView) => TextPieces) | undefined {
  const found = type === undefined ? undefined : PARTS[type];
  if (type === undefined || found === undefined) return undefined;
  const [member, part] = found;
  return (cluster) => answerPieces(type, member, part(snapshotCluster(cluster)));
}

function* answerPieces(type: CallType, member: string, part: TextPieces): Generator<TextPiece> {
  yield `{"type":"${type}","${member}":`;
  yield* part;
  yield '}';
}

/** The value of `get_state`, of the cluster as it is now. */
export function stateMember(cluster: ClusterView): TextPieces {
  return statePieces(snapshotCluster(cluster));
}

function* statePieces(snapshot: ClusterSnapshot): Generator<TextPiece> {
  yield '{"get_tasks":';
  yield* tasksPieces(snapshot);
  yield ',"get_executors":';
  yield* executorsPieces(snapshot);
  yield ',"get_frameworks":';
  yield* frameworksPieces(snapshot);
  yield ',"get_agents":';
  yield* agentsPieces(snapshot);
  yield '}';
}

const taskTextsOf = keptWithin(() => keptText((task: Task) => encodeJson('Task', task)));

function* tasksPieces(snapshot: ClusterSnapshot): Generator<TextPiece> {
  const all = [...snapshot.frameworks, ...snapshot.completedFrameworks];
  yield '{"tasks":';
  yield* listPieces(taskPieces(all, 'active'));
  yield ',"unreachable_tasks":';
  yield* listPieces(taskPieces(all, 'unreachable'));
  yield ',"completed_tasks":';
  yield* listPieces(taskPieces(all, 'completed'));
  yield '}';
}

function* taskPieces(
  frameworks: readonly WholeFramework[],
  kind: 'active' | 'unreachable' | 'completed',
): Generator<TextPiece> {
  for (const { head, tasks } of frameworks) {
    const textOf = taskTextsOf(head.framework);
    for (const task of tasks[kind]) yield textOf(task);
  }
}

const executorText = keptText(({ info, agentId }: ExecutorRecord): string =>
  encodeJson('MasterResponseGetExecutorsExecutor', {
    executor_info: info,
    agent_id: { value: agentId },
  }),
);

function* executorsPieces({ frameworks }: ClusterSnapshot): Generator<TextPiece> {
  const executors = frameworks.flatMap(({ head }) => head.executors);
  yield '{"executors":';
  yield* listPieces(rendered(executors, executorText));
  yield '}';
}

const frameworkText = keptText((framework: FrameworkSnapshot): string =>
  encodeJson('MasterResponseGetFrameworksFramework', viewFramework(framework)),
);

function* frameworksPieces(snapshot: ClusterSnapshot): Generator<TextPiece> {
  const heads = (all: readonly WholeFramework[]): Generator<TextPiece> =>
    rendered(all, ({ head }) => frameworkText(head));
  yield '{"frameworks":';
  yield* listPieces(heads(snapshot.frameworks));
  yield ',"completed_frameworks":';
  yield* listPieces(heads(snapshot.completedFrameworks));
  yield '}';
}

const agentText = keptText((agent: AgentSnapshot): string =>
  encodeJson('MasterResponseGetAgentsAgent', viewAgent(agent)),
);

const recoveredText = keptText((info: AgentInfo): string => encodeJson('AgentInfo', info));

function* agentsPieces({ agents, recoveredAgents }: ClusterSnapshot): Generator<TextPiece> {
  yield '{"agents":';
  yield* listPieces(rendered(agents, agentText));
  yield ',"recovered_agents":';
  yield* listPieces(rendered(recoveredAgents, ({ info }) => recoveredText(info)));
  yield '}';
}
