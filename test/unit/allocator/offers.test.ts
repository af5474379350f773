import { expect } from 'chai';
import { TestCluster } from './test-cluster.js';
import { resources } from './resource-text.js';
import { id } from '../../../core/base/index.js';

function offer(framework: string, role: string, agent: string, amounts: string) {
  return { framework, role, agent, resources: amounts };
}

describe('HierarchicalAllocator: what is offered', () => {
  let cluster: TestCluster;

  beforeEach(() => {
    cluster = new TestCluster();
  });

  afterEach(() => cluster.allocator.dispose());

  it('offers an agent when any of the minimums is there, reserved and free together', async () => {
    cluster.addFramework('F1', ['role1']);
    cluster.addAgent('A1', 'cpus:0.005;mem:16;disk:128');
    await cluster.expectOffers();
    cluster.addAgent('A2', 'cpus:0.01;mem:16;disk:128');
    await cluster.expectOffers(offer('F1', 'role1', 'A2', 'cpus:0.01;mem:16;disk:128'));
    cluster.addAgent('A3', 'cpus:0.005;mem:32;disk:128');
    await cluster.expectOffers(offer('F1', 'role1', 'A3', 'cpus:0.005;mem:32;disk:128'));
    const mixed = 'cpus:0.005;mem:16;cpus(role1):0.005;mem(role1):16;disk:128';
    cluster.addAgent('A4', mixed);
    await cluster.expectOffers(offer('F1', 'role1', 'A4', mixed));
  });

  it('replaces the minimum by that of the framework from the next batch on', async () => {
    const small = 'cpus:0.005;mem:16;disk:128';
    cluster.addFramework('F1', ['role1']);
    cluster.addAgent('A1', small);
    await cluster.expectOffers();
    const quantities = [{ quantities: { cpus: { value: 0.00333 } } }];
    const offerFilters = { role1: { min_allocatable_resources: { quantities } } };
    cluster.updateFramework('F1', ['role1'], { offerFilters });
    await cluster.tick();
    await cluster.expectOffers(offer('F1', 'role1', 'A1', small));
  });

  it('offers anything when the framework sets an empty minimum', async () => {
    const offerFilters = { role1: { min_allocatable_resources: { quantities: [] } } };
    cluster.addFramework('F1', ['role1'], { offerFilters });
    cluster.addAgent('A1', 'disk:1');
    await cluster.expectOffers(offer('F1', 'role1', 'A1', 'disk:1'));
  });

  it('looks again at what was too little when somebody comes who takes less', async () => {
    const offerFilters = { role2: { min_allocatable_resources: { quantities: [] } } };
    const less = offer('F2', 'role2', 'A1', 'disk:1');
    cluster.addFramework('F1', ['role1']);
    cluster.addFramework('F2', ['role2'], { offerFilters, active: false });
    cluster.addAgent('A1', 'disk:1');
    await cluster.tick(3);
    await cluster.expectOffers();
    cluster.setActive('F2', true);
    await cluster.expectOffers(less);
    cluster.recover({ framework: 'F2', agent: 'A1', role: 'role2' });
    cluster.suppress('F2');
    await cluster.tick(3);
    await cluster.expectOffers();
    cluster.revive('F2');
    await cluster.expectOffers(less);
  });

  it('offers reservations to their role and its subroles only', async () => {
    cluster.addAgent('A1', 'cpus(a):2;mem(a):1024');
    cluster.addAgent('A2', 'cpus(b):2;mem(b):1024;cpus:1;mem:1024');
    cluster.addAgent('A3', 'cpus(c):1;mem(c):1024');
    cluster.addFramework('F1', ['a/x']);
    await cluster.expectOffers(
      offer('F1', 'a/x', 'A1', 'cpus(a):2;mem(a):1024'),
      offer('F1', 'a/x', 'A2', 'cpus:1;mem:1024'),
    );
    cluster.addFramework('F2', ['b']);
    await cluster.expectOffers(offer('F2', 'b', 'A2', 'cpus(b):2;mem(b):1024'));
  });

  it('offers each part that is given back, alone', async () => {
    const from = { framework: 'F1', agent: 'A1', role: 'role1' };
    cluster.addAgent('A1', 'cpus(role1):1;mem(role1):200;cpus:1;mem:200');
    cluster.addFramework('F1', ['role1']);
    await cluster.settle();
    cluster.takeOffers();
    cluster.recover({ ...from, resources: 'cpus(role1):1;mem(role1):200' });
    await cluster.expectOffers();
    await cluster.tick();
    await cluster.expectOffers({ ...from, resources: 'cpus(role1):1;mem(role1):200' });
    cluster.recover({ ...from, resources: 'cpus:1;mem:200' });
    await cluster.tick();
    await cluster.expectOffers({ ...from, resources: 'cpus:1;mem:200' });
  });

  it('follows the total of the agent, over-allocation included', async () => {
    const from = { framework: 'F1', agent: 'A1', role: 'role1' };
    cluster.addAgent('A1', 'cpus:100;mem:100;disk:100');
    cluster.addFramework('F1', ['role1']);
    await cluster.expectOffers({ ...from, resources: 'cpus:100;mem:100;disk:100' });
    cluster.updateAgent('A1', { total: 'cpus:112;mem:100;disk:100' });
    await cluster.expectOffers({ ...from, resources: 'cpus:12' });
    cluster.updateAgent('A1', { total: 'cpus:50;mem:50;disk:50' });
    await cluster.expectOffers();
    cluster.recover(from);
    await cluster.tick();
    await cluster.expectOffers({ ...from, resources: 'cpus:50;mem:50;disk:50' });
  });

  it('turns held resources into something else, with the total of the agent', async () => {
    const from = { framework: 'F1', agent: 'A1', role: 'role1' };
    cluster.addAgent('A1', 'cpus:2;mem:100;disk:100');
    cluster.addFramework('F1', ['role1']);
    await cluster.settle();
    cluster.takeOffers();
    const change = {
      from: resources('disk:5').allocatedTo('role1'),
      to: resources('disk(+role1@ops)[id=v]:5').allocatedTo('role1'),
    };
    cluster.allocator.updateAllocation(id<'FrameworkId'>('F1'), id<'AgentId'>('A1'), change);
    cluster.outstanding = [];
    const after = 'cpus:2;mem:100;disk:95;disk(+role1@ops)[id=v]:5';
    cluster.recover({ ...from, resources: after });
    await cluster.tick();
    await cluster.expectOffers({ ...from, resources: after });
  });

  it('changes free resources for an operator, and refuses when they are held', async () => {
    const agent = id<'AgentId'>('A1');
    const change = { from: resources('cpus:25'), to: resources('cpus(+role1@ops):25') };
    cluster.addAgent('A1', 'cpus:100;mem:100');
    expect(cluster.allocator.updateAvailable(agent, change)).to.equal(true);
    cluster.addFramework('F1', ['role1']);
    await cluster.expectOffers(offer('F1', 'role1', 'A1', 'cpus:75;cpus(+role1@ops):25;mem:100'));
    expect(cluster.allocator.updateAvailable(agent, change)).to.equal(false);
  });

  it('keeps old agents from frameworks in several or nested roles', async () => {
    cluster.addAgent('A1', 'cpus:1;mem:512', { capabilities: [] });
    cluster.addAgent('A2', 'cpus:1;mem:512', { capabilities: ['MULTI_ROLE'] });
    cluster.addFramework('F1', ['a/b']);
    await cluster.tick();
    await cluster.expectOffers();
    cluster.addFramework('F2', ['a']);
    await cluster.expectOffers(offer('F2', 'a', 'A2', 'cpus:1;mem:512'));
    cluster.addFramework('F3', ['a'], { multiRole: false });
    await cluster.expectOffers(offer('F3', 'a', 'A1', 'cpus:1;mem:512'));
    cluster.recoverOffered();
    cluster.updateAgent('A1', { capabilities: ['MULTI_ROLE', 'HIERARCHICAL_ROLE'] });
    await cluster.expectOffers(offer('F1', 'a/b', 'A1', 'cpus:1;mem:512'));
  });

  it('leaves out what the framework cannot use', async () => {
    cluster.addFramework('F1', ['a/b']);
    cluster.addAgent('A1', 'cpus(a):1;cpus(a,+a/b):2;cpus[revocable]:4');
    await cluster.expectOffers(offer('F1', 'a/b', 'A1', 'cpus(a):1'));
    const capabilities = ['RESERVATION_REFINEMENT', 'REVOCABLE_RESOURCES'] as const;
    cluster.addFramework('F2', ['a/b'], { capabilities });
    await cluster.expectOffers(offer('F2', 'a/b', 'A1', 'cpus(a,+a/b):2;cpus[revocable]:4'));
  });

  it('skips a deactivated agent and offers it with the batch after its activation', async () => {
    cluster.addAgent('A1', 'cpus:1;mem:512');
    cluster.allocator.deactivateAgent(id<'AgentId'>('A1'));
    cluster.addFramework('F1', ['role1']);
    await cluster.tick();
    await cluster.expectOffers();
    cluster.allocator.activateAgent(id<'AgentId'>('A1'));
    await cluster.expectOffers();
    await cluster.tick();
    await cluster.expectOffers(offer('F1', 'role1', 'A1', 'cpus:1;mem:512'));
  });

  it('ignores what is given back twice or by nobody', async () => {
    const from = { framework: 'F1', agent: 'A1', role: 'role1', resources: 'cpus:1;mem:512' };
    cluster.addAgent('A1', 'cpus:1;mem:512');
    cluster.addFramework('F1', ['role1']);
    await cluster.expectOffers(from);
    cluster.recover(from);
    cluster.recover(from);
    cluster.recover({ ...from, framework: 'gone' });
    cluster.recover({ ...from, agent: 'gone' });
    await cluster.tick();
    await cluster.expectOffers(from);
    expect(cluster.metric('mesos/resources/cpus/offered_or_allocated')).to.equal(1);
  });

  it('asserts when the master names a framework or an agent that it never added', () => {
    expect(() => cluster.suppress('F9')).to.throw('framework F9 is not known');
    expect(() => cluster.allocator.removeAgent(id<'AgentId'>('A9'))).to.throw('agent A9');
  });

  it('does nothing after it was disposed of', async () => {
    cluster.addFramework('F1', ['role1']);
    cluster.addAgent('A1', 'cpus:1;mem:512');
    cluster.allocator.dispose();
    await cluster.tick(3);
    await cluster.expectOffers();
    expect(cluster.world.clock.pendingTimers).to.equal(0);
  });
});
