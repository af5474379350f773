import { expect } from 'chai';
import type { Offer, OfferOperation, Resource } from '../../../core/api/index.js';
import {
  AGENT_INFO,
  CAPABILITIES,
  FakeConnection,
  FRAMEWORK_INFO,
  Harness,
  ROLE,
  type Scheduler,
  amounts,
  scalar,
  task,
} from './harness.js';

const RESERVATIONS = [{ type: 'DYNAMIC' as const, role: ROLE }];

function disk(value: number): Resource {
  return scalar('disk', value, { reservations: RESERVATIONS });
}

function volume(id: string, value = 64, path = 'data'): Resource {
  const volume = { mode: 'RW' as const, container_path: path };
  return { ...disk(value), disk: { persistence: { id }, volume } };
}

const reserve = (...resources: Resource[]): OfferOperation => ({
  type: 'RESERVE',
  id: { value: 'reserve' },
  reserve: { resources },
});
const unreserve = (...resources: Resource[]): OfferOperation => ({
  type: 'UNRESERVE',
  id: { value: 'unreserve' },
  unreserve: { resources },
});
const create = (...volumes: Resource[]): OfferOperation => ({
  type: 'CREATE',
  id: { value: 'create' },
  create: { volumes },
});
const destroy = (...volumes: Resource[]): OfferOperation => ({
  type: 'DESTROY',
  id: { value: 'destroy' },
  destroy: { volumes },
});
const launch = (offer: Offer, id: string, ...resources: Resource[]): OfferOperation => ({
  type: 'LAUNCH',
  launch: { task_infos: [task(offer, { task_id: { value: id }, resources })] },
});

interface Place {
  readonly harness: Harness;
  readonly agent: FakeConnection;
  readonly scheduler: Scheduler;
}

async function place(): Promise<Place> {
  const harness = await Harness.started();
  const resources = [...(AGENT_INFO.resources ?? []), scalar('disk', 1000)];
  const agent = await harness.register({ ...AGENT_INFO, resources });
  return { harness, agent, scheduler: await harness.subscribe() };
}

function told({ scheduler }: Place): readonly string[] {
  return scheduler.stream.of('UPDATE_OPERATION_STATUS').map(({ update_operation_status: told }) => {
    const { operation_id, state, message = '' } = told?.status ?? {};
    return `${operation_id?.value} ${state?.replace('OPERATION_', '')} ${message}`.trim();
  });
}

/** What the agent was told last to remember: name, amount, and the volume. */
function remembered(agent: FakeConnection): readonly string[] {
  const list = agent.remembered ?? [];
  return list.map(
    ({ name, scalar: amount, disk }) =>
      `${name} ${amount?.value}${disk?.persistence ? ` ${disk.persistence.id}` : ''}`,
  );
}

/** An offer with the named volume, after a batch. */
async function offerWith({ harness, scheduler }: Place, id: string | undefined): Promise<Offer> {
  await harness.world.advance(2000);
  const offer = scheduler.stream.offers.at(-1);
  const ids = (offer?.resources ?? []).flatMap(({ disk }) => disk?.persistence?.id ?? []);
  if (offer === undefined) throw new Error('no offer');
  expect(ids).to.deep.equal(id === undefined ? [] : [id]);
  return offer;
}

describe('Master: persistent volumes', () => {
  it('are reserved, created and used in one ACCEPT, in this order', async () => {
    const here = await place();
    const { agent, scheduler, harness } = here;
    const offer = await scheduler.offer();
    scheduler.accept(
      [offer],
      [reserve(disk(64)), create(volume('v')), launch(offer, 't1', ...amounts(1, 1), volume('v'))],
    );
    expect(told(here)).to.deep.equal(['reserve FINISHED', 'create FINISHED']);
    const kinds = agent.messages.map(({ type }) => type);
    expect(kinds.slice(kinds.indexOf('REGISTERED') + 1, -2)).to.deep.equal([
      'APPLY_OPERATION',
      'APPLY_OPERATION',
      'RUN_TASKS',
    ]);
    expect(remembered(agent)).to.deep.equal(['disk 64 v']);
    const used = agent.launched[0]?.resources?.find(({ disk }) => disk !== undefined);
    expect(used?.disk?.volume?.container_path).to.equal('data');
    expect(used?.allocation_info?.role).to.equal(ROLE);
    expect(harness.fatal).to.deep.equal([]);
  });

  it('are offered with their place, and used at another', async () => {
    const here = await place();
    const { agent, scheduler } = here;
    scheduler.accept([await scheduler.offer()], [reserve(disk(64)), create(volume('v'))]);
    const offer = await offerWith(here, 'v');
    scheduler.accept([offer], [launch(offer, 't1', ...amounts(1, 1), volume('v', 64, 'other'))]);
    const used = agent.launched[0]?.resources?.find(({ disk }) => disk !== undefined);
    expect(used?.disk?.volume?.container_path).to.equal('other');
    await offerWith(here, undefined);
  });

  it('are destroyed and unreserved; a task that used one before may be in the same ACCEPT', async () => {
    const here = await place();
    const { agent, scheduler, harness } = here;
    scheduler.accept([await scheduler.offer()], [reserve(disk(64)), create(volume('v'))]);
    const offer = await offerWith(here, 'v');
    scheduler.stream.clear();
    scheduler.accept(
      [offer],
      [
        destroy(volume('v')),
        unreserve(disk(64)),
        launch(offer, 't1', ...amounts(1, 1), scalar('disk', 1000)),
      ],
    );
    expect(told(here)).to.deep.equal(['destroy FINISHED', 'unreserve FINISHED']);
    expect(remembered(agent)).to.deep.equal([]);
    expect(agent.launched).to.have.length(1);
    expect(harness.fatal).to.deep.equal([]);
  });

  it('are refused one by one, with the reason, and nothing changes', async () => {
    const here = await place();
    const { agent, scheduler } = here;
    scheduler.accept([await scheduler.offer()], [reserve(disk(100)), create(volume('v'))]);
    const offer = await offerWith(here, 'v');
    const before = remembered(agent);
    scheduler.stream.clear();
    scheduler.accept(
      [offer],
      [
        create(volume('v', 1)),
        create(volume('too-large', 37)),
        create(volume('outside', 1, '../x')),
        create(scalar('disk', 1, { disk: volume('bare').disk })),
        create(),
        { type: 'CREATE', id: { value: 'create' } },
        destroy(volume('nobody')),
        destroy(volume('v', 1)),
        destroy(disk(1)),
        unreserve(volume('v')),
        unreserve(disk(64)),
        launch(offer, 't1', ...amounts(1, 1), volume('v')),
        destroy(volume('v')),
      ],
    );
    const reasons = [
      /id of another volume/,
      /is needed and .* is available/,
      /'disk.volume.container_path' that leads out of the sandbox \('..\/x'\)/,
      /not reserved/,
      /is empty/,
      /'create' is not set/,
      /does not exist/,
      /differs from/,
      /not a persistent volume/,
      /DESTROY it first/,
      /is needed and/,
      /in use/,
    ];
    const statuses = told(here);
    expect(statuses).to.have.length(reasons.length);
    for (const [index, reason] of reasons.entries()) {
      expect(statuses[index])
        .to.match(reason)
        .and.match(/^\w+ ERROR Invalid /);
    }
    expect(remembered(agent)).to.deep.equal(before);
    expect(agent.launched).to.have.length(1);
  });

  it('may not be more than the agent remembers', async () => {
    const here = await place();
    const { agent, scheduler } = here;
    const labels = { labels: [{ key: 'k', value: 'x'.repeat(499_900) }] };
    const large = scalar('cpus', 1, { reservations: [{ type: 'DYNAMIC', role: ROLE, labels }] });
    scheduler.accept([await scheduler.offer()], [reserve(large), reserve(disk(1))]);
    expect(told(here)[0]).to.match(/500000 at most/);
    expect(told(here)[1]).to.equal('reserve FINISHED');
    expect(remembered(agent)).to.deep.equal(['disk 1']);
  });

  it('are the books of the master when a known agent has missed them', async () => {
    const here = await place();
    const { harness, agent, scheduler } = here;
    scheduler.accept([await scheduler.offer()], [reserve(disk(64)), create(volume('v'))]);
    harness.master.agentDisconnected(agent);
    const info = { ...AGENT_INFO, id: { value: agent.agentId } };
    const resources = [...(AGENT_INFO.resources ?? []), scalar('disk', 1000)];
    const connection = new FakeConnection();
    harness.agentMessage(connection, {
      type: 'REREGISTER',
      reregister: {
        agent_info: { ...info, resources },
        version: '1.11.0',
        capabilities: CAPABILITIES,
      },
    });
    await harness.world.settle();
    expect(remembered(connection)).to.deep.equal(['disk 64 v']);
    await offerWith(here, 'v');
  });

  it('are the books of the agent when the master is new', async () => {
    const { harness, agent, scheduler } = await place();
    scheduler.accept([await scheduler.offer()], [reserve(disk(64)), create(volume('v'))]);
    const list = agent.remembered ?? [];
    const next = await harness.restarted();
    const connection = new FakeConnection();
    const resources = [...(AGENT_INFO.resources ?? []), scalar('disk', 1000)];
    const info = { ...AGENT_INFO, resources, id: { value: agent.agentId } };
    next.agentMessage(connection, {
      type: 'REREGISTER',
      reregister: {
        agent_info: info,
        version: '1.11.0',
        capabilities: CAPABILITIES,
        checkpointed_resources: list,
      },
    });
    await next.world.settle();
    expect(connection.remembers).to.have.length(0);
    const again = await next.subscribe({ ...FRAMEWORK_INFO, name: 'other' });
    await offerWith({ harness: next, agent: connection, scheduler: again }, 'v');
  });
});

describe('Master: operations of operators', () => {
  const shown = ({ harness }: Place): readonly string[] => {
    const answer = harness.master.operatorCall({ type: 'GET_AGENTS' });
    const agents =
      answer instanceof Promise || 'status' in answer ? [] : (answer.get_agents?.agents ?? []);
    return (agents[0]?.total_resources ?? [])
      .filter(({ reservations = [] }) => reservations.length > 0)
      .map(
        ({ name, role, scalar: amount, reservations = [], disk }) =>
          `${name} ${amount?.value} ${role ?? '-'} ${reservations.map((one) => one.role).join('>')}` +
          (disk?.persistence === undefined ? '' : ` ${disk.persistence.id}`),
      );
  };

  it('reserve, create, destroy and unreserve with 202, and the pages show it', async () => {
    const here = await place();
    const { harness, agent } = here;
    const agent_id = { value: agent.agentId };
    const { master } = harness;
    const reserving = { type: 'RESERVE_RESOURCES' as const };
    expect(
      master.operatorCall({ ...reserving, reserve_resources: { agent_id, resources: [disk(64)] } }),
    ).to.deep.equal({ status: 202 });
    expect(shown(here)).to.deep.equal(['disk 64 web web']);
    const creating = { type: 'CREATE_VOLUMES' as const };
    expect(
      master.operatorCall({ ...creating, create_volumes: { agent_id, volumes: [volume('v')] } }),
    ).to.deep.equal({ status: 202 });
    expect(shown(here)).to.deep.equal(['disk 64 web web v']);
    expect(remembered(agent)).to.deep.equal(['disk 64 v']);
    const unreserving = { type: 'UNRESERVE_RESOURCES' as const };
    const back = { ...unreserving, unreserve_resources: { agent_id, resources: [disk(64)] } };
    expect(master.operatorCall(back)).to.include({ status: 409 });
    const destroying = { type: 'DESTROY_VOLUMES' as const };
    const gone = { ...destroying, destroy_volumes: { agent_id, volumes: [volume('v')] } };
    expect(master.operatorCall(gone)).to.deep.equal({ status: 202 });
    expect(master.operatorCall(gone)).to.include({ status: 400 });
    expect(master.operatorCall(back)).to.deep.equal({ status: 202 });
    expect(shown(here)).to.deep.equal([]);
    expect(remembered(agent)).to.deep.equal([]);
  });

  it('take resources as the pages show them', async () => {
    const here = await place();
    const { harness, agent } = here;
    const agent_id = { value: agent.agentId };
    const resources = [{ ...disk(64), role: ROLE, reservation: {} }];
    const reserving = { type: 'RESERVE_RESOURCES' as const };
    const asked = { ...reserving, reserve_resources: { agent_id, resources } };
    expect(harness.master.operatorCall(asked)).to.deep.equal({ status: 202 });
    const contradiction = [{ ...disk(64), role: 'other', reservation: {} }];
    const unreserving = { type: 'UNRESERVE_RESOURCES' as const };
    const bad = { ...unreserving, unreserve_resources: { agent_id, resources: contradiction } };
    expect(harness.master.operatorCall(bad)).to.include({ status: 400 });
    const good = { ...unreserving, unreserve_resources: { agent_id, resources } };
    expect(harness.master.operatorCall(good)).to.deep.equal({ status: 202 });
    expect(shown(here)).to.deep.equal([]);
  });

  it('change a reservation from one role to another', async () => {
    const here = await place();
    const { harness, agent } = here;
    const agent_id = { value: agent.agentId };
    const reserveAs = (resources: Resource[], source?: Resource[]) =>
      harness.master.operatorCall({
        type: 'RESERVE_RESOURCES',
        reserve_resources: { agent_id, resources, source },
      });
    expect(reserveAs([disk(64)])).to.include({ status: 202 });
    const other = scalar('disk', 40, { reservations: [{ type: 'DYNAMIC', role: 'db' }] });
    expect(reserveAs([other], [disk(40)])).to.include({ status: 202 });
    expect(shown(here)).to.deep.equal(['disk 40 db db', 'disk 24 web web']);
    expect(reserveAs([other], [disk(40)])).to.include({ status: 409 });
    expect(reserveAs([other], [disk(41)])).to.include({ status: 400 });
  });

  it('rescind the offers that are in the way, and no others', async () => {
    const here = await place();
    const { harness, agent, scheduler } = here;
    await scheduler.offer();
    const agent_id = { value: agent.agentId };
    const reserveDisk = (value: number) =>
      harness.master.operatorCall({
        type: 'RESERVE_RESOURCES',
        reserve_resources: { agent_id, resources: [disk(value)] },
      });
    expect(reserveDisk(1001)).to.include({ status: 409 });
    expect(scheduler.stream.of('RESCIND'), 'in vain').to.have.length(0);
    expect(reserveDisk(1000)).to.include({ status: 202 });
    expect(scheduler.stream.of('RESCIND')).to.have.length(1);
    await harness.world.advance(2000);
    const again = scheduler.stream.offers.at(-1);
    const disks = (again?.resources ?? []).filter(({ name }) => name === 'disk');
    expect(disks.map(({ reservations }) => reservations?.[0]?.role)).to.deep.equal([ROLE]);
    expect(harness.fatal).to.deep.equal([]);
  });

  it('make no volume whose place leads out of sandboxes', async () => {
    const { harness, agent } = await place();
    const before = harness.observed.length;
    const answer = harness.master.operatorCall({
      type: 'CREATE_VOLUMES',
      create_volumes: {
        agent_id: { value: agent.agentId },
        volumes: [volume('v', 1, 'a/../../x')],
      },
    });
    expect(answer).to.include({ status: 400 });
    expect(answer)
      .to.have.property('message')
      .that.matches(/'disk.volume.container_path'/);
    expect(harness.observed).to.have.length(before);
    expect(agent.remembered).to.equal(undefined);
  });

  it('are not possible on what tasks use, on unknown agents, or on ones that are away', async () => {
    const here = await place();
    const { harness, agent, scheduler } = here;
    const offer = await scheduler.offer();
    scheduler.accept([offer], [launch(offer, 't1', ...amounts(1, 1), scalar('disk', 990))]);
    const reserveOn = (value: string, ...resources: Resource[]) =>
      harness.master.operatorCall({
        type: 'RESERVE_RESOURCES',
        reserve_resources: { agent_id: { value }, resources },
      });
    expect(reserveOn(agent.agentId, disk(11))).to.include({ status: 409 });
    expect(reserveOn('nobody', disk(1))).to.include({ status: 400 });
    expect(reserveOn(agent.agentId, scalar('disk', 1))).to.include({ status: 400 });
    expect(reserveOn(agent.agentId)).to.include({ status: 400 });
    const allocated = { ...disk(1), allocation_info: { role: ROLE } };
    expect(reserveOn(agent.agentId, allocated)).to.include({ status: 400 });
    harness.master.agentDisconnected(agent);
    expect(reserveOn(agent.agentId, disk(1))).to.include({ status: 409 });
  });
});
