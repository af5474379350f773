/** A framework whose handler takes its time, in real milliseconds. */
import { performance } from 'node:perf_hooks';
import { Framework, OnOffers, type Offers, task } from '../../../../sdk/index.js';

/** What each call of the handler takes at least. */
export const SLOW_MS = 5;

@Framework({ name: 'slow' })
export class Slow {
  @OnOffers() place(offers: Offers) {
    const untilMs = performance.now() + SLOW_MS;
    while (performance.now() < untilMs);
    return offers.keep(2, task({ name: 'web', cpus: 0.5, memMiB: 64, command: 'sleep 20' }));
  }
}
