import { expect } from 'chai';
import { VirtualWorld } from '../../../core/base/index.js';
import { MemoryMedium, MemoryStore } from '../../../core/store/index.js';

const put = (key: string) => ({ puts: [{ key, value: key }] });

describe('MemoryStore', () => {
  it('commits after the delay of its clock, and shows nothing before', async () => {
    const world = new VirtualWorld();
    const store = new MemoryStore({ delay: { clock: world.clock, commitMs: () => 30 } });
    const log: string[] = [];
    void store.transact(put('a')).then(() => log.push(`a at ${world.clock.elapsed()}`));
    await world.advance(20);
    void store.transact(put('b')).then(() => log.push(`b at ${world.clock.elapsed()}`));
    expect(await store.get('a')).to.equal(undefined);
    expect(store.pendingWrites).to.equal(2);
    await world.advance(100);
    expect(log).to.deep.equal(['a at 30', 'b at 30']);
    expect(store.medium.size).to.equal(2);
  });

  it('fails the writes that it was told to fail, and changes nothing by them', async () => {
    const store = new MemoryStore();
    store.failNextWrites();
    const outcomes = await Promise.allSettled([store.transact(put('a')), store.transact(put('b'))]);
    expect(outcomes.map((outcome) => outcome.status)).to.deep.equal(['rejected', 'fulfilled']);
    expect((await store.list('')).map((entry) => entry.key)).to.deep.equal(['b']);
  });

  it('keeps a prefix of what was pending in a crash, and tells nobody', async () => {
    const world = new VirtualWorld();
    const medium = new MemoryMedium();
    const store = new MemoryStore({ medium, delay: { clock: world.clock, commitMs: () => 5 } });
    const settled: string[] = [];
    for (const key of ['a', 'b', 'c']) {
      const settle = (): unknown => settled.push(key);
      store.transact(put(key)).then(settle, settle);
    }
    store.crash(2);
    await world.advance(1000);
    expect(settled).to.deep.equal([]);
    const next = new MemoryStore({ medium });
    expect((await next.list('')).map((entry) => entry.key)).to.deep.equal(['a', 'b']);
  });

  it('copies a medium that does not change with its original', async () => {
    const store = new MemoryStore();
    await store.transact(put('a'));
    await store.claimEpoch();
    const copy = new MemoryMedium(store.medium);
    await store.transact({ deletes: ['a'] });
    expect(copy.get('a')?.value).to.equal('a');
    expect(copy.epoch).to.equal(1);
  });
});
