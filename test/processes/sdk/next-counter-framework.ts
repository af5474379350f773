/** The next version of the framework in `counter-framework.ts`: it stores sizes in another shape. */
import {
  Framework,
  MemoryRepository,
  type Offers,
  OnOffers,
  type Repository,
  Stored,
  task,
} from '../../../sdk/index.js';

function withUnit(count: unknown): object {
  if (count === 13) throw new Error('13 is unlucky');
  return { count };
}

@Framework({ name: 'sleepers' })
export class Sleepers {
  @Stored('size', { version: 2, migrations: { 1: withUnit } })
  readonly size: Repository<{ readonly count: number }> = new MemoryRepository();

  @OnOffers() place(offers: Offers) {
    const count = this.size.get('count')?.count ?? 1;
    return offers.keep(
      count,
      task({ name: 'sleeper', cpus: 0.1, memMiB: 16, command: 'sleep 1000' }),
    );
  }
}
