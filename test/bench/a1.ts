/** The scenario benchmarks of Mesos' allocator, with their parameters. */
import { type Bench, timed } from './bench.js';
import { type BenchResult, summarise } from './result.js';
import { Rig, amounts } from './rig.js';

const CLUSTER = 'MultiFrameworkAllocations';

/** A kind of framework: how many there are, and what each wants to run. */
interface Profile {
  readonly name: string;
  readonly frameworks: number;
  readonly roleOf: (index: number) => string;
  readonly tasks: number;
  readonly tasksPerOffer: number;
  readonly cpus: number;
  readonly memoryMiB: number;
}

const PROFILES: readonly Profile[] = [
  {
    name: 'A',
    frameworks: 4,
    roleOf: (index) => `roleA-${index}`,
    tasks: 4000,
    tasksPerOffer: 100,
    cpus: 0.07,
    memoryMiB: 400,
  },
  {
    name: 'B',
    frameworks: 500,
    roleOf: () => 'roleB',
    tasks: 5,
    tasksPerOffer: 1,
    cpus: 0.1,
    memoryMiB: 4000,
  },
  {
    name: 'C',
    frameworks: 50,
    roleOf: (index) => `roleC-${index}`,
    tasks: 20,
    tasksPerOffer: 5,
    cpus: 1,
    memoryMiB: 1000,
  },
];

/** 554 frameworks start 19,500 tasks on 80 agents; what an offer leaves is recovered at once. */
export const MULTI_FRAMEWORK: Bench = {
  name: CLUSTER,
  run() {
    launchAll();
    const { rounds, tasks, offers } = launchAll();
    const seconds = rounds.reduce((sum, ms) => sum + ms, 0) / 1000;
    const what = '80 agents x 554 frameworks';
    return [
      summarise(`${CLUSTER}, round, ${what}`, rounds, {
        note: `${rounds.length} rounds, ${offers} offers`,
      }),
      {
        name: `${CLUSTER}, all rounds, ${what}`,
        value: seconds * 1000,
        unit: 'ms',
        note: `${tasks} of 19500 tasks; Mesos stops after 30 s`,
      },
    ];
  },
};

function launchAll(): {
  readonly rounds: readonly number[];
  readonly tasks: number;
  readonly offers: number;
} {
  const rig = new Rig();
  const left: number[] = [];
  const profileOf: Profile[] = [];
  for (const profile of PROFILES) {
    for (let index = 0; index < profile.frameworks; index++) {
      rig.addFramework(profile.roleOf(index + 1));
      left.push(profile.tasks);
      profileOf.push(profile);
    }
  }
  const numberOf = new Map(rig.frameworks.map((frameworkId, index) => [frameworkId, index]));
  for (let index = 0; index < 80; index++)
    rig.addAgent({ total: amounts({ cpus: 64, mem: 488_000 }) });
  const rounds: number[] = [];
  let tasks = 0;
  let offers = 0;
  while (tasks < 19_500 && rounds.length < 10_000) {
    rounds.push(rig.run());
    offers += rig.outstanding.length;
    for (const { frameworkId, agentId, resources } of rig.outstanding.splice(0)) {
      const number = numberOf.get(frameworkId) ?? 0;
      const profile = profileOf[number];
      if (profile === undefined) continue;
      const fit = Math.floor(
        Math.min(
          resources.scalar('cpus') / (profile.cpus * 1000),
          resources.scalar('mem') / (profile.memoryMiB * 1000),
        ),
      );
      const count = Math.min(left[number] ?? 0, profile.tasksPerOffer, fit);
      left[number] = (left[number] ?? 0) - count;
      tasks += count;
      const used =
        count === 0
          ? resources.filter(() => false)
          : amounts({ cpus: profile.cpus * count, mem: profile.memoryMiB * count });
      const rest = resources.minus(used.allocatedTo(profile.roleOf(number + 1 - firstOf(profile))));
      rig.allocator.recoverResources(frameworkId, agentId, rest, undefined, 'batch');
      if (left[number] === 0) rig.allocator.suppress(frameworkId, []);
    }
  }
  rig.dispose();
  return { rounds, tasks, offers };
}

function firstOf(profile: Profile): number {
  const before = PROFILES.slice(0, PROFILES.indexOf(profile));
  return before.reduce((sum, { frameworks }) => sum + frameworks, 0);
}

const SORTERS = ['drf', 'random'] as const;
type Sorter = (typeof SORTERS)[number];

interface QuotaSize {
  readonly small: number;
  readonly large: number;
}

const QUOTA_SIZES: readonly QuotaSize[] = [
  { small: 25, large: 5 },
  { small: 250, large: 50 },
  { small: 2500, large: 500 },
];

/** Roles with small quota share agents, roles with large quota get two each. */
export const LARGE_AND_SMALL_QUOTA: Bench = {
  name: 'LargeAndSmallQuota',
  run: () =>
    QUOTA_SIZES.flatMap((size) => SORTERS.flatMap((sorter) => largeAndSmall(size, sorter))),
};

function largeAndSmall({ small, large }: QuotaSize, sorter: Sorter): readonly BenchResult[] {
  const times = {
    add: [] as number[],
    first: [] as number[],
    idle: [] as number[],
    again: [] as number[],
  };
  let allocations = 0;
  for (let round = -2; round < 3; round++) {
    const rig = new Rig({ roleSorter: sorter, frameworkSorter: sorter });
    const roles = [
      ...Array.from({ length: small }, (_, index) => ({ role: `small-${index}`, part: 1 })),
      ...Array.from({ length: large }, (_, index) => ({ role: `large-${index}`, part: 4 })),
    ];
    const quota = (part: number): ReadonlyMap<string, number> =>
      new Map([
        ['cpus', part * 1000],
        ['mem', part * 1_024_000],
        ['disk', part * 1_024_000],
      ]);
    for (const { role, part } of roles) {
      rig.allocator.updateQuota(role, { guarantees: quota(part), limits: quota(part) });
    }
    const agents = small / 5 + large * 5;
    for (let index = 0; index < agents; index++) {
      rig.addAgent({ total: amounts({ cpus: 2, mem: 2048, disk: 2048 }) });
    }
    const addMs = timed(() => roles.forEach(({ role }) => rig.addFramework(role)));
    const firstMs = rig.run();
    allocations = rig.outstanding.length;
    const idleMs = rig.run();
    rig.unsettle();
    const againMs = rig.run();
    if (rig.outstanding.length !== allocations)
      throw new Error('a role was offered more than its quota');
    rig.dispose();
    if (round < 0) continue;
    times.add.push(addMs);
    times.first.push(firstMs);
    times.idle.push(idleMs);
    times.again.push(againMs);
  }
  const what = `${small + large} quota roles and frameworks x ${small / 5 + large * 5} agents, ${sorter}`;
  const isLargest = small === 2500 && sorter === 'drf';
  const mesos = (ms: number): Partial<BenchResult> => (isLargest ? { mesos: ms } : {});
  return [
    summarise(`LargeAndSmallQuota, add frameworks, ${what}`, times.add, {
      ...mesos(13_600),
      ...(isLargest ? { published: 17_000 } : {}),
    }),
    summarise(`LargeAndSmallQuota, cycle, ${what}`, times.first, {
      ...mesos(12_100),
      ...(isLargest ? { published: 15_400 } : {}),
      note: `${allocations} allocations`,
    }),
    summarise(`LargeAndSmallQuota, nothing to give, ${what}`, times.again, {
      ...mesos(10_700),
      ...(isLargest ? { published: 13_700 } : {}),
      note: 'every agent looked at for every role',
    }),
    summarise(`LargeAndSmallQuota, nothing new, ${what}`, times.idle),
  ];
}

/** The same whole agents go to the same frameworks, with quota that says so and without. */
export const NON_QUOTA_VS_QUOTA: Bench = {
  name: 'NonQuotaVsQuota',
  run: () =>
    [10, 100, 1000].flatMap((roles) =>
      [false, true].flatMap((hasQuota) =>
        SORTERS.flatMap((sorter) => nonQuotaVsQuota(roles, hasQuota, sorter)),
      ),
    ),
};

function nonQuotaVsQuota(roles: number, hasQuota: boolean, sorter: Sorter): readonly BenchResult[] {
  const first: number[] = [];
  const second: number[] = [];
  for (let round = -3; round < 7; round++) {
    const rig = new Rig({ roleSorter: sorter, frameworkSorter: sorter });
    for (let role = 0; role < roles; role++) {
      const whole = new Map([
        ['cpus', 4000],
        ['mem', 4_096_000],
        ['disk', 4_096_000],
      ]);
      if (hasQuota) rig.allocator.updateQuota(`role-${role}`, { guarantees: whole, limits: whole });
      rig.addFramework(`role-${role}`);
      rig.addFramework(`role-${role}`);
    }
    for (let index = 0; index < 2 * roles; index++) {
      rig.addAgent({ total: amounts({ cpus: 2, mem: 2048, disk: 2048 }) });
    }
    const firstMs = rig.run();
    const offers = rig.outstanding.length;
    if (offers !== 2 * roles) throw new Error(`${offers} offers of ${2 * roles} agents`);
    const secondMs = rig.run();
    if (rig.outstanding.length !== offers)
      throw new Error('something was offered in the second round');
    rig.dispose();
    if (round < 0) continue;
    first.push(firstMs);
    second.push(secondMs);
  }
  const what = `${2 * roles} agents, ${roles} roles, ${2 * roles} frameworks, ${hasQuota ? 'quota' : 'no quota'}, ${sorter}`;
  const isMeasured = roles === 1000 && sorter === 'drf';
  return [
    summarise(
      `NonQuotaVsQuota, first round, ${what}`,
      first,
      isMeasured ? { mesos: hasQuota ? 128 : 167 } : {},
    ),
    summarise(
      `NonQuotaVsQuota, second round, ${what}`,
      second,
      isMeasured ? { mesos: hasQuota ? 43 : 118 } : {},
    ),
  ];
}
