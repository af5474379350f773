/** Changes of jobs and runs as a stream. Nothing is told before it is durable. */
import { type Context, PlateauError, type Subscribable } from '../../../sdk/index.js';
import type { CronEngine } from '../engine/cron-engine.js';
import type { CronEvent } from '../engine/run-book.js';
import { MAX_WAITING_CRON_EVENTS } from '../limits.js';
import { type RunView, runViewOf } from './views.js';

export type CronEventView =
  | { readonly kind: 'job'; readonly job: string; readonly state: CronEvent['state'] }
  | { readonly kind: 'run'; readonly run: RunView };

type Observer = Parameters<Subscribable<CronEventView>['subscribe']>[0];

/** All changes from now on; it ends with `STREAM_ENDED` when too many wait to be told. */
export function cronEvents(
  engine: CronEngine,
  context: Pick<Context, 'decide'>,
): Subscribable<CronEventView> {
  return {
    subscribe(observer) {
      const teller = new Teller(engine, context, observer);
      return { unsubscribe: () => teller.stop() };
    },
  };
}

class Teller {
  readonly #engine: CronEngine;
  readonly #context: Pick<Context, 'decide'>;
  readonly #observer: Observer;
  readonly #stopListening: () => void;
  #waiting: CronEventView[] = [];
  #isTelling = false;
  #isOver = false;

  constructor(engine: CronEngine, context: Pick<Context, 'decide'>, observer: Observer) {
    this.#engine = engine;
    this.#context = context;
    this.#observer = observer;
    this.#stopListening = engine.listen((event) => {
      this.#waiting.push(...this.#viewOf(event));
      if (!this.#isTelling) void this.#tell();
    });
  }

  stop(): void {
    this.#isOver = true;
    this.#stopListening();
  }

  #viewOf({ kind, job, run, state }: CronEvent): readonly CronEventView[] {
    if (kind === 'job') return [{ kind, job, state }];
    const found = run === undefined ? undefined : this.#engine.findRun(job, run);
    return found === undefined ? [] : [{ kind: 'run', run: runViewOf(found) }];
  }

  async #tell(): Promise<void> {
    this.#isTelling = true;
    try {
      while (this.#waiting.length > 0 && !this.#isOver) {
        // oxlint-disable-next-line no-await-in-loop -- one lot after the other
        await this.#tellWaiting();
      }
    } catch (error) {
      if (!this.#isOver) this.#observer.error(error);
      this.stop();
    } finally {
      this.#isTelling = false;
    }
  }

  async #tellWaiting(): Promise<void> {
    if (this.#waiting.length > MAX_WAITING_CRON_EVENTS) {
      throw new PlateauError(
        'STREAM_ENDED',
        'too much has happened at once: begin the stream anew',
      );
    }
    // What was decided before is durable when this is.
    await this.#context.decide(undefined);
    const told = this.#waiting;
    this.#waiting = [];
    if (this.#isOver) return;
    for (const event of told) this.#observer.next(event);
  }
}
