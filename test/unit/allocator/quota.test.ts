import { expect } from 'chai';
import { id } from '../../../core/base/index.js';
import { resources } from './resource-text.js';
import { TestCluster } from './test-cluster.js';

function refusals(cluster: TestCluster, framework: string): unknown {
  return cluster.allocator.explain(id<'FrameworkId'>(framework))?.roles[0]?.refusals;
}

describe('HierarchicalAllocator: quota', () => {
  it('says whether a limit or the headroom of others stands in the way', async () => {
    const cluster = new TestCluster();
    cluster.setQuota('limited', undefined, 'cpus:1;mem:512');
    cluster.setQuota('guaranteed', 'cpus:3;mem:1024');
    cluster.addFramework('F1', ['limited']);
    cluster.addFramework('F2', ['other']);
    cluster.addAgent('A1', 'cpus:4;mem:1536');
    await cluster.settle();
    expect(cluster.outstanding.map(({ role }) => role)).to.deep.equal(['limited']);
    cluster.setQuota('guaranteed', 'cpus:4;mem:1024');
    cluster.addAgent('A2', 'cpus:1');
    await cluster.settle();
    expect(cluster.outstanding).to.have.lengthOf(1);
    expect(refusals(cluster, 'F1')).to.deep.equal({ QUOTA_LIMIT: 1 });
    expect(refusals(cluster, 'F2')).to.deep.equal({ QUOTA_HEADROOM: 2 });
    cluster.allocator.dispose();
  });

  it('offers with the next batch what a guarantee does not need any more', async () => {
    const cluster = new TestCluster();
    cluster.setQuota('q', 'cpus:2');
    cluster.addFramework('F1', ['n']);
    cluster.addAgent('A1', 'cpus:2;mem:64');
    await cluster.expectOffers({ framework: 'F1', role: 'n', agent: 'A1', resources: 'mem:64' });
    // A reservation counts for the guarantee; the run over its agent alone does not look at A1.
    cluster.addAgent('A2', 'cpus(q):2');
    await cluster.expectOffers();
    await cluster.tick();
    await cluster.expectOffers({ framework: 'F1', role: 'n', agent: 'A1', resources: 'cpus:2' });
    cluster.allocator.dispose();
  });

  it('offers what was held back once the quota is gone, though nothing else has changed', async () => {
    const cluster = new TestCluster();
    cluster.setQuota('q', 'cpus:2;mem:64');
    cluster.addFramework('F1', ['n']);
    cluster.addAgent('A1', 'cpus:2;mem:64');
    await cluster.tick();
    await cluster.expectOffers();
    cluster.setQuota('q');
    await cluster.tick();
    await cluster.expectOffers({
      framework: 'F1',
      role: 'n',
      agent: 'A1',
      resources: 'cpus:2;mem:64',
    });
    cluster.allocator.dispose();
  });

  it('counts as consumed what tasks use, and no offers', async () => {
    const cluster = new TestCluster();
    const consumed = 'mesos/quota/roles/q/resources/cpus/consumed';
    cluster.setQuota('q', undefined, 'cpus:4');
    cluster.addFramework('F1', ['q']);
    cluster.addAgent('A1', 'cpus:3;mem:64');
    await cluster.settle();
    expect(cluster.metric(consumed)).to.equal(0);
    const [framework, agent] = [id<'FrameworkId'>('F1'), id<'AgentId'>('A1')];
    const task = resources('cpus:2').allocatedTo('q');
    cluster.allocator.noteUsed(framework, agent, task);
    expect(cluster.metric(consumed)).to.equal(2);
    // Offers are given back first.
    cluster.allocator.recoverResources(framework, agent, resources('cpus:1').allocatedTo('q'));
    expect(cluster.metric(consumed)).to.equal(2);
    cluster.allocator.recoverResources(framework, agent, task);
    expect(cluster.metric(consumed)).to.equal(0);
    cluster.allocator.dispose();
  });

  it('makes one offer of what both stages give', async () => {
    const cluster = new TestCluster();
    cluster.setQuota('a/b', 'cpus:1');
    cluster.addFramework('F1', ['a/b']);
    cluster.addAgent('A1', 'cpus:1;cpus(a):2;mem:64');
    await cluster.expectOffers({
      framework: 'F1',
      role: 'a/b',
      agent: 'A1',
      resources: 'cpus:1;cpus(a):2;mem:64',
    });
    expect(cluster.outstanding).to.have.lengthOf(1);
    cluster.allocator.dispose();
  });

  it('counts a shared volume once for a role, however many of its frameworks use it', async () => {
    const cluster = new TestCluster({ minAllocatable: [] });
    const volume = 'disk(+q)[id=v1,shared]:50';
    cluster.addFramework('F1', ['q'], { capabilities: ['SHARED_RESOURCES'] });
    cluster.addFramework('F2', ['q'], { capabilities: ['SHARED_RESOURCES'] });
    cluster.addAgent('A1', `cpus:1;disk:50;${volume}`);
    await cluster.tick(3);
    expect(cluster.outstanding.length).to.be.at.least(3);
    expect(cluster.metric('mesos/resources/disk/offered_or_allocated')).to.equal(100);
    expect(cluster.metric('mesos/roles/q/shares/dominant')).to.equal(1);
    cluster.recoverOffered();
    expect(cluster.metric('mesos/resources/disk/offered_or_allocated')).to.equal(0);
    cluster.allocator.dispose();
  });
});
