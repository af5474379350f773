/**
 * The properties of dominant resource fairness (NSDI 2011, table 2), for whole tasks on several machines.
 * The paper proves them for tasks and machines that can be divided; each test states the margin that
 * whole tasks need and why it is enough. In all of them
 *
 * - `part` is an amount of a machine as part of the cluster's total, K the number of machines;
 * - u(i) is the dominant share of one task of user i, g(i) that of what it launches at once, w(i) its
 *   weight, s(i) its dominant share in the end; m is the largest u(i)/w(i);
 * - "refused" is a user on a machine on which its next task did not fit: some resource of that machine
 *   is then free by less than one of its tasks.
 *
 * Two facts carry the proofs. Served is who has the lowest s/w of all who are not refused on the machine.
 * So (F) what j launches on machines on which i is not refused yet is, taken together, at most
 * s(i) w(j)/w(i) + g(j): the last of it was launched when s(j)/w(j) was at most s(i)/w(i).
 */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { at } from '../../../core/base/index.js';
import { type Cluster, clusterOf, demandOf } from './cluster-arbitraries.js';
import {
  type Filled,
  type User,
  fillAll,
  fillAtOnce,
  fillInOrder,
  grainOf,
  taskShare,
  tasksIn,
  tasksInParts,
  totalOf,
} from './fill.js';
import { drfLevel } from './fluid.js';
import { TEST_TIMEOUT_MS, runs } from './runs.js';

const EPSILON = 1e-9;

const weightOf = (user: User): number => user.weight ?? 1;
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

/** The largest dominant share per weight of one task. */
function largestTask({ machines, users }: Pick<Cluster, 'machines' | 'users'>): number {
  const total = totalOf(machines);
  return Math.max(...users.map((user) => taskShare(user, total) / weightOf(user)));
}

/**
 * What each user holds at least when nothing fits any more. A user is refused on each machine k in some
 * resource r, of which more than part(k, r) - u(i) was used by then; by (F) all others together had
 * used at most s(i) (W - w(i))/w(i) + sum of g of it, W being the sum of weights. Sums over k:
 * s(i) W/w(i) > sum over k of min over r of part(k, r) - K u(i) - sum of g(j) over the others.
 */
function leastShares({ machines, users }: Cluster): number[] {
  const total = totalOf(machines);
  const usable = sum(machines.map((machine) => tasksInParts(total, machine)));
  const grains = users.map((user) => grainOf(user, total));
  const weights = sum(users.map(weightOf));
  return users.map((user, index) => {
    const others = sum(grains) - at(grains, index);
    const lost = machines.length * taskShare(user, total) + others;
    return (weightOf(user) / weights) * (usable - lost);
  });
}

/**
 * That nobody who is refused has less, by weight, than others: by (F), and because after the refusal
 * of i others launch less than one of its tasks on each machine.
 */
function expectMaxMin({ machines, users }: Cluster, filled: Filled): void {
  const total = totalOf(machines);
  users.forEach((own, user) => {
    if (at(filled.tasks, user) === own.wish) return;
    const share = at(filled.shares, user);
    users.forEach((other, index) => {
      const fair = (share * weightOf(other)) / weightOf(own);
      const margin = grainOf(other, total) + machines.length * taskShare(own, total);
      expect(at(filled.shares, index), `user ${index} against ${user}`).to.be.at.most(
        index === user ? share : fair + margin + EPSILON,
      );
    });
  });
}

describe('HierarchicalAllocator: fairness of progressive filling', function () {
  this.timeout(TEST_TIMEOUT_MS);

  // Theorem 7. The lowest is served next, so it is at most one task ahead afterwards. A machine is
  // closed when a resource r of it is used but for less than a task. Shares differ by m at most, so
  // over one machine they grow alike but for m: the level grows by no less than the divisible one's
  // growth minus 2m, and no more than it plus m (plus nothing on the first machine, where all begin
  // at 0).
  it('keeps shares within one task of each other, at the level of divisible tasks', () => {
    const clusters = clusterOf({
      shapes: 'mixed',
      smallest: 300,
      most: 3,
      weighted: true,
      crowd: 5,
    });
    fc.assert(
      fc.property(clusters, (cluster) => {
        const { machines, users } = cluster;
        const total = totalOf(machines);
        const [m, level] = [largestTask(cluster), drfLevel(machines, users)];
        const perWeight = users.map((user) => taskShare(user, total) / weightOf(user));
        const { tasks } = fillInOrder(cluster, (counts) => {
          const shares = counts.map((count, user) => count * at(perWeight, user));
          expect(Math.max(...shares) - Math.min(...shares)).to.be.at.most(m + EPSILON);
        });
        const k = machines.length;
        tasks.forEach((count, user) => {
          const share = count * at(perWeight, user);
          expect(share).to.be.within(level - 2 * k * m - EPSILON, level + k * m + EPSILON);
        });
      }),
      runs(40),
    );
  });

  it('gives nobody less than a slice of every machine would (sharing incentive)', () => {
    // On one machine, and with one task at a time, the margin is at most the largest task.
    const alike = clusterOf({ shapes: 'alike', weighted: true, bunches: true });
    fc.assert(
      fc.property(alike, (cluster) => {
        const { machines, users } = cluster;
        const total = totalOf(machines);
        const { shares, tasks } = fillAll(cluster);
        const weights = sum(users.map(weightOf));
        const margins = leastShares(cluster).map(
          (least, user) => weightOf(at(users, user)) / weights - least,
        );
        users.forEach((user, index) => {
          const slice = total.map((amount) => (amount * weightOf(user)) / weights);
          const margin = at(margins, index) / taskShare(user, total);
          const own = tasksInParts(user.demand, slice);
          expect(at(tasks, index)).to.be.above(own - margin - EPSILON);
          if (machines.length > 1 || users.some(({ bunch, weight }) => bunch !== 1 || weight !== 1))
            return;
          expect(at(shares, index)).to.be.above(1 / users.length - largestTask(cluster) - EPSILON);
        });
      }),
      runs(60),
    );
  });

  // Of machines of different shapes only what can be used in the proportions of the cluster counts: a
  // machine that has no memory to go with its cpus is of no use to whoever needs both.
  it('gives everybody a slice of what machines of all shapes have in proportion', () => {
    const mixed = clusterOf({ shapes: 'mixed', weighted: true, bunches: true });
    fc.assert(
      fc.property(mixed, (cluster) => {
        const { shares } = fillAll(cluster);
        leastShares(cluster).forEach((least, user) => {
          expect(at(shares, user)).to.be.above(least - EPSILON);
        });
      }),
      runs(60),
    );
  });

  // A useful part p <= 1 of a liar's tasks is useful to her: p is the least ratio, over resources, of
  // what they need to what hers need, each per dominant share. On every machine p times the level that
  // divisible tasks reach with the lie is at most the level with the truth: at the resource r that ends
  // the truth, the others' demand and p times hers would else need more than there is. Levels of whole
  // tasks differ from those by at most K m' above (the lie) and 2 K m below (the truth).
  it('rewards no lie about what a task needs (strategy-proofness)', () => {
    const clusters = clusterOf({
      shapes: 'mixed',
      smallest: 300,
      most: 3,
      weighted: true,
      crowd: 5,
    });
    const cases = clusters.chain((cluster) =>
      fc.record({
        cluster: fc.constant(cluster),
        lie: demandOf(at(cluster.machines, 0).length),
      }),
    );
    fc.assert(
      fc.property(cases, ({ cluster, lie }) => {
        const [liar, ...honest] = cluster.users;
        if (liar === undefined) return;
        const total = totalOf(cluster.machines);
        const lying = { ...cluster, users: [{ ...liar, demand: lie }, ...honest] };
        const { placed } = fillInOrder(lying);
        const useful = sum(
          at(placed, 0).map((count) =>
            tasksIn(
              liar.demand,
              lie.map((amount) => amount * count),
            ),
          ),
        );
        const k = cluster.machines.length;
        const margin = weightOf(liar) * k * (largestTask(lying) + 2 * largestTask(cluster));
        const truth = at(fillInOrder(cluster).shares, 0);
        expect(useful * taskShare(liar, total)).to.be.at.most(truth + margin + EPSILON);
      }),
      runs(40),
    );
  });

  // What j launches on a machine after the refusal of i there has less than one task of i in the
  // resource that was short. Together with what it launched there before, worth A in dominant share,
  // it holds less than A/u(i) + 1 tasks of i: in that resource, if j needs less of it per dominant
  // share than i does, else in i's dominant one. By (F) the A of all machines are at most
  // s(i) w(j)/w(i) + g(j).
  it('leaves nobody wanting what another holds (envy-freeness)', () => {
    const mixed = clusterOf({ shapes: 'mixed', weighted: true, bunches: true });
    fc.assert(
      fc.property(mixed, (cluster) => {
        const { machines, users } = cluster;
        const total = totalOf(machines);
        const { placed, tasks } = fillAll(cluster);
        users.forEach((own, user) => {
          users.forEach((other, index) => {
            const worth = sum(
              at(placed, index).map((count) =>
                tasksIn(
                  own.demand,
                  other.demand.map((amount) => amount * count),
                ),
              ),
            );
            const fair = (at(tasks, user) * weightOf(other)) / weightOf(own);
            const margin = grainOf(other, total) / taskShare(own, total) + machines.length;
            expect(worth, `${index} in the eyes of ${user}`).to.be.at.most(fair + margin + EPSILON);
          });
        });
      }),
      runs(60),
    );
  });

  for (const sorter of ['drf', 'random'] as const) {
    // Exact: whole tasks need no margin. Every machine lacks something of every user's task (lemma 8).
    it(`leaves no room for a further task of anybody (Pareto efficiency, ${sorter} sorter)`, () => {
      const mixed = clusterOf({ shapes: 'mixed', weighted: true, bunches: true });
      fc.assert(
        fc.property(mixed, fc.constantFrom(fillAll, fillAtOnce), (cluster, fill) => {
          const { free } = fill({ ...cluster, sorter });
          for (const amounts of free) {
            for (const amount of amounts) expect(amount).to.be.at.least(0);
            for (const { demand } of cluster.users) {
              const lacking = amounts.some((amount, resource) => amount < at(demand, resource));
              expect(lacking, `${demand.join()} fits into ${amounts.join()}`).to.equal(true);
            }
          }
        }),
        runs(50),
      );
    });
  }

  it('is max-min fair when there is one resource (single-resource fairness)', () => {
    const clusters = clusterOf({ shapes: 'mixed', resources: 1, weighted: true, bunches: true });
    const wish = fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined });
    const wishes = fc.array(wish, { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(clusters, wishes, (unbounded, wanted) => {
        const users = unbounded.users.map((user, index) => ({ ...user, wish: wanted[index] }));
        const cluster = { ...unbounded, users };
        const filled = fillAll(cluster);
        expectMaxMin(cluster, filled);
        const wanting = users.filter(({ wish }, user) => wish !== at(filled.tasks, user));
        const smallest = Math.min(...wanting.map((user) => at(user.demand, 0)));
        for (const amounts of filled.free) expect(at(amounts, 0)).to.be.below(smallest);
      }),
      runs(60),
    );
  });

  // Where all need most of one resource, on machines that have as much of each, it is that resource
  // that is short, whoever is refused: what holds for one resource holds for it.
  it('divides a resource equally that dominates for everybody (bottleneck fairness)', () => {
    const clusters = clusterOf({
      shapes: 'alike',
      bottleneck: true,
      weighted: true,
      bunches: true,
    });
    fc.assert(
      fc.property(clusters, (cluster) => {
        const filled = fillAll(cluster);
        expectMaxMin(cluster, filled);
        const least = leastShares(cluster);
        filled.shares.forEach((share, user) => {
          // The shares are parts of one resource: what the others have at least, nobody else has.
          const most = 1 - (sum(least) - at(least, user));
          expect(share).to.be.within(at(least, user) - EPSILON, most + EPSILON);
        });
      }),
      runs(60),
    );
  });

  // The level of divisible tasks does not fall, and those of whole tasks are within K m above it before
  // and 2 K m below it afterwards.
  it('takes from nobody when a user leaves (population monotonicity)', () => {
    const clusters = clusterOf({
      shapes: 'mixed',
      smallest: 300,
      most: 3,
      weighted: true,
      crowd: 5,
    });
    fc.assert(
      fc.property(clusters, (cluster) => {
        const before = fillInOrder(cluster);
        const after = fillInOrder({ ...cluster, users: cluster.users.slice(1) });
        const margin = 3 * cluster.machines.length * largestTask(cluster);
        after.shares.forEach((share, user) => {
          const allowed = margin * weightOf(at(cluster.users, user + 1));
          expect(share).to.be.at.least(at(before.shares, user + 1) - allowed - EPSILON);
        });
      }),
      runs(40),
    );
  });

  // Users that are alike use the same part of each machine that they are given, so that the lowest
  // share is the lowest number of machines by weight.
  it('gives equal users equal numbers of machines when all offers are acted upon', () => {
    const clusters = clusterOf({ shapes: 'mixed', most: 1, weighted: true });
    fc.assert(
      fc.property(clusters, fc.integer({ min: 5, max: 40 }), (cluster, count) => {
        const machine = at(cluster.machines, 0);
        const { demand } = at(cluster.users, 0);
        const machines = Array.from({ length: count }, () => machine);
        const users = cluster.users.map((user) => ({ ...user, demand }));
        const { tasks } = fillAtOnce({ ...cluster, machines, users });
        const perMachine = tasksIn(demand, machine);
        const held = tasks.map((number) => number / perMachine);
        expect(sum(held)).to.be.closeTo(count, EPSILON);
        users.forEach((own, user) => {
          users.forEach((other, index) => {
            const fair = (at(held, user) * weightOf(other)) / weightOf(own);
            expect(at(held, index)).to.be.at.most(fair + 1 + EPSILON);
          });
        });
      }),
      runs(40),
    );
  });

  it('states the shares of roles that tasks really have', () => {
    const clusters = clusterOf({ shapes: 'mixed', weighted: true, bunches: true });
    fc.assert(
      fc.property(clusters, (cluster) => {
        const { shares, stated } = fillAll(cluster);
        const names = [...stated.keys()];
        expect(names).to.have.lengthOf(cluster.users.length);
        names.forEach((role, user) => {
          const expected = at(shares, user) / weightOf(at(cluster.users, user));
          expect(stated.get(role)).to.be.closeTo(expected, EPSILON);
        });
      }),
      runs(20),
    );
  });
});
