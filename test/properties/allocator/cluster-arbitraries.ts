/**
 * Random clusters and users. Machines are large against tasks: a task needs at most 8 of at least 100
 * (`alike`, `mixed`) or 300 (`large`) units of each resource of a machine, so that the margins that
 * whole tasks need stay well below what they are margins of.
 */
import * as fc from 'fast-check';
import type { Seating, User, Vector } from './fill.js';

const LARGEST_DEMAND = 8;

export interface Cluster {
  readonly machines: readonly Vector[];
  readonly users: readonly User[];
  readonly seating: Seating;
  readonly seed: string;
}

export interface ClusterOptions {
  /** Machines of one shape and different sizes, or of any shapes. */
  readonly shapes: 'alike' | 'mixed';
  /** Number of resources. Default: 2 or 3. */
  readonly resources?: number | undefined;
  /** Smallest amount of a resource on a machine. Default 100. */
  readonly smallest?: number | undefined;
  /** Most machines. Default 4. */
  readonly most?: number | undefined;
  /** Whether users may have other weights than 1, and be roles then. Default: no. */
  readonly weighted?: boolean | undefined;
  /** Whether users launch several tasks on one offer. Default: no. */
  readonly bunches?: boolean | undefined;
  /** Whether all users need most of the first resource. Default: no. */
  readonly bottleneck?: boolean | undefined;
  /** Most users. Default 8. */
  readonly crowd?: number | undefined;
}

/** What a task needs: something of everything. */
export function demandOf(resources: number): fc.Arbitrary<Vector> {
  const amount = fc.integer({ min: 1, max: LARGEST_DEMAND });
  return fc.array(amount, { minLength: resources, maxLength: resources });
}

export function clusterOf(options: ClusterOptions): fc.Arbitrary<Cluster> {
  const { weighted = false, crowd = 8 } = options;
  const count =
    options.resources === undefined ? fc.constantFrom(2, 3) : fc.constant(options.resources);
  return count
    .chain((resources) => {
      const machines = machinesOf(resources, options);
      return fc.record({
        machines,
        users: fc.array(userOf(resources, options), { minLength: 2, maxLength: crowd }),
        seating: fc.constantFrom<Seating>(
          'roles',
          'subroles',
          ...(weighted ? [] : (['frameworks'] as const)),
        ),
        seed: fc.nat().map((seed) => `fill-${seed}`),
      });
    })
    .map((cluster) => (options.bottleneck === true ? withBottleneck(cluster) : cluster));
}

function machinesOf(resources: number, options: ClusterOptions): fc.Arbitrary<readonly Vector[]> {
  const { smallest = 100, most = 4, shapes } = options;
  const amount = fc.integer({ min: smallest, max: 2 * smallest });
  const shape = fc.array(amount, { minLength: resources, maxLength: resources });
  if (shapes === 'mixed') return fc.array(shape, { minLength: 1, maxLength: most });
  const sizes = fc.array(fc.constantFrom(1, 1.5, 2), { minLength: 1, maxLength: most });
  return fc
    .tuple(shape, sizes)
    .map(([one, factors]) => factors.map((factor) => one.map((part) => part * factor)));
}

function userOf(resources: number, options: ClusterOptions): fc.Arbitrary<User> {
  const { weighted = false, bunches = false } = options;
  return fc.record({
    demand: demandOf(resources),
    weight: weighted ? fc.constantFrom(1, 2, 3, 0.5) : fc.constant(1),
    bunch: bunches ? fc.constantFrom(1, 2, 4) : fc.constant(1),
  });
}

/** The same with machines as large in everything, and demands that are largest in the first. */
function withBottleneck(cluster: Cluster): Cluster {
  return {
    ...cluster,
    machines: cluster.machines.map(([first = 0, ...rest]) => [first, ...rest.map(() => first)]),
    users: cluster.users.map((user) => ({
      ...user,
      demand: user.demand.toSorted((one, other) => other - one),
    })),
  };
}
