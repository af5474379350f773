import { expect } from 'chai';
import { MAX_MEASURED_FRAMEWORKS } from '../../../core/master/index.js';
import {
  FRAMEWORK_INFO,
  Harness,
  OLD_FRAMEWORK_INFO,
  type Scheduler,
  amounts,
  running,
  task,
} from './harness.js';

/** The figures of a framework that are not zero, without their prefix. */
function figures(harness: Harness, scheduler: Scheduler, name = 'test'): Record<string, number> {
  const prefix = `master/frameworks/${name}/${scheduler.id}/`;
  const own = [...harness.master.metrics()].filter(([key]) => key.startsWith(prefix));
  const told = own.flatMap(([key, value]) =>
    value === 0 ? [] : [[key.slice(prefix.length), value]],
  );
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pairs of name and figure
  return Object.fromEntries(told) as Record<string, number>;
}

describe('Master: metrics of frameworks', () => {
  it('count calls, events, operations, offers and tasks where they happen', async () => {
    const { harness, scheduler, agent } = await running();
    expect(figures(harness, scheduler)).to.deep.equal({
      calls: 3,
      'calls/accept': 1,
      'calls/acknowledge': 1,
      'calls/subscribe': 1,
      events: 4,
      'events/heartbeat': 1,
      'events/offers': 1,
      'events/subscribed': 1,
      'events/update': 1,
      'offers/accepted': 1,
      'offers/sent': 1,
      operations: 1,
      'operations/launch': 1,
      subscribed: 1,
      'tasks/active/task_running': 1,
    });
    harness.update(agent, scheduler, { state: 'TASK_KILLING', uuid: 'k' });
    expect(figures(harness, scheduler)).to.include({ 'tasks/active/task_killing': 1 });
    expect(figures(harness, scheduler)).not.to.have.property('tasks/active/task_running');
    expect(harness.counter('tasks_killing')).to.equal(1);
    harness.update(agent, scheduler, { state: 'TASK_KILLED', uuid: 'e' });
    scheduler.acknowledge(agent.agentId, 'e');
    const ended = figures(harness, scheduler);
    expect(ended).to.include({ 'tasks/terminal/task_killed': 1, 'events/update': 3 });
    expect(Object.keys(ended).filter((key) => key.startsWith('tasks/active'))).to.deep.equal([]);
  });

  it('count offers that are declined, rescinded, and operations that are refused', async () => {
    const harness = await Harness.started({ config: { offerTimeoutMs: 5_000 } });
    const agent = await harness.register();
    const scheduler = await harness.subscribe();
    const offer = await scheduler.offer();
    scheduler.call({ type: 'DECLINE', decline: { offer_ids: [offer.id, { value: 'unknown' }] } });
    expect(figures(harness, scheduler)).to.include({ 'offers/declined': 1, 'calls/decline': 1 });
    scheduler.call({ type: 'REVIVE' });
    await harness.live(7_000, [agent]);
    expect(figures(harness, scheduler)).to.include({
      'offers/rescinded': 1,
      'events/rescind': 1,
      'calls/revive': 1,
    });
    const next = await scheduler.offer();
    scheduler.accept([next], [{ type: 'DESTROY_DISK' }, { type: 'LAUNCH', launch: {} }]);
    expect(figures(harness, scheduler)).to.include({
      operations: 2,
      'operations/destroy_disk': 1,
      'operations/launch': 1,
    });
  });

  it('tell suppressed roles, and whether the framework is subscribed', async () => {
    const harness = await Harness.started();
    const scheduler = await harness.subscribe({ ...FRAMEWORK_INFO, roles: ['b', 'a/c'] }, ['b']);
    expect(figures(harness, scheduler)).to.include({ 'roles/b/suppressed': 1, subscribed: 1 });
    scheduler.call({ type: 'REVIVE' });
    scheduler.call({ type: 'SUPPRESS', suppress: { roles: ['a/c'] } });
    expect(figures(harness, scheduler)).to.include({ 'roles/a/c/suppressed': 1 });
    expect(figures(harness, scheduler)).not.to.have.property('roles/b/suppressed');
    scheduler.disconnect();
    expect(figures(harness, scheduler)).not.to.have.property('subscribed');
  });

  it('count tasks on unreachable agents, and tasks that never started', async () => {
    const { harness, scheduler } = await running();
    await harness.world.advance(80_000);
    const away = figures(harness, scheduler);
    expect(away).to.include({ 'tasks/active/task_unreachable': 1 });
    expect(away).not.to.have.property('tasks/active/task_running');
    await harness.register();
    const offer = await scheduler.offer();
    scheduler.call({ type: 'REVIVE' });
    await harness.world.advance(1_000);
    const newest = scheduler.stream.offers.at(-1) ?? offer;
    const invalid = task(newest, { task_id: { value: 't2' }, resources: amounts(99, 1) });
    scheduler.launch(newest, invalid);
    expect(figures(harness, scheduler)).to.include({ 'tasks/terminal/task_error': 1 });
    scheduler.launch(newest, task(newest, { task_id: { value: 't3' } }));
    expect(figures(harness, scheduler)).to.include({ 'tasks/terminal/task_dropped': 1 });
  });

  it('go with the framework, and write its name so that it is one part of the name', async () => {
    const harness = await Harness.started();
    const name = 'a b/c~%\u00e9\ud800';
    const scheduler = await harness.subscribe({ ...FRAMEWORK_INFO, name });
    const encoded = 'a%20b%2Fc%7E%25%C3%A9%EF%BF%BD';
    expect(figures(harness, scheduler, encoded)).to.include({ 'calls/subscribe': 1 });
    const isOfFramework = (key: string): boolean => key.startsWith('master/frameworks/');
    const keys = [...harness.master.metrics().keys()];
    expect(keys.filter(isOfFramework)).to.have.length.above(50);
    expect([...harness.master.metrics('brief').keys()].filter(isOfFramework)).to.deep.equal([]);
    scheduler.call({ type: 'TEARDOWN' });
    expect([...harness.master.metrics().keys()].filter(isOfFramework)).to.deep.equal([]);
  });

  it('are those of the first thousand frameworks', async () => {
    const harness = await Harness.started();
    for (let count = 0; count <= MAX_MEASURED_FRAMEWORKS; count++) {
      // oxlint-disable-next-line no-await-in-loop -- in this order
      await harness.subscribe();
    }
    const keys = [...harness.master.metrics().keys()];
    const own = keys.filter((key) => /^master\/frameworks\/.*-\d+\/subscribed$/.test(key));
    expect(own).to.have.length(MAX_MEASURED_FRAMEWORKS);
    expect(own.at(-1)).to.include('-0999/');
  });

  it('are left out when they are not to be published', async () => {
    const harness = await Harness.started({ config: { publishFrameworkMetrics: false } });
    await harness.subscribe();
    const keys = [...harness.master.metrics().keys()];
    expect(keys.filter((key) => key.startsWith('master/frameworks/'))).to.deep.equal([]);
  });

  it('tell both streams of a failover, and keep their counts', async () => {
    const { harness, scheduler } = await running();
    await harness.subscribe({ ...FRAMEWORK_INFO, id: { value: scheduler.id } });
    expect(figures(harness, scheduler)).to.include({
      'calls/subscribe': 2,
      'events/error': 1,
      'events/subscribed': 2,
      'tasks/active/task_running': 1,
    });
  });
});

describe('Master: metrics of lost tasks and of the registry', () => {
  it('count tasks of older frameworks that were lost because their executor ended', async () => {
    const { harness, scheduler, agent } = await running({ info: OLD_FRAMEWORK_INFO });
    const name = 'task_lost/source_slave/reason_executor_terminated';
    expect(harness.counter(name)).to.equal(0);
    const lost = { state: 'TASK_LOST', uuid: 'l', source: 'SOURCE_AGENT' } as const;
    harness.update(agent, scheduler, { ...lost, reason: 'REASON_EXECUTOR_TERMINATED' });
    harness.update(agent, scheduler, { ...lost, reason: 'REASON_EXECUTOR_TERMINATED' });
    expect(harness.counter(name)).to.equal(1);
    expect(harness.counter('tasks_lost')).to.equal(1);
  });

  it('measure how long the registry takes to be read and written', async () => {
    const harness = await Harness.started();
    await harness.register();
    const all = harness.master.metrics();
    expect(all.get('registrar/state_fetch_ms')).to.be.a('number');
    expect(all.get('registrar/state_store_ms')).to.be.a('number');
    expect(all.get('registrar/state_store_ms/count')).to.equal(2);
    expect(all.get('registrar/queued_operations')).to.equal(0);
  });
});
