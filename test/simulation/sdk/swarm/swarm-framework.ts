/**
 * A framework of 200 tasks for seeds of faults: work that must not run twice, work that has to be done,
 * and tasks that are kept. Some of the work waits for other work, so that there are launches all the time.
 */
import { Framework, OnOffers, type Offers, type TaskSpec, task } from '../../../../sdk/index.js';

/** Pieces of work that run at most once. */
export const ONCE = 100;
/** Pieces of work that run again when their task was lost. */
export const WORK = 60;
/** Tasks that are kept. */
export const KEPT = 40;

/** How many pieces of work run at one time. */
export const PARALLEL = { once: 16, work: 10 } as const;

const SIZE = { cpus: 0.3, memMiB: 32 };

function pieces(name: string, count: number): readonly TaskSpec[] {
  return Array.from({ length: count }, (_, index) =>
    task({ ...SIZE, name, key: `${index}`, command: 'run between 5s and 30s then exit 0' }),
  );
}

const ONCE_PIECES = pieces('once', ONCE);
const WORK_PIECES = pieces('work', WORK);
const KEPT_TASK = task({ ...SIZE, name: 'kept', command: 'hang' });

@Framework({ name: 'swarm', failoverTimeout: '1h', reconcileEvery: '30s' })
export class Swarm {
  @OnOffers() place(offers: Offers) {
    return [
      offers.keep(KEPT, KEPT_TASK, { backoff: '1s', maxBackoff: '5s' }),
      offers.complete(ONCE_PIECES, { again: 'never', parallel: PARALLEL.once }),
      offers.complete(WORK_PIECES, {
        again: 'lost',
        maxAttempts: 1_000,
        parallel: PARALLEL.work,
      }),
    ];
  }
}
