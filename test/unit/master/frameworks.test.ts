import { expect } from 'chai';
import { id } from '../../../core/base/index.js';
import { FRAMEWORK_INFO, FakeStream, Harness, running } from './harness.js';

describe('Master: frameworks', () => {
  it('sends SUBSCRIBED with an id of its own, then HEARTBEAT at once and every 15 s', async () => {
    const harness = await Harness.started();
    const one = await harness.subscribe();
    const two = await harness.subscribe();
    expect(one.id).to.equal(`${harness.master.info.id}-0000`);
    expect(two.id).to.equal(`${harness.master.info.id}-0001`);
    expect(one.stream.types).to.deep.equal(['SUBSCRIBED', 'HEARTBEAT']);
    expect(one.stream.events[0]?.subscribed?.heartbeat_interval_seconds).to.equal(15);
    expect(one.stream.events[0]?.subscribed?.master_info).to.deep.equal(harness.master.info);
    await harness.world.advance(45_000);
    expect(one.stream.of('HEARTBEAT')).to.have.length(4);
  });

  it('records the framework before it says SUBSCRIBED', async () => {
    const harness = await Harness.started();
    const stream = new FakeStream('s');
    const call = { type: 'SUBSCRIBE' as const, subscribe: { framework_info: FRAMEWORK_INFO } };
    harness.master.schedulerSubscribe(call, stream);
    expect(stream.events).to.deep.equal([]);
    await harness.world.settle();
    expect(stream.types[0]).to.equal('SUBSCRIBED');
    expect((await harness.store.list('registry/frameworks/')).length).to.equal(1);
  });

  it('refuses with an ERROR event and ends the stream when the subscription is not valid', async () => {
    const harness = await Harness.started({ config: { roles: ['web'], rootSubmissions: false } });
    const bad = {
      role: { ...FRAMEWORK_INFO, role: 'x' },
      'has no such role': { ...FRAMEWORK_INFO, roles: ['web', 'no role'] },
      '--roles': { ...FRAMEWORK_INFO, roles: ['other'] },
      root: { ...FRAMEWORK_INFO, user: 'root' },
      id: { ...FRAMEWORK_INFO, id: { value: 'a/b' } },
    };
    for (const [name, info] of Object.entries(bad)) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const { stream } = await harness.subscribe(info);
      expect(stream.types, name).to.deep.equal(['ERROR']);
      expect(stream.isClosed, name).to.equal(true);
    }
    expect((await harness.subscribe(FRAMEWORK_INFO, ['other'])).stream.error).to.match(/other/);
    expect((await harness.store.list('registry/frameworks/')).length).to.equal(0);
  });

  it('lets a second SUBSCRIBE take over, with ERROR on the old stream and no RESCIND', async () => {
    const harness = await Harness.started();
    await harness.register();
    const one = await harness.subscribe();
    await one.offer();
    const two = await harness.subscribe({
      ...FRAMEWORK_INFO,
      id: { value: one.id },
      user: 'somebody',
      checkpoint: true,
      name: 'renamed',
    });
    expect(two.id).to.equal(one.id);
    expect(one.stream.error).to.equal('Framework failed over');
    expect(one.stream.isClosed).to.equal(true);
    expect(two.stream.types.slice(0, 2)).to.deep.equal(['SUBSCRIBED', 'HEARTBEAT']);
    const framework = harness.master.cluster.frameworks.get(id<'FrameworkId'>(two.id));
    expect(framework?.info).to.include({ name: 'renamed', user: 'nobody' });
    expect(framework?.info.checkpoint).to.equal(undefined);
    await harness.world.advance(1000);
    expect(two.stream.offers).to.have.length(1);
    expect(two.stream.of('RESCIND')).to.have.length(0);
    harness.master.schedulerDisconnected(one.stream);
    expect(framework?.state).to.equal('active');
  });

  it('refuses another principal under a known id', async () => {
    const harness = await Harness.started();
    const one = await harness.subscribe({ ...FRAMEWORK_INFO, principal: 'one' });
    const info = { ...FRAMEWORK_INFO, id: { value: one.id }, principal: 'two' };
    expect((await harness.subscribe(info)).stream.error).to.match(/principal/);
  });

  it('accepts an unknown id, as after a lost registry', async () => {
    const harness = await Harness.started();
    const scheduler = await harness.subscribe({ ...FRAMEWORK_INFO, id: { value: 'mine' } });
    expect(scheduler.id).to.equal('mine');
  });

  it('keeps a disconnected framework for its failover timeout, then removes it for good', async () => {
    const { harness, scheduler, agent } = await running();
    scheduler.disconnect();
    const { cluster } = harness.master;
    const frameworkId = id<'FrameworkId'>(scheduler.id);
    expect(cluster.frameworks.get(frameworkId)?.state).to.equal('disconnected');
    expect(cluster.offers.size).to.equal(0);
    expect(scheduler.call({ type: 'REVIVE' }).status).to.equal(403);
    await harness.live(59_000, [agent]);
    expect(cluster.frameworks.has(frameworkId)).to.equal(true);
    await harness.live(2_000, [agent]);
    expect(cluster.frameworks.has(frameworkId)).to.equal(false);
    expect(agent.of('SHUTDOWN_FRAMEWORK')).to.have.length(1);
    const [completed] = cluster.completedFrameworks;
    const [task] = completed?.completedTasks ?? [];
    expect(task?.state).to.equal('TASK_KILLED');
    expect(task?.statuses?.at(-1)?.reason).to.equal('REASON_FRAMEWORK_REMOVED');
    expect(harness.counter('cpus_used')).to.equal(0);
    const again = await harness.subscribe({ ...FRAMEWORK_INFO, id: { value: scheduler.id } });
    expect(again.stream.error).to.match(/removed/);
  });

  it('removes a framework without failover timeout at once', async () => {
    const harness = await Harness.started();
    const scheduler = await harness.subscribe({ ...FRAMEWORK_INFO, failover_timeout: 0 });
    scheduler.disconnect();
    await harness.world.settle();
    expect(harness.master.cluster.frameworks.size).to.equal(0);
  });

  it('forgets a subscription whose stream ended before it was recorded', async () => {
    const harness = await Harness.started();
    const stream = new FakeStream('s');
    const call = { type: 'SUBSCRIBE' as const, subscribe: { framework_info: FRAMEWORK_INFO } };
    harness.master.schedulerSubscribe(call, stream);
    harness.master.schedulerDisconnected(stream);
    await harness.world.settle();
    expect(stream.events).to.deep.equal([]);
    expect(harness.master.cluster.frameworks.size).to.equal(0);
    expect((await harness.store.list('registry/frameworks/')).length).to.equal(0);
  });

  it('tells the agents of a framework that subscribes again', async () => {
    const { harness, scheduler, agent } = await running();
    scheduler.disconnect();
    await harness.subscribe({ ...FRAMEWORK_INFO, id: { value: scheduler.id }, name: 'new' });
    const [told] = agent.of('UPDATE_FRAMEWORK');
    expect(told?.update_framework?.framework_info.name).to.equal('new');
  });

  it('ends stream and tasks on TEARDOWN without ERROR and without updates', async () => {
    const { harness, scheduler, agent } = await running();
    scheduler.stream.clear();
    expect(scheduler.call({ type: 'TEARDOWN' }).status).to.equal(202);
    await harness.world.settle();
    expect(scheduler.stream.events).to.deep.equal([]);
    expect(scheduler.stream.isClosed).to.equal(true);
    expect(agent.of('SHUTDOWN_FRAMEWORK')).to.have.length(1);
    expect(scheduler.call({ type: 'REVIVE' }).status).to.equal(400);
  });

  it('answers calls in the order: unknown, disconnected, stream id missing, differing', async () => {
    const harness = await Harness.started();
    const one = await harness.subscribe();
    const call = { type: 'REVIVE' as const, framework_id: { value: one.id } };
    const { master } = harness;
    const foreign = id<'StreamId'>('other');
    const unknown = { ...call, framework_id: { value: 'x' } };
    expect(master.schedulerCall(unknown, foreign)).to.include({ status: 400 });
    for (const streamId of [undefined, foreign]) {
      const answer = master.schedulerCall(call, streamId);
      expect(answer).to.include({ status: 400 });
      expect(answer)
        .to.have.property('message')
        .that.matches(/Mesos-Stream-Id/);
    }
    expect(master.schedulerCall(call, one.stream.id)).to.deep.equal({ status: 202 });
    expect(one.call({ type: 'UNKNOWN' }).status).to.equal(501);
    one.disconnect();
    expect(master.schedulerCall(call, one.stream.id)).to.include({ status: 403 });
  });

  it('answers 503 before the registry is recovered', () => {
    const harness = new Harness();
    expect(harness.master.schedulerCall({ type: 'REVIVE' }, undefined)).to.include({ status: 503 });
    expect(harness.master.operatorCall({ type: 'GET_HEALTH' })).to.include({ status: 503 });
  });

  it('updates a framework: roles that were dropped lose their offers', async () => {
    const { harness, scheduler } = await running();
    await harness.world.advance(4000);
    scheduler.call({ type: 'REVIVE' });
    await harness.world.advance(2000);
    const frameworkId = id<'FrameworkId'>(scheduler.id);
    const framework = harness.master.cluster.frameworks.get(frameworkId);
    expect(framework?.offers.size).to.equal(1);
    const info = { ...FRAMEWORK_INFO, id: { value: scheduler.id }, roles: ['other'] };
    const update = (change: object) =>
      scheduler.ask({
        type: 'UPDATE_FRAMEWORK',
        update_framework: { framework_info: { ...info, ...change } },
      });
    expect(await update({ user: 'x' })).to.include({ status: 400 });
    expect((await update({ user: 'x' })).message).to.match(/user/);
    expect((await update({ principal: 'x' })).message).to.match(/principal/);
    expect((await update({ checkpoint: true })).message).to.match(/checkpoint/);
    expect((await update({ roles: ['a', 'a'] })).message).to.match(
      /^Supplied FrameworkInfo is not valid: /,
    );
    expect(framework?.offers.size).to.equal(1);
    expect(await update({})).to.deep.equal({ status: 200 });
    const roles = [...(framework?.offers.values() ?? [])].map(({ role }) => role);
    expect(roles).to.not.include(FRAMEWORK_INFO.roles?.[0]);
    expect(scheduler.stream.of('RESCIND')).to.have.length(1);
    await harness.world.advance(2000);
    expect(scheduler.stream.offers.at(-1)?.allocation_info?.role).to.equal('other');
  });

  it('keeps the rings of completed frameworks and removed ids bounded', async () => {
    const harness = await Harness.started({
      config: { maxCompletedFrameworks: 2, maxRemovedFrameworks: 3 },
    });
    const ids: string[] = [];
    for (let count = 0; count < 5; count++) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const scheduler = await harness.subscribe();
      ids.push(scheduler.id);
      scheduler.call({ type: 'TEARDOWN' });
    }
    await harness.world.settle();
    expect([...harness.master.cluster.completedFrameworks]).to.have.length(2);
    const keys = (await harness.store.list('registry/frameworks/')).map(({ key }) => key);
    expect(keys).to.deep.equal(ids.slice(2).map((one) => `registry/frameworks/${one}`));
  });
});
