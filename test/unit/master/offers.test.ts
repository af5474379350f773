import { expect } from 'chai';
import type { OfferOperation, TaskInfo } from '../../../core/api/index.js';
import {
  AGENT_INFO,
  FRAMEWORK_INFO,
  FakeConnection,
  Harness,
  ROLE,
  amounts,
  scalar,
  task,
} from './harness.js';

const reserved = (cpus: number, mem: number) =>
  amounts(cpus, mem, { reservations: [{ type: 'DYNAMIC', role: ROLE }] });

const launch = (...tasks: TaskInfo[]): OfferOperation => ({
  type: 'LAUNCH',
  launch: { task_infos: tasks },
});

async function refused(kind: string): Promise<{ message: string; rest: number; state: string }> {
  const harness = await Harness.started();
  await harness.register();
  const other = await harness.register(
    { ...AGENT_INFO, hostname: 'host-2' },
    new FakeConnection('10.0.0.8:1'),
  );
  const scheduler = await harness.subscribe({ ...FRAMEWORK_INFO, roles: [ROLE, 'b'] });
  await harness.world.advance(1000);
  const offers = scheduler.stream.offers;
  const [one, two] = offers;
  if (one === undefined || two === undefined) throw new Error('two offers are needed');
  const rival = await harness.subscribe({ ...FRAMEWORK_INFO, roles: ['c'] });
  const given = {
    none: [],
    duplicate: [one, one],
    unknown: [one, { ...one, id: { value: 'nope' } }],
    agents: [one, two],
    foreign: [one],
  }[kind];
  expect(other.isClosed).to.equal(false);
  const caller = kind === 'foreign' ? rival : scheduler;
  caller.stream.clear();
  caller.accept(given ?? [], [
    launch(task(one)),
    { type: 'RESERVE', id: { value: 'op' }, reserve: { resources: reserved(1, 1) } },
  ]);
  const [update] = caller.stream.updates;
  const [status] = caller.stream.of('UPDATE_OPERATION_STATUS');
  expect(update, kind).to.include({ reason: 'REASON_INVALID_OFFERS', source: 'SOURCE_MASTER' });
  expect(update?.uuid, kind).to.equal(undefined);
  expect(update?.agent_id, kind).to.deep.equal(one.agent_id);
  expect(status?.update_operation_status?.status.state).to.equal('OPERATION_ERROR');
  expect(status?.update_operation_status?.status.uuid).to.equal(undefined);
  const rest = harness.master.cluster.offers.size;
  return { message: update?.message ?? '', rest, state: update?.state ?? '' };
}

async function offered() {
  const harness = await Harness.started();
  const agent = await harness.register();
  const scheduler = await harness.subscribe();
  const offer = await scheduler.offer();
  return { harness, agent, scheduler, offer };
}

describe('Master: offers', () => {
  it('offers the rest of an offer again at once when something was launched on it', async () => {
    const { harness, scheduler, offer } = await offered();
    scheduler.stream.clear();
    scheduler.accept([offer], [launch(task(offer))]);
    await harness.world.advance(100);
    expect(scheduler.stream.offers).to.have.length(1);
  });

  it('keeps what came back unused for the next batch, so that nobody can spin', async () => {
    const { harness, scheduler, offer } = await offered();
    for (const operations of [[], [launch({ ...task(offer), agent_id: { value: 'wrong' } })]]) {
      const held = scheduler.stream.offers.at(-1) ?? offer;
      scheduler.stream.clear();
      scheduler.accept([held], operations);
      await harness.world.advance(100);
      expect(scheduler.stream.offers).to.deep.equal([]);
      await harness.world.advance(1000);
      expect(scheduler.stream.offers).to.have.length(1);
    }
    const last = scheduler.stream.offers.at(-1) ?? offer;
    scheduler.stream.clear();
    scheduler.accept([last, last], []);
    await harness.world.advance(100);
    expect(scheduler.stream.offers).to.deep.equal([]);
  });

  it('offers all of an agent, without what only agents need to know', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    const scheduler = await harness.subscribe();
    const offer = await scheduler.offer();
    expect(offer.id.value).to.equal(`${harness.master.info.id}-O0`);
    expect(offer.agent_id.value).to.equal(agent.agentId);
    expect(offer.url).to.deep.equal({
      scheme: 'http',
      address: { hostname: 'host-1', ip: '10.0.0.7', port: 5051 },
      path: '/slave(1)',
    });
    expect(offer.allocation_info).to.deep.equal({ role: ROLE });
    expect(offer.attributes).to.deep.equal(AGENT_INFO.attributes);
    expect(offer.executor_ids).to.equal(undefined);
    expect(offer.resources?.map(({ name }) => name)).to.deep.equal(['cpus', 'mem', 'ports']);
    expect(offer.resources?.every((one) => one.allocation_info?.role === ROLE)).to.equal(true);
  });

  it('drops allocation_info for frameworks without MULTI_ROLE', async () => {
    const harness = await Harness.started();
    await harness.register();
    const scheduler = await harness.subscribe({ user: 'u', name: 'n', role: ROLE });
    const offer = await scheduler.offer();
    expect(offer.allocation_info).to.equal(undefined);
    expect(offer.resources?.[0]?.role).to.equal('*');
    expect(offer.resources?.[0]?.allocation_info).to.equal(undefined);
  });

  it('sends one OFFERS event for a round', async () => {
    const harness = await Harness.started();
    await harness.register();
    await harness.register({ ...AGENT_INFO, hostname: 'host-2' });
    const scheduler = await harness.subscribe();
    await harness.world.advance(1000);
    expect(scheduler.stream.of('OFFERS')).to.have.length(1);
    expect(scheduler.stream.offers).to.have.length(2);
  });

  it('rescinds an offer that stays unanswered, and offers the same again', async () => {
    const harness = await Harness.started({ config: { offerTimeoutMs: 20_000 } });
    const agent = await harness.register();
    const scheduler = await harness.subscribe();
    const offer = await scheduler.offer();
    await harness.live(21_500, [agent]);
    expect(scheduler.stream.of('RESCIND')[0]?.rescind?.offer_id).to.deep.equal(offer.id);
    await harness.live(1_000, [agent]);
    expect(scheduler.stream.offers).to.have.length(2);
  });

  it('never rescinds when the timeout is 0', async () => {
    const harness = await Harness.started({ config: { offerTimeoutMs: 0 } });
    const agent = await harness.register();
    const scheduler = await harness.subscribe();
    await scheduler.offer();
    await harness.live(3_600_000, [agent]);
    expect(scheduler.stream.of('RESCIND')).to.have.length(0);
  });

  it('honours the filter of DECLINE and ignores unknown offers', async () => {
    const harness = await Harness.started();
    await harness.register();
    const scheduler = await harness.subscribe();
    const offer = await scheduler.offer();
    const ids = [offer.id, offer.id, { value: 'nope' }];
    const decline = { offer_ids: ids, filters: { refuse_seconds: 10 } };
    expect(scheduler.call({ type: 'DECLINE', decline }).status).to.equal(202);
    await harness.world.advance(9_000);
    expect(scheduler.stream.offers).to.have.length(1);
    await harness.world.advance(3_000);
    expect(scheduler.stream.offers).to.have.length(2);
  });

  it('rescinds the offers of an agent that lost its connection', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    const scheduler = await harness.subscribe();
    await scheduler.offer();
    harness.master.agentDisconnected(agent);
    expect(scheduler.stream.of('RESCIND')).to.have.length(1);
    await harness.world.advance(5_000);
    expect(scheduler.stream.offers).to.have.length(1);
  });

  describe('that are not valid', () => {
    const cases: readonly (readonly [string, RegExp, number])[] = [
      ['none', /No offers/, 2],
      ['duplicate', /Duplicate offer/, 1],
      ['unknown', /no longer valid/, 1],
      ['agents', /more than one/, 0],
      ['foreign', /another framework/, 2],
    ];
    for (const [kind, message, rest] of cases) {
      it(`drop tasks and fail operations: ${kind}`, async () => {
        const result = await refused(kind);
        expect(result.message).to.match(message);
        expect(result.state).to.equal('TASK_DROPPED');
        expect(result.rest).to.equal(rest);
      });
    }

    it('can be used once', async () => {
      const harness = await Harness.started();
      const agent = await harness.register();
      const scheduler = await harness.subscribe();
      const offer = await scheduler.offer();
      scheduler.launch(offer, task(offer));
      scheduler.launch(offer, task(offer, { task_id: { value: 't2' } }));
      expect(agent.launched.map((one) => one.task_id.value)).to.deep.equal(['t1']);
      expect(scheduler.stream.updates).to.have.length(1);
      expect(scheduler.stream.updates[0]?.task_id.value).to.equal('t2');
    });
  });

  describe('and operations', () => {
    it('reserves and launches on the reservation in one ACCEPT', async () => {
      const { harness, agent, scheduler, offer } = await offered();
      const resources = reserved(1, 128);
      scheduler.accept(
        [offer],
        [
          { type: 'RESERVE', id: { value: 'op' }, reserve: { resources } },
          launch(task(offer, { resources })),
        ],
        3600,
      );
      expect(scheduler.stream.updates).to.deep.equal([]);
      const status = scheduler.stream.of('UPDATE_OPERATION_STATUS')[0]?.update_operation_status;
      expect(status?.status).to.include({ state: 'OPERATION_FINISHED' });
      expect(Buffer.from(status?.status.uuid?.value ?? '', 'base64')).to.have.length(16);
      expect(status?.status.agent_id?.value).to.equal(agent.agentId);
      const kinds = agent.messages.map(({ type }) => type);
      expect(kinds.indexOf('APPLY_OPERATION')).to.be.lessThan(kinds.indexOf('RUN_TASKS'));
      const checkpoint = agent.remembered;
      expect(checkpoint?.map(({ name, scalar: value }) => [name, value?.value])).to.deep.equal([
        ['cpus', 1],
        ['mem', 128],
      ]);
      expect(agent.launched[0]?.resources?.[0]?.reservations?.[0]?.role).to.equal(ROLE);
      expect(harness.fatal).to.deep.equal([]);
    });

    it('offers a reservation again at once although the rest is refused, and unreserves it', async () => {
      const { harness, scheduler, offer } = await offered();
      const operation = { type: 'RESERVE' as const, reserve: { resources: reserved(1, 128) } };
      scheduler.accept([offer], [operation], 3600);
      await harness.world.advance(2000);
      const again = scheduler.stream.offers.at(-1);
      expect(again?.id).not.to.deep.equal(offer.id);
      const isReserved = (again?.resources ?? []).filter((one) => one.reservations?.length === 1);
      expect(isReserved.map(({ name }) => name)).to.deep.equal(['cpus', 'mem']);
      if (again === undefined) return;
      const back = { type: 'UNRESERVE' as const, unreserve: { resources: reserved(1, 128) } };
      scheduler.accept([again], [back]);
      await harness.world.advance(2000);
      const last = scheduler.stream.offers.at(-1);
      expect((last?.resources ?? []).some((one) => one.reservations?.length)).to.equal(false);
      expect(harness.fatal).to.deep.equal([]);
    });

    it('drops invalid operations alone, and says so when they have an id', async () => {
      const { agent, scheduler, offer } = await offered();
      const bad = (resources = reserved(1, 1), type: 'RESERVE' | 'UNRESERVE' = 'RESERVE') => ({
        type,
        id: { value: 'op' },
        reserve: { resources },
        unreserve: { resources },
      });
      scheduler.accept(
        [offer],
        [
          bad(reserved(100, 1)),
          bad(amounts(1, 1)),
          bad(amounts(1, 1), 'UNRESERVE'),
          bad(amounts(1, 1, { reservations: [{ type: 'DYNAMIC', role: 'foreign' }] })),
          { type: 'CREATE', id: { value: 'op' }, create: { volumes: [scalar('disk', 1)] } },
          { ...bad(reserved(100, 1)), id: undefined },
          launch(task(offer)),
        ],
      );
      const states = scheduler.stream
        .of('UPDATE_OPERATION_STATUS')
        .map((event) => event.update_operation_status?.status.state);
      expect(states).to.deep.equal(Array.from({ length: 5 }, () => 'OPERATION_ERROR'));
      expect(agent.launched).to.have.length(1);
      expect(agent.remembers).to.have.length(0);
    });

    it('refuses task groups, which it does not support yet', async () => {
      const { agent, scheduler, offer } = await offered();
      const group = {
        executor: { executor_id: { value: 'e' } },
        task_group: { tasks: [task(offer)] },
      };
      scheduler.accept([offer], [{ type: 'LAUNCH_GROUP', launch_group: group }]);
      expect(scheduler.stream.updates[0]?.reason).to.equal('REASON_TASK_GROUP_INVALID');
      expect(agent.launched).to.have.length(0);
    });
  });
});
