/** The operator API of the master: `POST /api/v1`. */
import { casesOf } from '../lib/case.js';
import {
  A_NUMBER,
  A_STRING,
  PRESENT,
  between,
  expectStatus,
  expectThat,
  expectValue,
  findIn,
  get,
  listAt,
  members,
  near,
  theOne,
} from '../lib/check.js';
import type { Context } from '../lib/context.js';
import { type Answer, type Headers, JSON_TYPE, documentOf, exchange } from '../lib/http.js';
import { type Message, amountsOf, commandTask, offered, totalOf } from '../lib/messages.js';
import type { Scheduler } from '../lib/scheduler.js';
import { MASTER_INFO } from './subscribe.js';

interface Running {
  readonly scheduler: Scheduler;
  readonly offer: unknown;
  readonly id: string;
}

async function runTask(context: Context, more: Message = {}): Promise<Running> {
  const scheduler = await context.scheduler();
  const offer = await scheduler.offer({ cpus: 0.5, mem: 64 });
  const id = context.unique('task');
  await scheduler.launch(offer, commandTask(id, offer, 'sleep 300', more), 3600);
  await scheduler.until(id, 'TASK_RUNNING');
  await scheduler.settle();
  return { scheduler, offer, id };
}

const HALF_A_CPU = { resources: amountsOf({ cpus: 0.5, mem: 64 }) };

async function describesItself(context: Context): Promise<void> {
  const { operator } = context;
  const healthy = { type: 'GET_HEALTH', get_health: { healthy: true } };
  expectValue(documentOf(await operator.send({ type: 'GET_HEALTH' })), healthy, 'GET_HEALTH');
  const version = { 'version_info.version': /^[0-9]+\.[0-9]+/ };
  expectThat(await operator.call('GET_VERSION'), version, 'GET_VERSION');
  const flags = listAt(await operator.call('GET_FLAGS'), 'flags');
  for (const name of ['port', 'allocation_interval', 'registry', 'work_dir']) {
    theOne(flags, 'name', name);
  }
  expectThat(
    await operator.call('GET_MASTER'),
    { master_info: MASTER_INFO, start_time: A_NUMBER, elected_time: A_NUMBER },
    'GET_MASTER',
  );
}

async function metrics(context: Context): Promise<void> {
  const get_metrics = { timeout: { nanoseconds: 5_000_000_000 } };
  const answer = await context.operator.call('GET_METRICS', { get_metrics });
  const expected = {
    'master/uptime_secs': A_NUMBER,
    'master/elected': 1,
    'master/slaves_active': between(1, Infinity),
    'master/frameworks_active': A_NUMBER,
    'master/tasks_running': A_NUMBER,
    'master/cpus_total': A_NUMBER,
  };
  for (const [name, value] of Object.entries(expected)) {
    expectThat(theOne(listAt(answer, 'metrics'), 'name', name), { value }, name);
  }
}

async function checksOfCalls(context: Context): Promise<void> {
  const post = (body: string, headers: Headers = { 'Content-Type': JSON_TYPE }): Promise<Answer> =>
    exchange(context.master, { method: 'POST', path: '/api/v1', headers, body });
  const page = await exchange(context.master, { path: '/api/v1' });
  expectThat(page, { status: 405, 'headers.allow': 'POST' }, 'GET');
  expectStatus(await post('{}', { Accept: JSON_TYPE }), 400, 'no Content-Type');
  expectStatus(await post('{}', { 'Content-Type': 'text/plain' }), 415, 'text/plain');
  expectStatus(await post('{'), 400, 'broken JSON');
  const invalid = /^Failed to validate master::Call: /;
  expectThat(await post('{}'), { status: 400, text: invalid }, 'no type');
  const readFile = await post('{"type":"READ_FILE"}');
  expectThat(readFile, { status: 400, text: /'read_file'/ }, 'READ_FILE');
  const health = '{"type":"GET_HEALTH"}';
  const html = { 'Content-Type': JSON_TYPE, Accept: 'text/html' };
  expectStatus(await post(health, html), 406, 'Accept text/html');
  const json = { status: 200, 'headers.content-type': JSON_TYPE };
  expectThat(await post(health), json, 'no Accept');
  expectStatus(await post('{"type":"UNKNOWN"}'), 501, 'UNKNOWN');
  expectStatus(await post('{"type":"NO_SUCH_CALL"}'), 400, 'NO_SUCH_CALL');
}

async function agents(context: Context): Promise<void> {
  const { scheduler } = await runTask(context, HALF_A_CPU);
  const agent = await context.agentEntry();
  expectThat(
    agent,
    {
      active: true,
      version: A_STRING,
      pid: /^slave\(1\)@.+:[0-9]+$/,
      registered_time: PRESENT,
      'agent_info.hostname': A_STRING,
      'agent_info.port': A_NUMBER,
    },
    'the agent',
  );
  expectValue(get(agent, 'deactivated') ?? false, false, 'deactivated');
  const total = totalOf(listAt(agent, 'total_resources'), 'cpus');
  expectValue(total, between(0.01, Infinity), 'cpus');
  const isOurs = (one: unknown): boolean => get(one, 'allocation_info.role') === scheduler.role;
  const allocated = totalOf(listAt(agent, 'allocated_resources'), 'cpus', isOurs);
  expectValue(allocated, near(0.5), 'allocated cpus');
  theOne(listAt(agent, 'capabilities'), 'type', 'MULTI_ROLE');
}

async function frameworks(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const offer = await scheduler.offer();
  const framework = await context.framework(scheduler.id);
  expectThat(
    framework,
    {
      active: true,
      connected: true,
      recovered: false,
      registered_time: PRESENT,
      'offers.0.id': get(offer, 'id'),
      'offers.1': undefined,
      'framework_info.name': scheduler.info['name'],
    },
    'the framework',
  );
  const offeredCpus = totalOf(listAt(framework, 'offered_resources'), 'cpus');
  expectValue(offeredCpus, near(offered(offer, 'cpus')), 'offered cpus');
  await scheduler.teardown();
  const completed = await context.eventually('the framework is completed', () =>
    context.framework(scheduler.id, 'completed_frameworks'),
  );
  expectThat(completed, { active: false, unregistered_time: PRESENT }, 'the completed one');
}

async function tasks(context: Context): Promise<void> {
  const { scheduler, offer, id } = await runTask(context);
  const task = await context.task(id);
  expectThat(
    task,
    {
      state: 'TASK_RUNNING',
      framework_id: scheduler.frameworkId,
      agent_id: get(offer, 'agent_id'),
      name: A_STRING,
      'statuses.0.state': 'TASK_STARTING',
      'statuses.1.state': 'TASK_RUNNING',
      'statuses.2': undefined,
    },
    'the task',
  );
  expectValue(totalOf(listAt(task, 'resources'), 'cpus'), near(0.1), 'cpus');
  await scheduler.kill(id);
  await scheduler.until(id, 'TASK_KILLED');
  const completed = await context.eventually('the task is completed', () =>
    context.task(id, 'completed_tasks'),
  );
  expectThat(completed, { state: 'TASK_KILLED' }, 'the completed task');
  expectValue(await context.task(id), undefined, 'the task among the active ones');
}

const STATE = members('get_tasks', 'get_executors', 'get_frameworks', 'get_agents');

function expectState(state: unknown, { scheduler, id }: Running, agentId: string): void {
  expectValue(state, STATE, 'the state');
  theOne(listAt(state, 'get_tasks.tasks'), 'task_id.value', id);
  const framework = 'framework_info.id.value';
  theOne(listAt(state, 'get_frameworks.frameworks'), framework, scheduler.id);
  theOne(listAt(state, 'get_agents.agents'), 'agent_info.id.value', agentId);
}

async function wholeState(context: Context): Promise<void> {
  const running = await runTask(context);
  expectState(await context.operator.call('GET_STATE'), running, context.agentId);
}

async function roleEntry(context: Context, name: string): Promise<unknown> {
  return findIn(listAt(await context.operator.call('GET_ROLES'), 'roles'), 'name', name);
}

async function roles(context: Context): Promise<void> {
  const { scheduler } = await runTask(context, HALF_A_CPU);
  const role = await roleEntry(context, scheduler.role);
  expectThat(role, { weight: 1, frameworks: [scheduler.frameworkId] }, 'the role');
  expectValue(totalOf(listAt(role, 'resources'), 'cpus'), near(0.5), 'cpus');
  await scheduler.teardown();
  await context.eventually('the role without framework disappears', async () =>
    (await roleEntry(context, scheduler.role)) === undefined ? true : undefined,
  );
}

async function eventStream(context: Context): Promise<void> {
  const running = await runTask(context);
  const { inbox, status, headers, close } = await openEvents(context);
  context.cleanup(close);
  expectThat({ status, headers }, { status: 200, 'headers.content-type': JSON_TYPE }, 'SUBSCRIBE');
  const first = await inbox.next(() => true);
  expectThat(
    first,
    { type: 'SUBSCRIBED', 'subscribed.heartbeat_interval_seconds': between(1, 60) },
    'the first record',
  );
  expectState(get(first, 'subscribed.get_state'), running, context.agentId);
  const second = await inbox.next((one) => get(one, 'type') === 'HEARTBEAT', { timeoutMs: 4000 });
  expectValue(second, { type: 'HEARTBEAT' }, 'the heartbeat');
}

async function openEvents(context: Context) {
  const stream = await context.operator.stream({ type: 'SUBSCRIBE' });
  const { inbox, status, headers } = stream;
  return { inbox, status, headers, close: () => stream.close() };
}

async function events(context: Context): Promise<void> {
  const { inbox, close } = await openEvents(context);
  context.cleanup(close);
  await inbox.next((one) => get(one, 'type') === 'SUBSCRIBED');
  const { scheduler, id } = await runTask(context);
  const next = async (type: string, where: Readonly<Record<string, unknown>>) => {
    const found = await inbox.next(
      (one) =>
        get(one, 'type') === type &&
        Object.entries(where).every(([path, value]) => get(one, path) === value),
      { what: `${type} of ${scheduler.id}` },
    );
    return get(found, type.toLowerCase());
  };
  const ofFramework = 'framework.framework_info.id.value';
  const added = await next('FRAMEWORK_ADDED', { [`framework_added.${ofFramework}`]: scheduler.id });
  expectThat(added, { 'framework.connected': true }, 'FRAMEWORK_ADDED');
  const task = await next('TASK_ADDED', { 'task_added.task.task_id.value': id });
  expectThat(task, { 'task.state': 'TASK_STAGING' }, 'TASK_ADDED');
  const updated = (state: string): Promise<unknown> =>
    next('TASK_UPDATED', {
      'task_updated.status.task_id.value': id,
      'task_updated.state': state,
    });
  expectThat(
    await updated('TASK_STARTING'),
    { framework_id: scheduler.frameworkId, 'status.state': 'TASK_STARTING' },
    'TASK_UPDATED',
  );
  await updated('TASK_RUNNING');
  await scheduler.kill(id);
  await updated('TASK_KILLED');
  await scheduler.teardown();
  const ended = 'framework_removed.framework_info.id.value';
  const removed = await next('FRAMEWORK_REMOVED', { [ended]: scheduler.id });
  const name = scheduler.info['name'];
  expectThat(removed, { 'framework_info.name': name }, 'FRAMEWORK_REMOVED');
}

async function weights(context: Context): Promise<void> {
  const { operator } = context;
  const role = context.unique('role');
  const set = (info: Message): Promise<Answer> =>
    operator.send({ type: 'UPDATE_WEIGHTS', update_weights: { weight_infos: [info] } });
  context.cleanup(() => set({ role, weight: 1 }));
  expectThat(await set({ role, weight: 2.5 }), { status: 200, text: '' }, 'UPDATE_WEIGHTS');
  const shown = async (): Promise<void> => {
    const infos = listAt(await operator.call('GET_WEIGHTS'), 'weight_infos');
    expectThat(theOne(infos, 'role', role), { weight: 2.5 }, 'GET_WEIGHTS');
  };
  await shown();
  expectThat(await roleEntry(context, role), { weight: 2.5 }, 'GET_ROLES');
  for (const bad of [
    { role, weight: 0 },
    { role, weight: -1 },
    { role: 'bad role', weight: 1 },
  ]) {
    expectStatus(await set(bad), 400, JSON.stringify(bad));
  }
  await shown();
}

function setQuota(context: Context, config: Message, force?: boolean): Promise<Answer> {
  const update_quota = { quota_configs: [config], ...(force ? { force } : {}) };
  return context.operator.send({ type: 'UPDATE_QUOTA', update_quota });
}

async function quota(context: Context): Promise<void> {
  const role = context.unique('role');
  context.dropQuotaLater(role);
  const config = {
    role,
    guarantees: { cpus: { value: 0.5 } },
    limits: { cpus: { value: 1.5 }, mem: { value: 256 } },
  };
  expectStatus(await setQuota(context, config), 200, 'UPDATE_QUOTA');
  const configs = listAt(await context.operator.call('GET_QUOTA'), 'status.configs');
  expectValue(theOne(configs, 'role', role), config, 'GET_QUOTA');
}

async function refusedQuota(context: Context): Promise<void> {
  const role = context.unique('role');
  context.dropQuotaLater(role);
  const cpus = (value: number): Message => ({ cpus: { value } });
  const refused: Readonly<Record<string, Message>> = {
    'a nested role': { role: `${role}/child`, limits: cpus(1) },
    'a negative limit': { role, limits: cpus(-1) },
    'a negative guarantee': { role, guarantees: cpus(-1) },
    'a guarantee above the limit': { role, guarantees: cpus(3), limits: cpus(2) },
    'a malformed role': { role: 'bad role', limits: cpus(1) },
    'a guarantee above the cluster': { role, guarantees: cpus(1e6) },
  };
  for (const [what, config] of Object.entries(refused)) {
    expectStatus(await setQuota(context, config), 400, what);
  }
  const forced = await setQuota(context, { role, guarantees: cpus(1e6) }, true);
  expectStatus(forced, 200, 'the same with force');
}

function setSchedule(context: Context, windows: readonly Message[]): Promise<Answer> {
  const update_maintenance_schedule = { schedule: { windows } };
  return context.operator.send({
    type: 'UPDATE_MAINTENANCE_SCHEDULE',
    update_maintenance_schedule,
  });
}

const HOUR_NS = 3_600_000_000_000;

async function schedule(context: Context): Promise<void> {
  context.cleanup(() => setSchedule(context, []));
  const nanoseconds = BigInt(Date.now()) * 1_000_000n + BigInt(2 * HOUR_NS);
  const unavailability = { start: { nanoseconds }, duration: { nanoseconds: HOUR_NS } };
  const machine_ids = [{ hostname: 'far-away-1.example' }, { ip: '203.0.113.7' }];
  const windows = [{ machine_ids, unavailability }];
  expectStatus(await setSchedule(context, windows), 200, 'UPDATE_MAINTENANCE_SCHEDULE');
  const shown = await context.operator.call('GET_MAINTENANCE_SCHEDULE');
  expectValue(get(shown, 'schedule.windows'), windows, 'GET_MAINTENANCE_SCHEDULE');
  const status = await context.operator.call('GET_MAINTENANCE_STATUS');
  const draining = listAt(status, 'status.draining_machines').map((one) => get(one, 'id'));
  for (const id of machine_ids)
    theOne(
      draining.map((one) => ({ one })),
      'one',
      id,
    );
}

async function refusedSchedule(context: Context): Promise<void> {
  context.cleanup(() => setSchedule(context, []));
  const unavailability = { start: { nanoseconds: 1_900_000_000_000_000_000n } };
  const refused: readonly Message[] = [
    { machine_ids: [], unavailability },
    { machine_ids: [{}], unavailability },
    { machine_ids: [{ hostname: 'a' }, { hostname: 'a' }], unavailability },
    { machine_ids: [{ ip: 'not-an-ip' }], unavailability },
    {
      machine_ids: [{ hostname: 'a' }],
      unavailability: { ...unavailability, duration: { nanoseconds: -1 } },
    },
  ];
  for (const window of refused) {
    expectStatus(await setSchedule(context, [window]), 400, 'UPDATE_MAINTENANCE_SCHEDULE');
  }
  const shown = await context.operator.call('GET_MAINTENANCE_SCHEDULE');
  expectValue(listAt(shown, 'schedule.windows'), [], 'windows');
}

async function teardown(context: Context): Promise<void> {
  const { scheduler, id } = await runTask(context);
  const send = (framework_id: unknown): Promise<Answer> =>
    context.operator.send({ type: 'TEARDOWN', teardown: { framework_id } });
  expectStatus(await send(scheduler.frameworkId), 200, 'TEARDOWN');
  await scheduler.untilClosed();
  const task = await context.eventually('the task is completed', () =>
    context.task(id, 'completed_tasks'),
  );
  expectThat(task, { state: 'TASK_KILLED' }, 'the task');
  expectStatus(await send({ value: 'no-such-framework' }), 400, 'an unknown framework');
}

async function unknownAgent(context: Context): Promise<void> {
  const statuses = {
    MARK_AGENT_GONE: 404,
    DRAIN_AGENT: 400,
    DEACTIVATE_AGENT: 400,
    REACTIVATE_AGENT: 400,
  };
  for (const [type, status] of Object.entries(statuses)) {
    const payload = { agent_id: { value: 'no-such-agent' } };
    const answer = await context.operator.send({ type, [type.toLowerCase()]: payload });
    expectStatus(answer, status, type);
  }
}

export const cases = casesOf('operator-master', [
  ['OM-01', 'P0', 'GET_HEALTH, GET_VERSION, GET_FLAGS and GET_MASTER', describesItself],
  ['OM-04', 'P0', 'GET_METRICS has named numbers', metrics],
  ['OM-06', 'P0', 'calls are checked as those of schedulers are', checksOfCalls],
  ['OM-07', 'P0', 'GET_AGENTS has totals, allocation and capabilities', agents],
  ['OM-08', 'P0', 'GET_FRAMEWORKS has active frameworks, then completed ones', frameworks],
  ['OM-09', 'P0', 'GET_TASKS has active tasks, then completed ones', tasks],
  ['OM-11', 'P0', 'GET_STATE has everything in one answer', wholeState],
  ['OM-12', 'P1', 'GET_ROLES has the roles in use', roles],
  ['OM-14', 'P1', 'SUBSCRIBE sends the state, then a heartbeat', eventStream],
  ['OM-15', 'P1', 'events tell of frameworks and tasks', events],
  ['OM-17', 'P0', 'UPDATE_WEIGHTS sets what GET_WEIGHTS and GET_ROLES show', weights],
  ['OM-18', 'P0', 'UPDATE_QUOTA sets what GET_QUOTA shows', quota],
  ['OM-19', 'P1', 'UPDATE_QUOTA refuses what makes no sense', refusedQuota],
  ['OM-21', 'P1', 'a maintenance schedule makes its machines draining', schedule],
  ['OM-22', 'P1', 'a malformed maintenance schedule changes nothing', refusedSchedule],
  ['OM-24', 'P0', 'TEARDOWN ends a framework and its tasks', teardown],
  ['OM-28', 'P1', 'calls for an unknown agent are 404 or 400', unknownAgent],
]);
