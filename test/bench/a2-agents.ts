/** The benchmarks of Mesos' allocator over a grid of agents and frameworks, as far as they are about adding. */
import { type Bench, type BenchOptions, timed } from './bench.js';
import { type BenchResult, summarise } from './result.js';
import { Rig, amounts, portsOf } from './rig.js';
import { Resources } from '../../core/resources/index.js';

/** A size of the grid. */
export interface Size {
  readonly agents: number;
  readonly frameworks: number;
}

const AGENTS = [1_000, 5_000, 10_000, 20_000, 30_000, 50_000] as const;
const FRAMEWORKS = [1, 50, 100, 200, 500, 1_000, 3_000, 6_000] as const;

/** The sizes to run: some, or the whole grid. */
export function sizesOf({ isFull, agents }: BenchOptions, usual: readonly Size[]): readonly Size[] {
  const all = AGENTS.flatMap((each) =>
    FRAMEWORKS.map((frameworks) => ({ agents: each, frameworks })),
  );
  return (isFull ? all : usual).filter((size) => agents === undefined || size.agents === agents);
}

/** How a size is called in results. */
export function sizeText({ agents, frameworks }: Size): string {
  return `${agents} agents x ${frameworks} frameworks`;
}

/** Whether figures of another implementation for this size exist. */
export function isSize(size: Size, agents: number, frameworks: number): boolean {
  return size.agents === agents && size.frameworks === frameworks;
}

const WHOLE = { cpus: 24, mem: 4096, disk: 4096 } as const;
const ALL_PORTS = '31000-32000';
const USED_PORTS = '31126-31510,31512-31623,31810-31852,31854-31964';

const SMALL_AND_LARGE: readonly Size[] = [
  { agents: 1_000, frameworks: 50 },
  { agents: 10_000, frameworks: 50 },
  { agents: 10_000, frameworks: 1_000 },
];

/** Agents with tasks are added, and then get revocable resources. */
export const ADD_AND_UPDATE: Bench = {
  name: 'AddAndUpdateSlave',
  run: (options) => sizesOf(options, SMALL_AND_LARGE).flatMap(addAndUpdate),
};

function addAndUpdate(size: Size): readonly BenchResult[] {
  const added: number[] = [];
  const updated: number[] = [];
  for (let round = -1; round < 3; round++) {
    const rig = new Rig();
    for (let each = 0; each < size.frameworks; each++)
      rig.addFramework('*', ['REVOCABLE_RESOURCES']);
    const agents = Array.from({ length: size.agents }, (_, index) => ({
      total: amounts({ cpus: 2, mem: 1024, disk: 4096 }, ALL_PORTS),
      used: [
        [
          index % size.frameworks,
          amounts({ cpus: 1, mem: 128, disk: 1024 }, USED_PORTS).allocatedTo('*'),
        ] as const,
      ],
    }));
    const addMs = timed(() => {
      for (const agent of agents) rig.addAgent(agent);
      rig.allocator.runNow();
    });
    const more = Resources.fromWire([
      { name: 'cpus', type: 'SCALAR', scalar: { value: 10 }, revocable: {} },
    ]);
    const states = rig.agents.map((_, index) => ({
      info: { hostname: `agent-${index}` },
      capabilities: [{ type: 'MULTI_ROLE' as const }, { type: 'HIERARCHICAL_ROLE' as const }],
      total: (agents[index]?.total ?? more).plus(more),
    }));
    const updateMs = timed(() => {
      for (const [index, agentId] of rig.agents.entries()) {
        const state = states[index];
        if (state !== undefined) rig.allocator.updateAgent(agentId, state);
      }
      rig.allocator.runNow();
    });
    rig.dispose();
    if (round < 0) continue;
    added.push(addMs);
    updated.push(updateMs);
  }
  const mesos = (few: number, many: number): Partial<BenchResult> => {
    if (isSize(size, 10_000, 50)) return { mesos: few };
    return isSize(size, 10_000, 1_000) ? { mesos: many } : {};
  };
  return [
    summarise(`AddAndUpdateSlave, add agents, ${sizeText(size)}`, added, {
      ...mesos(560, 675),
      ...(isSize(size, 10_000, 1_000) ? { published: 1_610 } : {}),
    }),
    summarise(`AddAndUpdateSlave, update agents, ${sizeText(size)}`, updated, mesos(473, 539)),
  ];
}

/** Each framework revives its offers once: how far requests for runs are put together. */
export const ALLOCATOR_BACKLOG: Bench = {
  name: 'AllocatorBacklog',
  async run(options) {
    const results: BenchResult[] = [];
    for (const size of sizesOf(options, [
      { agents: 1_000, frameworks: 50 },
      { agents: 10_000, frameworks: 1_000 },
    ])) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      results.push(...(await backlog(size)));
    }
    return results;
  },
};

async function backlog(size: Size): Promise<readonly BenchResult[]> {
  const samples: number[] = [];
  let runs = 0;
  for (let round = -1; round < 3; round++) {
    const rig = new Rig();
    for (let each = 0; each < size.frameworks; each++) rig.addFramework('*');
    for (let each = 0; each < size.agents; each++)
      rig.addAgent({ total: amounts(WHOLE, ALL_PORTS) });
    rig.run();
    const runsBefore = rig.allocator.metrics().get('mesos/allocation_runs') ?? 0;
    const startMs = performance.now();
    for (const frameworkId of rig.frameworks) rig.allocator.revive(frameworkId, []);
    // oxlint-disable-next-line no-await-in-loop -- until the runs that were asked for are over
    await rig.world.settle();
    const tookMs = performance.now() - startMs;
    runs = (rig.allocator.metrics().get('mesos/allocation_runs') ?? 0) - runsBefore;
    rig.dispose();
    if (round >= 0) samples.push(tookMs);
  }
  return [
    summarise(`AllocatorBacklog, ${sizeText(size)}`, samples, { note: `${runs} allocation runs` }),
  ];
}

/** One snapshot of all metrics, with quota in every role. */
export const METRICS: Bench = {
  name: 'Metrics',
  run: (options) =>
    sizesOf(options, [
      { agents: 1_000, frameworks: 50 },
      { agents: 10_000, frameworks: 1_000 },
    ]).map(metrics),
};

function metrics(size: Size): BenchResult {
  const rig = new Rig();
  for (let each = 0; each < size.frameworks; each++) {
    const quota = new Map([
      ['cpus', 1000],
      ['mem', 512_000],
      ['disk', 256_000],
    ]);
    rig.allocator.updateQuota(`${each}`, { guarantees: quota, limits: quota });
    rig.addFramework(`${each}`);
  }
  for (let each = 0; each < size.agents; each++)
    rig.addAgent({ total: amounts({ cpus: 16, mem: 2048, disk: 1024 }) });
  rig.run();
  const samples = Array.from({ length: 6 }, () =>
    timed(() => {
      const text = JSON.stringify(Object.fromEntries(rig.allocator.metrics()));
      JSON.parse(text);
    }),
  ).slice(1);
  rig.dispose();
  return summarise(`Metrics, ${sizeText(size)}`, samples, { note: 'snapshot, to JSON and back' });
}

/** Reservations are made and undone on an agent that has many already. */
export const UPDATE_ALLOCATION: Bench = {
  name: 'UpdateAllocation',
  run: () => [50, 100, 200].map(updateAllocation),
};

function updateAllocation(roles: number): BenchResult {
  const rig = new Rig();
  const names = Array.from(
    { length: roles },
    (_, index) => `role-${String(index).padStart(36, 'x')}`,
  );
  for (const role of names) rig.addFramework(role, ['RESERVATION_REFINEMENT']);
  const reserved = names.map((role, index) => Resources.fromWire(reservation(role, index)));
  const spare = amounts({ cpus: 100, mem: 100, disk: 100 });
  rig.addAgent({ total: Resources.sum([...reserved, spare]) });
  rig.run();
  const [offer] = rig.outstanding.filter(
    ({ resources }) =>
      resources.scalar('cpus') > 0 && resources.items.some(({ isReserved }) => !isReserved),
  );
  if (offer === undefined) throw new Error('nothing was offered to reserve');
  const { frameworkId, agentId, role } = offer;
  const from = spare.allocatedTo(role);
  const to = Resources.fromWire(
    ['cpus', 'mem', 'disk'].map((name) => ({
      name,
      type: 'SCALAR' as const,
      scalar: { value: 100 },
      reservations: [{ type: 'DYNAMIC' as const, role, principal: 'bench' }],
    })),
  ).allocatedTo(role);
  const repeat = 20;
  const samples = Array.from({ length: 6 }, () =>
    timed(() => {
      for (let each = 0; each < repeat; each++) {
        rig.allocator.updateAllocation(frameworkId, agentId, { from, to });
        rig.allocator.updateAllocation(frameworkId, agentId, { from: to, to: from });
      }
    }),
  ).slice(1);
  rig.dispose();
  return summarise(`UpdateAllocation, ${roles} roles with a reservation each`, samples, {
    note: '20 times RESERVE and UNRESERVE',
    ...(roles === 200 ? { published: 2_100 } : {}),
  });
}

function reservation(role: string, index: number): Parameters<typeof Resources.fromWire>[0] {
  const labels = { labels: [{ key: String(index).padStart(36, 'k'), value: role }] };
  const reservations = [{ type: 'DYNAMIC' as const, role, principal: 'bench', labels }];
  const port = 1_000 + index;
  return [
    ...['cpus', 'mem', 'disk'].map((name) => ({
      name,
      type: 'SCALAR' as const,
      scalar: { value: 100 },
      reservations,
    })),
    { ...portsOf(`${port}-${port}`), reservations },
  ];
}
