/**
 * The random sorter promises nothing about one run, and proportions over many. Each bound is five
 * standard deviations of the binomial distribution, and a draw that is fair exceeds that once in
 * 1.7 million; the seeds of the worlds come from fast-check, which prints the one that fails.
 */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { at } from '../../../core/base/index.js';
import { TestCluster } from '../../unit/allocator/test-cluster.js';
import { TEST_TIMEOUT_MS, runs } from './runs.js';

const ROUNDS = 1500;
const DEVIATIONS = 5;
/** fast-check's own seed, so that a statistical bound fails always or never. */
const SEED = 20_110_330;

const weightOf = fc.constantFrom(0.5, 1, 2, 3, 5);

interface Client {
  readonly name: string;
  readonly role: string;
  /** How often it is to be served first. */
  readonly chance: number;
}

/** How often each client was offered the only agent, which everybody gives back. */
function countServed(cluster: TestCluster): Map<string, number> {
  const counts = new Map<string, number>();
  cluster.addAgent('agent', 'cpus:4;mem:64');
  for (let round = 0; round < ROUNDS; round++) {
    cluster.allocator.runNow();
    for (const { frameworkId, agentId, resources } of cluster.outstanding.splice(0)) {
      counts.set(frameworkId, (counts.get(frameworkId) ?? 0) + 1);
      cluster.allocator.recoverResources(frameworkId, agentId, resources);
    }
  }
  cluster.allocator.dispose();
  return counts;
}

function expectChances(clients: readonly Client[], counts: ReadonlyMap<string, number>): void {
  let served = 0;
  for (const { name, chance } of clients) {
    const count = counts.get(name) ?? 0;
    served += count;
    const deviation = Math.sqrt(ROUNDS * chance * (1 - chance));
    expect(count, name).to.be.closeTo(ROUNDS * chance, DEVIATIONS * deviation + 1);
  }
  expect(served).to.equal(ROUNDS);
}

function clusterOf(seed: number, clients: readonly Client[]): TestCluster {
  const config = { roleSorter: 'random', frameworkSorter: 'random' } as const;
  const cluster = new TestCluster(config, `random-${seed}`);
  for (const { name, role } of clients) cluster.addFramework(name, [role]);
  return cluster;
}

describe('HierarchicalAllocator: random sorter', function () {
  this.timeout(TEST_TIMEOUT_MS);

  it('serves roles in proportion to their weights', () => {
    const weights = fc.array(weightOf, { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(weights, fc.nat(), (list, seed) => {
        const all = list.reduce((sum, weight) => sum + weight, 0);
        const clients = list.map((weight, index) => ({
          name: `F${index}`,
          role: `role-${index}`,
          chance: weight / all,
        }));
        const cluster = clusterOf(seed, clients);
        const byRole = new Map(clients.map(({ role }, index) => [role, at(list, index)]));
        cluster.allocator.updateWeights(byRole);
        expectChances(clients, countServed(cluster));
      }),
      { ...runs(12), seed: SEED },
    );
  });

  // A subtree's weight is divided among the roles in it, and among the clients of a role equally.
  it('serves subtrees in proportion to their weights, and frameworks of a role alike', () => {
    const group = fc.record({
      weight: weightOf,
      roles: fc.array(fc.record({ weight: weightOf, frameworks: fc.integer({ min: 1, max: 3 }) }), {
        minLength: 1,
        maxLength: 3,
      }),
    });
    const groups = fc.array(group, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(groups, fc.nat(), (list, seed) => {
        const all = list.reduce((sum, { weight }) => sum + weight, 0);
        const weights = new Map<string, number>();
        const clients = list.flatMap(({ weight, roles }, index) => {
          const inside = roles.reduce((sum, role) => sum + role.weight, 0);
          weights.set(`group-${index}`, weight);
          return roles.flatMap((one, position) => {
            const role = `group-${index}/role-${position}`;
            weights.set(role, one.weight);
            const chance = (weight / all) * (one.weight / inside) * (1 / one.frameworks);
            return Array.from({ length: one.frameworks }, (_, framework) => ({
              name: `F${index}-${position}-${framework}`,
              role,
              chance,
            }));
          });
        });
        const cluster = clusterOf(seed, clients);
        cluster.allocator.updateWeights(weights);
        expectChances(clients, countServed(cluster));
      }),
      { ...runs(12), seed: SEED },
    );
  });
});
