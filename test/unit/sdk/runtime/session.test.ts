import { expect } from 'chai';
import { PlateauError, VirtualWorld } from '../../../../core/base/index.js';
import { MemoryStore } from '../../../../core/store/index.js';
import { task, teardown } from '../../../../sdk/decisions/index.js';
import type { Connected, Disconnected, TaskUpdate } from '../../../../sdk/framework/index.js';
import type { Offers } from '../../../../sdk/matching/index.js';
import { FrameworkRemovedError } from '../../../../sdk/runtime/index.js';
import { Rig, handler } from './support.js';

const WEB = task({ name: 'web', cpus: 1, memMiB: 64, command: 'sleep 100' });
const keepOne = handler('offers', (offers: Offers) => offers.keep(1, WEB));

describe('Subscriptions', () => {
  it('stores the framework id before anything else happens', async () => {
    const world = new VirtualWorld();
    const store = new MemoryStore({ delay: { clock: world.clock, commitMs: () => 10 } });
    const connected: Connected[] = [];
    const rig = new Rig({
      world,
      store,
      handlers: [keepOne, handler('connected', (event: Connected) => void connected.push(event))],
    });
    rig.run();
    await world.advance(100);
    await rig.subscribe('F7');
    await rig.offer(rig.newOffer());
    expect([connected.length, rig.calls().length]).to.deep.equal([0, 0]);
    await world.advance(10);
    expect(store.medium.get('framework/id')?.value).to.equal('F7');
    expect(connected).to.deep.equal([
      { frameworkId: 'F7', master: 'master:5050', first: true, failover: false },
    ]);
    await world.advance(30);
    expect(rig.calls('ACCEPT')).to.have.length(1);
    const closing = rig.runtime.close();
    await world.advance(100);
    await closing;
  });

  it('tells `connected` once a session, with first and failover, though SUBSCRIBED comes again', async () => {
    const store = new MemoryStore();
    const seen: string[] = [];
    const handlers = [
      handler('connected', ({ first, failover }: Connected) => {
        seen.push(`${first} ${failover}`);
      }),
    ];
    const rig = await new Rig({ store, handlers }).start();
    await rig.subscribe();
    await rig.breakStream();
    await rig.world.advance(1_000);
    await rig.subscribe();
    await rig.close();
    const next = await new Rig({ store, handlers }).start();
    expect(next.transport.last.subscribe.framework_id).to.deep.equal({ value: 'F1' });
    expect(seen).to.deep.equal(['true false', 'false false', 'false true']);
    await next.close();
  });

  it('reconnects with waits that grow, and says so', async () => {
    const waits: (number | undefined)[] = [];
    const rig = await new Rig({
      handlers: [
        handler('disconnected', ({ retryInMs }: Disconnected) => void waits.push(retryInMs)),
      ],
    }).start();
    for (let round = 0; round < 8; round++) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.breakStream();
      expect(rig.runtime.view.connection).to.equal('disconnected');
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.world.advance(15_000);
    }
    expect(rig.transport.sessions).to.have.length(9);
    for (const [index, wait] of waits.entries()) {
      expect(wait).to.be.within(0, Math.min(15_000, 250 * 2 ** index));
    }
    await rig.close();
  });

  it('gives a silent master up after five missed heartbeats', async () => {
    const rig = await new Rig().start();
    await rig.world.advance(74_000);
    expect(rig.transport.sessions).to.have.length(1);
    await rig.event({ type: 'HEARTBEAT' });
    await rig.world.advance(74_000);
    expect(rig.transport.sessions).to.have.length(1);
    await rig.world.advance(2_000);
    expect(rig.transport.sessions).to.have.length(2);
    expect(rig.transport.sessions[0]?.isClosed).to.equal(true);
    await rig.close();
  });

  it('does not take its own slowness for silence of the master', async () => {
    let go = (): void => {};
    const rig = await new Rig({
      limits: { maxQueuedTurns: 1 },
      handlers: [
        handler('message', () => new Promise<void>((resolve) => (go = resolve)), {
          timeoutMs: 600_000,
        }),
      ],
    }).start();
    const message = {
      agent_id: { value: 'A1' },
      executor_id: { value: 'E' },
      data: 'dQ==',
    };
    expect(rig.give({ type: 'MESSAGE', message })).to.equal(undefined);
    const held = rig.give({ type: 'MESSAGE', message });
    expect(held).to.be.instanceOf(Promise);
    await rig.world.advance(200_000);
    expect(rig.transport.sessions).to.have.length(1);
    go();
    await held;
    await rig.world.settle();
    go();
    await rig.world.settle();
    await rig.close();
  });

  it('does not retry what cannot get better', async () => {
    const rig = await new Rig().start();
    await rig.event({ type: 'ERROR', error: { message: 'Role is not allowed' } });
    expect(rig.outcome).to.include({ code: 'CALL_REFUSED' });
    expect(rig.world.clock.pendingTimers).to.equal(0);
  });

  it('counts as fenced when another copy has subscribed: one that stands by goes on', async () => {
    const rig = await new Rig().start();
    await rig.event({ type: 'ERROR', error: { message: 'Framework failed over' } });
    expect(rig.outcome).to.include({ code: 'FENCED' });
  });

  it('forgets all offers of a session that is over', async () => {
    const rig = await new Rig({ handlers: [keepOne] }).start();
    rig.runtime.pause();
    rig.runtime.resume();
    await rig.offer(rig.newOffer());
    await rig.breakStream();
    await rig.world.advance(1_000);
    await rig.subscribe();
    await rig.world.advance(1_000);
    expect(rig.calls('DECLINE')).to.have.length(0);
    await rig.close();
  });
});

describe('Removed frameworks', () => {
  it('end with an error of their own class', async () => {
    const rig = await new Rig().start();
    await rig.event({ type: 'ERROR', error: { message: 'Framework has been removed' } });
    expect(rig.outcome).to.be.instanceOf(FrameworkRemovedError);
    expect(rig.outcome).to.include({ code: 'FRAMEWORK_REMOVED', frameworkId: 'F1' });
  });

  it('begin anew under another id when told to: old tasks are lost, handlers learn of it', async () => {
    const store = new MemoryStore();
    const lost: string[] = [];
    const connected: Connected[] = [];
    const rig = await new Rig({
      store,
      settings: { onRemoved: 'reregister' },
      handlers: [
        handler('offers', (offers: Offers) => (offers.isEmpty ? undefined : offers.fit(WEB))),
        handler('lost', ({ task: { id }, state }: TaskUpdate) => void lost.push(`${id} ${state}`)),
        handler('connected', (event: Connected) => void connected.push(event)),
      ],
    }).start();
    await rig.offer(rig.newOffer());
    const id = rig.runtime.view.tasks.all()[0]?.id;
    await rig.event({ type: 'ERROR', error: { message: 'Framework has been removed' } });
    expect(lost).to.deep.equal([`${id} LOST`]);
    expect(await store.get('framework/id')).to.equal(undefined);
    await rig.world.advance(1_000);
    expect(rig.transport.last.subscribe.framework_id).to.equal(undefined);
    await rig.subscribe('F2');
    expect(connected.at(-1)).to.include({ frameworkId: 'F2', first: true, failover: false });
    expect((await store.get('framework/id'))?.value).to.equal('F2');
    expect((await store.get('framework/epoch'))?.value).to.equal('1');
    await rig.close();
  });
});

describe('Teardown', () => {
  it('ends the framework, its tasks and its id', async () => {
    const store = new MemoryStore();
    const rig = await new Rig({ store, handlers: [keepOne] }).start();
    await rig.offer(rig.newOffer());
    void rig.runtime.decide(teardown());
    await rig.world.settle();
    expect(rig.calls('TEARDOWN')).to.have.length(1);
    expect(rig.outcome).to.equal('closed');
    expect(await store.get('framework/id')).to.equal(undefined);
    const [record] = await store.list('tasks/');
    expect(record?.value).to.contain('"state":"KILLED"');
    expect(rig.world.clock.pendingTimers).to.equal(0);
  });

  it('is sent again in the next session when the answer was lost', async () => {
    const rig = await new Rig().start();
    rig.transport.answer = () =>
      Promise.reject(new PlateauError('MASTER_UNREACHABLE', 'gone', { retriable: true }));
    void rig.runtime.decide(teardown());
    await rig.world.settle();
    await rig.breakStream();
    rig.transport.answer = () => Promise.resolve();
    await rig.world.advance(1_000);
    await rig.subscribe();
    expect(rig.calls('TEARDOWN')).to.have.length(1);
    expect(rig.outcome).to.equal('closed');
  });
});
