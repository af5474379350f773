import { expect } from 'chai';
import { id } from '../../../core/base/index.js';
import { FRAMEWORK_INFO, Harness, OLD_FRAMEWORK_INFO, running, task } from './harness.js';

const T1 = id<'TaskId'>('t1');

describe('Master: status updates', () => {
  it('forwards an update, keeps the last status of each state, and frees resources once', async () => {
    const { harness, scheduler, agent } = await running();
    const framework = harness.master.cluster.frameworks.get(id<'FrameworkId'>(scheduler.id));
    const record = framework?.tasks.get(T1);
    harness.update(agent, scheduler, { uuid: 'a', healthy: true, data: 'c2VjcmV0' });
    expect(record?.message.statuses?.map((one) => one.uuid)).to.deep.equal(['a']);
    expect(record?.message.statuses?.[0]?.data).to.equal(undefined);
    expect(scheduler.stream.updates.at(-1)?.data).to.equal('c2VjcmV0');
    harness.update(agent, scheduler, { state: 'TASK_FINISHED', uuid: 'b' });
    expect(record?.message.state).to.equal('TASK_FINISHED');
    expect(harness.counter('cpus_used')).to.equal(0);
    harness.update(agent, scheduler, { state: 'TASK_FINISHED', uuid: 'b' });
    harness.update(agent, scheduler, { state: 'TASK_RUNNING', uuid: 'c' });
    expect(record?.message.state).to.equal('TASK_FINISHED');
    expect(harness.counter('cpus_used')).to.equal(0);
    expect(harness.counter('tasks_finished')).to.equal(1);
    expect(framework?.tasks.has(T1)).to.equal(true);
    expect(harness.fatal).to.deep.equal([]);
  });

  it('lets what an ended task has freed be offered again', async () => {
    const { harness, scheduler, agent } = await running();
    const cpusOf = () => {
      const resources = scheduler.stream.offers.at(-1)?.resources ?? [];
      return resources.find(({ name }) => name === 'cpus')?.scalar?.value;
    };
    scheduler.call({ type: 'REVIVE' });
    await harness.world.advance(2000);
    expect(cpusOf()).to.equal(3);
    harness.update(agent, scheduler, { state: 'TASK_FINISHED', uuid: 'end' });
    await harness.world.advance(2000);
    expect(cpusOf()).to.equal(1);
  });

  it('completes a task when its terminal update is acknowledged, and tells the agent', async () => {
    const { harness, scheduler, agent } = await running();
    const framework = harness.master.cluster.frameworks.get(id<'FrameworkId'>(scheduler.id));
    harness.update(agent, scheduler, { state: 'TASK_FAILED', uuid: 'end' });
    scheduler.acknowledge(agent.agentId, 'other');
    expect(framework?.tasks.has(T1)).to.equal(true);
    expect(scheduler.acknowledge(agent.agentId, 'end').status).to.equal(202);
    expect(framework?.tasks.has(T1)).to.equal(false);
    expect([...(framework?.completedTasks ?? [])].map(({ state }) => state)).to.deep.equal([
      'TASK_FAILED',
    ]);
    expect(agent.of('ACKNOWLEDGE').at(-1)?.acknowledge).to.deep.equal({
      framework_id: { value: scheduler.id },
      task_id: { value: 't1' },
      uuid: 'end',
    });
  });

  it('frees resources by the latest state and reports the one that was forwarded', async () => {
    const { harness, scheduler, agent } = await running();
    harness.agentMessage(agent, {
      type: 'STATUS_UPDATE',
      status_update: {
        framework_id: { value: scheduler.id },
        status: { task_id: { value: 't1' }, state: 'TASK_RUNNING', uuid: 'x' },
        latest_state: 'TASK_FINISHED',
      },
    });
    expect(harness.counter('cpus_used')).to.equal(0);
    expect(scheduler.reconcile('t1')[0]?.state).to.equal('TASK_RUNNING');
  });

  it('holds updates back while the framework is away', async () => {
    const { harness, scheduler, agent } = await running();
    scheduler.disconnect();
    scheduler.stream.clear();
    harness.update(agent, scheduler, { state: 'TASK_FINISHED', uuid: 'x' });
    expect(scheduler.stream.events).to.deep.equal([]);
    const again = await harness.subscribe({ ...FRAMEWORK_INFO, id: { value: scheduler.id } });
    harness.update(agent, again, { state: 'TASK_FINISHED', uuid: 'x' });
    expect(again.stream.updates).to.have.length(1);
  });

  it('drops updates of unknown frameworks and forwards those of unknown tasks', async () => {
    const { harness, scheduler, agent } = await running();
    const before = scheduler.stream.updates.length;
    harness.update(agent, scheduler, { task_id: { value: 'ghost' }, uuid: 'x' });
    expect(scheduler.stream.updates).to.have.length(before + 1);
    scheduler.call({ type: 'TEARDOWN' });
    harness.update(agent, scheduler, { uuid: 'x' });
    expect(harness.counter('invalid_status_updates')).to.equal(2);
  });

  it('shows TASK_LOST to frameworks that do not know the newer states', async () => {
    const { harness, scheduler, agent } = await running({ info: OLD_FRAMEWORK_INFO });
    harness.update(agent, scheduler, { state: 'TASK_DROPPED', uuid: 'x' });
    expect(scheduler.stream.updates.at(-1)?.state).to.equal('TASK_LOST');
  });

  it('keeps the ring of completed tasks bounded', async () => {
    const harness = await Harness.started({ config: { maxCompletedTasksPerFramework: 2 } });
    const agent = await harness.register();
    const scheduler = await harness.subscribe();
    const offer = await scheduler.offer();
    const names = ['a', 'b', 'c'].map((value) => ({ value }));
    const small = {
      resources: [{ name: 'cpus', type: 'SCALAR' as const, scalar: { value: 0.1 } }],
    };
    scheduler.launch(offer, ...names.map((taskId) => task(offer, { ...small, task_id: taskId })));
    for (const taskId of names) {
      harness.update(agent, scheduler, { task_id: taskId, state: 'TASK_FINISHED', uuid: 'x' });
      scheduler.acknowledge(agent.agentId, 'x', taskId.value);
    }
    const framework = harness.master.cluster.frameworks.get(id<'FrameworkId'>(scheduler.id));
    expect([...(framework?.completedTasks ?? [])].map((one) => one.task_id.value)).to.deep.equal([
      'b',
      'c',
    ]);
  });
});

describe('Master: KILL and messages', () => {
  it('passes KILL on with its policy', async () => {
    const { scheduler, agent } = await running();
    const policy = { grace_period: { nanoseconds: 1n } };
    scheduler.call({ type: 'KILL', kill: { task_id: { value: 't1' }, kill_policy: policy } });
    expect(agent.of('KILL_TASK')[0]?.kill_task).to.deep.equal({
      framework_id: { value: scheduler.id },
      task_id: { value: 't1' },
      kill_policy: policy,
    });
  });

  it('answers KILL of an unknown task like a reconciliation', async () => {
    const { scheduler } = await running();
    scheduler.call({ type: 'KILL', kill: { task_id: { value: 'ghost' } } });
    expect(scheduler.stream.updates.at(-1)).to.include({
      state: 'TASK_UNKNOWN',
      reason: 'REASON_RECONCILIATION',
    });
  });

  it('ignores KILL that names another agent', async () => {
    const { scheduler, agent } = await running();
    const kill = { task_id: { value: 't1' }, agent_id: { value: 'other' } };
    scheduler.call({ type: 'KILL', kill });
    expect(agent.of('KILL_TASK')).to.have.length(0);
    expect(scheduler.stream.updates).to.have.length(1);
  });

  it('repeats KILL when the agent comes back', async () => {
    const { harness, scheduler, agent } = await running();
    harness.master.agentDisconnected(agent);
    scheduler.call({ type: 'KILL', kill: { task_id: { value: 't1' } } });
    const again = await harness.reregister(agent.agentId);
    expect(again.of('KILL_TASK')).to.have.length(1);
  });

  it('passes messages both ways', async () => {
    const { harness, scheduler, agent } = await running();
    const executor = { executor_id: { value: 'e' }, data: 'aGk=' };
    const message = { ...executor, agent_id: { value: agent.agentId } };
    scheduler.call({ type: 'MESSAGE', message });
    expect(agent.of('FRAMEWORK_MESSAGE')[0]?.framework_message).to.deep.equal({
      ...executor,
      framework_id: { value: scheduler.id },
    });
    harness.agentMessage(agent, {
      type: 'EXECUTOR_MESSAGE',
      executor_message: { ...executor, framework_id: { value: scheduler.id } },
    });
    expect(scheduler.stream.of('MESSAGE')[0]?.message).to.deep.equal(message);
  });
});

describe('Master: RECONCILE', () => {
  it('answers implicitly with every task, without uuid', async () => {
    const { scheduler } = await running();
    const [one, ...others] = scheduler.reconcile();
    expect(others).to.deep.equal([]);
    expect(one).to.include({
      state: 'TASK_RUNNING',
      source: 'SOURCE_MASTER',
      reason: 'REASON_RECONCILIATION',
    });
    expect(one?.timestamp).to.be.a('number');
    expect(one?.uuid).to.equal(undefined);
  });

  for (const [info, gone, unknown] of [
    [FRAMEWORK_INFO, 'TASK_GONE', 'TASK_UNKNOWN'],
    [OLD_FRAMEWORK_INFO, 'TASK_LOST', 'TASK_LOST'],
  ] as const) {
    it(`answers explicitly: ${gone} on a registered agent, else ${unknown}`, async () => {
      const { scheduler, agent } = await running({ info });
      expect(scheduler.reconcile('t1')[0]?.state).to.equal('TASK_RUNNING');
      expect(scheduler.reconcile('ghost', agent.agentId)[0]).to.include({ state: gone });
      expect(scheduler.reconcile('ghost')[0]?.state).to.equal(unknown);
      expect(scheduler.reconcile('ghost', 'nobody')[0]?.state).to.equal(unknown);
    });
  }

  it('answers for operations', async () => {
    const { scheduler, agent } = await running();
    const operation = { operation_id: { value: 'op' }, agent_id: { value: agent.agentId } };
    const operations = [operation, { operation_id: { value: 'op' } }];
    scheduler.call({ type: 'RECONCILE_OPERATIONS', reconcile_operations: { operations } });
    const statuses = scheduler.stream
      .of('UPDATE_OPERATION_STATUS')
      .map((event) => event.update_operation_status?.status);
    expect(statuses.map((one) => one?.state)).to.deep.equal([
      'OPERATION_UNKNOWN',
      'OPERATION_UNKNOWN',
    ]);
    expect(statuses.map((one) => one?.agent_id?.value)).to.deep.equal([agent.agentId, undefined]);
  });
});
