import { expect } from 'chai';
import {
  BatchEngine,
  type BatchState,
  IndexRanges,
  type JobDocument,
  jobViewOf,
  whyWaiting,
} from '../../../frameworks/batch/index.js';
import { MemoryRepository, type TaskRecord, isEnded } from '../../../sdk/index.js';
import { FakeCluster, documentOf } from './support.js';

function newState(): BatchState {
  return {
    jobs: new MemoryRepository(),
    chunks: new MemoryRepository(),
    agents: new MemoryRepository(),
    counters: new MemoryRepository(),
  };
}

/** An engine over a cluster without a kernel. */
class Rig {
  readonly cluster = new FakeCluster();
  readonly state = newState();
  engine = new BatchEngine(this.state, this.cluster.context);

  submit(fields: Parameters<typeof documentOf>[0] = {}): void {
    const { engine, cluster } = this;
    cluster.carryOut(engine.submit(documentOf(fields), {}, cluster.context).decision);
  }

  place(...agents: readonly string[]): readonly TaskRecord[] {
    const { engine, cluster } = this;
    const before = new Set(cluster.tasks.keys());
    const offers = agents.length === 0 ? cluster.offers() : cluster.offers(agents);
    cluster.carryOut(engine.place(offers, cluster.context));
    return [...cluster.tasks.values()].filter(({ id }) => !before.has(id));
  }

  update(task: TaskRecord, change: Parameters<FakeCluster['updated']>[1]): void {
    const { engine, cluster } = this;
    cluster.carryOut(engine.taskUpdated(cluster.updated(task, change), cluster.context));
  }

  restart(): void {
    this.engine = new BatchEngine(this.state, this.cluster.context);
    this.cluster.carryOut(this.engine.started());
  }

  why(name = 'job', connection: 'subscribed' | 'connecting' = 'subscribed'): readonly string[] {
    const { placer } = this.engine;
    const nowMs = this.cluster.nowMs;
    const waiting = whyWaiting(this.engine.job(name), { placer, connection, nowMs });
    return waiting.map(({ reason, message }) => `${reason}: ${message}`);
  }

  /** Status of what the action throws; everything that is stored must be as before. */
  refused(act: (engine: BatchEngine, context: FakeCluster['context']) => unknown): unknown {
    const stored = (): string =>
      JSON.stringify([
        this.state.jobs.entries(),
        this.state.chunks.entries(),
        this.engine.book.size,
      ]);
    const before = stored();
    try {
      act(this.engine, this.cluster.context);
      return 'accepted';
    } catch (error) {
      expect(stored()).to.equal(before);
      return (error as { readonly status?: unknown }).status;
    }
  }
}

describe('BatchEngine', () => {
  it('describes one task to try again and one new one when there are no offers, however many wait', () => {
    const rig = new Rig();
    rig.submit({ completions: 200 });
    const launched = rig.place();
    expect(launched.length).to.be.above(20);
    for (const task of launched) rig.update(task, { state: 'DROPPED' });
    rig.cluster.advance(60_000);
    const { engine, cluster } = rig;
    const described: number[] = [];
    const offers = new Proxy(cluster.offers([]), {
      get(target, key): unknown {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        if (key !== 'fit')
          return (...given: unknown[]): unknown => Reflect.apply(value, target, given);
        return (specs: readonly unknown[], options: unknown): unknown => {
          described.push(specs.length);
          return Reflect.apply(value, target, [specs, options]);
        };
      },
    });
    cluster.carryOut(engine.place(offers, cluster.context));
    expect(engine.step(engine.job('job')).array.ready.isEmpty).to.equal(false);
    expect(described).to.deep.equal([1, 1]);
  });

  it('gives tasks the variables of their index, and forgets them when they have ended', () => {
    const rig = new Rig();
    const command = { command: 'true', env: { A: 'b' } };
    rig.submit({ indexes: '3,5', template: command });
    const specs = new Map<string, Readonly<Record<string, string>>>();
    const { engine, cluster } = rig;
    for (const action of cluster.carryOut(engine.place(cluster.offers(), cluster.context))) {
      if (action.kind !== 'accept') continue;
      for (const operation of action.operations) {
        for (const info of operation.launch?.task_infos ?? []) {
          const pairs = (info.command?.environment?.variables ?? []).map(
            ({ name, value = '' }) => [name, value] as const,
          );
          specs.set(info.task_id.value, Object.fromEntries(pairs));
        }
      }
    }
    const [first] = [...specs].toSorted(([one], [other]) => (one < other ? -1 : 1));
    expect(first?.[0]).to.match(/^job\.3\./);
    expect(first?.[1]).to.include({
      A: 'b',
      JOB_NAME: 'job',
      JOB_ID: '1',
      JOB_INDEX: '3',
      JOB_COMPLETION_INDEX: '3',
      JOB_COUNT: '2',
      JOB_ATTEMPT: '1',
    });
    for (const task of cluster.live) rig.update(task, { state: 'FINISHED' });
    expect(cluster.tasks.size).to.equal(0);
    expect(jobViewOf(engine.job('job')).steps[0]?.completedIndexes).to.equal('3,5');
  });

  it('runs an index again whose offer was gone before the decision was carried out', () => {
    const rig = new Rig();
    rig.submit({ completions: 2, parallelism: 1 });
    const { engine, cluster } = rig;
    // What it decides is lost.
    engine.place(cluster.offers(), cluster.context);
    expect(engine.job('job').load).to.equal(1);
    const [task] = rig.place();
    expect(task?.key).to.equal('0');
    expect(rig.place()).to.deep.equal([]);
  });

  it('finds its tasks again after a restart, and ends those that nobody waits for', () => {
    const rig = new Rig();
    rig.submit({ completions: 3 });
    const [first, second] = rig.place();
    rig.submit({ name: 'gone' });
    const [stray] = rig.place();
    expect(stray?.name).to.equal('gone');
    rig.cluster.carryOut(rig.engine.cancel(rig.engine.job('gone'), rig.cluster.context));
    if (first === undefined || second === undefined || stray === undefined)
      throw new Error('no tasks');
    rig.update(first, { state: 'FINISHED' });
    rig.restart();
    expect(rig.engine.step(rig.engine.job('job')).array.live.size).to.equal(2);
    expect(rig.engine.job('gone').state).to.equal('ENDING');
    expect(rig.place()).to.deep.equal([]);
    rig.update(stray, { state: 'KILLED' });
    expect(rig.engine.job('gone').state).to.equal('CANCELLED');
    rig.update(second, { state: 'FINISHED' });
    const [third] = rig.cluster.live;
    if (third !== undefined) rig.update(third, { state: 'FINISHED' });
    expect(rig.engine.job('job').state).to.equal('SUCCEEDED');
  });

  it('takes the success of a task that was given up, and ends the one that took its place', () => {
    const rig = new Rig();
    rig.submit({ replaceAfterSeconds: 60 });
    const [lost] = rig.place('agent-1');
    if (lost === undefined) throw new Error('no task');
    rig.update(lost, { state: 'UNREACHABLE' });
    expect(rig.engine.step(rig.engine.job('job')).array.stateOf(0)).to.equal('UNKNOWN');
    expect(rig.place('agent-2')).to.deep.equal([]);
    rig.cluster.advance(60_000);
    const [other] = rig.place('agent-2');
    expect(other?.key).to.equal('0');
    expect(rig.cluster.killed).to.deep.equal([lost.id]);
    rig.update(lost, { state: 'FINISHED' });
    expect(rig.cluster.killed).to.deep.equal([lost.id, other?.id]);
    expect(rig.engine.job('job').state).to.equal('RUNNING');
    if (other !== undefined) rig.update(other, { state: 'KILLED' });
    const job = rig.engine.job('job');
    expect(job.state).to.equal('SUCCEEDED');
    expect(jobViewOf(job)).to.include({ replaced: 1, failures: 0 });
    const attempts = [...rig.engine.attempts(job, rig.engine.step(job), 0)];
    expect(attempts.map(({ isReplaced, end }) => [isReplaced, end.kind])).to.deep.equal([
      [true, 'success'],
      [true, 'killed'],
    ]);
  });

  it('counts a task that was given up against the throttle until its end is known, or for a time', () => {
    const rig = new Rig();
    const fields = { replaceAfterSeconds: 60, releaseSlotAfterSeconds: 300 };
    rig.submit({ completions: 4, parallelism: 2, ...fields });
    const [lost, other] = rig.place();
    if (lost === undefined || other === undefined) throw new Error('no tasks');
    rig.update(lost, { state: 'UNREACHABLE' });
    rig.cluster.advance(60_000);
    // It is replaced, but its place is not free.
    expect(rig.place()).to.deep.equal([]);
    expect(rig.engine.job('job').load).to.equal(2);
    rig.update(other, { state: 'FINISHED' });
    const [next, ...more] = rig.place();
    expect([next?.key, more.length]).to.deep.equal([lost.key, 0]);
    rig.cluster.advance(239_000);
    expect(rig.place()).to.deep.equal([]);
    rig.cluster.advance(1_000);
    expect(rig.place()).to.have.length(1);
    // It is back: it counts at once, and is not the only one too many.
    rig.update(lost, { state: 'RUNNING' });
    expect(rig.engine.job('job').load).to.equal(3);
    expect(rig.cluster.killed).to.deep.equal([lost.id]);
    if (next !== undefined) rig.update(next, { state: 'FINISHED' });
    expect(rig.place()).to.deep.equal([]);
    rig.update(lost, { state: 'KILLED' });
    expect(rig.place()).to.have.length(1);
  });

  it('finds the places of lost tasks taken after a restart', () => {
    const rig = new Rig();
    rig.submit({ completions: 2, parallelism: 1, replaceAfterSeconds: 60 });
    const [lost] = rig.place();
    if (lost === undefined) throw new Error('no task');
    rig.update(lost, { state: 'UNREACHABLE' });
    rig.cluster.advance(60_000);
    expect(rig.place()).to.deep.equal([]);
    rig.restart();
    expect(rig.place()).to.deep.equal([]);
    expect(rig.engine.job('job').load).to.equal(1);
    rig.update(lost, { state: 'GONE' });
    expect(rig.place()).to.have.length(1);
  });

  it('goes on counting the attempts at an index that is run anew, also after a restart', () => {
    const rig = new Rig();
    rig.submit({ indexes: '0-1,200', backoffLimitPerIndex: 0 });
    const end = (keys: readonly string[], state: 'FAILED' | 'FINISHED'): void => {
      for (const task of rig.cluster.live) {
        if (keys.includes(task.key ?? '')) rig.update(task, { state, message: 'it ended' });
      }
    };
    rig.place();
    end(['1', '200'], 'FAILED');
    end(['0'], 'FINISHED');
    for (const attempt of [2, 3]) {
      const { engine, cluster } = rig;
      cluster.carryOut(engine.rerun(engine.job('job'), {}, cluster.context).decision);
      rig.restart();
      const tasks = rig.place();
      expect(tasks.map(({ key, data }) => [key, Object(data).attempt])).to.deep.equal([
        ['1', attempt],
        ['200', attempt],
      ]);
      // Its budget is its own.
      expect(rig.engine.job('job').state).to.equal('RUNNING');
      end(['1', '200'], 'FAILED');
      expect(rig.engine.job('job').state).to.equal('FAILED');
    }
    const job = rig.engine.job('job');
    const attempts = [...rig.engine.attempts(job, rig.engine.step(job), 200)];
    expect(attempts.map(({ attempt }) => attempt)).to.deep.equal([1, 2, 3]);
  });

  it('takes what is null in a document for what is not there', () => {
    const rig = new Rig();
    const nothing = null as never;
    rig.submit({
      completions: 3,
      indexes: nothing,
      parallelism: nothing,
      backoffLimit: nothing,
      maxFailedIndexes: nothing,
      activeDeadlineSeconds: nothing,
      afterOk: nothing,
      labels: nothing,
      template: { command: 'true', env: nothing, gpus: nothing, ports: nothing },
    });
    expect(rig.place()).to.have.length(3);
    rig.cluster.advance(10_000);
    for (const task of rig.cluster.live) rig.update(task, { state: 'FAILED', message: 'no' });
    expect(rig.engine.job('job').isFinished).to.equal(false);
    expect(JSON.stringify(rig.engine.job('job').document)).to.not.include('null');
  });

  it('ends tasks of which it knows nothing, when they come back', () => {
    const rig = new Rig();
    rig.submit();
    const [task] = rig.place();
    if (task === undefined) throw new Error('no task');
    const stranger: TaskRecord = { ...task, id: 'stranger', data: undefined };
    rig.update(stranger, { state: 'UNREACHABLE' });
    expect(rig.cluster.killed).to.deep.equal([]);
    rig.update(stranger, { state: 'RUNNING' });
    expect(rig.cluster.killed).to.deep.equal(['stranger']);
    rig.update(stranger, { state: 'KILLED' });
    expect(rig.cluster.tasks.has('stranger')).to.equal(false);
  });

  it('stays away from the agent of the last failure for a while, if there are others', () => {
    const rig = new Rig();
    rig.submit({ backoff: { seconds: 1, maxSeconds: 1, factor: 1, jitter: 0 } });
    rig.place('agent-2', 'agent-1');
    const [first] = rig.cluster.live;
    if (first === undefined) throw new Error('no task');
    rig.update(first, { state: 'FAILED', message: 'Command exited with status 1' });
    rig.cluster.advance(1_000);
    expect(rig.place(first.agentId)).to.deep.equal([]);
    rig.cluster.advance(60_000);
    expect(rig.place(first.agentId)).to.have.length(1);
  });

  it('keeps what is refused as it was', () => {
    const rig = new Rig();
    rig.submit({ completions: 3 });
    rig.place();
    const indexes = IndexRanges.parse('0-5');
    expect(rig.refused((engine, context) => engine.submit(documentOf(), {}, context))).to.equal(
      409,
    );
    expect(rig.refused((engine) => engine.job('nobody'))).to.equal(404);
    expect(rig.refused((engine) => engine.step(engine.job('job'), 'none'))).to.equal(404);
    const lost = documentOf({ name: 'b', afterAny: ['nobody'] });
    expect(rig.refused((engine, context) => engine.submit(lost, {}, context))).to.equal(422);
    const job = rig.engine.job('job');
    const step = rig.engine.step(job);
    expect(rig.refused((engine, context) => engine.release(job, context))).to.equal(409);
    expect(rig.refused((engine, context) => engine.remove(job, context))).to.equal(409);
    expect(rig.refused((engine, context) => engine.rerun(job, {}, context))).to.equal(409);
    expect(rig.refused((engine, context) => engine.rerun(job, { indexes }, context))).to.equal(422);
    expect(
      rig.refused((engine, context) => engine.cancelIndexes(job, { step, indexes }, context)),
    ).to.equal(422);
    for (const task of rig.cluster.live) rig.update(task, { state: 'FINISHED' });
    expect(rig.refused((engine, context) => engine.cancel(job, context))).to.equal(409);
    expect(rig.refused((engine, context) => engine.hold(job, context))).to.equal(409);
    const change = { parallelism: 1 };
    expect(rig.refused((engine, context) => engine.edit(job, { change }, context))).to.equal(409);
  });

  it('refuses more indexes than all jobs together may have', () => {
    const rig = new Rig();
    for (let job = 0; job < 10; job++) rig.submit({ name: `job-${job}`, completions: 100_000 });
    const status = rig.refused((engine, context) =>
      engine.submit(documentOf({ name: 'one-more' }), {}, context),
    );
    expect(status).to.equal(429);
  });

  it('says what a job waits for', () => {
    const rig = new Rig();
    rig.submit({ name: 'first', template: { cpus: 100 } });
    rig.submit({ name: 'same', template: { cpus: 100 } });
    rig.submit({ name: 'held', suspend: true, afterOk: ['first'] });
    rig.submit({ name: 'full', completions: 3, parallelism: 1 });
    rig.place();
    expect(rig.why('first').join()).to.match(
      /^Offers: 1 indexes wait for offers: too little .*cpus.* 100 is wanted/,
    );
    expect(rig.why('same').join()).to.match(/^Behind: first comes first/);
    expect(rig.why('held').join()).to.match(
      /^Held: .*Dependency: it begins after 'first', if that succeeds/,
    );
    expect(rig.why('full').join()).to.match(/Running: 1 tasks run,.*Throttle/);
    expect(rig.why('first', 'connecting').join()).to.match(/Disconnected/);
    const [task] = rig.cluster.live;
    if (task !== undefined) rig.update(task, { state: 'FAILED' });
    expect(rig.why('full').join()).to.match(
      /Backoff: 1 indexes wait to be tried again, the first in \d s/,
    );
    rig.cluster.carryOut(rig.engine.cancel(rig.engine.job('full'), rig.cluster.context));
    expect(rig.why('full')).to.deep.equal(['Ended: it is CANCELLED']);
  });

  it('wants no offers when nothing can be started', () => {
    const rig = new Rig();
    const { engine, cluster } = rig;
    const wantsOf = (): unknown =>
      cluster
        .carryOut(engine.place(cluster.offers(), cluster.context))
        .flatMap((action) => (action.kind === 'want' ? action.wants : []));
    expect(wantsOf()).to.deep.equal([]);
    rig.submit({ completions: 4, template: { cpus: 3 } });
    expect(wantsOf()).to.deep.include.members([{ name: 'job', count: 2, cpus: 3, memMiB: 32 }]);
    for (const task of cluster.live) rig.update(task, { state: 'FINISHED' });
    expect(wantsOf()).to.deep.equal([]);
  });

  it('starts deadlines anew when a held job is released', () => {
    const rig = new Rig();
    const hold: Partial<JobDocument> = { activeDeadlineSeconds: 60 };
    rig.submit({ ...hold, template: { cpus: 100 } });
    const { engine, cluster } = rig;
    cluster.advance(50_000);
    cluster.carryOut(engine.hold(engine.job('job'), cluster.context));
    cluster.advance(100_000);
    rig.place();
    cluster.carryOut(engine.release(engine.job('job'), cluster.context));
    cluster.advance(59_000);
    rig.place();
    expect(engine.job('job').state).to.equal('QUEUED');
    cluster.advance(1_000);
    rig.place();
    expect(engine.job('job').record.outcome?.reason).to.equal('DeadlineExceeded');
    expect(cluster.live.every(({ state }) => isEnded(state))).to.equal(true);
  });
});
