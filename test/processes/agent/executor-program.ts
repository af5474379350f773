/**
 * A custom executor, as somebody would write one without any of our code: it speaks the executor HTTP
 * API by hand. Its tasks run until it is told something, in messages of its framework:
 * `environment`, `finish TASK`, `finish-alone TASK` (once the agent is away), `exit STATUS`; anything
 * else comes back. With `EXECUTOR_SILENT` it never subscribes.
 */
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';

interface Task {
  readonly task_id: { readonly value: string };
}

interface Status {
  readonly task_id: { readonly value: string };
  readonly state: string;
  readonly source: 'SOURCE_EXECUTOR';
  readonly uuid: string;
}

interface Event {
  readonly type: string;
  readonly launch?: { readonly task: Task };
  readonly kill?: { readonly task_id: { readonly value: string } };
  readonly acknowledged?: { readonly uuid: string };
  readonly message?: { readonly data: string };
}

const RETRY_MS = 100;
const environment = process.env;
const isCheckpointed = environment['MESOS_CHECKPOINT'] === '1';
/** What the agent has not confirmed, as the API wants it told again. */
const tasks = new Map<string, Task>();
const updates = new Map<string, Status>();
const running = new Set<string>();
/** Tasks that finish when the agent goes away. */
const alone = new Set<string>();
let calls: Promise<void> = Promise.resolve();

function note(line: string): void {
  appendFileSync('executor.log', `${line}\n`);
}

function body(call: object): string {
  return JSON.stringify({
    framework_id: { value: environment['MESOS_FRAMEWORK_ID'] },
    executor_id: { value: environment['MESOS_EXECUTOR_ID'] },
    ...call,
  });
}

function post(call: object): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const url = `http://${environment['MESOS_AGENT_ENDPOINT'] ?? ''}/api/v1/executor`;
    const headers = { 'content-type': 'application/json', accept: 'application/json' };
    request(url, { method: 'POST', headers }, resolve).once('error', reject).end(body(call));
  });
}

/** One after the other: the order of updates is that of the calls. */
function say(call: object): void {
  calls = sayAfter(calls, call);
}

async function sayAfter(earlier: Promise<void>, call: object): Promise<void> {
  await earlier;
  try {
    const response = await post(call);
    const answer = await text(response);
    if (response.statusCode !== 202) note(`refused ${response.statusCode}: ${answer}`);
  } catch {
    // The agent is away. Updates are told again with the next subscription.
  }
}

function tell(taskId: string, state: string): void {
  const uuid = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64');
  const status: Status = { task_id: { value: taskId }, state, source: 'SOURCE_EXECUTOR', uuid };
  updates.set(uuid, status);
  if (state !== 'TASK_STARTING' && state !== 'TASK_RUNNING') running.delete(taskId);
  say({ type: 'UPDATE', update: { status } });
}

function reply(answer: string): void {
  say({ type: 'MESSAGE', message: { data: Buffer.from(answer).toString('base64') } });
}

function take(event: Event): void {
  note(event.type);
  if (event.launch !== undefined) {
    const { task } = event.launch;
    tasks.set(task.task_id.value, task);
    running.add(task.task_id.value);
    tell(task.task_id.value, 'TASK_STARTING');
    tell(task.task_id.value, 'TASK_RUNNING');
  }
  if (event.kill !== undefined) tell(event.kill.task_id.value, 'TASK_KILLED');
  if (event.acknowledged !== undefined) {
    const status = updates.get(event.acknowledged.uuid);
    updates.delete(event.acknowledged.uuid);
    if (status !== undefined) tasks.delete(status.task_id.value);
  }
  if (event.message !== undefined) {
    obey(Buffer.from(event.message.data, 'base64').toString('utf8'));
  }
  if (event.type === 'SHUTDOWN') {
    for (const taskId of running) tell(taskId, 'TASK_KILLED');
    void calls.then(() => process.exit(0));
  }
}

function obey(message: string): void {
  const [verb, object = ''] = message.split(' ');
  if (verb === 'finish') tell(object, 'TASK_FINISHED');
  else if (verb === 'finish-alone') alone.add(object);
  else if (verb === 'exit') process.exit(Number(object));
  else if (verb === 'environment') reply(JSON.stringify(environment));
  else reply(`you said: ${message}`);
}

async function subscribe(): Promise<void> {
  const response = await post({
    type: 'SUBSCRIBE',
    subscribe: {
      unacknowledged_tasks: [...tasks.values()],
      unacknowledged_updates: [...updates.values()].map((status) => ({ status })),
    },
  });
  if (response.statusCode !== 200) {
    note(`refused ${response.statusCode}: ${await text(response)}`);
    return;
  }
  let rest = Buffer.alloc(0);
  for await (const chunk of response) {
    rest = Buffer.concat([rest, Buffer.from(chunk as Uint8Array)]);
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const length = Number(rest.subarray(0, end).toString('latin1'));
      if (rest.length < end + 1 + length) break;
      take(JSON.parse(rest.subarray(end + 1, end + 1 + length).toString('utf8')) as Event);
      rest = rest.subarray(end + 1 + length);
    }
  }
}

async function main(): Promise<void> {
  if (environment['EXECUTOR_SILENT'] !== undefined) {
    setInterval(() => undefined, 1000);
    return;
  }
  for (;;) {
    try {
      await subscribe();
    } catch {
      // The agent was killed.
    }
    if (!isCheckpointed) process.exit(0);
    for (const taskId of alone) tell(taskId, 'TASK_FINISHED');
    alone.clear();
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

note(`started ${process.pid}`);
await main();
