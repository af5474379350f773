import { expect } from 'chai';
import { MAX_PENDING_UNKNOWN_UPDATES } from '../../../core/agent/index.js';
import { at, id } from '../../../core/base/index.js';
import type { ExecutorCall, ExecutorInfo, TaskState, TaskStatus } from '../../../core/api/index.js';
import { FRAMEWORK, Host, TestStream, frameworkInfo, scalar, taskInfo } from './host.js';

const EXECUTOR: ExecutorInfo = {
  type: 'CUSTOM',
  executor_id: { value: 'e1' },
  framework_id: { value: FRAMEWORK },
  command: { value: 'executor' },
  resources: [scalar('cpus', 0.2), scalar('mem', 50)],
};

function uuid(number: number): string {
  const bytes = Buffer.alloc(16, number);
  bytes.writeUInt8(0x40, 6);
  return bytes.toString('base64');
}

function call(others: Partial<ExecutorCall>): ExecutorCall {
  return { executor_id: { value: 'e1' }, framework_id: { value: FRAMEWORK }, ...others };
}

function status(taskId: string, state: TaskState, number: number): TaskStatus {
  return { task_id: { value: taskId }, state, uuid: uuid(number), source: 'SOURCE_EXECUTOR' };
}

function update(taskId: string, state: TaskState, number: number): ExecutorCall {
  return call({ type: 'UPDATE', update: { status: status(taskId, state, number) } });
}

async function runOnExecutor(
  host: Host,
  taskIds: readonly string[],
  framework = frameworkInfo(),
  isGroup = false,
): Promise<void> {
  const tasks = taskIds.map((taskId) => {
    const { command: _command, ...info } = taskInfo(taskId);
    return { ...info, executor: EXECUTOR };
  });
  await host.tell({
    type: 'RUN_TASKS',
    run_tasks: { framework_info: framework, executor_info: EXECUTOR, tasks, group: isGroup },
  });
}

function subscribe(host: Host, details: ExecutorCall['subscribe'] = {}): TestStream {
  const stream = new TestStream();
  const answer = host.agent.executorSubscribe(
    call({ type: 'SUBSCRIBE', subscribe: details }),
    stream,
  );
  expect(answer.status).to.equal(200);
  return stream;
}

async function started(...parameters: ConstructorParameters<typeof Host>): Promise<Host> {
  const host = new Host(...parameters);
  await host.start();
  return host;
}

describe('Custom executors', () => {
  it('starts once, is given what waits, and later tasks at once', async () => {
    const host = await started();
    await runOnExecutor(host, ['t1', 't2']);
    expect(host.containersOf('e1')).to.have.length(1);
    expect(host.containersOf('e1')[0]?.spec.command.value).to.equal('executor');
    expect([...host.agent.state.executors()][0]?.queued.size).to.equal(2);
    const stream = subscribe(host);
    expect(stream.types()).to.deep.equal(['SUBSCRIBED', 'LAUNCH', 'LAUNCH']);
    expect(stream.events[0]?.subscribed?.container_id?.value).to.be.a('string');
    expect(stream.events[0]?.subscribed?.agent_info.id?.value).to.equal('master-S0');
    await runOnExecutor(host, ['t3']);
    expect(stream.events.at(-1)?.launch?.task.task_id.value).to.equal('t3');
    expect(host.containersOf('e1')).to.have.length(1);
  });

  it('delivers a group as one event', async () => {
    const host = await started();
    await runOnExecutor(host, ['t1', 't2'], frameworkInfo(), true);
    const stream = subscribe(host);
    expect(stream.types()).to.deep.equal(['SUBSCRIBED', 'LAUNCH_GROUP']);
    expect(stream.events[1]?.launch_group?.task_group.tasks).to.have.length(2);
  });

  it('kills one that does not subscribe within a minute', async () => {
    const host = await started();
    await runOnExecutor(host, ['t1']);
    await host.advance(59_000);
    expect(host.signals).to.deep.equal([]);
    await host.advance(1100);
    expect(host.signals[0]).to.include({ taskOrId: 'e1', signal: 'SIGKILL' });
    expect(host.last('t1')).to.include({
      state: 'TASK_FAILED',
      reason: 'REASON_EXECUTOR_REGISTRATION_TIMEOUT',
    });
  });

  it('acknowledges an update when it is durable, then forwards it, filled in', async () => {
    const host = await started();
    await runOnExecutor(host, ['t1']);
    const stream = subscribe(host);
    expect(host.agent.executorCall(update('t1', 'TASK_RUNNING', 1))).to.deep.equal({ status: 202 });
    expect(stream.types()).to.not.include('ACKNOWLEDGED');
    await host.settle();
    expect(stream.events.at(-1)?.acknowledged).to.deep.equal({
      task_id: { value: 't1' },
      uuid: uuid(1),
    });
    expect(host.last('t1')).to.deep.include({
      state: 'TASK_RUNNING',
      agent_id: { value: 'master-S0' },
      executor_id: { value: 'e1' },
      uuid: uuid(1),
    });
    expect(host.last('t1').container_status?.executor_pid).to.equal(100);
    expect(host.last('t1').timestamp).to.be.a('number');
  });

  it('recognises repeated updates, and nothing follows a terminal one', async () => {
    const host = await started({ isAcknowledging: false });
    await runOnExecutor(host, ['t1']);
    const stream = subscribe(host);
    host.agent.executorCall(update('t1', 'TASK_RUNNING', 1));
    host.agent.executorCall(update('t1', 'TASK_RUNNING', 1));
    host.agent.executorCall(update('t1', 'TASK_FINISHED', 2));
    host.agent.executorCall(update('t1', 'TASK_RUNNING', 3));
    await host.settle();
    expect(stream.types().filter((type) => type === 'ACKNOWLEDGED')).to.have.length(4);
    await host.acknowledge(host.last('t1'));
    await host.acknowledge(host.last('t1'));
    await host.advance(60_000);
    expect(host.states('t1')).to.deep.equal(['TASK_RUNNING', 'TASK_FINISHED']);
  });

  it('refuses calls that are not valid, of strangers, and before subscribing', async () => {
    const host = await started();
    await runOnExecutor(host, ['t1']);
    const statusOf = (executorCall: ExecutorCall): number =>
      host.agent.executorCall(executorCall).status;
    expect(statusOf(update('t1', 'TASK_RUNNING', 1))).to.equal(403);
    subscribe(host);
    expect(statusOf(update('t1', 'TASK_STAGING', 1))).to.equal(400);
    const noUuid = { ...status('t1', 'TASK_RUNNING', 1), uuid: undefined };
    expect(statusOf(call({ type: 'UPDATE', update: { status: noUuid } }))).to.equal(400);
    expect(statusOf({ ...update('t1', 'TASK_RUNNING', 1), framework_id: { value: 'x' } })).to.equal(
      400,
    );
    expect(statusOf({ ...update('t1', 'TASK_RUNNING', 1), executor_id: { value: 'x' } })).to.equal(
      400,
    );
    expect(statusOf(call({ type: 'HEARTBEAT' }))).to.equal(202);
    const large = { ...status('t1', 'TASK_RUNNING', 1), message: 'x'.repeat(2 ** 17) };
    expect(statusOf(call({ type: 'UPDATE', update: { status: large } }))).to.equal(400);
    expect(host.agent.metrics()['slave/invalid_status_updates']).to.equal(2);
  });

  it('may go on to tell while its stream is away, and is told so when it is back', async () => {
    const host = await started();
    await runOnExecutor(host, ['t1']);
    host.agent.executorDisconnected(subscribe(host));
    expect(host.agent.executorCall(update('t1', 'TASK_RUNNING', 1)).status).to.equal(202);
    const message = call({ type: 'MESSAGE', message: { data: 'eW8=' } });
    expect(host.agent.executorCall(message).status).to.equal(202);
    await host.settle();
    expect(host.last('t1').state).to.equal('TASK_RUNNING');
    const unacknowledged_updates = [{ status: status('t1', 'TASK_RUNNING', 1) }];
    const stream = subscribe(host, { unacknowledged_updates });
    await host.settle();
    expect(stream.types()).to.deep.equal(['SUBSCRIBED', 'ACKNOWLEDGED']);
    expect(host.states('t1')).to.deep.equal(['TASK_RUNNING']);
    await host.restart();
    expect(host.agent.executorCall(update('t1', 'TASK_FINISHED', 2)).status).to.equal(403);
  });

  it('is given its grace period while its stream is away, and may come back to tell', async () => {
    const host = await started();
    await runOnExecutor(host, ['t1', 't2']);
    host.agent.executorDisconnected(subscribe(host));
    await host.tell({
      type: 'SHUTDOWN_EXECUTOR',
      shutdown_executor: { framework_id: { value: FRAMEWORK }, executor_id: { value: 'e1' } },
    });
    await host.advance(4000);
    expect(host.signals).to.deep.equal([]);
    const unacknowledged_updates = [{ status: status('t1', 'TASK_FINISHED', 1) }];
    const stream = subscribe(host, { unacknowledged_updates });
    expect(stream.types()).to.deep.equal(['SHUTDOWN']);
    expect(stream.isClosed).to.equal(true);
    expect(host.agent.executorCall(update('t2', 'TASK_KILLED', 2)).status).to.equal(202);
    await host.advance(1100);
    expect(host.signals[0]).to.include({ signal: 'SIGKILL' });
    expect(host.last('t1').state).to.equal('TASK_FINISHED');
    expect(host.last('t2').state).to.equal('TASK_KILLED');
  });

  it('is told to wait between attempts no longer than it may take after a restart', async () => {
    const host = await started({ config: { executorReregistrationTimeoutMs: 7_000 } });
    await runOnExecutor(host, ['t1']);
    const { environment } = at(host.containersOf('e1'), 0).spec;
    expect(environment['MESOS_SUBSCRIPTION_BACKOFF_MAX']).to.equal('7secs');
  });

  it('is not answered before recovery', async () => {
    const host = await started();
    host.crash();
    const starting = host.start();
    expect(host.agent.executorCall(call({ type: 'HEARTBEAT' })).status).to.equal(503);
    await starting;
  });

  it('carries messages both ways', async () => {
    const host = await started();
    await runOnExecutor(host, ['t1']);
    const stream = subscribe(host);
    await host.tell({
      type: 'FRAMEWORK_MESSAGE',
      framework_message: {
        framework_id: { value: FRAMEWORK },
        executor_id: { value: 'e1' },
        data: 'aGk=',
      },
    });
    expect(stream.events.at(-1)?.message?.data).to.equal('aGk=');
    host.agent.executorCall(call({ type: 'MESSAGE', message: { data: 'eW8=' } }));
    expect(host.messages('EXECUTOR_MESSAGE')[0]?.executor_message?.data).to.equal('eW8=');
  });

  it('is asked to kill what it has, not what it never got', async () => {
    const host = await started();
    await runOnExecutor(host, ['t1', 't2']);
    await host.kill('t1');
    expect(host.last('t1')).to.include({
      state: 'TASK_KILLED',
      reason: 'REASON_TASK_KILLED_DURING_LAUNCH',
    });
    const stream = subscribe(host);
    expect(stream.types()).to.deep.equal(['SUBSCRIBED', 'LAUNCH']);
    await host.kill('t2', 1000);
    expect(stream.events.at(-1)?.kill).to.deep.equal({
      task_id: { value: 't2' },
      kill_policy: { grace_period: { nanoseconds: 1_000_000_000n } },
    });
  });

  it('is shut down when all of its tasks were killed before it came', async () => {
    const host = await started();
    await runOnExecutor(host, ['t1']);
    await host.kill('t1');
    const stream = subscribe(host);
    expect(stream.types()).to.deep.equal(['SUBSCRIBED', 'SHUTDOWN']);
  });

  it('is shut down within its grace period, then killed', async () => {
    const host = await started();
    await runOnExecutor(host, ['t1']);
    const stream = subscribe(host);
    await host.tell({
      type: 'SHUTDOWN_EXECUTOR',
      shutdown_executor: { framework_id: { value: FRAMEWORK }, executor_id: { value: 'e1' } },
    });
    expect(stream.types().at(-1)).to.equal('SHUTDOWN');
    await runOnExecutor(host, ['t2']);
    expect(host.last('t2')).to.include({
      state: 'TASK_DROPPED',
      reason: 'REASON_EXECUTOR_TERMINATED',
    });
    await host.advance(4990);
    expect(host.signals).to.deep.equal([]);
    await host.advance(20);
    expect(host.signals[0]).to.include({ signal: 'SIGKILL' });
    expect(host.last('t1')).to.include({ state: 'TASK_FAILED' });
  });

  it('fails its tasks when it exits, and the master hears of it', async () => {
    const host = await started();
    await runOnExecutor(host, ['t1', 't2']);
    const stream = subscribe(host);
    host.agent.executorCall(update('t1', 'TASK_FINISHED', 1));
    await host.settle();
    await host.end('e1', { kind: 'signaled', signal: 'SIGSEGV' });
    expect(host.last('t1').state).to.equal('TASK_FINISHED');
    expect(host.last('t2')).to.include({
      state: 'TASK_FAILED',
      reason: 'REASON_EXECUTOR_TERMINATED',
    });
    expect(host.messages('EXECUTOR_EXITED')[0]?.executor_exited?.status).to.equal(11);
    expect(stream.isClosed).to.equal(true);
    await host.advance(2000);
    expect(host.agent.state.frameworks.size).to.equal(0);
    expect(host.keys('executors/')).to.deep.equal([]);
  });

  it('fails its tasks when it cannot be launched', async () => {
    const host = await started();
    host.outcomes.push({ kind: 'failed', stage: 'fetch', message: 'no such URI' });
    await runOnExecutor(host, ['t1']);
    expect(host.last('t1')).to.include({
      state: 'TASK_FAILED',
      reason: 'REASON_CONTAINER_LAUNCH_FAILED',
    });
  });

  it('replaces the stream by that of a second subscription', async () => {
    const host = await started();
    await runOnExecutor(host, ['t1']);
    const first = subscribe(host);
    const second = subscribe(host, {
      unacknowledged_tasks: [taskInfo('t1')],
    });
    expect(first.isClosed).to.equal(true);
    host.agent.executorDisconnected(first);
    await runOnExecutor(host, ['t2']);
    expect(second.types()).to.deep.equal(['SUBSCRIBED', 'LAUNCH']);
  });

  it('keeps launches while the stream is away', async () => {
    const host = await started();
    await runOnExecutor(host, ['t1']);
    const first = subscribe(host);
    host.agent.executorCall(update('t1', 'TASK_RUNNING', 1));
    host.agent.executorDisconnected(first);
    await runOnExecutor(host, ['t2']);
    await host.kill('t1');
    const second = subscribe(host);
    expect(second.types().slice(0, 3)).to.deep.equal(['SUBSCRIBED', 'KILL', 'LAUNCH']);
  });

  it('sends a heartbeat every 30 minutes', async () => {
    const host = await started();
    await runOnExecutor(host, ['t1']);
    const stream = subscribe(host);
    await host.advance(30 * 60_000 - 1);
    expect(stream.types()).to.not.include('HEARTBEAT');
    await host.advance(30 * 60_000 + 1);
    expect(stream.types().filter((type) => type === 'HEARTBEAT')).to.have.length(2);
  });

  it('subscribes again after a restart and hands over what was not acknowledged', async () => {
    const host = await started();
    await runOnExecutor(host, ['t1', 't2', 't3']);
    subscribe(host);
    host.agent.executorCall(update('t1', 'TASK_RUNNING', 1));
    await host.settle();
    await host.restart();
    const stream = subscribe(host, {
      unacknowledged_tasks: [taskInfo('t2')],
      unacknowledged_updates: [
        { status: status('t1', 'TASK_RUNNING', 1) },
        { status: status('t1', 'TASK_FINISHED', 2) },
      ],
    });
    await host.settle();
    expect(stream.types()).to.deep.equal(['SUBSCRIBED', 'ACKNOWLEDGED', 'ACKNOWLEDGED']);
    expect(host.states('t1')).to.deep.equal(['TASK_RUNNING', 'TASK_FINISHED']);
    expect(host.states('t2')).to.deep.equal([]);
    expect(host.last('t3')).to.include({ state: 'TASK_DROPPED', reason: 'REASON_AGENT_RESTARTED' });
    expect(host.containersOf('e1')[0]?.end).to.equal(undefined);
  });

  it('is killed when it does not subscribe again in time after a restart', async () => {
    const host = await started();
    await runOnExecutor(host, ['t1']);
    subscribe(host);
    await host.restart();
    await host.advance(2100);
    expect(host.last('t1')).to.include({
      state: 'TASK_FAILED',
      reason: 'REASON_EXECUTOR_REREGISTRATION_TIMEOUT',
    });
  });

  it('does not survive a restart when its framework does not checkpoint', async () => {
    const host = await started();
    await runOnExecutor(host, ['t1'], frameworkInfo(['PARTITION_AWARE'], { checkpoint: false }));
    expect(host.keys('tasks/')).to.deep.equal([]);
    host.unknownTasks = ['t1'];
    await host.restart();
    expect(host.containersOf('e1')[0]?.end).to.deep.equal({ kind: 'signaled', signal: 'SIGKILL' });
    expect(host.last('t1')).to.include({ state: 'TASK_DROPPED', reason: 'REASON_RECONCILIATION' });
    await host.advance(2000);
    expect(host.keys().map((key) => key.split('/')[0])).to.deep.equal(['agent', 'sandboxes']);
  });

  it('is shut down without a word when its framework was removed', async () => {
    const host = new Host();
    await host.start();
    await runOnExecutor(host, ['t1']);
    const stream = subscribe(host);
    host.stubborn.add('e1');
    await host.tell({
      type: 'SHUTDOWN_FRAMEWORK',
      shutdown_framework: { framework_id: { value: FRAMEWORK } },
    });
    expect(stream.types().at(-1)).to.equal('SHUTDOWN');
    await host.advance(7000);
    expect(host.states('t1')).to.deep.equal([]);
    expect(host.messages('EXECUTOR_EXITED')).to.deep.equal([]);
    expect(host.agent.state.frameworks.size).to.equal(0);
    expect(host.keys('executors/')).to.deep.equal([]);
    expect(host.keys('tasks/')).to.deep.equal([]);
  });

  it('is not launched any more when it is shut down before', async () => {
    const host = new Host();
    await host.start();
    host.commitMs = 10;
    await host.restart();
    await host.advance(100);
    await runOnExecutor(host, ['t1']);
    await host.tell({
      type: 'SHUTDOWN_EXECUTOR',
      shutdown_executor: { framework_id: { value: FRAMEWORK }, executor_id: { value: 'e1' } },
    });
    await host.advance(1000);
    expect(host.containersOf('e1')).to.have.length(0);
    expect(host.last('t1')).to.include({
      state: 'TASK_FAILED',
      reason: 'REASON_EXECUTOR_TERMINATED',
    });
  });
});

describe('Updates of tasks that only the executor knows', () => {
  async function subscribed(): Promise<{ readonly host: Host; readonly stream: TestStream }> {
    const host = await started({ isAcknowledging: false });
    await runOnExecutor(host, ['t1']);
    return { host, stream: subscribe(host) };
  }

  it('go to the scheduler with agent and executor, and are acknowledged to the executor', async () => {
    const { host, stream } = await subscribed();
    const { state } = host.agent;
    expect(host.agent.executorCall(update('inner', 'TASK_RUNNING', 1)).status).to.equal(202);
    await host.settle();
    expect(host.last('inner')).to.deep.include({
      state: 'TASK_RUNNING',
      uuid: uuid(1),
      agent_id: { value: 'master-S0' },
      executor_id: { value: 'e1' },
    });
    expect(host.last('inner').timestamp).to.be.a('number');
    expect(stream.events.at(-1)?.acknowledged?.uuid).to.equal(uuid(1));
    expect(state.find([...state.frameworks.keys()][0] ?? id('f'), id('inner'))).to.equal(undefined);
  });

  it('are repeated until they are acknowledged, in order, and one told twice goes once', async () => {
    const { host } = await subscribed();
    for (const [state, number] of [
      ['TASK_RUNNING', 1],
      ['TASK_RUNNING', 1],
      ['TASK_FINISHED', 2],
    ] as const) {
      host.agent.executorCall(update('inner', state, number));
    }
    await host.settle();
    await host.advance(10_000);
    expect(host.statuses('inner').map(({ state }) => state)).to.deep.equal([
      'TASK_RUNNING',
      'TASK_RUNNING',
    ]);
    await host.acknowledge(host.last('inner'));
    expect(host.last('inner').state).to.equal('TASK_FINISHED');
    await host.acknowledge(host.last('inner'));
    await host.advance(3_600_000);
    expect(host.statuses('inner')).to.have.length(3);
  });

  it('are not those of a task that has ended, or that another executor has', async () => {
    const { host } = await subscribed();
    await host.run([taskInfo('other')]);
    host.agent.executorCall(update('t1', 'TASK_FINISHED', 1));
    await host.settle();
    await host.acknowledge(host.last('t1'));
    const told = host.received.length;
    host.agent.executorCall(update('t1', 'TASK_FINISHED', 1));
    host.agent.executorCall(update('other', 'TASK_FAILED', 2));
    await host.settle();
    expect(host.received.slice(told)).to.deep.equal([]);
    expect(host.states('other')).to.deep.equal(['TASK_STARTING']);
  });

  it('are put off beyond a bound, until some are acknowledged', async () => {
    const { host } = await subscribed();
    const tell = (number: number): number =>
      host.agent.executorCall(update(`inner-${number}`, 'TASK_RUNNING', 1)).status;
    for (let number = 0; number < MAX_PENDING_UNKNOWN_UPDATES; number++) {
      expect(tell(number)).to.equal(202);
    }
    expect(tell(MAX_PENDING_UNKNOWN_UPDATES)).to.equal(503);
    expect(host.agent.executorCall(update('t1', 'TASK_RUNNING', 1)).status).to.equal(202);
    await host.settle();
    await host.acknowledge(host.last('inner-7'));
    expect(tell(MAX_PENDING_UNKNOWN_UPDATES)).to.equal(202);
  });

  it('are taken from those that were not acknowledged when the executor comes back', async () => {
    const { host } = await subscribed();
    const stream = subscribe(host, {
      unacknowledged_updates: [{ status: status('inner', 'TASK_FAILED', 3) }],
    });
    await host.settle();
    expect(host.last('inner').state).to.equal('TASK_FAILED');
    expect(stream.events.at(-1)?.acknowledged?.uuid).to.equal(uuid(3));
  });
});
