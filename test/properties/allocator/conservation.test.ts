/**
 * Nothing is offered twice, and nothing is lost, whatever the master calls in whatever order: a model
 * keeps what each agent has and what was given out of it.
 */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { Resources } from '../../../core/resources/index.js';
import { resources } from '../../unit/allocator/resource-text.js';
import { TestCluster } from '../../unit/allocator/test-cluster.js';
import { TEST_TIMEOUT_MS, runs } from './runs.js';

const AGENTS = ['A1', 'A2', 'A3', 'A4'];
const FRAMEWORKS = ['F1', 'F2', 'F3', 'F4'];
const ROLES = ['a', 'a/b', 'c', '*'];
const TOTALS = ['cpus:4;mem:512', 'cpus:2;cpus(a):3;mem:64', 'cpus(a/b):1;mem(c):64;ports:[1-9]'];

const KINDS = [
  'addAgent',
  'updateAgent',
  'removeAgent',
  'addFramework',
  'updateFramework',
  'removeFramework',
  'activate',
  'deactivate',
  'suppress',
  'revive',
  'decline',
  'finish',
  'tick',
  'settle',
] as const;

const call = fc.record({
  kind: fc.constantFrom(...KINDS),
  pick: fc.nat({ max: 11 }),
  seconds: fc.constantFrom(undefined, 0, 1, 7),
});
type Call = typeof call extends fc.Arbitrary<infer Value> ? Value : never;

/** The cluster beside the calls that are valid in its present state. */
class Model {
  readonly cluster = new TestCluster({
    minAllocatable: [],
    earlyReoffer: { enabled: true, minIntervalMs: 5 },
  });
  readonly frameworks = new Set<string>();

  async apply({ kind, pick, seconds }: Call): Promise<void> {
    const { cluster } = this;
    const agent = AGENTS[pick % AGENTS.length] ?? '';
    const framework = FRAMEWORKS[pick % FRAMEWORKS.length] ?? '';
    const total = TOTALS[pick % TOTALS.length] ?? '';
    const roles = ROLES.filter((_, index) => (pick >> (index % 3)) % 2 === 0);
    const hasAgent = cluster.agents.has(agent);
    const hasFramework = this.frameworks.has(framework);
    if (kind === 'tick') await cluster.tick();
    else if (kind === 'settle') await cluster.world.advance(6);
    else if (kind === 'addAgent' && !hasAgent) cluster.addAgent(agent, total);
    else if (kind === 'updateAgent' && hasAgent) this.#grow(agent);
    else if (kind === 'removeAgent' && hasAgent) cluster.removeAgent(agent);
    else if (kind === 'decline') this.#giveBack(pick, seconds ?? 'default');
    else if (kind === 'finish') this.#giveBack(pick, undefined);
    else if (kind === 'addFramework' && !hasFramework) {
      this.frameworks.add(framework);
      cluster.addFramework(framework, roles);
    } else if (hasFramework) this.#onFramework(kind, framework, roles);
  }

  #onFramework(kind: Call['kind'], framework: string, roles: readonly string[]): void {
    const { cluster } = this;
    if (kind === 'updateFramework') cluster.updateFramework(framework, roles);
    else if (kind === 'activate') cluster.setActive(framework, true);
    else if (kind === 'deactivate') cluster.setActive(framework, false);
    else if (kind === 'suppress') cluster.suppress(framework);
    else if (kind === 'revive') cluster.revive(framework, roles);
    else if (kind === 'removeFramework') {
      this.frameworks.delete(framework);
      cluster.removeFramework(framework);
    }
  }

  #grow(agent: string): void {
    const more = this.cluster.agents.get(agent)?.total.plus(resources('cpus:1;disk:5'));
    this.cluster.updateAgent(agent, { total: more?.unallocated().toString().replaceAll(' ', '') });
  }

  #giveBack(pick: number, refuseSeconds: number | 'default' | undefined): void {
    const { cluster } = this;
    const offer = cluster.outstanding[pick % Math.max(1, cluster.outstanding.length)];
    if (offer === undefined) return;
    const { frameworkId, agentId, role } = offer;
    const from = { framework: frameworkId, agent: agentId, role };
    cluster.recover(from, refuseSeconds);
  }

  /** What was given out of each agent fits into it, and the figures say the same. */
  check(): void {
    const { cluster } = this;
    let held = 0;
    for (const [name, { total }] of cluster.agents) {
      const given = Resources.sum(
        cluster.outstanding
          .filter((offer) => offer.agentId === name)
          .map((offer) => offer.resources.unallocated()),
      );
      expect(total.contains(given), `${name}: ${given.toString()} of ${total.toString()}`).to.equal(
        true,
      );
      held += given.scalar('cpus');
    }
    expect(cluster.metric('mesos/resources/cpus/offered_or_allocated')).to.equal(held / 1000);
  }
}

describe('HierarchicalAllocator: conservation', function () {
  this.timeout(TEST_TIMEOUT_MS);

  it('never gives out what it has not, and accounts for all that it gave out', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 5, maxLength: 60 }), async (calls) => {
        const model = new Model();
        for (const one of calls) {
          await model.apply(one);
          model.check();
        }
        model.cluster.allocator.dispose();
      }),
      runs(100),
    );
  });

  it('offers everything again once all is given back and nobody refuses', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 5, maxLength: 60 }), async (calls) => {
        const model = new Model();
        const { cluster } = model;
        for (const one of calls) await model.apply(one);
        for (const name of model.frameworks) cluster.removeFramework(name);
        cluster.outstanding = [];
        expect(cluster.metric('mesos/resources/cpus/offered_or_allocated')).to.equal(0);
        await cluster.tick();
        // A role that may have every reservation there is, in a framework of its own for each.
        for (const role of ['a/b', 'c']) cluster.addFramework(`last-${role}`, [role]);
        await cluster.tick();
        for (const [name, { total }] of cluster.agents) {
          const offers = cluster.outstanding.filter((offer) => offer.agentId === name);
          const given = Resources.sum(offers.map((offer) => offer.resources.unallocated()));
          expect(given.toString()).to.equal(total.toString());
        }
        model.cluster.allocator.dispose();
      }),
      runs(50),
    );
  });

  it('gives the same run for the same seed and calls', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 5, maxLength: 40 }), async (calls) => {
        const transcripts: string[] = [];
        for (let round = 0; round < 2; round++) {
          const model = new Model();
          for (const one of calls) await model.apply(one);
          transcripts.push(
            model.cluster.outstanding
              .map((offer) => `${offer.frameworkId} ${offer.agentId} ${offer.resources.toString()}`)
              .join('\n'),
          );
          model.cluster.allocator.dispose();
        }
        expect(transcripts[0]).to.equal(transcripts[1]);
      }),
      runs(20),
    );
  });
});
