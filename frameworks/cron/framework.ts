/**
 * The cron scheduler as a framework: thin. The cron engine decides what is due, the batch engine places and
 * follows the tasks of runs; both keep their state in the repositories of this class, so that a turn
 * writes all of it together, before anything is launched.
 */
import {
  type Context,
  type Decision,
  Framework,
  MemoryRepository,
  OnOffers,
  OnStart,
  OnStatus,
  type Offers,
  type Repository,
  Stored,
  type TaskUpdate,
  refuse,
  wake,
} from '../../sdk/index.js';
import type { HasMetrics, Metric } from '../../sdk/admin/index.js';
import { BatchEngine, type BatchState } from '../batch/index.js';
import { metricsOf } from './api/metrics.js';
import { BatchRuns } from './batch-runs.js';
import { CronEngine } from './engine/cron-engine.js';
import { CLOCK_CHECK_MS } from './limits.js';
import type { CronJob, Cursor, Run, RunOverrides, Tally } from './model.js';

@Framework({ name: 'cron', roles: ['cron'] })
export class Cron implements HasMetrics {
  @Stored('cron-jobs') readonly cronJobs: Repository<CronJob> = new MemoryRepository();
  @Stored('cursors') readonly cursors: Repository<Cursor> = new MemoryRepository();
  @Stored('runs') readonly runs: Repository<Run> = new MemoryRepository();
  @Stored('tallies') readonly tallies: Repository<Tally> = new MemoryRepository();
  /** Of the batch engine. */
  @Stored('jobs') readonly jobs: BatchState['jobs'] = new MemoryRepository();
  @Stored('chunks') readonly chunks: BatchState['chunks'] = new MemoryRepository();
  @Stored('agents') readonly agents: BatchState['agents'] = new MemoryRepository();
  @Stored('counters') readonly counters: BatchState['counters'] = new MemoryRepository();
  #parts: Parts | undefined;

  /** @throws RequestRefused 503 before the start. */
  get engine(): CronEngine {
    return this.#started.engine;
  }

  @OnStart() start(context: Context): Decision {
    const batch = new BatchEngine(this, context);
    const batchRuns = new BatchRuns(batch, context);
    const { cronJobs: jobs, cursors, runs, tallies } = this;
    const engine = new CronEngine({
      state: { jobs, cursors, runs, tallies },
      port: batchRuns,
      elapsed: () => context.clock.elapsed(),
      nowMs: nowOf(context),
    });
    this.#parts = { batch, batchRuns, engine };
    return [batch.started(), batchRuns.takeDecision()];
  }

  /** Claims what is due, then places tasks: a run can be launched in the turn in which it is claimed. */
  @OnOffers() place(offers: Offers, context: Context): Decision {
    const { batch, batchRuns, engine } = this.#started;
    batchRuns.enter(context);
    const sleepMs = engine.tick(nowOf(context));
    this.#follow(context);
    batchRuns.takeHasSubmitted();
    const placed = batch.place(offers, context);
    // A batch job that has ended by a deadline may let another run begin.
    this.#follow(context);
    const waitMs = batchRuns.takeHasSubmitted() ? 0 : Math.min(sleepMs, CLOCK_CHECK_MS);
    return [batchRuns.takeDecision(), placed, wake({ after: waitMs })];
  }

  @OnStatus() update(update: TaskUpdate, context: Context): Decision {
    const { batch, batchRuns } = this.#started;
    batchRuns.enter(context);
    const updated = batch.taskUpdated(update, context);
    this.#follow(context);
    return [updated, batchRuns.takeDecision()];
  }

  /** For routes: changes something, and has what follows from it carried out. */
  async change<T>(context: Context, change: (engine: CronEngine, nowMs: number) => T): Promise<T> {
    const { batchRuns, engine } = this.#started;
    batchRuns.enter(context);
    const result = change(engine, nowOf(context));
    this.#follow(context);
    await context.decide(batchRuns.takeDecision());
    return result;
  }

  /** Figures for `/metrics`. */
  metrics(): readonly Metric[] {
    return this.#parts === undefined ? [] : metricsOf(this.#parts.engine);
  }

  /** Runs a job now. See `CronEngine.runNow`. */
  runNow(context: Context, id: string, overrides: RunOverrides): Promise<Run> {
    const token = context.ids.uuid().replaceAll('-', '').slice(0, 8);
    return this.change(context, (engine, nowMs) => engine.runNow(id, overrides, { nowMs, token }));
  }

  get #started(): Parts {
    if (this.#parts !== undefined) return this.#parts;
    throw refuse(503, 'the cron scheduler is reading its state: ask again in a moment');
  }

  /** Tells the cron engine of batch jobs that have changed, until none has. */
  #follow(context: Context): void {
    const { batchRuns, engine } = this.#started;
    for (
      let changed = batchRuns.takeChanged();
      changed.length > 0;
      changed = batchRuns.takeChanged()
    ) {
      for (const name of changed) engine.follow(name, nowOf(context));
    }
  }
}

/** Whole milliseconds of the wall clock. */
function nowOf({ clock }: Context): number {
  return Math.floor(clock.now());
}

interface Parts {
  readonly batch: BatchEngine;
  readonly batchRuns: BatchRuns;
  readonly engine: CronEngine;
}
