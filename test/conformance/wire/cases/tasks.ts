/** Command tasks: from launch to end, what is refused, updates, kill, checks and sandbox. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { casesOf } from '../lib/case.js';
import {
  ABSENT,
  A_STRING,
  A_UUID,
  between,
  expectThat,
  expectValue,
  get,
  near,
} from '../lib/check.js';
import type { Context } from '../lib/context.js';
import { type Message, amountsOf, commandTask, duration, idOf } from '../lib/messages.js';
import { type Scheduler, type SchedulerOptions, isUpdateOf } from '../lib/scheduler.js';

const AWARE = { capabilities: ['MULTI_ROLE', 'PARTITION_AWARE'] };
const NEEDED = { cpus: 0.5, mem: 64 };
const STATES = ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED'];
const UPDATE_OF_ANY = 'UPDATE';

interface Started {
  readonly scheduler: Scheduler;
  readonly offer: unknown;
  readonly task: Message;
  readonly id: string;
}

/** A framework of its own with one task; the rest of the offer is refused. */
async function start(
  context: Context,
  command: string | Message,
  more: Message = {},
  options: SchedulerOptions = {},
): Promise<Started> {
  const scheduler = await context.scheduler(options);
  const offer = await scheduler.offer(NEEDED);
  const id = context.unique('task');
  const task = commandTask(id, offer, command, more);
  await scheduler.launch(offer, task, 3600);
  return { scheduler, offer, task, id };
}

async function startRunning(
  context: Context,
  command: string | Message,
  more: Message = {},
): Promise<Started> {
  const started = await start(context, command, more);
  await started.scheduler.until(started.id, 'TASK_RUNNING');
  return started;
}

/** Launches a task that the master has to refuse. */
async function expectRefused(context: Context, scheduler: Scheduler, more: Message): Promise<void> {
  const offer = await scheduler.offer(NEEDED);
  const task = commandTask(context.unique('task'), offer, 'true', more);
  await scheduler.launch(offer, task, 0);
  expectThat(
    await scheduler.status(idOf(task)),
    {
      state: 'TASK_ERROR',
      reason: 'REASON_TASK_INVALID',
      source: 'SOURCE_MASTER',
      uuid: ABSENT,
      message: A_STRING,
    },
    JSON.stringify(more),
  );
}

/** A case of tasks that have to be refused one after the other. */
function refuses(...tasks: readonly Message[]): (context: Context) => Promise<void> {
  return async (context) => {
    const scheduler = await context.scheduler();
    for (const more of tasks) await expectRefused(context, scheduler, more);
  };
}

/** A case of one command that has to end so. */
function ends(
  command: string | Message,
  state: string,
  message: RegExp | typeof A_STRING = A_STRING,
): (context: Context) => Promise<void> {
  return async (context) => {
    const { scheduler, id } = await start(context, command);
    const status = await scheduler.until(id, state);
    expectThat(status, { source: 'SOURCE_EXECUTOR', message }, state);
  };
}

async function life(context: Context): Promise<void> {
  const { scheduler, offer, id } = await start(context, 'exit 0');
  for (const state of STATES) {
    expectThat(
      await scheduler.status(id),
      {
        state,
        source: 'SOURCE_EXECUTOR',
        agent_id: get(offer, 'agent_id'),
        executor_id: { value: id },
        uuid: A_UUID,
        timestamp: near(Date.now() / 1000, 30),
        ...(state === 'TASK_FINISHED' ? { message: /status 0/ } : {}),
      },
      state,
    );
  }
}

const ARGV_SCRIPT = 'test "$1" = "a b" && test "$2" = \'$HOME\' && test $# = 2 && exit 5';
const ARGV = {
  shell: false,
  value: '/bin/sh',
  arguments: ['sh', '-c', ARGV_SCRIPT, 'zero', 'a b', '$HOME'],
};
const ENVIRONMENT = {
  value: [
    'test "$GREETING" = "hello world" || exit 11',
    'test "$EMPTY" = "" || exit 12',
    'test -d "$MESOS_SANDBOX" || exit 13',
    'test -n "$MESOS_FRAMEWORK_ID" || exit 14',
    'test -n "$MESOS_EXECUTOR_ID" || exit 15',
    'test -n "$MESOS_AGENT_ENDPOINT" || exit 16',
  ].join('\n'),
  environment: {
    variables: [
      { name: 'GREETING', value: 'hello world' },
      { name: 'EMPTY', type: 'VALUE', value: '' },
    ],
  },
};

async function kill(context: Context): Promise<void> {
  const { scheduler, id, offer } = await startRunning(context, 'sleep 300');
  await scheduler.kill(id, { agent_id: get(offer, 'agent_id') });
  const killed = { state: 'TASK_KILLED', source: 'SOURCE_EXECUTOR' };
  expectThat(await scheduler.status(id), killed, 'the next status');
}

async function gracefulKill(context: Context): Promise<void> {
  const loop = 'trap "exit 0" TERM; while true; do sleep 0.1; done';
  const kill_policy = { grace_period: duration(30) };
  const { scheduler, id } = await startRunning(context, loop, { kill_policy });
  await context.sleep(1000);
  await scheduler.kill(id);
  const killed = { state: 'TASK_KILLED', message: /status 0/ };
  expectThat(await scheduler.status(id), killed, 'the next status');
}

async function forcedKill(context: Context): Promise<void> {
  const loop = 'trap "" TERM; while true; do sleep 0.1; done';
  const kill_policy = { grace_period: duration(4) };
  const { scheduler, id } = await startRunning(context, loop, { kill_policy });
  await context.sleep(1000);
  const before = performance.now();
  await scheduler.kill(id);
  const status = await scheduler.status(id, { timeoutMs: 20_000 });
  expectThat(status, { state: 'TASK_KILLED', message: /signal/i }, 'the next status');
  expectValue(performance.now() - before, between(2500, 12_000), 'ms until the end');
}

async function killElsewhere(context: Context): Promise<void> {
  const { scheduler, id } = await startRunning(context, 'sleep 300');
  await scheduler.kill(id, { agent_id: { value: 'some-other-agent' } });
  await scheduler.none(UPDATE_OF_ANY, 2500, 'an update');
  await scheduler.kill(id);
  await scheduler.until(id, 'TASK_KILLED');
}

async function killUnknown(context: Context): Promise<void> {
  const id = context.unique('nobody');
  const plain = await context.scheduler();
  await plain.kill(id);
  expectThat(
    await plain.status(id),
    { state: 'TASK_LOST', reason: 'REASON_RECONCILIATION', uuid: ABSENT },
    'the status without PARTITION_AWARE',
  );
  const aware = await context.scheduler(AWARE);
  await aware.kill(id);
  expectThat(await aware.status(id), { state: 'TASK_UNKNOWN' }, 'the status with it');
}

async function idTwice(context: Context): Promise<void> {
  const { scheduler, id, task } = await startRunning(context, 'sleep 300');
  await scheduler.revive();
  const offer = await scheduler.offer(NEEDED);
  await scheduler.launch(offer, { ...task, agent_id: get(offer, 'agent_id') });
  expectThat(
    await scheduler.status(id),
    { state: 'TASK_ERROR', reason: 'REASON_TASK_INVALID', uuid: ABSENT },
    'the second task',
  );
  expectThat(await context.task(id), { state: 'TASK_RUNNING' }, 'the first task');
}

async function commandOrExecutor(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  await expectRefused(context, scheduler, { command: undefined });
  const executor = {
    type: 'CUSTOM',
    executor_id: { value: context.unique('executor') },
    framework_id: scheduler.frameworkId,
    command: { value: 'true' },
    resources: amountsOf({ cpus: 0.1, mem: 32 }),
  };
  await expectRefused(context, scheduler, { executor });
}

const COMMAND = { command: { value: 'true' } };
const HTTP_WITHOUT_SLASH = { type: 'HTTP', http: { port: 80, path: 'no-slash' } };
const badChecks = refuses(
  { health_check: { type: 'COMMAND' } },
  { health_check: HTTP_WITHOUT_SLASH },
  { health_check: { type: 'TCP' } },
  { health_check: { type: 'COMMAND', ...COMMAND, interval_seconds: -1 } },
  { check: { type: 'TCP' } },
  { check: HTTP_WITHOUT_SLASH },
  { check: { type: 'COMMAND', command: COMMAND, delay_seconds: -1 } },
);

async function oneBadTask(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const offer = await scheduler.offer({ cpus: 1, mem: 128 });
  const task = (more?: Message): Message =>
    commandTask(context.unique('task'), offer, 'exit 0', more);
  const [good, last] = [task(), task()];
  const bad = task({ resources: amountsOf({ cpus: 1e6, mem: 32 }) });
  await scheduler.launch(offer, [good, bad, last]);
  expectThat(await scheduler.status(idOf(bad)), { state: 'TASK_ERROR' }, 'the bad task');
  for (const one of [good, last]) await scheduler.until(idOf(one), 'TASK_FINISHED');
}

async function retried(context: Context): Promise<void> {
  const silent = { isAcknowledging: false };
  const { scheduler, id } = await start(context, 'sleep 300', {}, silent);
  const first = await scheduler.status(id);
  const before = performance.now();
  const again = await scheduler.status(id, { timeoutMs: 20_000 });
  expectValue(performance.now() - before, between(7000, 17_000), 'ms until the retry');
  const same = { uuid: get(first, 'uuid'), state: get(first, 'state') };
  expectThat(again, same, 'the retry');
}

async function oneAtATime(context: Context): Promise<void> {
  const silent = { isAcknowledging: false };
  const { scheduler, id } = await start(context, 'sleep 1; exit 0', {}, silent);
  const seen: unknown[] = [];
  let held = await scheduler.status(id);
  for (;;) {
    seen.push(get(held, 'state'));
    const uuid = get(held, 'uuid');
    const isAnother = (event: unknown): boolean =>
      isUpdateOf(id)(event) && get(event, 'update.status.uuid') !== uuid;
    await scheduler.none(isAnother, 2500, 'an update ahead of the acknowledgement');
    await scheduler.acknowledge(held);
    if (get(held, 'state') === 'TASK_FINISHED') break;
    held = get(await scheduler.next(isAnother), 'update.status');
  }
  expectValue(seen, STATES, 'states');
}

async function completionTime(context: Context): Promise<void> {
  const max_completion_time = duration(3);
  const { scheduler, id } = await startRunning(context, 'sleep 300', { max_completion_time });
  const before = performance.now();
  const status = await scheduler.until(id, 'TASK_FAILED');
  expectThat(status, { reason: 'REASON_MAX_COMPLETION_TIME_REACHED' }, 'the end');
  expectValue(performance.now() - before, between(1500, 12_000), 'ms until the end');
}

const AT_ONCE = { delay_seconds: 0, interval_seconds: 1, timeout_seconds: 10 };
const HEALTHY = { healthy: true, reason: 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED' };

async function healthy(context: Context): Promise<void> {
  const health_check = { type: 'COMMAND', command: { value: 'exit 0' }, ...AT_ONCE };
  const { scheduler, id } = await start(context, 'sleep 300', { health_check });
  const where = (status: unknown): boolean => get(status, 'healthy') !== undefined;
  expectThat(await scheduler.until(id, 'TASK_RUNNING', { where }), HEALTHY, 'the status');
}

async function healthyOverNetwork(context: Context): Promise<void> {
  context.needLocalAgent();
  context.needProgram('/usr/bin/curl', '/bin/curl', '/usr/local/bin/curl');
  const port = 12_000 + Math.floor(Math.random() * 7000);
  const program = `require('http').createServer((q, r) => r.end('ok')).listen(${port})`;
  const command = `exec '${process.execPath}' -e "${program}"`;
  const timing = { ...AT_ONCE, delay_seconds: 2, grace_period_seconds: 30 };
  const checks = [
    { type: 'TCP', tcp: { port } },
    { type: 'HTTP', http: { port, path: '/', scheme: 'http' } },
  ];
  for (const check of checks) {
    const { scheduler, id } = await start(context, command, {
      health_check: { ...check, ...timing },
    });
    const where = (status: unknown): boolean => get(status, 'healthy') === true;
    const status = await scheduler.until(id, 'TASK_RUNNING', { where, timeoutMs: 30_000 });
    expectThat(status, HEALTHY, check.type);
    await scheduler.kill(id);
    await scheduler.until(id, 'TASK_KILLED');
    await scheduler.teardown();
  }
}

async function checkStatus(context: Context): Promise<void> {
  const check = { type: 'COMMAND', command: { command: { value: 'exit 7' } }, ...AT_ONCE };
  const { scheduler, id } = await start(context, 'sleep 300', { check });
  const where = (status: unknown): boolean =>
    get(status, 'check_status.command.exit_code') !== undefined;
  expectThat(
    await scheduler.until(id, 'TASK_RUNNING', { where }),
    {
      check_status: { type: 'COMMAND', command: { exit_code: 7 } },
      reason: 'REASON_TASK_CHECK_STATUS_UPDATED',
    },
    'the status',
  );
  await scheduler.none(UPDATE_OF_ANY, 3500, 'an update of the same result');
}

async function uris(context: Context): Promise<void> {
  context.needLocalAgent();
  const folder = mkdtempSync(join(tmpdir(), 'conformance-uris-'));
  context.cleanup(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'plain.txt'), 'plain');
  writeFileSync(join(folder, 'script.sh'), '#!/bin/sh\nexit 9\n');
  const command = {
    value: [
      'test "$(cat plain.txt)" = plain',
      'test "$(cat sub/other.txt)" = plain',
      '! test -x plain.txt',
      './script.sh',
    ].join(' && '),
    uris: [
      { value: `file://${folder}/plain.txt` },
      { value: `${folder}/plain.txt`, output_file: 'sub/other.txt' },
      { value: `file://${folder}/script.sh`, executable: true },
    ],
  };
  await ends(command, 'TASK_FAILED', /status 9/)(context);
}

async function output(context: Context): Promise<void> {
  const { scheduler, id } = await start(context, 'echo to-stdout; echo to-stderr >&2; exit 0');
  const status = await scheduler.until(id, 'TASK_FINISHED');
  const sandbox = await context.sandboxOf(status, scheduler.id);
  for (const name of ['stdout', 'stderr']) {
    const text = await context.fileOfAgent(join(sandbox, name));
    expectValue(text, new RegExp(`^to-${name}$`, 'm'), name);
  }
}

export const cases = casesOf('tasks', [
  ['TA-01', 'P0', 'a command starts, runs and finishes, in updates that carry everything', life],
  [
    'TA-02',
    'P0',
    'shell=false gives the program exactly its arguments',
    ends(ARGV, 'TASK_FAILED', /status 5/),
  ],
  [
    'TA-03',
    'P0',
    'a task has the variables of its command and MESOS_*',
    ends(ENVIRONMENT, 'TASK_FINISHED'),
  ],
  [
    'TA-05',
    'P0',
    'an exit status other than 0 is TASK_FAILED',
    ends('exit 37', 'TASK_FAILED', /status 37/),
  ],
  ['TA-07', 'P0', 'KILL ends a task with TASK_KILLED', kill],
  ['TA-08', 'P1', 'a killed task may end by itself within the grace period', gracefulKill],
  ['TA-09', 'P1', 'a task that ignores SIGTERM ends after the grace period', forcedKill],
  ['TA-10', 'P2', 'KILL that names another agent is ignored', killElsewhere],
  ['TA-11', 'P0', 'KILL of an unknown task is answered as a reconciliation', killUnknown],
  ['TA-12', 'P0', 'the id of an active task is refused for another', idTwice],
  [
    'TA-14',
    'P0',
    'a task that wants more than was offered is TASK_ERROR',
    refuses(
      { resources: amountsOf({ cpus: 1e6, mem: 32 }) },
      { resources: amountsOf({ cpus: 0.1, mem: 32, no_such_resource: 1 }) },
    ),
  ],
  [
    'TA-15',
    'P0',
    'a task for another agent is TASK_ERROR',
    refuses({ agent_id: { value: 'other' } }),
  ],
  ['TA-16', 'P0', 'a task has either a command or an executor', commandOrExecutor],
  [
    'TA-17',
    'P1',
    'a task without resources, or less than none, is TASK_ERROR',
    refuses({ resources: [] }, { resources: amountsOf({ cpus: -1, mem: 32 }) }),
  ],
  ['TA-19', 'P1', 'malformed checks are TASK_ERROR', badChecks],
  ['TA-21', 'P1', 'a bad task leaves the others of its LAUNCH', oneBadTask],
  ['TA-22', 'P0', 'an update without acknowledgement comes again after ten seconds', retried],
  ['TA-23', 'P0', 'an update waits for the acknowledgement of the one before', oneAtATime],
  ['TA-25', 'P1', 'max_completion_time ends a task with a reason of its own', completionTime],
  ['TA-26', 'P1', 'a COMMAND health check that passes is told', healthy],
  ['TA-28', 'P1', 'TCP and HTTP health checks of a server pass', healthyOverNetwork, 90],
  ['TA-30', 'P1', 'a COMMAND check tells the exit code when it changes', checkStatus],
  ['TA-32', 'P1', 'URIs come into the sandbox', uris],
  ['TA-34', 'P0', 'the output of a task is in its sandbox', output],
]);
