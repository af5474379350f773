import { expect } from 'chai';
import type {
  DrainConfig,
  ExecutorCall,
  ExecutorInfo,
  FrameworkInfo,
  TaskState,
} from '../../../core/api/index.js';
import { FRAMEWORK, Host, TestStream, frameworkInfo, scalar, taskInfo } from './host.js';

const EXECUTOR: ExecutorInfo = {
  type: 'CUSTOM',
  executor_id: { value: 'e1' },
  framework_id: { value: FRAMEWORK },
  command: { value: 'executor' },
  resources: [scalar('cpus', 0.2), scalar('mem', 50)],
};

async function started(...parameters: ConstructorParameters<typeof Host>): Promise<Host> {
  const host = new Host(...parameters);
  await host.start();
  return host;
}

function drain(host: Host, config: DrainConfig = {}, started = 7): Promise<void> {
  return host.tell({ type: 'DRAIN', drain: { config, started } });
}

function seconds(count: number): { readonly nanoseconds: bigint } {
  return { nanoseconds: BigInt(count) * 1_000_000_000n };
}

/** A task that ends 10 s after it was asked to, at most. */
function patient(taskId: string): ReturnType<typeof taskInfo> {
  return taskInfo(taskId, { kill_policy: { grace_period: seconds(10) } });
}

function call(others: Partial<ExecutorCall>): ExecutorCall {
  return { executor_id: { value: 'e1' }, framework_id: { value: FRAMEWORK }, ...others };
}

/** An executor with tasks that it has been given. */
async function executor(
  host: Host,
  taskIds: readonly string[],
  framework: FrameworkInfo = frameworkInfo(),
): Promise<TestStream> {
  const tasks = taskIds.map((taskId) => {
    const { command: _command, ...info } = patient(taskId);
    return { ...info, executor: EXECUTOR };
  });
  await host.tell({
    type: 'RUN_TASKS',
    run_tasks: { framework_info: framework, executor_info: EXECUTOR, tasks },
  });
  return subscribed(host);
}

function subscribed(host: Host): TestStream {
  const stream = new TestStream();
  host.agent.executorSubscribe(call({ type: 'SUBSCRIBE', subscribe: {} }), stream);
  return stream;
}

/** The executor tells the state of a task. */
async function tell(host: Host, taskId: string, state: TaskState, number: number): Promise<void> {
  const bytes = Buffer.alloc(16, number);
  bytes.writeUInt8(0x40, 6);
  const uuid = bytes.toString('base64');
  const status = { task_id: { value: taskId }, state, uuid, source: 'SOURCE_EXECUTOR' as const };
  host.agent.executorCall(call({ type: 'UPDATE', update: { status } }));
  await host.settle();
}

describe('An agent that is drained', () => {
  it('ends its tasks, and says why', async () => {
    const host = await started();
    await host.run([taskInfo('t1'), taskInfo('t2')]);
    await drain(host);
    await host.advance(100);
    expect(host.signals.map(({ taskOrId, signal }) => [taskOrId, signal])).to.deep.equal([
      ['t1', 'SIGTERM'],
      ['t2', 'SIGTERM'],
    ]);
    expect(host.last('t1')).to.include({
      state: 'TASK_KILLED',
      source: 'SOURCE_EXECUTOR',
      reason: 'REASON_AGENT_DRAINING',
    });
    expect(host.agent.state.drain).to.deep.equal({ config: {}, startedMs: 7000 });
  });

  it('says so when they begin to end, to frameworks that want to know', async () => {
    const host = await started();
    host.stubborn.add('t1');
    await host.run([taskInfo('t1')], frameworkInfo(['TASK_KILLING_STATE']));
    await drain(host);
    expect(host.last('t1')).to.include({ state: 'TASK_KILLING', reason: 'REASON_AGENT_DRAINING' });
  });

  for (const [longest, dueMs] of [
    [undefined, 10_000],
    [2, 2000],
    [60, 10_000],
    [0, 0],
  ] as const) {
    it(`gives a task of 10 s grace ${dueMs} ms when the longest is ${longest} s`, async () => {
      const host = await started();
      host.stubborn.add('t1');
      await host.run([patient('t1')]);
      const beganMs = host.world.clock.elapsed();
      const config = longest === undefined ? {} : { max_grace_period: seconds(longest) };
      await drain(host, config);
      await host.advance(20_000);
      const killed = host.signals.find(({ signal }) => signal === 'SIGKILL');
      expect((killed?.atMs ?? -1) - beganMs).to.equal(dueMs);
      expect(host.last('t1')).to.include({ state: 'TASK_KILLED', reason: 'REASON_AGENT_DRAINING' });
    });
  }

  it('gives no other reason for the end of a task that was being killed already', async () => {
    const host = await started();
    host.stubborn.add('t1');
    await host.run([patient('t1')]);
    await host.kill('t1');
    await drain(host, { max_grace_period: seconds(3) });
    await host.end('t1', { kind: 'signaled', signal: 'SIGTERM' });
    expect(host.last('t1').state).to.equal('TASK_KILLED');
    expect(host.last('t1').reason).to.equal(undefined);
  });

  it('hastens when it is asked again', async () => {
    const host = await started();
    host.stubborn.add('t1');
    await host.run([patient('t1')]);
    await drain(host);
    await host.advance(1000);
    const againMs = host.world.clock.elapsed();
    await drain(host, { max_grace_period: seconds(2) });
    await host.advance(5000);
    const killed = host.signals.find(({ signal }) => signal === 'SIGKILL');
    expect((killed?.atMs ?? -1) - againMs).to.equal(2000);
  });

  it('ends a task that has not started', async () => {
    const host = await started();
    host.launchDelayMs = 5000;
    await host.run([taskInfo('t1')]);
    await drain(host);
    await host.advance(20_000);
    expect(host.last('t1')).to.include({ state: 'TASK_KILLED', reason: 'REASON_AGENT_DRAINING' });
    expect(host.states('t1')).not.to.include('TASK_RUNNING');
  });

  it('goes on after a restart, with the same reason', async () => {
    const host = await started();
    host.stubborn.add('t1');
    await host.run([patient('t1')]);
    await drain(host);
    await host.advance(1000);
    await host.restart();
    await host.advance(20_000);
    expect(host.last('t1')).to.include({ state: 'TASK_KILLED', reason: 'REASON_AGENT_DRAINING' });
    // The master tells it again if it is still to be drained.
    expect(host.agent.state.drain).to.equal(undefined);
  });

  it('tells a task of a host that is to be gone as that, to frameworks that know it', async () => {
    const host = await started();
    await host.run([taskInfo('aware')]);
    const other = { ...frameworkInfo([]), id: { value: 'framework-1' } };
    await host.run([taskInfo('old')], other);
    await drain(host, { mark_gone: true });
    await host.advance(100);
    const reason = 'REASON_AGENT_DRAINING';
    expect(host.last('aware')).to.include({ state: 'TASK_GONE_BY_OPERATOR', reason });
    expect(host.last('old')).to.include({ state: 'TASK_KILLED', reason });
  });

  it('takes over whether the host is to be gone, as long as the task has not ended', async () => {
    const host = await started();
    host.stubborn.add('t1');
    await host.run([patient('t1')]);
    await drain(host);
    await drain(host, { mark_gone: true });
    await host.restart();
    await host.advance(20_000);
    expect(host.last('t1').state).to.equal('TASK_GONE_BY_OPERATOR');
  });

  it('takes tasks again when it is over', async () => {
    const host = await started();
    await drain(host);
    await host.tell({ type: 'DRAIN', drain: {} });
    expect(host.agent.state.drain).to.equal(undefined);
    await host.run([taskInfo('t1')]);
    expect(host.last('t1').state).to.equal('TASK_RUNNING');
  });

  it('is told anew after each registration', async () => {
    const host = await started();
    await drain(host);
    await host.disconnect();
    await host.advance(5000);
    expect(host.agent.isRegistered).to.equal(true);
    expect(host.agent.state.drain).to.equal(undefined);
  });
});

describe('Custom executors of an agent that is drained', () => {
  it('are asked to kill their tasks, and to end when none is left', async () => {
    const host = await started();
    const stream = await executor(host, ['t1', 't2']);
    await tell(host, 't1', 'TASK_RUNNING', 1);
    await drain(host, { max_grace_period: seconds(4) });
    const kills = stream.events.flatMap(({ kill }) => kill ?? []);
    expect(kills.map(({ task_id, kill_policy }) => [task_id.value, kill_policy])).to.deep.equal([
      ['t1', { grace_period: seconds(4) }],
      ['t2', { grace_period: seconds(4) }],
    ]);
    await tell(host, 't1', 'TASK_KILLED', 2);
    expect(stream.types()).not.to.include('SHUTDOWN');
    await tell(host, 't2', 'TASK_FINISHED', 3);
    expect(stream.types().at(-1)).to.equal('SHUTDOWN');
    expect(host.last('t1')).to.include({ state: 'TASK_KILLED', reason: 'REASON_AGENT_DRAINING' });
    expect(host.last('t2').state).to.equal('TASK_FINISHED');
    expect(host.last('t2').reason).to.equal(undefined);
  });

  it('lose at once the tasks that they had not been given', async () => {
    const host = await started();
    const { command: _command, ...info } = taskInfo('t1');
    await host.tell({
      type: 'RUN_TASKS',
      run_tasks: {
        framework_info: frameworkInfo(),
        executor_info: EXECUTOR,
        tasks: [{ ...info, executor: EXECUTOR }],
      },
    });
    await drain(host);
    expect(host.last('t1')).to.include({ state: 'TASK_KILLED', reason: 'REASON_AGENT_DRAINING' });
    expect(host.signals.at(-1)).to.include({ taskOrId: 'e1', signal: 'SIGKILL' });
  });

  it('end when they have nothing to do', async () => {
    const host = await started();
    const stream = await executor(host, ['t1']);
    await tell(host, 't1', 'TASK_FINISHED', 1);
    expect(stream.types()).not.to.include('SHUTDOWN');
    await drain(host);
    expect(stream.types().at(-1)).to.equal('SHUTDOWN');
    await host.end('e1');
    expect(host.messages('EXECUTOR_EXITED')).to.have.length(1);
  });

  it('may tell the end of a task to an agent that was restarted meanwhile', async () => {
    const host = await started();
    await executor(host, ['t1']);
    await tell(host, 't1', 'TASK_RUNNING', 1);
    await drain(host, { mark_gone: true });
    await host.restart();
    subscribed(host);
    await tell(host, 't1', 'TASK_KILLED', 2);
    expect(host.last('t1')).to.include({
      state: 'TASK_GONE_BY_OPERATOR',
      reason: 'REASON_AGENT_DRAINING',
    });
  });
});
