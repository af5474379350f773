import { expect } from 'chai';
import type { LinkAgentMessageReregister, MaintenanceWindow } from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import {
  AGENT_INFO,
  FRAMEWORK_INFO,
  FakeConnection,
  Harness,
  type Scheduler,
  amounts,
  reported,
  running,
  task,
} from './harness.js';
import {
  agentOf,
  agentsOf,
  deactivate,
  drain,
  drainState,
  drainsTold,
  markGone,
  onRecord,
  operate,
  reactivate,
} from './operator-calls.js';

const SECOND = 1_000;

/** The agent says that its task was killed, and the framework acknowledges it. */
function endTask(harness: Harness, scheduler: Scheduler, agent: FakeConnection): void {
  harness.update(agent, scheduler, { state: 'TASK_KILLED', uuid: 'killed' });
  scheduler.acknowledge(agent.agentId, 'killed');
}

function schedule(harness: Harness, ...windows: MaintenanceWindow[]): Promise<unknown> {
  return operate(harness, {
    type: 'UPDATE_MAINTENANCE_SCHEDULE',
    update_maintenance_schedule: { schedule: { windows } },
  });
}

describe('Master: draining an agent', () => {
  it('takes its offers back, and has it drained at once when nothing runs there', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    const scheduler = await harness.subscribe();
    const offer = await scheduler.offer();
    expect(await drain(harness, agent.agentId)).to.deep.equal({ status: 200 });
    expect(scheduler.stream.of('RESCIND')).to.deep.equal([
      { type: 'RESCIND', rescind: { offer_id: offer.id } },
    ]);
    expect(agentOf(harness)).to.deep.include({ active: false, deactivated: true });
    expect(agentOf(harness).drain_info).to.deep.equal({
      state: 'DRAINED',
      config: { mark_gone: false },
    });
    scheduler.call({ type: 'REVIVE' });
    await harness.live(10 * SECOND, [agent]);
    expect(scheduler.stream.offers).to.have.length(1);
    expect(harness.observed.map(({ kind }) => kind)).to.include.members([
      'agent-draining',
      'agent-drained',
    ]);
  });

  it('tells the agent on which conditions, and that it is over', async () => {
    const { harness, scheduler, agent } = await running();
    await harness.live(7 * SECOND, [agent]);
    const started = harness.world.clock.now() / SECOND;
    const max_grace_period = { seconds: 90n, nanos: 500_000_000 };
    await drain(harness, agent.agentId, { max_grace_period });
    const config = { max_grace_period: { nanoseconds: 90_500_000_000n }, mark_gone: false };
    expect(drainsTold(agent)).to.deep.equal([{ config, started }]);
    const { drain_info, estimated_drain_start_time } = agentOf(harness);
    expect(drain_info).to.deep.equal({ state: 'DRAINING', config });
    expect(estimated_drain_start_time).to.deep.equal({
      nanoseconds: BigInt(started * SECOND) * 1_000_000n,
    });
    endTask(harness, scheduler, agent);
    await harness.world.settle();
    expect(drainsTold(agent).slice(1)).to.deep.equal([{}]);
  });

  it('awaits the end of every task, and its acknowledgement', async () => {
    const { harness, scheduler, agent } = await running();
    await drain(harness, agent.agentId);
    harness.update(agent, scheduler, { state: 'TASK_KILLED', uuid: 'killed' });
    await harness.live(5 * SECOND, [agent]);
    expect(drainState(harness)).to.equal('DRAINING');
    scheduler.acknowledge(agent.agentId, 'killed');
    await harness.world.settle();
    expect(drainState(harness)).to.equal('DRAINED');
    expect(agentOf(harness).drain_info?.config).to.deep.equal({ mark_gone: false });
  });

  it('awaits the end of executors', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    const scheduler = await harness.subscribe();
    const offer = await scheduler.offer();
    const executor = {
      executor_id: { value: 'e1' },
      command: { value: './executor' },
      resources: amounts(1, 64),
    };
    scheduler.launch(offer, task(offer, { command: undefined, executor }));
    await drain(harness, agent.agentId);
    endTask(harness, scheduler, agent);
    await harness.world.settle();
    expect(drainState(harness)).to.equal('DRAINING');
    const framework_id = { value: scheduler.id };
    harness.agentMessage(agent, {
      type: 'EXECUTOR_EXITED',
      executor_exited: { framework_id, executor_id: { value: 'e1' }, status: 0 },
    });
    await harness.world.settle();
    expect(drainState(harness)).to.equal('DRAINED');
  });

  it('awaits the outcome of operations with an id, and its acknowledgement', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    const scheduler = await harness.subscribe();
    const offer = await scheduler.offer();
    const resources = amounts(1, 64, { reservations: [{ type: 'DYNAMIC', role: 'web' }] });
    const reserve = { type: 'RESERVE' as const, id: { value: 'o1' }, reserve: { resources } };
    harness.carriesOut = false;
    scheduler.accept([offer], [reserve]);
    await drain(harness, agent.agentId);
    expect(drainState(harness)).to.equal('DRAINING');
    harness.carryOut(scheduler);
    await harness.world.settle();
    expect(drainState(harness)).to.equal('DRAINED');
  });

  it('refuses what was to be launched from an offer that it has taken back', async () => {
    const { harness, scheduler, agent } = await running();
    const offer = at(scheduler.stream.offers, scheduler.stream.offers.length - 1);
    const other = await harness.subscribe({ ...FRAMEWORK_INFO, name: 'other', roles: ['other'] });
    const offered = await other.offer();
    await drain(harness, agent.agentId);
    other.launch(offered, task(offer, { task_id: { value: 'late' } }));
    expect(other.stream.updates.map(({ state, reason }) => [state, reason])).to.deep.equal([
      ['TASK_DROPPED', 'REASON_INVALID_OFFERS'],
    ]);
    expect(agent.launched.map(({ task_id }) => task_id.value)).to.deep.equal(['t1']);
  });

  it('ends with the framework of the last task', async () => {
    const { harness, scheduler, agent } = await running();
    await drain(harness, agent.agentId);
    scheduler.call({ type: 'TEARDOWN' });
    await harness.world.settle();
    expect(drainState(harness)).to.equal('DRAINED');
  });

  it('takes other conditions while it goes on, and starts anew when it is over', async () => {
    const { harness, scheduler, agent } = await running();
    await drain(harness, agent.agentId);
    const started = agentOf(harness).estimated_drain_start_time;
    await harness.live(5 * SECOND, [agent]);
    const max_grace_period = { seconds: 0n };
    expect(await drain(harness, agent.agentId, { max_grace_period })).to.include({ status: 200 });
    expect(drainsTold(agent).map(({ config }) => config?.max_grace_period)).to.deep.equal([
      undefined,
      { nanoseconds: 0n },
    ]);
    expect(agentOf(harness).estimated_drain_start_time).to.deep.equal(started);
    endTask(harness, scheduler, agent);
    await drain(harness, agent.agentId);
    expect(agentOf(harness).drain_info).to.deep.equal({
      state: 'DRAINED',
      config: { mark_gone: false },
    });
    expect(agentOf(harness).estimated_drain_start_time).not.to.deep.equal(started);
  });

  for (const [max_grace_period, text] of [
    [{ seconds: -1n }, /'drain_agent\.max_grace_period' is negative/],
    [{ seconds: 0n, nanos: -1 }, /'drain_agent\.max_grace_period' is negative/],
    [{ seconds: 9_223_372_037n }, /'drain_agent\.max_grace_period' exceeds 292 years/],
  ] as const) {
    it(`refuses a grace period of ${max_grace_period.seconds} s`, async () => {
      const harness = await Harness.started();
      const agent = await harness.register();
      const answer = await drain(harness, agent.agentId, { max_grace_period });
      expect(answer.status).to.equal(400);
      expect(answer.message).to.match(text);
      expect(agentOf(harness)).to.deep.include({ active: true, deactivated: false });
      expect(onRecord(harness).deactivated).to.deep.equal([]);
    });
  }

  it('refuses agents that it does not know, that cannot be drained, or that are scheduled', async () => {
    const harness = await Harness.started();
    for (const call of [drain, deactivate, reactivate]) {
      // oxlint-disable-next-line no-await-in-loop -- one call after the other
      expect(await call(harness, 'nobody')).to.include({ status: 400 });
    }
    const old = new FakeConnection();
    harness.agentMessage(old, {
      type: 'REGISTER',
      register: { agent_info: { ...AGENT_INFO, hostname: 'old' }, version: '1.8.0' },
    });
    const agent = await harness.register();
    expect((await drain(harness, old.agentId)).message).to.match(/AGENT_DRAINING/);
    const unavailability = { start: { nanoseconds: 1_900_000_000_000_000_000n } };
    await schedule(harness, { machine_ids: [{ hostname: 'HOST-1' }], unavailability });
    expect(await drain(harness, agent.agentId)).to.deep.equal({
      status: 400,
      message: `Agent ${agent.agentId} runs on machine HOST-1, which is in the maintenance schedule`,
    });
    expect(agentsOf(harness).every(({ active }) => active)).to.equal(true);
  });

  it('answers 409 when the agent was removed before the call was recorded', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    harness.agentMessage(agent, { type: 'UNREGISTER', unregister: { reason: 'test' } });
    expect(await drain(harness, agent.agentId)).to.deep.equal({
      status: 409,
      message: `Agent ${agent.agentId} was removed meanwhile`,
    });
    expect(onRecord(harness)).to.deep.equal({ states: [], deactivated: [] });
  });

  it('answers 409 while the agent is being marked gone', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    const gone = markGone(harness, agent.agentId);
    expect(await drain(harness, agent.agentId)).to.include({ status: 409 });
    expect(await gone).to.include({ status: 200 });
    expect(await deactivate(harness, agent.agentId)).to.include({ status: 400 });
  });

  it('is forgotten with an agent that leaves', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    await drain(harness, agent.agentId);
    expect(onRecord(harness).deactivated).to.deep.equal([agent.agentId]);
    harness.agentMessage(agent, { type: 'UNREGISTER', unregister: { reason: 'test' } });
    await harness.world.settle();
    expect(onRecord(harness)).to.deep.equal({ states: [], deactivated: [] });
    expect(harness.master.cluster.deactivations.size).to.equal(0);
  });
});

describe('Master: draining an agent that is away', () => {
  it('goes on when a disconnected one is back', async () => {
    const { harness, scheduler, agent } = await running();
    harness.master.agentDisconnected(agent);
    expect(await drain(harness, agent.agentId)).to.include({ status: 200 });
    expect(drainState(harness)).to.equal('DRAINING');
    const tasks = [reported(scheduler, agent.agentId)];
    const back = await harness.reregister(agent.agentId, { tasks });
    expect(drainsTold(back)).to.have.length(1);
    const types = back.messages.map(({ type }) => type);
    expect(types.indexOf('DRAIN')).to.be.greaterThan(types.indexOf('REREGISTERED'));
    await harness.live(5 * SECOND, [back]);
    expect(drainState(harness)).to.equal('DRAINING');
    endTask(harness, scheduler, back);
    await harness.world.settle();
    expect(drainState(harness)).to.equal('DRAINED');
    expect(scheduler.stream.offers).to.have.length(1);
  });

  it('does not hold a disconnected one for drained that has nothing in the books', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    harness.master.agentDisconnected(agent);
    await drain(harness, agent.agentId);
    expect(drainState(harness)).to.equal('DRAINING');
    await harness.reregister(agent.agentId);
    expect(drainState(harness)).to.equal('DRAINED');
  });

  it('goes on when an unreachable one is back', async () => {
    const { harness, scheduler, agent } = await running();
    await harness.world.advance(80 * SECOND);
    expect(agentsOf(harness)).to.deep.equal([]);
    expect(await drain(harness, agent.agentId)).to.include({ status: 200 });
    const tasks = [reported(scheduler, agent.agentId)];
    const frameworks = [{ ...FRAMEWORK_INFO, id: { value: scheduler.id } }];
    const back = await harness.reregister(agent.agentId, { tasks, frameworks });
    expect(drainsTold(back)).to.have.length(1);
    expect(drainState(harness)).to.equal('DRAINING');
    endTask(harness, scheduler, back);
    await harness.live(5 * SECOND, [back]);
    expect(drainState(harness)).to.equal('DRAINED');
    expect(scheduler.stream.offers).to.have.length(1);
  });

  it('holds while a drained one becomes unreachable and comes back', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    await drain(harness, agent.agentId);
    await harness.world.advance(80 * SECOND);
    expect(onRecord(harness)).to.deep.equal({
      states: ['UNREACHABLE'],
      deactivated: [agent.agentId],
    });
    const scheduler = await harness.subscribe();
    const back = await harness.reregister(agent.agentId);
    expect(drainState(harness)).to.equal('DRAINED');
    expect(drainsTold(back)).to.deep.equal([]);
    await harness.live(5 * SECOND, [back]);
    expect(scheduler.stream.offers).to.deep.equal([]);
  });

  it('is begun for one that the next master still awaits, after its name', async () => {
    const first = await Harness.started();
    const agent = await first.register();
    const harness = await first.restarted();
    const unavailability = { start: { nanoseconds: 1_900_000_000_000_000_000n } };
    await schedule(harness, { machine_ids: [{ hostname: 'host-1' }], unavailability });
    expect((await drain(harness, agent.agentId)).message).to.match(/maintenance schedule/);
    await schedule(harness);
    expect(await drain(harness, agent.agentId)).to.include({ status: 200 });
    const back = await harness.reregister(agent.agentId);
    expect(drainsTold(back)).to.have.length(2);
    expect(drainState(harness)).to.equal('DRAINED');
  });
});

describe('Master: draining and the next master', () => {
  async function cutShort(): Promise<{
    readonly harness: Harness;
    readonly agentId: string;
    readonly report: Pick<LinkAgentMessageReregister, 'tasks' | 'frameworks'>;
    readonly scheduler: Scheduler;
  }> {
    const { harness, scheduler, agent } = await running();
    const { agentId } = agent;
    await drain(harness, agentId, { max_grace_period: { seconds: 5n } });
    return {
      harness: await harness.restarted(),
      agentId,
      scheduler,
      report: {
        tasks: [reported(scheduler, agentId)],
        frameworks: [{ ...FRAMEWORK_INFO, id: { value: scheduler.id } }],
      },
    };
  }

  it('goes on where the former one was', async () => {
    const { harness, agentId, report, scheduler: former } = await cutShort();
    const scheduler = await harness.subscribe({ ...FRAMEWORK_INFO, id: { value: former.id } });
    const started = harness.world.clock.now();
    await harness.world.advance(3 * SECOND);
    const back = await harness.reregister(agentId, {
      tasks: report.tasks ?? [],
      frameworks: report.frameworks ?? [],
    });
    expect(drainsTold(back)).to.deep.equal([
      {
        config: { max_grace_period: { nanoseconds: 5_000_000_000n }, mark_gone: false },
        started: started / SECOND,
      },
    ]);
    endTask(harness, scheduler, back);
    await harness.live(5 * SECOND, [back]);
    expect(drainState(harness)).to.equal('DRAINED');
    expect(scheduler.stream.offers).to.deep.equal([]);
    const next = await harness.restarted();
    await next.reregister(agentId);
    expect(drainState(next)).to.equal('DRAINED');
    expect(await reactivate(next, agentId)).to.include({ status: 200 });
  });

  it('is done by the next master when the first one ends before it acts', async () => {
    const { harness, scheduler, agent } = await running();
    const drain_agent = { agent_id: { value: agent.agentId } };
    let isAnswered = false;
    const answer = harness.master.operatorCall({ type: 'DRAIN_AGENT', drain_agent });
    if (answer instanceof Promise) answer.then(() => (isAnswered = true)).catch(() => {});
    const next = await harness.restarted();
    await next.world.settle();
    expect(isAnswered).to.equal(false);
    expect(drainsTold(agent)).to.deep.equal([]);
    const tasks = [reported(scheduler, agent.agentId)];
    const frameworks = [{ ...FRAMEWORK_INFO, id: { value: scheduler.id } }];
    const back = await next.reregister(agent.agentId, { tasks, frameworks });
    expect(drainsTold(back)).to.have.length(1);
    expect(drainState(next)).to.equal('DRAINING');
  });

  it('forgets what was decided about agents that are no more', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    await drain(harness, agent.agentId);
    const entries = harness.medium.list('registry/agents/');
    harness.master.stop();
    await harness.store.transact({ deletes: entries.map(({ key }) => key) });
    const next = await harness.restarted();
    await next.world.settle();
    expect(onRecord(next)).to.deep.equal({ states: [], deactivated: [] });
  });
});

describe('Master: agents that are marked gone when they are drained', () => {
  it('are gone as soon as nothing is left on them, in one write', async () => {
    const { harness, scheduler, agent } = await running();
    await drain(harness, agent.agentId, { mark_gone: true });
    expect(drainsTold(agent).map(({ config }) => config)).to.deep.equal([{ mark_gone: true }]);
    harness.update(agent, scheduler, { state: 'TASK_GONE_BY_OPERATOR', uuid: 'over' });
    expect(drainState(harness)).to.equal('DRAINING');
    scheduler.acknowledge(agent.agentId, 'over');
    await harness.world.settle();
    expect(agentsOf(harness)).to.deep.equal([]);
    expect(onRecord(harness)).to.deep.equal({ states: ['GONE'], deactivated: [] });
    expect(agent.of('REFUSED')).to.have.length(1);
    expect(agent.isClosed).to.equal(true);
    const back = await harness.reregister(agent.agentId);
    expect(back.of('REFUSED').map(({ refused }) => refused?.shutdown)).to.deep.equal([true]);
  });

  it('are gone at once when nothing runs there', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    expect(await drain(harness, agent.agentId, { mark_gone: true })).to.include({ status: 200 });
    expect(agentsOf(harness)).to.deep.equal([]);
    expect(await drain(harness, agent.agentId)).to.include({ status: 400 });
  });

  it('stay when the wish is taken back in time', async () => {
    const { harness, scheduler, agent } = await running();
    await drain(harness, agent.agentId, { mark_gone: true });
    await drain(harness, agent.agentId);
    endTask(harness, scheduler, agent);
    await harness.world.settle();
    expect(drainState(harness)).to.equal('DRAINED');
  });
});

describe('Master: deactivating and reactivating an agent', () => {
  it('stops and resumes offers, while tasks go on', async () => {
    const { harness, scheduler, agent } = await running();
    scheduler.call({ type: 'REVIVE' });
    await harness.live(2 * SECOND, [agent]);
    const before = scheduler.stream.offers.length;
    expect(await deactivate(harness, agent.agentId)).to.deep.equal({ status: 200 });
    expect(scheduler.stream.of('RESCIND')).to.have.length(1);
    await harness.live(5 * SECOND, [agent]);
    expect(scheduler.stream.offers).to.have.length(before);
    expect(drainsTold(agent)).to.deep.equal([]);
    expect(agentOf(harness)).to.deep.include({ active: false, deactivated: true });
    expect(agentOf(harness).drain_info).to.equal(undefined);
    const metrics = harness.master.metrics();
    expect(metrics.get('master/slaves_active')).to.equal(0);
    expect(metrics.get('master/slaves_connected')).to.equal(1);
    harness.update(agent, scheduler, { state: 'TASK_FINISHED', uuid: 'done' });
    expect(at(scheduler.stream.updates, scheduler.stream.updates.length - 1).state).to.equal(
      'TASK_FINISHED',
    );
    expect(await reactivate(harness, agent.agentId)).to.deep.equal({ status: 200 });
    await harness.live(2 * SECOND, [agent]);
    expect(scheduler.stream.offers).to.have.length(before + 1);
    expect(agentOf(harness)).to.deep.include({ active: true, deactivated: false });
    expect(onRecord(harness).deactivated).to.deep.equal([]);
  });

  it('may be asked for twice, and leaves a drain as it is', async () => {
    const { harness, agent } = await running();
    await deactivate(harness, agent.agentId);
    expect(await deactivate(harness, agent.agentId)).to.deep.equal({ status: 200 });
    await drain(harness, agent.agentId);
    expect(await deactivate(harness, agent.agentId)).to.deep.equal({ status: 200 });
    expect(drainState(harness)).to.equal('DRAINING');
  });

  it('is in the registry', async () => {
    const first = await Harness.started();
    const agent = await first.register();
    await deactivate(first, agent.agentId);
    const harness = await first.restarted();
    const scheduler = await harness.subscribe();
    const back = await harness.reregister(agent.agentId);
    await harness.live(5 * SECOND, [back]);
    expect(scheduler.stream.offers).to.deep.equal([]);
    await reactivate(harness, agent.agentId);
    await harness.live(2 * SECOND, [back]);
    expect(scheduler.stream.offers).to.have.length(1);
    const next = await harness.restarted();
    await next.reregister(agent.agentId);
    expect(agentOf(next)).to.deep.include({ active: true, deactivated: false });
  });

  it('refuses to reactivate what is not deactivated, or is still draining', async () => {
    const { harness, scheduler, agent } = await running();
    const answer = await reactivate(harness, agent.agentId);
    expect(answer).to.deep.equal({
      status: 400,
      message: `Agent ${agent.agentId} is not deactivated`,
    });
    await drain(harness, agent.agentId);
    expect((await reactivate(harness, agent.agentId)).message).to.match(/still being drained/);
    endTask(harness, scheduler, agent);
    await harness.world.settle();
    expect(await reactivate(harness, agent.agentId)).to.deep.equal({ status: 200 });
    expect(agentOf(harness)).to.deep.include({ active: true, deactivated: false });
    expect(agentOf(harness).drain_info).to.equal(undefined);
  });

  it('offers a disconnected one only when it is back', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    await drain(harness, agent.agentId);
    harness.master.agentDisconnected(agent);
    const scheduler = await harness.subscribe();
    expect(await reactivate(harness, agent.agentId)).to.include({ status: 200 });
    await harness.live(3 * SECOND, []);
    expect(scheduler.stream.offers).to.deep.equal([]);
    const back = await harness.reregister(agent.agentId);
    await harness.live(2 * SECOND, [back]);
    expect(scheduler.stream.offers).to.have.length(1);
  });
});
