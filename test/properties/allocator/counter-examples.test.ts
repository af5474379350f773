/**
 * The examples of the paper (NSDI 2011) as fixtures. Where it shows that another policy lacks a property,
 * that policy's figures are computed from its definition and seen to lack it, and the allocator is
 * seen to have it. Demands are those of the paper; clusters are those of the paper a hundred times
 * over where tasks would else not divide them well, so that whole tasks differ from divisible ones by
 * at most 2 %.
 */
import { expect } from 'chai';
import { at } from '../../../core/base/index.js';
import { TestCluster } from '../../unit/allocator/test-cluster.js';
import { resources } from '../../unit/allocator/resource-text.js';
import { type Vector, fillAll, tasksIn, tasksInParts } from './fill.js';
import { assetTasks, ceeiTasks, drfTasks } from './fluid.js';

const SCALE = 100;

/** Tasks that the allocator gives, and that dominant resource fairness gives divisible tasks. */
function compare(total: Vector, demands: readonly Vector[]): { given: number[]; ideal: number[] } {
  const users = demands.map((demand) => ({ demand }));
  const machine = total.map((amount) => amount * SCALE);
  const given = fillAll({ machines: [machine], users }).tasks.map((count) => count / SCALE);
  const ideal = drfTasks(total, users);
  given.forEach((tasks, user) => {
    expect(tasks, `user ${user}`).to.be.closeTo(at(ideal, user), at(ideal, user) * 0.02);
  });
  return { given, ideal };
}

const closeTo = (tasks: readonly number[], expected: readonly number[]): void => {
  expect(tasks).to.have.lengthOf(expected.length);
  tasks.forEach((count, user) => expect(count).to.be.closeTo(at(expected, user), 1e-9));
};

describe('HierarchicalAllocator: examples of the paper', () => {
  // At the start both have nothing; the tie goes to the name that sorts first.
  it('takes the steps of the running example', () => {
    const cluster = new TestCluster({ minAllocatable: [] });
    cluster.addAgent('agent', 'cpus:9;mem:18');
    const demands = new Map([
      ['A', 'cpus:1;mem:4'],
      ['B', 'cpus:3;mem:1'],
    ]);
    const roles = new Map([
      ['memory-bound', 'A'],
      ['cpu-bound', 'B'],
    ]);
    for (const role of roles.keys()) cluster.addFramework(role, [role]);
    const share = (role: string) => cluster.metric(`mesos/roles/${role}/shares/dominant`);
    const used = (name: string) => cluster.metric(`mesos/resources/${name}/offered_or_allocated`);
    const rows: unknown[] = [];
    for (;;) {
      cluster.allocator.runNow();
      const offer = cluster.outstanding.pop();
      if (offer === undefined) break;
      const user = roles.get(offer.role) ?? '';
      const task = resources(demands.get(user)).allocatedTo(offer.role);
      if (!offer.resources.contains(task)) break;
      const rest = offer.resources.minus(task);
      cluster.allocator.recoverResources(offer.frameworkId, offer.agentId, rest);
      rows.push([user, share('memory-bound'), share('cpu-bound'), used('cpus'), used('mem')]);
    }
    expect(rows).to.deep.equal([
      ['B', 0, 3 / 9, 3, 1],
      ['A', 4 / 18, 3 / 9, 4, 5],
      ['A', 8 / 18, 3 / 9, 5, 9],
      ['B', 8 / 18, 6 / 9, 8, 10],
      ['A', 12 / 18, 6 / 9, 9, 14],
    ]);
    cluster.allocator.dispose();
  });

  it('divides the running example unlike asset fairness and CEEI', () => {
    const [total, demands] = [
      [9, 18],
      [
        [1, 4],
        [3, 1],
      ],
    ] as const;
    closeTo(assetTasks(total, demands), [2.52, 2.16]);
    closeTo(ceeiTasks(total, demands), [45 / 11, 18 / 11]);
    closeTo(compare(total, demands).ideal, [3, 2]);
  });

  it('keeps the sharing incentive that asset fairness lacks', () => {
    const total = [30, 30];
    const demands = [
      [1, 3],
      [1, 1],
    ] as const;
    const slice = total.map((amount) => amount / 2);
    const alone = demands.map((demand) => tasksInParts(demand, slice));
    closeTo(alone, [5, 15]);
    const asset = assetTasks(total, demands);
    closeTo(asset, [6, 12]);
    expect(at(asset, 1)).to.be.below(at(alone, 1));
    const { given, ideal } = compare(total, demands);
    closeTo(ideal, [5, 15]);
    closeTo(given, [5, 15]);
  });

  it('keeps the strategy-proofness that CEEI lacks', () => {
    const total = [100, 100];
    const [truth, lie, other] = [
      [16, 1],
      [16, 8],
      [1, 2],
    ] as const;
    closeTo(ceeiTasks(total, [truth, other]), [100 / 31, 1500 / 31]);
    closeTo(ceeiTasks(total, [lie, other]), [25 / 6, 100 / 3]);
    // The liar's tasks need all cpus that the truth does: each is one useful task.
    expect(tasksIn(truth, lie)).to.equal(1);
    expect(25 / 6).to.be.above(100 / 31);
    const honest = compare(total, [truth, other]);
    const lying = compare(total, [lie, other]);
    closeTo(lying.ideal, honest.ideal);
    expect(at(lying.given, 0)).to.be.at.most(at(honest.given, 0) + 1 / SCALE);
  });

  it('keeps the bottleneck fairness that asset fairness lacks', () => {
    const total = [21, 21];
    const demands = [
      [3, 2],
      [4, 1],
    ] as const;
    closeTo(assetTasks(total, demands), [3, 3]);
    // Of the resource that dominates for both, one has 9 and the other 12 of 21.
    const held = (tasks: readonly number[]) =>
      demands.map(([cpus], user) => cpus * at(tasks, user));
    closeTo(held(assetTasks(total, demands)), [9, 12]);
    closeTo(held(compare(total, demands).ideal), [10.5, 10.5]);
  });

  it('does not lower a share in the example where asset fairness does, when more is added', () => {
    const demands = [
      [4, 2],
      [1, 1],
    ] as const;
    const [before, after] = [assetTasks([77, 77], demands), assetTasks([77, 154], demands)];
    closeTo(before, [44 / 4, 33]);
    closeTo(after, [42 / 4, 35]);
    closeTo(compare([77, 77], demands).ideal, [38.5 / 4, 38.5]);
    closeTo(compare([77, 154], demands).ideal, [38.5 / 4, 38.5]);
  });

  // A lie that asks for what the others need makes their bottleneck that of the liar.
  it('lets a lie shrink the share of a user from all to a tenth', () => {
    const others = Array.from({ length: 9 }, () => ({ demand: [0, 1] }));
    const run = (demand: Vector) =>
      fillAll({ machines: [[90, 90]], users: [{ demand }, ...others] }).tasks;
    const honest = run([1, 0]);
    expect(honest).to.deep.equal([90, ...others.map(() => 10)]);
    const lying = run([1, 1]);
    expect(lying).to.deep.equal([9, ...others.map(() => 9)]);
  });

  // No policy that shares at least slices, and leaves nothing, has resource monotonicity (theorem 6).
  // Twice the memory makes the second user's dominant share smaller: to hold its half of the cpus it
  // needs what the first user held.
  it('may lower a share when a resource is added: it is not resource monotonic', () => {
    const demands = [
      [3, 1],
      [3, 6],
    ] as const;
    const users = demands.map((demand) => ({ demand }));
    const before = fillAll({ machines: [[270, 270]], users });
    const after = fillAll({ machines: [[270, 540]], users });
    expect(before.tasks).to.deep.equal([60, 30]);
    expect(after.tasks).to.deep.equal([45, 45]);
    // Half of the larger cluster runs 45 tasks of the second user, and with 45 there are cpus for no
    // more than 45 of the first.
    expect(tasksIn([3, 6], [135, 270])).to.equal(45);
    expect(tasksIn([3, 1], [270 - 3 * 45, 540])).to.equal(45);
  });
});
