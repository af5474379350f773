/**
 * Explanations, whatever happened before: they foretell what the next run does when nobody else
 * competes, and a run gives the same whether anybody asked or not.
 */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { DescribedTask } from '../../../core/allocator/index.js';
import { id } from '../../../core/base/index.js';
import { Resources } from '../../../core/resources/index.js';
import { TestCluster } from '../../unit/allocator/test-cluster.js';

const FRAMEWORKS = ['F1', 'F2', 'F3'];
const ROLES = ['a', 'a/b', 'c'];
const AGENTS = ['A1', 'A2', 'A3', 'A4', 'A5', 'A6'];
const TOTALS = [
  'cpus:4;mem:64;ports:[1-9]',
  'cpus:2;mem:32;cpus(a):2',
  'cpus:1;mem:128;cpus(c/d):1',
  'cpus:3;cpus[revocable]:2;mem:16;disk[mount=/a]:8',
];

const call = fc.record({
  kind: fc.constantFrom(
    'addAgent',
    'removeAgent',
    'recover',
    'refuse',
    'use',
    'quota',
    'suppress',
    'revive',
    'tick',
    'off',
    'wait',
    'arrive',
  ),
  pick: fc.nat({ max: 1000 }),
  amount: fc.nat({ max: 6 }),
});
type Call = typeof call extends fc.Arbitrary<infer Value> ? Value : never;

const wanted = fc.record({
  cpus: fc.nat({ max: 4 }),
  mem: fc.constantFrom(0, 8, 16, 64),
  ports: fc.constantFrom(0, 0, 0, 2),
  rack: fc.constantFrom(undefined, undefined, 'rack=r0', 'rack!=r1', 'rack~=r[02]'),
});
type WantedTask = typeof wanted extends fc.Arbitrary<infer Value> ? Value : never;

/** Offers that tasks use. */
const used = new WeakSet<TestCluster['outstanding'][number]>();

function newCluster(decisionLog = true): TestCluster {
  const cluster = new TestCluster({ minAllocatable: [], decisionLog });
  AGENTS.slice(0, 4).forEach((name, index) =>
    cluster.addAgent(name, TOTALS[index], { attributes: { rack: `r${index % 3}` } }),
  );
  FRAMEWORKS.forEach((name, index) => cluster.addFramework(name, [ROLES[index] ?? 'a']));
  return cluster;
}

async function apply(cluster: TestCluster, { kind, pick, amount }: Call): Promise<void> {
  const agent = AGENTS[pick % AGENTS.length] ?? '';
  const framework = FRAMEWORKS[pick % FRAMEWORKS.length] ?? '';
  const isThere = cluster.agents.has(agent);
  const offer = cluster.outstanding[pick % Math.max(1, cluster.outstanding.length)];
  if (kind === 'tick') await cluster.tick();
  else if (kind === 'wait') await cluster.world.advance(100 * amount + 50);
  else if (kind === 'addAgent' && !isThere) {
    const attributes = { rack: `r${amount % 3}` };
    cluster.addAgent(agent, TOTALS[pick % TOTALS.length], { attributes });
    await cluster.settle();
  } else if (kind === 'arrive' && !isThere) {
    // In use already, before the next run: what somebody gave back may be made up for.
    const held = { [ROLES[pick % ROLES.length] ?? 'a']: `cpus:${amount + 1};mem:16` };
    cluster.addAgent(agent, 'cpus:8;mem:64', { used: { [framework]: held } });
  } else if (kind === 'removeAgent' && isThere) cluster.removeAgent(agent);
  else if (kind === 'off' && isThere) cluster.allocator.deactivateAgent(id<'AgentId'>(agent));
  else if (kind === 'suppress') cluster.suppress(framework);
  else if (kind === 'revive') cluster.revive(framework);
  else if (kind === 'quota') {
    const role = ROLES[pick % ROLES.length] ?? 'a';
    cluster.setQuota(role, `cpus:${amount % 3}`, `cpus:${amount}`);
  } else if (kind === 'use' && offer !== undefined) {
    used.add(offer);
    cluster.allocator.noteUsed(offer.frameworkId, offer.agentId, offer.resources);
  } else if (offer !== undefined && (kind === 'recover' || kind === 'refuse')) {
    const from = { framework: offer.frameworkId, agent: offer.agentId, role: offer.role };
    cluster.recover(from, kind === 'refuse' ? amount * 0.7 : undefined);
  }
}

function taskOf({ cpus, mem, ports, rack }: WantedTask): DescribedTask {
  const constraints = rack === undefined ? [] : [rack];
  return new DescribedTask({ resources: { cpus, mem, ports }, constraints });
}

describe('Allocator: explanations', () => {
  it('foretell what the next run gives a framework that nobody competes with', async () => {
    const seen = new Map<string, number>();
    const property = fc.asyncProperty(
      fc.array(call, { maxLength: 40 }),
      wanted,
      async (calls, one) => {
        const cluster = newCluster();
        for (const step of calls) await apply(cluster, step);
        // Nobody competes, and most of what others were offered is free.
        for (const name of ['F2', 'F3']) {
          cluster.suppress(name);
          cluster.recoverOffered(name);
        }
        if (calls.length % 2 === 0) cluster.recoverOffered('F1', calls.length % 3);
        const task = taskOf(one);
        const [agentId, verdict] = foretold(cluster, task, calls.length);
        // Other agents would use up what quota leaves.
        for (const other of cluster.agents.keys()) {
          if (other !== agentId) cluster.allocator.deactivateAgent(id<'AgentId'>(other));
        }
        const before = new Set(cluster.outstanding);
        cluster.allocator.runNow();
        const made = cluster.outstanding.filter((offer) => !before.has(offer));
        const given = Resources.sum(made.map(({ resources }) => resources.unallocated()));
        const info = cluster.agents.get(agentId)?.info ?? { hostname: '' };
        const hasRoom = task.wanted.fits(given.plus(offeredTo(agentId, before)));
        const isGood = !given.isEmpty && hasRoom && task.takes(info, 'a');
        expect(isGood, `${agentId} ${verdict}`).to.equal(verdict === 'fits');
        seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
        cluster.allocator.dispose();
      },
    );
    await fc.assert(property, { numRuns: 600, seed: 7 });
    expect(seen.get('fits')).to.be.greaterThan(100);
    expect([...seen.keys()].length, [...seen.keys()].join()).to.be.greaterThan(6);
  });

  it('do not change what later runs give, and neither does the log', async () => {
    const property = fc.asyncProperty(
      fc.array(call, { maxLength: 40 }),
      wanted,
      async (calls, one) => {
        const quiet = newCluster(false);
        const asked = newCluster();
        for (const step of calls) {
          await apply(quiet, step);
          for (const name of FRAMEWORKS) {
            asked.allocator.explain(id<'FrameworkId'>(name), { task: taskOf(one) });
            asked.allocator.explain(id<'FrameworkId'>(name));
          }
          await apply(asked, step);
          expect(offersOf(asked)).to.deep.equal(offersOf(quiet));
        }
        for (const cluster of [quiet, asked]) {
          await cluster.tick(3);
          cluster.allocator.dispose();
        }
        expect(offersOf(asked)).to.deep.equal(offersOf(quiet));
      },
    );
    await fc.assert(property, { numRuns: 200, seed: 7 });
  });
});

/** An agent, and what the answer says of it: that it fits, or the reason why not. */
function foretold(cluster: TestCluster, task: DescribedTask, pick: number): [string, string] {
  const question = { role: 'a', task };
  const role = cluster.allocator.explain(id<'FrameworkId'>('F1'), question)?.roles[0];
  const verdicts = new Map<string, string>();
  for (const { agentId } of role?.fits.examples ?? []) verdicts.set(agentId, 'fits');
  for (const { nearest, reason } of role?.reasons ?? []) {
    for (const { agentId } of nearest) verdicts.set(agentId, reason);
  }
  const refused = role?.reasons.reduce((sum, { agents }) => sum + agents, 0) ?? 0;
  const told = refused + (role?.holds.agents ?? 0) + (role?.fits.agents ?? 0);
  expect(told, 'every agent is counted once').to.equal(cluster.agents.size);
  return [...verdicts][pick % Math.max(1, verdicts.size)] ?? ['none', 'no agent'];
}

/** In order, for a run is compared as it is. */
function offersOf(cluster: TestCluster): string[] {
  return cluster.outstanding.map(
    ({ frameworkId, role, agentId, resources }) =>
      `${frameworkId} ${role} ${agentId} ${resources.unallocated().toString()}`,
  );
}

/** What F1 holds of the agent as offers. */
function offeredTo(
  agentId: string,
  offers: ReadonlySet<TestCluster['outstanding'][number]>,
): Resources {
  const own = [...offers].filter(
    (offer) =>
      offer.frameworkId === id<'FrameworkId'>('F1') &&
      offer.agentId === agentId &&
      !used.has(offer),
  );
  return Resources.sum(own.map(({ resources }) => resources.unallocated()));
}
