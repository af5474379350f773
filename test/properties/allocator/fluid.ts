/**
 * What the policies of the paper give when tasks can be divided: dominant resource fairness, asset
 * fairness and competitive equilibrium from equal incomes (CEEI). Computed from their definitions,
 * with nothing of the allocator.
 */
import { at } from '../../../core/base/index.js';
import { type User, type Vector, taskShare, tasksInParts, totalOf } from './fill.js';

/** How fast the use of each resource (part of the total) grows with the share per weight of all. */
function growth(users: readonly User[], total: Vector): number[] {
  return total.map((amount, resource) =>
    users.reduce((sum, user) => {
      const perShare = at(user.demand, resource) / amount / taskShare(user, total);
      return sum + (user.weight ?? 1) * perShare;
    }, 0),
  );
}

/**
 * The dominant share per weight that everybody reaches when machines are filled one after the other,
 * each until one of its resources is used up.
 */
export function drfLevel(machines: readonly Vector[], users: readonly User[]): number {
  const total = totalOf(machines);
  const rates = growth(users, total);
  return machines.reduce((level, machine) => {
    const parts = machine.map((amount, resource) => amount / at(total, resource));
    return level + tasksInParts(rates, parts);
  }, 0);
}

/** Tasks of each user under dominant resource fairness, on one machine. */
export function drfTasks(total: Vector, users: readonly User[]): number[] {
  const level = drfLevel([total], users);
  return users.map((user) => ((user.weight ?? 1) * level) / taskShare(user, total));
}

/** Tasks of each user when the sums of the parts that they hold of each resource are made equal. */
export function assetTasks(total: Vector, demands: readonly Vector[]): number[] {
  const perAsset = demands.map(
    (demand) => 1 / demand.reduce((sum, amount, resource) => sum + amount / at(total, resource), 0),
  );
  const rates = total.map((_, resource) =>
    demands.reduce((sum, demand, user) => sum + at(demand, resource) * at(perAsset, user), 0),
  );
  const level = tasksInParts(rates, total);
  return perAsset.map((tasks) => tasks * level);
}

/**
 * Tasks of two users over two resources under CEEI: the point that maximises their product. It is on
 * one resource's limit alone, where each user has half of that resource, if the other allows it; else
 * where both limits meet.
 */
export function ceeiTasks(total: Vector, demands: readonly [Vector, Vector]): [number, number] {
  const [one, two] = demands;
  for (const resource of [0, 1]) {
    const half = at(total, resource) / 2;
    const tasks: [number, number] = [half / at(one, resource), half / at(two, resource)];
    const other = 1 - resource;
    const used = tasks[0] * at(one, other) + tasks[1] * at(two, other);
    if (used <= at(total, other)) return tasks;
  }
  const [a, b, c, d] = [at(one, 0), at(two, 0), at(one, 1), at(two, 1)];
  const determinant = a * d - b * c;
  return [
    (at(total, 0) * d - at(total, 1) * b) / determinant,
    (at(total, 1) * a - at(total, 0) * c) / determinant,
  ];
}
