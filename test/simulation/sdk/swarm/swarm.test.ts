import { expect } from 'chai';
import { runSeed } from '../../../../sdk/testing/index.js';
import { scenario } from './swarm-scenario.js';

/** More seeds are tried by `plateau simulate`; a few others here by `SWARM_FROM=51 SWARM_SEEDS=20`. */
const SEEDS = Number(process.env['SWARM_SEEDS'] ?? 50);
const FROM = Number(process.env['SWARM_FROM'] ?? 1);

describe('A framework of 200 tasks among the faults of many seeds', () => {
  const kinds = new Set<string>();

  for (let seed = FROM; seed < FROM + SEEDS; seed++) {
    it(`forgets no task, runs none twice and converges, seed ${seed}`, async () => {
      const { failed, faults } = await runSeed(scenario, seed);
      for (const { kind } of faults) kinds.add(kind);
      expect(failed?.message, `plateau simulate swarm-scenario.js --seed ${seed}`).to.equal(
        undefined,
      );
    });
  }

  it('has met all kinds of faults', () => {
    if (SEEDS >= 20) expect(kinds.size).to.equal(13);
  });

  it('runs a seed alike each time, and other seeds otherwise', async () => {
    const [one, again, other] = [
      await runSeed(scenario, 1),
      await runSeed(scenario, 1),
      await runSeed(scenario, 2),
    ];
    expect(again).to.deep.equal(one);
    expect(other.hash).not.to.equal(one.hash);
  });
});
