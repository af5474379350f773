/**
 * A custom executor that does what it is told. It reports the states that the data of a task lists, and
 * obeys framework messages; what it answers goes back as one:
 * `echo TEXT`, `env NAME`, `events` (types so far), `event TYPE` (the last one), `state TASK STATE`
 * (reports it, no answer), `call JSON` (sends it to the agent, answers with the status), `exit CODE`.
 */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { get, listAt, textAt } from './check.js';
import { fromBase64, toBase64 } from './messages.js';
import { RecordReader } from './records.js';

const framework_id = { value: process.env['MESOS_FRAMEWORK_ID'] };
const executor_id = { value: process.env['MESOS_EXECUTOR_ID'] };
const url = `http://${process.env['MESOS_AGENT_ENDPOINT'] ?? ''}/api/v1/executor`;
const events: unknown[] = [];
const ended = new Set<string>();
/** Updates go out one after the other, in the order of their reports. */
let reports: Promise<void> = Promise.resolve();

/** Exit statuses that say what went wrong when there is no other way to say it. */
const REFUSED = 70;
const STREAM_ENDED = 71;

function post(body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', Accept: 'application/json' };
    request(url, { method: 'POST', agent: false, headers }, resolve)
      .once('error', reject)
      .end(body);
  });
}

async function send(type: string, more: object): Promise<void> {
  const answer = await post(JSON.stringify({ type, framework_id, executor_id, ...more }));
  const body = await text(answer);
  if (answer.statusCode !== 202) process.stderr.write(`${type}: ${answer.statusCode} ${body}\n`);
}

function say(answer: string): Promise<void> {
  return send('MESSAGE', { message: { data: toBase64(answer) } });
}

function report(taskId: string, state: string): Promise<void> {
  const isFinal = !['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING'].includes(state);
  if (isFinal) ended.add(taskId);
  const status = {
    task_id: { value: taskId },
    state,
    source: 'SOURCE_EXECUTOR',
    executor_id,
    timestamp: Date.now() / 1000,
    uuid: Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64'),
  };
  reports = reports.then(() => send('UPDATE', { update: { status } }));
  return reports;
}

async function launch(task: unknown): Promise<void> {
  const states: unknown = JSON.parse(fromBase64(textAt(task, 'data')));
  for (const state of listAt({ states }, 'states')) {
    await report(textAt(task, 'task_id.value'), String(state));
  }
}

async function obey(order: string): Promise<void> {
  const [word = '', first = '', second = ''] = order.split(' ');
  const rest = order.slice(word.length + 1);
  if (word === 'echo') await say(rest);
  if (word === 'env') await say(process.env[rest] ?? '(unset)');
  if (word === 'events') await say(JSON.stringify(events.map((one) => get(one, 'type'))));
  if (word === 'event') {
    await say(JSON.stringify(events.findLast((one) => get(one, 'type') === first) ?? null));
  }
  if (word === 'state') await report(first, second);
  if (word === 'call') await say(String((await post(rest)).statusCode));
  if (word === 'exit') process.exit(Number(rest));
}

async function handle(event: unknown): Promise<void> {
  events.push(event);
  const type = textAt(event, 'type');
  process.stdout.write(`${type}\n`);
  if (type === 'LAUNCH') await launch(get(event, 'launch.task'));
  if (type === 'LAUNCH_GROUP') {
    await Promise.all(listAt(event, 'launch_group.task_group.tasks').map(launch));
  }
  if (type === 'KILL') {
    const id = textAt(event, 'kill.task_id.value');
    if (!ended.has(id)) await report(id, 'TASK_KILLED');
  }
  if (type === 'MESSAGE') await obey(fromBase64(textAt(event, 'message.data')));
  if (type === 'SHUTDOWN') process.exit(0);
}

const stream = await post(
  JSON.stringify({ type: 'SUBSCRIBE', framework_id, executor_id, subscribe: {} }),
);
if (stream.statusCode !== 200) process.exit(REFUSED);
const reader = new RecordReader();
stream.on('data', (bytes: Buffer) => {
  for (const record of reader.push(bytes)) void handle(JSON.parse(record.toString('utf8')));
});
stream.on('close', () => process.exit(STREAM_ENDED));
