/** How messages look as JSON, written and read. */
import { isRecord } from '../../../../core/base/index.js';
import { casesOf } from '../lib/case.js';
import { expectStatus, expectThat, expectValue, fail, get, not } from '../lib/check.js';
import type { Context } from '../lib/context.js';
import type { Answer } from '../lib/http.js';
import { type Message, commandTask } from '../lib/messages.js';
import type { Scheduler } from '../lib/scheduler.js';

/** What GET_FRAMEWORKS says about a framework, as text. */
async function textOfFramework(context: Context, scheduler: Scheduler): Promise<string> {
  const { text } = await context.operator.send({ type: 'GET_FRAMEWORKS' });
  const start = text.indexOf(`"name":"${String(scheduler.info['name'])}"`);
  if (start < 0) fail('GET_FRAMEWORKS', scheduler.id, text);
  return text.slice(start, text.indexOf('"registered_time"', start));
}

/** Sends a maintenance schedule that begins at a time which is given as it is to be written. */
function setStart(context: Context, written: string): Promise<Answer> {
  const window = `{"machine_ids":[{"hostname":"far.example"}],"unavailability":{"start":{"nanoseconds":${written}}}}`;
  return context.operator.send(
    `{"type":"UPDATE_MAINTENANCE_SCHEDULE","update_maintenance_schedule":{"schedule":{"windows":[${window}]}}}`,
  );
}

async function expectStart(context: Context, written: string, shown: string): Promise<void> {
  expectStatus(await setStart(context, written), 200, written);
  const { text } = await context.operator.send({ type: 'GET_MAINTENANCE_SCHEDULE' });
  expectValue(text, new RegExp(`"nanoseconds":${shown}[,}]`), `the answer for ${written}`);
}

function clearScheduleLater(context: Context): void {
  const update_maintenance_schedule = { schedule: {} };
  context.cleanup(() =>
    context.operator.call('UPDATE_MAINTENANCE_SCHEDULE', { update_maintenance_schedule }),
  );
}

async function longIntegers(context: Context): Promise<void> {
  clearScheduleLater(context);
  for (const n of ['1900000000123456789', '9223372036854775807', '9007199254740993']) {
    await expectStart(context, n, n);
  }
}

async function bytes(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const send = (data: unknown): Promise<Answer> =>
    scheduler.send({
      type: 'MESSAGE',
      framework_id: scheduler.frameworkId,
      message: { agent_id: { value: 'x' }, executor_id: { value: 'x' }, data },
    });
  for (const data of ['aGVsbG8=', '']) expectStatus(await send(data), 202, `'${data}'`);
  for (const data of ['***', '_-8=', 5, true]) expectStatus(await send(data), 400, String(data));
}

async function unknownMembers(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const answer = await scheduler.send({
    type: 'DECLINE',
    framework_id: { value: scheduler.id, more: { x: [] } },
    decline: {
      offer_ids: [{ value: 'o', extra: 1 }],
      filters: { refuse_seconds: 1, unknown: null },
      other: [[]],
    },
    whatever: 'yes',
  });
  expectStatus(answer, 202, 'DECLINE');
}

async function defaults(context: Context): Promise<void> {
  const scheduler = await context.scheduler({ info: { failover_timeout: undefined } });
  const text = await textOfFramework(context, scheduler);
  for (const shown of [/"failover_timeout":0\.0[,}]/, /"checkpoint":false[,}]/]) {
    expectValue(text, shown, 'the framework');
  }
  for (const hidden of [/"role":/, /"webui_url":/]) expectValue(text, not(hidden), 'the framework');
  const offer = await scheduler.offer({ cpus: 0.5, mem: 64 });
  const id = context.unique('task');
  const health_check = { type: 'COMMAND', command: { value: 'true' } };
  await scheduler.launch(offer, commandTask(id, offer, 'sleep 300', { health_check }));
  await scheduler.until(id, 'TASK_RUNNING');
  expectThat(
    await context.task(id),
    {
      health_check: {
        ...health_check,
        delay_seconds: 15,
        interval_seconds: 10,
        timeout_seconds: 20,
        consecutive_failures: 3,
        grace_period_seconds: 10,
        command: { shell: true, value: 'true' },
      },
    },
    'the task',
  );
}

async function numbersAsText(context: Context): Promise<void> {
  const info = { failover_timeout: '45', checkpoint: 'false' };
  const scheduler = await context.scheduler({ info });
  expectThat(
    get(await context.framework(scheduler.id), 'framework_info'),
    { failover_timeout: 45, checkpoint: false },
    'FrameworkInfo',
  );
  clearScheduleLater(context);
  await expectStart(context, '"1900000000123456789"', '1900000000123456789');
  for (const bad of ['"x"', 'true']) expectStatus(await setStart(context, bad), 400, bad);
  const call = { type: 'REVIVE', framework_id: { value: 5 } };
  expectStatus(await scheduler.send(call), 400, 'a number for text');
}

async function decimalPoints(context: Context): Promise<void> {
  const scheduler = await context.scheduler({ info: { failover_timeout: 60 } });
  await scheduler.offer();
  const subscribed = scheduler.textOf('SUBSCRIBED');
  const offers = scheduler.textOf('OFFERS');
  const expected: readonly (readonly [string, RegExp])[] = [
    [subscribed, /"heartbeat_interval_seconds":[0-9]+\.[0-9]+[,}]/],
    [subscribed, /"port":[0-9]+[,}]/],
    [offers, /"scalar":\{"value":[0-9]+\.[0-9]+\}/],
    [offers, /"begin":[0-9]+,"end":[0-9]+/],
    [await textOfFramework(context, scheduler), /"failover_timeout":60\.0[,}]/],
  ];
  for (const [text, pattern] of expected) expectValue(text, pattern, 'the text');
}

/** @throws CheckFailed at the first null or empty list. */
function expectNothingEmpty(value: unknown, path: string): void {
  if (value === null) fail(`null at ${path}`);
  if (Array.isArray(value)) {
    if (value.length === 0) fail(`an empty list at ${path}`);
    for (const item of value) expectNothingEmpty(item, path);
  }
  if (!isRecord(value)) return;
  for (const [name, item] of Object.entries(value)) expectNothingEmpty(item, `${path}.${name}`);
}

async function cleanEvents(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const offer = await scheduler.offer({ cpus: 0.5, mem: 64 });
  const id = context.unique('task');
  await scheduler.launch(offer, commandTask(id, offer, 'exit 0'));
  const status: Message = Object(await scheduler.until(id, 'TASK_FINISHED')) as Message;
  for (const event of scheduler.events) {
    expectThat(event, { type: /^[A-Z_]+$/ }, 'the event');
    expectNothingEmpty(event, String(get(event, 'type')));
  }
  expectThat(status, { state: /^TASK_/, source: /^SOURCE_/ }, 'the status');
}

async function oddIntegers(context: Context): Promise<void> {
  clearScheduleLater(context);
  await expectStart(context, '1500000000.7', '1500000000');
  await expectStart(context, '1e18', '1000000000000000000');
  await expectStart(context, '1.5e3', '1500');
}

export const cases = casesOf('json', [
  ['JS-01', 'P0', '64-bit integers are plain numbers, without loss', longIntegers],
  ['JS-03', 'P0', 'bytes are base64, and nothing else is taken', bytes],
  ['JS-04', 'P0', 'unknown members are ignored everywhere', unknownMembers],
  ['JS-05', 'P0', 'declared defaults are written', defaults],
  ['JS-07', 'P1', 'numbers and booleans may be text', numbersAsText],
  ['JS-08', 'P1', 'doubles have a decimal point, integers have none', decimalPoints],
  ['JS-10', 'P1', 'events have no null and no empty list, and enums by name', cleanEvents],
  ['JS-11', 'P2', 'integers may have exponents, and fractions are cut off', oddIntegers],
]);
