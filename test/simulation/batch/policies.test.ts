import { expect } from 'chai';
import { type Batch, StepDocument } from '../../../frameworks/batch/index.js';
import { BatchCluster, type Fields, templateOf } from './support.js';

const HANG = { command: 'hang' };

function stepOf(fields: Partial<StepDocument>): StepDocument {
  return Object.assign(new StepDocument(), {
    template: templateOf({ command: 'exit 0' }),
    ...fields,
  });
}

/** All attempts at the indexes of a job that are over, as `index.attempt end`. */
function attemptsOf(cluster: BatchCluster, name = 'job'): readonly string[] {
  const job = cluster.engine.job(name);
  return job.steps.flatMap((step) =>
    [...cluster.engine.attempts(job, step)].map(
      ({ index, attempt, end, isReplaced }) =>
        `${index}.${attempt} ${end.kind}${isReplaced ? ' replaced' : ''}`,
    ),
  );
}

describe('Batch: agents out of reach', () => {
  it('starts another task after a while, and tells that the work may have been done twice', async () => {
    const cluster = await BatchCluster.start({ agents: 2 });
    await cluster.submit({
      completions: 4,
      replaceAfterSeconds: 60,
      template: { command: 'run 8m then exit 0', cpus: 0.1 },
    });
    const { simulation, witness } = cluster;
    await simulation.advance('10s');
    const host = cluster.batch.view.tasks.live()[0]?.hostname ?? '';
    simulation.partition(host);
    await simulation.until(() => cluster.job().replaced > 0, { within: '10m' });
    expect(witness.doubled.size).to.be.above(0);
    await simulation.advance('10s');
    simulation.heal();
    const job = await cluster.finished();
    expect(job).to.include({ state: 'SUCCEEDED', succeeded: 4, failures: 0 });
    expect(job.replaced).to.equal(witness.doubled.size);
    await simulation.advance('1m');
    expect(attemptsOf(cluster).filter((each) => each.endsWith('replaced'))).to.have.length(
      job.replaced,
    );
    cluster.expectClean();
  });

  it('waits for them when it is told to, and runs nothing twice', async () => {
    const cluster = await BatchCluster.start({ agents: 2 });
    await cluster.submit({
      completions: 8,
      parallelism: 4,
      whenUnreachable: 'wait',
      template: { command: 'run 2m then exit 0', cpus: 0.1 },
    });
    const { simulation, witness } = cluster;
    await simulation.advance('10s');
    simulation.partition(cluster.batch.view.tasks.live()[0]?.hostname ?? '');
    await simulation.advance('15m');
    const { engine } = cluster;
    expect([...(engine.job('job').steps[0]?.array.live.keys() ?? [])].length).to.be.above(0);
    expect(cluster.job()).to.include({ state: 'RUNNING', replaced: 0 });
    simulation.heal();
    const job = await cluster.finished();
    expect(job).to.include({ state: 'SUCCEEDED', replaced: 0 });
    expect(witness.doubled.size).to.equal(0);
    expect([...witness.starts.values()]).to.deep.equal(Array.from({ length: 8 }, () => 1));
    expect(witness.mostOf('job')).to.equal(4);
  });

  it('takes the word of whoever cancels and reruns an index that waits for a lost agent', async () => {
    const cluster = await BatchCluster.start({ agents: 2 });
    await cluster.submit({ whenUnreachable: 'wait', template: { command: 'run 5m then exit 0' } });
    const { simulation } = cluster;
    await simulation.advance('5s');
    const host = cluster.batch.view.tasks.live()[0]?.hostname ?? '';
    simulation.cluster.loseAgent(simulation.agents.indexOf(host));
    await simulation.advance('5m');
    const { engine } = cluster;
    const step = engine.step(engine.job('job'));
    expect(step.array.stateOf(0)).to.equal('UNKNOWN');
    await cluster.ask((own, context) => own.cancel(own.job('job'), context));
    await cluster.ask((own, context) => own.rerun(own.job('job'), {}, context));
    expect(await cluster.finished()).to.include({ state: 'SUCCEEDED' });
  });
});

describe('Batch: retries', () => {
  it('tries a failing index elsewhere, ever later, and gives up when its budget is spent', async () => {
    const cluster = await BatchCluster.start({ agents: 3 });
    await cluster.submit({
      completions: 2,
      backoffLimitPerIndex: 2,
      backoff: { seconds: 10, maxSeconds: 300, factor: 3, jitter: 0 },
      template: { command: 'run 1s then exit 3' },
    });
    const job = await cluster.finished();
    expect(job).to.include({ state: 'FAILED', reason: 'FailedIndexes', failed: 2, failures: 6 });
    const { engine } = cluster;
    const whole = engine.job('job');
    const attempts = [...engine.attempts(whole, engine.step(whole), 0)];
    expect(attempts.map(({ attempt, end }) => [attempt, end])).to.deep.equal(
      [1, 2, 3].map((attempt) => [attempt, { kind: 'exited', exitCode: 3 }]),
    );
    const [first, second, third] = attempts;
    expect((second?.launchedAt ?? 0) - (first?.endedAt ?? 0)).to.be.within(10_000, 14_000);
    expect((third?.launchedAt ?? 0) - (second?.endedAt ?? 0)).to.be.within(30_000, 34_000);
    expect(second?.agent).to.not.equal(first?.agent);
    expect(third?.agent).to.not.equal(second?.agent);
  });

  it('does not count what the infrastructure did', async () => {
    const cluster = await BatchCluster.start({ agents: 2 });
    await cluster.submit({
      completions: 4,
      backoffLimitPerIndex: 0,
      template: { command: 'run 1m then exit 0' },
    });
    const { simulation } = cluster;
    await simulation.advance('10s');
    for (const agent of simulation.agents) simulation.reboot(agent);
    const job = await cluster.finished();
    expect(job).to.include({ state: 'SUCCEEDED', failures: 0, faults: 4 });
  });

  it('ends the job when too many indexes, or attempts, have failed', async () => {
    const cluster = await BatchCluster.start();
    const template = { command: 'run 1s then exit 1', cpus: 0.5 };
    const fields = { completions: 20, parallelism: 2, backoffLimitPerIndex: 0, template };
    await cluster.submit({ ...fields, name: 'indexes', maxFailedIndexes: 3 });
    await cluster.submit({ ...fields, name: 'attempts', backoffLimit: 3 });
    expect(await cluster.finished('indexes')).to.include({ reason: 'MaxFailedIndexesExceeded' });
    const job = await cluster.finished('attempts');
    expect(job).to.include({ state: 'FAILED', reason: 'BackoffLimitExceeded' });
    expect(job.failures).to.be.within(4, 5);
    expect(job.failed + job.cancelled).to.equal(20);
    cluster.expectClean();
  });
});

describe('Batch: deadlines', () => {
  it('ends a job that takes too long, and what it runs', async () => {
    const cluster = await BatchCluster.start();
    await cluster.submit({ completions: 3, activeDeadlineSeconds: 30, template: HANG });
    const job = await cluster.finished();
    expect(job).to.include({ state: 'FAILED', reason: 'DeadlineExceeded', cancelled: 3 });
    expect((job.finishedAt ?? 0) - (job.startedAt ?? 0)).to.be.within(30_000, 33_000);
    expect(cluster.witness.running('job')).to.equal(0);
    cluster.expectClean();
  });

  it('ends an attempt that takes too long, which counts as failed', async () => {
    const cluster = await BatchCluster.start();
    await cluster.submit({
      backoffLimitPerIndex: 1,
      backoff: { seconds: 1, maxSeconds: 1, factor: 1, jitter: 0 },
      template: { ...HANG, activeDeadlineSeconds: 5 },
    });
    const job = await cluster.finished();
    expect(job).to.include({ state: 'FAILED', failures: 2 });
    expect(attemptsOf(cluster)).to.deep.equal(['0.1 limit', '0.2 limit']);
  });
});

describe('Batch: what waits for what', () => {
  it('begins after the success, the failure or any end of other jobs, and fails when that cannot come', async () => {
    const cluster = await BatchCluster.start();
    const quick = { command: 'run 2s then exit 0' };
    const bad = { command: 'run 2s then exit 1' };
    await cluster.submit({ name: 'good', template: quick });
    await cluster.submit({ name: 'bad', backoffLimitPerIndex: 0, template: bad });
    await cluster.submit({ name: 'after-good', afterOk: ['good'], template: quick });
    await cluster.submit({
      name: 'after-bad',
      afterFail: ['bad'],
      afterAny: ['good'],
      template: quick,
    });
    await cluster.submit({ name: 'never', afterOk: ['bad'], template: quick });
    await cluster.submit({ name: 'after-never', afterFail: ['never'], template: quick });
    await cluster.submit({
      name: 'patient',
      afterOk: ['bad'],
      whenNeverSatisfied: 'wait',
      template: quick,
    });
    expect(cluster.job('after-good').state).to.equal('WAITING');
    for (const name of ['after-good', 'after-bad', 'after-never']) {
      expect(await cluster.finished(name)).to.include({ state: 'SUCCEEDED' });
    }
    expect(await cluster.finished('never')).to.include({
      state: 'FAILED',
      reason: 'DependencyNeverSatisfied',
    });
    expect(cluster.job('patient').state).to.equal('WAITING');
    const startOf = (name: string): number => cluster.job(name).startedAt ?? 0;
    expect(startOf('after-good')).to.be.at.least(cluster.job('good').finishedAt ?? 0);
    expect(startOf('after-bad')).to.be.at.least(cluster.job('bad').finishedAt ?? 0);
  });

  it('runs steps after those that they need, and skips those whose needs failed', async () => {
    const cluster = await BatchCluster.start();
    const run = templateOf({ command: 'run 2s then exit 0' });
    const fail = templateOf({ command: 'run 1s then exit 1' });
    await cluster.submit({
      backoffLimitPerIndex: 0,
      steps: [
        stepOf({ name: 'last', needs: ['left', 'right'], template: run }),
        stepOf({ name: 'left', needs: ['first'], completions: 5, parallelism: 2, template: run }),
        stepOf({ name: 'right', needs: ['first'], template: run }),
        stepOf({ name: 'first', template: run }),
        stepOf({ name: 'broken', template: fail }),
        stepOf({ name: 'skipped', needs: ['broken'], template: run }),
      ],
    });
    const job = await cluster.finished();
    expect(job).to.include({ state: 'FAILED', reason: 'FailedIndexes', failed: 1, succeeded: 8 });
    expect(job.steps.filter((step) => step.isSkipped).map(({ name }) => name)).to.deep.equal([
      'skipped',
    ]);
    const { engine } = cluster;
    const whole = engine.job('job');
    const times = (name: string): { readonly first: number; readonly last: number } => {
      const all = [...engine.attempts(whole, engine.step(whole, name))];
      const first = Math.min(...all.map(({ launchedAt }) => launchedAt));
      return { first, last: Math.max(...all.map(({ endedAt }) => endedAt)) };
    };
    expect(times('left').first).to.be.at.least(times('first').last);
    expect(times('last').first).to.be.at.least(Math.max(times('left').last, times('right').last));
  });

  it('places higher priorities first, and jobs of one priority in the order of their submission', async () => {
    const cluster = await BatchCluster.start({ agents: ['cpus:1;mem:1024'] });
    const template = { command: 'run 3s then exit 0', cpus: 1 };
    await cluster.submit({ name: 'running', template });
    await cluster.simulation.advance('1s');
    await cluster.submit({ name: 'low', priority: -5, template });
    await cluster.submit({ name: 'first', template });
    await cluster.submit({ name: 'second', template });
    await cluster.submit({ name: 'high', priority: 7, template });
    const names = ['running', 'low', 'first', 'second', 'high'];
    for (const name of names) await cluster.finished(name);
    const order = names.toSorted(
      (one, other) => (cluster.job(one).finishedAt ?? 0) - (cluster.job(other).finishedAt ?? 0),
    );
    expect(order).to.deep.equal(['running', 'high', 'first', 'second', 'low']);
  });
});

describe('Batch: steering', () => {
  it('holds a job, releases it, and changes its throttle while it runs', async () => {
    const cluster = await BatchCluster.start();
    const { simulation, witness } = cluster;
    await cluster.submit({
      completions: 60,
      parallelism: 2,
      suspend: true,
      template: { command: 'run 2s then exit 0', cpus: 0.1 },
    });
    await simulation.advance('10s');
    expect(cluster.job()).to.include({ state: 'HELD', active: 0 });
    await cluster.ask((engine, context) => engine.release(engine.job('job'), context));
    await simulation.advance('9s');
    expect(witness.mostOf('job')).to.equal(2);
    await cluster.ask((engine, context) =>
      engine.edit(engine.job('job'), { change: { parallelism: 10 } }, context),
    );
    await simulation.advance('5s');
    expect(witness.mostOf('job')).to.equal(10);
    await cluster.ask((engine, context) => engine.hold(engine.job('job'), context));
    await simulation.advance('10s');
    expect(cluster.job()).to.include({ state: 'HELD', active: 0 });
    const done = cluster.job().succeeded;
    await simulation.advance('1m');
    expect(cluster.job().succeeded).to.equal(done);
    await cluster.ask((engine, context) => engine.release(engine.job('job'), context));
    expect(await cluster.finished()).to.include({ state: 'SUCCEEDED', succeeded: 60 });
  });

  it('cancels indexes and whole jobs, and runs indexes anew', async () => {
    const cluster = await BatchCluster.start();
    await cluster.submit({
      completions: 6,
      template: { command: 'run 1m then exit 0', cpus: 0.1 },
    });
    await cluster.simulation.advance('5s');
    await cluster.ask((engine, context) => {
      const job = engine.job('job');
      const step = engine.step(job);
      return engine.cancelIndexes(
        job,
        { step, indexes: step.array.indexes.intersection(step.array.indexes) },
        context,
      );
    });
    const cancelled = await cluster.finished();
    expect(cancelled).to.include({ state: 'CANCELLED', reason: 'IndexesCancelled', cancelled: 6 });
    expect(cluster.witness.running('job')).to.equal(0);
    await cluster.ask((engine, context) => engine.rerun(engine.job('job'), {}, context));
    await cluster.simulation.advance('5s');
    expect(cluster.job()).to.include({ state: 'RUNNING', active: 6, cancelled: 0 });
    await cluster.ask((engine, context) => engine.cancel(engine.job('job'), context));
    expect(await cluster.finished()).to.include({ state: 'CANCELLED', reason: 'Cancelled' });
    cluster.expectClean();
  });

  it('drops a job when its time after the end is over, and its name can be used again', async () => {
    const cluster = await BatchCluster.start();
    await cluster.submit({ ttlSecondsAfterFinished: 60, completions: 300 });
    await cluster.finished();
    await cluster.simulation.advance('50s');
    expect(cluster.engine.book.size).to.equal(1);
    await cluster.simulation.advance('20s');
    expect(cluster.engine.book.size).to.equal(0);
    const { jobs, chunks } = cluster.batch.instance as Batch;
    expect([jobs.size, chunks.size]).to.deep.equal([0, 0]);
    cluster.expectClean();
    await cluster.submit({ completions: 2 });
    expect(await cluster.finished()).to.include({ state: 'SUCCEEDED', succeeded: 2 });
  });

  it('takes the same submission with the same key once, and refuses all others of the name', async () => {
    const cluster = await BatchCluster.start();
    await cluster.submit({ completions: 3 }, 'k');
    const before = cluster.job();
    await cluster.submit({ completions: 3 }, 'k');
    expect(cluster.job().id).to.equal(before.id);
    const refused = async (fields: Fields, key?: string): Promise<unknown> => {
      try {
        await cluster.submit(fields, key);
        return 'accepted';
      } catch (error) {
        return (error as { readonly status?: unknown }).status;
      }
    };
    expect(await refused({ completions: 3 })).to.equal(409);
    expect(await refused({ completions: 3 }, 'other')).to.equal(409);
    expect(await refused({ completions: 4 }, 'k')).to.equal(409);
    expect(await refused({ name: 'child', afterOk: ['nobody'] })).to.equal(422);
    expect(await refused({ name: 'child', afterOk: ['child'] })).to.equal(422);
    expect(cluster.engine.book.size).to.equal(1);
    await cluster.finished();
  });
});
