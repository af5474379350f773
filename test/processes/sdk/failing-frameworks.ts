/** Frameworks that do not end as one would like. */
import { Framework, OnOffers, OnStart, stop } from '../../../sdk/index.js';

@Framework({ name: 'stuck' })
export class Stuck {
  @OnOffers() place(): void {}
  @OnStart() start(): Promise<void> {
    process.stderr.write('it waits for ever\n');
    return new Promise(() => {});
  }
}

@Framework({ name: 'broken' })
export class Broken {
  @OnOffers() place(): void {}
  @OnStart() start(): void {
    throw new Error('no luck today');
  }
}

@Framework({ name: 'done' })
export class Done {
  @OnOffers() place(): void {}
  @OnStart() start() {
    return stop();
  }
}
