import { expect } from 'chai';
import {
  VirtualWorld,
  canRunPromises,
  runPromises,
  setRepeatingTimer,
} from '../../../core/base/index.js';

/** Ten timers due at one moment, two more around it, and what they start. */
async function orderOf(seed: string): Promise<string> {
  const world = new VirtualWorld({ seed });
  const order: string[] = [];
  for (let index = 0; index < 10; index++) world.clock.setTimer(5, () => order.push(`t${index}`));
  world.clock.setTimer(9, () => order.push('late'));
  world.clock.setTimer(1, () => order.push(`early ${world.ids.uuid()} ${world.random.next()}`));
  await world.advance(10);
  return order.join(',');
}

describe('VirtualWorld', () => {
  it('gives the same run for the same seed', async () => {
    expect(await orderOf('a')).to.equal(await orderOf('a'));
  });

  it('permutes events of one moment between seeds and keeps those of different moments', async () => {
    const orders = await Promise.all(Array.from({ length: 20 }, (_, seed) => orderOf(`s${seed}`)));
    const ties = orders.map((order) => order.split(',').slice(1, -1).join());
    expect(new Set(ties).size).to.be.greaterThan(15);
    for (const order of orders) expect(order).to.match(/^early .*,late$/);
  });

  it('starts at the wall time that it was given and moves it with time and by jumps', async () => {
    const world = new VirtualWorld({ startMs: 1_000_000 });
    await world.advance(250);
    expect([world.clock.now(), world.clock.elapsed()]).to.deep.equal([1_000_250, 250]);
    world.clock.jump(-500);
    expect([world.clock.now(), world.clock.elapsed()]).to.deep.equal([999_750, 250]);
  });

  it('runs a timer at its moment, negative delays now, disposed ones never', async () => {
    const world = new VirtualWorld();
    const times: number[] = [];
    world.clock.setTimer(-5, () => times.push(world.clock.elapsed()));
    world.clock.setTimer(7, () => times.push(world.clock.elapsed()));
    world.clock.setTimer(3, () => times.push(world.clock.elapsed())).dispose();
    expect(world.clock.pendingTimers).to.equal(2);
    await world.settle();
    expect(times).to.deep.equal([0]);
    await world.advance(100);
    expect(times).to.deep.equal([0, 7]);
    expect(world.clock.elapsed()).to.equal(100);
  });

  it('moves on when a timer waits for less than its time can tell', async () => {
    const world = new VirtualWorld();
    const { clock } = world;
    let count = 0;
    await world.advance(1e6);
    const again = (): void => {
      count++;
      if (count < 1_000) clock.setTimer(1e-11, again);
    };
    again();
    await world.advance(0);
    expect(count).to.equal(1);
    await world.advance(0.5);
    expect(count).to.be.within(400, 600);
    await world.advance(1);
    expect(count).to.equal(1_000);
  });

  it('runs promises to their end between two events', async () => {
    const world = new VirtualWorld();
    const order: string[] = [];
    const chain = async (name: string): Promise<void> => {
      for (let step = 0; step < 20; step++) await Promise.resolve();
      order.push(`end of ${name}`);
    };
    for (const name of ['one', 'other']) {
      world.clock.setTimer(1, () => {
        order.push(`start of ${name}`);
        void chain(name);
      });
    }
    await world.advance(1);
    const first = order[0]?.slice('start of '.length) ?? '';
    const second = first === 'one' ? 'other' : 'one';
    expect(order).to.deep.equal([
      `start of ${first}`,
      `end of ${first}`,
      `start of ${second}`,
      `end of ${second}`,
    ]);
  });

  it('repeats until disposed, also from within', async () => {
    const world = new VirtualWorld();
    let count = 0;
    const timer = setRepeatingTimer(world.clock, 10, () => {
      count += 1;
      if (count === 3) timer.dispose();
    });
    await world.advance(9);
    expect(count).to.equal(0);
    await world.advance(91);
    expect(count).to.equal(3);
    expect(world.clock.pendingTimers).to.equal(0);
  });

  it('keeps a thousand timers in order', async () => {
    const world = new VirtualWorld({ seed: 'many' });
    const due: number[] = [];
    for (let index = 0; index < 1000; index++) {
      const delay = world.random.below(500);
      world.clock.setTimer(delay, () => due.push(delay));
    }
    await world.advance(500);
    expect(due).to.have.length(1000);
    expect(due).to.deep.equal(due.toSorted((one, other) => one - other));
  });

  it('forgets timers that were disposed of, however far away their moment is', async () => {
    const world = new VirtualWorld();
    const far = Array.from({ length: 5_000 }, () => world.clock.setTimer(1e9, () => {}));
    let calls = 0;
    world.clock.setTimer(2e9, () => calls++);
    for (const timer of far) timer.dispose();
    for (const timer of far) timer.dispose();
    expect(world.clock.pendingTimers).to.equal(1);
    await world.advance(2e9);
    expect({ calls, pending: world.clock.pendingTimers, events: world.clock.events }).to.deep.equal(
      { calls: 1, pending: 0, events: 1 },
    );
  });

  it('runs promises, and timers that they set, before what is due at the same moment after', async () => {
    const world = new VirtualWorld();
    const order: string[] = [];
    world.clock.setTimer(1, () => {
      void Promise.resolve()
        .then(() => new Promise<void>((resolve) => world.clock.setTimer(1, resolve)))
        .then(() => order.push('chained'));
      process.nextTick(() => order.push('next tick'));
      queueMicrotask(() => order.push('microtask'));
    });
    world.clock.setTimer(1.5, () => order.push('later'));
    await world.advance(10);
    expect(order.slice(2)).to.deep.equal(['later', 'chained']);
    expect(order.slice(0, 2).toSorted()).to.deep.equal(['microtask', 'next tick']);
  });

  it('hands over what a callback throws, and goes on from there', async () => {
    const world = new VirtualWorld();
    let calls = 0;
    world.clock.setTimer(1, () => {
      throw new Error('on purpose');
    });
    world.clock.setTimer(2, () => calls++);
    const error: unknown = await world.advance(10).catch((reason: unknown) => reason);
    expect(error).to.have.property('message', 'on purpose');
    expect({ calls, elapsed: world.clock.elapsed() }).to.deep.equal({ calls: 0, elapsed: 1 });
    await world.advance(10);
    expect(calls).to.equal(1);
  });

  it('lets the process do other things in a long stretch of time', async () => {
    const world = new VirtualWorld();
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    setRepeatingTimer(world.clock, 1, () => {});
    await world.advance(50_000);
    isOver = true;
    expect(turns).to.be.within(4, 50);
  });
});

describe('runPromises', () => {
  it('works in a callback of the event loop, and says that it does not in one of a promise', async () => {
    await Promise.resolve();
    expect(canRunPromises()).to.equal(false);
    const ran = await new Promise<readonly string[]>((resolve) => {
      setImmediate(() => {
        const order: string[] = [];
        void Promise.resolve()
          .then(() => order.push('one'))
          .then(() => order.push('two'));
        runPromises();
        order.push(String(canRunPromises()));
        resolve(order);
      });
    });
    expect(ran).to.deep.equal(['one', 'two', 'true']);
  });
});
