import { expect } from 'chai';
import { storm } from './storm.js';
import { BatchCluster } from './support.js';

const AGENT = 'cpus:32;mem:65536';

describe('A large array under faults', function () {
  this.timeout(240_000);

  it('runs 2,000 indexes once each when nothing goes wrong, never more than its throttle', async () => {
    const cluster = await BatchCluster.start({ agents: Array.from({ length: 8 }, () => AGENT) });
    await cluster.submit({
      completions: 2_000,
      parallelism: 150,
      template: { command: 'run between 1s and 5s then exit 0' },
    });
    const job = await cluster.finished();
    expect(job).to.include({ state: 'SUCCEEDED', succeeded: 2_000, failures: 0, faults: 0 });
    expect(job.steps[0]?.completedIndexes).to.equal('0-1999');
    expect(cluster.witness.mostOf('job')).to.be.within(140, 150);
    expect(cluster.witness.starts.size).to.equal(2_000);
    expect([...cluster.witness.starts.values()].every((starts) => starts === 1)).to.equal(true);
    cluster.witness.expectAgreesWith(cluster.simulation);
    cluster.expectClean();
  });

  it('runs 10,000 indexes through all faults, never more than its throttle', async () => {
    const { kills, partitions } = await storm({
      seed: 'batch-faults',
      indexes: 10_000,
      parallelism: 800,
    });
    expect(kills).to.be.above(50);
    expect(partitions).to.be.above(5);
  });

  for (const seed of [1, 2, 3]) {
    it(`reports each task that ran beside another of its index (seed ${seed})`, async () => {
      const { cluster } = await storm({ seed, indexes: 1_000, parallelism: 100 });
      expect(cluster.job().replaced).to.be.above(0);
    });
  }

  it('runs nothing twice at one time when it waits for what is out of reach', async () => {
    await storm({ seed: 4, indexes: 1_000, parallelism: 100, whenUnreachable: 'wait' });
  });
});
