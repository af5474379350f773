/** Why a task that somebody describes does not start: each reason, and the agent that came nearest. */
import { expect } from 'chai';
import {
  DescribedTask,
  MAX_EXPLAINED_ROLES,
  MAX_NEAR_MISSES,
  MAX_NEAR_MISSES_PER_REASON,
  type NearMiss,
  type ReasonExplanation,
  type RoleExplanation,
  WHY_REASONS,
  type WhyReason,
} from '../../../core/allocator/index.js';
import { at, id } from '../../../core/base/index.js';
import { TestCluster, domain } from './test-cluster.js';

type Resources = Readonly<Record<string, number>>;

/** Reasons that some test of this file has seen. */
const seen = new Set<WhyReason>();

function task(resources: Resources, ...constraints: string[]): DescribedTask {
  return new DescribedTask({ resources, constraints });
}

function ask(cluster: TestCluster, about: DescribedTask | undefined, role = 'r'): RoleExplanation {
  const question = { role, task: about };
  const answer = cluster.allocator.explain(id<'FrameworkId'>('F1'), question);
  const found = at(answer?.roles ?? [], 0);
  for (const { reason } of found.reasons) seen.add(reason);
  return found;
}

function reason(role: RoleExplanation, wanted: WhyReason): ReasonExplanation {
  const found = role.reasons.find((one) => one.reason === wanted);
  if (found === undefined) throw new Error(`not ${wanted}, but ${JSON.stringify(role.refusals)}`);
  return found;
}

function names(misses: readonly NearMiss[]): string[] {
  return misses.map(({ agentId }) => agentId);
}

describe('HierarchicalAllocator: why a task does not start', () => {
  let cluster: TestCluster;

  beforeEach(() => {
    cluster = new TestCluster();
  });

  afterEach(() => cluster.allocator.dispose());

  it('says that no agent is large enough, and how large the largest is', () => {
    cluster.addFramework('F1', ['r']);
    cluster.addAgent('A1', 'cpus:8;mem:1024');
    cluster.addAgent('A2', 'cpus:4;mem:4096');
    const role = ask(cluster, task({ cpus: 10, mem: 64 }));
    expect(role.refusals).to.deep.equal({ TASK_TOO_LARGE_FOR_AGENT: 2 });
    const found = reason(role, 'TASK_TOO_LARGE_FOR_AGENT');
    expect(found.nearest[0]).to.deep.include({
      agentId: 'A1',
      missing: [{ resource: 'cpus', wanted: 10, available: 8, missing: 2 }],
    });
    expect(found.change).to.equal(
      'no agent has more than 8 cpus: ask for at most that, or add a larger agent',
    );
    const both = reason(ask(cluster, task({ cpus: 8, mem: 4096 })), 'TASK_TOO_LARGE_FOR_AGENT');
    expect(both.change).to.match(/^no agent has all of it together: ask for 4 cpus less/);
    const some = reason(ask(cluster, task({ cpus: 6, mem: 64 })), 'TASK_TOO_LARGE_FOR_AGENT');
    expect(some.change).to.equal('ask for less, or add larger agents: agent A2 (A2) lacks 2 cpus');
  });

  it('names the agent that lacks least, and who holds it', async () => {
    cluster.addAgent('A1', 'cpus:8;mem:1024', { used: { F2: { q: 'cpus:7;mem:64' } } });
    cluster.addAgent('A2', 'cpus:8;mem:1024', {
      used: { F2: { q: 'cpus:1;mem:64' }, F3: { p: 'cpus:5;mem:64' } },
    });
    cluster.addAgent('A3', 'cpus:8;mem:1024', { used: { F2: { q: 'cpus:6.5;mem:64' } } });
    cluster.addFramework('F1', ['r'], { suppressed: ['r'] });
    cluster.addFramework('F2', ['q'], { suppressed: ['q'] });
    cluster.addFramework('F3', ['p'], { suppressed: ['p'] });
    await cluster.tick();
    cluster.revive('F1');
    const found = reason(ask(cluster, task({ cpus: 4, mem: 128 })), 'TASK_NOT_ENOUGH_FREE');
    expect(names(found.nearest)).to.deep.equal(['A2', 'A3', 'A1']);
    expect(at(found.nearest, 0)).to.deep.include({
      missing: [{ resource: 'cpus', wanted: 4, available: 2, missing: 2 }],
      holders: [
        { frameworkId: 'F3', role: 'p', held: { cpus: 5, mem: 64 }, offered: {} },
        { frameworkId: 'F2', role: 'q', held: { cpus: 1, mem: 64 }, offered: {} },
      ],
    });
    expect(found.heldBy).to.deep.equal([
      { frameworkId: 'F2', role: 'q', agents: 3 },
      { frameworkId: 'F3', role: 'p', agents: 1 },
    ]);
    expect(found.change).to.equal('free 2 cpus on agent A2 (A2) (held by framework F3 in role p)');
  });

  it('tells what is held by an offer from what a task uses', async () => {
    cluster.addAgent('A1', 'cpus:4;mem:1024');
    cluster.addFramework('F2', ['q']);
    await cluster.tick();
    cluster.addFramework('F1', ['r']);
    await cluster.tick();
    const found = reason(ask(cluster, task({ cpus: 1 })), 'NOTHING_FREE');
    expect(at(at(found.nearest, 0).holders ?? [], 0)).to.deep.include({
      frameworkId: 'F2',
      offered: { cpus: 4, mem: 1024 },
    });
  });

  it('compares attributes, and names those that differ', () => {
    cluster.addFramework('F1', ['r']);
    cluster.addAgent('A1', 'cpus:4;mem:64', { attributes: { rack: 'r2', os: 'linux-6' } });
    cluster.addAgent('A2', 'cpus:4;mem:64', { attributes: { rack: 'r2', os: 'bsd' } });
    cluster.addAgent('A3', 'cpus:4;mem:64', { attributes: { rack: 'r1', os: 'linux-5' } });
    const role = ask(cluster, task({ cpus: 1 }, 'rack=r1', 'os~=linux.*'));
    expect(role.fits).to.deep.equal({ agents: 1, examples: [{ agentId: 'A3', hostname: 'A3' }] });
    const found = reason(role, 'TASK_CONSTRAINTS');
    expect(names(found.nearest)).to.deep.equal(['A1', 'A2']);
    expect(at(found.nearest, 0).attributes).to.deep.equal([
      { attribute: 'rack', wanted: '= r1', found: 'r2' },
    ]);
    expect(found.change).to.equal(
      'change the constraints of the task: agent A1 (A1) has rack = r2, not rack = r1',
    );
    const none = reason(ask(cluster, task({}, 'zone')), 'TASK_CONSTRAINTS');
    expect(at(none.nearest, 0).attributes).to.deep.equal([
      { attribute: 'zone', wanted: 'exists', found: undefined },
    ]);
  });

  it('takes every form of constraint', () => {
    cluster.addFramework('F1', ['r']);
    cluster.addAgent('A1', 'cpus:4;mem:64', {
      attributes: { rack: 'r1' },
      domain: { region: 'eu', zone: 'z1' },
    });
    const fits = (...constraints: string[]): boolean =>
      ask(cluster, task({ cpus: 1 }, ...constraints)).fits.agents === 1;
    const group = (value: string) => ({
      attribute_constraints: [
        { selector: { attribute_name: 'rack' }, predicate: { text_equals: { value } } },
      ],
    });
    const groups = (...values: string[]) => ({ groups: values.map(group) });
    const good = ['rack=r1', 'rack != r2', 'rack~=r[0-9]', 'rack!~=x.*', 'rack', '!gpu'];
    for (const text of [...good, '@hostname=A1', '@region=eu', '@zone!=z2']) {
      expect(fits(text), text).to.equal(true);
    }
    for (const text of ['rack=r', 'rack!=r1', 'rack~=x', 'rack!~=r.', 'gpu', '!rack', '@zone=x']) {
      expect(fits(text), text).to.equal(false);
    }
    expect(fits(JSON.stringify(groups('r9', 'r1')))).to.equal(true);
    expect(fits(JSON.stringify(groups('r9')))).to.equal(false);
    expect(fits(JSON.stringify({ role_constraints: { r: groups('r9') } }))).to.equal(false);
    expect(fits(JSON.stringify({ role_constraints: { other: groups('r9') } }))).to.equal(true);
    expect(fits('rack=r1', JSON.stringify(groups('r9')))).to.equal(false);
  });

  it('refuses a description that is not valid, and names the field', () => {
    const problem = (resources: Resources, ...constraints: string[]): string => {
      try {
        task(resources, ...constraints);
        return 'none';
      } catch (error) {
        expect(error).to.have.property('code', 'INVALID_MESSAGE');
        return String(error);
      }
    };
    expect(problem({ cpus: -1 })).to.match(/cpus scalar is -1/);
    expect(problem({ mem: Number.NaN })).to.match(/mem scalar is NaN/);
    expect(problem({ ports: 1.5 })).to.match(/ports is 1.5/);
    expect(problem({ 'a b': 1 })).to.match(/resources\['a b'\]/);
    expect(problem({}, '=r1')).to.match(/constraints '=r1' is no expression: write one as rack=r1/);
    expect(problem({}, '!rack=r1')).to.match(/is no expression/);
    expect(problem({}, '@rack=r1')).to.match(/'@rack': there are @hostname/);
    expect(problem({}, 'rack~=(')).to.match(/constraints 'rack~=\('.*regex is not valid/);
    expect(problem({}, '{"groups": [}')).to.match(/constraints are no JSON/);
    expect(problem({}, '{"groups": []}')).to.match(/constraints.groups is empty/);
    expect(problem({}, '{"role_constraints": 1}')).to.match(/role_constraints is no object/);
    expect(problem({}, '{"groups": 1}')).to.match(/constraints are no offer constraints/);
    const many = Array.from({ length: 33 }, (_one, index) => [`r${index}`, 1] as const);
    expect(problem(Object.fromEntries(many))).to.match(/resources are more than 32/);
    expect(problem({}, ...many.map(([name]) => name))).to.match(/constraints are more than 32/);
  });

  it('counts ports, and adds up only what one task can use together', () => {
    cluster.addFramework('F1', ['r'], { capabilities: ['REVOCABLE_RESOURCES'] });
    cluster.addAgent('A1', 'cpus:2;cpus[revocable]:3;mem:64;ports:[1-3,10-11];disk[mount=/a]:10');
    expect(ask(cluster, task({ ports: 5, cpus: 3 })).fits.agents).to.equal(1);
    expect(ask(cluster, task({ cpus: 4 })).refusals).to.deep.equal({ TASK_TOO_LARGE_FOR_AGENT: 1 });
    const found = reason(ask(cluster, task({ ports: 6 })), 'TASK_TOO_LARGE_FOR_AGENT');
    expect(at(found.nearest, 0).missing).to.deep.equal([
      { resource: 'ports', wanted: 6, available: 5, missing: 1 },
    ]);
    expect(ask(cluster, task({ disk: 10 })).fits.agents).to.equal(1);
    expect(ask(cluster, task({ disk: 11 })).fits.agents).to.equal(0);
  });

  it('says when the filter ends that hides the agent, the soonest first', async () => {
    cluster.addFramework('F1', ['r']);
    for (const name of ['A1', 'A2']) cluster.addAgent(name, 'cpus:4;mem:64');
    await cluster.settle();
    cluster.recover({ framework: 'F1', agent: 'A1', role: 'r' }, 100);
    cluster.recover({ framework: 'F1', agent: 'A2', role: 'r' }, 14);
    await cluster.tick(2);
    const found = reason(ask(cluster, task({ cpus: 2 })), 'FILTERED');
    expect(names(found.nearest)).to.deep.equal(['A2', 'A1']);
    expect(at(found.nearest, 0).filterEndsInMs).to.equal(12_000);
    expect(found.change).to.equal(
      'revive role r, or wait: the filter on agent A2 (A2) ends in 12 s',
    );
    // Reviving would not help a task that does not fit.
    expect(ask(cluster, task({ cpus: 5 })).refusals).to.deep.equal({ TASK_TOO_LARGE_FOR_AGENT: 2 });
    cluster.revive('F1');
    expect(ask(cluster, task({ cpus: 2 })).fits.agents).to.equal(2);
  });

  it('says by how much the limit of the role is too low', async () => {
    cluster.addAgent('A1', 'cpus:8;mem:1024', { used: { F1: { r: 'cpus:2;mem:64' } } });
    cluster.addFramework('F1', ['r'], { suppressed: ['r'] });
    cluster.setQuota('r', undefined, 'cpus:3');
    await cluster.tick();
    cluster.revive('F1');
    const found = reason(ask(cluster, task({ cpus: 4 })), 'QUOTA_LIMIT');
    expect(at(found.nearest, 0)).to.deep.include({
      limitedRole: 'r',
      missing: [{ resource: 'cpus', wanted: 4, available: 1, missing: 3 }],
    });
    expect(found.change).to.equal('raise the limit of role r by 3 cpus');
    expect(ask(cluster, task({ cpus: 1 })).fits.agents).to.equal(1);
  });

  it('says how much is held back, and for whom', () => {
    cluster.addAgent('A1', 'cpus:8;mem:1024');
    cluster.addFramework('F1', ['r']);
    cluster.setQuota('q', 'cpus:6');
    const found = reason(ask(cluster, task({ cpus: 4 })), 'QUOTA_HEADROOM');
    expect(at(found.nearest, 0)).to.deep.include({
      guaranteedRoles: ['q'],
      missing: [{ resource: 'cpus', wanted: 4, available: 2, missing: 2 }],
    });
    expect(found.change).to.match(/^free or add 2 cpus beyond what is kept for role q,/);
    expect(ask(cluster, task({ cpus: 2 })).fits.agents).to.equal(1);
  });

  it('knows what can never be had there: reserved, or not understood', () => {
    cluster.addFramework('F1', ['r']);
    cluster.addAgent('A1', 'cpus(q):8;cpus:1;mem:64');
    cluster.addAgent('A2', 'cpus[revocable]:8;cpus:1;mem:64');
    const role = ask(cluster, task({ cpus: 4 }));
    expect(role.refusals).to.deep.equal({ RESERVED_FOR_OTHERS: 1, FRAMEWORK_CAPABILITY: 1 });
    expect(reason(role, 'RESERVED_FOR_OTHERS').change).to.match(
      /^unreserve 3 cpus on agent A1 \(A1\) for role r/,
    );
    expect(reason(role, 'FRAMEWORK_CAPABILITY').change).to.include('REVOCABLE_RESOURCES');
  });

  it('gives the reasons of the allocator for agents that nobody, or not it, is offered', async () => {
    cluster.allocator.dispose();
    cluster = new TestCluster({ domain: domain({ region: 'eu', zone: 'z' }) });
    const rack = { selector: { attribute_name: 'rack' }, predicate: { exists: {} } };
    const groups = [{ attribute_constraints: [rack] }];
    cluster.addFramework('F1', ['r'], {
      offerConstraints: { role_constraints: { r: { groups } } },
    });
    const attributes = { rack: 'r1' };
    cluster.addAgent('off', 'cpus:4;mem:64', { attributes });
    cluster.allocator.deactivateAgent(id<'AgentId'>('off'));
    cluster.addAgent('black', 'cpus:4;mem:64', { attributes });
    cluster.addAgent('old', 'cpus:4;mem:64', { attributes, capabilities: [] });
    cluster.addAgent('gpu', 'cpus:4;mem:64;gpus:1', { attributes });
    cluster.addAgent('far', 'cpus:4;mem:64', { attributes, domain: { region: 'us', zone: 'z' } });
    cluster.addAgent('bare', 'cpus:4;mem:64');
    const hosts = [...cluster.agents.keys()].filter((name) => name !== 'black');
    cluster.allocator.updateWhitelist(hosts);
    await cluster.tick();
    const role = ask(cluster, task({ cpus: 1 }));
    const by = Object.fromEntries(role.reasons.map((one) => [one.reason, names(one.nearest)]));
    expect(by).to.deep.equal({
      AGENT_INACTIVE: ['off'],
      NOT_WHITELISTED: ['black'],
      AGENT_CAPABILITY: ['old'],
      GPU_AGENT: ['gpu'],
      REMOTE_REGION: ['far'],
      OFFER_CONSTRAINTS: ['bare'],
    });
    expect(reason(role, 'OFFER_CONSTRAINTS').change).to.equal(
      'change the offer constraints of role r: agent bare (bare) has no rack, not rack exists',
    );
    expect(reason(role, 'REMOTE_REGION').change).to.include('agents in region eu');
  });

  it('gives the reasons that concern all agents', async () => {
    cluster.addAgent('A1', 'cpus:4;mem:64');
    cluster.addAgent('A2', 'cpus:1;mem:64');
    cluster.addFramework('F1', ['r'], { suppressed: ['r'] });
    const small = task({ cpus: 2 });
    expect(ask(cluster, small).refusals).to.deep.equal({
      ROLE_SUPPRESSED: 1,
      TASK_TOO_LARGE_FOR_AGENT: 1,
    });
    cluster.setActive('F1', false);
    expect(reason(ask(cluster, small), 'FRAMEWORK_INACTIVE').agents).to.equal(1);
    cluster.allocator.dispose();
    cluster = new TestCluster();
    const quotas = new Map([['q', { guarantees: new Map([['cpus', 1000]]), limits: new Map() }]]);
    cluster.allocator.recover({ expectedAgents: 4, quotas });
    cluster.addFramework('F1', ['r']);
    cluster.addAgent('A1', 'cpus:4;mem:64');
    expect(reason(ask(cluster, small), 'RECOVERING').agents).to.equal(1);
  });

  it('names who was served first, and what is below the minimum', async () => {
    cluster.addAgent('A1', 'cpus:4;mem:64');
    cluster.addFramework('F1', ['r']);
    cluster.addFramework('F2', ['q']);
    await cluster.tick();
    // Of those that hold nothing the one that was served less often is the next.
    for (const next of ['F1', 'F2']) {
      cluster.recoverOffered();
      await cluster.tick();
      expect(cluster.outstanding.map(({ frameworkId }) => frameworkId)).to.deep.equal([next]);
    }
    const found = reason(ask(cluster, task({ cpus: 1 })), 'LOWER_SHARE_FIRST');
    expect(at(found.nearest, 0).servedFirst).to.deep.equal({
      frameworkId: 'F2',
      role: 'q',
      dominantShare: 1,
    });
    expect(found.change).to.match(/^wait until framework F2 \(role q, share 100 %\) gives back/);
    cluster.allocator.dispose();
    cluster = new TestCluster();
    cluster.addFramework('F1', ['r']);
    cluster.addAgent('A1', 'cpus:0.004;mem:1');
    const below = reason(ask(cluster, undefined), 'BELOW_MINIMUM');
    expect(below.nearest[0]?.missing).to.deep.equal([
      { resource: 'cpus', wanted: 0.01, available: 0.004, missing: 0.006 },
    ]);
    expect(reason(ask(cluster, task({ cpus: 0.001 })), 'BELOW_MINIMUM').agents).to.equal(1);
  });

  it('finds offers that the framework holds, alone and with what is free', async () => {
    cluster.addAgent('A1', 'cpus:4;mem:64');
    cluster.addFramework('F1', ['r']);
    await cluster.tick();
    expect(ask(cluster, task({ cpus: 4 })).holds).to.deep.equal({
      agents: 1,
      examples: [{ agentId: 'A1', hostname: 'A1' }],
    });
    cluster.recover({ framework: 'F1', agent: 'A1', role: 'r', resources: 'cpus:3' });
    expect(ask(cluster, task({ cpus: 4 })).fits.agents).to.equal(1);
    expect(ask(cluster, task({ cpus: 4 })).holds.agents).to.equal(0);
    cluster.allocator.noteUsed(
      id<'FrameworkId'>('F1'),
      id<'AgentId'>('A1'),
      at(cluster.outstanding, 0).resources,
    );
    expect(ask(cluster, task({ cpus: 4 })).refusals).to.deep.equal({ TASK_NOT_ENOUGH_FREE: 1 });
  });

  it('is bounded, however many agents and roles there are', () => {
    const roles = Array.from({ length: MAX_EXPLAINED_ROLES + 2 }, (_one, index) => `r${index}`);
    cluster.addFramework('F1', roles);
    for (let index = 0; index < 40; index++) {
      const attributes = index % 2 === 0 ? {} : { rack: 'r9' };
      cluster.addAgent(`A${index}`, `cpus:${(index % 7) + 1};mem:64`, { attributes });
    }
    const answer = cluster.allocator.explain(id<'FrameworkId'>('F1'), {
      task: task({ cpus: 9 }, '!rack'),
    });
    expect(answer?.roles).to.have.length(MAX_EXPLAINED_ROLES);
    expect(answer?.rolesLeftOut).to.deep.equal(roles.slice(MAX_EXPLAINED_ROLES));
    const role = at(answer?.roles ?? [], 0);
    expect(role.nearest).to.have.length(MAX_NEAR_MISSES);
    for (const { nearest } of role.reasons) {
      expect(nearest).to.have.length(MAX_NEAR_MISSES_PER_REASON);
    }
    expect(role.reasons.reduce((sum, { agents }) => sum + agents, 0)).to.equal(40);
    const lacks = (miss: NearMiss): number => at(miss.missing, 0).missing;
    expect(lacks(at(reason(role, 'TASK_TOO_LARGE_FOR_AGENT').nearest, 0))).to.equal(2);
  });

  after('every reason was met', () => {
    const all = Object.keys(WHY_REASONS);
    expect(all.filter((one) => ![...seen].some((met) => met === one))).to.deep.equal([]);
  });
});
