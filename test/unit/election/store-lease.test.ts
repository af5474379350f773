import { expect } from 'chai';
import { type Candidacy, VirtualWorld } from '../../../core/base/index.js';
import { StoreLease } from '../../../core/election/index.js';
import { MemoryMedium, MemoryStore, ownIdentity } from '../../../core/store/index.js';
import { stateOf } from '../../contract/lease.contract.js';

describe('StoreLease', () => {
  const key = 'lease/x';
  const ttlMs = 9_000;
  const pollMs = 100;

  function candidate(world: VirtualWorld, medium: MemoryMedium) {
    const store = new MemoryStore({ medium, delay: { clock: world.clock, commitMs: () => 3 } });
    return { store, lease: new StoreLease({ world, store, key, ttlMs, pollMs }) };
  }

  it('passes on when its holder dies: after the time to live, and not earlier', async () => {
    const world = new VirtualWorld();
    const medium = new MemoryMedium();
    const first = candidate(world, medium);
    const held = first.lease.contend({ id: 'a', info: '' });
    await world.advance(20_000);
    await held.acquired;
    const second = candidate(world, medium);
    const taken = stateOf(second.lease.contend({ id: 'b', info: '' }).acquired);
    await world.advance(1_000);
    first.store.crash();
    // It was renewed at most a quarter of the time to live ago.
    await world.advance((ttlMs * 2) / 3 - pollMs);
    expect(taken.isSettled).to.equal(false);
    await world.advance(ttlMs / 3 + 3 * pollMs);
    expect(taken.isSettled).to.equal(true);
  });

  it('is given up by a holder that cannot renew it, before another one gets it', async () => {
    const world = new VirtualWorld();
    const medium = new MemoryMedium();
    const first = candidate(world, medium);
    const second = candidate(world, medium);
    const one = first.lease.contend({ id: 'a', info: '' });
    await world.advance(1_000);
    const other = second.lease.contend({ id: 'b', info: '' });
    await world.advance(10_000);
    const times: string[] = [];
    void one.lost.then((reason) => times.push(`lost: ${reason}`));
    void other.acquired.then(() => times.push('acquired'));
    first.store.failNextWrites(1_000);
    await world.advance(3 * ttlMs);
    expect(times).to.deep.equal(['lost: it could not be renewed in time', 'acquired']);
  });

  it('survives two failed renewals in a row', async () => {
    const world = new VirtualWorld();
    const { store, lease } = candidate(world, new MemoryMedium());
    const candidacy = lease.contend({ id: 'a', info: '' });
    await world.advance(1_000);
    const lost = stateOf(candidacy.lost);
    store.failNextWrites(2);
    await world.advance(10 * ttlMs);
    expect(lost.isSettled).to.equal(false);
  });

  it('is lost when somebody else has written the record', async () => {
    const world = new VirtualWorld();
    const { store, lease } = candidate(world, new MemoryMedium());
    const candidacy = lease.contend({ id: 'a', info: '' });
    await world.advance(1_000);
    const thief = JSON.stringify({ id: 'b', info: '', token: 'of b' });
    store.medium.apply({ puts: [{ key, value: thief }] });
    await world.advance(ttlMs / 2);
    expect(await candidacy.lost).to.contain('somebody else');
  });

  it('pays no heed to jumps of the wall clock', async () => {
    const world = new VirtualWorld();
    const medium = new MemoryMedium();
    const one = candidate(world, medium).lease.contend({ id: 'a', info: '' });
    await world.advance(1_000);
    const other = stateOf(candidate(world, medium).lease.contend({ id: 'b', info: '' }).acquired);
    const lost = stateOf(one.lost);
    for (const jumpMs of [3_600_000, -7_200_000, 86_400_000]) {
      world.clock.jump(jumpMs);
      await world.advance(2 * ttlMs);
    }
    expect([lost.isSettled, other.isSettled]).to.deep.equal([false, false]);
  });

  it('takes over at the next poll when the process of the holder is gone', async () => {
    const world = new VirtualWorld();
    const medium = new MemoryMedium();
    const process = { ...ownIdentity(), pid: 2 ** 22 + 1 };
    const value = JSON.stringify({ id: 'dead', info: '', token: 'of the dead', process });
    medium.apply({ puts: [{ key, value }] });
    const taken = stateOf(candidate(world, medium).lease.contend({ id: 'b', info: '' }).acquired);
    await world.advance(2 * pollMs);
    expect(taken.isSettled).to.equal(true);
  });

  it('replaces a record that nobody understands', async () => {
    const world = new VirtualWorld();
    const medium = new MemoryMedium();
    medium.apply({ puts: [{ key, value: 'not JSON' }] });
    const taken = stateOf(candidate(world, medium).lease.contend({ id: 'b', info: '' }).acquired);
    await world.advance(2 * pollMs);
    expect(taken.isSettled).to.equal(true);
  });

  it('never has two holders, whatever fails', async () => {
    for (let seed = 0; seed < 20; seed++) await electWithFaults(`lease ${seed}`);
  });

  async function electWithFaults(seed: string): Promise<void> {
    const world = new VirtualWorld({ seed });
    const faults = world.random.fork('faults');
    const medium = new MemoryMedium();
    const candidates = ['a', 'b', 'c'].map(() => candidate(world, medium));
    const holding = new Set<string>();
    let turns = 0;
    const stand = (id: string, lease: StoreLease): void => {
      const candidacy = lease.contend({ id, info: '' });
      void follow(id, lease, candidacy);
    };
    const follow = async (id: string, lease: StoreLease, candidacy: Candidacy): Promise<void> => {
      await candidacy.acquired;
      holding.add(id);
      turns += 1;
      expect([...holding], `seed ${seed}`).to.have.length(1);
      await candidacy.lost;
      holding.delete(id);
      world.clock.setTimer(faults.below(3_000), () => stand(id, lease));
    };
    candidates.forEach(({ lease }, index) => stand(String(index), lease));
    for (let step = 0; step < 60; step++) {
      candidates[faults.below(3)]?.store.failNextWrites(faults.below(8));
      await world.advance(faults.below(2 * ttlMs));
    }
    await world.advance(10 * ttlMs);
    expect(holding.size, `seed ${seed}`).to.equal(1);
    expect(turns, `seed ${seed}`).to.be.greaterThan(1);
  }
});
