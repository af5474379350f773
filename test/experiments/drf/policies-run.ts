/**
 * The run of the table: four users of small jobs and four of large ones, each of whom submits the next
 * job when the last one is done.
 */
import { SeededRandom } from '../../../core/base/index.js';
import { AllocatorHost } from '../model/allocator-host.js';
import type { Amounts } from '../model/amounts.js';
import type { Host } from '../model/framework.js';
import { type JobSpec, mean, responseMs } from '../model/jobs.js';
import { SimulatedHost } from '../model/simulated-host.js';
import { StagedFramework } from '../model/staged-framework.js';
import { DRF, type Policy, overcommitSpeed } from './baselines.js';

/** The size of a run. */
export interface DrfScale {
  readonly agents: number;
  readonly tasksPerJob: number;
  readonly durationMs: number;
}

export const PUBLISHED_SCALE: DrfScale = { agents: 48, tasksPerJob: 80, durationMs: 600_000 };

export const AGENT: Amounts = { cpus: 8, mem: 6144 };
export const USERS_PER_KIND = 4;
/**
 * What a task of each kind uses, and its mean length. Lengths were not published: these make the row
 * of DRF come out near the published one.
 */
export const KINDS: Readonly<Record<'small' | 'large', { usage: Amounts; taskMs: number }>> = {
  small: { usage: { cpus: 1, mem: 512 }, taskMs: 14_500 },
  large: { usage: { cpus: 2, mem: 2048 }, taskMs: 16_600 },
};
/** Lengths of tasks differ from the mean by up to this part. */
const SPREAD = 0.1;

export type Kind = keyof typeof KINDS;

export interface KindResult {
  readonly jobsDone: number;
  readonly meanResponseMs: number;
}

export interface PolicyResult {
  readonly policy: string;
  readonly large: KindResult;
  readonly small: KindResult;
  /** What it ran on. */
  readonly host: string;
}

export interface PolicyRunOptions {
  readonly policy: Policy;
  readonly seed: string;
  readonly scale: DrfScale;
  /** `simulator`: master and agents too; only where nothing is overcommitted. */
  readonly on: 'simulator' | 'allocator';
}

export async function runPolicy(options: PolicyRunOptions): Promise<PolicyResult> {
  const { policy, seed, scale } = options;
  const host = await createHost(options);
  const random = new SeededRandom(`${seed}/drf`);
  const users = (['small', 'large'] as const).flatMap((kind) =>
    Array.from({ length: USERS_PER_KIND }, (_, index) => {
      const job = jobOf(kind, { policy, tasks: scale.tasksPerJob });
      const name = `${kind}-${index}`;
      return new StagedFramework({
        name,
        submissions: [{ atMs: 0, job }],
        next: () => job,
        random: random.fork(name),
        spread: SPREAD,
      });
    }),
  );
  for (const user of users) host.add(user);
  await host.advance(scale.durationMs);
  const resultOf = (kind: Kind): KindResult => {
    const done = users.flatMap((user) => user.done).filter((job) => job.kind === kind);
    return { jobsDone: done.length, meanResponseMs: mean(done.map(responseMs)) };
  };
  return {
    policy: policy.name,
    large: resultOf('large'),
    small: resultOf('small'),
    host: host.description,
  };
}

function createHost({ policy, seed, scale, on }: PolicyRunOptions): Promise<Host> | Host {
  const { agents } = scale;
  if (on === 'simulator') return SimulatedHost.start({ seed, agents, offered: AGENT });
  return new AllocatorHost({
    seed,
    agents,
    offered: policy.offered(AGENT),
    capacity: AGENT,
    ...(policy !== DRF && { speedOf: overcommitSpeed }),
  });
}

function jobOf(
  kind: Kind,
  { policy, tasks }: { readonly policy: Policy; readonly tasks: number },
): JobSpec {
  const { usage, taskMs } = KINDS[kind];
  return { kind, stages: [{ tasks, taskMs }], demand: policy.demandOf(usage), usage };
}
