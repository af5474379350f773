import { expect } from 'chai';
import type { FrameworkInfo, Offer, OfferOperation, Resource } from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import { Resources } from '../../../core/resources/index.js';
import {
  AGENT_INFO,
  CAPABILITIES,
  FRAMEWORK_INFO,
  FakeConnection,
  Harness,
  ROLE,
  type Scheduler,
  amounts,
  reported,
  scalar,
  task,
} from './harness.js';

const SHARING: FrameworkInfo = {
  ...FRAMEWORK_INFO,
  capabilities: [...(FRAMEWORK_INFO.capabilities ?? []), { type: 'SHARED_RESOURCES' }],
};

const RESERVED = scalar('disk', 64, { reservations: [{ type: 'DYNAMIC', role: ROLE }] });

function shared(path = 'data', id = 'v'): Resource {
  return {
    ...RESERVED,
    disk: { persistence: { id }, volume: { mode: 'RW', container_path: path } },
    shared: {},
  };
}

const RESERVE: OfferOperation = { type: 'RESERVE', reserve: { resources: [RESERVED] } };
const CREATE: OfferOperation = {
  type: 'CREATE',
  id: { value: 'create' },
  create: { volumes: [shared()] },
};
const DESTROY: OfferOperation = {
  type: 'DESTROY',
  id: { value: 'destroy' },
  destroy: { volumes: [shared()] },
};

function launch(offer: Offer, id: string, path = 'data'): OfferOperation {
  const resources = [...amounts(0.5, 64), shared(path)];
  return {
    type: 'LAUNCH',
    launch: { task_infos: [task(offer, { task_id: { value: id }, resources })] },
  };
}

interface Place {
  readonly harness: Harness;
  readonly agent: FakeConnection;
  readonly scheduler: Scheduler;
}

const RESOURCES = [...(AGENT_INFO.resources ?? []), scalar('disk', 1000)];

async function place(info: FrameworkInfo = SHARING): Promise<Place> {
  const harness = await Harness.started();
  const agent = await harness.register({ ...AGENT_INFO, resources: RESOURCES });
  return { harness, agent, scheduler: await harness.subscribe(info) };
}

function volumesOf(offer: Offer | undefined): readonly string[] {
  return (offer?.resources ?? []).flatMap(({ disk, shared: isShared }) =>
    disk?.persistence === undefined ? [] : [`${disk.persistence.id}${isShared ? '*' : ''}`],
  );
}

/** The newest offer of a scheduler after a batch or two. */
async function nextOffer(harness: Harness, scheduler: Scheduler): Promise<Offer> {
  await harness.world.advance(2000);
  return at(scheduler.stream.offers, scheduler.stream.offers.length - 1);
}

function operations(scheduler: Scheduler): readonly string[] {
  return scheduler.stream.of('UPDATE_OPERATION_STATUS').map(({ update_operation_status: told }) => {
    const { operation_id, state, message = '' } = told?.status ?? {};
    return `${operation_id?.value} ${state?.replace('OPERATION_', '')} ${message}`.trim();
  });
}

/** Total, used and offered of the one agent, as the pages have them. */
function books(harness: Harness): Readonly<Record<'total' | 'used' | 'offered', string>> {
  const answer = harness.master.operatorCall({ type: 'GET_AGENTS' });
  const isAnswer = !(answer instanceof Promise) && !('status' in answer);
  const agent = isAnswer ? answer.get_agents?.agents?.[0] : undefined;
  const text = (list: readonly Resource[] | undefined): string =>
    Resources.fromWire(list ?? [])
      .unallocated()
      .filter(({ name }) => name === 'disk')
      .toString();
  return {
    total: text(agent?.total_resources),
    used: text(agent?.allocated_resources),
    offered: text(agent?.offered_resources),
  };
}

describe('Master: shared volumes', () => {
  it('are used by several tasks of one ACCEPT, and are there once in all books', async () => {
    const { harness, agent, scheduler } = await place();
    const offer = await scheduler.offer();
    scheduler.accept(
      [offer],
      [RESERVE, CREATE, launch(offer, 't1'), launch(offer, 't2', 'other'), launch(offer, 't3')],
    );
    expect(operations(scheduler)).to.deep.equal(['create FINISHED']);
    expect(agent.launched.map(({ task_id }) => task_id.value)).to.deep.equal(['t1', 't2', 't3']);
    expect(books(harness).total).to.equal('disk:936; disk(+web)[id=v,shared]:64');
    expect(books(harness).used).to.equal('disk(+web)[id=v,shared]:64');
    expect(harness.counter('disk_used')).to.equal(64);
    expect(harness.counter('disk_total')).to.equal(1000);
    expect(volumesOf(await nextOffer(harness, scheduler)), 'while in use').to.deep.equal(['v*']);
    expect(harness.fatal).to.deep.equal([]);
  });

  it('are used by two frameworks of a role at once, and counted once', async () => {
    const { harness, scheduler } = await place();
    const offer = await scheduler.offer();
    scheduler.accept([offer], [RESERVE, CREATE, launch(offer, 't1')], 3600);
    const other = await harness.subscribe({ ...SHARING, name: 'other' });
    const second = await nextOffer(harness, other);
    expect(volumesOf(second)).to.deep.equal(['v*']);
    other.accept([second], [launch(second, 't1')], 3600);
    expect(harness.counter('tasks_staging')).to.equal(2);
    expect(harness.counter('disk_used')).to.equal(64);
    expect(harness.fatal).to.deep.equal([]);
  });

  it('are neither made by nor offered to frameworks that cannot share', async () => {
    const { harness, scheduler } = await place(FRAMEWORK_INFO);
    const offer = await scheduler.offer();
    const before = books(harness);
    scheduler.accept([offer], [RESERVE, CREATE]);
    expect(operations(scheduler)[0]).to.match(/^create ERROR .*SHARED_RESOURCES/);
    expect(books(harness).total).to.not.equal(before.total);
    const able = await harness.subscribe({ ...SHARING, name: 'able' });
    scheduler.call({ type: 'SUPPRESS' });
    for (const { id } of scheduler.stream.offers) {
      scheduler.call({ type: 'DECLINE', decline: { offer_ids: [id] } });
    }
    const theirs = await nextOffer(harness, able);
    able.accept([theirs], [CREATE]);
    expect(operations(able)).to.deep.equal(['create FINISHED']);
    scheduler.call({ type: 'REVIVE' });
    able.call({ type: 'SUPPRESS' });
    for (const { id } of able.stream.offers) {
      able.call({ type: 'DECLINE', decline: { offer_ids: [id] } });
    }
    const again = await nextOffer(harness, scheduler);
    expect(volumesOf(again)).to.deep.equal([]);
    expect((again.resources ?? []).some(({ name }) => name === 'cpus')).to.equal(true);
  });

  it('are not destroyed while any task uses them', async () => {
    const { harness, agent, scheduler } = await place();
    const offer = await scheduler.offer();
    scheduler.accept([offer], [RESERVE, CREATE, launch(offer, 't1'), launch(offer, 't2'), DESTROY]);
    expect(operations(scheduler)[0]).to.match(/^destroy ERROR .*in use by a task/);
    harness.update(agent, scheduler, { state: 'TASK_FINISHED', uuid: 'one' });
    const next = await nextOffer(harness, scheduler);
    scheduler.accept([next], [DESTROY]);
    expect(operations(scheduler).at(-1), 'the other task').to.match(/in use by a task/);
    const volumes = [shared()];
    const agent_id = { value: agent.agentId };
    expect(
      harness.master.operatorCall({
        type: 'DESTROY_VOLUMES',
        destroy_volumes: { agent_id, volumes },
      }),
    ).to.include({ status: 400 });
    harness.update(agent, scheduler, {
      task_id: { value: 't2' },
      state: 'TASK_FINISHED',
      uuid: 'two',
    });
    const last = await nextOffer(harness, scheduler);
    scheduler.accept([last], [DESTROY]);
    expect(operations(scheduler).at(-1)).to.equal('destroy FINISHED');
    expect(books(harness)).to.include({ used: '' });
    expect(books(harness).total).to.equal('disk:936; disk(+web):64');
  });

  it('are taken out of all offers when they are destroyed', async () => {
    const { harness, agent, scheduler } = await place();
    const offer = await scheduler.offer();
    scheduler.accept([offer], [RESERVE, CREATE], 3600);
    // Both are offered the volume: the first with what is left of the agent, the other with more.
    const other = await harness.subscribe({ ...SHARING, name: 'other' });
    const theirs = await nextOffer(harness, other);
    other.accept([theirs], [launch(theirs, 't1')], 0);
    await harness.world.advance(2000);
    scheduler.call({ type: 'REVIVE' });
    harness.agentMessage(agent, {
      type: 'STATUS_UPDATE',
      status_update: {
        framework_id: { value: other.id },
        status: { task_id: { value: 't1' }, state: 'TASK_FINISHED', uuid: 'x' },
        latest_state: 'TASK_FINISHED',
      },
    });
    await harness.world.advance(2000);
    const held = at(other.stream.offers, other.stream.offers.length - 1);
    expect(volumesOf(held)).to.deep.equal(['v*']);
    const mine = scheduler.stream.offers.findLast((one) => volumesOf(one).length > 0);
    if (mine === undefined) throw new Error('the volume was not offered to both');
    other.stream.clear();
    scheduler.accept([mine], [DESTROY]);
    expect(operations(scheduler).at(-1)).to.equal('destroy FINISHED');
    const rescinded = other.stream.of('RESCIND').map(({ rescind }) => rescind?.offer_id.value);
    expect(rescinded).to.deep.equal([held.id.value]);
    expect(harness.fatal).to.deep.equal([]);
    other.stream.clear();
    scheduler.stream.clear();
    await harness.world.advance(5000);
    const later = [...scheduler.stream.offers, ...other.stream.offers];
    expect(later).to.not.have.length(0);
    expect(later.flatMap(volumesOf)).to.deep.equal([]);
  });

  it('are as used as before after the agent and the master have come back', async () => {
    const { harness, agent, scheduler } = await place();
    const offer = await scheduler.offer();
    scheduler.accept([offer], [RESERVE, CREATE, launch(offer, 't1'), launch(offer, 't2')]);
    const checkpointed = agent.remembered ?? [];
    expect(checkpointed).to.have.length(1);
    const before = books(harness);
    const resources = Resources.fromWire([...amounts(0.5, 64), shared()])
      .allocatedTo(ROLE)
      .toWire();
    const tasks = ['t1', 't2'].map((value) => ({
      ...reported(scheduler, agent.agentId),
      task_id: { value },
      resources,
    }));
    const back = async (where: Harness): Promise<void> => {
      const connection = new FakeConnection();
      where.agentMessage(connection, {
        type: 'REREGISTER',
        reregister: {
          agent_info: { ...AGENT_INFO, resources: RESOURCES, id: { value: agent.agentId } },
          version: '1.11.0',
          capabilities: CAPABILITIES,
          tasks,
          frameworks: [{ ...SHARING, id: { value: scheduler.id } }],
          checkpointed_resources: checkpointed,
        },
      });
      await where.world.settle();
      expect(connection.remembers).to.have.length(0);
      expect(books(where)).to.include({ total: before.total, used: before.used });
      expect(where.counter('disk_used')).to.equal(64);
    };
    await back(harness);
    const next = await harness.restarted();
    await back(next);
    const again = await next.subscribe({ ...SHARING, id: { value: scheduler.id } });
    await next.world.advance(1000);
    const [first] = again.stream.offers;
    expect(volumesOf(first)).to.deep.equal(['v*']);
    if (first === undefined) return;
    again.accept([first], [launch(first, 't3'), DESTROY]);
    expect(operations(again)[0]).to.match(/in use/);
    expect(next.counter('tasks_staging')).to.equal(1);
    expect(next.fatal).to.deep.equal([]);
  });

  it('may not be held by executors, nor made twice', async () => {
    const { harness, scheduler } = await place();
    const offer = await scheduler.offer();
    scheduler.accept([offer], [RESERVE, CREATE]);
    const next = await nextOffer(harness, scheduler);
    const executor = {
      executor_id: { value: 'e' },
      type: 'CUSTOM' as const,
      command: { value: 'run' },
      resources: [...amounts(0.1, 32), shared()],
    };
    const { command: _command, ...info } = task(next);
    const info2 = { ...info, executor };
    scheduler.accept([next], [{ type: 'LAUNCH', launch: { task_infos: [info2] } }, CREATE]);
    expect(scheduler.stream.updates[0]?.message).to.match(/'shared'/);
    expect(operations(scheduler).at(-1)).to.match(/^create ERROR .*id of another volume/);
  });
});
