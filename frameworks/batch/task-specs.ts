/** From a step and an index to the task that runs it. */
import { type Json, type TaskRecord, type TaskSpec } from '../../sdk/index.js';
import { specOfTemplate } from './document.js';
import type { Job } from './job.js';
import type { Step } from './step.js';

/** What is stored with each task: to which index of which job it belongs. */
export interface TaskOwner {
  readonly job: number;
  readonly step: number;
  readonly index: number;
  readonly attempt: number;
}

/** The description of a task without what belongs to an index; made once for each step. */
const bases = new WeakMap<Step, TaskSpec>();

function baseOf(step: Step): TaskSpec {
  let base = bases.get(step);
  if (base === undefined) {
    base = specOfTemplate(step.taskName, step.template);
    bases.set(step, base);
  }
  return base;
}

/** The task for the next attempt at an index. */
export function taskSpecOf(job: Job, step: Step, index: number): TaskSpec {
  const attempt = nextAttempt(step, index);
  const owner = { job: job.seq, step: step.number, index, attempt } satisfies TaskOwner;
  const base = baseOf(step);
  return {
    ...base,
    key: String(index),
    env: { ...base.env, ...variables(job, step, { index, attempt }) },
    data: owner,
  };
}

/** Number of the next attempt at an index, from 1. */
export function nextAttempt(step: Step, index: number): number {
  return (step.array.retryOf(index)?.attempts ?? 0) + 1;
}

function variables(
  job: Job,
  step: Step,
  { index, attempt }: { readonly index: number; readonly attempt: number },
): Readonly<Record<string, string>> {
  return {
    JOB_ID: String(job.seq),
    JOB_NAME: job.name,
    ...(step.name === '' ? {} : { JOB_STEP: step.name }),
    JOB_INDEX: String(index),
    JOB_COMPLETION_INDEX: String(index),
    JOB_COUNT: String(step.array.indexes.size),
    JOB_ATTEMPT: String(attempt),
  };
}

/** Whose task it is; undefined: nobody's who is known. */
export function ownerOf(task: TaskRecord): TaskOwner | undefined {
  const data: Json | undefined = task.data;
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return undefined;
  const { job, step, index, attempt }: Readonly<Record<string, unknown>> = Object(data);
  if (typeof job !== 'number' || typeof step !== 'number') return undefined;
  if (typeof index !== 'number' || typeof attempt !== 'number') return undefined;
  return { job, step, index, attempt };
}

/** What the needs of tasks differ by: jobs of one shape find a place or do not, together. */
export function shapeOf(step: Step): string {
  const { cpus, memMiB, diskMiB, gpus, ports, constraints, container } = step.template;
  // Constraints count tasks of one name.
  const name = constraints === undefined ? '' : step.taskName;
  const { activeDeadlineSeconds } = step.template;
  return JSON.stringify([
    name,
    cpus,
    memMiB,
    diskMiB,
    gpus,
    ports,
    constraints,
    container === undefined,
    activeDeadlineSeconds,
  ]);
}
