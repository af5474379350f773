/** The families of endpoints: good requests of each, and the statuses that are documented for it. */
import { isRecord } from '../../../../core/base/index.js';
import { JSON_TYPE, PROTOBUF_TYPE, RECORDIO_TYPE } from '../lib/http.js';
import { writeJson } from '../lib/json.js';
import { type Message, amountsOf, freshUuid, scalar, toBase64 } from '../lib/messages.js';
import { writeProtobuf } from '../lib/protobuf.js';
import { writeRecord } from '../lib/records.js';
import { SCHEDULER_PATH } from '../lib/scheduler.js';
import type { SentRequest } from './exchange.js';
import type { Live } from './live.js';
import {
  type Framing,
  type HeaderLines,
  mutateBytes,
  mutateHeaders,
  mutateTree,
} from './mutations.js';
import { renderRequest } from './mutations.js';
import type { Choices } from './random.js';

export interface Family {
  readonly name: string;
  readonly server: 'master' | 'agent';
  readonly statuses: ReadonlySet<number>;
  make(live: Live, choices: Choices): SentRequest;
}

/** What any request can be answered with, before anybody looks at what it is about. */
const OF_ANY_REQUEST = [400, 404, 405, 408, 413, 415, 417, 431];

const id = (value: string): Message => ({ value });

function schedulerCalls(live: Live): readonly Message[] {
  const [agent_id, task_id] = [id(live.agentId), id(live.taskId)];
  const task = {
    name: 't',
    task_id: id(`fuzz-${freshUuid().slice(0, 8).replaceAll(/[/+]/g, '-')}`),
    agent_id,
    resources: amountsOf({ cpus: 0.01, mem: 1 }),
    command: { value: 'true' },
  };
  const offer = { offer_ids: [id(live.offerId)] };
  const reservation = { reservations: [{ type: 'DYNAMIC', role: 'fuzz' }] };
  const resources = [scalar('cpus', 0.1, reservation)];
  const executor_id = id(live.executorId);
  const calls: readonly Message[] = [
    {
      type: 'SUBSCRIBE',
      subscribe: {
        framework_info: {
          user: 'root',
          name: 'f',
          roles: ['r'],
          capabilities: [{ type: 'MULTI_ROLE' }],
        },
      },
    },
    {
      type: 'ACCEPT',
      accept: {
        ...offer,
        operations: [{ type: 'LAUNCH', launch: { task_infos: [task] } }],
        filters: { refuse_seconds: 0 },
      },
    },
    {
      type: 'ACCEPT',
      accept: { ...offer, operations: [{ type: 'RESERVE', id: id('o'), reserve: { resources } }] },
    },
    {
      type: 'ACCEPT',
      accept: {
        ...offer,
        operations: [
          {
            type: 'LAUNCH_GROUP',
            launch_group: {
              executor: {
                type: 'DEFAULT',
                executor_id,
                framework_id: id(live.frameworkId),
                resources: amountsOf({ cpus: 0.1, mem: 32, disk: 1 }),
              },
              task_group: { tasks: [task] },
            },
          },
        ],
      },
    },
    { type: 'DECLINE', decline: { ...offer, filters: { refuse_seconds: 1 } } },
    { type: 'REVIVE', revive: { roles: ['r'] } },
    { type: 'SUPPRESS', suppress: { roles: ['r'] } },
    {
      type: 'KILL',
      kill: { task_id: id('unknown'), agent_id, kill_policy: { grace_period: { nanoseconds: 1 } } },
    },
    { type: 'SHUTDOWN', shutdown: { executor_id: id('unknown'), agent_id } },
    { type: 'ACKNOWLEDGE', acknowledge: { agent_id, task_id, uuid: freshUuid() } },
    {
      type: 'ACKNOWLEDGE_OPERATION_STATUS',
      acknowledge_operation_status: { agent_id, uuid: freshUuid(), operation_id: id('o') },
    },
    { type: 'RECONCILE', reconcile: { tasks: [{ task_id, agent_id }] } },
    {
      type: 'RECONCILE_OPERATIONS',
      reconcile_operations: { operations: [{ operation_id: id('o'), agent_id }] },
    },
    { type: 'MESSAGE', message: { agent_id, executor_id, data: toBase64('hello') } },
    { type: 'REQUEST', request: { requests: [{ agent_id, resources }] } },
    {
      type: 'UPDATE_FRAMEWORK',
      update_framework: {
        framework_info: {
          id: id(live.frameworkId),
          user: 'root',
          name: 'g',
          roles: ['r'],
          capabilities: [{ type: 'MULTI_ROLE' }],
        },
        suppressed_roles: ['r'],
      },
    },
  ];
  const framework_id = id(live.frameworkId);
  return calls.map((call) => (call['type'] === 'SUBSCRIBE' ? call : { ...call, framework_id }));
}

function executorCalls(live: Live): readonly Message[] {
  const ids = { framework_id: id(live.executorFrameworkId), executor_id: id(live.executorId) };
  const status = {
    task_id: id(live.taskId),
    state: 'TASK_RUNNING',
    source: 'SOURCE_EXECUTOR',
    uuid: freshUuid(),
    timestamp: 1,
    labels: { labels: [{ key: 'k', value: 'v' }] },
  };
  return [
    {
      type: 'SUBSCRIBE',
      subscribe: { unacknowledged_tasks: [], unacknowledged_updates: [{ status }] },
    },
    { type: 'UPDATE', update: { status } },
    { type: 'MESSAGE', message: { data: toBase64('hello') } },
    { type: 'HEARTBEAT' },
  ].map((call) => ({ ...call, ...ids }));
}

const READS =
  'GET_HEALTH GET_FLAGS GET_VERSION GET_METRICS GET_LOGGING_LEVEL GET_STATE GET_FRAMEWORKS GET_EXECUTORS GET_TASKS GET_OPERATIONS'.split(
    ' ',
  );
const MASTER_READS =
  'GET_AGENTS GET_ROLES GET_MASTER GET_WEIGHTS GET_QUOTA GET_MAINTENANCE_STATUS GET_MAINTENANCE_SCHEDULE SUBSCRIBE'.split(
    ' ',
  );

function masterCalls(live: Live): readonly Message[] {
  const agent_id = id(live.agentId);
  const unknown = { agent_id: id('no-such-agent') };
  const resource = scalar('disk', 1, { reservations: [{ type: 'DYNAMIC', role: 'fuzz' }] });
  const volume = {
    ...resource,
    disk: { persistence: { id: 'v' }, volume: { container_path: 'd', mode: 'RW' } },
  };
  const machines = [{ hostname: 'far.example', ip: '203.0.113.9' }];
  const windows = [
    {
      machine_ids: machines,
      unavailability: { start: { nanoseconds: 1e18 }, duration: { nanoseconds: 1e9 } },
    },
  ];
  return [
    ...[...READS, ...MASTER_READS].map((type) => ({ type })),
    { type: 'LIST_FILES', list_files: { path: '/master/log' } },
    { type: 'READ_FILE', read_file: { path: '/master/log', offset: 0, length: 10 } },
    { type: 'UPDATE_WEIGHTS', update_weights: { weight_infos: [{ role: 'fuzz', weight: 2 }] } },
    {
      type: 'UPDATE_QUOTA',
      update_quota: {
        force: true,
        quota_configs: [
          { role: 'fuzz', guarantees: { cpus: { value: 0.1 } }, limits: { cpus: { value: 1 } } },
        ],
      },
    },
    { type: 'RESERVE_RESOURCES', reserve_resources: { agent_id, resources: [resource] } },
    { type: 'UNRESERVE_RESOURCES', unreserve_resources: { agent_id, resources: [resource] } },
    { type: 'CREATE_VOLUMES', create_volumes: { agent_id, volumes: [volume] } },
    { type: 'DESTROY_VOLUMES', destroy_volumes: { agent_id, volumes: [volume] } },
    { type: 'GROW_VOLUME', grow_volume: { agent_id, volume, addition: resource } },
    { type: 'SHRINK_VOLUME', shrink_volume: { agent_id, volume, subtract: { value: 0.1 } } },
    { type: 'UPDATE_MAINTENANCE_SCHEDULE', update_maintenance_schedule: { schedule: { windows } } },
    { type: 'START_MAINTENANCE', start_maintenance: { machines } },
    { type: 'STOP_MAINTENANCE', stop_maintenance: { machines } },
    { type: 'DRAIN_AGENT', drain_agent: { ...unknown, max_grace_period: { seconds: 1 } } },
    { type: 'DEACTIVATE_AGENT', deactivate_agent: unknown },
    { type: 'REACTIVATE_AGENT', reactivate_agent: { agent_id } },
    { type: 'MARK_AGENT_GONE', mark_agent_gone: unknown },
    { type: 'TEARDOWN', teardown: { framework_id: id('unknown') } },
    { type: 'SET_LOGGING_LEVEL', set_logging_level: { level: 1, duration: { nanoseconds: 1 } } },
  ];
}

function agentCalls(live: Live): readonly Message[] {
  const container_id = {
    value: `fuzz-${freshUuid().slice(0, 6).replaceAll(/[/+]/g, '-')}`,
    parent: id(live.containerId),
  };
  const command = { value: 'true' };
  const reads = [...READS, 'GET_AGENT', 'GET_CONTAINERS', 'GET_RESOURCE_PROVIDERS'];
  return [
    ...reads.map((type) => ({ type })),
    { type: 'GET_CONTAINERS', get_containers: { show_nested: true, show_standalone: true } },
    { type: 'LIST_FILES', list_files: { path: live.sandbox } },
    { type: 'READ_FILE', read_file: { path: `${live.sandbox}/stdout`, offset: 0, length: 5 } },
    { type: 'LAUNCH_CONTAINER', launch_container: { container_id, command } },
    { type: 'LAUNCH_NESTED_CONTAINER', launch_nested_container: { container_id, command } },
    {
      type: 'LAUNCH_NESTED_CONTAINER_SESSION',
      launch_nested_container_session: { container_id, command },
    },
    { type: 'WAIT_CONTAINER', wait_container: { container_id } },
    { type: 'WAIT_NESTED_CONTAINER', wait_nested_container: { container_id } },
    { type: 'KILL_CONTAINER', kill_container: { container_id, signal: 15 } },
    { type: 'KILL_NESTED_CONTAINER', kill_nested_container: { container_id } },
    { type: 'REMOVE_CONTAINER', remove_container: { container_id } },
    { type: 'ATTACH_CONTAINER_OUTPUT', attach_container_output: { container_id } },
    {
      type: 'ATTACH_CONTAINER_INPUT',
      attach_container_input: { type: 'CONTAINER_ID', container_id },
    },
    { type: 'PRUNE_IMAGES', prune_images: {} },
    { type: 'SET_LOGGING_LEVEL', set_logging_level: { level: 1, duration: { nanoseconds: 1 } } },
  ];
}

function linkMessages(live: Live): readonly Message[] {
  const agent_info = {
    hostname: 'fuzz.example',
    port: 5051,
    resources: amountsOf({ cpus: 1, mem: 64 }),
  };
  const known = { ...agent_info, id: id(`${live.agentId}0`) };
  const status = { task_id: id(live.taskId), state: 'TASK_RUNNING', uuid: freshUuid() };
  return [
    {
      type: 'REGISTER',
      register: { agent_info, version: '1.11.0', capabilities: [{ type: 'MULTI_ROLE' }] },
    },
    {
      type: 'REREGISTER',
      reregister: { agent_info: known, version: '1.11.0', frameworks: [], tasks: [] },
    },
    {
      type: 'STATUS_UPDATE',
      status_update: { framework_id: id(live.frameworkId), status, latest_state: 'TASK_RUNNING' },
    },
    {
      type: 'EXECUTOR_MESSAGE',
      executor_message: {
        framework_id: id(live.frameworkId),
        executor_id: id('e'),
        data: toBase64('x'),
      },
    },
    {
      type: 'EXECUTOR_EXITED',
      executor_exited: { framework_id: id(live.frameworkId), executor_id: id('e'), status: 0 },
    },
    { type: 'OVERSUBSCRIBED', oversubscribed: { resources: amountsOf({ cpus: 1 }) } },
    { type: 'PONG' },
    { type: 'UNREGISTER', unregister: {} },
  ];
}

/** A request that carries a call, with at least one thing wrong about it. */
function callRequest(
  path: string,
  schema: 'SchedulerCall' | 'ExecutorCall' | 'MasterCall' | 'AgentCall',
  calls: readonly Message[],
  more: HeaderLines,
): (choices: Choices) => SentRequest {
  return (choices) => {
    const call = choices.pick(calls);
    const tree = choices.percent(65) ? mutateTree(call, choices) : call;
    const isProtobuf = choices.percent(30);
    const isRecords = schema === 'AgentCall' && choices.percent(20);
    const json = writeJson(tree);
    const encoded = isProtobuf ? tryProtobuf(schema, tree, call) : Buffer.from(json);
    const body = isRecords ? Buffer.from(writeRecord(json)) : encoded;
    const type = isProtobuf ? PROTOBUF_TYPE : JSON_TYPE;
    const headers: HeaderLines = [
      ['Content-Type', isRecords ? RECORDIO_TYPE : type],
      ['Accept', choices.pick([JSON_TYPE, PROTOBUF_TYPE, RECORDIO_TYPE])],
      ...(isRecords ? ([['Message-Content-Type', JSON_TYPE]] as const) : []),
      ...more,
    ];
    return finish({ method: 'POST', path, headers, body }, choices);
  };
}

function tryProtobuf(
  schema: 'SchedulerCall' | 'ExecutorCall' | 'MasterCall' | 'AgentCall',
  tree: unknown,
  call: Message,
): Buffer {
  try {
    return writeProtobuf(schema, isRecord(tree) ? tree : {});
  } catch {
    return writeProtobuf(schema, call);
  }
}

interface Draft {
  readonly method: string;
  readonly path: string;
  readonly headers: HeaderLines;
  readonly body?: Buffer | undefined;
}

const ODD_METHODS = ['GET', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'BREW', 'get', 'CONNECT'];

/** Mutates the rest of a request and writes it down. */
function finish(draft: Draft, choices: Choices): SentRequest {
  const { method, path, headers, body } = draft;
  const mutatedBody = body !== undefined && choices.percent(35) ? mutateBytes(body, choices) : body;
  const framing: Framing = choices.percent(10) ? 'broken' : choices.pick(['length', 'chunked']);
  const request = {
    method: choices.percent(4) ? choices.pick(ODD_METHODS) : method,
    path: choices.percent(6) ? oddPath(path, choices) : path,
    headers: choices.percent(35) ? mutateHeaders(headers, choices) : headers,
    body: mutatedBody,
  };
  const bytes = renderRequest(request, framing, choices);
  return { bytes, isBroken: framing === 'broken' };
}

function oddPath(path: string, choices: Choices): string {
  return choices.pick([
    `${path}/`,
    `${path}?a=b&a=%00`,
    `${path}%zz`,
    `/${path}`,
    `${path}/../..`,
    '*',
    `http://x${path}`,
    `${path}${'a'.repeat(4000)}`,
    path.toUpperCase(),
    `/master${path}`,
    `/slave(1)${path}`,
  ]);
}

const PAGES =
  '/state /state-summary /slaves /frameworks /tasks /roles /flags /health /version /redirect /metrics /metrics/snapshot /system/stats.json /weights /quota /maintenance/schedule /maintenance/status /files/browse /files/read /files/download /files/debug / /master/state.json'.split(
    ' ',
  );
const ODD_QUERIES = [
  'jsonp=f',
  'jsonp=%3Cscript%3E',
  'limit=-1',
  'limit=2&offset=1',
  'order=asc',
  'task_id=',
  'path=/etc/passwd',
  'path=/master/log&offset=0&length=5',
  'path=..%2F..%2Fetc',
  'offset=99999999999999',
  'slave_id=%00',
  'timeout=1secs',
  '=&&=',
];

function legacyRequest(live: Live, choices: Choices): SentRequest {
  if (choices.percent(55)) {
    const path = `${choices.pick(PAGES)}?${choices.pick(ODD_QUERIES)}`;
    return finish(
      { method: choices.pick(['GET', 'GET', 'HEAD', 'POST']), path, headers: [] },
      choices,
    );
  }
  const resources = writeJson(
    mutateTree([scalar('disk', 1, { role: 'fuzz', reservation: {} })], choices),
  );
  const forms: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['/teardown', { frameworkId: choices.pick(['nope', '', `${live.frameworkId}x`]) }],
    ['/reserve', { slaveId: live.agentId, resources }],
    ['/unreserve', { slaveId: live.agentId, resources }],
    ['/create-volumes', { slaveId: live.agentId, volumes: resources }],
    ['/destroy-volumes', { slaveId: live.agentId, volumes: resources }],
  ];
  const machines = [{ hostname: 'far.example' }];
  const documents: readonly (readonly [string, string, unknown])[] = [
    ['PUT', '/weights', [{ role: 'fuzz', weight: 2 }]],
    ['POST', '/quota', { role: 'fuzz', guarantee: [scalar('cpus', 0.1)], force: true }],
    ['DELETE', '/quota/fuzz', {}],
    [
      'POST',
      '/maintenance/schedule',
      { windows: [{ machine_ids: machines, unavailability: { start: { nanoseconds: 1e18 } } }] },
    ],
    ['POST', '/machine/down', machines],
    ['POST', '/machine/up', machines],
  ];
  if (choices.percent(50)) {
    const [path, fields] = choices.pick(forms);
    const body = Buffer.from(new URLSearchParams(fields).toString());
    const headers: HeaderLines = [['Content-Type', 'application/x-www-form-urlencoded']];
    return finish({ method: 'POST', path, headers, body }, choices);
  }
  const [method, path, tree] = choices.pick(documents);
  const body = Buffer.from(writeJson(choices.percent(70) ? mutateTree(tree, choices) : tree));
  return finish({ method, path, headers: [['Content-Type', JSON_TYPE]], body }, choices);
}

function linkRequest(live: Live, choices: Choices): SentRequest {
  const headers: HeaderLines = [
    ['Connection', 'Upgrade'],
    ['Upgrade', 'plateau-link/1'],
  ];
  const path = '/plateau/v1/agent-link';
  if (choices.percent(25))
    return { ...finish({ method: 'GET', path, headers }, choices), isBroken: true };
  const records = Array.from({ length: 1 + choices.below(3) }, () => {
    const message = choices.pick(linkMessages(live));
    return writeRecord(writeJson(choices.percent(75) ? mutateTree(message, choices) : message));
  });
  const whole = Buffer.from(records.join(''));
  return {
    bytes: renderRequest({ method: 'GET', path, headers, body: undefined }, 'length', choices),
    after: choices.percent(30) ? mutateBytes(whole, choices) : whole,
    isBroken: false,
  };
}

function family(
  name: string,
  server: Family['server'],
  statuses: readonly number[],
  make: Family['make'],
): Family {
  return { name, server, statuses: new Set([...OF_ANY_REQUEST, ...statuses]), make };
}

export const FAMILIES: readonly Family[] = [
  family('scheduler', 'master', [200, 202, 403, 406, 501], (live, choices) =>
    callRequest(SCHEDULER_PATH, 'SchedulerCall', schedulerCalls(live), [
      ['Mesos-Stream-Id', live.streamId],
    ])(choices),
  ),
  family('executor', 'agent', [200, 202, 403, 406, 501], (live, choices) =>
    callRequest('/api/v1/executor', 'ExecutorCall', executorCalls(live), [])(choices),
  ),
  family('master operator', 'master', [200, 202, 406, 409, 501], (live, choices) =>
    callRequest('/api/v1', 'MasterCall', masterCalls(live), [])(choices),
  ),
  family('agent operator', 'agent', [200, 202, 406, 409, 501], (live, choices) =>
    callRequest('/api/v1', 'AgentCall', agentCalls(live), [])(choices),
  ),
  family('legacy', 'master', [200, 202, 304, 307, 406, 409], legacyRequest),
  family('agent link', 'master', [101], linkRequest),
];
