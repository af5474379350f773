import { expect } from 'chai';
import { type Decision, MAX_DECISIONS } from '../../../core/allocator/index.js';
import { at, id } from '../../../core/base/index.js';
import { TestCluster } from './test-cluster.js';

describe('The log of decisions', () => {
  let cluster: TestCluster;

  beforeEach(() => {
    cluster = new TestCluster();
  });

  afterEach(() => cluster.allocator.dispose());

  function decisions(name = 'F1'): readonly Decision[] {
    return cluster.allocator.explain(id<'FrameworkId'>(name))?.roles[0]?.decisions ?? [];
  }

  function kinds(): unknown[] {
    return decisions().map(({ kind }) => kind);
  }

  it('tells of runs that offered something: when, how much, and the share after it', async () => {
    cluster.addAgent('A1', 'cpus:2;mem:64');
    cluster.addAgent('A2', 'cpus:2;mem:64');
    cluster.addFramework('F1', ['r']);
    await cluster.tick();
    const beganMs = cluster.world.clock.now() - cluster.world.clock.elapsed();
    expect(decisions()).to.deep.equal([
      { kind: 'OFFERED', atMs: beganMs, agoMs: 1000, agents: 2, dominantShare: 1, reasons: [] },
    ]);
  });

  it('tells of refusals once for each new reason since the last offer', async () => {
    cluster.addFramework('F1', ['r']);
    cluster.addAgent('A1', 'cpus(q):2;mem(q):64');
    await cluster.tick(3);
    expect(decisions().map(({ kind, reasons }) => [kind, reasons])).to.deep.equal([
      ['REFUSED', ['RESERVED_FOR_OTHERS']],
    ]);
    cluster.addAgent('A2', 'cpus:0.001;mem:1');
    await cluster.tick(2);
    cluster.revive('F1');
    await cluster.tick();
    expect(decisions().map(({ kind, reasons }) => [kind, reasons])).to.deep.equal([
      // A2 has less than anybody takes: it is not looked at again.
      ['REFUSED', ['RESERVED_FOR_OTHERS']],
      ['REVIVED', []],
      ['REFUSED', ['BELOW_MINIMUM']],
      ['REFUSED', ['RESERVED_FOR_OTHERS']],
    ]);
    cluster.addAgent('A3', 'cpus:1;mem:64');
    await cluster.tick();
    expect(at(decisions(), 0)).to.deep.include({ kind: 'OFFERED', agents: 1 });
  });

  it('does not take a role without a guarantee for refused in the first stage', async () => {
    cluster.setQuota('q', 'cpus:1');
    cluster.addFramework('F1', ['q']);
    cluster.addAgent('A1', 'cpus:2;mem:64');
    await cluster.tick();
    expect(decisions().map(({ kind, agents, reasons }) => [kind, agents, reasons])).to.deep.equal([
      ['OFFERED', 1, []],
    ]);
  });

  it('tells of calls that change what a framework may be offered', async () => {
    cluster.addFramework('F1', ['r']);
    cluster.suppress('F1');
    cluster.suppress('F1');
    cluster.revive('F1');
    await cluster.tick();
    cluster.revive('F1');
    cluster.setActive('F1', false);
    cluster.setActive('F1', true);
    expect(kinds()).to.deep.equal(['ACTIVATED', 'DEACTIVATED', 'REVIVED', 'SUPPRESSED']);
    expect(at(decisions(), 2).agoMs).to.equal(0);
    expect(at(decisions(), 3).agoMs).to.equal(1000);
  });

  it('keeps the last ones', async () => {
    cluster.addFramework('F1', ['r']);
    for (let index = 0; index < MAX_DECISIONS + 4; index++) {
      cluster.addAgent(`A${index}`, 'cpus:2;mem:64');
      await cluster.tick();
    }
    const found = decisions();
    expect(found).to.have.length(MAX_DECISIONS);
    const ages = found.map(({ agoMs }) => agoMs);
    expect(ages).to.deep.equal(ages.map((_age, index) => 1000 * (index + 1)));
  });

  it('has nothing of frameworks that no run looked at, and nothing at all when it is off', async () => {
    cluster.addAgent('A1', 'cpus:2;mem:64');
    cluster.addFramework('F1', ['r'], { suppressed: ['r'] });
    cluster.addFramework('F2', ['r']);
    await cluster.tick();
    expect(kinds()).to.deep.equal([]);
    cluster.allocator.dispose();
    cluster = new TestCluster({ decisionLog: false });
    cluster.addAgent('A1', 'cpus:2;mem:64');
    cluster.addFramework('F1', ['r']);
    await cluster.tick();
    cluster.suppress('F1');
    expect(cluster.takeOffers()).to.have.length(1);
    expect(kinds()).to.deep.equal([]);
  });
});
