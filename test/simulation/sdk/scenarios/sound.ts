/** A framework without defects, as a module that exports the class alone. */
import { Framework, OnOffers, type Offers, task } from '../../../../sdk/index.js';

@Framework({ name: 'sound', reconcileEvery: '30s' })
export class Sound {
  @OnOffers() place(offers: Offers) {
    const web = task({ name: 'web', cpus: 0.5, memMiB: 64, command: 'hang' });
    return offers.keep(4, web, { maxBackoff: '5s' });
  }
}
