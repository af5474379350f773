/**
 * The four workloads of the sharing experiment: counts and kinds of jobs as published, arrivals too where they were. Lengths
 * of tasks were not: they follow from the published time of each kind of job on a static quarter.
 */
import type { Random } from '../../../core/base/index.js';
import type { Amounts } from '../model/amounts.js';
import type { JobSpec, Stage, Submission } from '../model/jobs.js';

/** A kind of job in the Facebook-like mix. */
export interface Bin {
  readonly kind: string;
  readonly maps: number;
  readonly reduces: number;
  readonly jobs: number;
  /** Published: mean seconds on a static quarter, and how much faster on the shared cluster. */
  readonly staticSeconds: number;
  readonly publishedSpeedUp: number;
  /** Chosen, so that the static run comes out near `staticSeconds`. */
  readonly mapMs: number;
  readonly reduceMs: number;
}

const HADOOP_TASK: Amounts = { cpus: 1, mem: 2048 };
const SPARK_TASK: Amounts = { cpus: 1, mem: 3072 };
const MPI_TASK: Amounts = { cpus: 1, mem: 1024 };

export const BINS: readonly Bin[] = [
  bin('selection (1)', [1, 0, 38], [24, 0.84], [22_700, 0]),
  bin('text search (2)', [2, 0, 18], [31, 0.9], [27_600, 0]),
  bin('aggregation (3)', [10, 2, 14], [82, 0.94], [34_200, 36_700]),
  bin('selection (4)', [50, 0, 12], [65, 1.4], [43_500, 0]),
  bin('aggregation (5)', [100, 10, 6], [192, 1.26], [47_000, 60_400]),
  bin('selection (6)', [200, 0, 6], [136, 1.71], [19_100, 0]),
  bin('text search (7)', [400, 0, 4], [137, 2.14], [6_000, 0]),
  bin('join (8)', [400, 30, 2], [662, 1.35], [25_100, 60_200]),
];

function bin(
  kind: string,
  [maps, reduces, jobs]: readonly [number, number, number],
  [staticSeconds, publishedSpeedUp]: readonly [number, number],
  [mapMs, reduceMs]: readonly [number, number],
): Bin {
  return { kind, maps, reduces, jobs, staticSeconds, publishedSpeedUp, mapMs, reduceMs };
}

/** Mean time between two jobs of the mix. */
export const MIX_INTERARRIVAL_MS = 14_000;

/** The Facebook-like mix: the jobs of all bins in random order, at exponential distances. */
export function facebookMix(random: Random, scale = 1): readonly Submission[] {
  const jobs = BINS.flatMap((each) =>
    Array.from({ length: Math.max(1, Math.round(each.jobs * scale)) }, () => hadoopJob(each)),
  );
  const order = jobs
    .map((job) => ({ job, key: random.next() }))
    .toSorted((one, other) => one.key - other.key);
  let atMs = 0;
  return order.map(({ job }) => {
    atMs += -Math.log(1 - random.next()) * MIX_INTERARRIVAL_MS;
    return { atMs, job };
  });
}

function hadoopJob({ kind, maps, reduces, mapMs, reduceMs }: Bin): JobSpec {
  const stages: Stage[] = [{ tasks: maps, taskMs: mapMs }];
  if (reduces > 0) stages.push({ tasks: reduces, taskMs: reduceMs });
  return { ...hadoop(kind), stages };
}

function hadoop(kind: string): Omit<JobSpec, 'stages'> {
  return { kind, demand: HADOOP_TASK, usage: HADOOP_TASK };
}

/** The large mix: ten text searches, each submitted when the one before is done. */
export const LARGE_JOBS = 10;
export const LARGE_JOB: JobSpec = {
  ...hadoop('large text search'),
  stages: [{ tasks: 2400, taskMs: 12_300 }],
};

/** Iterative jobs (alternating least squares), two minutes apart. */
export const SPARK_JOBS = 5;
export const SPARK_INTERVAL_MS = 120_000;
export const SPARK_JOB: JobSpec = {
  kind: 'ALS',
  stages: Array.from({ length: 10 }, () => ({ tasks: 96, taskMs: 14_800 })),
  demand: SPARK_TASK,
  usage: SPARK_TASK,
};

export function sparkJobs(count = SPARK_JOBS): readonly Submission[] {
  return Array.from({ length: count }, (_, index) => ({
    atMs: index * SPARK_INTERVAL_MS,
    job: SPARK_JOB,
  }));
}

/** A job all of whose tasks run together, or none. */
export interface GangSpec {
  readonly kind: string;
  readonly tasks: number;
  readonly durationMs: number;
  readonly demand: Amounts;
}

const SMALL_GANG: GangSpec = gang('small tachyon', 261_000);
const LARGE_GANG: GangSpec = gang('large tachyon', 822_000);

function gang(kind: string, durationMs: number): GangSpec {
  return { kind, tasks: 24, durationMs, demand: MPI_TASK };
}

/** Not published. So far apart, a static quarter hardly ever makes a job wait. */
export const GANG_INTERVAL_MS = 180_000;

/** Six small and two large gangs: small, small, small, large, twice. */
export function gangs(): readonly { readonly atMs: number; readonly gang: GangSpec }[] {
  return Array.from({ length: 8 }, (_, index) => ({
    atMs: index * GANG_INTERVAL_MS,
    gang: index % 4 === 3 ? LARGE_GANG : SMALL_GANG,
  }));
}
