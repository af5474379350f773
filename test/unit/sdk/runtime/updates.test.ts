import { expect } from 'chai';
import type { OperationState, OperationStatus } from '../../../../core/api/index.js';
import { task } from '../../../../sdk/decisions/index.js';
import type { TaskUpdate } from '../../../../sdk/framework/index.js';
import type { Offers } from '../../../../sdk/matching/index.js';
import { MemoryStore } from '../../../../core/store/index.js';
import { VirtualWorld } from '../../../../core/base/index.js';
import { UNKNOWN_TASK_NAME } from '../../../../sdk/runtime/index.js';
import { Rig, handler } from './support.js';

const WEB = task({ name: 'web', cpus: 1, memMiB: 64, command: 'sleep 100' });
const keepOne = handler('offers', (offers: Offers) => offers.keep(1, WEB));

async function launched(rig: Rig): Promise<string> {
  await rig.offer(rig.newOffer());
  const id = rig.runtime.view.tasks.all()[0]?.id ?? '';
  rig.take();
  return id;
}

describe('Status updates', () => {
  it('acknowledges only when the handler is done and the store has committed', async () => {
    const world = new VirtualWorld();
    const store = new MemoryStore({ delay: { clock: world.clock, commitMs: () => 10 } });
    let done = (): void => {};
    const rig = new Rig({
      world,
      store,
      handlers: [
        keepOne,
        handler('status', () => new Promise<void>((resolve) => (done = resolve))),
      ],
    });
    rig.run();
    await world.advance(100);
    await rig.subscribe();
    await world.advance(100);
    await rig.offer(rig.newOffer());
    await world.advance(100);
    const id = rig.runtime.view.tasks.all()[0]?.id ?? '';
    rig.take();
    await rig.update(id, 'TASK_RUNNING', { uuid: 'dQ==' });
    await world.advance(1_000);
    expect(rig.calls('ACKNOWLEDGE')).to.have.length(0);
    done();
    await world.advance(5);
    expect(rig.calls('ACKNOWLEDGE')).to.have.length(0);
    await world.advance(10);
    expect(rig.calls('ACKNOWLEDGE')[0]?.acknowledge).to.deep.equal({
      agent_id: { value: 'A1' },
      task_id: { value: id },
      uuid: 'dQ==',
    });
    const closing = rig.runtime.close();
    await world.advance(100);
    await closing;
  });

  it('acknowledges a repetition again and does not handle it twice, also after a restart', async () => {
    const store = new MemoryStore();
    const seen: string[] = [];
    const onStatus = handler('status', ({ previous, state, task: { name } }: TaskUpdate) => {
      seen.push(`${name}: ${previous} -> ${state}`);
    });
    const rig = await new Rig({ store, handlers: [keepOne, onStatus] }).start();
    const id = await launched(rig);
    await rig.update(id, 'TASK_RUNNING', { uuid: 'dQ==' });
    await rig.update(id, 'TASK_RUNNING', { uuid: 'dQ==' });
    expect(rig.take()).to.deep.equal(['ACKNOWLEDGE', 'ACKNOWLEDGE']);
    await rig.close();
    const again = await new Rig({ store, handlers: [keepOne, onStatus] }).start();
    again.take();
    await again.update(id, 'TASK_RUNNING', { uuid: 'dQ==' });
    expect(again.take()).to.deep.equal(['ACKNOWLEDGE']);
    expect(seen).to.deep.equal(['web: LAUNCHING -> RUNNING']);
    await again.close();
  });

  it('does not acknowledge what has no uuid, and does not tell handlers what is no news', async () => {
    let calls = 0;
    const rig = await new Rig({
      handlers: [keepOne, handler('status', () => void calls++)],
    }).start();
    const id = await launched(rig);
    await rig.update(id, 'TASK_RUNNING');
    await rig.update(id, 'TASK_RUNNING', { reason: 'REASON_RECONCILIATION' });
    expect(calls).to.equal(1);
    expect(rig.take()).to.deep.equal([]);
    await rig.close();
  });

  it('gives handlers the states and names that they ask for, and what was lost to `lost`', async () => {
    const seen: string[] = [];
    const note = (what: string) => (update: TaskUpdate) =>
      void seen.push(`${what} ${update.state}`);
    const rig = await new Rig({
      handlers: [
        keepOne,
        handler('status', note('failed'), { filter: { states: ['FAILED'] } }),
        handler('status', note('web'), { filter: { task: /^w/g } }),
        handler('status', note('db'), { filter: { task: 'db' } }),
        handler('lost', note('lost')),
      ],
    }).start();
    const id = await launched(rig);
    await rig.update(id, 'TASK_UNREACHABLE');
    await rig.update(id, 'TASK_RUNNING');
    await rig.update(id, 'TASK_FAILED');
    expect(seen).to.deep.equal([
      'web UNREACHABLE',
      'lost UNREACHABLE',
      'web RUNNING',
      'failed FAILED',
      'web FAILED',
    ]);
    await rig.close();
  });

  it('does not let a late word bring a finished task back', async () => {
    const rig = await new Rig({ handlers: [keepOne] }).start();
    const id = await launched(rig);
    await rig.update(id, 'TASK_FINISHED', { uuid: 'dQ==' });
    await rig.update(id, 'TASK_GONE', { reason: 'REASON_RECONCILIATION' });
    await rig.update(id, 'TASK_RUNNING', { uuid: 'dg==' });
    expect(rig.runtime.view.tasks.get(id)?.state).to.equal('FINISHED');
    expect(rig.calls('ACKNOWLEDGE')).to.have.length(2);
    await rig.close();
  });

  it('records a task that it does not know, tells handlers, and never kills it', async () => {
    const seen: TaskUpdate[] = [];
    const rig = await new Rig({
      handlers: [keepOne, handler('status', (update: TaskUpdate) => void seen.push(update))],
    }).start();
    await rig.update('stray', 'TASK_RUNNING', { uuid: 'dQ==' });
    expect(seen[0]?.task).to.include({ id: 'stray', name: UNKNOWN_TASK_NAME, state: 'RUNNING' });
    expect(rig.take()).to.deep.equal(['ACKNOWLEDGE']);
    await rig.pass(3_600_000);
    expect(rig.calls('KILL')).to.have.length(0);
    await rig.close();
  });

  it('tells of each state of an operation once, over reconnections, repetitions and restarts', async () => {
    const store = new MemoryStore();
    const states: string[] = [];
    const onOperation = handler('operation', ({ state }: { readonly state: string }) => {
      states.push(state);
    });
    const status = (state: OperationState, uuid?: string): OperationStatus => ({
      operation_id: { value: 'op' },
      agent_id: { value: 'A1' },
      state,
      ...(uuid !== undefined && { uuid: { value: uuid } }),
    });
    const tell = (rig: Rig, told: OperationStatus): Promise<void> =>
      rig.event({ type: 'UPDATE_OPERATION_STATUS', update_operation_status: { status: told } });
    const rig = await new Rig({ store, handlers: [onOperation] }).start();
    await tell(rig, status('OPERATION_PENDING'));
    await tell(rig, status('OPERATION_PENDING'));
    await tell(rig, status('OPERATION_FINISHED', 'dQ=='));
    await tell(rig, status('OPERATION_FINISHED', 'dQ=='));
    // The answer of the master to a question, and one of a master that has forgotten it.
    await tell(rig, status('OPERATION_FINISHED'));
    await tell(rig, status('OPERATION_UNKNOWN'));
    expect(states).to.deep.equal(['OPERATION_PENDING', 'OPERATION_FINISHED']);
    const type = 'ACKNOWLEDGE_OPERATION_STATUS';
    expect(rig.take()).to.deep.equal([type, type]);
    expect(rig.runtime.view.openOperations).to.equal(0);
    expect(rig.runtime.view.counters).to.include({
      operation_updates: 6,
      operation_updates_repeated: 1,
      operation_updates_without_news: 3,
    });
    await rig.close();

    const again = await new Rig({ store, handlers: [onOperation] }).start();
    again.take();
    await tell(again, status('OPERATION_FINISHED', 'dQ=='));
    expect(again.take()).to.deep.equal([type]);
    expect(states).to.have.length(2);
    await again.close();
  });

  it('tells of an operation again when its handler had failed', async () => {
    const store = new MemoryStore();
    let calls = 0;
    const failing = handler('operation', () => {
      calls++;
      throw new Error('not today');
    });
    const told = {
      operation_id: { value: 'op' },
      agent_id: { value: 'A1' },
      state: 'OPERATION_FINISHED',
      uuid: { value: 'dQ==' },
    } as const;
    const event = {
      type: 'UPDATE_OPERATION_STATUS',
      update_operation_status: { status: told },
    } as const;
    const rig = await new Rig({
      store,
      handlers: [failing, handler('error', () => undefined)],
    }).start();
    await rig.event(event);
    await rig.world.settle();
    expect(rig.outcome).to.be.instanceOf(Error);
    const again = await new Rig({
      store,
      handlers: [handler('operation', () => void calls++)],
    }).start();
    await again.event(event);
    expect(calls).to.equal(2);
    await again.close();
  });

  it('does not take a task back to a stage that it has passed, unless the master says so', async () => {
    const seen: string[] = [];
    const onStatus = handler('status', ({ state }: TaskUpdate) => void seen.push(state));
    const rig = await new Rig({ handlers: [keepOne, onStatus] }).start();
    const id = await launched(rig);
    // The answer to a question comes before what was on its way when the connection was lost.
    await rig.update(id, 'TASK_RUNNING', { reason: 'REASON_RECONCILIATION' });
    rig.take();
    await rig.update(id, 'TASK_STARTING', { uuid: 'dQ==' });
    expect(seen).to.deep.equal(['RUNNING']);
    expect(rig.runtime.view.tasks.get(id)?.state).to.equal('RUNNING');
    expect(rig.runtime.view.counters.updates_outdated).to.equal(1);
    expect(rig.take()).to.deep.equal(['RECONCILE', 'ACKNOWLEDGE']);
    await rig.update(id, 'TASK_STARTING', { uuid: 'dQ==' });
    expect(rig.take()).to.deep.equal(['ACKNOWLEDGE']);

    await rig.update(id, 'TASK_STARTING', { reason: 'REASON_RECONCILIATION' });
    expect(seen).to.deep.equal(['RUNNING', 'STARTING']);
    await rig.update(id, 'TASK_RUNNING', { uuid: 'dR==' });
    await rig.update(id, 'TASK_FINISHED', { uuid: 'dS==' });
    await rig.update(id, 'TASK_RUNNING', { uuid: 'dT==' });
    expect(seen).to.deep.equal(['RUNNING', 'STARTING', 'RUNNING', 'FINISHED']);
    await rig.close();
  });

  it('acknowledges operations when they were handled', async () => {
    const states: string[] = [];
    const onOperation = handler('operation', (event: { state: string }) => {
      states.push(event.state);
    });
    const rig = await new Rig({ handlers: [onOperation] }).start();
    const operation = {
      operation_id: { value: 'op' },
      agent_id: { value: 'A1' },
      state: 'OPERATION_FINISHED' as const,
      uuid: { value: 'dQ==' },
    };
    const type = 'UPDATE_OPERATION_STATUS';
    await rig.event({ type, update_operation_status: { status: operation } });
    expect(states).to.deep.equal(['OPERATION_FINISHED']);
    expect(rig.take()).to.deep.equal(['ACKNOWLEDGE_OPERATION_STATUS']);
    await rig.close();
  });
});

describe('Launches', () => {
  it('are in the store before the ACCEPT is sent', async () => {
    const world = new VirtualWorld();
    const store = new MemoryStore({ delay: { clock: world.clock, commitMs: () => 10 } });
    const rig = new Rig({ world, store, handlers: [keepOne] });
    rig.run();
    await world.advance(100);
    await rig.subscribe();
    await world.advance(100);
    rig.take();
    await rig.offer(rig.newOffer());
    expect(rig.take()).to.deep.equal([]);
    await world.advance(11);
    expect(store.medium.list('tasks/')).to.have.length(1);
    expect(rig.take()).to.deep.equal(['ACCEPT']);
    const closing = rig.runtime.close();
    await world.advance(100);
    await closing;
  });

  it('are dropped at once when the session was over before they could be sent', async () => {
    const world = new VirtualWorld();
    const store = new MemoryStore({ delay: { clock: world.clock, commitMs: () => 10 } });
    const lost: string[] = [];
    const rig = new Rig({
      world,
      store,
      handlers: [
        handler('offers', (offers: Offers) => (offers.isEmpty ? undefined : offers.keep(1, WEB))),
        handler('lost', ({ state, task: { message } }: TaskUpdate) => {
          lost.push(`${state}: ${message}`);
        }),
      ],
    });
    rig.run();
    await world.advance(100);
    await rig.subscribe();
    await world.advance(100);
    await rig.offer(rig.newOffer());
    await rig.breakStream();
    await world.advance(40);
    expect(lost).to.have.length(1);
    expect(lost[0]).to.contain('DROPPED: The task was not launched');
    const closing = rig.runtime.close();
    await world.advance(100);
    await closing;
  });

  it('are dropped, and the offer given back, when the master refuses the ACCEPT', async () => {
    const { PlateauError } = await import('../../../../core/base/index.js');
    const rig = await new Rig({
      handlers: [
        handler('offers', (offers: Offers) => (offers.isEmpty ? undefined : offers.fit(WEB))),
      ],
    }).start();
    rig.transport.answer = (call) =>
      call.type === 'ACCEPT'
        ? Promise.reject(new PlateauError('CALL_REFUSED', 'bad'))
        : Promise.resolve();
    await rig.offer(rig.newOffer());
    expect(rig.runtime.view.tasks.all()[0]?.state).to.equal('DROPPED');
    expect(rig.calls('DECLINE')[0]?.decline?.offer_ids).to.deep.equal([{ value: 'O1' }]);
    await rig.close();
  });

  it('that may have arrived are left to reconciliation in a new session', async () => {
    const { PlateauError } = await import('../../../../core/base/index.js');
    const rig = await new Rig({ handlers: [keepOne] }).start();
    rig.transport.answer = () =>
      Promise.reject(new PlateauError('MASTER_UNREACHABLE', 'gone', { retriable: true }));
    await rig.offer(rig.newOffer());
    rig.transport.answer = () => Promise.resolve();
    expect(rig.runtime.view.tasks.all()[0]?.state).to.equal('LAUNCHING');
    await rig.world.advance(300);
    expect(rig.transport.sessions).to.have.length(2);
    await rig.subscribe();
    expect(rig.calls('RECONCILE')[0]?.reconcile?.tasks).to.have.length(1);
    await rig.close();
  });
});
