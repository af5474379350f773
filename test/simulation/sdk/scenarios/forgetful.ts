/** A framework with a defect: it starts its tasks once, and does not care for those that end. */
import { Framework, OnOffers, type Offers, task } from '../../../../sdk/index.js';
import type { Scenario } from '../../../../sdk/testing/index.js';

@Framework({ name: 'forgetful', reconcileEvery: '30s' })
export class Forgetful {
  #hasStarted = false;

  @OnOffers() place(offers: Offers) {
    if (this.#hasStarted || offers.tasks.size > 0 || offers.isEmpty) return [];
    this.#hasStarted = true;
    const web = task({ name: 'web', cpus: 0.5, memMiB: 64, command: 'hang' });
    return offers.fit(web, { count: 4 });
  }
}

export const scenario: Scenario<Forgetful> = {
  framework: Forgetful,
  agents: 4,
  faultsFor: '2m',
  check: ({ framework }) => void framework.expect.connected().agreed().running(4),
};
