import { expect } from 'chai';
import { at } from '../../../core/base/index.js';
import {
  FRAMEWORK_INFO,
  Harness,
  OLD_FRAMEWORK_INFO,
  type Scheduler,
  reported,
  running,
} from './harness.js';
import { agentsOf, markGone, onRecord } from './operator-calls.js';

const SECOND = 1_000;

function statesOf(scheduler: Scheduler): readonly (readonly [string, string | undefined])[] {
  return scheduler.stream.updates.map(({ state, reason }) => [state, reason] as const);
}

describe('Master: marking an agent gone', () => {
  it('ends its tasks, tells frameworks, and shuts the agent down', async () => {
    const { harness, scheduler, agent } = await running();
    scheduler.call({ type: 'REVIVE' });
    await harness.live(2 * SECOND, [agent]);
    const offer = at(scheduler.stream.offers, scheduler.stream.offers.length - 1);
    scheduler.stream.clear();
    expect(await markGone(harness, agent.agentId)).to.deep.equal({ status: 200 });
    expect(scheduler.stream.types.filter((type) => type !== 'HEARTBEAT')).to.deep.equal([
      'RESCIND',
      'UPDATE',
      'FAILURE',
    ]);
    expect(scheduler.stream.of('RESCIND')[0]?.rescind?.offer_id).to.deep.equal(offer.id);
    expect(scheduler.stream.of('FAILURE')[0]?.failure).to.deep.equal({
      agent_id: { value: agent.agentId },
    });
    expect(statesOf(scheduler)).to.deep.equal([
      ['TASK_GONE_BY_OPERATOR', 'REASON_AGENT_REMOVED_BY_OPERATOR'],
    ]);
    expect(agent.of('REFUSED').map(({ refused }) => refused?.shutdown)).to.deep.equal([true]);
    expect(agent.isClosed).to.equal(true);
    expect(agentsOf(harness)).to.deep.equal([]);
    expect(onRecord(harness).states).to.deep.equal(['GONE']);
    expect(harness.counter('tasks_gone_by_operator')).to.equal(1);
    expect(harness.counter('slave_removals')).to.equal(1);
    expect(harness.counter('cpus_total')).to.equal(0);
    expect(harness.observed.map(({ kind }) => kind)).to.include.members([
      'agent-removed',
      'agent-gone',
    ]);
  });

  it('tells frameworks that do not know the state that the task is lost', async () => {
    const { harness, scheduler, agent } = await running({ info: OLD_FRAMEWORK_INFO });
    scheduler.stream.clear();
    await markGone(harness, agent.agentId);
    expect(statesOf(scheduler)).to.deep.equal([['TASK_LOST', 'REASON_AGENT_REMOVED_BY_OPERATOR']]);
    expect(scheduler.reconcile('t1', agent.agentId).map(({ state }) => state)).to.deep.equal([
      'TASK_LOST',
    ]);
  });

  it('keeps the agent out for ever, also under the next master', async () => {
    const { harness, scheduler, agent } = await running();
    await markGone(harness, agent.agentId);
    const tasks = [reported(scheduler, agent.agentId)];
    const isRefused = async (master: Harness): Promise<boolean> => {
      const back = await master.reregister(agent.agentId, { tasks });
      return back.isClosed && at(back.of('REFUSED'), 0).refused?.shutdown === true;
    };
    expect(await isRefused(harness)).to.equal(true);
    const next = await harness.restarted();
    expect(await isRefused(next)).to.equal(true);
    expect(agentsOf(next)).to.deep.equal([]);
  });

  it('says what became of its tasks when it is asked', async () => {
    const { harness, scheduler, agent } = await running();
    await markGone(harness, agent.agentId);
    const told = scheduler.reconcile('t1', agent.agentId);
    expect(told.map(({ state, reason }) => [state, reason])).to.deep.equal([
      ['TASK_GONE_BY_OPERATOR', 'REASON_RECONCILIATION'],
    ]);
    const framework = at([...harness.master.cluster.frameworks.values()], 0);
    expect([...framework.completedTasks]).to.have.length(1);
  });

  it('takes an agent for gone that is so already, and knows no other', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    const both = [markGone(harness, agent.agentId), markGone(harness, agent.agentId)];
    expect(await Promise.all(both)).to.deep.equal([{ status: 200 }, { status: 200 }]);
    expect(await markGone(harness, agent.agentId)).to.deep.equal({ status: 200 });
    expect(await markGone(harness, 'nobody')).to.deep.equal({
      status: 404,
      message: 'No agent found with ID nobody',
    });
    expect(harness.counter('slave_removals')).to.equal(1);
  });

  it('asks to try again while something else is recorded of the agent', async () => {
    const { harness, agent } = await running();
    harness.agentMessage(agent, { type: 'UNREGISTER', unregister: { reason: 'test' } });
    expect(await markGone(harness, agent.agentId)).to.include({ status: 503 });
    expect(await markGone(harness, agent.agentId)).to.include({ status: 404 });
  });

  it('keeps one that asks to come back waiting, until it is refused', async () => {
    const { harness, agent } = await running();
    const gone = markGone(harness, agent.agentId);
    const back = await harness.reregister(agent.agentId);
    expect(await gone).to.include({ status: 200 });
    await harness.world.settle();
    expect(back.messages.map(({ type }) => type)).to.deep.equal(['REFUSED']);
  });

  it('holds for one that the next master still awaits', async () => {
    const { harness: first, scheduler: former, agent } = await running();
    const harness = await first.restarted();
    const scheduler = await harness.subscribe({ ...FRAMEWORK_INFO, id: { value: former.id } });
    expect(scheduler.reconcile('t1', agent.agentId)).to.deep.equal([]);
    expect(await markGone(harness, agent.agentId)).to.include({ status: 200 });
    expect(scheduler.stream.of('FAILURE')).to.have.length(1);
    expect(scheduler.reconcile('t1', agent.agentId).map(({ state }) => state)).to.deep.equal([
      'TASK_GONE_BY_OPERATOR',
    ]);
    // The time to come back runs out for others alone.
    await harness.world.advance(700 * SECOND);
    expect(onRecord(harness).states).to.deep.equal(['GONE']);
    expect(harness.master.cluster.unreachableAgents.size).to.equal(0);
  });

  it('holds for one whose time to come back runs out in that moment', async () => {
    const { harness: first, agent } = await running();
    const harness = await first.restarted();
    await harness.world.advance(600 * SECOND - 1);
    const mark_agent_gone = { agent_id: { value: agent.agentId } };
    harness.world.clock.setTimer(1, () => {
      void harness.master.operatorCall({ type: 'MARK_AGENT_GONE', mark_agent_gone });
    });
    await harness.world.advance(SECOND);
    // Whichever came first: it is never recorded as unreachable after it was recorded as gone.
    const { goneAgents, unreachableAgents } = harness.master.cluster;
    const isGone = goneAgents.size === 1;
    expect(unreachableAgents.size).to.equal(isGone ? 0 : 1);
    expect(onRecord(harness).states).to.deep.equal([isGone ? 'GONE' : 'UNREACHABLE']);
  });

  it('ends the tasks of an unreachable one, which could have come back', async () => {
    const { harness, scheduler, agent } = await running();
    await harness.world.advance(80 * SECOND);
    scheduler.stream.clear();
    expect(await markGone(harness, agent.agentId)).to.include({ status: 200 });
    expect(statesOf(scheduler)).to.deep.equal([
      ['TASK_GONE_BY_OPERATOR', 'REASON_AGENT_REMOVED_BY_OPERATOR'],
    ]);
    const framework = at([...harness.master.cluster.frameworks.values()], 0);
    expect(framework.unreachableTasks.size).to.equal(0);
    expect([...framework.completedTasks].map(({ state }) => state)).to.deep.equal([
      'TASK_GONE_BY_OPERATOR',
    ]);
    expect(harness.counter('slaves_unreachable')).to.equal(0);
    expect(onRecord(harness).states).to.deep.equal(['GONE']);
    const tasks = [reported(scheduler, agent.agentId)];
    const back = await harness.reregister(agent.agentId, { tasks });
    expect(back.of('REFUSED').map(({ refused }) => refused?.shutdown)).to.deep.equal([true]);
  });

  it('is done by the next master when the first one ends before it acts', async () => {
    const { harness, scheduler, agent } = await running();
    const mark_agent_gone = { agent_id: { value: agent.agentId } };
    void harness.master.operatorCall({ type: 'MARK_AGENT_GONE', mark_agent_gone });
    const next = await harness.restarted();
    expect(agent.of('REFUSED')).to.deep.equal([]);
    const successor = await next.subscribe({ ...FRAMEWORK_INFO, id: { value: scheduler.id } });
    const tasks = [reported(scheduler, agent.agentId)];
    const back = await next.reregister(agent.agentId, { tasks });
    expect(back.of('REFUSED').map(({ refused }) => refused?.shutdown)).to.deep.equal([true]);
    expect(successor.reconcile('t1', agent.agentId).map(({ state }) => state)).to.deep.equal([
      'TASK_GONE_BY_OPERATOR',
    ]);
  });
});
