import { expect } from 'chai';
import type {
  Offer,
  OfferOperation,
  Operation,
  OperationStatus,
  Resource,
} from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import { MAX_OPERATIONS_PER_AGENT, ORPHAN_OPERATION_WAIT_MS } from '../../../core/master/index.js';
import {
  AGENT_INFO,
  FRAMEWORK_INFO,
  type FakeConnection,
  Harness,
  ROLE,
  type Scheduler,
  scalar,
  task,
} from './harness.js';

const RESERVATIONS = [{ type: 'DYNAMIC' as const, role: ROLE }];
const RESOURCES = [...(AGENT_INFO.resources ?? []), scalar('disk', 1000)];

function disk(value: number): Resource {
  return scalar('disk', value, { reservations: RESERVATIONS });
}

function volume(value: number): Resource {
  const persistent = {
    persistence: { id: 'v' },
    volume: { container_path: 'data', mode: 'RW' as const },
  };
  return { ...disk(value), disk: persistent };
}

function reserve(id?: string, value = 8): OfferOperation {
  const operation = { type: 'RESERVE' as const, reserve: { resources: [disk(value)] } };
  return id === undefined ? operation : { ...operation, id: { value: id } };
}

function grow(from: number, by: number, id = 'grow'): OfferOperation {
  const grow_volume = { volume: volume(from), addition: disk(by) };
  return { type: 'GROW_VOLUME', id: { value: id }, grow_volume };
}

function shrink(from: number, by: number, id = 'shrink'): OfferOperation {
  const shrink_volume = { volume: volume(from), subtract: { value: by } };
  return { type: 'SHRINK_VOLUME', id: { value: id }, shrink_volume };
}

interface Place {
  readonly harness: Harness;
  readonly agent: FakeConnection;
  readonly scheduler: Scheduler;
  readonly offer: Offer;
}

/** Agents carry nothing out unless a test says so. */
async function place(): Promise<Place> {
  const harness = await Harness.started();
  harness.carriesOut = false;
  const agent = await harness.register({ ...AGENT_INFO, resources: RESOURCES });
  const scheduler = await harness.subscribe();
  return { harness, agent, scheduler, offer: await scheduler.offer() };
}

async function asked(): Promise<Place & { readonly operation: Operation }> {
  const here = await place();
  here.scheduler.accept([here.offer], [reserve('one')]);
  return { ...here, operation: at(ordered(here.agent), 0) };
}

function ordered(agent: FakeConnection): readonly Operation[] {
  return agent
    .of('APPLY_OPERATION')
    .flatMap(({ apply_operation: asked }) => (asked === undefined ? [] : [asked.operation]));
}

function statuses(scheduler: Scheduler): readonly OperationStatus[] {
  return scheduler.stream
    .of('UPDATE_OPERATION_STATUS')
    .flatMap(({ update_operation_status: told }) => (told === undefined ? [] : [told.status]));
}

function last(scheduler: Scheduler): OperationStatus {
  return at(statuses(scheduler).toReversed(), 0);
}

function reconcile(scheduler: Scheduler, id?: string, agentId?: string): OperationStatus[] {
  const before = statuses(scheduler).length;
  const named = {
    operation_id: { value: id ?? '' },
    ...(agentId !== undefined && { agent_id: { value: agentId } }),
  };
  const reconcile_operations = { operations: id === undefined ? [] : [named] };
  scheduler.call({ type: 'RECONCILE_OPERATIONS', reconcile_operations });
  return statuses(scheduler).slice(before);
}

function listed({ harness }: { harness: Harness }): readonly Operation[] {
  const answer = harness.master.operatorCall({ type: 'GET_OPERATIONS' });
  return 'get_operations' in answer ? (answer.get_operations?.operations ?? []) : [];
}

function settled(agent: FakeConnection): readonly (string | undefined)[] {
  return agent
    .of('ACKNOWLEDGE_OPERATION')
    .map(({ acknowledge_operation: told }) => told?.status_uuid.value);
}

async function nextOffer({ harness, scheduler }: Place): Promise<Offer> {
  scheduler.call({ type: 'REVIVE' });
  await harness.world.advance(1000);
  return scheduler.offer();
}

/** The disk of an offer, by what it is. */
function disks(offer: Offer): readonly string[] {
  return (offer.resources ?? [])
    .filter(({ name }) => name === 'disk')
    .map(({ scalar: amount, disk: info, reservations }) => {
      const kind = info?.persistence?.id ?? (reservations === undefined ? 'free' : 'reserved');
      return `${kind} ${amount?.value}`;
    })
    .toSorted();
}

describe('Master: operations with an id', () => {
  it('go to the agent with what it has to remember, and are pending', async () => {
    const here = await asked();
    const { agent, operation, scheduler } = here;
    expect(operation.info.id?.value).to.equal('one');
    expect(agent.remembered?.map(({ scalar: amount }) => amount?.value)).to.deep.equal([8]);
    expect(statuses(scheduler)).to.deep.equal([]);
    expect(listed(here).map((one) => one.latest_status.state)).to.deep.equal(['OPERATION_PENDING']);
    const { harness } = here;
    expect(harness.counter('operations/reserve/pending')).to.equal(1);
    const [status] = reconcile(scheduler);
    expect(status).to.include({ state: 'OPERATION_PENDING' });
    expect(status?.uuid).to.equal(undefined);
  });

  it('are told to the framework as often as the agent says, until it acknowledges', async () => {
    const here = await asked();
    const { agent, harness, operation, scheduler } = here;
    const status = harness.operationStatus(agent, operation);
    expect(statuses(scheduler)).to.deep.equal([status]);
    expect(harness.counter('operations/reserve/finished')).to.equal(1);
    expect(harness.counter('operations/pending')).to.equal(0);
    expect(harness.counter('operations/total')).to.equal(1);
    const [again] = reconcile(scheduler, 'one');
    expect(again).to.include({ state: 'OPERATION_FINISHED' });
    expect(again?.uuid).to.equal(undefined);
    scheduler.acknowledgeOperation({ ...status, uuid: { value: 'another' } });
    expect(listed(here)).to.have.length(1);
    scheduler.acknowledgeOperation({ ...status, agent_id: { value: 'another' } });
    expect(listed(here)).to.have.length(1);
    scheduler.acknowledgeOperation(status);
    expect(settled(agent)).to.deep.equal(['another', status.uuid?.value]);
    expect(listed(here)).to.deep.equal([]);
    expect(reconcile(scheduler)).to.deep.equal([]);
    expect(at(reconcile(scheduler, 'one', agent.agentId), 0).state).to.equal('OPERATION_UNKNOWN');
    expect(harness.counter('valid_operation_status_update_acknowledgements')).to.equal(2);
    expect(harness.counter('invalid_operation_status_update_acknowledgements')).to.equal(1);
  });

  it('are told again when the acknowledgement was lost or has crossed, and leave nothing', async () => {
    const here = await asked();
    const { agent, harness, operation, scheduler } = here;
    scheduler.acknowledgeOperation(harness.operationStatus(agent, operation));
    const status = harness.operationStatus(agent, operation);
    expect(last(scheduler)).to.deep.equal(status);
    expect(listed(here)).to.deep.equal([]);
    scheduler.acknowledgeOperation(status);
    expect(settled(agent).at(-1)).to.equal(status.uuid?.value);
  });

  it('are refused while another one has their id', async () => {
    const here = await asked();
    const next = await nextOffer(here);
    here.scheduler.accept([next], [reserve('one')]);
    expect(ordered(here.agent)).to.have.length(1);
    expect(last(here.scheduler)).to.include({ state: 'OPERATION_ERROR' });
    expect(last(here.scheduler).message).to.match(/'one' has not been acknowledged/);
  });

  it('are refused on agents that cannot tell what becomes of them', async () => {
    const harness = await Harness.started();
    const connection = await harness.register(AGENT_INFO, undefined, [{ type: 'MULTI_ROLE' }]);
    const scheduler = await harness.subscribe();
    const offer = await scheduler.offer();
    const resources = [scalar('cpus', 1, { reservations: RESERVATIONS })];
    const operation: OfferOperation = { type: 'RESERVE', reserve: { resources } };
    scheduler.accept([offer], [{ ...operation, id: { value: 'one' } }, operation]);
    expect(last(scheduler).message).to.match(/cannot tell what becomes of operations/);
    expect(connection.remembers).to.deep.equal(['CHECKPOINT_RESOURCES']);
  });

  it('are refused when their id is not one, and when too many wait', async () => {
    const here = await place();
    const many = Array.from({ length: MAX_OPERATIONS_PER_AGENT }, (_, index) =>
      reserve(`n${index}`, 0.5),
    );
    here.scheduler.accept([here.offer], [reserve('a/b'), ...many, reserve('more', 0.5)]);
    expect(statuses(here.scheduler).map(({ message }) => message)).to.have.length(2);
    expect(at(statuses(here.scheduler), 0).message).to.match(/slashes/);
    expect(last(here.scheduler).message).to.match(/wait for acknowledgement already/);
    expect(ordered(here.agent)).to.have.length(MAX_OPERATIONS_PER_AGENT);
  });

  it('are sent again to an agent that comes back without them, under the same uuid', async () => {
    const { agent, harness, operation } = await asked();
    harness.master.agentDisconnected(agent);
    const back = await harness.reregister(agent.agentId);
    expect(ordered(back).map(({ uuid }) => uuid)).to.deep.equal([operation.uuid]);
    harness.master.agentDisconnected(back);
    const later = await harness.reregister(agent.agentId, { operations: [operation] });
    expect(ordered(later)).to.deep.equal([]);
  });

  it('are known to a new master from the agent, and wait for their framework', async () => {
    const { agent, harness, operation, scheduler } = await asked();
    const status = harness.operationStatus(agent, operation);
    const later = await harness.restarted();
    const subscribe = { ...FRAMEWORK_INFO, id: { value: scheduler.id } };
    const again = await later.subscribe(subscribe);
    const recovering = at(reconcile(again, 'one', agent.agentId), 0);
    expect(recovering.state).to.equal('OPERATION_RECOVERING');
    const told = { ...operation, latest_status: status, statuses: [status] };
    const back = await later.reregister(agent.agentId, { operations: [told] });
    expect(at(reconcile(again), 0)).to.include({ state: 'OPERATION_FINISHED' });
    expect(listed({ harness: later })).to.have.length(1);
    again.acknowledgeOperation(status);
    expect(settled(back)).to.deep.equal([status.uuid?.value]);
  });

  it('are OPERATION_UNREACHABLE with their agent', async () => {
    const here = await asked();
    const { agent, harness, scheduler } = here;
    await harness.world.advance(80_000);
    expect(last(scheduler)).to.include({ state: 'OPERATION_UNREACHABLE' });
    expect(last(scheduler).uuid).to.equal(undefined);
    expect(listed(here)).to.deep.equal([]);
    const [again] = reconcile(scheduler, 'one', agent.agentId);
    expect(again?.state).to.equal('OPERATION_UNREACHABLE');
  });

  it('are OPERATION_UNKNOWN when their agent has left for good', async () => {
    const { agent, harness, scheduler } = await asked();
    harness.agentMessage(agent, { type: 'UNREGISTER', unregister: {} });
    await harness.world.settle();
    expect(last(scheduler)).to.include({ state: 'OPERATION_UNKNOWN' });
  });

  it('are acknowledged in the place of a framework that was removed', async () => {
    const here = await asked();
    const { agent, harness, operation, scheduler } = here;
    scheduler.call({ type: 'TEARDOWN' });
    await harness.world.settle();
    expect(listed(here)).to.deep.equal([]);
    expect(agent.of('SHUTDOWN_FRAMEWORK')).to.have.length(1);
    const status = harness.operationStatus(agent, operation);
    expect(settled(agent)).to.deep.equal([status.uuid?.value]);
  });

  it('wait some time for a framework that nobody knows', async () => {
    const { agent, harness, operation } = await asked();
    const stray = { ...operation, framework_id: { value: 'stray' } };
    harness.operationStatus(agent, stray);
    expect(settled(agent)).to.deep.equal([]);
    await harness.live(ORPHAN_OPERATION_WAIT_MS, [agent]);
    const status = harness.operationStatus(agent, stray);
    expect(settled(agent)).to.deep.equal([status.uuid?.value]);
  });
});

describe('Master: resized volumes', () => {
  async function withVolume(): Promise<Place> {
    const here = await place();
    here.harness.carriesOut = true;
    const create: OfferOperation = { type: 'CREATE', create: { volumes: [volume(64)] } };
    here.scheduler.accept([here.offer], [reserve(undefined, 128), create]);
    return { ...here, offer: await nextOffer(here) };
  }

  it('are offered with their new size; the agent remembers it', async () => {
    const here = await withVolume();
    expect(disks(here.offer)).to.deep.equal(['free 872', 'reserved 64', 'v 64']);
    here.scheduler.accept([here.offer], [grow(64, 0.5)]);
    expect(last(here.scheduler)).to.include({ state: 'OPERATION_FINISHED' });
    const larger = await nextOffer(here);
    expect(disks(larger)).to.deep.equal(['free 872', 'reserved 63.5', 'v 64.5']);
    here.scheduler.accept([larger], [shrink(64.5, 44.5)]);
    const smaller = await nextOffer(here);
    expect(disks(smaller)).to.deep.equal(['free 872', 'reserved 108', 'v 20']);
    const kept = here.agent.remembered?.map(({ scalar: amount }) => amount?.value);
    expect(kept?.toSorted()).to.deep.equal([108, 20]);
    const orders = here.agent.of('APPLY_OPERATION').map(({ apply_operation: order }) => order);
    expect(orders[0]?.converted?.[0]?.scalar?.value).to.equal(64.5);
    expect(here.harness.fatal).to.deep.equal([]);
  });

  for (const size of [64, 65]) {
    it(`cannot be used in the same ACCEPT, with ${size} MiB`, async () => {
      const here = await withVolume();
      const resources = [scalar('cpus', 1), scalar('mem', 32), volume(size)];
      const launch = task(here.offer, { resources });
      here.scheduler.accept(
        [here.offer],
        [grow(64, 1), { type: 'LAUNCH', launch: { task_infos: [launch] } }],
      );
      expect(at(here.scheduler.stream.updates, 0).state).to.equal('TASK_ERROR');
      expect(disks(await nextOffer(here))).to.include('v 65');
    });
  }

  it('are those that were offered', async () => {
    const here = await withVolume();
    here.scheduler.accept([here.offer], [grow(63, 1, 'a'), grow(64, 65, 'b'), shrink(64, 64, 'c')]);
    const told = statuses(here.scheduler).map(({ message }) => message ?? '');
    expect(told).to.have.length(3);
    expect(told[0]).to.match(/is needed and/);
    expect(told[1]).to.match(/is needed and/);
    expect(told[2]).to.match(/less than the size/);
    expect(disks(await nextOffer(here))).to.deep.equal(['free 872', 'reserved 64', 'v 64']);
  });

  it('may be resized by operators, unless a task uses them', async () => {
    const here = await withVolume();
    const { agent, harness, scheduler } = here;
    const agent_id = { value: agent.agentId };
    const larger = { volume: volume(64), addition: disk(8) };
    const call = { type: 'GROW_VOLUME' as const, grow_volume: { agent_id, ...larger } };
    expect(harness.master.operatorCall(call)).to.deep.equal({ status: 202 });
    expect(scheduler.stream.of('RESCIND')).to.have.length(1);
    const offer = await nextOffer(here);
    expect(disks(offer)).to.deep.equal(['free 872', 'reserved 56', 'v 72']);
    expect(harness.master.operatorCall(call)).to.include({ status: 409 });
    const resources = [scalar('cpus', 1), scalar('mem', 32), volume(72)];
    scheduler.launch(offer, task(offer, { resources }));
    const smaller = { agent_id, volume: volume(72), subtract: { value: 8 } };
    const used = { type: 'SHRINK_VOLUME' as const, shrink_volume: smaller };
    expect(harness.master.operatorCall(used)).to.include({ status: 409 });
    harness.update(agent, scheduler, { state: 'TASK_FINISHED', uuid: 'end' });
    expect(harness.master.operatorCall(used)).to.deep.equal({ status: 202 });
    const bad = { ...used, shrink_volume: { ...smaller, subtract: { value: 0 } } };
    expect(harness.master.operatorCall(bad)).to.include({ status: 400 });
  });
});
