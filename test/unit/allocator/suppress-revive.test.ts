import { expect } from 'chai';
import { TestCluster } from './test-cluster.js';

const ALL = { framework: 'F1', role: 'role1', agent: 'A1', resources: 'cpus:2;mem:1024' };
const FROM = { framework: 'F1', role: 'role1', agent: 'A1' };

describe('HierarchicalAllocator: suppress and revive', () => {
  let cluster: TestCluster;

  beforeEach(() => {
    cluster = new TestCluster();
    cluster.addAgent('A1', 'cpus:2;mem:1024');
  });

  afterEach(() => cluster.allocator.dispose());

  it('offers again at once after a revive, whatever was refused', async () => {
    cluster.addFramework('F1', ['role1']);
    await cluster.expectOffers(ALL);
    cluster.recover(FROM, 1000);
    await cluster.tick();
    await cluster.expectOffers();
    cluster.revive('F1');
    await cluster.expectOffers(ALL);
  });

  it('offers nothing to a suppressed framework until it revives', async () => {
    cluster.addFramework('F1', ['role1']);
    await cluster.expectOffers(ALL);
    cluster.recover(FROM);
    cluster.suppress('F1');
    await cluster.tick();
    await cluster.expectOffers();
    cluster.revive('F1');
    await cluster.expectOffers(ALL);
  });

  it('suppresses and revives one role and leaves the filters of the other', async () => {
    cluster.addFramework('F1', ['role1', 'role2'], { suppressed: ['role1'] });
    await cluster.expectOffers({ ...ALL, role: 'role2' });
    cluster.recover({ ...FROM, role: 'role2' }, 1000);
    await cluster.tick();
    await cluster.expectOffers();
    cluster.revive('F1', ['role1']);
    await cluster.expectOffers(ALL);
    cluster.recover(FROM, 1000);
    await cluster.tick();
    await cluster.expectOffers();
  });

  it('stays suppressed over a disconnection', async () => {
    cluster.addFramework('F1', ['role1'], { suppressed: ['role1'] });
    cluster.setActive('F1', false);
    cluster.setActive('F1', true);
    await cluster.tick();
    await cluster.expectOffers();
    cluster.revive('F1');
    await cluster.expectOffers(ALL);
  });

  it('serves a role that was added or unsuppressed by an update with the next batch', async () => {
    cluster.addFramework('F1', []);
    cluster.updateFramework('F1', ['role1'], { suppressed: ['role1'] });
    await cluster.tick();
    await cluster.expectOffers();
    cluster.updateFramework('F1', ['role1']);
    await cluster.expectOffers();
    await cluster.tick();
    await cluster.expectOffers(ALL);
  });

  it('keeps resources of a role that was left, counted for that role', async () => {
    cluster.addFramework('F1', ['role1']);
    await cluster.expectOffers(ALL);
    cluster.updateFramework('F1', ['role2']);
    await cluster.tick();
    await cluster.expectOffers();
    expect(cluster.metric('mesos/roles/role1/shares/dominant')).to.equal(1);
    cluster.recover(FROM);
    expect(cluster.metric('mesos/roles/role1/shares/dominant')).to.equal(undefined);
    await cluster.tick();
    await cluster.expectOffers({ ...ALL, role: 'role2' });
  });

  it('frees everything that a removed framework held', async () => {
    cluster.addFramework('F1', ['role1']);
    await cluster.expectOffers(ALL);
    cluster.addFramework('F2', ['role2']);
    await cluster.settle();
    cluster.removeFramework('F1');
    await cluster.expectOffers();
    await cluster.tick();
    await cluster.expectOffers({ ...ALL, framework: 'F2', role: 'role2' });
  });
});
