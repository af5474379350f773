/** Where frameworks want, and may have, their offers from: regions, constraints; and holding off. */
import { expect } from 'chai';
import { validateOfferConstraints } from '../../../core/allocator/index.js';
import type {
  SchedulerAttributeConstraint,
  SchedulerOfferConstraints,
} from '../../../core/api/index.js';
import { id } from '../../../core/base/index.js';
import { TestCluster, domain } from './test-cluster.js';

const here = { region: 'eu', zone: 'eu-1' };

function constraints(...all: SchedulerAttributeConstraint[]): SchedulerOfferConstraints {
  return { role_constraints: { role: { groups: [{ attribute_constraints: all }] } } };
}

function refusals(cluster: TestCluster, framework: string): unknown {
  return cluster.allocator.explain(id<'FrameworkId'>(framework))?.roles[0]?.refusals;
}

describe('HierarchicalAllocator: regions', () => {
  it('keeps agents of other regions for frameworks that take them', async () => {
    const cluster = new TestCluster({ domain: domain(here) });
    cluster.addFramework('F1', ['role']);
    cluster.addAgent('near', 'cpus:1', { domain: { region: 'eu', zone: 'eu-2' } });
    cluster.addAgent('nowhere', 'cpus:1');
    cluster.addAgent('far', 'cpus:1', { domain: { region: 'us', zone: 'us-1' } });
    await cluster.settle();
    expect(cluster.outstanding.map(({ agentId }) => agentId)).to.have.members(['near', 'nowhere']);
    expect(refusals(cluster, 'F1')).to.deep.equal({ REMOTE_REGION: 1 });
    cluster.addFramework('F2', ['role'], { capabilities: ['REGION_AWARE'] });
    await cluster.settle();
    expect(cluster.outstanding.at(-1)).to.include({ frameworkId: 'F2', agentId: 'far' });
    cluster.allocator.dispose();
  });
});

describe('HierarchicalAllocator: offer constraints', () => {
  it('reads host, region and zone of agents, which may have neither', async () => {
    const cluster = new TestCluster();
    const offerConstraints = constraints(
      { selector: { pseudoattribute_type: 'REGION' }, predicate: { text_equals: { value: 'eu' } } },
      { selector: { pseudoattribute_type: 'ZONE' }, predicate: { exists: {} } },
      {
        selector: { pseudoattribute_type: 'HOSTNAME' },
        predicate: { text_not_equals: { value: 'A2' } },
      },
    );
    cluster.addFramework('F1', ['role'], { offerConstraints });
    cluster.addAgent('A1', 'cpus:1', { domain: here });
    cluster.addAgent('A2', 'cpus:1', { domain: here });
    cluster.addAgent('A3', 'cpus:1');
    await cluster.settle();
    expect(cluster.outstanding.map(({ agentId }) => agentId)).to.deep.equal(['A1']);
    expect(refusals(cluster, 'F1')).to.deep.equal({ OFFER_CONSTRAINTS: 2 });
    cluster.allocator.dispose();
  });

  it('refuses what says too little, too much or nothing, and names the field', () => {
    const selector = { attribute_name: 'rack' };
    const check = (one: SchedulerAttributeConstraint): string | undefined =>
      validateOfferConstraints(constraints(one));
    expect(check({ selector, predicate: { exists: {} } })).to.equal(undefined);
    expect(check({ selector: {}, predicate: { exists: {} } })).to.match(/selector names no/);
    expect(check({ selector, predicate: {} })).to.match(/predicate has to state exactly one/);
    expect(check({ selector, predicate: { exists: {}, not_exists: {} } })).to.match(/exactly one/);
    const both = { attribute_name: 'rack', pseudoattribute_type: 'ZONE' as const };
    expect(check({ selector: both, predicate: { exists: {} } })).to.match(/selector names both/);
    const regex = 'x'.repeat(5000);
    expect(check({ selector, predicate: { text_matches: { regex } } })).to.match(
      /longer than 4096/,
    );
  });

  it('matches each text once, whatever the number of runs', async () => {
    let matched = 0;
    const cluster = new TestCluster({}, 'test', () => ({
      matches: (text) => {
        matched++;
        return text === 'r1';
      },
    }));
    const rack = { attribute_name: 'rack' };
    const offerConstraints = constraints({
      selector: rack,
      predicate: { text_not_matches: { regex: 'r1' } },
    });
    cluster.addFramework('F1', ['role'], { offerConstraints });
    cluster.addAgent('A1', 'cpus:1', { attributes: { rack: 'r1' } });
    cluster.addAgent('A2', 'cpus:1', { attributes: { rack: 'r2' } });
    await cluster.tick(3);
    cluster.revive('F1');
    await cluster.settle();
    expect(cluster.outstanding.map(({ agentId }) => agentId)).to.deep.equal(['A2']);
    expect(matched).to.equal(2);
    cluster.allocator.dispose();
  });
});

describe('HierarchicalAllocator: after a failover', () => {
  it('waits for most agents, and says so', async () => {
    const cluster = new TestCluster();
    const quotas = new Map([['q', { guarantees: new Map([['cpus', 1000]]), limits: new Map() }]]);
    cluster.allocator.recover({ expectedAgents: 4, quotas });
    cluster.addFramework('F1', ['n']);
    cluster.addAgent('A1', 'cpus:1;mem:64');
    cluster.addAgent('A2', 'cpus:1;mem:64');
    await cluster.tick(2);
    expect(cluster.outstanding).to.deep.equal([]);
    expect(refusals(cluster, 'F1')).to.deep.equal({ RECOVERING: 2 });
    cluster.addAgent('A3', 'cpus:1;mem:64');
    await cluster.settle();
    expect(cluster.outstanding.map(({ agentId }) => agentId)).to.deep.equal(['A3']);
    await cluster.tick();
    expect(cluster.outstanding.map(({ agentId }) => agentId)).to.have.members(['A1', 'A2', 'A3']);
    cluster.allocator.dispose();
  });
});

describe('HierarchicalAllocator: random order', () => {
  it('is the same for the same seed and another for another', async () => {
    const order = async (seed: string): Promise<string> => {
      const random = { roleSorter: 'random', frameworkSorter: 'random' } as const;
      const cluster = new TestCluster(random, seed);
      for (const name of ['F1', 'F2', 'F3', 'F4']) cluster.addFramework(name, ['a', 'b']);
      for (let index = 0; index < 12; index++) cluster.addAgent(`A${index}`, 'cpus:1;mem:64');
      await cluster.settle();
      cluster.allocator.dispose();
      return cluster.takeOffers().join('\n');
    };
    expect(await order('one')).to.equal(await order('one'));
    expect(await order('one')).not.to.equal(await order('two'));
  });
});
