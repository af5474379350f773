/**
 * Measures what a framework takes of the processor: as an interceptor, which the runtime calls with each
 * event, and which comes back when the runtime has done what it does at once: the handlers, matching, the
 * plan, and its transaction. The master, the agents and the network are not in it.
 */
import { type RecordableHistogram, createHistogram, performance } from 'node:perf_hooks';
import type { SchedulerCall } from '../../../core/api/index.js';
import type { Interceptor } from '../../runtime/index.js';

/** Rounds with offers in numbers of the same size. */
export interface Rounds {
  /** Offers of the smallest and the largest round. */
  leastOffers: number;
  mostOffers: number;
  /** Nanoseconds that each took. */
  readonly latencies: RecordableHistogram;
}

export class Meter {
  /** By the digits of the number of offers: rounds of 1 to 9, of 10 to 99, and so on. */
  readonly #rounds = new Map<number, Rounds>();
  offers = 0;
  roundsMs = 0;
  launches = 0;
  updates = 0;
  updatesMs = 0;

  /** Sees what passes in one run. */
  readonly interceptor: Interceptor = (traffic, next) => {
    if (traffic.direction === 'out') {
      this.launches += launchesOf(traffic.call);
      next(traffic);
      return;
    }
    const { offers, update } = traffic.event;
    const startMs = performance.now();
    next(traffic);
    const tookMs = performance.now() - startMs;
    const count = offers?.offers?.length ?? 0;
    if (count > 0) this.#round(count, tookMs);
    if (update === undefined) return;
    this.updates += 1;
    this.updatesMs += tookMs;
  };

  /** Those with few offers first. */
  get rounds(): readonly Rounds[] {
    return [...this.#rounds].toSorted(([one], [other]) => one - other).map(([, rounds]) => rounds);
  }

  #round(count: number, tookMs: number): void {
    this.offers += count;
    this.roundsMs += tookMs;
    const size = String(count).length;
    let rounds = this.#rounds.get(size);
    if (rounds === undefined) {
      rounds = { leastOffers: count, mostOffers: count, latencies: createHistogram() };
      this.#rounds.set(size, rounds);
    }
    rounds.leastOffers = Math.min(rounds.leastOffers, count);
    rounds.mostOffers = Math.max(rounds.mostOffers, count);
    rounds.latencies.record(Math.max(1, Math.round(tookMs * 1e6)));
  }
}

/** Tasks that a call launches. */
function launchesOf({ accept }: SchedulerCall): number {
  let tasks = 0;
  for (const { launch, launch_group: group } of accept?.operations ?? []) {
    tasks += launch?.task_infos?.length ?? 0;
    tasks += group?.task_group.tasks?.length ?? 0;
  }
  return tasks;
}
