import { expect } from 'chai';
import { DEFAULT_ALLOCATOR_CONFIG, MAX_FILTERS_PER_AGENT } from '../../../core/allocator/index.js';
import { TestCluster } from './test-cluster.js';

const ALL = { framework: 'F1', role: 'role', agent: 'A1', resources: 'cpus:1;mem:512' };
const { framework, role, agent } = ALL;
const FROM = { framework, role, agent };
const ACTIVE = 'mesos/offer_filters/roles/role/active';

describe('HierarchicalAllocator: filters', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = new TestCluster();
    cluster.addFramework('F1', ['role']);
    cluster.addAgent('A1', 'cpus:1;mem:512');
    await cluster.expectOffers(ALL);
  });

  afterEach(() => cluster.allocator.dispose());

  it('hides a refused agent until the filter ends', async () => {
    cluster.recover(FROM, 2);
    expect(cluster.metric(ACTIVE)).to.equal(1);
    await cluster.tick();
    await cluster.expectOffers();
    await cluster.tick();
    await cluster.expectOffers(ALL);
    expect(cluster.metric(ACTIVE)).to.equal(0);
  });

  it('stretches a short refusal to one interval, so that others come first', async () => {
    cluster.addAgent('A2', 'cpus:1;mem:512', { used: { F2: { role: 'cpus:1;mem:512' } } });
    cluster.addFramework('F2', ['role'], { used: { A2: { role: 'cpus:1;mem:512' } } });
    await cluster.settle();
    cluster.recover(FROM, 0.001);
    await cluster.tick();
    await cluster.expectOffers({ ...ALL, framework: 'F2' });
  });

  it('keeps a filter for the batch at the very moment of its end', async () => {
    await cluster.tick();
    cluster.recover(FROM, 1);
    await cluster.tick();
    await cluster.expectOffers();
    await cluster.tick();
    await cluster.expectOffers(ALL);
  });

  for (const refusal of ['default', -1, Number.NaN] as const) {
    it(`takes five seconds when the refusal is ${refusal}`, async () => {
      cluster.recover(FROM, refusal);
      await cluster.tick(4);
      await cluster.expectOffers();
      await cluster.tick();
      await cluster.expectOffers(ALL);
    });
  }

  it('sets no filter for a refusal of zero seconds', async () => {
    cluster.recover(FROM, 0);
    expect(cluster.metric(ACTIVE)).to.equal(0);
    await cluster.tick();
    await cluster.expectOffers(ALL);
  });

  it('cuts a refusal to a year', async () => {
    const intervalMs = DEFAULT_ALLOCATOR_CONFIG.maxFilterMs / 5;
    const slow = new TestCluster({ allocationIntervalMs: intervalMs });
    slow.addFramework('F1', ['role']);
    slow.addAgent('A1', 'cpus:1;mem:512');
    await slow.expectOffers(ALL);
    slow.recover(FROM, Number.MAX_VALUE);
    await slow.tick(4);
    await slow.expectOffers();
    await slow.tick();
    await slow.expectOffers(ALL);
    slow.allocator.dispose();
  });

  it('offers more than what was refused, but not a part of it', async () => {
    cluster.recover({ ...FROM, resources: 'cpus:1' }, 1000);
    await cluster.tick();
    await cluster.expectOffers();
    cluster.recover({ ...FROM, resources: 'mem:512' });
    await cluster.tick();
    await cluster.expectOffers(ALL);
  });

  it('belongs to one role', async () => {
    cluster.updateFramework('F1', ['role', 'other']);
    cluster.recover(FROM, 1000);
    await cluster.tick();
    await cluster.expectOffers({ ...ALL, role: 'other' });
  });

  it('is dropped when the attributes of the agent change, not when its host name does', async () => {
    cluster.recover(FROM, 1000);
    cluster.updateAgent('A1', { hostname: 'renamed' });
    await cluster.tick();
    await cluster.expectOffers();
    cluster.updateAgent('A1', { attributes: { rack: 'r1' } });
    await cluster.expectOffers(ALL);
  });

  it('is dropped when the framework is deactivated', async () => {
    cluster.recover(FROM, 1000);
    cluster.setActive('F1', false);
    expect(cluster.metric(ACTIVE)).to.equal(0);
    await cluster.tick();
    await cluster.expectOffers();
    cluster.setActive('F1', true);
    await cluster.expectOffers(ALL);
  });

  it('is dropped when the framework leaves the role', async () => {
    cluster.recover(FROM, 1000);
    cluster.updateFramework('F1', []);
    cluster.updateFramework('F1', ['role']);
    await cluster.tick();
    await cluster.expectOffers(ALL);
  });

  it('keeps a bounded number for each agent, the ones that end last', async () => {
    cluster.updateAgent('A1', { total: 'cpus:1;mem:512;a:9;b:9;c:9;d:9;e:9;f:9' });
    await cluster.settle();
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    names.forEach((name, index) => {
      cluster.recover({ ...FROM, resources: `${name}:9` }, 1000 + index);
    });
    expect(cluster.metric(ACTIVE)).to.equal(MAX_FILTERS_PER_AGENT);
  });

  it('is one filter for the same refused again and again', () => {
    for (let round = 0; round < 100; round++) {
      cluster.recover({ ...FROM, resources: 'cpus:0.01' }, 1000);
    }
    expect(cluster.metric(ACTIVE)).to.equal(1);
  });
});
