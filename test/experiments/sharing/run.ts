/**
 * The four workloads on one shared cluster, and each alone on a static quarter of it. The frameworks
 * are the same in both; only the cluster is not.
 */
import { PlateauError, SeededRandom } from '../../../core/base/index.js';
import { AllocatorHost } from '../model/allocator-host.js';
import type { Amounts } from '../model/amounts.js';
import type { Framework } from '../model/framework.js';
import type { DoneJob } from '../model/jobs.js';
import { StagedFramework } from '../model/staged-framework.js';
import { GangFramework } from './gang-framework.js';
import { LARGE_JOB, facebookMix, gangs, sparkJobs } from './workload.js';

/** The size of a run. */
export interface SharingScale {
  readonly agents: number;
  /** Parts of the published numbers of jobs. */
  readonly facebookJobs: number;
  readonly largeJobs: number;
  readonly sparkJobs: number;
  readonly gangs: number;
}

export const PUBLISHED_SCALE: SharingScale = {
  agents: 96,
  facebookJobs: 1,
  largeJobs: 10,
  sparkJobs: 5,
  gangs: 8,
};

export const AGENT: Amounts = { cpus: 4, mem: 15 * 1024 };
/** Lengths of tasks differ from the mean by up to this part. */
const SPREAD = 0.1;
const STEP_MS = 5_000;
/** How long the iterative jobs hold resources for their next iteration. */
const SPARK_HOLD_MS = 2_000;
/** A run that is not done by then is a defect. */
const LONGEST_MS = 4 * 3_600_000;

/** The workloads, in the order of the published table. */
export const WORKLOADS = ['facebook', 'large', 'spark', 'torque'] as const;
export type Workload = (typeof WORKLOADS)[number];

type Runnable = Framework & { readonly isDone: boolean; readonly done: readonly DoneJob[] };

export interface SharingRun {
  readonly jobs: Readonly<Record<Workload, readonly DoneJob[]>>;
  /** Used at the end of each step, in parts of what the whole cluster has. */
  readonly cpus: readonly number[];
  readonly memory: readonly number[];
  readonly endMs: number;
}

/** All four on one cluster. */
export async function runShared(seed: string, scale: SharingScale): Promise<SharingRun> {
  return runOn(WORKLOADS, { seed, scale, agents: scale.agents });
}

/** Each on a quarter of its own. */
export async function runStatic(seed: string, scale: SharingScale): Promise<SharingRun> {
  const runs: SharingRun[] = [];
  for (const workload of WORKLOADS) {
    runs.push(await runOn([workload], { seed, scale, agents: scale.agents / WORKLOADS.length }));
  }
  const steps = Math.max(...runs.map((run) => run.cpus.length));
  const sum = (of: (run: SharingRun) => readonly number[]): readonly number[] =>
    Array.from({ length: steps }, (_, step) =>
      runs.reduce((total, run) => total + (of(run)[step] ?? 0), 0),
    );
  return {
    jobs: {
      facebook: runs[0]?.jobs.facebook ?? [],
      large: runs[1]?.jobs.large ?? [],
      spark: runs[2]?.jobs.spark ?? [],
      torque: runs[3]?.jobs.torque ?? [],
    },
    cpus: sum((run) => run.cpus),
    memory: sum((run) => run.memory),
    endMs: Math.max(...runs.map((run) => run.endMs)),
  };
}

async function runOn(
  workloads: readonly Workload[],
  options: { readonly seed: string; readonly scale: SharingScale; readonly agents: number },
): Promise<SharingRun> {
  const { seed, scale, agents } = options;
  const host = new AllocatorHost({ seed, agents, offered: AGENT });
  const frameworks = createFrameworks(seed, scale);
  const running = workloads.map((workload) => frameworks[workload]);
  for (const framework of running) host.add(framework);
  const cpus: number[] = [];
  const memory: number[] = [];
  while (!running.every((framework) => framework.isDone)) {
    if (host.nowMs() > LONGEST_MS) {
      throw new PlateauError('ASSERTION', `${workloads.join(', ')}: not done after four hours`);
    }
    await host.advance(STEP_MS);
    cpus.push(host.book.used('cpus') / (scale.agents * (AGENT['cpus'] ?? 0)));
    memory.push(host.book.used('mem') / (scale.agents * (AGENT['mem'] ?? 0)));
  }
  const { facebook, large, spark, torque } = frameworks;
  return {
    jobs: { facebook: facebook.done, large: large.done, spark: spark.done, torque: torque.done },
    cpus,
    memory,
    endMs: host.nowMs(),
  };
}

function createFrameworks(seed: string, scale: SharingScale): Readonly<Record<Workload, Runnable>> {
  const random = new SeededRandom(`${seed}/sharing`);
  let largeJobs = 1;
  return {
    facebook: new StagedFramework({
      name: 'facebook',
      submissions: facebookMix(random.fork('mix'), scale.facebookJobs),
      random: random.fork('facebook'),
      spread: SPREAD,
    }),
    large: new StagedFramework({
      name: 'large',
      submissions: [{ atMs: 0, job: LARGE_JOB }],
      next: () => (largeJobs++ < scale.largeJobs ? LARGE_JOB : undefined),
      random: random.fork('large'),
      spread: SPREAD,
    }),
    spark: new StagedFramework({
      name: 'spark',
      submissions: sparkJobs(scale.sparkJobs),
      random: random.fork('spark'),
      spread: SPREAD,
      holdMs: SPARK_HOLD_MS,
    }),
    torque: new GangFramework({
      name: 'torque',
      submissions: gangs().slice(0, scale.gangs),
    }),
  };
}
