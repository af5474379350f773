import { expect } from 'chai';
import { TimeoutQueue, Timers, VirtualWorld } from '../../../core/base/index.js';

describe('TimeoutQueue', () => {
  const set = () => {
    const world = new VirtualWorld();
    const timers = new Timers(world.clock);
    const queue = new TimeoutQueue({
      timers,
      clock: world.clock,
      delayMs: 100,
      run: (act: () => void) => act(),
    });
    return { world, timers, queue };
  };

  it('runs each after its own time, in the order in which they were added', async () => {
    const { world, queue } = set();
    const ran: string[] = [];
    queue.add(() => ran.push('one'));
    await world.advance(60);
    queue.add(() => ran.push('two'));
    await world.advance(39);
    expect(ran).to.deep.equal([]);
    await world.advance(1);
    expect(ran).to.deep.equal(['one']);
    await world.advance(60);
    expect(ran).to.deep.equal(['one', 'two']);
  });

  it('does not run what was disposed of, and goes on with what comes later', async () => {
    const { world, queue } = set();
    const ran: string[] = [];
    const first = queue.add(() => ran.push('first'));
    await world.advance(10);
    queue.add(() => ran.push('second'));
    first.dispose();
    first.dispose();
    await world.advance(100);
    expect(ran).to.deep.equal(['second']);
    queue.add(() => ran.push('third'));
    await world.advance(100);
    expect(ran).to.deep.equal(['second', 'third']);
  });

  it('lets what it runs add and dispose of others', async () => {
    const { world, queue } = set();
    const ran: string[] = [];
    queue.add(() => {
      ran.push('one');
      second.dispose();
      queue.add(() => ran.push('three'));
    });
    const second = queue.add(() => ran.push('two'));
    await world.advance(100);
    expect(ran).to.deep.equal(['one']);
    await world.advance(100);
    expect(ran).to.deep.equal(['one', 'three']);
  });

  it('keeps few of those that have ended, and one timer of the clock', async () => {
    const { world, queue } = set();
    const ran: number[] = [];
    for (let index = 0; index < 10_000; index++) {
      const timeout = queue.add(() => ran.push(index));
      if (index % 100 !== 0) timeout.dispose();
    }
    expect(queue.length).to.be.at.most(2_000);
    expect(world.clock.pendingTimers).to.equal(1);
    await world.advance(100);
    expect(ran).to.have.lengthOf(100);
    expect(queue.length).to.equal(0);
  });

  it('runs nothing after its timers were disposed of', async () => {
    const { world, timers, queue } = set();
    let runs = 0;
    queue.add(() => runs++);
    timers.dispose();
    await world.advance(1_000);
    expect(runs).to.equal(0);
  });
});
