/** Task groups under the default executor, and custom executors. */
import { casesOf } from '../lib/case.js';
import {
  ABSENT,
  PRESENT,
  between,
  expectStatus,
  expectThat,
  expectValue,
  get,
  listAt,
  textAt,
} from '../lib/check.js';
import type { Context } from '../lib/context.js';
import { type Answer, type Headers, JSON_TYPE, exchange } from '../lib/http.js';
import {
  type Amounts,
  type Message,
  amountsOf,
  commandTask,
  duration,
  fromBase64,
  idOf,
} from '../lib/messages.js';
import { Puppet, puppetExecutor, puppetTask } from '../lib/puppet.js';
import type { Scheduler } from '../lib/scheduler.js';

const NEEDED: Amounts = { cpus: 1, mem: 256, disk: 32 };
const SMALL_EXECUTOR: Amounts = { cpus: 0.1, mem: 32, disk: 10 };
/** An executor has to start before its tasks do. */
const START = { timeoutMs: 30_000 };

function defaultExecutor(
  context: Context,
  scheduler: Scheduler,
  amounts: Amounts = SMALL_EXECUTOR,
): Message {
  return {
    type: 'DEFAULT',
    executor_id: { value: context.unique('executor') },
    framework_id: scheduler.frameworkId,
    resources: amountsOf(amounts),
  };
}

interface Group {
  readonly scheduler: Scheduler;
  readonly executor: Message;
  readonly ids: readonly string[];
}

/** Launches one group with a task for each command. */
async function startGroup(
  context: Context,
  commands: readonly string[],
  more: Message = {},
): Promise<Group> {
  const scheduler = await context.scheduler();
  const offer = await scheduler.offer(NEEDED);
  const executor = defaultExecutor(context, scheduler);
  const tasks = commands.map((one) => commandTask(context.unique('task'), offer, one, more));
  await scheduler.launchGroup(offer, { executor, tasks }, 0.5);
  return { scheduler, executor, ids: tasks.map(idOf) };
}

async function childContainers(context: Context): Promise<void> {
  const sleep = 'sleep 3; exit 0';
  const { scheduler, executor, ids } = await startGroup(context, [sleep, sleep]);
  const parents = new Set<string>();
  const children = new Set<string>();
  for (const id of ids) {
    const status = await scheduler.until(id, 'TASK_RUNNING', START);
    expectThat(status, { executor_id: executor['executor_id'] }, id);
    parents.add(textAt(status, 'container_status.container_id.parent.value'));
    children.add(textAt(status, 'container_status.container_id.value'));
  }
  expectValue([parents.size, children.size], [1, 2], 'parent and child containers');
  for (const id of ids) await scheduler.until(id, 'TASK_FINISHED');
}

async function killOne(context: Context): Promise<void> {
  const { scheduler, ids } = await startGroup(context, ['sleep 300', 'sleep 300']);
  for (const id of ids) await scheduler.until(id, 'TASK_RUNNING', START);
  await scheduler.kill(String(ids[0]));
  for (const id of ids) await scheduler.until(id, 'TASK_KILLED', START);
}

async function failOne(context: Context): Promise<void> {
  const { scheduler, ids } = await startGroup(context, ['sleep 2; exit 6', 'sleep 300']);
  const [first = '', second = ''] = ids;
  const failed = await scheduler.until(first, 'TASK_FAILED', START);
  expectThat(failed, { message: /status 6/ }, 'the task that failed');
  await scheduler.until(second, 'TASK_KILLED', START);
}

async function incompleteExecutor(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  for (const left of Object.keys(SMALL_EXECUTOR)) {
    const kept = Object.entries(SMALL_EXECUTOR).filter(([name]) => name !== left);
    const executor = defaultExecutor(context, scheduler, Object.fromEntries(kept));
    const offer = await scheduler.offer(NEEDED);
    const tasks = [1, 2].map(() => commandTask(context.unique('task'), offer, 'true'));
    await scheduler.launchGroup(offer, { executor, tasks }, 0);
    const refused = { state: 'TASK_ERROR', reason: 'REASON_TASK_GROUP_INVALID', uuid: ABSENT };
    for (const task of tasks) {
      expectThat(await scheduler.status(idOf(task)), refused, `an executor without ${left}`);
    }
  }
}

async function killPolicyOfCall(context: Context): Promise<void> {
  const loop = 'trap "" TERM; while true; do sleep 0.1; done';
  const kill_policy = { grace_period: duration(50) };
  const { scheduler, ids } = await startGroup(context, [loop], { kill_policy });
  const [id = ''] = ids;
  await scheduler.until(id, 'TASK_RUNNING', START);
  await context.sleep(1000);
  const before = performance.now();
  await scheduler.kill(id, { kill_policy: { grace_period: duration(3) } });
  await scheduler.until(id, 'TASK_KILLED', START);
  expectValue(performance.now() - before, between(1500, 20_000), 'ms until the end');
}

async function customExecutor(context: Context): Promise<void> {
  context.needLocalAgent();
  const scheduler = await context.scheduler();
  const offer = await scheduler.offer({ cpus: 1, mem: 128 });
  const executor = puppetExecutor(context, scheduler);
  const states = ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED'];
  const task = puppetTask(context, offer, executor, states);
  await scheduler.launch(offer, task);
  for (const state of states) {
    expectThat(
      await scheduler.status(idOf(task), START),
      {
        state,
        source: 'SOURCE_EXECUTOR',
        executor_id: executor['executor_id'],
        agent_id: get(offer, 'agent_id'),
        container_status: PRESENT,
      },
      state,
    );
  }
}

async function messages(context: Context): Promise<void> {
  const puppet = await Puppet.start(context);
  const text = 'grüße \u2713 "quoted" \\ \u0001 end';
  expectValue(await puppet.ask(`echo ${text}`), text, 'the answer');
  await puppet.tell('echo again');
  const { message } = Object(await puppet.scheduler.next('MESSAGE')) as { message: unknown };
  expectThat(
    message,
    {
      agent_id: get(puppet.offer, 'agent_id'),
      executor_id: puppet.executor['executor_id'],
    },
    'MESSAGE',
  );
  expectValue(fromBase64(textAt(message, 'data')), 'again', 'data');
}

async function executorExits(context: Context): Promise<void> {
  const puppet = await Puppet.start(context);
  await puppet.tell('exit 3');
  expectThat(
    await puppet.scheduler.next('FAILURE', START),
    {
      'failure.agent_id': get(puppet.offer, 'agent_id'),
      'failure.executor_id': puppet.executor['executor_id'],
      'failure.status': 3 << 8,
    },
    'FAILURE',
  );
  expectThat(
    await puppet.scheduler.until(puppet.taskId, 'TASK_FAILED'),
    { source: 'SOURCE_AGENT', reason: 'REASON_EXECUTOR_TERMINATED' },
    'the task',
  );
}

async function countOf(puppet: Puppet, type: string): Promise<number> {
  const types = listAt({ types: await puppet.askJson('events') }, 'types');
  return types.filter((one) => one === type).length;
}

async function secondTask(context: Context): Promise<void> {
  const puppet = await Puppet.start(context);
  const { scheduler, executor } = puppet;
  const offer = await scheduler.offer({ cpus: 0.1, mem: 32 }, { timeoutMs: 8000 });
  expectThat(offer, { executor_ids: [executor['executor_id']] }, 'the offer');
  const second = puppetTask(context, offer, executor);
  await scheduler.launch(offer, second);
  await scheduler.until(idOf(second), 'TASK_RUNNING');
  expectValue(await countOf(puppet, 'LAUNCH'), 2, 'LAUNCH events of the executor');
  await puppet.tell(`state ${puppet.taskId} TASK_FINISHED`);
  await scheduler.until(puppet.taskId, 'TASK_FINISHED');
  await puppet.tell(`state ${idOf(second)} TASK_FAILED`);
  await scheduler.until(idOf(second), 'TASK_FAILED');
}

async function environment(context: Context): Promise<void> {
  const puppet = await Puppet.start(context, { OWN: 'own value' });
  const expected = {
    OWN: 'own value',
    MESOS_FRAMEWORK_ID: puppet.scheduler.id,
    MESOS_EXECUTOR_ID: textAt(puppet.executor, 'executor_id.value'),
    MESOS_SLAVE_ID: textAt(puppet.offer, 'agent_id.value'),
    MESOS_AGENT_ENDPOINT: /^[^:]+:[0-9]+$/,
    MESOS_SLAVE_PID: /^slave\(1\)@[^:]+:[0-9]+$/,
    MESOS_CHECKPOINT: '0',
    MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: /^[0-9.]+(secs|mins)$/,
    MESOS_DIRECTORY: /^\//,
    MESOS_SANDBOX: /^\//,
  };
  for (const [name, value] of Object.entries(expected)) {
    expectValue(await puppet.ask(`env ${name}`), value, name);
  }
}

const EXECUTOR_PATH = '/api/v1/executor';

async function plainHttp(context: Context): Promise<void> {
  const post = (body: unknown, headers?: Headers): Promise<Answer> =>
    exchange(context.agent, {
      method: 'POST',
      path: EXECUTOR_PATH,
      headers: headers ?? { 'Content-Type': JSON_TYPE, Accept: JSON_TYPE },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const page = await exchange(context.agent, { path: EXECUTOR_PATH });
  expectThat(page, { status: 405, 'headers.allow': 'POST' }, 'GET');
  expectStatus(await post('{}', {}), 400, 'no Content-Type');
  expectStatus(await post('{}', { 'Content-Type': 'text/plain' }), 415, 'text/plain');
  expectStatus(await post('{'), 400, 'broken JSON');
  expectStatus(await post({ type: 'MESSAGE' }), 400, 'no ids');
  const ids = { framework_id: { value: 'nope' }, executor_id: { value: 'nope' } };
  const invalid = /^Failed to validate executor::Call: /i;
  expectThat(await post(ids), { status: 400, text: invalid }, 'no type');
  for (const [type, field] of [
    ['UPDATE', /'update'/],
    ['MESSAGE', /'message'/],
  ] as const) {
    expectThat(await post({ ...ids, type }), { status: 400, text: field }, type);
  }
  const calls = [
    { type: 'MESSAGE', message: { data: 'aGk=' } },
    { type: 'SUBSCRIBE', subscribe: {} },
  ];
  for (const call of calls) {
    expectStatus(await post({ ...ids, ...call }), 400, `${call.type} of an unknown framework`);
  }
}

async function customGroup(context: Context): Promise<void> {
  context.needLocalAgent();
  const scheduler = await context.scheduler();
  const offer = await scheduler.offer(NEEDED);
  const executor = puppetExecutor(context, scheduler, { amounts: SMALL_EXECUTOR });
  const [one, two] = [1, 2].map(() => puppetTask(context, offer, undefined));
  const tasks = [one, two].filter((task) => task !== undefined);
  await scheduler.launchGroup(offer, { executor, tasks }, 3600);
  for (const task of tasks) await scheduler.until(idOf(task), 'TASK_RUNNING', START);
  const puppet = new Puppet(scheduler, offer, executor, tasks[0] ?? {});
  const event = await puppet.askJson('event LAUNCH_GROUP');
  const launched = listAt(event, 'launch_group.task_group.tasks').map(idOf);
  expectValue(launched, tasks.map(idOf), 'tasks of LAUNCH_GROUP');
  expectValue(await countOf(puppet, 'LAUNCH'), 0, 'LAUNCH events');
}

async function killAndShutdown(context: Context): Promise<void> {
  const puppet = await Puppet.start(context);
  const { scheduler, taskId } = puppet;
  await scheduler.kill(taskId);
  const status = await scheduler.until(taskId, 'TASK_KILLED');
  expectThat(status, { source: 'SOURCE_EXECUTOR' }, 'the task');
  const killed = { 'kill.task_id.value': taskId };
  expectThat(await puppet.askJson('event KILL'), killed, 'the KILL event');
  const sandbox = await context.sandboxOf(status, scheduler.id);
  await scheduler.teardown();
  await context.eventually('the executor gets SHUTDOWN', async () =>
    /^SHUTDOWN$/m.test(await context.fileOfAgent(`${sandbox}/stdout`)),
  );
}

export const cases = casesOf('groups-executors', [
  [
    'GE-01',
    'P0',
    'LAUNCH_GROUP starts its tasks in child containers of one executor',
    childContainers,
  ],
  ['GE-02', 'P0', 'killing one task of a group kills the others', killOne],
  ['GE-03', 'P0', 'the failure of one task of a group kills the others', failOne],
  ['GE-04', 'P1', 'a default executor needs cpus, mem and disk', incompleteExecutor],
  ['GE-07', 'P1', 'the kill policy of KILL overrides that of the task', killPolicyOfCall, 90],
  ['GE-08', 'P0', 'the updates of a custom executor reach the scheduler', customExecutor],
  ['GE-09', 'P0', 'messages go to the executor and back unchanged', messages],
  ['GE-11', 'P0', 'the exit of an executor is FAILURE, and fails its tasks', executorExits],
  ['GE-12', 'P1', 'a second task goes to the running executor', secondTask],
  ['GE-13', 'P1', 'an executor has the documented environment', environment],
  ['GE-16', 'P1', 'the executor endpoint checks method, media type, call and ids', plainHttp],
  ['GE-18', 'P2', 'a custom executor gets a group in one event', customGroup],
  ['GE-20', 'P1', 'KILL and TEARDOWN reach a custom executor', killAndShutdown],
]);
