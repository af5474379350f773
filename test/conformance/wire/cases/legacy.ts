/** The pages and forms from before the v1 API. */
import { casesOf } from '../lib/case.js';
import {
  A_NUMBER,
  A_STRING,
  between,
  containing,
  expectStatus,
  expectThat,
  expectValue,
  get,
  listAt,
  members,
  near,
  numberAt,
  textAt,
  theOne,
} from '../lib/check.js';
import type { Context } from '../lib/context.js';
import { type Answer, documentOf } from '../lib/http.js';
import { type Message, amountsOf, commandTask } from '../lib/messages.js';
import type { Operator } from '../lib/operator.js';
import type { Scheduler } from '../lib/scheduler.js';

interface Running {
  readonly scheduler: Scheduler;
  readonly id: string;
  readonly status: unknown;
}

async function runTask(
  context: Context,
  command = 'sleep 300',
  more: Message = {},
): Promise<Running> {
  const scheduler = await context.scheduler();
  const offer = await scheduler.offer({ cpus: 0.5, mem: 64 });
  const id = context.unique('task');
  const resources = amountsOf({ cpus: 0.5, mem: 64 });
  const task = commandTask(id, offer, command, { resources, ...more });
  await scheduler.launch(offer, task, 3600);
  const status = await scheduler.until(id, 'TASK_RUNNING');
  await scheduler.settle();
  return { scheduler, id, status };
}

/** Names in one line, as the pages have many. */
function names(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

const MASTER_STATE = members(
  ...names(`version id pid hostname start_time elected_time leader leader_info flags capabilities
    activated_slaves deactivated_slaves unreachable_slaves slaves frameworks completed_frameworks`),
);
const FRAMEWORK = members(
  ...names(`id name user failover_timeout checkpoint active connected registered_time roles
    resources used_resources offered_resources capabilities tasks completed_tasks
    unreachable_tasks offers executors hostname webui_url`),
);
const AGENT = members(
  ...names(`id hostname port attributes pid registered_time resources used_resources
    offered_resources reserved_resources unreserved_resources active version capabilities`),
);
const AGENT_STATE = members(
  ...names(`id pid hostname version start_time resources attributes flags frameworks
    completed_frameworks`),
);
const EXECUTOR = members(
  ...names('id name source container directory resources tasks queued_tasks completed_tasks'),
);
const FILE = members('path', 'nlink', 'size', 'mtime', 'mode', 'uid', 'gid');

async function masterState(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const answer = await context.operator.get('/state');
  expectThat(answer, { status: 200, 'headers.content-type': 'application/json' }, 'GET /state');
  const state = documentOf(answer);
  expectValue(state, MASTER_STATE, '/state');
  expectThat(
    state,
    {
      pid: /^master@.+:[0-9]+$/,
      leader: get(state, 'pid'),
      activated_slaves: between(1, Infinity),
      flags: members(),
    },
    '/state',
  );
  const framework = theOne(listAt(state, 'frameworks'), 'id', scheduler.id);
  expectValue(framework, FRAMEWORK, 'the framework');
  const { roles } = scheduler.info;
  expectThat(framework, { capabilities: ['MULTI_ROLE'], roles }, 'the framework');
}

async function agentEntries(context: Context): Promise<void> {
  for (const path of ['/state', '/slaves']) {
    const all = listAt(await context.operator.page(path), 'slaves');
    const agent = theOne(all, 'id', context.agentId);
    expectValue(agent, AGENT, `the agent in ${path}`);
    expectThat(
      agent,
      {
        'resources.cpus': A_NUMBER,
        'resources.mem': A_NUMBER,
        'resources.disk': A_NUMBER,
        'resources.gpus': A_NUMBER,
        'resources.ports': /^\[[0-9]+-[0-9]+(, [0-9]+-[0-9]+)*\]$/,
        active: true,
        capabilities: containing('MULTI_ROLE'),
      },
      `the agent in ${path}`,
    );
  }
}

async function taskEntries(context: Context): Promise<void> {
  const labels = [{ key: 'tier', value: 'gold' }];
  const { scheduler, id } = await runTask(context, 'sleep 300', { labels: { labels } });
  for (const path of ['/state', '/frameworks']) {
    const all = listAt(await context.operator.page(path), 'frameworks');
    const tasks = listAt(theOne(all, 'id', scheduler.id), 'tasks');
    expectThat(
      theOne(tasks, 'id', id),
      {
        framework_id: scheduler.id,
        slave_id: context.agentId,
        executor_id: '',
        state: 'TASK_RUNNING',
        resources: { cpus: 0.5, disk: 0, gpus: 0, mem: 64 },
        role: scheduler.role,
        'statuses.0.state': 'TASK_STARTING',
        'statuses.1.state': 'TASK_RUNNING',
        'statuses.2': undefined,
        labels,
      },
      `the task in ${path}`,
    );
  }
}

async function taskPage(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const offer = await scheduler.offer({ cpus: 0.5, mem: 128 });
  const ids = Array.from({ length: 4 }, () => context.unique('task'));
  const tasks = ids.map((id) => commandTask(id, offer, 'sleep 300'));
  await scheduler.launch(offer, tasks, 3600);
  for (const id of ids) await scheduler.until(id, 'TASK_RUNNING', { timeoutMs: 30_000 });
  const page = async (query: string): Promise<readonly string[]> => {
    const path = `/tasks?framework_id=${scheduler.id}&${query}`;
    return listAt(await context.operator.page(path), 'tasks').map((one) => textAt(one, 'id'));
  };
  expectValue((await page('')).toSorted(), ids.toSorted(), 'all tasks');
  const rising = await page('order=asc');
  const expected: Readonly<Record<string, readonly string[]>> = {
    'order=des': rising.toReversed(),
    'order=asc&limit=2': rising.slice(0, 2),
    'order=asc&limit=2&offset=1': rising.slice(1, 3),
    'offset=10': [],
    [`task_id=${ids[2]}`]: ids.slice(2, 3),
    'task_id=nope': [],
  };
  for (const [query, found] of Object.entries(expected)) {
    expectValue(await page(query), found, query);
  }
  const one = listAt(await context.operator.page('/tasks?limit=1'), 'tasks');
  expectValue(one.length, 1, 'tasks with limit=1');
}

async function rolePage(context: Context): Promise<void> {
  const { scheduler } = await runTask(context);
  const roles = listAt(await context.operator.page('/roles'), 'roles');
  const role = theOne(roles, 'name', scheduler.role);
  expectThat(
    role,
    { weight: 1, frameworks: [scheduler.id], 'resources.cpus': near(0.5), quota: members() },
    'the role',
  );
}

const METRICS = [
  ...names(`elected uptime_secs slaves_active slaves_connected slaves_inactive slaves_disconnected
    frameworks_active frameworks_connected frameworks_disconnected frameworks_inactive
    outstanding_offers event_queue_dispatches tasks_staging tasks_starting tasks_running
    tasks_killing tasks_finished tasks_failed tasks_killed tasks_lost tasks_error
    tasks_unreachable messages_register_framework messages_reregister_framework
    messages_kill_task messages_status_update_acknowledgement slave_registrations
    slave_reregistrations slave_removals valid_status_updates invalid_status_updates`),
  ...names('cpus mem disk gpus').flatMap((name) =>
    names('total used percent').map((kind) => `${name}_${kind}`),
  ),
].map((name) => `master/${name}`);
const SYSTEM_METRICS = names(`system/cpus_total system/mem_total_bytes system/mem_free_bytes
  system/load_1min system/load_5min system/load_15min registrar/queued_operations`);

async function metrics(context: Context): Promise<void> {
  await runTask(context);
  const found = Object(await context.operator.page('/metrics/snapshot')) as object;
  const values = new Map(Object.entries(found));
  const missing = [...METRICS, ...SYSTEM_METRICS].filter(
    (name) => typeof values.get(name) !== 'number',
  );
  expectValue(missing, [], 'metrics that are missing');
  const least = {
    'master/tasks_running': 1,
    'master/frameworks_active': 1,
    'master/cpus_used': 0.499,
  };
  for (const [name, low] of Object.entries(least)) {
    expectValue(values.get(name), between(low, Infinity), name);
  }
}

async function files(context: Context): Promise<void> {
  const { scheduler, status } = await runTask(context, 'printf 0123456789; sleep 300');
  const sandbox = await context.sandboxOf(status, scheduler.id);
  const path = `${sandbox}/stdout`;
  const send = (page: string, query: Readonly<Record<string, string>>): Promise<Answer> =>
    context.agentOperator.get(`${page}?${new URLSearchParams(query).toString()}`);
  const read = async (query: Readonly<Record<string, string>>): Promise<unknown> =>
    documentOf(await send('/files/read', { path, ...query }));
  await context.eventually('the output is there', async () =>
    numberAt(await read({ offset: '-1' }), 'offset') >= 10 ? true : undefined,
  );
  const all = documentOf(await send('/files/browse', { path: sandbox }));
  const file = theOne(listAt({ all }, 'all'), 'path', path);
  expectValue(file, FILE, 'the file');
  expectThat(file, { mode: /^-rw/ }, 'the file');
  expectValue(await read({ offset: '3', length: '4' }), { data: '3456', offset: 3 }, 'a part');
  expectValue(await read({ offset: '-1' }), { data: '', offset: 10 }, 'the size');
  expectThat(
    await send('/files/download', { path }),
    {
      status: 200,
      text: '0123456789',
      'headers.content-disposition': /attachment.*stdout/,
    },
    'the download',
  );
}

async function versionAndHealth(context: Context): Promise<void> {
  for (const operator of [context.operator, context.agentOperator]) {
    expectThat(await operator.page('/version'), { version: A_STRING }, '/version');
    expectThat(await operator.get('/health'), { status: 200, text: '' }, '/health');
  }
}

async function redirect(context: Context): Promise<void> {
  const location = /^\/\/[^/:]+:[0-9]+$/;
  for (const path of ['/redirect', '/master/redirect']) {
    const answer = await context.operator.get(path);
    expectThat(answer, { status: 307, 'headers.location': location }, path);
  }
  expectStatus(await context.operator.get('/redirect/further'), 404, '/redirect/further');
}

async function bothPaths(context: Context): Promise<void> {
  const expectPages = async (operator: Operator, prefix: string, pages: string): Promise<void> => {
    for (const page of names(pages)) {
      for (const path of [`/${page}`, `${prefix}/${page}`]) {
        expectStatus(await operator.get(path), 200, path);
      }
    }
  };
  const { operator, agentOperator } = context;
  const masterPages = 'state slaves frameworks tasks roles health flags weights quota';
  await expectPages(operator, '/master', masterPages);
  await expectPages(agentOperator, '/slave(1)', 'state health flags containers');
  const [one, two] = [await operator.page('/state'), await operator.page('/master/state')];
  expectThat(one, { id: get(two, 'id') }, '/state');
  expectStatus(await agentOperator.get('/slave(1)/api/v1'), 405, '/slave(1)/api/v1');
  expectStatus(await operator.get('/master/api/v1/scheduler'), 405, '/master/api/v1/scheduler');
}

async function agentState(context: Context): Promise<void> {
  const { scheduler, id } = await runTask(context);
  const state = await context.agentOperator.page('/state');
  expectValue(state, AGENT_STATE, '/state');
  expectThat(state, { id: context.agentId }, '/state');
  const framework = theOne(listAt(state, 'frameworks'), 'id', scheduler.id);
  const executor = theOne(listAt(framework, 'executors'), 'id', id);
  expectValue(executor, EXECUTOR, 'the executor');
  expectThat(
    executor,
    {
      'tasks.0.id': id,
      'tasks.0.state': 'TASK_RUNNING',
      'tasks.1': undefined,
      directory: /^\/.*\/slaves\/.+\/frameworks\/.+\/executors\/.+\/runs\/.+/,
      'resources.cpus': near(0.6),
    },
    'the executor',
  );
}

async function teardown(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const { operator } = context;
  expectStatus(await operator.get('/teardown'), 405, 'GET');
  expectStatus(await operator.form('/teardown', { frameworkId: 'nope' }), 400, 'unknown');
  expectStatus(await operator.form('/teardown', {}), 400, 'no frameworkId');
  expectStatus(await operator.form('/teardown', { frameworkId: scheduler.id }), 200, 'teardown');
  await scheduler.untilClosed();
}

export const cases = casesOf('legacy', [
  ['LE-01', 'P0', '/state of the master has identity, leader, flags and frameworks', masterState],
  ['LE-02', 'P0', 'agents in /state and /slaves', agentEntries],
  ['LE-03', 'P0', 'tasks in /state and /frameworks', taskEntries],
  ['LE-04', 'P0', '/tasks is filtered, ordered and cut', taskPage],
  ['LE-05', 'P1', '/roles has weight, frameworks, resources and quota', rolePage],
  ['LE-06', 'P0', '/metrics/snapshot has the known names', metrics],
  ['LE-07', 'P0', '/files/* serve a sandbox', files],
  ['LE-09', 'P0', '/version and /health', versionAndHealth],
  ['LE-10', 'P0', '/redirect is 307 to host and port', redirect],
  ['LE-11', 'P0', 'pages are also there below the name of the process', bothPaths],
  ['LE-12', 'P0', '/state of the agent has executors and their sandboxes', agentState],
  ['LE-13', 'P1', '/teardown takes a form', teardown],
]);
