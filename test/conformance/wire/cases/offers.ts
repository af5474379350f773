/** Offers: what they hold, declining and filters, suppression, invalid use, release and sharing. */
import { casesOf } from '../lib/case.js';
import {
  ABSENT,
  A_STRING,
  PRESENT,
  between,
  expectThat,
  expectValue,
  fail,
  findIn,
  get,
  listAt,
  near,
  not,
  oneOf,
  numberAt,
  textAt,
} from '../lib/check.js';
import type { Context } from '../lib/context.js';
import { commandTask, idOf, offered, totalOf, amountsOf } from '../lib/messages.js';

/** Within this time a resource that nothing holds back is offered. */
const SOON_MS = 8000;
const AWARE = { capabilities: ['MULTI_ROLE', 'PARTITION_AWARE'] };

const ROLE = 'allocation_info.role';

async function content(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const info = get(context.target.agentInfo, 'agent_info');
  expectThat(
    await scheduler.offer(),
    {
      framework_id: scheduler.frameworkId,
      agent_id: { value: context.agentId },
      hostname: get(info, 'hostname'),
      'url.scheme': 'http',
      'url.path': '/slave(1)',
      'url.address.port': get(info, 'port'),
      'url.address.ip': A_STRING,
      allocation_info: { role: scheduler.role },
      attributes: get(info, 'attributes'),
      executor_ids: ABSENT,
    },
    'the offer',
  );
}

async function boundResources(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const offer = await scheduler.offer({ cpus: 0.1, mem: 32 });
  for (const resource of listAt(offer, 'resources')) {
    const name = textAt(resource, 'name');
    expectThat(
      resource,
      {
        type: oneOf('SCALAR', 'RANGES', 'SET'),
        [textAt(resource, 'type').toLowerCase()]: PRESENT,
        allocation_info: { role: scheduler.role },
      },
      name,
    );
  }
  const total = listAt(context.target.agentInfo, 'total_resources');
  for (const name of ['cpus', 'mem', 'disk']) {
    expectValue(offered(offer, name), between(0.0001, totalOf(total, name) + 1e-6), name);
  }
  const ports = findIn(listAt(offer, 'resources'), 'name', 'ports');
  expectValue(get(ports, 'ranges.range.0'), PRESENT, 'a range of ports');
  for (const range of listAt(ports, 'ranges.range')) {
    expectValue(numberAt(range, 'end'), between(numberAt(range, 'begin'), 65_535), 'end of ports');
  }
}

async function offerIds(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const prefix = `${textAt(scheduler.subscribed, 'master_info.id')}-O`;
  let last = -1;
  for (let i = 0; i < 3; i++) {
    const offer = await scheduler.offer();
    const [before, number] = textAt(offer, 'id.value').split(prefix);
    expectThat({ before, number }, { before: '', number: /^[0-9]+$/ }, 'parts of the offer id');
    if (Number(number) <= last) fail('the number of the offer id', `above ${last}`, number);
    last = Number(number);
    await scheduler.decline(offer, 0);
  }
}

async function defaultFilter(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  await scheduler.decline(await scheduler.offer());
  await scheduler.none('OFFERS', 3000, 'an offer within five seconds');
  await scheduler.offer({}, { timeoutMs: 9000 });
}

async function noFilter(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const one = await scheduler.offer();
  await scheduler.decline(one, 0);
  const two = await scheduler.offer({}, { timeoutMs: SOON_MS });
  expectValue(get(two, 'id'), not(get(one, 'id')), 'offer id');
  expectValue(offered(two, 'cpus'), near(offered(one, 'cpus')), 'cpus');
}

async function longFilter(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  await scheduler.decline(await scheduler.offer(), 3600);
  await scheduler.none('OFFERS', 4000, 'an offer that was refused for an hour');
  await scheduler.revive();
  await scheduler.offer({}, { timeoutMs: SOON_MS });
}

async function suppress(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const offer = await scheduler.offer();
  await scheduler.suppress();
  await scheduler.decline(offer, 0);
  await scheduler.none('OFFERS', 3500, 'an offer while suppressed');
  await scheduler.revive();
  await scheduler.offer({}, { timeoutMs: SOON_MS });
}

async function suppressOneRole(context: Context): Promise<void> {
  const [one, two] = [context.unique('role'), context.unique('role')];
  const scheduler = await context.scheduler({ info: { roles: [one, two] } });
  const first = await scheduler.offer();
  await scheduler.suppress([one]);
  await scheduler.decline(first, 0);
  for (let i = 0; i < 2; i++) {
    const where = (offer: unknown): boolean => get(offer, ROLE) === two;
    await scheduler.decline(await scheduler.offer({}, { timeoutMs: SOON_MS, where }), 0);
  }
  await scheduler.suppress([two]);
  await context.sleep(1500);
  const late = scheduler.stream.inbox.takeAll((event) => get(event, 'type') === 'OFFERS');
  for (const event of late) await scheduler.decline(listAt(event, 'offers.offers'), 0);
  await scheduler.none('OFFERS', 2500, 'an offer while both roles are suppressed');
  await scheduler.revive([one]);
  const offer = await scheduler.offer({}, { timeoutMs: SOON_MS });
  expectValue(get(offer, ROLE), one, 'role of the offer');
}

async function whatIsLeft(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const one = await scheduler.offer({ cpus: 2, mem: 256 });
  const task = commandTask(context.unique('task'), one, 'sleep 60', {
    resources: amountsOf({ cpus: 1, mem: 128 }),
  });
  await scheduler.launch(one, task, 0);
  await scheduler.until(idOf(task), 'TASK_RUNNING');
  const two = await scheduler.offer({}, { timeoutMs: SOON_MS });
  expectValue(offered(two, 'cpus'), near(offered(one, 'cpus') - 1), 'cpus');
  expectValue(offered(two, 'mem'), near(offered(one, 'mem') - 128), 'mem');
}

async function unknownOffer(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const offer = await scheduler.offer();
  const task = commandTask(context.unique('task'), offer, 'true');
  await scheduler.launch({ id: { value: 'no-such-offer' } }, task);
  expectThat(
    await scheduler.status(idOf(task)),
    {
      state: 'TASK_LOST',
      reason: 'REASON_INVALID_OFFERS',
      source: 'SOURCE_MASTER',
      uuid: ABSENT,
      message: A_STRING,
    },
    'the status',
  );
}

async function offerTwice(context: Context): Promise<void> {
  const scheduler = await context.scheduler(AWARE);
  const offer = await scheduler.offer();
  const one = commandTask(context.unique('task'), offer, 'sleep 60');
  const two = commandTask(context.unique('task'), offer, 'sleep 60');
  await scheduler.launch(offer, one);
  await scheduler.launch(offer, two);
  expectThat(
    await scheduler.status(idOf(two)),
    { state: 'TASK_DROPPED', reason: 'REASON_INVALID_OFFERS' },
    'the second task',
  );
  await scheduler.until(idOf(one), 'TASK_RUNNING');
}

async function oddDeclines(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const offer = await scheduler.offer();
  await scheduler.decline({ id: { value: 'nope' } });
  await scheduler.decline([offer, offer], 0);
  await scheduler.decline([], 1);
  await scheduler.offer({}, { timeoutMs: SOON_MS });
  expectValue(scheduler.stream.inbox.isEnded, false, 'whether the stream ended');
}

async function released(context: Context): Promise<void> {
  const one = await context.scheduler({ info: { failover_timeout: 60 } });
  const offer = await one.offer();
  const two = await context.scheduler();
  one.disconnect();
  const other = await two.offer({}, { timeoutMs: SOON_MS });
  expectValue(offered(other, 'cpus'), near(offered(offer, 'cpus')), 'cpus');
}

async function fairness(context: Context): Promise<void> {
  const one = await context.scheduler();
  const offer = await one.offer({ cpus: 2, mem: 256 });
  const two = await context.scheduler();
  const task = commandTask(context.unique('task'), offer, 'sleep 60', {
    resources: amountsOf({ cpus: 1, mem: 128 }),
  });
  await one.launch(offer, task, 0);
  const rest = await two.offer({}, { timeoutMs: SOON_MS });
  expectValue(offered(rest, 'cpus'), near(offered(offer, 'cpus') - 1), 'cpus for the one without');
  const early = one.stream.inbox.takeAll((event) => get(event, 'type') === 'OFFERS');
  expectValue(early, [], 'offers for the one that uses something');
  await two.decline(rest, 600);
  await one.offer({}, { timeoutMs: SOON_MS });
}

async function oncePerRole(context: Context): Promise<void> {
  const roles = [context.unique('role'), context.unique('role')];
  const scheduler = await context.scheduler({ info: { roles } });
  for (let i = 0; i < 3; i++) {
    const event = await scheduler.next('OFFERS');
    const offers = listAt(event, 'offers.offers');
    for (const offer of offers) {
      const role = get(offer, ROLE);
      expectValue(role, oneOf(...roles), 'role');
      const others = listAt(offer, 'resources').filter((one) => get(one, ROLE) !== role);
      expectValue(others, [], 'resources of another role');
    }
    const keys = offers.map((one) => `${textAt(one, 'agent_id.value')} ${textAt(one, ROLE)}`);
    expectValue(new Set(keys).size, keys.length, 'agents and roles of one event');
    await scheduler.decline(offers, 0);
  }
}

async function rescinded(context: Context): Promise<void> {
  const scheduler = await context.scheduler();
  const offer = await scheduler.offer();
  const role = context.unique('role');
  const [part] = amountsOf({ mem: 64 });
  const resources = [{ ...part, reservations: [{ type: 'DYNAMIC', role }] }];
  const request = { agent_id: get(offer, 'agent_id'), resources };
  context.releaseLater(role);
  await context.operator.call('RESERVE_RESOURCES', { reserve_resources: request }, 202);
  const event = await scheduler.next('RESCIND');
  expectThat(event, { 'rescind.offer_id': get(offer, 'id') }, 'RESCIND');
  const task = commandTask(context.unique('task'), offer, 'true');
  await scheduler.launch(offer, task);
  const status = await scheduler.status(idOf(task));
  expectThat(status, { reason: 'REASON_INVALID_OFFERS' }, 'use of the offer');
}

async function constraints(context: Context): Promise<void> {
  const role = context.unique('role');
  const whereAttribute = (name: string, predicate: object): object => ({
    role_constraints: {
      [name]: {
        groups: [
          {
            attribute_constraints: [
              { selector: { attribute_name: 'no_such_attribute' }, predicate },
            ],
          },
        ],
      },
    },
  });
  const scheduler = await context.scheduler({
    info: { roles: [role] },
    subscribe: { offer_constraints: whereAttribute(role, { exists: {} }) },
  });
  await scheduler.none('OFFERS', 3000, 'an offer of an agent without the attribute');
  const offer_constraints = whereAttribute(role, { not_exists: {} });
  const update_framework = { framework_info: scheduler.info, offer_constraints };
  await scheduler.call('UPDATE_FRAMEWORK', { update_framework }, 200);
  await scheduler.offer({}, { timeoutMs: SOON_MS });
  const foreign = context.session({
    info: { roles: [role] },
    subscribe: { offer_constraints: whereAttribute('other', { exists: {} }) },
  });
  expectValue(await foreign.refusal(), A_STRING, 'message for constraints of another role');
}

export const cases = casesOf('offers', [
  ['OF-01', 'P0', 'an offer names framework, agent, host, url, role and attributes', content],
  ['OF-02', 'P0', 'offered resources have a type and the role, and fit the agent', boundResources],
  ['OF-03', 'P0', 'offer ids are the master id, -O and a rising number', offerIds],
  ['OF-04', 'P0', 'DECLINE without filters holds for five seconds', defaultFilter],
  ['OF-05', 'P0', 'refuse_seconds 0 brings the resources back soon', noFilter],
  ['OF-06', 'P0', 'a long refusal holds until REVIVE', longFilter],
  ['OF-07', 'P0', 'SUPPRESS stops offers and REVIVE starts them', suppress],
  ['OF-08', 'P1', 'SUPPRESS and REVIVE of one role leave the other', suppressOneRole],
  ['OF-09', 'P0', 'what a task does not use is offered again', whatIsLeft],
  ['OF-12', 'P0', 'a launch on an unknown offer is TASK_LOST, without uuid', unknownOffer],
  ['OF-14', 'P0', 'an offer serves once, and the first use stays', offerTwice],
  ['OF-15', 'P1', 'declining unknown and repeated offers does no harm', oddDeclines],
  ['OF-17', 'P0', 'the end of a stream frees its offers for others', released],
  ['OF-19', 'P1', 'who uses less is offered first', fairness],
  ['OF-20', 'P1', 'an OFFERS event has an agent once for each role', oncePerRole],
  ['OF-22', 'P1', 'a reservation by the operator rescinds offers', rescinded],
  ['OF-23', 'P1', 'offer constraints keep away agents that do not fit', constraints],
]);
