import { expect } from 'chai';
import { Subject, of } from 'rxjs';
import { hold, kill, task, want } from '../../../../sdk/decisions/index.js';
import type { Context, Trouble } from '../../../../sdk/framework/index.js';
import type { Offers } from '../../../../sdk/matching/index.js';
import { MemoryStore } from '../../../../core/store/index.js';
import { Rig, handler } from './support.js';

const WEB = task({ name: 'web', cpus: 1, memMiB: 64, command: 'sleep 100' });
const STATUS = { uuid: 'dQ==' };

function troubles(): { readonly seen: string[]; readonly onError: ReturnType<typeof handler> } {
  const seen: string[] = [];
  const onError = handler('error', ({ error, where, policy }: Trouble) => {
    seen.push(`${where} ${policy}: ${error.message}`);
  });
  return { seen, onError };
}

describe('Handlers that fail', () => {
  it('crash the framework loudly by default: nothing of the turn is recorded or acknowledged', async () => {
    const store = new MemoryStore();
    const { seen, onError } = troubles();
    const onStatus = handler('status', () => {
      throw new Error('oops');
    });
    const rig = await new Rig({ store, handlers: [onStatus, onError] }).start();
    await rig.update('stray', 'TASK_RUNNING', STATUS);
    expect(rig.outcome).to.include({ code: 'HANDLER_FAILED' });
    expect(String(rig.outcome)).to.contain('oops');
    expect(seen).to.deep.equal(['status crash: oops']);
    expect(rig.calls()).to.deep.equal([]);
    expect(await store.list('tasks/')).to.deep.equal([]);
    expect(rig.world.clock.pendingTimers).to.equal(0);
  });

  it('are called again with the same event when their policy is `retry`, then crash', async () => {
    const { seen, onError } = troubles();
    const states: string[] = [];
    const onStatus = handler(
      'status',
      ({ state }: { state: string }) => {
        states.push(state);
        return Promise.reject(new Error('busy'));
      },
      { onError: 'retry', retries: 2, backoffMs: 1_000 },
    );
    const rig = await new Rig({ handlers: [onStatus, onError] }).start();
    await rig.update('stray', 'TASK_RUNNING', STATUS);
    await rig.pass(10_000);
    expect(states).to.deep.equal(['RUNNING', 'RUNNING', 'RUNNING']);
    expect(seen).to.deep.equal(['status retry: busy', 'status retry: busy', 'status crash: busy']);
    expect(rig.outcome).to.include({ code: 'HANDLER_FAILED' });
  });

  it('decline offers that come while one of them is waited for', async () => {
    let isBroken = true;
    const onStatus = handler(
      'status',
      () => {
        if (isBroken) throw new Error('busy');
      },
      { onError: 'retry' },
    );
    const rig = await new Rig({ handlers: [onStatus, handler('offers', () => undefined)] }).start();
    await rig.update('stray', 'TASK_RUNNING', STATUS);
    await rig.offer(rig.newOffer());
    expect(rig.calls('DECLINE')[0]?.decline?.filters?.refuse_seconds).to.be.within(5, 5.5);
    expect(rig.calls('ACKNOWLEDGE')).to.have.length(0);
    isBroken = false;
    await rig.world.advance(2_000);
    expect(rig.calls('ACKNOWLEDGE')).to.have.length(1);
    await rig.close();
  });

  it('decline the offers they failed on, and are called with later ones', async () => {
    let failures = 0;
    const onOffers = handler(
      'offers',
      (offers: Offers) => {
        if (offers.isEmpty || failures++ > 0) return offers.fit(WEB);
        throw new Error('busy');
      },
      { onError: 'retry' },
    );
    const rig = await new Rig({ handlers: [onOffers] }).start();
    await rig.offer(rig.newOffer());
    expect(rig.take()).to.deep.equal(['DECLINE']);
    await rig.world.advance(2_000);
    await rig.offer(rig.newOffer());
    expect(rig.take()).to.deep.equal(['ACCEPT']);
    await rig.close();
  });

  it('are passed over when their policy is `skip`: the event counts as dealt with', async () => {
    const { seen, onError } = troubles();
    const onStatus = handler('status', () => hold({ id: { value: 'O9' } }, { for: '1s' }), {
      onError: 'skip',
    });
    const rig = await new Rig({ handlers: [onStatus, onError] }).start();
    await rig.update('stray', 'TASK_RUNNING', STATUS);
    expect(rig.calls('ACKNOWLEDGE')).to.have.length(1);
    expect(seen[0]).to.contain("status skip: The decision cannot be carried out: offer 'O9'");
    await rig.close();
  });

  it('may take only so long', async () => {
    const onStatus = handler('status', () => new Promise(() => {}), { timeoutMs: 2_000 });
    const rig = await new Rig({ handlers: [onStatus] }).start();
    await rig.update('stray', 'TASK_RUNNING', STATUS);
    await rig.world.advance(2_100);
    expect(String(rig.outcome)).to.contain('took longer than 2000 ms');
    expect(rig.world.clock.pendingTimers).to.equal(0);
  });

  it('are not told of their own failure when they are the error handler', async () => {
    let calls = 0;
    const onError = handler(
      'error',
      () => {
        calls++;
        throw new Error('worse');
      },
      { onError: 'skip' },
    );
    const onStatus = handler('status', () => Promise.reject(new Error('bad')), { onError: 'skip' });
    const rig = await new Rig({ handlers: [onStatus, onError] }).start();
    await rig.update('stray', 'TASK_RUNNING', STATUS);
    expect(calls).to.equal(1);
    expect(rig.outcome).to.equal(undefined);
    await rig.close();
  });

  it('with an answer of another kind are told what to return', async () => {
    const rig = new Rig({ handlers: [handler('offers', () => 'yes')] });
    rig.run();
    await rig.world.settle();
    expect(String(rig.outcome)).to.contain('it is a string');
  });
});

describe('What handlers return', () => {
  it('may be a promise, a stream, or an async iterable', async () => {
    const decisions = [want({ name: 'a', count: 1 }), want({ name: 'b', count: 1 })];
    async function* generate(): AsyncGenerator<(typeof decisions)[number]> {
      for (const decision of decisions) yield decision;
    }
    for (const result of [() => Promise.resolve(decisions), () => of(...decisions), generate]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const rig = await new Rig({ handlers: [handler('start', result)] }).start();
      expect(rig.runtime.view.wants?.map(({ name }) => name)).to.deep.equal(['a', 'b']);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.close();
    }
  });

  it('is let go when the time is over', async () => {
    const stream = new Subject<undefined>();
    const rig = new Rig({ handlers: [handler('start', () => stream, { timeoutMs: 1_000 })] });
    rig.run();
    await rig.world.settle();
    expect(stream.observed).to.equal(true);
    await rig.world.advance(1_000);
    expect(stream.observed).to.equal(false);
  });
});

describe('When handlers are called', () => {
  it('calls `offers` without offers at the start, before it subscribes', async () => {
    const sizes: number[] = [];
    const rig = new Rig({
      handlers: [
        handler('start', () => void sizes.push(-1)),
        handler('offers', (offers: Offers) => void sizes.push(offers.size)),
      ],
    });
    rig.run();
    await rig.world.settle();
    expect(sizes).to.deep.equal([-1, 0]);
    await rig.close();
  });

  it('calls `offers` once for many changes', async () => {
    let calls = 0;
    const rig = await new Rig({ handlers: [handler('offers', () => void calls++)] }).start();
    expect(calls).to.equal(1);
    for (let index = 0; index < 50; index++) {
      void rig.give({
        type: 'UPDATE',
        update: { status: { task_id: { value: `T${index}` }, state: 'TASK_RUNNING' } },
      });
    }
    await rig.world.advance(100);
    expect(calls).to.equal(2);
    await rig.close();
  });

  it('calls `every` in its interval, also while it is not connected, and never two at a time', async () => {
    let calls = 0;
    let go = (): void => {};
    const every = handler(
      'every',
      () => {
        calls++;
        return new Promise<void>((resolve) => (go = resolve));
      },
      { everyMs: 1_000, timeoutMs: 600_000 },
    );
    const rig = new Rig({ handlers: [every] });
    rig.run();
    await rig.world.advance(5_500);
    expect(calls).to.equal(1);
    go();
    await rig.world.settle();
    expect(calls).to.equal(2);
    go();
    await rig.world.advance(1_000);
    expect(calls).to.equal(3);
    go();
    await rig.world.settle();
    await rig.close();
  });

  it('gives them the tasks of an agent that failed, and of one that is to be maintained', async () => {
    const seen: string[] = [];
    const note = (event: { tasks: readonly { id: string }[] }): void => {
      seen.push(event.tasks.map(({ id }) => id).join());
    };
    const rig = await new Rig({
      handlers: [handler('failure', note), handler('inverse-offer', note)],
    }).start();
    await rig.update('T1', 'TASK_RUNNING', { agent_id: { value: 'A1' } });
    await rig.update('T2', 'TASK_RUNNING', { agent_id: { value: 'A2' } });
    await rig.event({ type: 'FAILURE', failure: { agent_id: { value: 'A2' } } });
    const inverse = {
      id: { value: 'I1' },
      framework_id: { value: 'F1' },
      agent_id: { value: 'A1' },
      unavailability: { start: { nanoseconds: 0n } },
    };
    await rig.event({ type: 'INVERSE_OFFERS', inverse_offers: { inverse_offers: [inverse] } });
    expect(seen).to.deep.equal(['T2', 'T1']);
    await rig.close();
  });

  it('carries a decision out at once that a handler awaits', async () => {
    const rig = await new Rig({
      handlers: [
        handler('status', async (_event: unknown, context: Context) => {
          await context.decide(kill('stray'));
        }),
      ],
    }).start();
    await rig.update('stray', 'TASK_RUNNING', STATUS);
    expect(rig.calls().map(({ type }) => type)).to.deep.equal(['KILL', 'ACKNOWLEDGE']);
    await rig.close();
  });
});

describe('The offers handler that keeps failing', () => {
  it('crashes the framework when its retries are used up', async () => {
    let calls = 0;
    const onOffers = handler(
      'offers',
      () => {
        calls++;
        throw new Error('broken');
      },
      { onError: 'retry', retries: 2 },
    );
    const rig = new Rig({ handlers: [onOffers] });
    rig.run();
    await rig.world.advance(30_000);
    expect(calls).to.equal(3);
    expect(rig.outcome).to.include({ code: 'HANDLER_FAILED' });
    expect(rig.world.clock.pendingTimers).to.equal(0);
  });
});
