import { expect } from 'chai';
import { TestCluster } from './test-cluster.js';

describe('HierarchicalAllocator: roles that quota bars', () => {
  it('are offered what is reserved for them all the same', async () => {
    const cluster = new TestCluster();
    cluster.setQuota('full', undefined, 'cpus:1;mem:64');
    cluster.addFramework('F1', ['full']);
    cluster.addAgent('A1', 'cpus:1;mem:64');
    await cluster.expectOffers({
      framework: 'F1',
      role: 'full',
      agent: 'A1',
      resources: 'cpus:1;mem:64',
    });
    cluster.addAgent('A2', 'cpus:1;mem:64');
    await cluster.expectOffers();
    cluster.addAgent('A3', 'cpus:1;mem:64;cpus(full):2');
    await cluster.expectOffers({
      framework: 'F1',
      role: 'full',
      agent: 'A3',
      resources: 'cpus(full):2',
    });
    cluster.allocator.dispose();
  });

  it('do not keep others from what they leave, one agent after the other', async () => {
    const cluster = new TestCluster();
    cluster.setQuota('full', undefined, 'cpus:0;mem:0');
    cluster.addFramework('F1', ['full']);
    cluster.addFramework('F2', ['open'], { suppressed: ['open'] });
    for (const agent of ['A1', 'A2', 'A3']) cluster.addAgent(agent, 'cpus:1;mem:64');
    await cluster.expectOffers();
    cluster.revive('F2');
    await cluster.settle();
    expect(cluster.outstanding.map(({ role }) => role)).to.deep.equal(['open', 'open', 'open']);
    cluster.allocator.dispose();
  });

  it('are offered again when they have room', async () => {
    const cluster = new TestCluster();
    cluster.setQuota('full', undefined, 'cpus:1;mem:64');
    cluster.addFramework('F1', ['full']);
    cluster.addAgent('A1', 'cpus:1;mem:64');
    cluster.addAgent('A2', 'cpus:1;mem:64');
    await cluster.settle();
    expect(cluster.outstanding).to.have.lengthOf(1);
    cluster.setQuota('full', undefined, 'cpus:2;mem:128');
    await cluster.tick();
    expect(cluster.outstanding).to.have.lengthOf(2);
    cluster.allocator.dispose();
  });
});
