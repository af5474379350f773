import { expect } from 'chai';
import { PlateauError } from '../../../../core/base/index.js';
import { task } from '../../../../sdk/decisions/index.js';
import {
  type ErrorPolicy,
  FatalError,
  type HandlerDefinition,
  MAX_RETRY_AFTER_MS,
  TransientError,
  type Trouble,
} from '../../../../sdk/framework/index.js';
import type { Offers } from '../../../../sdk/matching/index.js';
import { Rig, handler } from './support.js';

const STATUS = { uuid: 'dQ==' };
const POLICIES: readonly ErrorPolicy[] = ['crash', 'retry', 'skip'];

interface Story {
  readonly rig: Rig;
  /** When the handler was called, in milliseconds since the update. */
  readonly calls: readonly number[];
  readonly policies: readonly string[];
}

/** A status handler that throws so many times, and one update. */
async function story(
  error: () => Error,
  options: Partial<HandlerDefinition>,
  times = Infinity,
): Promise<Story> {
  const calls: number[] = [];
  const policies: string[] = [];
  const rig = await new Rig({
    handlers: [
      handler(
        'status',
        () => {
          calls.push(rig.world.clock.elapsed());
          if (calls.length <= times) throw error();
        },
        options,
      ),
      handler('error', ({ policy }: Trouble) => void policies.push(policy)),
    ],
  }).start();
  await rig.update('stray', 'TASK_RUNNING', STATUS);
  return { rig, calls, policies };
}

describe('A TransientError of a handler', () => {
  for (const onError of POLICIES) {
    it(`has it called again with the same event after just so long, with the policy '${onError}'`, async () => {
      const error = (): Error => new TransientError('busy', { retryAfter: '7s' });
      const { rig, calls, policies } = await story(error, { onError }, 2);
      expect(rig.runtime.view.retrying).to.deep.equal([
        { handler: 'status', failures: 1, error: 'busy' },
      ]);
      expect(rig.calls('ACKNOWLEDGE')).to.have.length(0);
      await rig.pass(20_000);
      expect(calls).to.deep.equal([0, 7_000, 14_000]);
      expect(policies).to.deep.equal(['retry', 'retry']);
      expect(rig.calls('ACKNOWLEDGE')).to.have.length(1);
      expect(rig.runtime.view.retrying).to.deep.equal([]);
      expect(rig.runtime.view.counters).to.include({ handler_errors: 2, handler_retries: 2 });
      await rig.close();
    });
  }

  it('without a time waits as `retry` does, longer each time', async () => {
    const options = { backoffMs: 4_000 };
    const { rig, calls } = await story(() => new TransientError('busy'), options, 2);
    await rig.pass(20_000);
    expect(calls).to.have.length(3);
    expect(calls[1]).to.be.within(2_000, 4_000);
    expect((calls[2] ?? 0) - (calls[1] ?? 0)).to.be.within(4_000, 8_000);
    await rig.close();
  });

  for (const onError of POLICIES) {
    it(`is no excuse for ever: after its retries '${onError}' decides`, async () => {
      const error = (): Error => new TransientError('busy', { retryAfter: '1s' });
      const { rig, calls, policies } = await story(error, { onError, retries: 2 });
      await rig.pass(10_000);
      const last = onError === 'skip' ? 'skip' : 'crash';
      expect(calls).to.deep.equal([0, 1_000, 2_000]);
      expect(policies).to.deep.equal(['retry', 'retry', last]);
      expect(rig.outcome === undefined).to.equal(onError === 'skip');
      expect(rig.calls('ACKNOWLEDGE')).to.have.length(onError === 'skip' ? 1 : 0);
      await rig.close();
    });
  }

  it('is not waited for longer than an hour', async () => {
    const error = (): Error => new TransientError('busy', { retryAfter: '1w' });
    const { rig, calls } = await story(error, {}, 1);
    await rig.pass(MAX_RETRY_AFTER_MS);
    expect(calls).to.deep.equal([0, MAX_RETRY_AFTER_MS]);
    await rig.close();
  });

  it('refuses a time that is none', () => {
    expect(() => new TransientError('busy', { retryAfter: 'later' as never }))
      .to.throw("retryAfter: 'later' is not a duration")
      .with.property('code', 'INVALID_DURATION');
  });

  it('of @OnOffers declines the offers, and it is called with later ones', async () => {
    let isBroken = true;
    const onOffers = handler('offers', (offers: Offers) => {
      if (isBroken && !offers.isEmpty) throw new TransientError('busy', { retryAfter: '2s' });
      return offers.fit(task({ name: 'web', cpus: 1, memMiB: 64, command: 'hang' }));
    });
    const rig = await new Rig({ handlers: [onOffers] }).start();
    await rig.offer(rig.newOffer());
    await rig.offer(rig.newOffer());
    expect(rig.take()).to.deep.equal(['DECLINE', 'DECLINE']);
    expect(rig.runtime.view.retrying).to.have.length(1);
    isBroken = false;
    await rig.world.advance(2_000);
    await rig.offer(rig.newOffer());
    expect(rig.take()).to.deep.equal(['ACCEPT']);
    expect(rig.runtime.view.retrying).to.deep.equal([]);
    await rig.close();
  });

  it('at the close of the framework gives the turn up: the event comes again to the next process', async () => {
    let fail = (_error: Error): void => {};
    const onStatus = handler('status', () => new Promise((_resolve, reject) => (fail = reject)), {
      onError: 'skip',
    });
    const rig = await new Rig({ handlers: [onStatus] }).start();
    await rig.update('stray', 'TASK_RUNNING', STATUS);
    void rig.runtime.close();
    fail(new TransientError('busy'));
    await rig.world.settle();
    expect(rig.outcome).to.equal('closed');
    expect(rig.calls('ACKNOWLEDGE')).to.have.length(0);
    expect(await rig.store.list('tasks/')).to.deep.equal([]);
  });

  it('of another copy of the package is known too', async () => {
    const copy = new URL('../../../../core/base/errors.js?copy', import.meta.url);
    const { PlateauError: Other }: { PlateauError: typeof PlateauError } = await import(copy.href);
    const context = { retryAfterMs: 3_000 };
    const error = new Other('TRANSIENT', 'busy', { context });
    expect(error).to.not.be.instanceOf(PlateauError);
    const { rig, calls } = await story(() => error, {}, 1);
    await rig.pass(5_000);
    expect(calls).to.deep.equal([0, 3_000]);
    await rig.close();
  });
});

describe('A FatalError of a handler', () => {
  for (const onError of POLICIES) {
    it(`ends the framework at once with the policy '${onError}'`, async () => {
      const cause = new Error('the licence has run out');
      const error = (): Error => new FatalError('no licence', { cause });
      const { rig, calls, policies } = await story(error, { onError });
      await rig.pass(5_000);
      expect(calls).to.deep.equal([0]);
      expect(policies).to.deep.equal(['crash']);
      expect(rig.outcome).to.include({ code: 'HANDLER_FAILED' });
      expect(String(rig.outcome)).to.match(/The handler status failed: no licence$/);
      expect((rig.outcome as Error).cause).to.include({ code: 'FATAL', cause });
      expect(rig.calls('ACKNOWLEDGE')).to.have.length(0);
    });
  }
});
