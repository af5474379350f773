import { expect } from 'chai';
import type {
  CallAnswer,
  InverseOffer,
  MachineID,
  MaintenanceClusterStatus,
  MaintenanceWindow,
  MasterCall,
} from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import {
  AGENT_INFO,
  FRAMEWORK_INFO,
  FakeConnection,
  Harness,
  OLD_FRAMEWORK_INFO,
  type Scheduler,
  reported,
  running,
  task,
} from './harness.js';

const START = { nanoseconds: 1_900_000_000_000_000_000n };
const HOST: MachineID = { hostname: 'HOST-1' };

function window(
  machines: readonly MachineID[],
  unavailability: MaintenanceWindow['unavailability'] = { start: START },
): MaintenanceWindow {
  return { machine_ids: machines, unavailability };
}

async function call(harness: Harness, asked: MasterCall): Promise<CallAnswer> {
  const answer = harness.master.operatorCall(asked);
  await harness.world.settle();
  const settled = await answer;
  if (!('status' in settled)) throw new Error('not a status');
  return settled;
}

function schedule(harness: Harness, ...windows: MaintenanceWindow[]): Promise<CallAnswer> {
  return call(harness, {
    type: 'UPDATE_MAINTENANCE_SCHEDULE',
    update_maintenance_schedule: { schedule: { windows } },
  });
}

function start(harness: Harness, ...machines: MachineID[]): Promise<CallAnswer> {
  return call(harness, { type: 'START_MAINTENANCE', start_maintenance: { machines } });
}

function stop(harness: Harness, ...machines: MachineID[]): Promise<CallAnswer> {
  return call(harness, { type: 'STOP_MAINTENANCE', stop_maintenance: { machines } });
}

function windowsOf(harness: Harness): readonly MaintenanceWindow[] {
  const answer = harness.master.operatorCall({ type: 'GET_MAINTENANCE_SCHEDULE' });
  if (answer instanceof Promise || 'status' in answer) throw new Error('no schedule');
  return answer.get_maintenance_schedule?.schedule.windows ?? [];
}

function statusOf(harness: Harness): MaintenanceClusterStatus {
  const answer = harness.master.operatorCall({ type: 'GET_MAINTENANCE_STATUS' });
  if (answer instanceof Promise || 'status' in answer) throw new Error('no status');
  return answer.get_maintenance_status?.status ?? {};
}

function inverseOffers({ stream }: Scheduler): readonly InverseOffer[] {
  return stream.of('INVERSE_OFFERS').flatMap((event) => event.inverse_offers?.inverse_offers ?? []);
}

function answerInverse(
  scheduler: Scheduler,
  answer: 'ACCEPT' | 'DECLINE',
  offers: readonly InverseOffer[],
  refuse_seconds?: number,
): void {
  const given = {
    inverse_offer_ids: offers.map(({ id }) => id),
    ...(refuse_seconds !== undefined && { filters: { refuse_seconds } }),
  };
  scheduler.call(
    answer === 'ACCEPT'
      ? { type: 'ACCEPT_INVERSE_OFFERS', accept_inverse_offers: given }
      : { type: 'DECLINE_INVERSE_OFFERS', decline_inverse_offers: given },
  );
}

describe('Master: maintenance schedule', () => {
  it('is empty at first', async () => {
    const harness = await Harness.started();
    expect(harness.master.operatorCall({ type: 'GET_MAINTENANCE_SCHEDULE' })).to.deep.equal({
      type: 'GET_MAINTENANCE_SCHEDULE',
      get_maintenance_schedule: { schedule: {} },
    });
    expect(statusOf(harness)).to.deep.equal({
      draining_machines: undefined,
      down_machines: undefined,
    });
  });

  it('is kept as it was given, with its machines draining, also by the next master', async () => {
    const first = await Harness.started();
    const windows = [
      window([{ hostname: 'Far.example' }, { ip: '203.0.113.7' }]),
      window([{ hostname: 'b', ip: '10.0.0.1' }], {
        start: { nanoseconds: 9_223_372_036_854_775_807n },
        duration: { nanoseconds: 0n },
      }),
    ];
    expect(await schedule(first, ...windows)).to.deep.equal({ status: 200 });
    const check = (harness: Harness): void => {
      expect(windowsOf(harness)).to.deep.equal(windows);
      expect(statusOf(harness).draining_machines?.map(({ id }) => id)).to.deep.equal(
        windows.flatMap(({ machine_ids }) => machine_ids ?? []),
      );
    };
    check(first);
    check(await first.restarted());
  });

  it('is replaced as a whole, also in the registry', async () => {
    const harness = await Harness.started();
    const hosts = ['a', 'b', 'c'].map((hostname) => ({ hostname }));
    await schedule(harness, ...hosts.map((host) => window([host])));
    await schedule(harness, window([{ hostname: 'c' }]));
    expect(windowsOf(await harness.restarted())).to.deep.equal([window([{ hostname: 'c' }])]);
    const next = await harness.restarted();
    expect(statusOf(next).draining_machines).to.deep.equal([{ id: { hostname: 'c' } }]);
    await schedule(next);
    expect(windowsOf(await next.restarted())).to.deep.equal([]);
  });

  it('is answered only when it is durable', async () => {
    const harness = await Harness.started();
    harness.store.failNextWrites(1);
    let isAnswered = false;
    const answer = harness.master.operatorCall({
      type: 'UPDATE_MAINTENANCE_SCHEDULE',
      update_maintenance_schedule: { schedule: { windows: [window([HOST])] } },
    });
    void Promise.resolve(answer).then(() => (isAnswered = true));
    await harness.world.settle();
    expect(isAnswered).to.equal(false);
    expect(harness.fatal).to.have.length(1);
    expect(windowsOf(await Harness.started({ medium: harness.medium }))).to.deep.equal([]);
  });

  const many = Array.from({ length: 10_001 }, (_, index) => ({ hostname: `h${index}` }));
  for (const [what, windows, message] of [
    ['an empty window', [window([])], /'schedule\.windows\[0\]\.machine_ids' is empty/],
    ['a machine without a name', [window([HOST, {}])], /machine_ids\[1\]'.*'hostname'.*'ip'/],
    ['empty names', [window([{ hostname: '', ip: '' }])], /neither 'hostname' nor 'ip'/],
    ['a bad address', [window([{ ip: '10.0.0.256' }])], /\[0\]\.ip'.*10\.0\.0\.256/],
    ['an address of another form', [window([{ ip: '1.2.3.4.' }])], /not an IPv4 address/],
    ['IPv6', [window([{ ip: '::1' }])], /not an IPv4 address/],
    ['a host name with blanks', [window([{ hostname: 'a b' }])], /\[0\]\.hostname'/],
    ['a long host name', [window([{ hostname: 'a'.repeat(254) }])], /\[0\]\.hostname'/],
    [
      'the same machine twice',
      [window([HOST]), window([{ hostname: 'host-1' }])],
      /more than once/,
    ],
    [
      'a negative duration',
      [
        window([HOST]),
        window([{ ip: '1.2.3.4' }], { start: START, duration: { nanoseconds: -1n } }),
      ],
      /windows\[1\]\.unavailability\.duration' is negative/,
    ],
    ['too many machines', [window(many)], /names 10001 machines/],
  ] as const) {
    it(`refuses ${what}, names the field, and changes nothing`, async () => {
      const harness = await Harness.started();
      const former = [window([{ hostname: 'kept' }])];
      await schedule(harness, ...former);
      const answer = await schedule(harness, ...windows);
      expect(answer.status).to.equal(400);
      expect(answer.message).to.match(message);
      expect(windowsOf(harness)).to.deep.equal(former);
      expect(windowsOf(await harness.restarted())).to.deep.equal(former);
    });
  }

  it('refuses a window that the registry could not hold', async () => {
    const harness = await Harness.started();
    const huge = Array.from({ length: 4_000 }, (_, index) => ({
      hostname: `${index}${'"'.repeat(240)}`,
    }));
    const answer = await schedule(harness, window([HOST]), window(huge));
    expect(answer.message).to.match(/'schedule\.windows\[1\]' is too large/);
    expect(harness.fatal).to.deep.equal([]);
  });

  it('treats host name with and without address as two machines', async () => {
    const harness = await Harness.started();
    const machines = [{ hostname: 'a' }, { hostname: 'a', ip: '1.2.3.4' }];
    expect(await schedule(harness, window(machines))).to.deep.equal({ status: 200 });
  });
});

describe('Master: machines that drain', () => {
  it('offers carry the window, and outstanding ones are taken back when it changes', async () => {
    const harness = await Harness.started();
    await harness.register();
    const scheduler = await harness.subscribe();
    const before = await scheduler.offer();
    expect(before.unavailability).to.equal(undefined);
    const unavailability = { start: START, duration: { nanoseconds: 120_000_000_000n } };
    await schedule(harness, window([HOST], unavailability));
    expect(scheduler.stream.of('RESCIND')[0]?.rescind?.offer_id).to.deep.equal(before.id);
    await harness.world.advance(1000);
    const after = await scheduler.offer();
    expect(after.id).to.not.deep.equal(before.id);
    expect(after.unavailability).to.deep.equal(unavailability);
    // The same again is no change.
    await schedule(harness, window([HOST], unavailability));
    expect(scheduler.stream.of('RESCIND')).to.have.length(1);
    await schedule(harness);
    expect(scheduler.stream.of('RESCIND')).to.have.length(2);
    await harness.world.advance(1000);
    expect((await scheduler.offer()).unavailability).to.equal(undefined);
  });

  for (const [what, machine, isMeant] of [
    ['the host name in another case', { hostname: 'HoSt-1' }, true],
    ['the address', { ip: '10.0.0.7' }, true],
    ['both', { hostname: 'host-1', ip: '10.0.0.7' }, true],
    ['the host name and another address', { hostname: 'host-1', ip: '10.0.0.8' }, false],
    ['another host name', { hostname: 'host-10' }, false],
    ['the address as a host name', { hostname: '10.0.0.7' }, false],
  ] as const) {
    it(`${isMeant ? 'means' : 'does not mean'} an agent by ${what}`, async () => {
      const harness = await Harness.started();
      await schedule(harness, window([machine]));
      await harness.register();
      const scheduler = await harness.subscribe();
      const { unavailability } = await scheduler.offer();
      expect(unavailability).to.deep.equal(isMeant ? { start: START } : undefined);
    });
  }

  it('means an agent whose connection is of both versions of IP', async () => {
    const harness = await Harness.started();
    await schedule(harness, window([{ ip: '10.0.0.7' }]));
    await harness.register(AGENT_INFO, new FakeConnection('[::ffff:10.0.0.7]:40001'));
    const scheduler = await harness.subscribe();
    expect((await scheduler.offer()).unavailability).to.deep.equal({ start: START });
  });

  it('takes the earliest of several windows that mean an agent', async () => {
    const harness = await Harness.started();
    const sooner = { start: { nanoseconds: START.nanoseconds - 1n } };
    await schedule(harness, window([HOST]), window([{ ip: '10.0.0.7' }], sooner));
    await harness.register();
    const scheduler = await harness.subscribe();
    expect((await scheduler.offer()).unavailability).to.deep.equal(sooner);
  });

  it('follows an agent that comes back from another address', async () => {
    const { harness, scheduler, agent } = await running();
    await schedule(harness, window([{ ip: '10.0.0.99' }]));
    harness.master.agentDisconnected(agent);
    const connection = new FakeConnection('10.0.0.99:40002');
    await harness.reregister(agent.agentId, {
      connection,
      tasks: [reported(scheduler, agent.agentId)],
    });
    await harness.world.advance(1000);
    expect(inverseOffers(scheduler)).to.have.length(1);
  });
});

describe('Master: inverse offers', () => {
  /** A framework with a task on a machine that is scheduled, and the inverse offer that it got. */
  async function asked(config = {}) {
    const all = await running({ config });
    await schedule(all.harness, window([HOST]));
    await all.harness.world.advance(1000);
    return { ...all, inverse: at(inverseOffers(all.scheduler), 0) };
  }

  it('ask who holds something, once, with ids of the counter of offers', async () => {
    const { harness, scheduler, agent, inverse, offer } = await asked();
    expect(inverse).to.deep.include({
      framework_id: { value: scheduler.id },
      agent_id: { value: agent.agentId },
      unavailability: { start: START },
      url: offer.url,
    });
    expect(inverse.resources ?? []).to.deep.equal([]);
    const numberOf = (value: string): number => Number(/-O(\d+)$/.exec(value)?.[1]);
    expect(numberOf(inverse.id.value)).to.be.greaterThan(numberOf(offer.id.value));
    await harness.live(10_000, [agent]);
    expect(inverseOffers(scheduler)).to.have.length(1);
    const bystander = await harness.subscribe({ ...FRAMEWORK_INFO, name: 'other', roles: ['b'] });
    await harness.live(5000, [agent]);
    expect(inverseOffers(bystander).length).to.be.lessThan(2);
    const answer = harness.master.operatorCall({ type: 'GET_FRAMEWORKS' });
    if (answer instanceof Promise || 'status' in answer) throw new Error('no frameworks');
    const shown = answer.get_frameworks?.frameworks?.[0]?.inverse_offers;
    expect(shown).to.deep.equal([inverse]);
  });

  for (const answer of ['ACCEPT', 'DECLINE'] as const) {
    it(`show ${answer} in the status, and are made again after the filter`, async () => {
      const { harness, scheduler, agent, inverse } = await asked();
      answerInverse(scheduler, answer, [inverse], 10);
      const [machine] = statusOf(harness).draining_machines ?? [];
      expect(machine?.id).to.deep.equal(HOST);
      const [status] = machine?.statuses ?? [];
      expect(status).to.deep.include({ status: answer, framework_id: { value: scheduler.id } });
      const nowMs = BigInt(harness.world.clock.now());
      expect(status?.timestamp.nanoseconds).to.equal(nowMs * 1_000_000n);
      await harness.live(9000, [agent]);
      expect(inverseOffers(scheduler)).to.have.length(1);
      await harness.live(3000, [agent]);
      expect(inverseOffers(scheduler)).to.have.length(2);
      // What was answered stays until there is another answer.
      expect(statusOf(harness).draining_machines?.[0]?.statuses).to.have.length(1);
    });
  }

  it('are made again by the next run when the filter is 0, and after 5 s without one', async () => {
    const { harness, scheduler, agent, inverse } = await asked();
    answerInverse(scheduler, 'DECLINE', [inverse], 0);
    await harness.world.advance(1000);
    expect(inverseOffers(scheduler)).to.have.length(2);
    answerInverse(scheduler, 'DECLINE', [at(inverseOffers(scheduler), 1)]);
    await harness.live(4000, [agent]);
    expect(inverseOffers(scheduler)).to.have.length(2);
    await harness.live(3000, [agent]);
    expect(inverseOffers(scheduler)).to.have.length(3);
  });

  it('ignore answers with unknown ids, ids of others, and the second answer', async () => {
    const { harness, scheduler, inverse } = await asked();
    const other = await harness.subscribe({ ...FRAMEWORK_INFO, name: 'other' });
    answerInverse(other, 'ACCEPT', [inverse]);
    answerInverse(scheduler, 'ACCEPT', [{ ...inverse, id: { value: 'nothing' } }]);
    expect(statusOf(harness).draining_machines).to.deep.equal([{ id: HOST }]);
    answerInverse(scheduler, 'ACCEPT', [{ ...inverse, id: { value: 'nothing' } }, inverse], 100);
    answerInverse(scheduler, 'DECLINE', [inverse], 100);
    const statuses = statusOf(harness).draining_machines?.[0]?.statuses;
    expect(statuses?.map(({ status }) => status)).to.deep.equal(['ACCEPT']);
    expect(harness.fatal).to.deep.equal([]);
  });

  it('are taken back when the window changes, and made anew; answers count no more', async () => {
    const { harness, scheduler, inverse } = await asked();
    answerInverse(scheduler, 'ACCEPT', [inverse], 0);
    await harness.world.advance(1000);
    const second = at(inverseOffers(scheduler), 1);
    const later = { start: { nanoseconds: START.nanoseconds + 1n } };
    await schedule(harness, window([HOST], later));
    const rescinded = scheduler.stream.of('RESCIND_INVERSE_OFFER');
    expect(rescinded.map((event) => event.rescind_inverse_offer?.inverse_offer_id)).to.deep.equal([
      second.id,
    ]);
    expect(statusOf(harness).draining_machines).to.deep.equal([{ id: HOST }]);
    await harness.world.advance(1000);
    expect(at(inverseOffers(scheduler), 2).unavailability).to.deep.equal(later);
    await schedule(harness);
    expect(scheduler.stream.of('RESCIND_INVERSE_OFFER')).to.have.length(2);
    await harness.world.advance(3000);
    expect(inverseOffers(scheduler)).to.have.length(3);
  });

  it('time out like offers, and are made again', async () => {
    const { harness, scheduler, agent, inverse } = await asked({ offerTimeoutMs: 20_000 });
    await harness.live(22_000, [agent]);
    expect(
      scheduler.stream.of('RESCIND_INVERSE_OFFER')[0]?.rescind_inverse_offer?.inverse_offer_id,
    ).to.deep.equal(inverse.id);
    expect(inverseOffers(scheduler)).to.have.length(2);
  });

  it('are taken back when the agent disconnects, and made again when it is back', async () => {
    const { harness, scheduler, agent } = await asked();
    harness.master.agentDisconnected(agent);
    expect(scheduler.stream.of('RESCIND_INVERSE_OFFER')).to.have.length(1);
    await harness.world.advance(3000);
    expect(inverseOffers(scheduler)).to.have.length(1);
    await harness.reregister(agent.agentId, { tasks: [reported(scheduler, agent.agentId)] });
    await harness.world.advance(1000);
    expect(inverseOffers(scheduler)).to.have.length(2);
  });

  it('end with the stream of the framework, and are made again on the next', async () => {
    const { harness, scheduler } = await asked();
    scheduler.disconnect();
    await harness.world.advance(3000);
    expect(inverseOffers(scheduler)).to.have.length(1);
    const info = { ...FRAMEWORK_INFO, id: { value: scheduler.id } };
    const again = await harness.subscribe(info);
    await harness.world.advance(1000);
    expect(inverseOffers(again)).to.have.length(1);
    // And when another scheduler takes over while this one is connected.
    const other = await harness.subscribe(info);
    await harness.world.advance(1000);
    expect(inverseOffers(other)).to.have.length(1);
    expect(other.stream.of('RESCIND_INVERSE_OFFER')).to.deep.equal([]);
    other.call({ type: 'TEARDOWN' });
    await harness.world.advance(3000);
    expect(statusOf(harness).draining_machines).to.deep.equal([{ id: HOST }]);
    expect(harness.fatal).to.deep.equal([]);
  });

  it('are forgotten by the next master, which asks anew', async () => {
    const { harness, scheduler, agent, inverse } = await asked();
    answerInverse(scheduler, 'ACCEPT', [inverse], 3600);
    const next = await harness.restarted();
    await next.reregister(agent.agentId, {
      tasks: [reported(scheduler, agent.agentId)],
      frameworks: [{ ...FRAMEWORK_INFO, id: { value: scheduler.id } }],
    });
    expect(statusOf(next).draining_machines).to.deep.equal([{ id: HOST }]);
    const again = await next.subscribe({ ...FRAMEWORK_INFO, id: { value: scheduler.id } });
    await next.world.advance(1000);
    expect(inverseOffers(again)).to.have.length(1);
  });

  it('do not stop a framework that ignores them', async () => {
    const { harness, scheduler, agent } = await asked();
    scheduler.call({ type: 'REVIVE' });
    await harness.world.advance(1000);
    const offer = await scheduler.offer();
    expect(offer.unavailability).to.deep.equal({ start: START });
    scheduler.launch(offer, task(offer, { task_id: { value: 't2' } }));
    expect(agent.launched.map(({ task_id }) => task_id.value)).to.deep.equal(['t1', 't2']);
  });
});

describe('Master: machines that are down', () => {
  it('go down from draining only, and up from down only', async () => {
    const harness = await Harness.started();
    expect((await start(harness)).message).to.match(/'start_maintenance\.machines' is empty/);
    expect((await stop(harness)).message).to.match(/'stop_maintenance\.machines' is empty/);
    expect((await start(harness, {})).message).to.match(/start_maintenance\.machines\[0\]'/);
    expect((await start(harness, HOST, HOST)).message).to.match(/more than once/);
    expect((await start(harness, HOST)).message).to.match(/HOST-1' is in no maintenance schedule/);
    const other = { hostname: 'other' };
    await schedule(harness, window([HOST, other]));
    expect((await stop(harness, HOST)).message).to.match(/DRAINING and cannot be brought up/);
    expect(await start(harness, { hostname: 'host-1' })).to.deep.equal({ status: 200 });
    expect(statusOf(harness)).to.deep.equal({
      draining_machines: [{ id: other }],
      down_machines: [HOST],
    });
    // All or nothing.
    expect(await start(harness, other, HOST)).to.deep.include({ status: 400 });
    expect(statusOf(harness).down_machines).to.deep.equal([HOST]);
    expect((await schedule(harness, window([other]))).message).to.match(/HOST-1' is down/);
    expect(await schedule(harness, window([other]), window([HOST]))).to.deep.equal({ status: 200 });
    expect(statusOf(harness).down_machines).to.deep.equal([HOST]);
    const next = await harness.restarted();
    expect(statusOf(next).down_machines).to.deep.equal([HOST]);
    expect(await stop(next, HOST)).to.deep.equal({ status: 200 });
    expect(windowsOf(next)).to.deep.equal([window([other])]);
    expect(windowsOf(await next.restarted())).to.deep.equal([window([other])]);
  });

  for (const [what, info, state] of [
    ['TASK_GONE', FRAMEWORK_INFO, 'TASK_GONE'],
    ['TASK_LOST, where a framework knows no other', OLD_FRAMEWORK_INFO, 'TASK_LOST'],
  ] as const) {
    it(`shut their agents down, and tasks are ${what}`, async () => {
      const { harness, scheduler, agent } = await running({ info });
      await schedule(harness, window([HOST]));
      await harness.world.advance(1000);
      expect(await start(harness, HOST)).to.deep.equal({ status: 200 });
      expect(at(agent.of('REFUSED'), 0).refused).to.deep.include({ shutdown: true });
      expect(agent.isClosed).to.equal(true);
      const last = at(scheduler.stream.updates, scheduler.stream.updates.length - 1);
      expect(last).to.deep.include({ state, reason: 'REASON_AGENT_REMOVED' });
      const { stream } = scheduler;
      expect(stream.of('RESCIND_INVERSE_OFFER')).to.have.length(1);
      expect(stream.of('FAILURE')[0]?.failure?.agent_id?.value).to.equal(agent.agentId);
      expect(harness.master.cluster.agents.size).to.equal(0);
      expect(harness.counter('slave_removals')).to.equal(1);
      const next = await harness.restarted();
      expect(next.master.cluster.recoveredAgents.size).to.equal(0);
    });
  }

  it('refuse their agents until they are up', async () => {
    const { harness, scheduler, agent } = await running();
    await schedule(harness, window([HOST]));
    await start(harness, HOST);
    const { agentId } = agent;
    const checkRefusal = async (master: Harness): Promise<void> => {
      for (const connection of [await master.register(), await master.reregister(agentId)]) {
        const { refused } = at(connection.of('REFUSED'), 0);
        expect(refused?.shutdown).to.equal(true);
        expect(refused?.message).to.match(/machine HOST-1 is down for maintenance/);
        expect(connection.isClosed).to.equal(true);
        expect(connection.of('REGISTERED')).to.deep.equal([]);
      }
      expect(master.master.cluster.agents.size).to.equal(0);
    };
    await checkRefusal(harness);
    const next = await harness.restarted();
    await checkRefusal(next);
    await stop(next, HOST);
    expect((await next.reregister(agentId)).agentId).to.equal(agentId);
    expect((await next.register({ ...AGENT_INFO, port: 5052 })).of('REGISTERED')).to.have.length(1);
    const again = await next.subscribe({ ...FRAMEWORK_INFO, id: { value: scheduler.id } });
    expect((await again.offer()).unavailability).to.equal(undefined);
  });

  it('take all of their agents along, and no other', async () => {
    const harness = await Harness.started();
    const both = [
      await harness.register(),
      await harness.register({ ...AGENT_INFO, port: 5052 }, new FakeConnection('10.0.0.8:1')),
    ];
    const other = await harness.register({ ...AGENT_INFO, hostname: 'host-2', port: 5053 });
    await schedule(harness, window([HOST]));
    await start(harness, HOST);
    for (const connection of both) expect(connection.of('REFUSED')).to.have.length(1);
    expect([...harness.master.cluster.agents.keys()]).to.deep.equal([other.agentId]);
    expect(other.isClosed).to.equal(false);
  });

  it('turn away an agent whose admission was under way', async () => {
    const harness = await Harness.started();
    await schedule(harness, window([HOST]));
    const answer = harness.master.operatorCall({
      type: 'START_MAINTENANCE',
      start_maintenance: { machines: [HOST] },
    });
    const connection = await harness.register();
    expect(await answer).to.deep.equal({ status: 200 });
    expect(at(connection.of('REFUSED'), 0).refused?.shutdown).to.equal(true);
    expect(harness.master.cluster.agents.size).to.equal(0);
    expect((await harness.restarted()).master.cluster.recoveredAgents.size).to.equal(0);
  });

  it('turn away an agent that was admitted before, and is added after the decision', async () => {
    const harness = await Harness.started();
    await schedule(harness, window([HOST]));
    const connection = new FakeConnection();
    harness.master.agentMessage(connection, {
      type: 'REGISTER',
      register: { agent_info: AGENT_INFO, version: '1.11.0' },
    });
    await start(harness, HOST);
    await harness.world.settle();
    expect(connection.of('REGISTERED')).to.have.length(1);
    expect(at(connection.of('REFUSED'), 0).refused?.shutdown).to.equal(true);
    expect(harness.master.cluster.agents.size).to.equal(0);
    expect((await harness.restarted()).master.cluster.recoveredAgents.size).to.equal(0);
  });

  it('leave nothing half done when the write fails', async () => {
    const { harness, scheduler, agent } = await running();
    await schedule(harness, window([HOST]));
    const updates = scheduler.stream.updates.length;
    harness.store.failNextWrites(1);
    void harness.master.operatorCall({
      type: 'START_MAINTENANCE',
      start_maintenance: { machines: [HOST] },
    });
    await harness.world.settle();
    expect(agent.of('REFUSED')).to.deep.equal([]);
    expect(scheduler.stream.updates).to.have.length(updates);
    const next = await Harness.started({ medium: harness.medium, world: harness.world });
    expect(statusOf(next).draining_machines).to.deep.equal([{ id: HOST }]);
    expect([...next.master.cluster.recoveredAgents.keys()]).to.deep.equal([agent.agentId]);
  });

  it('end what a restarted master finds: tasks of an agent that was never told', async () => {
    const { harness, scheduler, agent } = await running();
    await schedule(harness, window([HOST]));
    await start(harness, HOST);
    const next = await harness.restarted();
    const again = await next.subscribe({ ...FRAMEWORK_INFO, id: { value: scheduler.id } });
    const connection = await next.reregister(agent.agentId, {
      tasks: [reported(scheduler, agent.agentId)],
      frameworks: [{ ...FRAMEWORK_INFO, id: { value: scheduler.id } }],
    });
    expect(at(connection.of('REFUSED'), 0).refused?.shutdown).to.equal(true);
    expect(again.stream.updates.map(({ state }) => state)).to.deep.equal(['TASK_GONE']);
    expect(again.reconcile('t1', agent.agentId).map(({ state }) => state)).to.deep.equal([
      'TASK_UNKNOWN',
    ]);
  });

  it('forget an agent of the registry that they turn away', async () => {
    const { harness, scheduler, agent } = await running();
    // By its address: the next master does not know of the agent where it is until it asks.
    const machine = { ip: '10.0.0.7' };
    await schedule(harness, window([machine]));
    const next = await harness.restarted();
    const again = await next.subscribe({ ...FRAMEWORK_INFO, id: { value: scheduler.id } });
    await start(next, machine);
    expect(next.master.cluster.recoveredAgents.size).to.equal(1);
    await next.reregister(agent.agentId, { tasks: [reported(scheduler, agent.agentId)] });
    expect(next.master.cluster.recoveredAgents.size).to.equal(0);
    expect(again.stream.updates.map(({ state }) => state)).to.deep.equal(['TASK_GONE']);
    expect((await next.restarted()).master.cluster.recoveredAgents.size).to.equal(0);
  });

  it('remove a registered agent that moves to them', async () => {
    const { harness, scheduler, agent } = await running();
    const machine = { ip: '10.0.0.99' };
    await schedule(harness, window([machine]));
    await start(harness, machine);
    harness.master.agentDisconnected(agent);
    const connection = new FakeConnection('10.0.0.99:40002');
    await harness.reregister(agent.agentId, {
      connection,
      tasks: [reported(scheduler, agent.agentId)],
    });
    expect(at(connection.of('REFUSED'), 0).refused?.shutdown).to.equal(true);
    expect(harness.master.cluster.agents.size).to.equal(0);
    const last = at(scheduler.stream.updates, scheduler.stream.updates.length - 1);
    expect(last.state).to.equal('TASK_GONE');
  });
});
