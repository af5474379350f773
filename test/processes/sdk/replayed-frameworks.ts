/** A framework that is recorded, and newer code of it. */
import { Framework, type Offers, OnOffers, task } from '../../../sdk/index.js';

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
