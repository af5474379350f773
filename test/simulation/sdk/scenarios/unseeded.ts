/** A framework that behaves otherwise each time it is run: something outside of its object counts. */
import { Framework, OnOffers, type Offers, task } from '../../../../sdk/index.js';

let runs = 0;

@Framework({ name: 'unseeded' })
export class Unseeded {
  readonly #count = 1 + (runs++ % 3);

  @OnOffers() place(offers: Offers) {
    return offers.keep(this.#count, task({ name: 'web', cpus: 0.5, memMiB: 64, command: 'hang' }), {
      maxBackoff: '5s',
    });
  }
}
