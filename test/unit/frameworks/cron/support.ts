/** Cron jobs for tests, and an engine without a cluster. */
import { JobDocument } from '../../../../frameworks/batch/index.js';
import {
  type BatchDocument,
  type BatchRun,
  CronEngine,
  type CronJob,
  type CronSpec,
  type CronState,
  type Run,
  type RunPort,
  type Schedule,
} from '../../../../frameworks/cron/index.js';
import { MemoryRepository } from '../../../../sdk/index.js';

export interface JobSketch extends Partial<Omit<CronSpec, 'schedules' | 'run'>> {
  readonly id: string;
  readonly cron?: string;
  readonly repeat?: string;
  readonly command?: string;
  readonly schedule?: Partial<Schedule>;
  readonly retries?: number;
}

export function scheduleOf(sketch: Partial<Schedule>): Schedule {
  return {
    id: 'main',
    timezone: 'UTC',
    concurrencyPolicy: 'Forbid',
    startingDeadlineSeconds: 900,
    catchUp: 'latest',
    enabled: true,
    ...sketch,
  };
}

/** A job with one schedule and one small task. */
export function jobSpec(sketch: JobSketch): CronSpec {
  const { cron, repeat, command = 'sleep 1', schedule = {}, retries = 0, ...spec } = sketch;
  const run = Object.assign(new JobDocument(), {
    name: 'run',
    template: { command, cpus: 0.1, memMiB: 32 },
    backoffLimitPerIndex: retries,
  });
  const time = {
    ...(cron === undefined ? {} : { cron }),
    ...(repeat === undefined ? {} : { repeat }),
  };
  return {
    labels: {},
    suspend: false,
    maxLaunchSeconds: 3600,
    history: { succeeded: 20, failed: 20, passedOver: 20 },
    schedules: [scheduleOf({ ...time, ...schedule })],
    run,
    ...spec,
  };
}

/** Batch jobs of a test: what was submitted, and how each stands. */
export class FakeRuns implements RunPort {
  readonly documents = new Map<string, BatchDocument>();
  readonly runs = new Map<string, BatchRun>();
  readonly cancelled: string[] = [];
  /** Submissions of names that were there already. */
  repeated = 0;
  /** Thrown by the next submission. */
  refusal: Error | undefined;

  submit(name: string, document: BatchDocument): void {
    if (this.refusal !== undefined) {
      const { refusal } = this;
      this.refusal = undefined;
      throw refusal;
    }
    if (this.runs.has(name)) this.repeated++;
    else {
      this.documents.set(name, document);
      this.runs.set(name, { state: 'waiting', tasks: [] });
    }
  }

  find(name: string): BatchRun | undefined {
    return this.runs.get(name);
  }

  cancel(name: string): void {
    this.cancelled.push(name);
  }

  remove(name: string): void {
    this.runs.delete(name);
  }

  set(name: string, run: Partial<BatchRun>): void {
    this.runs.set(name, { state: 'waiting', tasks: [], ...run });
  }
}

export function emptyState(): CronState {
  return {
    jobs: new MemoryRepository(),
    cursors: new MemoryRepository(),
    runs: new MemoryRepository(),
    tallies: new MemoryRepository(),
  };
}

/** An engine with a clock that a test moves. */
export class Rig {
  readonly port = new FakeRuns();
  readonly state: CronState;
  engine: CronEngine;
  nowMs: number;

  constructor(start: string, state: CronState = emptyState()) {
    this.nowMs = Date.parse(start);
    this.state = state;
    this.engine = this.#made();
  }

  /** The scheduler dies and starts again over what is stored. */
  restart(): void {
    this.engine = this.#made();
  }

  create(sketch: JobSketch): CronJob {
    return this.engine.create(jobSpec(sketch), this.nowMs);
  }

  /** Lets time pass, and deals with what is due when it is. */
  advanceTo(time: string | number): void {
    const endMs = typeof time === 'number' ? time : Date.parse(time);
    for (;;) {
      const sleepMs = this.engine.tick(this.nowMs);
      if (this.nowMs + sleepMs > endMs) break;
      this.nowMs += sleepMs;
    }
    this.nowMs = endMs;
  }

  /** The wall clock is elsewhere at once; nothing happened between. */
  jumpTo(time: string): void {
    this.nowMs = Date.parse(time);
    this.engine.tick(this.nowMs);
  }

  /** The batch job of a run has come this far. */
  follow(run: Run, batch: Partial<BatchRun>): void {
    this.port.set(run.batchJob, batch);
    this.engine.follow(run.batchJob, this.nowMs);
  }

  /** All batch jobs of runs that are not over end well. */
  finishAll(jobId: string): void {
    for (const run of this.engine.activeRuns(jobId)) {
      if (this.port.runs.has(run.batchJob)) this.follow(run, { state: 'succeeded' });
    }
  }

  /** The newest first, in short: `2030-01-01T00:00:00Z succeeded`. */
  history(jobId: string): readonly string[] {
    return this.engine
      .runs(jobId)
      .map(({ dueMs, state, reason, count }) =>
        [new Date(dueMs).toISOString().replace('.000Z', 'Z'), state, reason, count]
          .filter((part) => part !== undefined)
          .join(' '),
      );
  }

  #made(): CronEngine {
    const { state, port, nowMs } = this;
    return new CronEngine({ state, port, elapsed: () => 0, nowMs });
  }
}
