import { expect } from 'chai';
import { Cron } from '../../../../frameworks/cron/index.js';
import { simulate } from '../../../../sdk/testing/index.js';
import { jobSpec } from '../../../unit/frameworks/cron/support.js';

describe('A run of cron that is to be replaced', () => {
  it('replaces a run that is out of reach, and ends its task when the agent is back', async () => {
    const cluster = simulate({ agents: 2 });
    const cron = cluster.run(Cron);
    await cluster.advance('5s');
    const { runtime, instance } = cron;
    const schedule = { concurrencyPolicy: 'Replace' } as const;
    const spec = jobSpec({ id: 'tick', cron: '*/5 * * * *', command: 'hang', schedule });
    void runtime.turn(() =>
      instance.change(runtime.context, (engine, nowMs) => engine.create(spec, nowMs)),
    );
    await cluster.advance('6m');
    const [first] = cron.running();
    cluster.partition(first?.hostname ?? '');
    await cluster.advance('5m');
    const [latest, before] = instance.engine.runs('tick');
    expect(before).to.include({ state: 'failed', reason: 'Replaced' });
    expect(latest?.state).to.equal('active');
    const [second] = cron.running();
    expect(second?.hostname).not.to.equal(first?.hostname);
    expect(cron.tasks('UNREACHABLE').map(({ id }) => id)).to.deep.equal([first?.id]);
    cluster.heal();
    await cluster.advance('1m');
    expect(cron.view.tasks.live().map(({ id }) => id)).to.deep.equal([second?.id]);
  });
});
