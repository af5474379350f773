/** A framework that is recorded, and newer code of it. */
import {
  Framework,
  type Offers,
  OnOffers,
  inject,
  provide,
  task,
  token,
} from '../../../sdk/index.js';
import type { Scenario } from '../../../sdk/testing/index.js';

const SPEC = { name: 'sleeper', cpus: 0.1, memMiB: 16, command: 'sleep 1000' };

@Framework({ name: 'replayed' })
export class Recorded {
  @OnOffers() place(offers: Offers) {
    return offers.keep(2, task(SPEC));
  }
}

@Framework({ name: 'replayed' })
export class Larger {
  @OnOffers() place(offers: Offers) {
    return offers.keep(2, task({ ...SPEC, cpus: 0.2 }));
  }
}

const COUNT = token<number>('count');

/** The same with a number that it is given. */
@Framework({ name: 'replayed' })
export class Injected {
  constructor(private readonly count = inject(COUNT)) {}

  @OnOffers() place(offers: Offers) {
    return offers.keep(this.count, task(SPEC));
  }
}

export const asRecorded: Scenario = {
  framework: Injected,
  provide: [provide(COUNT, { value: 2 })],
};

/** Production has another number; no replay uses it. */
export const providers = [provide(COUNT, { value: 7 })];
