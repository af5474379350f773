import { expect } from 'chai';
import { SeededRandom, VirtualWorld } from '../../../core/base/index.js';
import { Backoff, Pause } from '../../../core/client/index.js';

describe('Backoff', () => {
  it('draws below a limit that doubles up to the largest, also after thousands of failures', () => {
    const backoff = new Backoff(new SeededRandom('backoff'), { baseMs: 100, maxMs: 1_000 });
    const limits = [100, 200, 400, 800, 1_000, 1_000];
    for (const limit of limits) expect(backoff.next()).to.be.within(0, limit);
    const late = Array.from({ length: 10_000 }, () => backoff.next());
    expect(Math.max(...late)).to.be.within(900, 1_000);
    expect(Math.min(...late)).to.be.within(0, 100);
    backoff.reset();
    expect(backoff.next()).to.be.within(0, 100);
  });
});

describe('Pause', () => {
  it('ends after its time, or at once when told', async () => {
    const world = new VirtualWorld();
    const pause = new Pause(world.clock);
    let waits = 0;
    const first = pause.wait(1_000).then(() => waits++);
    await world.advance(999);
    expect(waits).to.equal(0);
    await world.advance(1);
    await first;
    const second = pause.wait(1_000);
    pause.end();
    await second;
    expect(world.clock.pendingTimers).to.equal(0);
  });
});
