/** A framework that is given a thing which is made, logs, and is closed. */
import { Framework, LOG, OnOffers, inject, provide, token } from '../../../sdk/index.js';

interface Ledger {
  readonly page: number;
}

const LEDGER = token<Ledger>('ledger');

class RealLedger implements Ledger {
  readonly page = 7;
  readonly #log = inject(LOG);

  async close(): Promise<void> {
    await Promise.resolve();
    this.#log.info('the ledger is closed');
  }
}

@Framework({ name: 'providing' })
export class Providing {
  constructor(ledger = inject(LEDGER), log = inject(LOG)) {
    log.info(`the ledger is open at page ${ledger.page}`);
  }

  @OnOffers() place(): void {}
}

export const providers = [provide(LEDGER, { make: () => new RealLedger() })];
