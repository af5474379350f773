import { expect } from 'chai';
import { SeededRandom } from '../../../core/base/index.js';
import { AllocatorHost } from './allocator-host.js';
import { type JobSpec, responseMs } from './jobs.js';
import { StagedFramework } from './staged-framework.js';

const DEMAND = { cpus: 1, mem: 512 };

function job(kind: string, ...stages: readonly (readonly [number, number])[]): JobSpec {
  return {
    kind,
    stages: stages.map(([tasks, taskMs]) => ({ tasks, taskMs })),
    demand: DEMAND,
    usage: DEMAND,
  };
}

async function run(
  submissions: readonly JobSpec[],
  holdMs = 0,
): Promise<ReadonlyMap<string, number>> {
  const host = new AllocatorHost({ seed: 'test', agents: 2, offered: { cpus: 2, mem: 2048 } });
  const framework = new StagedFramework({
    name: 'jobs',
    submissions: submissions.map((each) => ({ atMs: 0, job: each })),
    random: new SeededRandom('test'),
    holdMs,
  });
  host.add(framework);
  await host.advance(600_000);
  expect(framework.isDone).to.equal(true);
  expect(host.book.used('cpus')).to.equal(0);
  return new Map(framework.done.map((done) => [done.kind, responseMs(done) / 1000]));
}

describe('StagedFramework', () => {
  it('runs a job in waves of what the cluster has room for', async () => {
    const times = await run([job('eight', [8, 10_000])]);
    expect(times.get('eight')).to.be.closeTo(20, 0.1);
  });

  it('starts a stage when the one before has ended', async () => {
    const times = await run([job('two stages', [4, 10_000], [1, 5_000])], 1_000);
    expect(times.get('two stages')).to.be.closeTo(15, 1.1);
  });

  it('lets small jobs pass large ones', async () => {
    const times = await run([job('large', [12, 10_000]), job('small', [1, 10_000])]);
    expect(times.get('small')).to.be.most(20.1);
    expect(times.get('large')).to.be.closeTo(40, 0.1);
  });
});
