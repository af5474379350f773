import { expect } from 'chai';
import { MAX_CALL_BYTES, type SchedulerCall } from '../../../core/api/index.js';
import {
  Framework,
  type Interceptor,
  OnError,
  OnOffers,
  type Offers,
  type Trouble,
  task,
} from '../../../sdk/index.js';
import { simulate } from '../../../sdk/testing/index.js';

@Framework({ name: 'large' })
class Large {
  readonly troubles: Trouble[] = [];

  @OnOffers() place(offers: Offers) {
    return offers.keep(1, task({ name: 'one', cpus: 1, memMiB: 64, command: 'hang' }));
  }

  @OnError() note(trouble: Trouble) {
    this.troubles.push(trouble);
  }
}

/** Makes calls larger than a master takes, behind the back of the runtime, which bounds its own. */
function enlarging(type: SchedulerCall['type'], times: number): Interceptor {
  let left = times;
  const filler = 'x'.repeat(MAX_CALL_BYTES);
  return (traffic, next) => {
    if (traffic.direction === 'in' || traffic.call.type !== type || left === 0) {
      next(traffic);
      return;
    }
    left--;
    const { accept, subscribe } = traffic.call;
    const labels = { labels: [{ key: 'filler', value: filler }] };
    const operations = (accept?.operations ?? []).map((operation) => ({
      ...operation,
      launch: {
        task_infos: (operation.launch?.task_infos ?? []).map((info) => ({ ...info, labels })),
      },
    }));
    const call = {
      ...traffic.call,
      ...(accept && { accept: { ...accept, operations } }),
      ...(subscribe && {
        subscribe: {
          ...subscribe,
          framework_info: { ...subscribe.framework_info, labels },
        },
      }),
    };
    next({ direction: 'out', call });
  };
}

describe('A framework whose call is too large', () => {
  for (const wire of ['json', 'objects'] as const) {
    it(`is told, loses the launch, and may launch again (${wire})`, async () => {
      const cluster = simulate({ wire });
      const large = cluster.run(Large, { interceptors: [enlarging('ACCEPT', 1)] });
      await cluster.advance('30s');
      const [trouble, ...others] = large.instance.troubles;
      expect(others).to.deep.equal([]);
      expect(trouble).to.include({ where: 'ACCEPT' });
      expect(trouble?.error).to.include({ code: 'CALL_REFUSED', retriable: false });
      expect(trouble?.error.message).to.contain('413').and.to.contain(`${MAX_CALL_BYTES} bytes`);
      expect(large.tasks().map(({ state }) => state)).to.deep.equal(['DROPPED', 'RUNNING']);
    });

    it(`ends when that is its subscription (${wire})`, async () => {
      const cluster = simulate({ wire });
      const interceptors = [enlarging('SUBSCRIBE', 1)];
      const large = cluster.run(Large, { interceptors, mayFail: true });
      await cluster.advance('30s');
      expect(large.failure).to.include({ code: 'CALL_REFUSED', retriable: false });
      expect(large.failure?.message).to.contain('413');
    });
  }
});
