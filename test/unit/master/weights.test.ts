import { expect } from 'chai';
import type { CallAnswer, WeightInfo } from '../../../core/api/index.js';
import { AGENT_INFO, FRAMEWORK_INFO, FakeConnection, Harness, type Scheduler } from './harness.js';

async function set(
  harness: Harness,
  weights: Readonly<Record<string, number>>,
): Promise<CallAnswer> {
  const weight_infos = Object.entries(weights).map(([role, weight]) => ({ role, weight }));
  const answer = await harness.master.operatorCall({
    type: 'UPDATE_WEIGHTS',
    update_weights: { weight_infos },
  });
  if ('status' in answer) return answer;
  throw new Error('answered with a message');
}

function weights(harness: Harness): readonly WeightInfo[] {
  const answer = harness.master.operatorCall({ type: 'GET_WEIGHTS' });
  return 'get_weights' in answer ? (answer.get_weights?.weight_infos ?? []) : [];
}

function inRole(role: string): typeof FRAMEWORK_INFO {
  return { ...FRAMEWORK_INFO, name: role, roles: [role] };
}

function rescinded(scheduler: Scheduler): number {
  return scheduler.stream.of('RESCIND').length;
}

async function offered<const Roles extends readonly string[]>(
  ...roles: Roles
): Promise<[Harness, { readonly [Index in keyof Roles]: Scheduler }]> {
  const harness = await Harness.started();
  const schedulers: Scheduler[] = [];
  for (const role of roles) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    schedulers.push(await harness.subscribe(inRole(role)));
  }
  for (let index = 0; index < 6; index++) {
    const info = { ...AGENT_INFO, hostname: `host-${index}` };
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await harness.register(info, new FakeConnection(`10.0.0.${index}:1`));
  }
  await harness.world.advance(1000);
  // As many as there are roles.
  return [harness, schedulers as unknown as { readonly [Index in keyof Roles]: Scheduler }];
}

function held(scheduler: Scheduler): number {
  return scheduler.stream.offers.length - rescinded(scheduler);
}

describe('Master: weights', () => {
  it('divide what is offered anew when they change', async () => {
    const [harness, [one, two]] = await offered('one', 'two');
    expect([held(one), held(two)]).to.deep.equal([3, 3]);
    expect(await set(harness, { two: 2 })).to.deep.equal({ status: 200 });
    await harness.world.advance(1000);
    expect([held(one), held(two)]).to.deep.equal([2, 4]);
  });

  it('take back only offers of roles that share with the changed one', async () => {
    const [harness, [other, below, beside]] = await offered('other', 'a/below', 'a/beside');
    await set(harness, { 'a/below': 3 });
    expect(rescinded(other)).to.equal(0);
    expect(rescinded(below) + rescinded(beside)).to.be.greaterThan(0);
    expect([held(below), held(beside)]).to.deep.equal([0, 0]);
  });

  it('take nothing back when nothing changes, or nobody is in the role', async () => {
    const [harness, [one]] = await offered('one');
    await set(harness, { one: 1, nobody: 5 });
    expect(rescinded(one)).to.equal(0);
    expect(weights(harness)).to.deep.equal([
      { role: 'one', weight: 1 },
      { role: 'nobody', weight: 5 },
    ]);
  });

  it('are refused for roles outside of --roles, and twice for one role', async () => {
    const harness = await Harness.started({ config: { roles: ['prod'] } });
    expect((await set(harness, { prod: 2, dev: 2 })).message).to.match(/'dev'.*--roles/);
    expect((await set(harness, { '*': 2 })).status).to.equal(200);
    const weight_infos = [
      { role: 'prod', weight: 1 },
      { role: 'prod', weight: 2 },
    ];
    const call = { type: 'UPDATE_WEIGHTS' as const, update_weights: { weight_infos } };
    expect(await harness.master.operatorCall(call)).to.include({ status: 400 });
  });

  it('of the flag count and are recorded when the registry has none', async () => {
    const harness = await Harness.started({ config: { weights: new Map([['prod', 2]]) } });
    await harness.world.settle();
    expect(weights(harness)).to.deep.equal([{ role: 'prod', weight: 2 }]);
    const next = await harness.restarted({ weights: new Map([['dev', 5]]) });
    expect(weights(next)).to.deep.equal([{ role: 'prod', weight: 2 }]);
    const last = await next.restarted();
    expect(weights(last)).to.deep.equal([{ role: 'prod', weight: 2 }]);
  });
});
