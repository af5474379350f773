import { expect } from 'chai';
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
    cluster.expectClean();
  });

  it('runs every index through kills of the scheduler, loss of agents and restarts of the master', async () => {
    const cluster = await BatchCluster.start({
      seed: 'batch-faults',
      agents: Array.from({ length: 8 }, () => AGENT),
    });
    const { simulation, witness } = cluster;
    await cluster.submit({
      completions: 10_000,
      parallelism: 400,
      template: { command: 'run between 1s and 10s then exit 0' },
    });
    const random = simulation.cluster.world.random.fork('faults');
    let kills = 0;
    for (let round = 0; round < 400; round++) {
      await simulation.advance(1_000 + random.below(2_000));
      if (cluster.batch.isRunning && cluster.isStarted && cluster.job().finishedAt !== undefined)
        break;
      cluster.batch.crash();
      kills++;
      if (round % 7 === 3) simulation.reboot(`agent-${random.below(8)}`);
      if (round % 11 === 5) simulation.restartMaster();
      await simulation.advance(100 + random.below(1_500));
      cluster.batch.start();
    }
    const job = await cluster.finished();
    expect(kills).to.be.above(10);
    expect(job).to.include({ state: 'SUCCEEDED', succeeded: 10_000, failed: 0 });
    expect(witness.mostOf('job')).to.be.at.most(400);
    // Each further start of an index is an attempt that is told, after one that a fault ended.
    const engine = cluster.engine;
    const whole = engine.job('job');
    const step = engine.step(whole);
    const told = new Map<string, number>();
    for (const { index } of engine.attempts(whole, step)) {
      const piece = `job.${index}`;
      told.set(piece, (told.get(piece) ?? 0) + 1);
    }
    for (const [piece, starts] of witness.starts) {
      expect(starts, piece).to.be.at.most(told.get(piece) ?? 0);
    }
    expect([...witness.doubled].length).to.be.at.most(job.replaced);
    cluster.expectClean();
  });
});
