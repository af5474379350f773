import { expect } from 'chai';
import { id } from '../../../core/base/index.js';
import {
  AGENT_INFO,
  FRAMEWORK_INFO,
  FakeConnection,
  Harness,
  OLD_FRAMEWORK_INFO,
  ROLE,
  amounts,
  reported,
  running,
} from './harness.js';

const T1 = id<'TaskId'>('t1');

describe('Master: agents', () => {
  it('records an agent before it registers it', async () => {
    const harness = await Harness.started();
    const connection = new FakeConnection();
    const register = { agent_info: AGENT_INFO, version: '1.11.0' };
    harness.master.agentMessage(connection, { type: 'REGISTER', register });
    expect(connection.messages).to.deep.equal([]);
    await harness.world.settle();
    expect(connection.messages.map(({ type }) => type)).to.include.members(['REGISTERED', 'PING']);
    expect(connection.agentId).to.equal(`${harness.master.info.id}-S0`);
    expect(connection.of('REGISTERED')[0]?.registered?.ping_timeout_seconds).to.equal(75);
    expect((await harness.store.list('registry/agents/')).length).to.equal(1);
  });

  it('admits an agent once although it repeats REGISTER', async () => {
    const harness = await Harness.started();
    const one = new FakeConnection();
    const two = new FakeConnection();
    const register = { agent_info: AGENT_INFO, version: '1.11.0' };
    harness.master.agentMessage(one, { type: 'REGISTER', register });
    harness.master.agentMessage(one, { type: 'REGISTER', register });
    harness.master.agentDisconnected(one);
    harness.master.agentMessage(two, { type: 'REGISTER', register });
    await harness.world.settle();
    expect(one.messages).to.deep.equal([]);
    expect(harness.master.cluster.agents.size).to.equal(1);
    harness.master.agentMessage(two, { type: 'REGISTER', register });
    await harness.world.settle();
    expect(two.of('REGISTERED').map((one) => one.registered?.agent_id.value)).to.deep.equal([
      two.agentId,
      two.agentId,
    ]);
    const third = await harness.register();
    expect(third.agentId).to.equal(two.agentId);
    expect(two.isClosed).to.equal(true);
    expect(harness.master.cluster.agents.size).to.equal(1);
  });

  it('gives up the tasks of an agent that registers anew from the same address', async () => {
    const { harness, scheduler, agent } = await running();
    const again = await harness.register();
    expect(again.agentId).not.to.equal(agent.agentId);
    expect(scheduler.stream.updates.at(-1)).to.include({
      state: 'TASK_GONE',
      reason: 'REASON_AGENT_REMOVED',
    });
    expect([...harness.master.cluster.agents.keys()]).to.deep.equal([again.agentId]);
  });

  it('refuses agents that are too old', async () => {
    const harness = await Harness.started();
    const connection = new FakeConnection();
    const register = { agent_info: AGENT_INFO, version: '0.28.2' };
    harness.master.agentMessage(connection, { type: 'REGISTER', register });
    expect(connection.of('REFUSED')[0]?.refused?.message).to.match(/0\.28\.2/);
    expect(connection.isClosed).to.equal(true);
  });

  it('ignores what an agent says before it registers', async () => {
    const { harness, scheduler } = await running();
    const before = scheduler.stream.events.length;
    harness.update(new FakeConnection(), scheduler, { state: 'TASK_FAILED', uuid: 'x' });
    expect(scheduler.stream.events).to.have.length(before);
  });

  it('pings every 15 s and keeps an agent that answers', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    await harness.live(150_000, [agent]);
    expect(agent.of('PING')).to.have.length(11);
    expect(harness.master.cluster.agents.size).to.equal(1);
  });

  for (const [info, state] of [
    [FRAMEWORK_INFO, 'TASK_UNREACHABLE'],
    [OLD_FRAMEWORK_INFO, 'TASK_LOST'],
  ] as const) {
    it(`makes a silent agent unreachable after 75 s: ${state}`, async () => {
      const { harness, scheduler, agent } = await running({ info });
      const agentId = agent.agentId;
      await harness.world.advance(70_000);
      expect(harness.master.cluster.agents.size).to.equal(1);
      scheduler.stream.clear();
      await harness.world.advance(6_000);
      expect(harness.master.cluster.agents.size).to.equal(0);
      expect(harness.master.cluster.unreachableAgents.size).to.equal(1);
      const [update] = scheduler.stream.updates;
      expect(update).to.include({ state, reason: 'REASON_AGENT_REMOVED' });
      expect(update?.uuid).to.equal(undefined);
      expect(update?.unreachable_time?.nanoseconds).to.be.a('bigint');
      expect(scheduler.stream.of('FAILURE')[0]?.failure).to.deep.equal({
        agent_id: { value: agentId },
      });
      expect(harness.counter('cpus_used')).to.equal(0);
      const answer = scheduler.reconcile('t1', agentId)[0];
      expect(answer).to.include({ state, reason: 'REASON_RECONCILIATION' });
      expect(agent.isClosed).to.equal(true);
    });

    it(`takes an unreachable agent back with its tasks: after ${state}`, async () => {
      const { harness, scheduler, agent } = await running({ info });
      const agentId = agent.agentId;
      await harness.world.advance(76_000);
      scheduler.stream.clear();
      const again = await harness.reregister(agentId, {
        tasks: [reported(scheduler, agentId)],
        frameworks: [{ ...info, id: { value: scheduler.id } }],
      });
      expect(again.of('REREGISTERED')).to.have.length(1);
      expect(scheduler.stream.updates[0]).to.include({
        state: 'TASK_RUNNING',
        reason: 'REASON_AGENT_REREGISTERED',
      });
      const framework = harness.master.cluster.frameworks.get(id<'FrameworkId'>(scheduler.id));
      expect(framework?.tasks.has(T1)).to.equal(true);
      expect(framework?.unreachableTasks.size).to.equal(0);
      expect([...(framework?.completedTasks ?? [])]).to.deep.equal([]);
      expect(harness.counter('cpus_used')).to.equal(1);
      expect(harness.master.cluster.unreachableAgents.size).to.equal(0);
    });
  }

  it('refuses the id of a task on an unreachable agent', async () => {
    const { harness, scheduler } = await running();
    await harness.world.advance(76_000);
    const other = await harness.register({ ...AGENT_INFO, hostname: 'host-2' });
    await harness.live(2000, [other]);
    const offer = scheduler.stream.offers.at(-1);
    if (offer === undefined) throw new Error('an offer is needed');
    scheduler.launch(offer, {
      name: 'x',
      task_id: { value: 't1' },
      agent_id: offer.agent_id,
      resources: amounts(1, 1),
      command: { value: 'x' },
    });
    expect(scheduler.stream.updates.at(-1)?.message).to.match(/unreachable/);
  });

  it('keeps the tasks of unreachable agents bounded', async () => {
    const { harness, scheduler } = await running({
      config: { maxUnreachableTasksPerFramework: 0 },
    });
    await harness.world.advance(76_000);
    const framework = harness.master.cluster.frameworks.get(id<'FrameworkId'>(scheduler.id));
    expect(framework?.unreachableTasks.size).to.equal(0);
    expect(framework?.tasks.size).to.equal(0);
  });

  it('lets a request to come back wait until the agent is recorded as unreachable', async () => {
    const { harness, scheduler, agent } = await running();
    const agentId = agent.agentId;
    const back = new FakeConnection();
    harness.master.observe(({ kind }) => {
      expect(kind).not.to.equal('agent-removed');
    });
    await harness.world.advance(74_999);
    harness.world.clock.setTimer(1, () => {
      queueMicrotask(() => {
        harness.master.agentMessage(back, {
          type: 'REREGISTER',
          reregister: {
            agent_info: { ...AGENT_INFO, id: { value: agentId } },
            version: '1.11.0',
            tasks: [reported(scheduler, agentId)],
          },
        });
      });
    });
    await harness.world.advance(1000);
    expect(back.of('REREGISTERED')).to.have.length(1);
    expect(harness.master.cluster.agents.get(id<'AgentId'>(agentId))?.connection).to.equal(back);
    expect(harness.counter('cpus_used')).to.equal(1);
  });

  it('asks a returning agent about tasks that it does not know', async () => {
    const { harness, scheduler, agent } = await running();
    harness.master.agentDisconnected(agent);
    await harness.world.advance(10_000);
    const again = await harness.reregister(agent.agentId, { tasks: [] });
    expect(again.of('REREGISTERED')[0]?.reregistered?.unknown_tasks).to.deep.equal([
      { framework_id: { value: scheduler.id }, task_ids: [{ value: 't1' }] },
    ]);
    expect(harness.counter('cpus_used')).to.equal(1);
    harness.update(again, scheduler, { state: 'TASK_DROPPED', uuid: 'x' });
    expect(harness.counter('cpus_used')).to.equal(0);
  });

  it('gives a disconnected agent the ping timeout, and a second connection replaces the first', async () => {
    const { harness, agent } = await running();
    const again = await harness.reregister(agent.agentId);
    expect(agent.isClosed).to.equal(true);
    expect(harness.counter('slaves_connected')).to.equal(1);
    harness.master.agentDisconnected(agent);
    expect(harness.counter('slaves_connected')).to.equal(1);
    harness.master.agentDisconnected(again);
    expect(harness.counter('slaves_connected')).to.equal(0);
    await harness.world.advance(76_000);
    expect(harness.master.cluster.agents.size).to.equal(0);
  });

  it('ends the tasks of a framework that was removed while the agent was away', async () => {
    const { harness, scheduler, agent } = await running();
    harness.master.agentDisconnected(agent);
    scheduler.call({ type: 'TEARDOWN' });
    await harness.world.settle();
    const again = await harness.reregister(agent.agentId, {
      tasks: [reported(scheduler, agent.agentId)],
      frameworks: [{ ...FRAMEWORK_INFO, id: { value: scheduler.id } }],
    });
    expect(again.of('SHUTDOWN_FRAMEWORK')).to.have.length(1);
    expect(harness.counter('cpus_used')).to.equal(0);
  });

  it('removes an agent that unregisters', async () => {
    const { harness, scheduler, agent } = await running();
    harness.agentMessage(agent, { type: 'UNREGISTER', unregister: { reason: 'upgrade' } });
    await harness.world.settle();
    expect(scheduler.stream.updates.at(-1)?.state).to.equal('TASK_GONE');
    expect(harness.master.cluster.agents.size).to.equal(0);
    expect((await harness.store.list('registry/agents/')).length).to.equal(0);
    expect(scheduler.reconcile('t1', 'x')[0]?.state).to.equal('TASK_UNKNOWN');
  });

  it('refuses a report that it cannot trust', async () => {
    const harness = await Harness.started();
    const scheduler = await harness.subscribe();
    const bad = { ...reported(scheduler, 'S'), resources: amounts(1, 1) };
    const connection = await harness.reregister('S', { tasks: [bad] });
    expect(connection.of('REFUSED')).to.have.length(1);
    expect(harness.fatal).to.deep.equal([]);
  });

  it('kills a returning task whose id runs on another agent by now', async () => {
    const { harness, scheduler, agent } = await running({ info: OLD_FRAMEWORK_INFO });
    const agentId = agent.agentId;
    await harness.world.advance(76_000);
    const other = await harness.register({ ...AGENT_INFO, hostname: 'host-2' });
    await harness.live(2000, [other]);
    const offer = scheduler.stream.offers.at(-1);
    if (offer === undefined) throw new Error('an offer is needed');
    scheduler.launch(offer, {
      name: 'x',
      task_id: { value: 't1' },
      agent_id: offer.agent_id,
      resources: amounts(1, 1),
      command: { value: 'x' },
    });
    expect(other.launched).to.have.length(1);
    const back = await harness.reregister(agentId, {
      tasks: [reported(scheduler, agentId)],
      frameworks: [],
    });
    expect(back.of('KILL_TASK')).to.have.length(1);
    const framework = harness.master.cluster.frameworks.get(id<'FrameworkId'>(scheduler.id));
    expect(framework?.tasks.get(T1)?.agentId).to.equal(other.agentId);
  });

  it('recovers reservations that an agent has checkpointed', async () => {
    const harness = await Harness.started();
    const reservations = [{ type: 'DYNAMIC' as const, role: ROLE }];
    const checkpointed = amounts(1, 128, { reservations });
    const agent = await harness.reregister('S', { checkpointed });
    expect(agent.of('CHECKPOINT_RESOURCES')).to.have.length(0);
    const scheduler = await harness.subscribe({ ...FRAMEWORK_INFO, roles: ['other'] });
    const offer = await scheduler.offer();
    expect(offer.resources?.find(({ name }) => name === 'cpus')?.scalar?.value).to.equal(3);
  });
});
