/**
 * Quota, whatever happens: limits hold, nothing that guarantees need is given to others, and what a
 * run does not look at again would not have been given away.
 */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { TestCluster } from '../../unit/allocator/test-cluster.js';
import { TEST_TIMEOUT_MS, runs } from './runs.js';

const ROLES = ['a', 'b', 'c'];
const AGENTS = ['A1', 'A2', 'A3', 'A4', 'A5'];
const TOTALS = ['cpus:4;mem:64', 'cpus:2;mem:32;cpus(a):2', 'cpus:1;mem:128;cpus(c/d):1'];

const call = fc.record({
  kind: fc.constantFrom('addAgent', 'removeAgent', 'recover', 'refuse', 'quota', 'tick', 'revive'),
  pick: fc.nat({ max: 1000 }),
  guarantee: fc.nat({ max: 6 }),
  limit: fc.option(fc.nat({ max: 8 }), { nil: undefined }),
});
type Call = typeof call extends fc.Arbitrary<infer Value> ? Value : never;

/** Three roles, one framework in each, and limits on cpus as they are now. */
class Model {
  readonly cluster = new TestCluster({ minAllocatable: [] });
  readonly limits = new Map<string, number>();
  readonly guarantees = new Map<string, number>();

  constructor() {
    for (const role of ROLES) this.cluster.addFramework(`F-${role}`, [role]);
  }

  async apply({ kind, pick, guarantee, limit }: Call): Promise<void> {
    const { cluster } = this;
    const role = ROLES[pick % ROLES.length] ?? '';
    const agent = AGENTS[pick % AGENTS.length] ?? '';
    const isThere = cluster.agents.has(agent);
    if (kind === 'tick') await cluster.tick();
    else if (kind === 'addAgent' && !isThere) {
      cluster.addAgent(agent, TOTALS[pick % TOTALS.length]);
      await cluster.settle();
    } else if (kind === 'removeAgent' && isThere) cluster.removeAgent(agent);
    else if (kind === 'revive') cluster.revive(`F-${role}`);
    else if (kind === 'quota') this.#setQuota(role, guarantee, limit);
    else if (kind === 'recover' || kind === 'refuse') {
      const offer = cluster.outstanding[pick % Math.max(1, cluster.outstanding.length)];
      if (offer === undefined) return;
      const { frameworkId: framework, agentId, role } = offer;
      cluster.recover({ framework, agent: agentId, role }, kind === 'refuse' ? 3 : undefined);
    }
  }

  #setQuota(role: string, guarantee: number, limit: number | undefined): void {
    const most = limit === undefined ? undefined : Math.max(limit, guarantee);
    this.guarantees.set(role, guarantee * 1000);
    if (most === undefined) this.limits.delete(role);
    else this.limits.set(role, most * 1000);
    this.cluster.setQuota(role, `cpus:${guarantee}`, most === undefined ? '' : `cpus:${most}`);
  }

  /** Cpus that count for the quota of a role, and whether any are held. */
  consumed(role: string): number {
    const { agents, outstanding } = this.cluster;
    let sum = 0;
    for (const { total } of agents.values()) {
      const reserved = total.filter(
        (item) => item.role === role || item.role.startsWith(`${role}/`),
      );
      sum += reserved.scalar('cpus');
    }
    for (const offer of outstanding) {
      if (offer.role === role) sum += offer.resources.unreserved().scalar('cpus');
    }
    return sum;
  }

  /** Cpus that neither anybody holds nor is reserved. */
  get free(): number {
    const { agents, outstanding } = this.cluster;
    let sum = 0;
    for (const { total } of agents.values()) sum += total.unreserved().scalar('cpus');
    for (const offer of outstanding) sum -= offer.resources.unreserved().scalar('cpus');
    return sum;
  }

  get needed(): number {
    return ROLES.reduce(
      (sum, role) => sum + Math.max(0, (this.guarantees.get(role) ?? 0) - this.consumed(role)),
      0,
    );
  }
}

describe('HierarchicalAllocator: quota', function () {
  this.timeout(TEST_TIMEOUT_MS);

  it('never gives a role more than its limit, nor others what guarantees need', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 5, maxLength: 50 }), async (calls) => {
        const model = new Model();
        for (const one of calls) {
          const before = new Map(ROLES.map((role) => [role, model.consumed(role)]));
          const surplus = model.free - model.needed;
          await model.apply(one);
          for (const [role, limit] of model.limits) {
            if (one.kind !== 'tick') continue;
            const most = Math.max(limit, before.get(role) ?? 0);
            expect(model.consumed(role), `consumed by ${role}`).to.be.at.most(most);
          }
          // A run takes from the surplus, and from what is short anyway nothing.
          if (one.kind === 'tick') {
            const left = model.free - model.needed;
            expect(left, 'surplus').to.be.at.least(Math.min(0, surplus));
          }
        }
        model.cluster.allocator.dispose();
      }),
      runs(150),
    );
  });

  it('leaves nothing that a run over everything would give away', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 5, maxLength: 50 }), async (calls) => {
        const model = new Model();
        const { cluster } = model;
        for (const one of calls) await model.apply(one);
        await cluster.tick();
        cluster.takeOffers();
        // Setting the whitelist makes the allocator look at every agent again.
        cluster.allocator.updateWhitelist(undefined);
        cluster.allocator.runNow();
        expect(cluster.takeOffers()).to.deep.equal([]);
        cluster.allocator.dispose();
      }),
      runs(150),
    );
  });
});
