/**
 * The properties of dominant resource fairness (NSDI 2011, table 2) for whole tasks. The paper proves
 * them for tasks that can be divided; each test states the margin that whole tasks need, in terms of
 * `m`, the largest dominant share of one task, and why it is enough.
 */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { CAPACITY, type Demand, fill, taskShare } from './progressive-filling.js';

const EPSILON = 1e-9;
const amount = fc.integer({ min: 1, max: 12 });
const demand: fc.Arbitrary<Demand> = fc.record({ cpus: amount, mem: amount });
const users = fc.array(demand, { minLength: 2, maxLength: 5 });
const RUNS = { numRuns: 60 };

const largest = (demands: readonly Demand[]): number => Math.max(...demands.map(taskShare));

/** The equal dominant share that users reach when tasks can be divided. */
function fluidShare(demands: readonly Demand[]): number {
  const perShare = (name: keyof Demand): number =>
    demands.reduce((sum, one) => sum + one[name] / CAPACITY / taskShare(one), 0);
  return 1 / Math.max(perShare('cpus'), perShare('mem'));
}

/** How many tasks of a user fit into what another holds. */
function tasksIn(own: Demand, held: Demand): number {
  return Math.min(held.cpus / own.cpus, held.mem / own.mem);
}

describe('HierarchicalAllocator: fairness of progressive filling', () => {
  // The lowest is served next, so shares differ by at most one task; one resource is full but for
  // less than a task.
  it('gives everybody the same dominant share, that of divisible tasks', async () => {
    await fc.assert(
      fc.asyncProperty(users, async (demands) => {
        const { shares } = await fill(demands, 'first');
        const [fluid, m] = [fluidShare(demands), largest(demands)];
        for (const share of shares) {
          expect(share).to.be.within(fluid - 2 * m - EPSILON, fluid + m + EPSILON);
        }
      }),
      RUNS,
    );
  });

  // When the first task does not fit, a resource is used to more than 1 - m, and the n users hold at
  // most n (s + m) of it, s being the lowest share.
  it('gives nobody less than a slice of their own would (sharing incentive)', async () => {
    await fc.assert(
      fc.asyncProperty(users, async (demands) => {
        const { shares } = await fill(demands, 'all');
        const m = largest(demands);
        const least = (1 - m) / demands.length - m;
        for (const share of shares) expect(share).to.be.at.least(least - EPSILON);
      }),
      RUNS,
    );
  });

  // The other is at most one of its tasks ahead when this user is first refused; after that it can
  // take less than one task's worth of the resource that is short.
  it('leaves nobody wanting what another holds (envy-freeness)', async () => {
    await fc.assert(
      fc.asyncProperty(users, async (demands) => {
        const { tasks } = await fill(demands, 'all');
        demands.forEach((own, user) => {
          demands.forEach((other, index) => {
            const count = tasks[index] ?? 0;
            const held = { cpus: other.cpus * count, mem: other.mem * count };
            const margin = taskShare(other) / taskShare(own) + 1;
            expect(tasksIn(own, held)).to.be.at.most((tasks[user] ?? 0) + margin + EPSILON);
          });
        });
      }),
      RUNS,
    );
  });

  it('leaves no room for a further task of anybody (Pareto efficiency)', async () => {
    await fc.assert(
      fc.asyncProperty(users, async (demands) => {
        const { free, tasks } = await fill(demands, 'all');
        for (const own of demands) expect(tasksIn(own, free)).to.be.below(1);
        const used = demands.reduce((sum, own, user) => sum + own.cpus * (tasks[user] ?? 0), 0);
        expect(used + free.cpus).to.equal(CAPACITY);
      }),
      RUNS,
    );
  });

  it('is max-min fair when only one resource matters (single-resource fairness)', async () => {
    const sizes = fc.array(amount, { minLength: 2, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(sizes, async (cpus) => {
        const demands = cpus.map((size) => ({ cpus: size, mem: 0 }));
        const { shares } = await fill(demands, 'first');
        const m = largest(demands);
        expect(Math.max(...shares) - Math.min(...shares)).to.be.at.most(m + EPSILON);
        const sum = shares.reduce((total, share) => total + share, 0);
        expect(sum).to.be.above(1 - m - EPSILON);
      }),
      RUNS,
    );
  });

  it('divides a resource equally that dominates for everybody (bottleneck fairness)', async () => {
    const bottleneck = fc.array(
      amount.chain((cpus) =>
        fc.record({ cpus: fc.constant(cpus), mem: fc.integer({ min: 1, max: cpus }) }),
      ),
      { minLength: 2, maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(bottleneck, async (demands) => {
        const { shares } = await fill(demands, 'first');
        const [equal, m] = [1 / demands.length, largest(demands)];
        for (const share of shares) {
          expect(share).to.be.within(equal - 2 * m - EPSILON, equal + m + EPSILON);
        }
      }),
      RUNS,
    );
  });

  // Shares are between s - 2m and s + m of the divisible share s, which does not fall.
  it('takes from nobody when a user leaves (population monotonicity)', async () => {
    await fc.assert(
      fc.asyncProperty(users, async (demands) => {
        const before = await fill(demands, 'first');
        const after = await fill(demands.slice(1), 'first');
        const m = largest(demands);
        after.shares.forEach((share, user) => {
          expect(share).to.be.at.least((before.shares[user + 1] ?? 0) - 3 * m - EPSILON);
        });
      }),
      RUNS,
    );
  });
});
