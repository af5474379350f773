/** The sorter benchmarks of Mesos, on the share tree alone. */
import { ScalarNames, ShareTree, type ShareNode } from '../../core/allocator/index.js';
import { SeededRandom } from '../../core/base/index.js';
import type { Resources } from '../../core/resources/index.js';
import { type Bench, type BenchOptions, timed } from './bench.js';
import { type BenchResult, summarise } from './result.js';
import { amounts, fragmentedPorts } from './rig.js';

const AGENTS = [1_000, 5_000, 10_000, 20_000, 30_000, 50_000] as const;
const CLIENTS = [1, 50, 100, 200, 500, 1_000] as const;
const PIECES = 100;
const SORTERS = ['drf', 'random'] as const;

/** The steps that are timed, with what a Mesos took with 10,000 agents and 1,000 clients. */
const STEPS: readonly (readonly [name: string, mesos?: number])[] = [
  ['add clients'],
  ['add agents'],
  ['add allocations', 14],
  ['full sort'],
  ['sort without change'],
  ['remove allocations', 520],
  ['remove agents'],
  ['remove clients'],
];

interface Sorting {
  readonly name: string;
  readonly agents: number;
  /** The role of each client. */
  readonly roles: readonly string[];
  readonly sorter: (typeof SORTERS)[number];
  readonly isMeasured: boolean;
}

/** Clients side by side. */
export const FULL_SORT: Bench = {
  name: 'FullSort',
  run(options) {
    const clientCounts = options.isFull ? CLIENTS : [1_000];
    return agentCounts(options).flatMap((agents) =>
      clientCounts.flatMap((clients) =>
        SORTERS.flatMap((sorter) => {
          const roles = Array.from({ length: clients }, (_, index) => `client-${index}`);
          const isMeasured = agents === 10_000 && clients === 1_000 && sorter === 'drf';
          const name = `FullSort, ${agents} agents x ${clients} clients, ${sorter}`;
          return sortAll({ name, agents, roles, sorter, isMeasured });
        }),
      ),
    );
  },
};

/** Clients in all nodes of trees of some height and branching. */
export const HIERARCHY_FULL_SORT: Bench = {
  name: 'HierarchyFullSort',
  run: (options) =>
    agentCounts(options).flatMap((agents) =>
      (
        [
          [3, 32],
          [7, 3],
          [10, 2],
        ] as const
      ).flatMap(([height, branching]) =>
        SORTERS.flatMap((sorter) => {
          const roles = treeRoles(height, branching);
          const name = `HierarchyFullSort, ${agents} agents, height ${height}, branching ${branching}, ${sorter}`;
          return sortAll({ name, agents, roles, sorter, isMeasured: false });
        }),
      ),
    ),
};

function agentCounts({ isFull, agents }: BenchOptions): readonly number[] {
  return agents === undefined ? (isFull ? AGENTS : [10_000]) : [agents];
}

/** All nodes of the tree, the root left out. */
function treeRoles(height: number, branching: number): string[] {
  const roles: string[] = [];
  let level = [''];
  for (let depth = 1; depth < height; depth++) {
    level = level.flatMap((parent) =>
      Array.from({ length: branching }, (_, index) =>
        parent === '' ? `${index}` : `${parent}/${index}`,
      ),
    );
    roles.push(...level);
  }
  return roles;
}

function sortAll(sorting: Sorting): readonly BenchResult[] {
  const samples = STEPS.map((): number[] => []);
  for (let round = -1; round < 3; round++) {
    for (const [step, tookMs] of sortOnce(sorting).entries()) {
      if (round >= 0) samples[step]?.push(tookMs);
    }
  }
  return STEPS.map(([step, mesos], index) =>
    summarise(
      `${sorting.name}: ${step}`,
      samples[index] ?? [],
      sorting.isMeasured && mesos !== undefined ? { mesos } : {},
    ),
  );
}

function sortOnce({ agents, roles, sorter }: Sorting): readonly number[] {
  const names = new ScalarNames();
  const random = sorter === 'random' ? new SeededRandom('sorter') : undefined;
  const tree = new ShareTree<string>({ names, fairnessExcluded: [], randomRoles: random });
  const clients: ShareNode<string>[] = [];
  const total = amounts({ cpus: 24, mem: 4096, disk: 4096 });
  const held = Array.from({ length: agents }, (): Resources =>
    amounts({ cpus: 16, mem: 2014, disk: 1024 }, fragmentedPorts(PIECES)),
  );
  const charge = (sign: 1 | -1): void => {
    for (const [index, resources] of held.entries()) {
      const client = clients[index % clients.length];
      if (client !== undefined) tree.charge(client, names.measure(resources), sign);
    }
  };
  let visited = 0;
  const sort = (): void => {
    visited = 0;
    tree.settle();
    tree.walkRoles((leaf) => {
      const order = tree.clientsOf(leaf);
      for (let place = 0; order.at(place) !== undefined; place++) visited++;
      return false;
    });
    if (visited !== roles.length) throw new Error(`${visited} of ${roles.length} clients in order`);
  };
  return [
    timed(() => {
      for (const role of roles) {
        const client = tree.addClient(role, role, role);
        tree.activate(client);
        clients.push(client);
      }
    }),
    timed(() => {
      for (let each = 0; each < agents; each++) tree.changeTotal(names.measure(total), 1);
    }),
    timed(() => charge(1)),
    timed(sort),
    timed(sort),
    timed(() => charge(-1)),
    timed(() => {
      for (let each = 0; each < agents; each++) tree.changeTotal(names.measure(total), -1);
    }),
    timed(() => clients.forEach((client) => tree.removeClient(client))),
  ];
}
