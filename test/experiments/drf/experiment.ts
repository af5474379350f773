/** The DRF experiment: its rows with the published ones beside them, and what must hold between them. */
import { type Column, renderTable } from '../../../core/command/index.js';
import { CPU_FAIR, DRF, type Policy, slots } from './baselines.js';
import { DYNAMIC_TASK_MS, type DynamicRow, runDynamic } from './dynamic-run.js';
import {
  type DrfScale,
  KINDS,
  PUBLISHED_SCALE,
  type PolicyResult,
  runPolicy,
} from './policies-run.js';

/** Jobs done and mean response in seconds, as in the paper on DRF (NSDI 2011, section 6.2). */
interface PublishedRow {
  readonly largeDone: number;
  readonly smallDone: number;
  readonly largeSeconds: number;
  readonly smallSeconds: number;
}

const PUBLISHED: Readonly<Record<string, PublishedRow>> = {
  DRF: published([35, 91], [65, 25]),
  '3 slots': published([33, 37], [69, 61]),
  '4 slots': published([30, 61], [72, 39]),
  '5 slots': published([17, 66], [123, 35]),
  '6 slots': published([8, 35], [196, 56]),
  'CPU-fair': published([13, 94], [173, 25]),
};

function published(
  [largeDone, smallDone]: readonly [number, number],
  [largeSeconds, smallSeconds]: readonly [number, number],
): PublishedRow {
  return { largeDone, smallDone, largeSeconds, smallSeconds };
}

export const POLICIES: readonly Policy[] = [DRF, slots(3), slots(4), slots(5), slots(6), CPU_FAIR];

export interface DrfReport {
  readonly rows: readonly (PolicyResult & { readonly published: PublishedRow | undefined })[];
  readonly dynamic: readonly DynamicRow[];
  /** What should hold and does not. */
  readonly violations: readonly string[];
}

/** DRF on the whole simulator; what overcommits on the allocator with a model of agents. */
export async function drfExperiment(seed: string): Promise<DrfReport> {
  const results: PolicyResult[] = [];
  for (const policy of POLICIES) {
    const on = policy === DRF ? 'simulator' : 'allocator';
    results.push(await runPolicy({ policy, seed, scale: PUBLISHED_SCALE, on }));
  }
  return {
    rows: results.map((row) => ({ ...row, published: PUBLISHED[row.policy] })),
    dynamic: await runDynamic(seed),
    violations: drfViolations(results),
  };
}

/** All policies on the allocator with a model of agents. */
export async function runAllPolicies(
  seed: string,
  scale: DrfScale,
): Promise<readonly PolicyResult[]> {
  const results: PolicyResult[] = [];
  for (const policy of POLICIES) {
    results.push(await runPolicy({ policy, seed, scale, on: 'allocator' }));
  }
  return results;
}

/**
 * Checks DRF against the other rows, and the order of the rows. Not claimed: whether fairness of cpus
 * does better or worse by the large jobs than 5 slots, which depends on how paging is modelled.
 */
export function drfViolations(results: readonly PolicyResult[]): readonly string[] {
  const done = (policy: string, kind: 'large' | 'small'): number =>
    results.find((row) => row.policy === policy)?.[kind].jobsDone ?? Number.NaN;
  const rules: readonly (readonly [string, boolean])[] = [
    ...[3, 4, 5, 6].flatMap((count) =>
      (['large', 'small'] as const).map(
        (kind) =>
          [
            `DRF does at least as many ${kind} jobs as ${count} slots`,
            done('DRF', kind) >= done(`${count} slots`, kind),
          ] as const,
      ),
    ),
    [
      'DRF does at least 0.97 of the small jobs of CPU-fair',
      done('DRF', 'small') >= 0.97 * done('CPU-fair', 'small'),
    ],
    [
      'large jobs: 3 slots ≥ 4 slots > 5 slots > 6 slots',
      done('3 slots', 'large') >= done('4 slots', 'large') &&
        done('4 slots', 'large') > done('5 slots', 'large') &&
        done('5 slots', 'large') > done('6 slots', 'large'),
    ],
    [
      'large jobs: CPU-fair less than DRF and 3 slots, more than 6 slots',
      done('CPU-fair', 'large') < Math.min(done('DRF', 'large'), done('3 slots', 'large')) &&
        done('CPU-fair', 'large') > done('6 slots', 'large'),
    ],
    [
      'small jobs: CPU-fair > 5 slots > 4 slots > 3 slots, and 6 slots less than 5',
      done('CPU-fair', 'small') > done('5 slots', 'small') &&
        done('5 slots', 'small') > done('4 slots', 'small') &&
        done('4 slots', 'small') > done('3 slots', 'small') &&
        done('6 slots', 'small') < done('5 slots', 'small'),
    ],
  ];
  return rules.filter(([, holds]) => !holds).map(([rule]) => rule);
}

/** The report for people. */
export function renderDrf(report: DrfReport): string {
  const seconds = (ms: number): string => (ms / 1000).toFixed(0);
  const column = (
    heading: string,
    value: (row: DrfReport['rows'][number]) => string | number | undefined,
  ): Column<DrfReport['rows'][number]> => ({ heading, value, align: 'right' });
  const policies = renderTable(
    [
      { heading: 'POLICY', value: (row) => row.policy },
      column('LARGE DONE', (row) => row.large.jobsDone),
      column('PUBLISHED', (row) => row.published?.largeDone),
      column('SMALL DONE', (row) => row.small.jobsDone),
      column('PUBLISHED', (row) => row.published?.smallDone),
      column('LARGE MEAN s', (row) => seconds(row.large.meanResponseMs)),
      column('PUBLISHED', (row) => row.published?.largeSeconds),
      column('SMALL MEAN s', (row) => seconds(row.small.meanResponseMs)),
      column('PUBLISHED', (row) => row.published?.smallSeconds),
      { heading: 'RAN ON', value: (row) => row.host },
    ],
    report.rows,
  );
  const { small, large } = KINDS;
  return [
    'DRF against slots and fairness of cpus: 48 agents of 8 cpus and 6 GB, 4 users with small jobs of',
    `80 tasks ⟨1 cpu, 0.5 GB⟩ and 4 with large ones ⟨2, 2⟩, 600 s; tasks of ${small.taskMs / 1000} s and ${large.taskMs / 1000} s`,
    '',
    policies,
    '',
    `Demands that change: 48 agents of 4 cpus and 14 GB, two jobs, tasks of ${seconds(DYNAMIC_TASK_MS)} s (whole simulator)`,
    '',
    renderDynamic(report.dynamic),
  ].join('\n');
}

function renderDynamic(rows: readonly DynamicRow[]): string {
  const percent = (part: number): string => `${(100 * part).toFixed(0)} %`;
  return renderTable<DynamicRow>(
    [
      { heading: 'AT', value: (row) => `${row.atMinutes} min` },
      { heading: 'DEMANDS OF 1 AND 2', value: (row) => row.demands },
      { heading: '1: CPUS', value: (row) => percent(row.one.cpus), align: 'right' },
      { heading: '1: MEMORY', value: (row) => percent(row.one.memory), align: 'right' },
      { heading: '2: CPUS', value: (row) => percent(row.two.cpus), align: 'right' },
      { heading: '2: MEMORY', value: (row) => percent(row.two.memory), align: 'right' },
      { heading: 'PUBLISHED', value: (row) => row.published },
    ],
    rows,
  );
}
