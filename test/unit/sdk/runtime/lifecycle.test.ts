import { expect } from 'chai';
import { PlateauError, VirtualWorld } from '../../../../core/base/index.js';
import { MemoryStore } from '../../../../core/store/index.js';
import { stop, task } from '../../../../sdk/decisions/index.js';
import type { Offers } from '../../../../sdk/matching/index.js';
import type { Traffic } from '../../../../sdk/runtime/index.js';
import { Rig, handler } from './support.js';

const WEB = task({ name: 'web', cpus: 1, memMiB: 64, command: 'sleep 100' });
const keepOne = handler('offers', (offers: Offers) => offers.keep(1, WEB));

describe('Closing', () => {
  it('sends what is decided, waits for the store, and leaves no timer', async () => {
    const world = new VirtualWorld();
    const store = new MemoryStore({ delay: { clock: world.clock, commitMs: () => 10 } });
    const rig = new Rig({ world, store, handlers: [keepOne] });
    rig.run();
    await world.advance(100);
    await rig.subscribe();
    await world.advance(100);
    await rig.offer(rig.newOffer());
    let isClosed = false;
    const closing = rig.runtime.close().then(() => (isClosed = true));
    await world.settle();
    expect(isClosed).to.equal(false);
    await world.advance(20);
    await closing;
    expect(rig.calls('ACCEPT')).to.have.length(1);
    expect(rig.transport.last.isClosed).to.equal(true);
    expect(world.clock.pendingTimers).to.equal(0);
    expect(rig.outcome).to.equal('closed');
  });

  it('waits for the handler at work', async () => {
    let go = (): void => {};
    const onStatus = handler('status', () => new Promise<void>((resolve) => (go = resolve)));
    const rig = await new Rig({ handlers: [onStatus] }).start();
    await rig.update('stray', 'TASK_RUNNING', { uuid: 'dQ==' });
    const closing = rig.runtime.close();
    await rig.world.settle();
    expect(rig.outcome).to.equal(undefined);
    go();
    await closing;
    expect(rig.calls('ACKNOWLEDGE')).to.have.length(1);
    expect(rig.world.clock.pendingTimers).to.equal(0);
  });

  it('answers whoever still waits, and whoever comes too late', async () => {
    let go = (): void => {};
    const onStatus = handler('status', () => new Promise<void>((resolve) => (go = resolve)));
    const rig = await new Rig({ handlers: [onStatus] }).start();
    await rig.update('stray', 'TASK_RUNNING');
    const codes: unknown[] = [];
    const note = (error: unknown): void => {
      codes.push(error instanceof PlateauError ? error.code : error);
    };
    void rig.runtime.turn(() => 1).catch(note);
    const closing = rig.runtime.close();
    go();
    await closing;
    await rig.runtime.turn(() => 1).catch(note);
    await rig.runtime.decide(undefined).catch(note);
    expect(codes).to.deep.equal(['STREAM_ENDED', 'STREAM_ENDED', 'STREAM_ENDED']);
  });

  it('is what `stop` does: the tasks go on', async () => {
    const rig = await new Rig({ handlers: [handler('message', () => stop())] }).start();
    const message = { agent_id: { value: 'A1' }, executor_id: { value: 'E' }, data: '' };
    await rig.event({ type: 'MESSAGE', message });
    expect(rig.outcome).to.equal('closed');
    expect(rig.calls()).to.deep.equal([]);
  });

  it('completes the streams of events', async () => {
    const rig = await new Rig().start();
    const seen: string[] = [];
    rig.runtime.events$.subscribe({
      next: ({ type }) => void seen.push(type ?? ''),
      complete: () => void seen.push('complete'),
    });
    await rig.event({ type: 'HEARTBEAT' });
    await rig.close();
    expect(seen).to.deep.equal(['HEARTBEAT', 'complete']);
  });
});

describe('A copy that does not lead any more', () => {
  it('ends at once when the store refuses its epoch, and sends nothing', async () => {
    const store = new MemoryStore();
    const epoch = await store.claimEpoch();
    const rig = await new Rig({ store, epoch, handlers: [keepOne] }).start();
    await store.claimEpoch();
    await rig.offer(rig.newOffer());
    expect(rig.outcome).to.include({ code: 'FENCED' });
    expect(rig.calls()).to.deep.equal([]);
    expect(rig.world.clock.pendingTimers).to.equal(0);
  });

  it('ends at once when it is abandoned', async () => {
    const rig = await new Rig({ handlers: [keepOne] }).start();
    void rig.give({ type: 'OFFERS', offers: { offers: [rig.newOffer()] } });
    await rig.runtime.abandon(new PlateauError('LEASE_LOST', 'lost'));
    expect(rig.outcome).to.include({ code: 'LEASE_LOST' });
    expect(rig.calls()).to.deep.equal([]);
    expect(rig.world.clock.pendingTimers).to.equal(0);
  });
});

describe('Interceptors', () => {
  it('see events and calls, and may change or drop them', async () => {
    const seen: string[] = [];
    const rig = await new Rig({
      handlers: [
        handler('offers', (offers: Offers) => (offers.isEmpty ? undefined : offers.fit(WEB))),
      ],
      interceptors: [
        (traffic: Traffic, next) => {
          const { direction } = traffic;
          const type = direction === 'in' ? traffic.event.type : traffic.call.type;
          seen.push(`${direction} ${type}`);
          if (type !== 'ACCEPT') next(traffic);
        },
      ],
    }).start();
    await rig.offer(rig.newOffer());
    expect(seen.slice(0, 4)).to.deep.equal([
      'out SUBSCRIBE',
      'in SUBSCRIBED',
      'in OFFERS',
      'out ACCEPT',
    ]);
    expect(rig.runtime.view.tasks.all()[0]?.state).to.equal('DROPPED');
    await rig.close();
  });
});

describe('Back-pressure', () => {
  it('lets nothing more in while too many events wait', async () => {
    let go = (): void => {};
    const onMessage = handler('message', () => new Promise<void>((resolve) => (go = resolve)));
    const rig = await new Rig({ limits: { maxQueuedTurns: 2 }, handlers: [onMessage] }).start();
    const message = { agent_id: { value: 'A1' }, executor_id: { value: 'E' }, data: '' };
    const waits = [1, 2, 3].map(() => rig.give({ type: 'MESSAGE', message }));
    expect(waits.map((wait) => wait === undefined)).to.deep.equal([true, true, false]);
    let isIn = false;
    void Promise.resolve(waits[2]).then(() => (isIn = true));
    await rig.world.settle();
    expect(isIn).to.equal(false);
    go();
    await rig.world.settle();
    expect(isIn).to.equal(true);
    go();
    await rig.world.settle();
    go();
    await rig.world.settle();
    await rig.close();
  });

  it('waits with the next turn while too many are not durable', async () => {
    const world = new VirtualWorld();
    const store = new MemoryStore({ delay: { clock: world.clock, commitMs: () => 10 } });
    const rig = new Rig({ world, store, limits: { maxUncommittedTurns: 3 } });
    rig.run();
    await world.advance(100);
    await rig.subscribe();
    await world.advance(100);
    for (let index = 0; index < 10; index++) {
      const status = { task_id: { value: `T${index}` }, state: 'TASK_RUNNING' as const };
      void rig.give({ type: 'UPDATE', update: { status } });
    }
    expect(rig.runtime.view.uncommitted).to.equal(3);
    expect(rig.runtime.view.queueDepth).to.equal(7);
    await world.advance(100);
    expect(rig.runtime.view.tasks.size).to.equal(10);
    const closing = rig.runtime.close();
    await world.advance(100);
    await closing;
  });
});

describe('The view', () => {
  it('tells the last decisions, and why a task waits', async () => {
    const rig = await new Rig({
      handlers: [
        handler('offers', (offers: Offers) => [
          offers.keep(1, WEB),
          offers.keep(1, task({ ...WEB, name: 'huge', cpus: 100 })),
        ]),
      ],
    }).start();
    await rig.offer(rig.newOffer());
    await rig.world.advance(1_000);
    const { decisions, unplaced, connection, wants, counters } = rig.runtime.view;
    expect(decisions[0]?.launched[0]).to.include({ name: 'web', hostname: 'host-A1' });
    expect(unplaced.map(({ name, refusals }) => `${name} ${refusals[0]?.reason}`)).to.deep.equal([
      'huge RESOURCE',
    ]);
    expect(wants?.map(({ name, count }) => `${name} ${count}`)).to.deep.equal(['huge 1']);
    expect(connection).to.equal('subscribed');
    expect(counters).to.include({ tasks_launched: 1, offers_accepted: 1 });
    await rig.close();
  });
});
