/** The operator API of the agent: `POST /api/v1`. */
import { randomUUID } from 'node:crypto';
import { casesOf } from '../lib/case.js';
import {
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
  numberAt,
  textAt,
  theOne,
} from '../lib/check.js';
import type { Context } from '../lib/context.js';
import {
  type Answer,
  type Headers,
  JSON_TYPE,
  RECORDIO_TYPE,
  documentOf,
  exchange,
} from '../lib/http.js';
import { amountsOf, commandTask, fromBase64, totalOf } from '../lib/messages.js';
import { writeRecord } from '../lib/records.js';
import type { Scheduler } from '../lib/scheduler.js';

interface Running {
  readonly scheduler: Scheduler;
  readonly id: string;
  readonly status: unknown;
  readonly container: unknown;
}

async function runTask(context: Context, command = 'sleep 300'): Promise<Running> {
  const scheduler = await context.scheduler();
  const offer = await scheduler.offer({ cpus: 1, mem: 128 });
  const id = context.unique('task');
  const resources = amountsOf({ cpus: 0.5, mem: 64 });
  await scheduler.launch(offer, commandTask(id, offer, command, { resources }), 3600);
  const status = await scheduler.until(id, 'TASK_RUNNING');
  await scheduler.settle();
  return { scheduler, id, status, container: get(status, 'container_status.container_id') };
}

async function describesItself(context: Context): Promise<void> {
  const { agentOperator } = context;
  const healthy = { type: 'GET_HEALTH', get_health: { healthy: true } };
  expectValue(documentOf(await agentOperator.send({ type: 'GET_HEALTH' })), healthy, 'GET_HEALTH');
  const version = { 'version_info.version': /^[0-9]+\.[0-9]+/ };
  expectThat(await agentOperator.call('GET_VERSION'), version, 'GET_VERSION');
  const flags = listAt(await agentOperator.call('GET_FLAGS'), 'flags');
  for (const name of ['port', 'work_dir', 'master']) theOne(flags, 'name', name);
  const metrics = await agentOperator.call('GET_METRICS', { get_metrics: {} });
  for (const name of ['uptime_secs', 'tasks_running', 'cpus_total', 'registered']) {
    theOne(listAt(metrics, 'metrics'), 'name', `slave/${name}`);
  }
  const agent = await agentOperator.call('GET_AGENT');
  expectThat(agent, { 'agent_info.id.value': context.agentId }, 'GET_AGENT');
  const cpus = totalOf(listAt(agent, 'agent_info.resources'), 'cpus');
  expectValue(cpus, between(0.01, Infinity), 'cpus');
}

async function wholeState(context: Context): Promise<void> {
  const { scheduler, id } = await runTask(context);
  const state = await context.agentOperator.call('GET_STATE');
  const task = theOne(listAt(state, 'get_tasks.launched_tasks'), 'task_id.value', id);
  expectThat(task, { state: 'TASK_RUNNING' }, 'the task');
  const framework = 'framework_info.id.value';
  theOne(listAt(state, 'get_frameworks.frameworks'), framework, scheduler.id);
  const executors = listAt(state, 'get_executors.executors');
  const executor = theOne(executors, 'executor_info.executor_id.value', id);
  expectThat(executor, { 'executor_info.source': id }, 'the command executor');
  await scheduler.kill(id);
  await scheduler.until(id, 'TASK_KILLED');
  await context.eventually('the task is completed', async () => {
    const later = await context.agentOperator.call('GET_STATE');
    return findIn(listAt(later, 'get_tasks.completed_tasks'), 'task_id.value', id);
  });
}

async function containers(context: Context): Promise<void> {
  const { scheduler, id, container } = await runTask(context);
  const all = listAt(await context.agentOperator.call('GET_CONTAINERS'), 'containers');
  const one = theOne(all, 'container_id.value', textAt(container, 'value'));
  expectThat(
    one,
    {
      framework_id: scheduler.frameworkId,
      executor_id: { value: id },
      container_status: PRESENT,
      'resource_statistics.mem_limit_bytes': 96 * 1024 * 1024,
    },
    'the container',
  );
  const { cpus_limit, cpus_soft_limit } = Object(get(one, 'resource_statistics')) as {
    cpus_limit?: unknown;
    cpus_soft_limit?: unknown;
  };
  expectValue(cpus_limit ?? cpus_soft_limit, near(0.6, 0.01), 'cpus of task and executor');
}

async function nested(context: Context): Promise<void> {
  const { container } = await runTask(context);
  const { agentOperator } = context;
  const container_id = { value: randomUUID(), parent: container };
  const launch = {
    type: 'LAUNCH_CONTAINER',
    launch_container: { container_id, command: { value: 'exit 3' } },
  };
  expectStatus(await agentOperator.send(launch), 200, 'LAUNCH_CONTAINER');
  expectStatus(await agentOperator.send(launch), 202, 'the same id again');
  const wait = { wait_container: { container_id } };
  for (const time of ['first', 'second']) {
    const done = await agentOperator.call('WAIT_CONTAINER', wait);
    expectThat(done, { exit_status: 3 << 8 }, `the ${time} WAIT_CONTAINER`);
  }
  await agentOperator.call('REMOVE_CONTAINER', { remove_container: { container_id } });
  const gone = await agentOperator.send({ type: 'WAIT_CONTAINER', ...wait });
  expectStatus(gone, 404, 'WAIT_CONTAINER after the removal');
}

async function session(context: Context): Promise<void> {
  const { container } = await runTask(context);
  const stream = await context.agentOperator.stream(
    {
      type: 'LAUNCH_NESTED_CONTAINER_SESSION',
      launch_nested_container_session: {
        container_id: { value: randomUUID(), parent: container },
        command: { value: 'echo to-out; echo to-err >&2; exit 2' },
      },
    },
    { Accept: RECORDIO_TYPE, 'Message-Accept': JSON_TYPE },
  );
  context.cleanup(() => stream.close());
  expectThat(
    stream,
    {
      status: 200,
      'headers.content-type': RECORDIO_TYPE,
      'headers.message-content-type': JSON_TYPE,
    },
    'the answer',
  );
  await stream.inbox.untilEnd();
  for (const [type, text] of [
    ['STDOUT', 'to-out\n'],
    ['STDERR', 'to-err\n'],
  ] as const) {
    const parts = stream.inbox.log
      .filter((record) => get(record, 'type') === 'DATA' && get(record, 'data.type') === type)
      .map((record) => fromBase64(textAt(record, 'data.data')));
    expectValue(parts.join(''), text, type);
  }
}

const FILE_INFO = members('path', 'nlink', 'size', 'mtime', 'mode', 'uid', 'gid');

async function files(context: Context): Promise<void> {
  const { scheduler, status } = await runTask(context, 'printf 0123456789; sleep 300');
  const sandbox = await context.sandboxOf(status, scheduler.id);
  const path = `${sandbox}/stdout`;
  const send = (read_file: object): Promise<Answer> =>
    context.agentOperator.send({ type: 'READ_FILE', read_file });
  const read = async (offset: number, length?: number): Promise<unknown> => {
    const what = { path, offset, ...(length === undefined ? {} : { length }) };
    return get(documentOf(expectStatus(await send(what), 200, 'READ_FILE')), 'read_file');
  };
  await context.eventually('the output is there', async () =>
    numberAt(await read(0), 'size') >= 10 ? true : undefined,
  );
  const list = await context.agentOperator.call('LIST_FILES', { list_files: { path: sandbox } });
  expectValue(theOne(listAt(list, 'file_infos'), 'path', path), FILE_INFO, 'the file');
  const part = await read(3, 4);
  expectValue(fromBase64(textAt(part, 'data')), '3456', 'bytes 3 to 6');
  expectThat(part, { size: 10 }, 'the size');
  expectValue(await read(5000), { size: 10, data: '' }, 'beyond the end');
  expectStatus(await send({ path: `${sandbox}/nothing`, offset: 0 }), 404, 'no file');
  expectStatus(await send({ path: sandbox, offset: 0 }), 400, 'a folder');
}

async function mediaTypes(context: Context): Promise<void> {
  const health = { type: 'GET_HEALTH' };
  const expected: readonly (readonly [number, Headers])[] = [
    [400, { 'Content-Type': undefined }],
    [415, { 'Content-Type': 'text/plain' }],
    [406, { Accept: 'text/html' }],
    [406, { Accept: RECORDIO_TYPE }],
    [406, { 'Message-Accept': JSON_TYPE }],
    [415, { 'Message-Content-Type': JSON_TYPE }],
  ];
  for (const [status, headers] of expected) {
    const answer = await context.agentOperator.send(health, headers);
    expectStatus(answer, status, JSON.stringify(headers));
  }
  const records: readonly (readonly [number, string | undefined])[] = [
    [400, undefined],
    [415, 'text/plain'],
    [415, JSON_TYPE],
  ];
  for (const [status, type] of records) {
    const answer = await context.agentOperator.send(writeRecord(JSON.stringify(health)), {
      'Content-Type': RECORDIO_TYPE,
      'Message-Content-Type': type,
    });
    expectStatus(answer, status, `records of ${type ?? 'nothing'}`);
  }
  expectStatus(await exchange(context.agent, { path: '/api/v1' }), 405, 'GET');
  const untyped = await context.agentOperator.send({});
  const invalid = /^Failed to validate agent::Call: /;
  expectThat(untyped, { status: 400, text: invalid }, 'no type');
  expectStatus(await context.agentOperator.send({ type: 'READ_FILE' }), 400, 'no payload');
  expectStatus(await context.agentOperator.send({ type: 'UNKNOWN' }), 501, 'UNKNOWN');
}

export const cases = casesOf('operator-agent', [
  ['OA-01', 'P0', 'GET_HEALTH, GET_VERSION, GET_FLAGS, GET_METRICS and GET_AGENT', describesItself],
  ['OA-02', 'P0', 'GET_STATE has task, executor and framework', wholeState],
  ['OA-03', 'P0', 'GET_CONTAINERS has the container of a task and its limits', containers],
  ['OA-04', 'P1', 'a nested container is launched, waited for and removed', nested],
  ['OA-06', 'P1', 'a session streams what the process writes, and ends with it', session],
  ['OA-08', 'P1', 'LIST_FILES and READ_FILE serve a sandbox', files],
  ['OA-09', 'P1', 'media types: records only where there are streams', mediaTypes],
]);
