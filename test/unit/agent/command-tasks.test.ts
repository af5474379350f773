import { expect } from 'chai';
import { FRAMEWORK, Host, frameworkInfo, taskInfo } from './host.js';

async function started(...parameters: ConstructorParameters<typeof Host>): Promise<Host> {
  const host = new Host(...parameters);
  await host.start();
  return host;
}

describe('Command tasks', () => {
  it('reports STARTING, RUNNING and FINISHED, with what schedulers expect in them', async () => {
    const host = await started();
    await host.run([taskInfo('t1')]);
    await host.end('t1');
    expect(host.states('t1')).to.deep.equal(['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED']);
    const container = host.containersOf('t1')[0];
    expect(host.statuses('t1')[1]).to.deep.include({
      source: 'SOURCE_EXECUTOR',
      executor_id: { value: 't1' },
      container_status: {
        container_id: { value: container?.spec.containerId },
        network_infos: [{ ip_addresses: [{ protocol: 'IPv4', ip_address: '127.0.0.1' }] }],
        executor_pid: container?.pid,
      },
    });
    expect(host.last('t1').message).to.equal('Command exited with status 0');
    expect(host.last('t1').reason).to.equal(undefined);
  });

  it('makes the task durable before it launches, in four commits in all', async () => {
    const host = await started();
    const before = host.transactions.length;
    let launchedWith = -1;
    host.onTransaction = () => {
      if (launchedWith < 0 && host.containers.size > 0) launchedWith = host.transactions.length;
    };
    await host.run([taskInfo('t1'), taskInfo('t2')]);
    expect(host.transactions[before]?.puts?.map(({ key }) => key.split('/')[0])).to.deep.equal([
      'frameworks',
      'executors',
      'tasks',
      'updates',
      'executors',
      'tasks',
      'updates',
    ]);
    expect(launchedWith).to.equal(before + 2);
    await host.end('t1');
    await host.end('t2');
    // Tasks together, then each: running, no STARTING any more, ended.
    expect(host.transactions.length - before).to.equal(1 + 2 + 2 + 2);
  });

  it('leaves nothing but the sandbox on record when the end is acknowledged', async () => {
    const host = await started();
    await host.run([taskInfo('t1')]);
    await host.end('t1');
    await host.advance(2000);
    expect(host.keys().map((key) => key.split('/')[0])).to.deep.equal(['agent', 'sandboxes']);
    expect(host.agent.state.frameworks.size).to.equal(0);
    const history = host.agent.state.completedFrameworks.items[0]?.completedExecutors.items[0];
    expect(history?.completed.items[0]?.state).to.equal('TASK_FINISHED');
    expect(host.forgotten).to.have.length(1);
  });

  it('tells how a command failed', async () => {
    const host = await started();
    await host.run([taskInfo('code'), taskInfo('signal'), taskInfo('lost')]);
    await host.end('code', { kind: 'exited', code: 3 });
    await host.end('signal', { kind: 'signaled', signal: 'SIGSEGV' });
    await host.end('lost', { kind: 'lost', message: 'the launcher died' });
    expect(host.last('code')).to.include({
      state: 'TASK_FAILED',
      source: 'SOURCE_EXECUTOR',
      message: 'Command exited with status 3',
    });
    expect(host.last('code')).to.not.have.property('reason');
    expect(host.last('signal').message).to.equal('Command terminated with signal SIGSEGV');
    expect(host.last('lost')).to.include({
      state: 'TASK_FAILED',
      source: 'SOURCE_AGENT',
      reason: 'REASON_EXECUTOR_TERMINATED',
    });
  });

  it('tells why a launch failed', async () => {
    const host = await started();
    const message = "user 'nobody' does not exist";
    host.outcomes.push({ kind: 'failed', stage: 'user', message });
    await host.run([taskInfo('t1')]);
    expect(host.states('t1')).to.deep.equal(['TASK_STARTING', 'TASK_FAILED']);
    expect(host.last('t1')).to.include({
      source: 'SOURCE_AGENT',
      reason: 'REASON_CONTAINER_LAUNCH_FAILED',
    });
    expect(host.last('t1').message).to.contain("'nobody'");
    expect(host.agent.metrics()['slave/container_launch_errors']).to.equal(1);
  });

  it('gives the container its environment, user and limits with the overhead', async () => {
    const host = await started();
    await host.run([taskInfo('t1', { command: { value: 'x', user: 'alice' } })]);
    const spec = host.containersOf('t1')[0]?.spec;
    expect(spec?.limits).to.deep.equal({ cpus: 0.6, memoryMiB: 96, diskMiB: 0 });
    expect(spec?.user).to.equal('alice');
    expect(spec?.sandbox).to.equal(
      `/work-dir/slaves/master-S0/frameworks/${FRAMEWORK}/executors/t1/runs/${spec?.containerId}`,
    );
    expect(spec?.environment).to.include({
      MESOS_EXECUTOR_ID: 't1',
      MESOS_AGENT_ENDPOINT: '127.0.0.1:5051',
      MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: '5secs',
      MESOS_RECOVERY_TIMEOUT: '15mins',
    });
    const metrics = host.agent.metrics();
    expect(metrics['slave/cpus_used']).to.equal(0.6);
    expect(metrics['slave/mem_used']).to.equal(96);
  });

  it('kills by SIGTERM, then by SIGKILL when the grace period is over', async () => {
    const host = await started();
    host.stubborn.add('t1');
    await host.run([taskInfo('t1')]);
    const atMs = host.world.clock.elapsed();
    await host.kill('t1');
    await host.kill('t1');
    await host.advance(2999);
    expect(host.signals).to.deep.equal([{ taskOrId: 't1', signal: 'SIGTERM', atMs }]);
    await host.advance(10);
    expect(host.signals[1]).to.deep.equal({ taskOrId: 't1', signal: 'SIGKILL', atMs: atMs + 3000 });
    expect(host.states('t1')).to.deep.equal(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLED']);
    expect(host.last('t1').message).to.equal('Command terminated with signal SIGKILL');
    expect(host.last('t1')).to.not.have.property('reason');
  });

  it('lets a later kill shorten the grace period, never lengthen it', async () => {
    const host = await started();
    host.stubborn.add('t1');
    await host.run([
      taskInfo('t1', { kill_policy: { grace_period: { nanoseconds: 60_000_000_000n } } }),
    ]);
    const atMs = host.world.clock.elapsed();
    await host.kill('t1');
    await host.advance(1000);
    await host.kill('t1', 90_000);
    await host.kill('t1', 500);
    await host.kill('t1', 40_000);
    await host.advance(510);
    expect(host.signals.map(({ signal }) => signal)).to.deep.equal(['SIGTERM', 'SIGKILL']);
    expect(host.signals[1]?.atMs).to.equal(atMs + 1500);
  });

  it('tells TASK_KILLING to frameworks that know it only', async () => {
    const host = await started();
    await host.run([taskInfo('t1')], frameworkInfo(['TASK_KILLING_STATE']));
    await host.kill('t1');
    await host.advance(10);
    expect(host.states('t1')).to.deep.equal([
      'TASK_STARTING',
      'TASK_RUNNING',
      'TASK_KILLING',
      'TASK_KILLED',
    ]);
  });

  it('kills a task that is being launched', async () => {
    const host = await started();
    host.launchDelayMs = 1000;
    await host.run([taskInfo('t1')]);
    await host.kill('t1');
    await host.advance(1010);
    expect(host.states('t1')).to.deep.equal(['TASK_STARTING', 'TASK_KILLED']);
    expect(host.last('t1').reason).to.equal('REASON_TASK_KILLED_DURING_LAUNCH');
    expect(host.containersOf('t1')[0]?.end).to.not.equal(undefined);
  });

  it('does not launch what is killed before its checkpoint is durable', async () => {
    const host = await started();
    const run = host.run([taskInfo('t1')]);
    const kill = host.kill('t1');
    await Promise.all([run, kill]);
    expect(host.containers.size).to.equal(0);
    expect(host.last('t1')).to.include({
      state: 'TASK_KILLED',
      reason: 'REASON_TASK_KILLED_DURING_LAUNCH',
    });
  });

  it('answers a kill of a task that is not here', async () => {
    const host = await started();
    await host.run([taskInfo('t1')]);
    await host.kill('other');
    expect(host.last('other')).to.include({ state: 'TASK_DROPPED', source: 'SOURCE_AGENT' });
  });

  it('fails a task that takes longer than it may', async () => {
    const host = await started();
    await host.run([taskInfo('t1', { max_completion_time: { nanoseconds: 10_000_000_000n } })]);
    await host.advance(9990);
    expect(host.states('t1')).to.have.length(2);
    await host.advance(20);
    expect(host.last('t1')).to.include({
      state: 'TASK_FAILED',
      reason: 'REASON_MAX_COMPLETION_TIME_REACHED',
    });
  });

  it('refuses an id whose last end is not acknowledged, and ignores one that runs', async () => {
    const host = await started({ isAcknowledging: false });
    await host.run([taskInfo('t1'), taskInfo('t2')]);
    await host.end('t1');
    await host.run([taskInfo('t1'), taskInfo('t2')]);
    expect(host.containersOf('t1')).to.have.length(1);
    expect(host.containersOf('t2')).to.have.length(1);
    for (let update = 0; update < 3; update++) await host.acknowledge(host.last('t1'));
    expect(host.last('t1')).to.include({ state: 'TASK_DROPPED', reason: 'REASON_TASK_INVALID' });
    await host.acknowledge(host.last('t1'));
    await host.run([taskInfo('t1')]);
    expect(host.containersOf('t1')).to.have.length(2);
  });

  it('ends all tasks of a group when one does not finish', async () => {
    const host = await started();
    await host.tell({
      type: 'RUN_TASKS',
      run_tasks: {
        framework_info: frameworkInfo(),
        executor_info: { type: 'DEFAULT', executor_id: { value: 'pod' } },
        tasks: [taskInfo('a'), taskInfo('b'), taskInfo('c')],
        group: true,
      },
    });
    const status = host.last('a').container_status;
    expect(status?.container_id?.parent?.value).to.be.a('string');
    await host.end('a');
    expect(host.states('b')).to.have.length(2);
    await host.end('b', { kind: 'exited', code: 1 });
    await host.advance(10);
    expect(['a', 'b', 'c'].map((task) => host.last(task).state)).to.deep.equal([
      'TASK_FINISHED',
      'TASK_FAILED',
      'TASK_KILLED',
    ]);
    expect(host.messages('EXECUTOR_EXITED')[0]?.executor_exited).to.deep.include({
      executor_id: { value: 'pod' },
      status: 0,
    });
  });

  it('refuses what would not fit into a record, and lives on', async () => {
    const host = await started();
    await host.run([taskInfo('big', { name: 'x'.repeat(2 ** 20) }), taskInfo('small')]);
    expect(host.last('big')).to.include({ state: 'TASK_DROPPED', reason: 'REASON_TASK_INVALID' });
    expect(host.last('small').state).to.equal('TASK_RUNNING');
  });

  it('bounds its history', async () => {
    const host = await started({ config: { maxCompletedExecutorsPerFramework: 3 } });
    for (let number = 0; number < 6; number++) {
      await host.run([taskInfo(`t${number}`)]);
      await host.end(`t${number}`);
    }
    const framework = host.agent.state.completedFrameworks.items;
    expect(framework).to.have.length(1);
    expect(framework[0]?.completedExecutors.items.map(({ id }) => id)).to.deep.equal([
      't3',
      't4',
      't5',
    ]);
  });
});
