import { expect } from 'chai';
import { SeededRandom } from '../../../core/base/index.js';
import { taskCount } from '../model/jobs.js';
import { sharingExperiment, sharingViolations } from './experiment.js';
import { PUBLISHED_SCALE, runShared } from './run.js';
import { BINS, LARGE_JOB, MIX_INTERARRIVAL_MS, facebookMix, gangs, sparkJobs } from './workload.js';

describe('The workloads of the sharing experiment', () => {
  it('are as many jobs and tasks as published', () => {
    const mix = facebookMix(new SeededRandom('test'));
    expect(mix).to.have.length(100);
    const tasks = mix.map(({ job }) => taskCount(job)).toSorted((one, two) => one - two);
    expect(tasks.filter((count) => count === 1)).to.have.length(38);
    expect(tasks.slice(-2)).to.deep.equal([430, 430]);
    expect(tasks.reduce((sum, count) => sum + count, 0)).to.equal(5162);
    expect(taskCount(LARGE_JOB)).to.equal(2400);
    expect(sparkJobs().map(({ atMs }) => atMs)).to.deep.equal([
      0, 120_000, 240_000, 360_000, 480_000,
    ]);
    const seconds = gangs().map(({ gang }) => gang.durationMs / 1000);
    expect(seconds.reduce((sum, each) => sum + each, 0)).to.equal(3210);
    expect(gangs().every(({ gang }) => gang.tasks === 24)).to.equal(true);
  });

  it('add up to the published sum of static times', () => {
    const sum = BINS.reduce((total, bin) => total + bin.jobs * bin.staticSeconds, 0);
    expect(sum).to.be.closeTo(7235, 10);
  });

  it('arrive 14 s apart in the mean', () => {
    const ends = Array.from({ length: 40 }, (_, index) => {
      const mix = facebookMix(new SeededRandom(`arrivals ${index}`));
      return (mix.at(-1)?.atMs ?? 0) / mix.length;
    });
    const mean = ends.reduce((sum, each) => sum + each, 0) / ends.length;
    expect(mean).to.be.closeTo(MIX_INTERARRIVAL_MS, 1_000);
  });
});

describe('Sharing a cluster', () => {
  it('speeds up all four frameworks as published or better, and slows none down', async () => {
    const report = await sharingExperiment('test', 1);
    expect(report.violations).to.deep.equal([]);
    const { cpus, memory } = report.utilisation;
    expect(cpus.shared - cpus.static).to.be.greaterThan(0.1);
    expect(memory.shared - memory.static).to.be.greaterThan(0.1);
    expect(cpus.shared).to.be.most(1);
  });

  it('is told from not sharing by what must hold', async () => {
    const { frameworks } = await sharingExperiment('test', 1, SMALL_SCALE);
    const unshared = frameworks.map((row) => ({ ...row, speedUp: 1 }));
    expect(sharingViolations(unshared)).to.have.length(3);
  });

  it('gives the same run for the same seed, others for another', async () => {
    const run = async (seed: string): Promise<string> =>
      JSON.stringify(await runShared(seed, SMALL_SCALE));
    const first = await run('one');
    expect(await run('one')).to.equal(first);
    expect(await run('two')).not.to.equal(first);
  });
});

const SMALL_SCALE = {
  ...PUBLISHED_SCALE,
  agents: 48,
  facebookJobs: 0.2,
  largeJobs: 1,
  sparkJobs: 1,
  gangs: 2,
};
