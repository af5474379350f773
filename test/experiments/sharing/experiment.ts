/** The sharing experiment: speed-ups with the published ones beside them, and what must hold. */
import { renderTable } from '../../../core/command/index.js';
import { type DoneJob, mean, responseMs } from '../model/jobs.js';
import {
  PUBLISHED_SCALE,
  type SharingRun,
  type SharingScale,
  WORKLOADS,
  type Workload,
  runShared,
  runStatic,
} from './run.js';
import { BINS } from './workload.js';

/** Sums of execution times, as in the paper on Mesos (NSDI 2011, section 6.1). */
const PUBLISHED: Readonly<Record<Workload, PublishedSums>> = {
  facebook: {
    title: 'Facebook Hadoop mix',
    staticSeconds: 7235,
    sharedSeconds: 6319,
    speedUp: 1.14,
  },
  large: { title: 'Large Hadoop mix', staticSeconds: 3143, sharedSeconds: 1494, speedUp: 2.1 },
  spark: { title: 'Spark', staticSeconds: 1684, sharedSeconds: 1338, speedUp: 1.26 },
  torque: { title: 'Torque / MPI', staticSeconds: 3210, sharedSeconds: 3352, speedUp: 0.96 },
};

interface PublishedSums {
  readonly title: string;
  readonly staticSeconds: number;
  readonly sharedSeconds: number;
  readonly speedUp: number;
}

/** The same by kind of job: mean seconds on a static quarter, and the speed-up. */
const PUBLISHED_KINDS: ReadonlyMap<string, readonly [staticSeconds: number, speedUp: number]> =
  new Map<string, readonly [number, number]>([
    ...BINS.map((bin) => [bin.kind, [bin.staticSeconds, bin.publishedSpeedUp] as const] as const),
    ['large text search', [314, 2.21]],
    ['ALS', [337, 1.36]],
    ['small tachyon', [261, 0.91]],
    ['large tachyon', [822, 0.88]],
  ]);

export interface SharingRow {
  readonly name: string;
  readonly jobs: number;
  /** Sums for frameworks, means for kinds of jobs. */
  readonly staticSeconds: number;
  readonly sharedSeconds: number;
  readonly speedUp: number;
  readonly publishedStaticSeconds: number | undefined;
  readonly publishedSpeedUp: number | undefined;
}

export interface SharingReport {
  readonly host: string;
  readonly runs: number;
  /** Sums for one run, the mean of all. */
  readonly frameworks: readonly SharingRow[];
  readonly kinds: readonly SharingRow[];
  /** Means until the large mix is done on the shared cluster, in parts of the whole. */
  readonly utilisation: Readonly<
    Record<'cpus' | 'memory', { readonly static: number; readonly shared: number }>
  >;
  readonly violations: readonly string[];
}

/** The Facebook-like mix differs much from draw to draw: so many are drawn. */
export const RUNS = 3;
/** No framework may be slower than this, compared with its static quarter. */
export const WORST_SPEED_UP = 0.99;
/** Of the published speed-up; what is left for the draw of the workload. */
export const SPEED_UP_MARGIN = 0.97;
const STEPS_PER_SECOND = 0.2;

export async function sharingExperiment(
  seed: string,
  runs = RUNS,
  scale: SharingScale = PUBLISHED_SCALE,
): Promise<SharingReport> {
  const pairs: Pair[] = [];
  for (let run = 1; run <= runs; run++) {
    const own = `${seed}/${run}`;
    pairs.push({ alone: await runStatic(own, scale), shared: await runShared(own, scale) });
  }
  const frameworks = WORKLOADS.map((workload) => frameworkRow(workload, pairs));
  return {
    host: 'allocator and model',
    runs,
    frameworks,
    kinds: kindRows(pairs),
    utilisation: { cpus: utilisation(pairs, 'cpus'), memory: utilisation(pairs, 'memory') },
    violations: sharingViolations(frameworks),
  };
}

interface Pair {
  readonly alone: SharingRun;
  readonly shared: SharingRun;
}

/** Speed-ups as published or better, with a margin for the draw; nobody slower than alone. */
export function sharingViolations(rows: readonly SharingRow[]): readonly string[] {
  return rows.flatMap(({ name, speedUp, publishedSpeedUp = 0 }) => {
    const least = Math.max(WORST_SPEED_UP, SPEED_UP_MARGIN * publishedSpeedUp);
    const text = `${name}: a speed-up of at least ${least.toFixed(2)}, not ${speedUp.toFixed(3)}`;
    return speedUp >= least ? [] : [text];
  });
}

function frameworkRow(workload: Workload, pairs: readonly Pair[]): SharingRow {
  const sum = (jobs: readonly DoneJob[]): number =>
    jobs.reduce((total, job) => total + responseMs(job) / 1000, 0);
  const staticSeconds = mean(pairs.map(({ alone }) => sum(alone.jobs[workload])));
  const sharedSeconds = mean(pairs.map(({ shared }) => sum(shared.jobs[workload])));
  const published = PUBLISHED[workload];
  return {
    name: published.title,
    jobs: pairs[0]?.alone.jobs[workload].length ?? 0,
    staticSeconds,
    sharedSeconds,
    speedUp: staticSeconds / sharedSeconds,
    publishedStaticSeconds: published.staticSeconds,
    publishedSpeedUp: published.speedUp,
  };
}

function kindRows(pairs: readonly Pair[]): readonly SharingRow[] {
  const alone = pairs.flatMap((pair) => WORKLOADS.flatMap((each) => pair.alone.jobs[each]));
  const shared = pairs.flatMap((pair) => WORKLOADS.flatMap((each) => pair.shared.jobs[each]));
  return [...PUBLISHED_KINDS].map(([kind, [publishedStaticSeconds, publishedSpeedUp]]) => {
    const times = (jobs: readonly DoneJob[]): readonly number[] =>
      jobs.filter((job) => job.kind === kind).map((job) => responseMs(job) / 1000);
    const staticSeconds = mean(times(alone));
    const sharedSeconds = mean(times(shared));
    return {
      name: kind,
      jobs: times(alone).length / pairs.length,
      staticSeconds,
      sharedSeconds,
      speedUp: staticSeconds / sharedSeconds,
      publishedStaticSeconds,
      publishedSpeedUp,
    };
  });
}

function utilisation(
  pairs: readonly Pair[],
  resource: 'cpus' | 'memory',
): { readonly static: number; readonly shared: number } {
  const of = (pick: (pair: Pair) => SharingRun): number =>
    mean(
      pairs.map((pair) => {
        const endMs = Math.max(...pair.shared.jobs.large.map((job) => job.endedMs));
        return mean(pick(pair)[resource].slice(0, Math.ceil((endMs / 1000) * STEPS_PER_SECOND)));
      }),
    );
  return { static: of((pair) => pair.alone), shared: of((pair) => pair.shared) };
}

/** The report for people. */
export function renderSharing(report: SharingReport): string {
  const { cpus, memory } = report.utilisation;
  const percent = (part: number): string => `${(100 * part).toFixed(0)} %`;
  const points = (use: { readonly static: number; readonly shared: number }): string =>
    `${percent(use.static)} → ${percent(use.shared)}`;
  return [
    'Sharing against static quarters: 96 agents of 4 cpus and 15 GB, four frameworks; the mean of',
    `${report.runs} draws of the workload. Ran on: ${report.host}`,
    '',
    renderRows('FRAMEWORK (SUMS)', report.frameworks),
    '',
    renderRows('KIND OF JOB (MEANS)', report.kinds),
    '',
    `Used until the large mix is done: cpus ${points(cpus)} (published +10 points), memory ${points(memory)} (+17)`,
  ].join('\n');
}

function renderRows(heading: string, rows: readonly SharingRow[]): string {
  return renderTable<SharingRow>(
    [
      { heading, value: (row) => row.name },
      { heading: 'JOBS', value: (row) => row.jobs, align: 'right' },
      { heading: 'STATIC s', value: (row) => row.staticSeconds.toFixed(0), align: 'right' },
      { heading: 'PUBLISHED', value: (row) => row.publishedStaticSeconds, align: 'right' },
      { heading: 'SHARED s', value: (row) => row.sharedSeconds.toFixed(0), align: 'right' },
      { heading: 'SPEED-UP', value: (row) => row.speedUp.toFixed(3), align: 'right' },
      { heading: 'PUBLISHED', value: (row) => row.publishedSpeedUp?.toFixed(2), align: 'right' },
    ],
    rows,
  );
}
