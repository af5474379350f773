/**
 * Fairness over a tree of roles: between siblings it is what it is in a flat list, and a whole group gets
 * its slice. The notation is that of `fairness.test.ts`.
 */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { at } from '../../../core/base/index.js';
import { clusterOf, demandOf } from './cluster-arbitraries.js';
import {
  type FillOptions,
  type Filled,
  type User,
  type Vector,
  fillAll,
  taskShare,
  tasksIn,
  totalOf,
} from './fill.js';
import { TEST_TIMEOUT_MS, runs } from './runs.js';

const EPSILON = 1e-9;
const weights = fc.constantFrom(1, 2, 3, 0.5);

interface Group {
  readonly name: string;
  readonly weight: number;
  /** Positions in the list of users. */
  readonly members: readonly number[];
}

interface Tree extends FillOptions {
  readonly groups: readonly Group[];
}

/** Two to four groups of one to three users, each in a role below that of the group. */
function treesOf(machines: fc.Arbitrary<readonly Vector[]>): fc.Arbitrary<Tree> {
  return machines.chain((list) => {
    const member = fc.record({ demand: demandOf(at(list, 0).length), weight: weights });
    const group = fc.record({
      weight: weights,
      members: fc.array(member, { minLength: 1, maxLength: 3 }),
    });
    return fc
      .tuple(fc.array(group, { minLength: 2, maxLength: 4 }), fc.nat())
      .map(([groups, seed]) => treeOf(list, groups, `tree-${seed}`));
  });
}

function treeOf(
  machines: readonly Vector[],
  drafts: readonly { readonly weight: number; readonly members: readonly User[] }[],
  seed: string,
): Tree {
  const users: User[] = [];
  const groups = drafts.map(({ weight, members }, index): Group => {
    const name = `group-${index}`;
    const first = users.length;
    users.push(...members.map((user, member) => ({ ...user, role: `${name}/member-${member}` })));
    return { name, weight, members: members.map((_, member) => first + member) };
  });
  const groupWeights = new Map(groups.map(({ name, weight }) => [name, weight]));
  return { machines, users, groups, weights: groupWeights, seating: 'own', seed };
}

const machinesOf = (most: number): fc.Arbitrary<readonly Vector[]> =>
  clusterOf({ shapes: 'mixed', most }).map(({ machines }) => machines);

/** The largest part of any resource that the group holds. */
function groupShare({ machines, users }: Tree, { members }: Group, filled: Filled): number {
  const total = totalOf(machines);
  const parts = total.map((amount, resource) =>
    members.reduce(
      (sum, user) => sum + (at(filled.tasks, user) * at(at(users, user).demand, resource)) / amount,
      0,
    ),
  );
  return Math.max(...parts);
}

describe('HierarchicalAllocator: fairness in a tree of roles', function () {
  this.timeout(TEST_TIMEOUT_MS);

  // One machine: when the last member i of the group is refused, a resource is used but for less than
  // u(i), and no group holds a larger part of it than its share. Served is, among groups with somebody
  // not refused, the one with the lowest share by weight; a task adds no more than its own share.
  it('gives every group its slice, whatever others do within theirs', () => {
    fc.assert(
      fc.property(treesOf(machinesOf(1)), (tree) => {
        const { groups, users, machines } = tree;
        const total = totalOf(machines);
        const filled = fillAll(tree);
        const largest = ({ members }: Group): number =>
          Math.max(...members.map((user) => taskShare(at(users, user), total)));
        const allWeights = groups.reduce((sum, { weight }) => sum + weight, 0);
        const allTasks = groups.reduce((sum, group) => sum + largest(group), 0);
        for (const group of groups) {
          // The own part of `allTasks` is the task that is refused.
          const least = (group.weight / allWeights) * (1 - allTasks);
          expect(groupShare(tree, group, filled)).to.be.above(least - EPSILON);
        }
      }),
      runs(60),
    );
  });

  // The proof of envy-freeness compares two users that compete at one level of the tree.
  it('leaves no envy between the members of a group', () => {
    fc.assert(
      fc.property(treesOf(machinesOf(4)), (tree) => {
        const { groups, users, machines } = tree;
        const total = totalOf(machines);
        const { placed, tasks } = fillAll(tree);
        const pairs = groups.flatMap(({ members }) =>
          members.flatMap((user) => members.map((other) => [user, other] as const)),
        );
        for (const [user, other] of pairs) {
          const [own, theirs] = [at(users, user), at(users, other)];
          const worth = at(placed, other).reduce(
            (sum, count) =>
              sum +
              tasksIn(
                own.demand,
                theirs.demand.map((amount) => amount * count),
              ),
            0,
          );
          const fair = (at(tasks, user) * (theirs.weight ?? 1)) / (own.weight ?? 1);
          const margin = taskShare(theirs, total) / taskShare(own, total) + machines.length;
          expect(worth, `${other} in the eyes of ${user}`).to.be.at.most(fair + margin + EPSILON);
        }
      }),
      runs(60),
    );
  });

  for (const sorter of ['drf', 'random'] as const) {
    it(`leaves no room for a further task (Pareto efficiency, ${sorter} sorter)`, () => {
      fc.assert(
        fc.property(treesOf(machinesOf(4)), (tree) => {
          const { free } = fillAll({ ...tree, sorter });
          for (const amounts of free) {
            for (const { demand } of tree.users) expect(tasksIn(demand, amounts)).to.equal(0);
          }
        }),
        runs(40),
      );
    });
  }
});
