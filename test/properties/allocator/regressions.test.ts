/** What the properties of this folder have found, each in the fewest calls that show it. */
import { expect } from 'chai';
import { TestCluster } from '../../unit/allocator/test-cluster.js';

describe('HierarchicalAllocator: found by properties', () => {
  it('names a framework that holds nothing but ports in a role that it left', () => {
    const cluster = new TestCluster();
    cluster.addAgent('A', 'cpus:1;ports:[1-4]');
    cluster.addFramework('F', ['a'], { used: { A: { a: 'ports:[1-2]' } } });
    cluster.updateFramework('F', ['b']);
    expect(cluster.allocator.roles().get('a')?.frameworks).to.deep.equal(['F']);
    cluster.recover({ framework: 'F', agent: 'A', role: 'a' });
    expect(cluster.allocator.roles().get('a')).to.equal(undefined);
    cluster.allocator.dispose();
  });

  // Each time a/b takes what is beyond the 64 that `a` lacks, `a` lacks less.
  it('goes on giving a role below a guaranteed one what the guarantee leaves', () => {
    const cluster = new TestCluster({ minAllocatable: [] });
    cluster.setQuota('a', 'mem:64');
    cluster.addAgent('A', 'mem:96');
    cluster.addFramework('F', ['a/b']);
    const given: string[] = [];
    for (let run = 0; run < 4; run++) {
      cluster.allocator.runNow();
      given.push(...cluster.takeOffers());
    }
    expect(given).to.deep.equal(['F a/b A mem:32', 'F a/b A mem:32', 'F a/b A mem:32']);
    cluster.allocator.dispose();
  });
});
