/** A few mutated requests for each family; `npm run conformance -- --fuzz` sends many more. */
import { expect } from 'chai';
import { WireCluster } from '../cluster.js';
import { FAMILIES } from './families.js';
import { GROWTH_LIMIT_BYTES, PROBED, fuzzFamily } from './fuzz.js';

const REQUESTS = 150;
const LIMIT_MS = 60_000;
/** Streams that nobody reads may hold a server for as long as this. */
const END_LIMIT_MS = 15_000;

describe('Mutated requests', function () {
  this.timeout(LIMIT_MS);
  let cluster: WireCluster;

  before(async () => {
    cluster = await WireCluster.start(PROBED);
  });

  after(async () => {
    const before = performance.now();
    expect(await cluster.stop(), 'processes that were left').to.deep.equal([]);
    const endedMs = performance.now() - before;
    expect(endedMs, 'ms until the servers had ended').to.be.below(END_LIMIT_MS);
  });

  for (const family of FAMILIES) {
    it(`of the family '${family.name}' are answered as documented`, async () => {
      const result = await fuzzFamily({ cluster, family, seed: 'test', requests: REQUESTS });
      expect(result.failures, 'requests with another outcome').to.deep.equal([]);
      expect(result.grownBytes).to.be.below(GROWTH_LIMIT_BYTES);
    });
  }
});
