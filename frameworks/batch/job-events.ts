/**
 * A job as a stream: how it is at each change, and, if asked for, each attempt as it starts and ends. Nothing is
 * told before it is durable. Changes that come faster than they are written are told as one.
 */
import { type Context, PlateauError, type Subscribable } from '../../sdk/index.js';
import type { BatchEngine, JobEvent } from './batch-engine.js';
import type { Job } from './job.js';
import { MAX_REPLAYED_ATTEMPTS, MAX_WAITING_EVENTS } from './limits.js';
import { type AttemptView, AttemptViews, type JobSummary, summaryOf } from './views.js';

/** One event of the stream. */
export type StreamedEvent =
  | { readonly kind: 'job'; readonly job: JobSummary }
  | { readonly kind: 'attempt'; readonly attempt: AttemptView };

interface EventsOptions {
  readonly context: Pick<Context, 'decide' | 'frameworkId'>;
  readonly withAttempts: boolean;
}

type Observer = Parameters<Subscribable<StreamedEvent>['subscribe']>[0];

/**
 * The stream of a job. It completes after the event that tells the end of the job, or when it is dropped, and
 * fails with `STREAM_ENDED` when more than `MAX_WAITING_EVENTS` attempts wait to be told.
 */
export function jobEvents(
  engine: BatchEngine,
  job: Job,
  options: EventsOptions,
): Subscribable<StreamedEvent> {
  return {
    subscribe(observer) {
      const teller = new Teller(engine, job, { ...options, observer });
      teller.start();
      return { unsubscribe: () => teller.stop() };
    },
  };
}

/** Tells one observer of one job. */
class Teller {
  readonly #engine: BatchEngine;
  readonly #job: Job;
  readonly #options: EventsOptions & { readonly observer: Observer };
  readonly #views: AttemptViews;
  #waiting: AttemptView[];
  #stopListening = (): void => {};
  #isTelling = false;
  #isChanged = false;
  #isOver = false;

  constructor(
    engine: BatchEngine,
    job: Job,
    options: EventsOptions & { readonly observer: Observer },
  ) {
    this.#engine = engine;
    this.#job = job;
    this.#options = options;
    this.#views = new AttemptViews(engine.agents, options.context.frameworkId);
    this.#waiting = options.withAttempts ? soFar(engine, job, this.#views) : [];
  }

  start(): void {
    this.#stopListening = this.#engine.listen((event) => {
      if (event.job !== this.#job) return;
      if (this.#options.withAttempts) this.#waiting.push(...attemptOf(event, this.#views));
      this.#changed();
    });
    this.#changed();
  }

  stop(): void {
    this.#isOver = true;
    this.#stopListening();
  }

  #changed(): void {
    this.#isChanged = true;
    if (!this.#isTelling) void this.#tell();
  }

  async #tell(): Promise<void> {
    const { observer } = this.#options;
    this.#isTelling = true;
    try {
      while (this.#isChanged && !this.#isOver) {
        // oxlint-disable-next-line no-await-in-loop -- one state after the other
        await this.#tellOnce();
      }
    } catch (error) {
      if (!this.#isOver) observer.error(error);
      this.stop();
    } finally {
      this.#isTelling = false;
    }
  }

  async #tellOnce(): Promise<void> {
    const { context, observer } = this.#options;
    if (this.#waiting.length > MAX_WAITING_EVENTS) {
      throw new PlateauError(
        'STREAM_ENDED',
        'too much has happened at once: begin the stream anew',
      );
    }
    this.#isChanged = false;
    const attempts = this.#waiting;
    this.#waiting = [];
    const job = summaryOf(this.#job);
    const isLast = this.#job.isFinished || this.#engine.book.get(job.name) !== this.#job;
    // What was decided before is durable when this is.
    await context.decide(undefined);
    if (this.#isOver) return;
    for (const attempt of attempts) observer.next({ kind: 'attempt', attempt });
    observer.next({ kind: 'job', job });
    if (!isLast) return;
    this.stop();
    observer.complete();
  }
}

function attemptOf(event: JobEvent, views: AttemptViews): readonly AttemptView[] {
  if (event.kind === 'started') return [views.live(event.step, event.index, event.task)];
  return event.kind === 'attempt' ? [views.over(event.step, event.attempt)] : [];
}

/** What there was before the stream began. */
function soFar(engine: BatchEngine, job: Job, views: AttemptViews): AttemptView[] {
  const found: AttemptView[] = [];
  for (const step of job.steps) {
    for (const attempt of engine.attempts(job, step)) {
      if (found.length >= MAX_REPLAYED_ATTEMPTS) break;
      found.push(views.over(step, attempt));
    }
    for (const [index, task] of step.array.live) {
      if (task.state === 'RUNNING') found.push(views.live(step, index, task));
    }
  }
  return found;
}
