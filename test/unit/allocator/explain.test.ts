import { expect } from 'chai';
import { id } from '../../../core/base/index.js';
import { TestCluster } from './test-cluster.js';

describe('HierarchicalAllocator: explain and metrics', () => {
  let cluster: TestCluster;

  beforeEach(() => {
    cluster = new TestCluster();
  });

  afterEach(() => cluster.allocator.dispose());

  const explain = (name: string) => cluster.allocator.explain(id<'FrameworkId'>(name));
  const refusals = (name: string) => explain(name)?.roles[0]?.refusals;

  it('names the reason for each agent that is not offered', async () => {
    cluster.addFramework('F1', ['role1']);
    cluster.addAgent('A1', 'cpus:1;mem:512');
    await cluster.settle();
    cluster.recoverOffered('F1', 1000);
    cluster.addAgent('A2', 'cpus(other):1;mem(other):512');
    cluster.addAgent('A3', 'cpus:0.001;mem:1');
    cluster.addAgent('A4', 'cpus:1;mem:512', { capabilities: [] });
    cluster.addAgent('A5', 'cpus:1;mem:512');
    cluster.allocator.deactivateAgent(id<'AgentId'>('A5'));
    cluster.addAgent('A6', 'cpus:1', { used: { unknown: { x: 'cpus:1' } } });
    cluster.addAgent('A7', 'cpus:1;gpus:1');
    cluster.addAgent('A8', 'cpus[revocable]:1');
    await cluster.tick();
    expect(refusals('F1')).to.deep.equal({
      FILTERED: 1,
      RESERVED_FOR_OTHERS: 1,
      BELOW_MINIMUM: 1,
      AGENT_CAPABILITY: 1,
      AGENT_INACTIVE: 1,
      NOTHING_FREE: 1,
      GPU_AGENT: 1,
      FRAMEWORK_CAPABILITY: 1,
    });
  });

  it('tells a lower share from nothing free, for one batch', async () => {
    cluster.addAgent('A1', 'cpus:1;mem:512');
    cluster.addFramework('F1', ['role1']);
    cluster.addFramework('F2', ['role2']);
    await cluster.tick();
    expect(refusals('F2')).to.deep.equal({ NOTHING_FREE: 1 });
    cluster.recoverOffered();
    await cluster.tick();
    // Both hold nothing; F1 was served more often.
    expect(explain('F2')?.roles[0]?.offeredAgents).to.equal(1);
    expect(refusals('F2')).to.deep.equal({});
    expect(refusals('F1')).to.deep.equal({ LOWER_SHARE_FIRST: 1 });
    await cluster.tick();
    expect(refusals('F1')).to.deep.equal({ NOTHING_FREE: 1 });
  });

  it('says when the framework itself is the reason', async () => {
    cluster.addAgent('A1', 'cpus:1;mem:512');
    cluster.addAgent('A2', 'cpus:1;mem:512');
    cluster.addFramework('F1', ['role1'], { suppressed: ['role1'] });
    await cluster.tick();
    expect(refusals('F1')).to.deep.equal({ ROLE_SUPPRESSED: 2 });
    cluster.setActive('F1', false);
    expect(refusals('F1')).to.deep.equal({ FRAMEWORK_INACTIVE: 2 });
    expect(explain('F1')?.active).to.equal(false);
    expect(explain('nobody')).to.equal(undefined);
  });

  it('gives shares, weights and the time of the last run', async () => {
    cluster.addAgent('A1', 'cpus:1;mem:512');
    cluster.addAgent('A2', 'cpus:1;mem:512', { used: { F1: { 'a/b': 'cpus:1;mem:128' } } });
    cluster.allocator.updateWeights(new Map([['a/b', 2]]));
    cluster.addFramework('F1', ['a/b'], { suppressed: ['a/b'] });
    expect(explain('F1')?.roles[0]?.lastCycleMs).to.equal(undefined);
    await cluster.tick();
    const [role, ...others] = explain('F1')?.roles ?? [];
    expect(others).to.deep.equal([]);
    expect(role).to.deep.include({
      role: 'a/b',
      dominantShare: 0.5,
      weight: 2,
      lastCycleMs: 1000,
      lastCycleAgoMs: 0,
      offeredAgents: 0,
      refusals: { ROLE_SUPPRESSED: 2 },
    });
  });

  it('does not change the order of a run, whatever it would bring up to date', async () => {
    const names = Array.from({ length: 8 }, (_one, index) => `A${index}`);
    const own = { framework: 'F1', role: 'r' };

    /** Filters end between two batches, and another agent changes after that. */
    const filters = async (one: TestCluster, ask: () => void): Promise<void> => {
      one.addFramework('F1', ['r']);
      for (const name of names) one.addAgent(name, 'cpus:2;mem:64');
      await one.tick();
      for (const agent of names.slice(4)) one.recover({ ...own, agent }, 1.4);
      await one.world.advance(1500);
      ask();
      for (const agent of names.slice(0, 4)) one.recover({ ...own, agent });
    };

    /** A quota is loosened, and consumed again, between two batches. */
    const quota = async (one: TestCluster, ask: () => void): Promise<void> => {
      one.setQuota('r', undefined, 'cpus:100');
      one.addFramework('F1', ['r']);
      for (const name of names) one.addAgent(name, 'cpus:2;mem:64');
      await one.tick(2);
      for (const agent of names.toReversed()) one.recover({ ...own, agent });
      ask();
      one.addAgent('B', 'cpus:20;mem:640', { used: { F1: { r: 'cpus:17;mem:630' } } });
    };

    for (const scenario of [filters, quota]) {
      const run = async (isAsked: boolean): Promise<readonly string[]> => {
        const one = new TestCluster();
        await scenario(one, () => {
          if (isAsked) one.allocator.explain(id<'FrameworkId'>('F1'));
        });
        const before = one.outstanding.length;
        await one.tick();
        one.allocator.dispose();
        return one.outstanding.slice(before).map(({ agentId }) => agentId);
      };
      const quiet = await run(false);
      expect(quiet).to.have.length.greaterThan(6);
      expect(await run(true), scenario.name).to.deep.equal(quiet);
    }
  });

  it('counts runs, one for all that was asked for at one time', async () => {
    expect(cluster.metric('mesos/allocation_runs')).to.equal(0);
    expect(cluster.metric('mesos/allocation_run_ms')).to.equal(undefined);
    cluster.addAgent('A1', 'cpus:1;mem:512');
    expect(cluster.metric('mesos/event_queue_dispatches')).to.equal(1);
    cluster.addFramework('F1', ['role1']);
    cluster.revive('F1');
    await cluster.settle();
    expect(cluster.metric('mesos/allocation_runs')).to.equal(1);
    expect(cluster.metric('mesos/event_queue_dispatches')).to.equal(0);
    await cluster.tick();
    expect(cluster.metric('mesos/allocation_runs')).to.equal(2);
    expect(cluster.metric('mesos/allocation_run_ms/count')).to.equal(2);
    expect(cluster.metric('mesos/allocation_run_latency_ms/p99')).to.equal(0);
  });

  it('shows totals and what is held, and zeros when there is nothing', async () => {
    expect(cluster.metric('mesos/resources/disk/total')).to.equal(0);
    cluster.addAgent('A1', 'cpus:2.5;mem:1024');
    cluster.addFramework('F1', ['role1']);
    await cluster.settle();
    expect(cluster.metric('mesos/resources/cpus/total')).to.equal(2.5);
    expect(cluster.metric('mesos/resources/mem/offered_or_allocated')).to.equal(1024);
    cluster.removeAgent('A1');
    expect(cluster.metric('mesos/resources/cpus/total')).to.equal(0);
    expect(cluster.metric('mesos/resources/mem/offered_or_allocated')).to.equal(0);
  });
});
