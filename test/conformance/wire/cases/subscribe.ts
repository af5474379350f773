/** SUBSCRIBE and UPDATE_FRAMEWORK: first records, ids, failover, refusals, and what may change. */
import { casesOf } from '../lib/case.js';
import {
  A_STRING,
  PRESENT,
  between,
  expectThat,
  expectValue,
  fail,
  get,
  listAt,
  members,
  not,
  numberAt,
  textAt,
} from '../lib/check.js';
import type { Context } from '../lib/context.js';
import { JSON_TYPE } from '../lib/http.js';
import type { Message } from '../lib/messages.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
export const MASTER_INFO = members('id', 'ip', 'port', 'hostname', 'version', 'address');

async function firstRecords(context: Context): Promise<void> {
  const scheduler = context.session();
  const first = await scheduler.firstEvent();
  expectThat(
    scheduler.stream,
    {
      status: 200,
      'headers.content-type': JSON_TYPE,
      'headers.transfer-encoding': 'chunked',
      'headers.mesos-stream-id': UUID,
    },
    'the answer',
  );
  expectThat(
    first,
    {
      type: 'SUBSCRIBED',
      'subscribed.framework_id.value': A_STRING,
      'subscribed.heartbeat_interval_seconds': between(1, 60),
      'subscribed.master_info': MASTER_INFO,
    },
    'the first record',
  );
}

async function heartbeats(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const intervalMs = numberAt(scheduler.subscribed, 'heartbeat_interval_seconds') * 1000;
  const first = await scheduler.next('HEARTBEAT', { timeoutMs: 4000 });
  const second = await scheduler.next('HEARTBEAT', { timeoutMs: intervalMs + 5000 });
  const passedMs = scheduler.timeOf(second) - scheduler.timeOf(first);
  expectValue(passedMs, between(intervalMs - 2000, intervalMs + 4000), 'ms between heartbeats');
  expectValue(first, { type: 'HEARTBEAT' }, 'a heartbeat');
}

async function frameworkIds(context: Context): Promise<void> {
  const numbers: number[] = [];
  for (let i = 0; i < 2; i++) {
    const scheduler = await context.scheduler();
    const prefix = `${textAt(scheduler.subscribed, 'master_info.id')}-`;
    const [before, number = ''] = scheduler.id.split(prefix);
    expectThat({ before, number }, { before: '', number: /^[0-9]{4,}$/ }, scheduler.id);
    numbers.push(Number(number));
  }
  const [first = 0, second = 0] = numbers;
  if (second <= first) fail('the numbers of framework ids', 'rising', numbers);
}

async function takeOver(context: Context): Promise<void> {
  const one = await context.scheduler({ info: { failover_timeout: 60 } });
  const two = await context.scheduler({ info: one.info });
  const now = { id: two.id, stream: two.streamId };
  expectThat(now, { id: one.id, stream: not(one.streamId) }, 'the second subscription');
  expectThat(await one.next('ERROR'), { 'error.message': A_STRING }, 'ERROR');
  await one.untilClosed();
  expectValue(one.stream.isBetweenRecords, true, 'the old stream ends after a whole record');
  await two.call('REVIVE');
  await two.next('HEARTBEAT');
}

async function comeBack(context: Context): Promise<void> {
  const one = await context.scheduler({ info: { failover_timeout: 60 } });
  one.disconnect();
  await context.eventually('the framework is disconnected and inactive', async () => {
    const framework = await context.framework(one.id);
    return get(framework, 'connected') === false && get(framework, 'active') === false;
  });
  const two = await context.scheduler({ info: one.info });
  expectValue(two.id, one.id, 'framework id');
  expectThat(
    await context.framework(one.id),
    { connected: true, active: true, reregistered_time: PRESENT },
    'the framework',
  );
  await two.offer();
}

async function tornDown(context: Context): Promise<void> {
  const one = await context.scheduler({ info: { failover_timeout: 60 } });
  await one.teardown();
  expectValue(await context.session({ info: one.info }).refusal(), /removed/i, 'message');
}

async function roleAndRoles(context: Context): Promise<void> {
  const plural = context.session({ capabilities: [], info: { roles: ['r'] } });
  expectValue(await plural.refusal(), /roles/, 'message for roles');
  const single = context.session({ info: { role: 'r' } });
  expectValue(await single.refusal(), /role/, 'message for role');
}

async function roleTwice(context: Context): Promise<void> {
  const role = context.unique('role');
  const scheduler = context.session({ info: { roles: [role, role] } });
  expectValue(await scheduler.refusal(), /roles/, 'message');
}

const BAD_ROLES = '/a,a/,a//b,.,..,a/..,*/a,a/*,-a,a/-b,a b,a\tb,'.split(',');

async function roleNames(context: Context): Promise<void> {
  for (const role of BAD_ROLES) {
    const message = await context.session({ info: { roles: [role] } }).refusal();
    expectValue(message, A_STRING, `message for role '${role}'`);
  }
  const base = context.unique('r');
  const roles = [base, `${base}/b`, `${base}/b/c.d`, `${base}-x_y`];
  const scheduler = await context.scheduler({ info: { roles } });
  const shown = listAt(await context.framework(scheduler.id), 'framework_info.roles');
  expectValue(shown.length, roles.length, 'number of roles');
}

async function requiredMembers(context: Context): Promise<void> {
  for (const field of ['user', 'name']) {
    const stream = await context.session({ info: { [field]: undefined } }).connect();
    await stream.inbox.untilEnd();
    const { status, text } = stream;
    expectThat({ status, text }, { status: 400, text: new RegExp(field) }, `no ${field}`);
  }
}

async function suppressedRoles(context: Context): Promise<void> {
  const foreign = context.session({ subscribe: { suppressed_roles: ['another-role'] } });
  expectValue(await foreign.refusal(), /another-role/, 'message');
  const role = context.unique('role');
  const scheduler = await context.scheduler({
    info: { roles: [role] },
    subscribe: { suppressed_roles: [role] },
  });
  await scheduler.none('OFFERS', 3000, 'an offer for a suppressed role');
  await scheduler.revive([role]);
  await scheduler.offer();
}

async function updateFramework(context: Context): Promise<void> {
  const scheduler = await context.scheduler({ info: { failover_timeout: 30 } });
  const changes: Message = {
    name: context.unique('renamed'),
    hostname: 'new.example',
    webui_url: 'http://new.example/ui',
    failover_timeout: 45.5,
    labels: { labels: [{ key: 'k', value: 'v' }] },
  };
  const roles = [scheduler.role, context.unique('role')].toSorted();
  const capabilities = ['MULTI_ROLE', 'PARTITION_AWARE'];
  const framework_info = {
    ...scheduler.info,
    ...changes,
    roles,
    capabilities: capabilities.map((type) => ({ type })),
  };
  await scheduler.call('UPDATE_FRAMEWORK', { update_framework: { framework_info } }, 200);
  const info = get(await context.framework(scheduler.id), 'framework_info');
  expectThat(info, changes, 'FrameworkInfo');
  expectValue(listAt(info, 'roles').map(String).toSorted(), roles, 'roles');
  const shown = listAt(info, 'capabilities').map((one) => textAt(one, 'type'));
  expectValue(shown.toSorted(), capabilities, 'capabilities');
}

async function fixedMembers(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const changes = { user: 'somebody-else', checkpoint: true, principal: 'new-principal' };
  for (const [field, value] of Object.entries(changes)) {
    const framework_info = { ...scheduler.info, [field]: value };
    const answer = await scheduler.send({
      type: 'UPDATE_FRAMEWORK',
      framework_id: scheduler.frameworkId,
      update_framework: { framework_info },
    });
    expectThat(answer, { status: 400, text: new RegExp(field) }, field);
  }
}

async function resubscribed(context: Context): Promise<void> {
  const one = await context.scheduler({ info: { failover_timeout: 60 } });
  const changes = {
    name: context.unique('renamed'),
    webui_url: 'http://x.example',
    failover_timeout: 90,
  };
  const ignored = { user: 'somebody-else', checkpoint: true };
  const two = await context.scheduler({ info: { ...one.info, ...changes, ...ignored } });
  const kept = { user: one.info['user'], checkpoint: false };
  const info = get(await context.framework(two.id), 'framework_info');
  expectThat(info, { ...changes, ...kept }, 'FrameworkInfo');
}

async function emptyId(context: Context): Promise<void> {
  const scheduler = context.session({ info: { id: { value: '' } } });
  await scheduler.subscribe();
  expectValue(scheduler.id, /./, 'the id that was given');
}

export const cases = casesOf('subscribe', [
  ['SU-01', 'P0', 'a chunked stream with an id, and SUBSCRIBED first', firstRecords],
  ['SU-02', 'P0', 'a HEARTBEAT at once, then one in each interval', heartbeats],
  ['SU-03', 'P0', 'framework ids are the master id and a rising number', frameworkIds],
  ['SU-04', 'P0', 'a second SUBSCRIBE takes over: the first stream gets ERROR and ends', takeOver],
  ['SU-05', 'P0', 'a framework may come back within its failover_timeout', comeBack],
  ['SU-07', 'P0', 'the id of a framework that was torn down is refused', tornDown],
  ['SU-08', 'P0', 'roles need MULTI_ROLE, role its absence', roleAndRoles],
  ['SU-10', 'P1', 'a role may be listed once', roleTwice],
  ['SU-11', 'P1', 'malformed roles are refused, paths are not', roleNames],
  ['SU-12', 'P0', 'FrameworkInfo needs user and name', requiredMembers],
  ['SU-13', 'P1', 'suppressed roles get no offers until they are revived', suppressedRoles],
  ['SU-16', 'P1', 'UPDATE_FRAMEWORK changes what may change', updateFramework],
  ['SU-17', 'P1', 'UPDATE_FRAMEWORK leaves user, checkpoint and principal', fixedMembers],
  ['SU-20', 'P1', 'subscribing again changes all but user and checkpoint', resubscribed],
  ['SU-24', 'P1', 'an empty framework id asks for a new one', emptyId],
]);
