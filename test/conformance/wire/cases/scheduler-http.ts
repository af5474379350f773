/** `/api/v1/scheduler` as plain HTTP: methods, media types, bodies, stream ids, and the order of checks. */
import { casesOf } from '../lib/case.js';
import { A_STRING, expectStatus, expectThat, expectValue, get, not } from '../lib/check.js';
import type { Context } from '../lib/context.js';
import { type Answer, type Headers, JSON_TYPE, exchange, open } from '../lib/http.js';
import { readJson, writeJson } from '../lib/json.js';
import { type Message, freshUuid } from '../lib/messages.js';
import { RecordStream } from '../lib/record-stream.js';
import { SCHEDULER_PATH } from '../lib/scheduler.js';

const UNKNOWN_FRAMEWORK = { value: 'no-such-framework-0000' };
const VALIDATION_FAILED = /^Failed to validate scheduler::Call: /;

function post(context: Context, body: unknown, headers: Headers = {}): Promise<Answer> {
  return exchange(context.master, {
    method: 'POST',
    path: SCHEDULER_PATH,
    headers: { 'Content-Type': JSON_TYPE, Accept: JSON_TYPE, ...headers },
    body: typeof body === 'string' ? body : writeJson(body),
  });
}

/** Each call, without the message that belongs to its type. */
const PAYLOADS: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'SUBSCRIBE',
    'ACCEPT',
    'DECLINE',
    'KILL',
    'SHUTDOWN',
    'ACKNOWLEDGE',
    'RECONCILE',
    'MESSAGE',
    'REQUEST',
    'ACCEPT_INVERSE_OFFERS',
    'DECLINE_INVERSE_OFFERS',
    'ACKNOWLEDGE_OPERATION_STATUS',
    'RECONCILE_OPERATIONS',
    'UPDATE_FRAMEWORK',
  ].map((type) => [type, type.toLowerCase()]),
);

/** Calls that any subscribed framework may send, about things that do not exist. */
const HARMLESS_CALLS: readonly Message[] = [
  { type: 'REVIVE' },
  { type: 'SUPPRESS' },
  { type: 'DECLINE', decline: { offer_ids: [{ value: 'unknown-offer' }] } },
  { type: 'KILL', kill: { task_id: { value: 'unknown-task' } } },
  { type: 'RECONCILE', reconcile: {} },
  { type: 'RECONCILE_OPERATIONS', reconcile_operations: {} },
  { type: 'REQUEST', request: { requests: [] } },
  { type: 'SHUTDOWN', shutdown: { executor_id: { value: 'e' }, agent_id: { value: 'a' } } },
  {
    type: 'MESSAGE',
    message: { executor_id: { value: 'e' }, agent_id: { value: 'a' }, data: 'aGk=' },
  },
  { type: 'ACCEPT_INVERSE_OFFERS', accept_inverse_offers: { inverse_offer_ids: [] } },
  { type: 'DECLINE_INVERSE_OFFERS', decline_inverse_offers: { inverse_offer_ids: [] } },
  {
    type: 'ACKNOWLEDGE',
    acknowledge: { agent_id: { value: 'a' }, task_id: { value: 't' }, uuid: freshUuid() },
  },
];

async function onlyPost(context: Context): Promise<void> {
  const answer = await exchange(context.master, { path: SCHEDULER_PATH });
  expectThat(answer, { status: 405, 'headers.allow': 'POST' }, 'GET');
}

async function noContentType(context: Context): Promise<void> {
  const call = { type: 'TEARDOWN', framework_id: UNKNOWN_FRAMEWORK };
  const answer = await post(context, call, { 'Content-Type': undefined });
  expectThat(answer, { status: 400, text: /Content-Type/ }, 'the answer');
}

async function unknownContentType(context: Context): Promise<void> {
  const call = { type: 'TEARDOWN', framework_id: UNKNOWN_FRAMEWORK };
  for (const type of ['text/plain', 'application/xml', 'application/recordio']) {
    const answer = await post(context, call, { 'Content-Type': type });
    expectThat(answer, { status: 415, text: /application\/json.*application\/x-protobuf/ }, type);
  }
}

async function brokenJson(context: Context): Promise<void> {
  for (const body of ['', '{', '{"type": SUBSCRIBE}', 'garbage', '{"type":"TEARDOWN"} x']) {
    const answer = await post(context, body);
    expectThat(answer, { status: 400, text: not(VALIDATION_FAILED) }, `body '${body}'`);
  }
}

async function noType(context: Context): Promise<void> {
  for (const call of [{}, { framework_id: UNKNOWN_FRAMEWORK }]) {
    const { status, text } = await post(context, call);
    expectThat({ status, text }, { status: 400, text: VALIDATION_FAILED }, 'the answer');
    expectValue(text, /type/, 'the text');
  }
}

async function noPayload(context: Context): Promise<void> {
  for (const [type, member] of Object.entries(PAYLOADS)) {
    const answer = await post(context, { type, framework_id: UNKNOWN_FRAMEWORK });
    expectThat(answer, { status: 400, text: VALIDATION_FAILED }, type);
    expectValue(answer.text, new RegExp(`'${member}'`), type);
  }
}

async function noFrameworkId(context: Context): Promise<void> {
  const calls: readonly Message[] = [
    { type: 'TEARDOWN' },
    { type: 'REVIVE' },
    { type: 'SUPPRESS' },
    { type: 'DECLINE', decline: { offer_ids: [] } },
    { type: 'RECONCILE', reconcile: {} },
  ];
  for (const call of calls) {
    const answer = await post(context, call);
    expectThat(answer, { status: 400, text: /'framework_id'/ }, String(call['type']));
  }
}

async function unknownFramework(context: Context): Promise<void> {
  const calls: readonly Message[] = [
    { type: 'TEARDOWN' },
    { type: 'REVIVE' },
    { type: 'DECLINE', decline: { offer_ids: [{ value: 'o' }] } },
    { type: 'KILL', kill: { task_id: { value: 't' } } },
  ];
  for (const call of calls) {
    const headers = { 'Mesos-Stream-Id': 'x' };
    const answer = await post(context, { framework_id: UNKNOWN_FRAMEWORK, ...call }, headers);
    expectThat(answer, { status: 400, text: not(VALIDATION_FAILED) }, String(call['type']));
  }
}

async function noStreamId(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const call = { type: 'REVIVE', framework_id: scheduler.frameworkId };
  const answer = await scheduler.send(call, { 'Mesos-Stream-Id': undefined });
  expectThat(answer, { status: 400, text: /Mesos-Stream-Id/ }, 'the answer');
}

async function foreignStreamId(context: Context): Promise<void> {
  const one = await context.scheduler();
  const two = await context.scheduler();
  const call = { type: 'REVIVE', framework_id: one.frameworkId };
  for (const id of [two.streamId, 'nonsense', `${one.streamId}x`, one.streamId.slice(1)]) {
    expectStatus(await one.send(call, { 'Mesos-Stream-Id': id }), 400, `stream id ${id}`);
  }
  await one.call('REVIVE');
  await two.call('REVIVE');
}

async function disconnected(context: Context): Promise<void> {
  const scheduler = await context.scheduler({ info: { failover_timeout: 600 } });
  await scheduler.call('REVIVE');
  scheduler.disconnect();
  const answer = await context.eventually('the master sees the end of the stream', async () => {
    const one = await scheduler.send({ type: 'REVIVE', framework_id: scheduler.frameworkId });
    return one.status === 202 ? undefined : one;
  });
  expectStatus(answer, 403, 'REVIVE');
}

async function unacceptable(context: Context): Promise<void> {
  const { subscribeCall } = context.session();
  for (const accept of ['text/html', 'application/recordio', 'image/*']) {
    expectStatus(await post(context, subscribeCall, { Accept: accept }), 406, accept);
  }
}

async function acceptDefaults(context: Context): Promise<void> {
  for (const accept of [undefined, '*/*', 'application/*', 'text/html, application/json;q=0.1']) {
    const answer = await open(context.master, {
      method: 'POST',
      path: SCHEDULER_PATH,
      headers: { 'Content-Type': JSON_TYPE, Accept: accept },
      body: writeJson(context.session().subscribeCall),
    });
    context.cleanup(answer.close);
    expectThat(answer, { status: 200, 'headers.content-type': JSON_TYPE }, `Accept ${accept}`);
    const decode = (record: Buffer): unknown => readJson(record.toString('utf8'));
    const stream = new RecordStream(answer, { decode, describe: String });
    const first = await stream.inbox.next(() => true);
    const id = 'subscribed.framework_id.value';
    expectThat(first, { type: 'SUBSCRIBED', [id]: A_STRING }, 'the first record');
    context.created(String(get(first, id)));
  }
}

async function acceptIgnored(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const call = { type: 'REVIVE', framework_id: scheduler.frameworkId };
  for (const accept of ['text/html', 'image/png', undefined]) {
    expectStatus(await scheduler.send(call, { Accept: accept }), 202, `Accept ${accept}`);
  }
}

async function taken(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  for (const call of HARMLESS_CALLS) {
    const answer = await scheduler.send({ framework_id: scheduler.frameworkId, ...call });
    expectThat(answer, { status: 202, text: '' }, String(call['type']));
  }
}

async function oddUuids(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  for (const size of [0, 1, 15, 17, 36]) {
    const uuid = Buffer.alloc(size, 1).toString('base64');
    const answer = await scheduler.send({
      type: 'ACKNOWLEDGE',
      framework_id: scheduler.frameworkId,
      acknowledge: { agent_id: { value: 'a' }, task_id: { value: 't' }, uuid },
    });
    expectThat(answer, { status: 400, text: VALIDATION_FAILED }, `${size} bytes`);
  }
}

async function wrongTypes(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const { id, frameworkId: framework_id } = scheduler;
  const decline = (members: unknown): Message => ({
    type: 'DECLINE',
    framework_id,
    decline: members,
  });
  const calls: readonly Message[] = [
    { type: 'REVIVE', framework_id: id },
    { type: 'REVIVE', framework_id: { value: [id] } },
    { type: 'REVIVE', framework_id: [framework_id] },
    { type: ['REVIVE'], framework_id },
    { type: 'REVIVE', framework_id, revive: { roles: [17] } },
    decline({ offer_ids: ['o'] }),
    decline({ offer_ids: [], filters: { refuse_seconds: {} } }),
    decline('all'),
  ];
  for (const call of calls) {
    const answer = await scheduler.send(call);
    expectThat(answer, { status: 400, text: not(VALIDATION_FAILED) }, writeJson(call));
  }
  await scheduler.call('REVIVE');
}

async function missingFields(context: Context): Promise<void> {
  const agent_id = { value: 'a' };
  const executor_id = { value: 'e' };
  const calls: readonly (readonly [Message, RegExp])[] = [
    [{ type: 'KILL', kill: {} }, /task_id/],
    [{ type: 'SHUTDOWN', shutdown: { executor_id } }, /agent_id/],
    [{ type: 'MESSAGE', message: { agent_id, executor_id } }, /data/],
    [{ type: 'ACKNOWLEDGE', acknowledge: { agent_id, task_id: {} } }, /value|uuid/],
    [{ type: 'SUBSCRIBE', subscribe: {} }, /framework_info/],
  ];
  for (const [call, field] of calls) {
    const answer = await post(context, { framework_id: UNKNOWN_FRAMEWORK, ...call });
    expectThat(answer, { status: 400, text: field }, String(call['type']));
  }
}

export const cases = casesOf('scheduler-http', [
  ['SH-01', 'P0', 'GET is 405, and POST is named as allowed', onlyPost],
  ['SH-03', 'P0', 'no Content-Type is 400', noContentType],
  [
    'SH-04',
    'P0',
    'an unknown Content-Type is 415, and both known ones are named',
    unknownContentType,
  ],
  ['SH-06', 'P0', 'what is no JSON is 400', brokenJson],
  ['SH-08', 'P0', 'a call without type fails validation', noType],
  ['SH-09', 'P0', 'a call without its message fails validation, which names it', noPayload],
  ['SH-10', 'P0', 'calls need framework_id, except SUBSCRIBE', noFrameworkId],
  ['SH-12', 'P0', 'calls of an unknown framework are 400', unknownFramework],
  ['SH-13', 'P0', 'calls need Mesos-Stream-Id', noStreamId],
  ['SH-14', 'P0', 'the Mesos-Stream-Id has to be the one of the stream', foreignStreamId],
  ['SH-15', 'P0', 'calls of a disconnected framework are 403', disconnected],
  ['SH-17', 'P1', 'SUBSCRIBE that accepts neither JSON nor protobuf is 406', unacceptable],
  ['SH-18', 'P1', 'SUBSCRIBE answers in JSON where the Accept leaves the choice', acceptDefaults],
  ['SH-19', 'P1', 'Accept does not matter where the answer is empty', acceptIgnored],
  ['SH-20', 'P0', 'calls that are taken are 202, without a body', taken],
  ['SH-22', 'P1', 'the uuid of ACKNOWLEDGE has 16 bytes', oddUuids],
  ['SH-24', 'P1', 'fields of a wrong JSON type are 400', wrongTypes],
  ['SH-25', 'P1', 'a missing required field is 400, and is named', missingFields],
]);
