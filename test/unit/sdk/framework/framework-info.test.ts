import { expect } from 'chai';
import {
  Framework,
  type FrameworkOptions,
  OnOffers,
  frameworkInfoOf,
  readFramework,
} from '../../../../sdk/framework/index.js';

function infoOf(options: FrameworkOptions, id?: string) {
  @Framework(options)
  class Example {
    @OnOffers() place(): void {}
  }
  return frameworkInfoOf(readFramework(Example).settings, id);
}

describe('frameworkInfoOf', () => {
  it('says what is set and what the runtime can deal with', () => {
    expect(infoOf({ name: 'a' })).to.deep.equal({
      name: 'a',
      user: 'root',
      roles: ['*'],
      failover_timeout: 604_800,
      checkpoint: true,
      capabilities: [
        { type: 'MULTI_ROLE' },
        { type: 'RESERVATION_REFINEMENT' },
        { type: 'PARTITION_AWARE' },
        { type: 'TASK_KILLING_STATE' },
      ],
    });
  });

  it('adds what options ask for, and the id', () => {
    const options = {
      name: 'a',
      revocable: true,
      gpus: true,
      regionAware: true,
      principal: 'p',
      hostname: 'h',
      webuiUrl: 'http://h',
      labels: { team: 'x' },
    };
    const info = infoOf(options, 'F1');
    expect(info).to.deep.include({
      id: { value: 'F1' },
      principal: 'p',
      hostname: 'h',
      webui_url: 'http://h',
      labels: { labels: [{ key: 'team', value: 'x' }] },
    });
    expect(info.capabilities?.slice(4).map(({ type }) => type)).to.deep.equal([
      'REVOCABLE_RESOURCES',
      'GPU_RESOURCES',
      'REGION_AWARE',
    ]);
  });
});
