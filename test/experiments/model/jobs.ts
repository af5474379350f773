/**
 * Jobs of the experiments, and what is remembered of those that are done. A job is a list of stages,
 * each of which begins when all tasks of the one before have ended: maps and reduces, or iterations.
 */
import type { Random } from '../../../core/base/index.js';
import type { Amounts } from './amounts.js';

export interface Stage {
  readonly tasks: number;
  /** Mean length of its tasks. */
  readonly taskMs: number;
}

export interface JobSpec {
  /** Jobs of one kind are reported together. */
  readonly kind: string;
  readonly stages: readonly Stage[];
  /** Of one task: what the allocator counts, and what is used in truth. */
  readonly demand: Amounts;
  readonly usage: Amounts;
}

export interface Submission {
  readonly atMs: number;
  readonly job: JobSpec;
}

export interface DoneJob {
  readonly kind: string;
  readonly submittedMs: number;
  readonly endedMs: number;
}

/** All tasks of a job. */
export function taskCount(job: JobSpec): number {
  return job.stages.reduce((sum, stage) => sum + stage.tasks, 0);
}

export function responseMs(job: DoneJob): number {
  return job.endedMs - job.submittedMs;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** A length drawn evenly from the mean less and plus a part of it. */
export function spreadLength(random: Random, meanMs: number, spread: number): number {
  return Math.max(1, Math.round(meanMs * (1 + spread * (2 * random.next() - 1))));
}
