/** What the master adds to the explanations of the allocator: names, offers held, answers given. */
import { expect } from 'chai';
import { MAX_OFFER_ANSWERS, type WhyQuestion } from '../../../core/master/index.js';
import { AGENT_INFO, FRAMEWORK_INFO, Harness, ROLE, running } from './harness.js';

function wants(resources: Record<string, number>, ...constraints: string[]): WhyQuestion {
  return { task: { resources, constraints } };
}

async function offered(): Promise<{
  readonly harness: Harness;
  readonly scheduler: Awaited<ReturnType<Harness['subscribe']>>;
}> {
  const harness = await Harness.started();
  const scheduler = await harness.subscribe();
  await harness.register();
  return { harness, scheduler };
}

describe('Master: why', () => {
  it('finds a framework by its id, or by a name that no other has', async () => {
    const { harness, scheduler } = await offered();
    expect(harness.master.why(scheduler.id)?.name).to.equal('test');
    expect(harness.master.why('test')?.frameworkId).to.equal(scheduler.id);
    expect(harness.master.why('other')).to.equal(undefined);
    const second = await harness.subscribe();
    expect(() => harness.master.why('test')).to.throw(
      `2 are called 'test': give one of the ids ${scheduler.id}, ${second.id}`,
    );
    expect(harness.master.why(second.id)?.frameworkId).to.equal(second.id);
    second.call({ type: 'TEARDOWN' });
    await harness.world.settle();
    expect(harness.master.why(second.id)).to.include({ state: 'removed', allocation: undefined });
    expect(harness.master.why('test')?.frameworkId).to.equal(scheduler.id);
  });

  it('names the offer that fits the task already', async () => {
    const { harness, scheduler } = await offered();
    const [offer] = scheduler.stream.offers;
    const answer = harness.master.why(scheduler.id, wants({ cpus: 4, ports: 11 }, 'rack=r1'));
    expect(answer?.fittingOffers).to.deep.equal([
      {
        offerIds: [offer?.id.value],
        agentId: offer?.agent_id.value,
        hostname: AGENT_INFO.hostname,
        role: ROLE,
      },
    ]);
    expect(answer?.allocation?.roles[0]?.holds.agents).to.equal(1);
    expect(answer?.task).to.deep.equal({
      resources: { cpus: 4, ports: 11 },
      constraints: ['rack=r1'],
    });
    for (const question of [wants({ cpus: 5 }), wants({ cpus: 1 }, 'rack=r2')]) {
      const other = harness.master.why(scheduler.id, question);
      expect(other?.fittingOffers).to.deep.equal([]);
      expect(other?.allocation?.roles[0]?.holds.agents).to.equal(0);
    }
  });

  it('does not count what a task uses as offered', async () => {
    const { harness, scheduler } = await running();
    const fits = (cpus: number) => harness.master.why(scheduler.id, wants({ cpus }));
    const role = fits(4)?.allocation?.roles[0];
    // The offer of the rest was declined for an hour: that is not what is missing.
    expect(role?.refusals).to.deep.equal({ TASK_NOT_ENOUGH_FREE: 1 });
    expect(fits(3)?.allocation?.roles[0]?.refusals).to.deep.equal({ FILTERED: 1 });
    expect(role?.reasons[0]?.nearest[0]).to.deep.include({
      missing: [{ resource: 'cpus', wanted: 4, available: 3, missing: 1 }],
    });
    expect(role?.reasons[0]?.nearest[0]?.holders?.[0]).to.deep.include({
      frameworkId: scheduler.id,
      held: { cpus: 1, mem: 128 },
      offered: {},
    });
  });

  it('names the role that the framework is not in, and what is wrong with the task', async () => {
    const { harness, scheduler } = await offered();
    const ask = (question: WhyQuestion) => () => harness.master.why(scheduler.id, question);
    expect(ask({ role: 'x' })).to.throw(
      `role 'x' is none of framework ${scheduler.id}: it is in web`,
    );
    expect(ask({ role: ROLE })()).to.have.property('state', 'active');
    expect(ask(wants({ cpus: Number.POSITIVE_INFINITY }))).to.throw('cpus');
    expect(ask(wants({}, 'rack~=('))).to.throw('regex');
  });

  it('tells what became of offers, like answers together', async () => {
    const { harness, scheduler } = await offered();
    const answers = () => harness.master.why(scheduler.id)?.answers;
    expect(answers()?.last).to.deep.equal([]);
    const decline = (refuse_seconds: number): void => {
      const ids = scheduler.stream.offers.map(({ id }) => id);
      scheduler.stream.clear();
      scheduler.call({ type: 'DECLINE', decline: { offer_ids: ids, filters: { refuse_seconds } } });
    };
    const fromMs = harness.world.clock.now();
    decline(0);
    await harness.world.advance(1000);
    decline(0);
    const untilMs = harness.world.clock.now();
    expect(answers()?.last).to.deep.equal([
      { outcome: 'DECLINED', fromMs, untilMs, offers: 2, refuseSeconds: 0 },
    ]);
    await harness.world.advance(1000);
    decline(2);
    await harness.world.advance(70_000);
    expect(answers()).to.deep.include({
      offers: { ACCEPTED: 0, DECLINED: 3, RESCINDED: 0 },
      lastMinute: { ACCEPTED: 0, DECLINED: 0, RESCINDED: 0 },
    });
    const ids = scheduler.stream.offers.map(({ id }) => id);
    scheduler.call({ type: 'ACCEPT', accept: { offer_ids: ids, operations: [] } });
    expect(answers()?.lastMinute).to.deep.equal({ ACCEPTED: 1, DECLINED: 0, RESCINDED: 0 });
    expect(answers()?.last.map(({ outcome }) => outcome)).to.deep.equal([
      'ACCEPTED',
      'DECLINED',
      'DECLINED',
    ]);
  });

  it('tells of offers that timed out, and forgets the oldest answers', async () => {
    const harness = await Harness.started({ config: { offerTimeoutMs: 500 } });
    const scheduler = await harness.subscribe({ ...FRAMEWORK_INFO, name: 'slow' });
    const agent = await harness.register();
    await harness.live(20_000, [agent]);
    const answers = harness.master.why(scheduler.id)?.answers;
    expect(answers?.last[0]).to.deep.include({ outcome: 'RESCINDED' });
    expect(answers?.offers.RESCINDED).to.be.within(15, 45);
    await harness.live(300_000, [agent]);
    expect(harness.master.why(scheduler.id)?.answers.last).to.have.length(MAX_OFFER_ANSWERS);
  });
});
