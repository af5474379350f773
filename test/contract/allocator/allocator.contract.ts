/**
 * What every allocator has to do, whatever its policy: run against the one that is built in and the
 * example. To test one of your own, call `describeAllocator` with what makes it.
 */
import { expect } from 'chai';
import type { SchedulerAttributeConstraint } from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import { Resources, parseResources, pushReservation } from '../../../core/resources/index.js';
import { AllocatorHost, type MakeAllocator, agent, framework } from './allocator-host.js';

const WHOLE = 'cpus:4; mem:1024';

function constraintsOf(role: string, constraint: SchedulerAttributeConstraint) {
  const groups = [{ attribute_constraints: [constraint] }];
  return { role_constraints: { [role]: { groups } } };
}

const inRegion = (name: string) => ({
  fault_domain: { region: { name }, zone: { name: 'z' } },
});

export function describeAllocator(name: string, make: MakeAllocator): void {
  describe(`${name} as an allocator`, () => {
    describeOffers(make);
    describeGivingBack(make);
    describeRules(make);
    describeChanges(make);
  });
}

function describeOffers(make: MakeAllocator): void {
  it('offers what is free, bound to a role, within a batch', async () => {
    const host = new AllocatorHost(make);
    host.addAgent('A', WHOLE);
    host.addFramework('F');
    await host.batches(1);
    expect(host.offered('F')).to.equal(parseResources(WHOLE).toString());
    expect(at(host.offers, 0).role).to.equal('role');
  });

  it('offers nothing twice, and not what tasks use', async () => {
    const host = new AllocatorHost(make);
    const held = parseResources('cpus:3; mem:900').allocatedTo('role');
    host.addAgent('A', WHOLE, { used: new Map([[framework('F'), held]]) });
    host.addFramework('F');
    host.addFramework('G');
    await host.batches(5);
    const all = Resources.sum(host.offers.map(({ resources }) => resources.unallocated()));
    expect(all.toString()).to.equal(parseResources('cpus:1; mem:124').toString());
  });

  it('offers nothing to the suppressed and the inactive, until they change', async () => {
    const host = new AllocatorHost(make);
    host.addAgent('A', WHOLE);
    host.addFramework('F', { suppressed: ['role'] });
    host.addFramework('G', { active: false });
    await host.batches();
    expect(host.offers).to.deep.equal([]);
    host.call((allocator) => allocator.activateFramework(framework('G')));
    await host.batches();
    const [offer] = host.offersTo('G');
    host.call((allocator) => allocator.deactivateFramework(framework('G')));
    host.giveBack(
      at(
        [offer].flatMap((one) => one ?? []),
        0,
      ),
    );
    host.call((allocator) => allocator.revive(framework('F'), []));
    await host.batches();
    expect(host.offersTo('F')).to.have.length(1);
    expect(host.offersTo('G')).to.deep.equal([]);
  });

  it('offers nothing after SUPPRESS of all roles, or of the one', async () => {
    for (const roles of [[], ['role']]) {
      const host = new AllocatorHost(make);
      host.addFramework('F');
      host.call((allocator) => allocator.suppress(framework('F'), roles));
      host.addAgent('A', WHOLE);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await host.batches();
      expect(host.offers).to.deep.equal([]);
    }
  });

  it('offers no agent that is deactivated, removed, or not on the whitelist', async () => {
    const host = new AllocatorHost(make);
    for (const one of ['A', 'B', 'C']) host.addAgent(one, WHOLE);
    host.call((allocator) => allocator.deactivateAgent(agent('A')));
    host.removeAgent('B');
    host.call((allocator) => allocator.updateWhitelist(['A', 'B']));
    host.addFramework('F');
    await host.batches();
    expect(host.offers).to.deep.equal([]);
    host.call((allocator) => allocator.updateWhitelist(undefined));
    host.call((allocator) => allocator.activateAgent(agent('A')));
    await host.batches();
    expect(host.offers.map(({ agentId }) => agentId)).to.have.members(['A', 'C']);
  });

  it('offers nothing below the minimum', async () => {
    const host = new AllocatorHost(make);
    host.addAgent('A', 'cpus:0.005; mem:31; disk:4096');
    host.addFramework('F');
    await host.batches();
    expect(host.offers).to.deep.equal([]);
  });

  it('does nothing any more when it is disposed of', async () => {
    const host = new AllocatorHost(make);
    host.addAgent('A', WHOLE);
    host.addFramework('F');
    host.call((allocator) => allocator.dispose());
    await host.batches();
    expect(host.calls).to.equal(0);
  });
}

function describeGivingBack(make: MakeAllocator): void {
  it('offers again what is given back, without filters', async () => {
    const host = new AllocatorHost(make);
    host.addAgent('A', WHOLE);
    host.addFramework('F');
    await host.batches();
    const used = parseResources('cpus:1; mem:256').allocatedTo('role');
    const offer = at(host.offers, 0);
    host.giveBack(offer, undefined, offer.resources.minus(used));
    await host.batches();
    expect(host.offered('F')).to.equal(parseResources('cpus:3; mem:768').toString());
    host.endTask('F', 'A', used);
    await host.batches();
    expect(host.offered('F')).to.equal(parseResources(WHOLE).toString());
  });

  it('keeps a refusal for as long as it says, and gives others the resources', async () => {
    const host = new AllocatorHost(make);
    host.addAgent('A', WHOLE);
    host.addFramework('F');
    await host.batches();
    host.giveBack(at(host.offers, 0), { refuse_seconds: 60 });
    await host.world.advance(50_000);
    expect(host.offers).to.deep.equal([]);
    host.addFramework('G');
    await host.batches();
    host.giveBack(at(host.offersTo('G'), 0), { refuse_seconds: 3600 });
    await host.world.advance(20_000);
    expect(host.offersTo('F')).to.have.length(1);
  });

  it('forgets refusals at REVIVE, and has none of 0 seconds', async () => {
    const host = new AllocatorHost(make);
    host.addAgent('A', WHOLE);
    host.addFramework('F');
    await host.batches();
    host.giveBack(at(host.offers, 0), { refuse_seconds: 3600 });
    host.call((allocator) => allocator.revive(framework('F'), []));
    await host.batches();
    host.giveBack(at(host.offers, 0), { refuse_seconds: 0 });
    await host.batches();
    expect(host.offers).to.have.length(1);
  });

  it('offers more than was refused', async () => {
    const host = new AllocatorHost(make);
    host.addAgent('A', WHOLE);
    host.addFramework('F');
    await host.batches();
    const offer = at(host.offers, 0);
    const used = parseResources('cpus:2; mem:512').allocatedTo('role');
    host.giveBack(offer, { refuse_seconds: 3600 }, offer.resources.minus(used));
    await host.batches();
    expect(host.offers).to.deep.equal([]);
    host.endTask('F', 'A', used);
    await host.batches();
    expect(host.offered('F')).to.equal(parseResources(WHOLE).toString());
  });

  it('ignores what is given back by, or on, what it does not know', async () => {
    const host = new AllocatorHost(make);
    host.addAgent('A', WHOLE);
    host.addFramework('F');
    const some = parseResources('cpus:1').allocatedTo('role');
    host.call((one) => one.recoverResources(framework('X'), agent('A'), some, {}));
    host.call((one) => one.recoverResources(framework('F'), agent('X'), some, {}));
    host.call((one) => one.recoverResources(framework('F'), agent('A'), some));
    await host.batches();
    expect(host.offered('F')).to.equal(parseResources(WHOLE).toString());
  });

  it('frees what a removed framework held', async () => {
    const host = new AllocatorHost(make);
    host.addAgent('A', WHOLE);
    host.addFramework('F');
    await host.batches();
    host.removeFramework('F');
    host.addFramework('G');
    await host.batches();
    expect(host.offered('G')).to.equal(parseResources(WHOLE).toString());
  });
}

function describeRules(make: MakeAllocator): void {
  it('keeps reserved resources for the role and those below it', async () => {
    const host = new AllocatorHost(make);
    host.addAgent('A', 'cpus(other):2; mem(other):512; cpus(role):1; mem(role):128');
    host.addFramework('F');
    host.addFramework('G', { roles: ['role/below'], suppressed: ['role/below'] });
    await host.batches();
    expect(host.offersTo('F')).to.have.length(1);
    const { resources } = at(host.offersTo('F'), 0);
    expect(resources.items.every((item) => item.role === 'role')).to.equal(true);
    host.giveBack(at(host.offersTo('F'), 0), { refuse_seconds: 3600 });
    host.call((allocator) => allocator.revive(framework('G'), []));
    await host.batches();
    expect(at(host.offersTo('G'), 0).role).to.equal('role/below');
  });

  it('gives revocable resources to those alone that can take them', async () => {
    const revocable = (list: string) =>
      Resources.fromWire(
        parseResources(list)
          .toWire()
          .map((one) => ({ ...one, revocable: {} })),
      );
    const host = new AllocatorHost(make);
    host.addFramework('F');
    host.addFramework('G', { capabilities: ['REVOCABLE_RESOURCES'], suppressed: ['role'] });
    host.addAgent('A', WHOLE);
    const total = parseResources(WHOLE).plus(revocable('cpus:2'));
    const capabilities = [{ type: 'MULTI_ROLE' as const }];
    const state = { info: { hostname: 'A' }, capabilities, total };
    host.convert('A', Resources.EMPTY, revocable('cpus:2'));
    host.call((allocator) => allocator.updateAgent(agent('A'), state));
    await host.batches();
    expect(host.offersTo('F').some(({ resources }) => resources.hasRevocable)).to.equal(false);
    host.call((allocator) => allocator.revive(framework('G'), []));
    await host.batches();
    expect(host.offersTo('G').some(({ resources }) => resources.hasRevocable)).to.equal(true);
  });

  it('keeps agents with gpus for those that use them', async () => {
    const host = new AllocatorHost(make);
    host.addAgent('A', `${WHOLE}; gpus:1`);
    host.addFramework('F');
    await host.batches();
    expect(host.offers).to.deep.equal([]);
    host.addFramework('G', { capabilities: ['GPU_RESOURCES'] });
    await host.batches();
    expect(host.offersTo('G')).to.have.length(1);
  });

  it('offers agents with gpus to all when they are not filtered', async () => {
    const host = new AllocatorHost(make, { filterGpuResources: false });
    host.addAgent('A', `${WHOLE}; gpus:1`);
    host.addFramework('F');
    await host.batches();
    expect(host.offersTo('F')).to.have.length(1);
  });

  it('keeps agents of other regions for those that are aware of regions', async () => {
    const host = new AllocatorHost(make, { domain: inRegion('here') });
    host.addAgent('A', WHOLE, { info: { domain: inRegion('there') } });
    host.addFramework('F');
    await host.batches();
    expect(host.offers).to.deep.equal([]);
    host.addFramework('G', { capabilities: ['REGION_AWARE'] });
    host.addAgent('B', WHOLE, { info: { domain: inRegion('here') } });
    host.addAgent('C', WHOLE);
    await host.batches();
    expect(host.offersTo('G').map(({ agentId }) => agentId)).to.include('A');
    expect(host.offersTo('F').map(({ agentId }) => agentId)).to.not.include('A');
    expect(host.offers).to.have.length(3);
  });

  it('offers agents that know no several roles to nobody with several', async () => {
    const host = new AllocatorHost(make);
    host.addAgent('A', WHOLE, { capabilities: [] });
    host.addFramework('F');
    await host.batches();
    expect(host.offers).to.deep.equal([]);
  });

  it('obeys offer constraints, and their change', async () => {
    const host = new AllocatorHost(make);
    const selector = { attribute_name: 'rack' };
    const wanted = { selector, predicate: { text_matches: { regex: 'r[12]' } } };
    host.addFramework('F', { constraints: constraintsOf('role', wanted) });
    const rack = (value: string) => ({
      info: { attributes: [{ name: 'rack', type: 'TEXT' as const, text: { value } }] },
    });
    host.addAgent('A', WHOLE, rack('r1'));
    host.addAgent('B', WHOLE, rack('r3'));
    await host.batches();
    expect(host.offers.map(({ agentId }) => agentId)).to.deep.equal(['A']);
    const info = {
      name: 'F',
      user: 'nobody',
      roles: ['role'],
      capabilities: [{ type: 'MULTI_ROLE' as const }],
    };
    host.call((allocator) => allocator.updateFramework(framework('F'), info, []));
    await host.batches();
    expect(host.offers.map(({ agentId }) => agentId)).to.have.members(['A', 'B']);
  });
}

function describeChanges(make: MakeAllocator): void {
  it('follows an operation on an offer', async () => {
    const host = new AllocatorHost(make);
    host.addAgent('A', WHOLE);
    host.addFramework('F');
    host.addFramework('G', { roles: ['other'], suppressed: ['other'] });
    await host.batches();
    const offer = at(host.offers, 0);
    const from = parseResources('cpus:2; mem:512').allocatedTo('role');
    const to = pushReservation(from, { role: 'role', type: 'DYNAMIC' });
    host.convert('A', from, to);
    host.call((one) => one.updateAllocation(framework('F'), agent('A'), { from, to }));
    host.offers.splice(0, 1, { ...offer, resources: offer.resources.minus(from).plus(to) });
    host.giveBack(at(host.offers, 0), { refuse_seconds: 3600 });
    host.call((allocator) => allocator.revive(framework('G'), []));
    await host.batches();
    expect(host.offered('G')).to.equal(parseResources('cpus:2; mem:512').toString());
  });

  it('changes what is free, and refuses to change what is not', async () => {
    const host = new AllocatorHost(make);
    host.addAgent('A', WHOLE);
    const from = parseResources('cpus:3; mem:512');
    const to = pushReservation(from, { role: 'other', type: 'DYNAMIC' });
    const change = { from, to };
    expect(host.call((one) => one.updateAvailable(agent('A'), change))).to.equal(true);
    expect(host.call((one) => one.updateAvailable(agent('A'), change))).to.equal(false);
    host.convert('A', from, to);
    host.addFramework('F');
    await host.batches();
    expect(host.offered('F')).to.equal(parseResources('cpus:1; mem:512').toString());
    const left = { from: parseResources('cpus:1'), to: parseResources('cpus(other):1') };
    expect(host.call((one) => one.updateAvailable(agent('A'), left))).to.equal(false);
  });

  it('follows agents that grow and shrink', async () => {
    const host = new AllocatorHost(make);
    host.addAgent('A', WHOLE);
    host.addFramework('F');
    await host.batches();
    const capabilities = [{ type: 'MULTI_ROLE' as const }];
    const state = {
      info: { hostname: 'A' },
      capabilities,
      total: parseResources('cpus:6; mem:2048'),
    };
    host.convert('A', parseResources(WHOLE), state.total);
    host.call((allocator) => allocator.updateAgent(agent('A'), state));
    await host.batches();
    expect(host.offered('F')).to.equal(state.total.toString());
  });
}
