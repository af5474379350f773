import { expect } from 'chai';
import { Cron } from '../../../../frameworks/cron/index.js';
import type { SimulatedFramework, Simulation } from '../../../../sdk/testing/index.js';
import { simulate } from '../../../../sdk/testing/index.js';
import { type JobSketch, jobSpec } from '../../../unit/frameworks/cron/support.js';

/** Creates a job as a route does, and waits until it is durable. */
async function create(
  cluster: Simulation,
  { runtime, instance }: SimulatedFramework<Cron>,
  sketches: readonly JobSketch[],
): Promise<void> {
  let isDone = false;
  const { context } = runtime;
  const done = runtime.turn(() =>
    instance.change(context, (engine, nowMs) => {
      for (const sketch of sketches) engine.create(jobSpec(sketch), nowMs);
    }),
  );
  done.then(() => (isDone = true)).catch(() => {});
  await cluster.until(() => isDone, { step: 10 });
  await done;
}

/** How often tasks of each batch job were started on any host. */
function startsOf(cluster: Simulation): ReadonlyMap<string, number> {
  const starts = new Map<string, number>();
  for (const { host } of cluster.cluster.agents) {
    for (const [task, count] of host.starts) {
      // Of `framework/job.index.random`.
      const job = /\/(.+?)\.\d+\./.exec(task)?.[1] ?? task;
      starts.set(job, (starts.get(job) ?? 0) + count);
    }
  }
  return starts;
}

describe('The cron scheduler in a cluster', () => {
  it('runs a job each minute as a task, and keeps its history', async () => {
    const cluster = simulate({ agents: 2 });
    const cron = cluster.run(Cron);
    await cluster.advance('5s');
    await create(cluster, cron, [{ id: 'tick', cron: '* * * * *', command: 'sleep 10' }]);
    await cluster.advance('10m');
    const { engine } = cron.instance;
    const runs = engine.runs('tick');
    expect(runs.map(({ state }) => state)).to.deep.equal([
      'active',
      ...Array<string>(9).fill('succeeded'),
    ]);
    expect(runs.every(({ tasks }) => tasks.length === 1)).to.equal(true);
    expect([...startsOf(cluster).values()]).to.deep.equal(Array(10).fill(1));
    expect(engine.metrics.claimLag.max).to.be.at.most(1);
    expect(engine.metrics.startLag.max).to.be.at.most(1_000);
    cron.expect.wantsNothing();
  });

  it('neither doubles nor loses a run in 1,000 restarts about due times', async () => {
    const cluster = simulate({ agents: 2, seed: 411 });
    const cron = cluster.run(Cron);
    await cluster.advance('5s');
    const repeat = 'R/2030-01-01T00:01:00Z/PT10S';
    await create(cluster, cron, [{ id: 'tick', repeat, command: 'sleep 1' }]);
    const { clock, random } = cluster.cluster.world;
    const firstMs = Date.parse('2030-01-01T00:01:00Z');
    const states = new Map<number, string>();
    for (let round = 0; round < 1_000; round++) {
      // Within a second of the due time, now before it, now after it.
      const deathMs = firstMs + round * 10_000 + (random.next() * 2 - 1) * 1_000;
      await cluster.advance(Math.max(0, deathMs - clock.now()));
      for (const { dueMs, state } of cron.instance.engine.runs('tick')) states.set(dueMs, state);
      cluster.crash(cron);
      await cluster.advance(random.next() * 2_000);
      cluster.restart(cron);
    }
    await cluster.advance('5s');
    for (const { dueMs, state } of cron.instance.engine.runs('tick')) states.set(dueMs, state);
    const due = Array.from({ length: 1_000 }, (_, round) => firstMs + round * 10_000);
    expect([...states.keys()].toSorted((one, other) => one - other)).to.deep.equal(due);
    expect(new Set(states.values())).to.deep.equal(new Set(['succeeded']));
    const starts = startsOf(cluster);
    expect(starts.size).to.equal(1_000);
    expect(new Set(starts.values())).to.deep.equal(new Set([1]));
  }).timeout(60_000);

  it('catches up after a time away with one run', async () => {
    const cluster = simulate({ agents: 1 });
    const cron = cluster.run(Cron);
    await cluster.advance('5s');
    await create(cluster, cron, [{ id: 'tick', cron: '* * * * *', command: 'sleep 1' }]);
    await cluster.advance('90s');
    cluster.crash(cron);
    await cluster.advance('10m');
    cluster.restart(cron);
    await cluster.advance('20s');
    const [latest, missed] = cron.instance.engine.runs('tick');
    expect(latest?.state).to.equal('succeeded');
    expect(missed).to.include({ state: 'missed', count: 9 });
  });

  it('repeats nothing when the wall clock goes back, and catches up when it jumps ahead', async () => {
    const cluster = simulate({ agents: 1 });
    const cron = cluster.run(Cron);
    await cluster.advance('5s');
    await create(cluster, cron, [{ id: 'tick', cron: '*/10 * * * *', command: 'sleep 1' }]);
    await cluster.advance('31m');
    const { engine } = cron.instance;
    const before = engine.runs('tick').map(({ id }) => id);
    expect(before).to.have.length(3);
    cluster.jumpClock('25m', 'back');
    await cluster.advance('24m');
    expect(engine.runs('tick').map(({ id }) => id)).to.deep.equal(before);
    cluster.jumpClock('2h');
    await cluster.advance('3s');
    const [latest, missed] = engine.runs('tick');
    expect(latest?.state).to.equal('succeeded');
    expect(missed).to.include({ state: 'missed', count: 11 });
  });

  it('claims while there is no master, and runs when there is one', async () => {
    const cluster = simulate({ agents: 1 });
    const cron = cluster.run(Cron);
    await cluster.advance('5s');
    await create(cluster, cron, [{ id: 'tick', cron: '*/10 * * * *', command: 'sleep 1' }]);
    cluster.crash('master');
    await cluster.advance('11m');
    expect(cron.instance.engine.runs('tick').map(({ state }) => state)).to.deep.equal(['starting']);
    cluster.restart('master');
    await cluster.advance('1m');
    expect(cron.instance.engine.runs('tick').map(({ state }) => state)).to.deep.equal([
      'succeeded',
    ]);
  });

  it('counts a run out of reach as not over, and goes on when its agent is back', async () => {
    const cluster = simulate({ agents: 1 });
    const cron = cluster.run(Cron);
    await cluster.advance('5s');
    await create(cluster, cron, [{ id: 'tick', cron: '*/5 * * * *', command: 'sleep 200' }]);
    await cluster.advance('6m');
    cluster.partition('agent-0');
    await cluster.advance('6m');
    expect(cron.instance.engine.runs('tick')[0]).to.include({ state: 'skipped' });
    cluster.heal();
    await cluster.advance('12m');
    expect(cron.instance.engine.tally('tick').succeeded).to.be.at.least(1);
    expect(cron.instance.engine.activeRuns('tick').length).to.be.at.most(1);
  });

  it('ends the run before when it is to be replaced, and never runs two', async () => {
    const cluster = simulate({ agents: 2 });
    const cron = cluster.run(Cron);
    await cluster.advance('5s');
    const schedule = { concurrencyPolicy: 'Replace' } as const;
    await create(cluster, cron, [{ id: 'tick', cron: '* * * * *', command: 'hang', schedule }]);
    for (let minute = 0; minute < 10; minute++) {
      await cluster.advance('1m');
      const running = cron.view.tasks.live().filter(({ state }) => state === 'RUNNING');
      expect(running.length).to.be.at.most(1);
    }
    const reasons = cron.instance.engine.runs('tick').map(({ reason }) => reason);
    expect(reasons.slice(1)).to.deep.equal(Array(reasons.length - 1).fill('Replaced'));
    expect(reasons.length).to.be.at.least(10);
  });

  it('retries as the batch job says, within one run', async () => {
    const cluster = simulate({ agents: 1 });
    const cron = cluster.run(Cron);
    await cluster.advance('5s');
    const job = { id: 'tick', cron: '*/30 * * * *', command: 'exit 3', retries: 2 };
    await create(cluster, cron, [job]);
    await cluster.advance('31m');
    const [run] = cron.instance.engine.runs('tick');
    expect(run).to.include({ state: 'failed', reason: 'JobFailed' });
    expect(run?.tasks).to.have.length(3);
  });

  it('claims 5,000 jobs of one moment within two seconds', async () => {
    const cluster = simulate({ agents: 1, hygiene: 'off' });
    const cron = cluster.run(Cron);
    await cluster.advance('5s');
    const sketches = Array.from({ length: 5_000 }, (_, index) => ({
      id: `job-${index}`,
      cron: '1 0 * * *',
      command: 'hang',
    }));
    await create(cluster, cron, sketches);
    await cluster.advance(Date.parse('2030-01-01T00:01:05Z') - cluster.cluster.world.clock.now());
    const { metrics } = cron.instance.engine;
    expect(metrics.claimed).to.equal(5_000);
    expect(metrics.claimLag.count).to.equal(5_000);
    expect(metrics.claimLag.quantile(0.99)).to.be.at.most(2_000);
  });
});
