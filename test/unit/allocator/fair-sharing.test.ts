import { expect } from 'chai';
import { resources } from './resource-text.js';
import { TestCluster } from './test-cluster.js';

describe('HierarchicalAllocator: fair sharing', () => {
  let cluster: TestCluster;

  beforeEach(() => {
    cluster = new TestCluster();
  });

  afterEach(() => cluster.allocator.dispose());

  it('gives each agent to the role with the lowest share, and in it to the lowest framework', async () => {
    cluster.addAgent('A1', 'cpus:2;mem:1024');
    cluster.addFramework('F1', ['role1']);
    await cluster.expectOffers(offer('F1', 'role1', 'A1', 'cpus:2;mem:1024'));
    cluster.addFramework('F2', ['role2']);
    cluster.addAgent('A2', 'cpus:1;mem:512');
    await cluster.expectOffers(offer('F2', 'role2', 'A2', 'cpus:1;mem:512'));
    cluster.addAgent('A3', 'cpus:3;mem:2048');
    await cluster.expectOffers(offer('F2', 'role2', 'A3', 'cpus:3;mem:2048'));
    cluster.addFramework('F3', ['role1']);
    cluster.addAgent('A4', 'cpus:4;mem:4096');
    await cluster.expectOffers(offer('F3', 'role1', 'A4', 'cpus:4;mem:4096'));
    cluster.addFramework('F4', ['role1']);
    cluster.addAgent('A5', 'cpus:1;mem:512');
    await cluster.expectOffers(offer('F2', 'role2', 'A5', 'cpus:1;mem:512'));
  });

  it('compares subtrees of nested roles before their members', async () => {
    cluster.addAgent('A1', 'cpus:2;mem:1024');
    cluster.addFramework('F1', ['a/b']);
    await cluster.expectOffers(offer('F1', 'a/b', 'A1', 'cpus:2;mem:1024'));
    cluster.addFramework('F2', ['a/c']);
    cluster.addFramework('F3', ['d/e']);
    cluster.addAgent('A2', 'cpus:1;mem:512');
    await cluster.expectOffers(offer('F3', 'd/e', 'A2', 'cpus:1;mem:512'));
    cluster.addFramework('F4', ['d/f']);
    cluster.addAgent('A3', 'cpus:2;mem:1024');
    await cluster.expectOffers(offer('F4', 'd/f', 'A3', 'cpus:2;mem:1024'));
  });

  it('hands all allocations of one run to the listener in one call', async () => {
    cluster.addAgent('A1', 'cpus:2;mem:1024');
    cluster.addAgent('A2', 'cpus:2;mem:1024');
    cluster.addFramework('F1', ['role1']);
    await cluster.settle();
    expect(cluster.takeOffers()).to.have.lengthOf(2);
    expect(cluster.callbacks).to.equal(1);
  });

  it('divides agents by weight, from the batch after the weights were set', async () => {
    for (let index = 1; index <= 6; index++) cluster.addAgent(`A${index}`, 'cpus:2;mem:1024');
    cluster.addFramework('F1', ['role1']);
    await cluster.settle();
    expect(counts(cluster)).to.deep.equal({ F1: 6 });
    cluster.recoverOffered();
    cluster.addFramework('F2', ['role2'], { active: false });
    cluster.setActive('F2', true);
    await cluster.settle();
    expect(counts(cluster)).to.deep.equal({ F1: 3, F2: 3 });
    cluster.recoverOffered();
    cluster.allocator.updateWeights(new Map([['role2', 2]]));
    await cluster.settle();
    expect(counts(cluster)).to.deep.equal({});
    await cluster.tick();
    expect(counts(cluster)).to.deep.equal({ F1: 2, F2: 4 });
    cluster.recoverOffered();
    cluster.allocator.updateWeights(new Map([['role3', 3]]));
    cluster.addFramework('F3', ['role3']);
    await cluster.settle();
    expect(counts(cluster)).to.deep.equal({ F1: 1, F2: 2, F3: 3 });
  });

  it('takes turns when shares are equal', async () => {
    cluster.addFramework('F1', ['*']);
    cluster.addFramework('F2', ['*']);
    cluster.addAgent('A1', 'cpus:2;mem:1024');
    await cluster.settle();
    for (let round = 1; round < 10; round++) {
      cluster.recoverOffered();
      await cluster.tick();
    }
    expect(counts(cluster)).to.deep.equal({ F1: 5, F2: 5 });
  });

  it('counts what is in use once, whichever of agent and framework came first', async () => {
    cluster.addFramework('F1', ['role1'], { used: { A1: { role1: 'cpus:1' } } });
    cluster.addAgent('A1', 'cpus:1', { used: { F1: { role1: 'cpus:1' } } });
    cluster.addAgent('A2', 'cpus:1', { used: { F2: { role2: 'cpus:1' } } });
    cluster.addFramework('F2', ['role2'], { used: { A2: { role2: 'cpus:1' } } });
    await cluster.tick();
    expect(cluster.takeOffers()).to.deep.equal([]);
    expect(cluster.metric('mesos/roles/role1/shares/dominant')).to.equal(0.5);
    expect(cluster.metric('mesos/roles/role2/shares/dominant')).to.equal(0.5);
    expect(cluster.metric('mesos/resources/cpus/offered_or_allocated')).to.equal(2);
  });

  it('keeps what an unknown framework holds away from others, and frees it on recovery', async () => {
    cluster.addFramework('F1', ['role1']);
    cluster.addAgent('A1', 'cpus:2;mem:1024', { used: { unknown: { role2: 'cpus:2' } } });
    await cluster.expectOffers(offer('F1', 'role1', 'A1', 'mem:1024'));
    cluster.recover({ framework: 'unknown', agent: 'A1', role: 'role2', resources: 'cpus:2' });
    await cluster.tick();
    await cluster.expectOffers(offer('F1', 'role1', 'A1', 'cpus:2'));
  });

  it('takes what was held on a removed agent out of the share of its holder', async () => {
    cluster.addAgent('A1', 'cpus:2;mem:200');
    cluster.addFramework('F1', ['role']);
    cluster.addAgent('A2', 'cpus:1;mem:100');
    await cluster.settle();
    cluster.addFramework('F2', ['role']);
    cluster.takeOffers();
    cluster.removeAgent('A1');
    cluster.removeAgent('A2');
    expect(cluster.metric('mesos/resources/cpus/offered_or_allocated')).to.equal(0);
    expect(cluster.metric('mesos/roles/role/shares/dominant')).to.equal(0);
    cluster.addAgent('A3', 'cpus:1;mem:100');
    await cluster.expectOffers(offer('F2', 'role', 'A3', 'cpus:1;mem:100'));
  });

  /** The running example of the DRF paper (NSDI 2011, table 1), one task for each offer. */
  it('follows the running example of the paper step by step', async () => {
    const demand: Readonly<Record<string, string>> = {
      // The first pick is a tie: the paper gives it to the user of cpus, here the name does.
      'b-cpu-user': 'cpus:3;mem:1024',
      'c-memory-user': 'cpus:1;mem:4096',
    };
    cluster.addAgent('A1', 'cpus:9;mem:18432');
    for (const name of Object.keys(demand)) cluster.addFramework(name, [name]);
    await cluster.settle();
    const steps: string[] = [];
    const shares: string[] = [];
    for (let step = 1; step <= 5; step++) {
      const taken = cluster.outstanding[0];
      if (taken === undefined) throw new Error('no offer');
      const task = resources(demand[taken.role]).allocatedTo(taken.role);
      const rest = taken.resources.minus(task);
      expect(taken.resources.contains(task)).to.equal(true);
      cluster.outstanding = [];
      cluster.allocator.recoverResources(taken.frameworkId, taken.agentId, rest);
      steps.push(taken.role.startsWith('b') ? 'B' : 'A');
      shares.push(
        Object.keys(demand)
          .map((role) => share(cluster, role))
          .join(' '),
      );
      await cluster.tick();
    }
    expect(steps.join('')).to.equal('BAABA');
    expect(shares).to.deep.equal(['3/9 0/9', '3/9 2/9', '3/9 4/9', '6/9 4/9', '6/9 6/9']);
    // All cpus are used: what is left is memory alone.
    expect(
      cluster.outstanding.map((left) => left.resources.unallocated().toString()),
    ).to.deep.equal(['mem:4096']);
  });
});

function share(cluster: TestCluster, role: string): string {
  return `${Math.round((cluster.metric(`mesos/roles/${role}/shares/dominant`) ?? 0) * 9)}/9`;
}

function offer(framework: string, role: string, agent: string, amounts: string) {
  return { framework, role, agent, resources: amounts };
}

/** How many offers each framework got since the last look. */
function counts(cluster: TestCluster): Record<string, number> {
  const result: Record<string, number> = {};
  for (const line of cluster.takeOffers()) {
    const name = line.split(' ')[0] ?? '';
    result[name] = (result[name] ?? 0) + 1;
  }
  return result;
}
