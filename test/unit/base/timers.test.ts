import { expect } from 'chai';
import { Timers, VirtualWorld } from '../../../core/base/index.js';

describe('Timers', () => {
  it('fires once, or again and again, until disposed of', async () => {
    const world = new VirtualWorld();
    const timers = new Timers(world.clock);
    const fired: string[] = [];
    timers.after(10, () => fired.push('once'));
    const repeating = timers.every(4, () => fired.push('again'));
    await world.advance(9);
    repeating.dispose();
    await world.advance(100);
    expect(fired).to.deep.equal(['again', 'again', 'once']);
  });

  it('lets nothing fire after its owner has ended', async () => {
    const world = new VirtualWorld();
    const timers = new Timers(world.clock);
    let count = 0;
    timers.after(1, () => count++);
    timers.every(1, () => count++);
    timers.dispose();
    timers.after(1, () => count++);
    await world.advance(10);
    expect(count).to.equal(0);
    expect(world.clock.pendingTimers).to.equal(0);
    expect(timers.isDisposed).to.equal(true);
  });

  it('hands over what a callback throws, and goes on', async () => {
    const world = new VirtualWorld();
    const errors: unknown[] = [];
    const timers = new Timers(world.clock, (error) => errors.push(error));
    timers.every(1, () => {
      throw new Error('broken');
    });
    await world.advance(2);
    expect(errors.map(String)).to.deep.equal(['Error: broken', 'Error: broken']);
  });
});
