/**
 * The large answers of the operators' API in protobuf, in pieces: GET_STATE and its parts, and the event
 * with which a stream of operators begins. The same bytes as the codec writes for the whole message.
 */
import {
  type AgentInfo,
  type MasterCall,
  type MasterResponseGetTasks,
  type Task,
  encodeProtobuf,
} from '../api/index.js';
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
import { keptText, keptWithin } from './legacy/json-text.js';
import type { TextPiece } from './pages/text-store.js';
import type { TextPieces } from './pages/write-text.js';
import {
  type Fields,
  type Making,
  flattened,
  joined,
  listed,
  nested,
  prefix,
} from './protobuf-pieces.js';

type CallType = NonNullable<MasterCall['type']>;

/** Answers that may be large, made of the cluster at one moment. */
const MAKERS = {
  GET_TASKS: ['get_tasks', tasksFields],
  GET_EXECUTORS: ['get_executors', executorsFields],
  GET_FRAMEWORKS: ['get_frameworks', frameworksFields],
  GET_AGENTS: ['get_agents', agentsFields],
  GET_STATE: ['get_state', stateFields],
} as const;

type LargeType = keyof typeof MAKERS;

/** The answer to a call, of the cluster as it is now; undefined: it is not one of the large ones. */
export function largeProtobufAnswer(
  type: CallType | undefined,
): ((cluster: ClusterView) => TextPieces) | undefined {
  if (type === undefined || !isLarge(type)) return undefined;
  return (cluster) => answerPieces(type, snapshotCluster(cluster));
}

function isLarge(type: CallType): type is LargeType {
  return Object.hasOwn(MAKERS, type);
}

function* answerPieces(type: LargeType, snapshot: ClusterSnapshot): Generator<TextPiece> {
  const [member, make] = MAKERS[type];
  const fields = yield* make(snapshot);
  yield encodeProtobuf('MasterResponse', { type });
  yield* flattened(nested('MasterResponse', member, fields));
}

/** The value of `get_state`, of the cluster as it is now. */
export function protobufState(cluster: ClusterView): TextPieces {
  return statePieces(stateFields(snapshotCluster(cluster)));
}

function* statePieces(making: Making): Generator<TextPiece> {
  yield* flattened(yield* making);
}

/** What comes before and after the value of `get_state` in the event SUBSCRIBED. */
export function protobufSubscribed(stateBytes: number, seconds: number): readonly [Buffer, Buffer] {
  const tail = encodeProtobuf('MasterEventSubscribed', { heartbeat_interval_seconds: seconds });
  const state = prefix('MasterEventSubscribed', 'get_state', stateBytes);
  const length = state.length + stateBytes + tail.length;
  const type = encodeProtobuf('MasterEvent', { type: 'SUBSCRIBED' });
  return [Buffer.concat([type, prefix('MasterEvent', 'subscribed', length), state]), tail];
}

function* stateFields(snapshot: ClusterSnapshot): Making {
  const name = 'MasterResponseGetState';
  return joined([
    nested(name, 'get_tasks', yield* tasksFields(snapshot)),
    nested(name, 'get_executors', yield* executorsFields(snapshot)),
    nested(name, 'get_frameworks', yield* frameworksFields(snapshot)),
    nested(name, 'get_agents', yield* agentsFields(snapshot)),
  ]);
}

type TaskList = 'tasks' | 'unreachable_tasks' | 'completed_tasks';

/** Tasks as fields of a list. */
const listedTask = (list: TaskList): ((framework: object) => (task: Task) => TextPiece) =>
  keptWithin(() =>
    keptText((task: Task) => {
      const message: MasterResponseGetTasks = { [list]: [task] };
      return encodeProtobuf('MasterResponseGetTasks', message);
    }),
  );

const activeTask = listedTask('tasks');
const unreachableTask = listedTask('unreachable_tasks');
const completedTask = listedTask('completed_tasks');

/** In the order of the numbers of the fields. */
function* tasksFields({ frameworks, completedFrameworks }: ClusterSnapshot): Making {
  const all = [...frameworks, ...completedFrameworks];
  return joined([
    yield* taskFields(all, 'active', activeTask),
    yield* taskFields(all, 'completed', completedTask),
    yield* taskFields(all, 'unreachable', unreachableTask),
  ]);
}

function* taskFields(
  frameworks: readonly WholeFramework[],
  kind: keyof WholeFramework['tasks'],
  within: ReturnType<typeof listedTask>,
): Making {
  const parts: Fields[] = [];
  for (const { head, tasks } of frameworks) {
    parts.push(yield* listed(tasks[kind], within(head.framework)));
  }
  return joined(parts);
}

const executorField = keptText(({ info, agentId }: ExecutorRecord) =>
  encodeProtobuf('MasterResponseGetExecutors', {
    executors: [{ executor_info: info, agent_id: { value: agentId } }],
  }),
);

function* executorsFields({ frameworks }: ClusterSnapshot): Making {
  const executors = frameworks.flatMap(({ head }) => head.executors);
  return yield* listed(executors, executorField);
}

const frameworkField = keptText((framework: FrameworkSnapshot) =>
  encodeProtobuf('MasterResponseGetFrameworks', { frameworks: [viewFramework(framework)] }),
);

const completedFrameworkField = keptText((framework: FrameworkSnapshot) =>
  encodeProtobuf('MasterResponseGetFrameworks', {
    completed_frameworks: [viewFramework(framework)],
  }),
);

function* frameworksFields({ frameworks, completedFrameworks }: ClusterSnapshot): Making {
  return joined([
    yield* listed(frameworks, ({ head }) => frameworkField(head)),
    yield* listed(completedFrameworks, ({ head }) => completedFrameworkField(head)),
  ]);
}

const agentField = keptText((agent: AgentSnapshot) =>
  encodeProtobuf('MasterResponseGetAgents', { agents: [viewAgent(agent)] }),
);

const recoveredField = keptText((info: AgentInfo) =>
  encodeProtobuf('MasterResponseGetAgents', { recovered_agents: [info] }),
);

function* agentsFields({ agents, recoveredAgents }: ClusterSnapshot): Making {
  return joined([
    yield* listed(agents, agentField),
    yield* listed(recoveredAgents, ({ info }) => recoveredField(info)),
  ]);
}
