/**
 * The large answers of the operators' API of an agent, in pieces: GET_STATE and its parts, in JSON and in
 * protobuf. The same as the codec writes for the whole message, but for lists that Mesos writes in JSON
 * when they are empty too. What they show is taken at once; its text is made later.
 */
import type { AgentState } from '../agent/index.js';
import {
  type AgentCall,
  type AgentResponseGetExecutors,
  type AgentResponseGetFrameworks,
  type AgentResponseGetTasks,
  type ExecutorInfo,
  type FrameworkInfo,
  type Task,
  encodeJson,
  encodeProtobuf,
} from '../api/index.js';
import { executorsView, frameworksView, tasksView } from './agent-views.js';
import { keptText, listPieces, rendered } from './legacy/json-text.js';
import type { TextPiece } from './pages/text-store.js';
import type { TextPieces } from './pages/write-text.js';
import { type Fields, type Making, flattened, joined, listed, nested } from './protobuf-pieces.js';

type CallType = NonNullable<AgentCall['type']>;

/** A list of a message, with its elements. */
interface FilledList {
  readonly field: string;
  readonly json: () => Iterable<TextPiece | string>;
  readonly protobuf: () => Making;
}

/** The lists of a member of the answer, in the order of the numbers of their fields. */
type Lists = readonly FilledList[];

/** Makes the list of one field, of its elements; each is written once, as `json` and as `alone`. */
function listOf<Item extends object>(
  field: string,
  json: (item: Item) => TextPiece,
  alone: (item: Item) => Buffer,
): (items: readonly Item[] | undefined) => FilledList {
  const protobuf = keptText(alone);
  return (items = []) => ({
    field,
    json: () => listPieces(rendered(items, json)),
    protobuf: () => listed(items, protobuf),
  });
}

const taskJson = keptText((task: Task) => encodeJson('Task', task));

const tasksOf = (field: keyof AgentResponseGetTasks): ReturnType<typeof listOf<Task>> =>
  listOf(field, taskJson, (task) => {
    const message: AgentResponseGetTasks = { [field]: [task] };
    return encodeProtobuf('AgentResponseGetTasks', message);
  });

const pendingTasks = tasksOf('pending_tasks');
const queuedTasks = tasksOf('queued_tasks');
const launchedTasks = tasksOf('launched_tasks');
const terminatedTasks = tasksOf('terminated_tasks');
const completedTasks = tasksOf('completed_tasks');

function taskLists(state: AgentState): Lists {
  const view = tasksView(state);
  return [
    pendingTasks(view.pending_tasks),
    queuedTasks(view.queued_tasks),
    launchedTasks(view.launched_tasks),
    terminatedTasks(view.terminated_tasks),
    completedTasks(view.completed_tasks),
  ];
}

const executorJson = keptText((executor_info: ExecutorInfo) =>
  encodeJson('AgentResponseGetExecutorsExecutor', { executor_info }),
);

const executorsOf = (
  field: keyof AgentResponseGetExecutors,
): ReturnType<typeof listOf<ExecutorInfo>> =>
  listOf(field, executorJson, (executor_info) => {
    const message: AgentResponseGetExecutors = { [field]: [{ executor_info }] };
    return encodeProtobuf('AgentResponseGetExecutors', message);
  });

const runningExecutors = executorsOf('executors');
const completedExecutors = executorsOf('completed_executors');

function executorLists(state: AgentState): Lists {
  const { executors, completed_executors } = executorsView(state);
  return [
    runningExecutors(executors?.map(({ executor_info }) => executor_info)),
    completedExecutors(completed_executors?.map(({ executor_info }) => executor_info)),
  ];
}

const frameworkJson = keptText((framework_info: FrameworkInfo) =>
  encodeJson('AgentResponseGetFrameworksFramework', { framework_info }),
);

const frameworksOf = (
  field: keyof AgentResponseGetFrameworks,
): ReturnType<typeof listOf<FrameworkInfo>> =>
  listOf(field, frameworkJson, (framework_info) => {
    const message: AgentResponseGetFrameworks = { [field]: [{ framework_info }] };
    return encodeProtobuf('AgentResponseGetFrameworks', message);
  });

const presentFrameworks = frameworksOf('frameworks');
const completedFrameworks = frameworksOf('completed_frameworks');

function frameworkLists(state: AgentState): Lists {
  const { frameworks, completed_frameworks } = frameworksView(state);
  return [
    presentFrameworks(frameworks?.map(({ framework_info }) => framework_info)),
    completedFrameworks(completed_frameworks?.map(({ framework_info }) => framework_info)),
  ];
}

/** Members of GET_STATE, which are answers of their own too, in the order of the numbers. */
const MEMBERS = {
  GET_TASKS: ['get_tasks', taskLists],
  GET_EXECUTORS: ['get_executors', executorLists],
  GET_FRAMEWORKS: ['get_frameworks', frameworkLists],
} as const;

/** The answer to a call, of the agent as it is now; undefined: it is not one of the large ones. */
export function largeAgentAnswer(
  type: CallType | undefined,
  isJson: boolean,
): ((state: AgentState) => TextPieces) | undefined {
  if (type === 'GET_STATE') {
    return (state) => {
      const members = Object.values(MEMBERS).map(([name, take]) => [name, take(state)] as const);
      return isJson ? stateJson(members) : stateProtobuf(members);
    };
  }
  if (type !== 'GET_TASKS' && type !== 'GET_EXECUTORS' && type !== 'GET_FRAMEWORKS') {
    return undefined;
  }
  const [member, take] = MEMBERS[type];
  return (state) => {
    const lists = take(state);
    return isJson ? answerJson(type, member, lists) : answerProtobuf(type, member, lists);
  };
}

type MemberName = (typeof MEMBERS)[keyof typeof MEMBERS][0];
type FilledMembers = readonly (readonly [MemberName, Lists])[];

function* stateJson(members: FilledMembers): Generator<TextPiece> {
  yield '{"type":"GET_STATE","get_state":{';
  for (const [index, [name, lists]] of members.entries()) {
    yield `${index === 0 ? '' : ','}"${name}":`;
    yield* listsJson(lists);
  }
  yield '}}';
}

function* answerJson(type: CallType, member: string, lists: Lists): Generator<TextPiece> {
  yield `{"type":"${type}","${member}":`;
  yield* listsJson(lists);
  yield '}';
}

function* listsJson(lists: Lists): Generator<TextPiece> {
  for (const [index, { field, json }] of lists.entries()) {
    yield `${index === 0 ? '{' : ','}"${field}":`;
    yield* json();
  }
  yield '}';
}

function* stateProtobuf(members: FilledMembers): Generator<TextPiece> {
  const fields: Fields[] = [];
  for (const [name, lists] of members) {
    fields.push(nested('AgentResponseGetState', name, yield* listsFields(lists)));
  }
  yield encodeProtobuf('AgentResponse', { type: 'GET_STATE' });
  yield* flattened(nested('AgentResponse', 'get_state', joined(fields)));
}

function* answerProtobuf(
  type: keyof typeof MEMBERS,
  member: MemberName,
  lists: Lists,
): Generator<TextPiece> {
  const fields = yield* listsFields(lists);
  yield encodeProtobuf('AgentResponse', { type });
  yield* flattened(nested('AgentResponse', member, fields));
}

function* listsFields(lists: Lists): Making {
  const fields: Fields[] = [];
  for (const { protobuf } of lists) fields.push(yield* protobuf());
  return joined(fields);
}
