/**
 * A custom executor that speaks protobuf. Its tasks run until they are killed, or until a message of
 * their framework says what to do: `away TASK` leaves the event stream, tells meanwhile that the task
 * is finished, and subscribes again with what was not acknowledged; `gone TASK` does so, but stays away
 * until the file `back` is there; anything else comes back.
 */
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import {
  type ExecutorCall,
  type ExecutorEvent,
  RecordDecoder,
  type TaskInfo,
  type TaskState,
  type TaskStatus,
  decodeProtobuf,
  encodeProtobuf,
} from '../../../core/api/index.js';

const FORM = 'application/x-protobuf';
const RETRY_MS = 20;
const environment = process.env;
const tasks = new Map<string, TaskInfo>();
const updates = new Map<string, TaskStatus>();
let stream: IncomingMessage | undefined;
let mayReturn: () => boolean = () => true;
let calls: Promise<void> = Promise.resolve();

function note(line: string): void {
  appendFileSync('executor.log', `${line}\n`);
}

function post(call: Partial<ExecutorCall>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const url = `http://${environment['MESOS_AGENT_ENDPOINT'] ?? ''}/api/v1/executor`;
    const headers = { 'content-type': FORM, accept: FORM };
    request(url, { method: 'POST', headers }, resolve)
      .once('error', reject)
      .end(
        encodeProtobuf('ExecutorCall', {
          framework_id: { value: environment['MESOS_FRAMEWORK_ID'] ?? '' },
          executor_id: { value: environment['MESOS_EXECUTOR_ID'] ?? '' },
          ...call,
        }),
      );
  });
}

function say(call: Partial<ExecutorCall>): void {
  const earlier = calls;
  calls = (async () => {
    await earlier;
    const response = await post(call);
    const answer = await text(response);
    note(`${call.type} ${response.statusCode} ${answer}`.trim());
  })();
}

function tell(taskId: string, state: TaskState): void {
  const uuid = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64');
  const status: TaskStatus = { task_id: { value: taskId }, state, source: 'SOURCE_EXECUTOR', uuid };
  updates.set(uuid, status);
  say({ type: 'UPDATE', update: { status } });
}

function take(event: ExecutorEvent): void {
  note(event.type ?? 'UNKNOWN');
  const launched = event.launch === undefined ? [] : [event.launch.task];
  for (const task of event.launch_group?.task_group.tasks ?? launched) {
    tasks.set(task.task_id.value, task);
    tell(task.task_id.value, 'TASK_STARTING');
    tell(task.task_id.value, 'TASK_RUNNING');
  }
  if (event.kill !== undefined) tell(event.kill.task_id.value, 'TASK_KILLED');
  if (event.acknowledged !== undefined) {
    updates.delete(event.acknowledged.uuid);
    tasks.delete(event.acknowledged.task_id.value);
  }
  if (event.message !== undefined) obey(Buffer.from(event.message.data, 'base64').toString());
  if (event.type === 'SHUTDOWN') void calls.then(() => process.exit(0));
}

function obey(message: string): void {
  const [verb, taskId = ''] = message.split(' ');
  if (verb === 'away' || verb === 'gone') {
    stream?.destroy();
    mayReturn = () => verb === 'away' || existsSync('back');
    tell(taskId, 'TASK_FINISHED');
    return;
  }
  say({ type: 'MESSAGE', message: { data: Buffer.from(`heard ${message}`).toString('base64') } });
}

async function subscribe(): Promise<void> {
  stream = await post({
    type: 'SUBSCRIBE',
    subscribe: {
      unacknowledged_tasks: [...tasks.values()],
      unacknowledged_updates: [...updates.values()].map((status) => ({ status })),
    },
  });
  if (stream.statusCode !== 200) return note(`SUBSCRIBE ${stream.statusCode}`);
  note(`stream ${stream.headers['content-type']}`);
  const decoder = new RecordDecoder();
  for await (const chunk of stream) {
    for (const record of decoder.push(Buffer.from(chunk as Uint8Array))) {
      take(decodeProtobuf('ExecutorEvent', record));
    }
  }
}

note(`started ${process.pid}`);
say({ type: 'HEARTBEAT' });
for (;;) {
  if (mayReturn()) await subscribe().catch(() => note('away'));
  // What is told meanwhile is told before it is back.
  await calls.catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
}
