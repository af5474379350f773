/**
 * A framework for jobs of many small tasks. Of the jobs that have tasks to launch, those with the
 * fewest tasks come first, then the oldest: small jobs pass large ones, within the framework's own
 * resources. It is quiet when it has nothing to do.
 *
 * Where the next stage of a job is near, it may hold what it is offered instead of declining: the tasks
 * of a stage end at about the same time, and all of the next one start at once. Holds are short.
 */
import { type Random, assert, at } from '../../../core/base/index.js';
import { countFitting, plus } from './amounts.js';
import type { Framework, FrameworkPort, OfferView, TaskRequest } from './framework.js';
import {
  type DoneJob,
  type JobSpec,
  type Stage,
  type Submission,
  spreadLength,
  taskCount,
} from './jobs.js';

export interface StagedFrameworkOptions {
  readonly name: string;
  readonly submissions: readonly Submission[];
  /** The job that is submitted when this one is done, if any. */
  readonly next?: (done: DoneJob) => JobSpec | undefined;
  readonly random: Random;
  /** Tasks are shorter or longer than their stage says by up to this part. Default 0. */
  readonly spread?: number;
  /** Holds resources for the next stage, for this long at most. Default 0: does not. */
  readonly holdMs?: number;
}

/** What does not fit is refused for this long; what is larger comes all the same. */
const REFUSE_SECONDS = 30;
/** What was held in vain is refused for this long. */
const AFTER_HOLD_SECONDS = 5;

interface OpenJob {
  readonly spec: JobSpec;
  readonly number: number;
  readonly size: number;
  readonly submittedMs: number;
  stage: number;
  toLaunch: number;
  running: number;
  launched: number;
}

export class StagedFramework implements Framework {
  readonly name: string;
  readonly done: DoneJob[] = [];
  readonly #options: StagedFrameworkOptions;
  /** Jobs that have tasks to launch, in the order in which they are served. */
  readonly #wanting: OpenJob[] = [];
  readonly #jobOf = new Map<string, OpenJob>();
  /** Jobs all of whose tasks run, and that have another stage. */
  readonly #betweenStages = new Set<OpenJob>();
  readonly #held = new Set<OfferView>();
  #port: FrameworkPort | undefined;
  #isSuppressed = false;
  #submitted = 0;

  constructor(options: StagedFrameworkOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Whether all jobs were submitted and are done. */
  get isDone(): boolean {
    return (
      this.#submitted >= this.#options.submissions.length && this.done.length === this.#submitted
    );
  }

  start(port: FrameworkPort): void {
    this.#port = port;
    for (const { atMs, job } of this.#options.submissions) {
      const delayMs = Math.max(0, atMs - port.nowMs());
      if (delayMs === 0) this.#submit(job);
      else port.setTimer(delayMs, () => this.#submit(job));
    }
    this.#suppressIfIdle();
  }

  offered(offers: readonly OfferView[]): void {
    for (const offer of offers) this.#use(offer);
    this.#suppressIfIdle();
  }

  taskEnded(taskId: string): void {
    const job = this.#jobOf.get(taskId);
    assert(job, `${this.name}: unknown task ${taskId}`);
    this.#jobOf.delete(taskId);
    job.running -= 1;
    if (job.running > 0 || job.toLaunch > 0) return;
    job.stage += 1;
    this.#betweenStages.delete(job);
    if (job.stage < job.spec.stages.length) this.#beginStage(job);
    else this.#finish(job);
  }

  #submit(spec: JobSpec): void {
    const job: OpenJob = {
      spec,
      number: this.#submitted++,
      size: taskCount(spec),
      submittedMs: this.#now(),
      stage: 0,
      toLaunch: 0,
      running: 0,
      launched: 0,
    };
    this.#beginStage(job);
  }

  #beginStage(job: OpenJob): void {
    job.toLaunch = stageOf(job).tasks;
    this.#wanting.push(job);
    this.#wanting.sort((one, other) => one.size - other.size || one.number - other.number);
    for (const offer of this.#held) {
      if (this.#wanting.length === 0) break;
      this.#held.delete(offer);
      this.#use(offer);
    }
    if (!this.#isSuppressed || this.#wanting.length === 0) return;
    this.#isSuppressed = false;
    this.#port?.revive();
  }

  #finish(job: OpenJob): void {
    const { submittedMs, spec } = job;
    const done = { kind: spec.kind, submittedMs, endedMs: this.#now() };
    this.done.push(done);
    const next = this.#options.next?.(done);
    if (next !== undefined) this.#submit(next);
  }

  #use(offer: OfferView): void {
    const tasks: TaskRequest[] = [];
    let free = offer.free;
    for (const job of this.#wanting) {
      const count = Math.min(job.toLaunch, countFitting(free, job.spec.demand));
      for (let launched = 0; launched < count; launched++) tasks.push(this.#launch(job));
      free = plus(free, job.spec.demand, -count);
    }
    if (tasks.length > 0) this.#port?.accept(offer, tasks);
    else if (this.#isWorthHolding(offer)) this.#hold(offer);
    else this.#port?.decline(offer, REFUSE_SECONDS);
    for (let index = this.#wanting.length - 1; index >= 0; index--) {
      const job = at(this.#wanting, index);
      if (job.toLaunch > 0) continue;
      this.#wanting.splice(index, 1);
      if (job.stage + 1 < job.spec.stages.length) this.#betweenStages.add(job);
    }
  }

  /** Whether the stages to come need more than what is held already. */
  #isWorthHolding(offer: OfferView): boolean {
    if ((this.#options.holdMs ?? 0) <= 0) return false;
    for (const { spec, stage } of this.#betweenStages) {
      if (countFitting(offer.free, spec.demand) === 0) continue;
      let room = 0;
      for (const { free } of this.#held) room += countFitting(free, spec.demand);
      if (room < at(spec.stages, stage + 1).tasks) return true;
    }
    return false;
  }

  #hold(offer: OfferView): void {
    this.#held.add(offer);
    this.#port?.setTimer(this.#options.holdMs ?? 0, () => {
      if (this.#held.delete(offer)) this.#port?.decline(offer, AFTER_HOLD_SECONDS);
    });
  }

  #launch(job: OpenJob): TaskRequest {
    const { random, spread = 0 } = this.#options;
    const { demand, usage } = job.spec;
    const taskId = `${this.name}.${job.number}.${job.launched++}`;
    job.toLaunch -= 1;
    job.running += 1;
    this.#jobOf.set(taskId, job);
    return {
      id: taskId,
      demand,
      usage,
      durationMs: spreadLength(random, stageOf(job).taskMs, spread),
    };
  }

  #suppressIfIdle(): void {
    const mayHold = (this.#options.holdMs ?? 0) > 0 && this.#betweenStages.size > 0;
    if (this.#wanting.length > 0 || mayHold || this.#isSuppressed) return;
    this.#isSuppressed = true;
    this.#port?.suppress();
  }

  #now(): number {
    return this.#port?.nowMs() ?? 0;
  }
}

function stageOf(job: OpenJob): Stage {
  return at(job.spec.stages, job.stage);
}
