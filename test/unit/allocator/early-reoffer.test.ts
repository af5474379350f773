import { expect } from 'chai';
import { id } from '../../../core/base/index.js';
import { resources } from './resource-text.js';
import { TestCluster } from './test-cluster.js';

const ALL = { framework: 'F1', role: 'role1', agent: 'A1', resources: 'cpus:4;mem:1024' };
const TASK = { framework: 'F1', role: 'role1', agent: 'A1', resources: 'cpus:1;mem:64' };

describe('HierarchicalAllocator: early re-offers', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = new TestCluster({ earlyReoffer: { enabled: true, minIntervalMs: 5 } });
    cluster.addAgent('A1', 'cpus:4;mem:1024');
    cluster.addFramework('F1', ['role1']);
    await cluster.expectOffers(ALL);
  });

  afterEach(() => cluster.allocator.dispose());

  it('offers what a task used before the next batch', async () => {
    cluster.recover(TASK);
    await cluster.expectOffers(TASK);
  });

  it('makes at most one early run for each interval, for all that was freed', async () => {
    cluster.recover(TASK);
    await cluster.expectOffers(TASK);
    cluster.recover(TASK);
    cluster.recover(TASK);
    await cluster.world.advance(4.9);
    await cluster.expectOffers();
    await cluster.world.advance(0.1);
    await cluster.expectOffers({ ...TASK, resources: 'cpus:2;mem:128' });
  });

  it('leaves a refusal, even of zero seconds, to the batch: declines cannot spin', async () => {
    for (let round = 0; round < 5; round++) {
      cluster.recoverOffered('F1', 0);
      await cluster.world.advance(999);
      await cluster.expectOffers();
      await cluster.world.advance(1);
      await cluster.expectOffers(ALL);
    }
  });

  it('offers the rest of an accepted offer early when the master says so', async () => {
    const rest = resources('cpus:3;mem:960').allocatedTo('role1');
    const [framework, agent] = [id<'FrameworkId'>('F1'), id<'AgentId'>('A1')];
    const filters = { refuse_seconds: 0 };
    cluster.allocator.recoverResources(framework, agent, rest, filters, 'early');
    await cluster.expectOffers({ ...ALL, resources: 'cpus:3;mem:960' });
  });

  it('respects filters: only more than was refused comes back', async () => {
    cluster.recover({ ...TASK, resources: 'cpus:2;mem:128' }, 1000);
    cluster.addFramework('F2', ['role2'], { suppressed: ['role2'] });
    await cluster.expectOffers();
    cluster.recover({ ...TASK, resources: 'cpus:1' });
    await cluster.world.advance(10);
    await cluster.expectOffers({ ...TASK, resources: 'cpus:3;mem:128' });
    cluster.recover({ ...TASK, resources: 'cpus:2;mem:100' });
    await cluster.world.advance(10);
    await cluster.expectOffers();
  });

  it('frees the resources of a removed framework early', async () => {
    cluster.addFramework('F2', ['role2']);
    cluster.removeFramework('F1');
    await cluster.world.advance(10);
    await cluster.expectOffers({ ...ALL, framework: 'F2', role: 'role2' });
  });

  it('keeps up with hundreds of short tasks a second on one agent', async () => {
    let launched = 0;
    cluster.outstanding = [];
    cluster.recover(ALL);
    const finished = (offer: (typeof cluster.outstanding)[number]): void => {
      cluster.allocator.recoverResources(offer.frameworkId, offer.agentId, offer.resources);
    };
    for (let elapsedMs = 0; elapsedMs < 1000; elapsedMs++) {
      await cluster.world.advance(1);
      // Each offer becomes one task that ends within a millisecond.
      for (const offer of cluster.outstanding.splice(0)) {
        launched++;
        finished(offer);
      }
    }
    expect(launched).to.be.within(180, 260);
  });

  it('does nothing when it is switched off', async () => {
    const plain = new TestCluster({ earlyReoffer: { enabled: false, minIntervalMs: 5 } });
    plain.addAgent('A1', 'cpus:4;mem:1024');
    plain.addFramework('F1', ['role1']);
    await plain.expectOffers(ALL);
    plain.recover(TASK);
    await plain.world.advance(999);
    await plain.expectOffers();
    plain.allocator.dispose();
  });
});
