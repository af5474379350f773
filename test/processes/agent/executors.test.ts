/** Custom executors: processes that speak the executor API, from their start to their end. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { ExecutorInfo } from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import { isAlive, processesOf } from '../faults/cluster.js';
import { TestCluster } from './cluster.js';
import { type TestScheduler, eventually, executorInfo } from './scheduler.js';

const PROGRAM = fileURLToPath(new URL('executor-program.js', import.meta.url));
const PROTOBUF_PROGRAM = fileURLToPath(new URL('protobuf-executor-program.js', import.meta.url));
const STARTED = ['TASK_STARTING', 'TASK_RUNNING'];

describe('An agent with custom executors', function () {
  this.timeout(30_000);
  let cluster: TestCluster;

  before(async () => {
    cluster = await TestCluster.start({
      agentFlags: [
        '--executor_registration_timeout=1secs',
        '--executor_reregistration_timeout=1secs',
        '--executor_shutdown_grace_period=700ms',
      ],
    });
  });

  afterEach(() => cluster.endSchedulers());

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  function sandboxOf(scheduler: TestScheduler, executorId: string): string {
    const agentId = at(scheduler.events, 0).subscribed === undefined ? '' : agentIdOf(scheduler);
    const path = ['slaves', agentId, 'frameworks', scheduler.frameworkId, 'executors', executorId];
    return join(cluster.workDir, ...path, 'runs', 'latest');
  }

  function agentIdOf(scheduler: TestScheduler): string {
    const offer = scheduler.events.flatMap(({ offers }) => offers?.offers ?? [])[0];
    return offer?.agent_id.value ?? '';
  }

  function logOf(scheduler: TestScheduler, executorId: string): readonly string[] {
    const log = readFileSync(join(sandboxOf(scheduler, executorId), 'executor.log'), 'utf8');
    return log.trimEnd().split('\n');
  }

  function pidOf(scheduler: TestScheduler, executorId: string): number {
    return Number(/\d+/.exec(at(logOf(scheduler, executorId), 0))?.[0]);
  }

  async function send(
    scheduler: TestScheduler,
    executorId: string,
    message: string,
  ): Promise<void> {
    await scheduler.client.call({
      type: 'MESSAGE',
      message: {
        agent_id: { value: agentIdOf(scheduler) },
        executor_id: { value: executorId },
        data: Buffer.from(message).toString('base64'),
      },
    });
  }

  async function messageOf(scheduler: TestScheduler, pattern: RegExp): Promise<string> {
    return scheduler.event(`a message like ${pattern}`, ({ message }) => {
      const text = Buffer.from(message?.data ?? '', 'base64').toString('utf8');
      return message !== undefined && pattern.test(text) ? text : undefined;
    });
  }

  async function failureOf(scheduler: TestScheduler, executorId: string): Promise<number> {
    const failure = await scheduler.event(`FAILURE of ${executorId}`, (event) =>
      event.failure?.executor_id?.value === executorId ? event.failure : undefined,
    );
    expect(failure.agent_id?.value).to.equal(agentIdOf(scheduler));
    return failure.status ?? Number.NaN;
  }

  async function shutDown(scheduler: TestScheduler, executorId: string): Promise<void> {
    await scheduler.client.call({
      type: 'SHUTDOWN',
      shutdown: {
        executor_id: { value: executorId },
        agent_id: { value: agentIdOf(scheduler) },
      },
    });
  }

  /** Starts an executor with tasks that go on until they are told something. */
  async function running(
    scheduler: TestScheduler,
    executorId: string,
    ...taskIds: readonly string[]
  ): Promise<ExecutorInfo> {
    return runningProgram(PROGRAM, scheduler, executorId, taskIds);
  }

  async function runningProgram(
    program: string,
    scheduler: TestScheduler,
    executorId: string,
    taskIds: readonly string[],
  ): Promise<ExecutorInfo> {
    const executor = executorInfo(scheduler, { id: executorId, program });
    await scheduler.launch(taskIds.map((id) => ({ id, executor })));
    for (const taskId of taskIds) await scheduler.until(taskId, 'TASK_RUNNING');
    return executor;
  }

  it('runs two tasks on one executor, tells their states in order, and carries messages', async () => {
    const scheduler = await cluster.scheduler();
    const executor = await running(scheduler, 'pair', 'one', 'two');
    await send(scheduler, 'pair', 'how are you?');
    expect(await messageOf(scheduler, /said/)).to.equal('you said: how are you?');
    await send(scheduler, 'pair', 'finish one');
    await scheduler.until('one', 'TASK_FINISHED');
    expect(scheduler.states('one')).to.deep.equal([...STARTED, 'TASK_FINISHED']);
    // A task that comes later runs on the same process.
    await scheduler.launch([{ id: 'three', executor }]);
    await scheduler.until('three', 'TASK_RUNNING');
    await scheduler.kill('two');
    await scheduler.until('two', 'TASK_KILLED');
    expect(scheduler.states('two')).to.deep.equal([...STARTED, 'TASK_KILLED']);
    const status = at(scheduler.told('three'), 1);
    expect(status).to.deep.include({
      executor_id: { value: 'pair' },
      agent_id: { value: agentIdOf(scheduler) },
      source: 'SOURCE_EXECUTOR',
    });
    const seen = logOf(scheduler, 'pair');
    expect(seen.filter((line) => line.startsWith('started'))).to.have.length(1);
    expect(seen.filter((line) => line === 'LAUNCH')).to.have.length(3);
    expect(seen.filter((line) => line.startsWith('refused'))).to.deep.equal([]);
  });

  it('speaks protobuf with those who do, and hears them while their stream is away', async () => {
    const scheduler = await cluster.scheduler();
    await runningProgram(PROTOBUF_PROGRAM, scheduler, 'binary', ['kept', 'told']);
    await send(scheduler, 'binary', 'hello');
    await messageOf(scheduler, /^heard hello$/);
    await send(scheduler, 'binary', 'away told');
    await scheduler.until('told', 'TASK_FINISHED');
    await eventually('it is back', () => {
      return logOf(scheduler, 'binary').filter((line) => line === 'SUBSCRIBED').length === 2;
    });
    await scheduler.kill('kept');
    await scheduler.until('kept', 'TASK_KILLED');
    expect(scheduler.states('told')).to.deep.equal([...STARTED, 'TASK_FINISHED']);
    const seen = logOf(scheduler, 'binary');
    expect(seen).to.include('HEARTBEAT 202').and.include('stream application/x-protobuf');
    expect(
      seen.filter((line) => /^[A-Z]+ [45]\d\d/.test(line)),
      'calls refused',
    ).to.deep.equal([]);
    expect(seen.filter((line) => line === 'LAUNCH')).to.have.length(2);
  });

  it('gives an executor whose stream is away its grace to come back and be told to end', async () => {
    const scheduler = await cluster.scheduler();
    await runningProgram(PROTOBUF_PROGRAM, scheduler, 'leaver', ['last', 'rest']);
    await send(scheduler, 'leaver', 'gone last');
    await scheduler.until('last', 'TASK_FINISHED');
    await shutDown(scheduler, 'leaver');
    writeFileSync(join(sandboxOf(scheduler, 'leaver'), 'back'), '');
    expect(await failureOf(scheduler, 'leaver')).to.equal(0);
    expect(logOf(scheduler, 'leaver').filter((line) => line === 'SHUTDOWN')).to.have.length(1);
    const status = await scheduler.until('rest', 'TASK_FAILED');
    expect(status.reason).to.equal('REASON_EXECUTOR_TERMINATED');
  });

  it('gives executors the environment that the API promises, and nothing of its own', async () => {
    const scheduler = await cluster.scheduler();
    await running(scheduler, 'curious', 'reads');
    await send(scheduler, 'curious', 'environment');
    const seen = JSON.parse(await messageOf(scheduler, /^\{/)) as Record<string, string>;
    const sandbox = realSandbox(seen['MESOS_DIRECTORY']);
    const endpoint = new URL(cluster.agent.url).host;
    const own = { PATH: seen['PATH'], HOME: sandbox, PWD: seen['PWD'] ?? sandbox };
    expect({ ...own, ...seen }).to.deep.equal({
      ...own,
      LIBPROCESS_PORT: '0',
      MESOS_AGENT_ENDPOINT: endpoint,
      MESOS_CHECKPOINT: '1',
      MESOS_DIRECTORY: sandbox,
      MESOS_EXECUTOR_ID: 'curious',
      MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: '700ms',
      MESOS_FRAMEWORK_ID: scheduler.frameworkId,
      MESOS_HTTP_COMMAND_EXECUTOR: '0',
      MESOS_RECOVERY_TIMEOUT: '15mins',
      MESOS_SANDBOX: sandbox,
      MESOS_SLAVE_ID: agentIdOf(scheduler),
      MESOS_SLAVE_PID: `slave(1)@${endpoint}`,
      MESOS_SUBSCRIPTION_BACKOFF_MAX: '1secs',
    });
  });

  function realSandbox(path = ''): string {
    expect(path).to.match(new RegExp(`^${cluster.workDir}/slaves/.+/executors/curious/runs/.+`));
    return path;
  }

  it('shuts an executor down when the framework asks for it', async () => {
    const scheduler = await cluster.scheduler();
    await running(scheduler, 'leaving', 'a', 'b');
    const pid = pidOf(scheduler, 'leaving');
    await shutDown(scheduler, 'leaving');
    for (const task of ['a', 'b']) await scheduler.until(task, 'TASK_KILLED');
    expect(await failureOf(scheduler, 'leaving')).to.equal(0);
    expect(isAlive(pid)).to.equal(false);
    expect(logOf(scheduler, 'leaving')).to.include('SHUTDOWN');
  });

  it('kills an executor that does not shut down in time', async () => {
    const scheduler = await cluster.scheduler();
    await running(scheduler, 'frozen', 'held');
    const pid = pidOf(scheduler, 'frozen');
    process.kill(pid, 'SIGSTOP');
    const before = performance.now();
    await shutDown(scheduler, 'frozen');
    const status = await scheduler.ended('held');
    expect(performance.now() - before).to.be.within(700, 3000);
    expect(status).to.include({ state: 'TASK_FAILED', reason: 'REASON_EXECUTOR_TERMINATED' });
    expect(await failureOf(scheduler, 'frozen')).to.equal(9);
    expect(isAlive(pid)).to.equal(false);
  });

  it('fails the tasks of an executor that exits, and tells its status', async () => {
    const scheduler = await cluster.scheduler();
    await running(scheduler, 'dying', 'x', 'y');
    await send(scheduler, 'dying', 'exit 3');
    for (const task of ['x', 'y']) {
      const status = await scheduler.until(task, 'TASK_FAILED');
      expect(status).to.include({
        source: 'SOURCE_AGENT',
        reason: 'REASON_EXECUTOR_TERMINATED',
      });
      expect(status.message).to.match(/exit.* 3\b/);
    }
    expect(await failureOf(scheduler, 'dying')).to.equal(3 << 8);
  });

  it('kills an executor that never subscribes, and says so', async () => {
    const scheduler = await cluster.scheduler();
    const variables = { EXECUTOR_SILENT: '1' };
    const executor = executorInfo(scheduler, { id: 'mute', program: PROGRAM, variables });
    await scheduler.launch([{ id: 'never', executor }]);
    const status = await scheduler.until('never', 'TASK_FAILED');
    expect(status).to.include({
      source: 'SOURCE_AGENT',
      reason: 'REASON_EXECUTOR_REGISTRATION_TIMEOUT',
    });
    expect(await failureOf(scheduler, 'mute')).to.equal(9);
    expect(isAlive(pidOf(scheduler, 'mute'))).to.equal(false);
  });

  it('kills a task that its executor has not been given yet, once', async () => {
    const scheduler = await cluster.scheduler();
    const variables = { EXECUTOR_SILENT: '1' };
    const executor = executorInfo(scheduler, { id: 'slow', program: PROGRAM, variables });
    await scheduler.launch([{ id: 'unwanted', executor }]);
    await scheduler.kill('unwanted');
    const status = await scheduler.until('unwanted', 'TASK_KILLED');
    expect(status.reason).to.equal('REASON_TASK_KILLED_DURING_LAUNCH');
    await failureOf(scheduler, 'slow');
    expect(scheduler.states('unwanted')).to.deep.equal(['TASK_KILLED']);
  });

  it('says why an executor cannot be started', async () => {
    const scheduler = await cluster.scheduler();
    const executor = executorInfo(scheduler, { id: 'absent', program: PROGRAM });
    const command = { shell: false, value: '/no/such/program' };
    await scheduler.launch([{ id: 'hopeless', executor: { ...executor, command } }]);
    const status = await scheduler.until('hopeless', 'TASK_FAILED');
    expect(status.reason).to.equal('REASON_CONTAINER_LAUNCH_FAILED');
    expect(status.message).to.include('/no/such/program');
  });

  it('takes back an executor that lived on while the agent was dead, with what it had to tell', async () => {
    const scheduler = await cluster.scheduler();
    const executor = await running(scheduler, 'survivor', 'stays', 'ends');
    await send(scheduler, 'survivor', 'finish-alone ends');
    await send(scheduler, 'survivor', 'ready?');
    await messageOf(scheduler, /ready/);
    const pid = pidOf(scheduler, 'survivor');
    await cluster.restartAgent();
    await scheduler.until('ends', 'TASK_FINISHED');
    expect(scheduler.states('ends')).to.deep.equal([...STARTED, 'TASK_FINISHED']);
    expect(isAlive(pid)).to.equal(true);
    await scheduler.launch([{ id: 'later', executor }]);
    await scheduler.until('later', 'TASK_RUNNING');
    await scheduler.kill('stays');
    await scheduler.until('stays', 'TASK_KILLED');
    expect(scheduler.states('stays')).to.deep.equal([...STARTED, 'TASK_KILLED']);
    expect(pidOf(scheduler, 'survivor')).to.equal(pid);
    const seen = logOf(scheduler, 'survivor');
    expect(seen.filter((line) => line === 'SUBSCRIBED')).to.have.length(2);
  });

  it('fails the tasks of an executor that does not come back after a restart', async () => {
    const scheduler = await cluster.scheduler();
    await running(scheduler, 'asleep', 'lost');
    process.kill(pidOf(scheduler, 'asleep'), 'SIGSTOP');
    await cluster.restartAgent();
    const status = await scheduler.until('lost', 'TASK_FAILED');
    expect(status.reason).to.equal('REASON_EXECUTOR_REREGISTRATION_TIMEOUT');
    expect(await failureOf(scheduler, 'asleep')).to.equal(9);
    expect(isAlive(pidOf(scheduler, 'asleep'))).to.equal(false);
  });

  it('tells that an executor ended while the agent was dead', async () => {
    const scheduler = await cluster.scheduler();
    await running(scheduler, 'unseen', 'orphan');
    const pid = pidOf(scheduler, 'unseen');
    await cluster.agent.end('SIGKILL');
    process.kill(pid, 'SIGKILL');
    await eventually('the executor is dead', () => !isAlive(pid));
    await cluster.agent.start();
    const status = await scheduler.until('orphan', 'TASK_FAILED');
    expect(status.reason).to.equal('REASON_EXECUTOR_TERMINATED');
    expect(status.message).to.include('SIGKILL');
    // What it took is free again.
    await running(scheduler, 'unseen', 'next');
  });

  it('fails the tasks of an executor whose launcher was killed, and starts another', async () => {
    const scheduler = await cluster.scheduler();
    await running(scheduler, 'bereft', 'cut');
    const pid = pidOf(scheduler, 'bereft');
    const launcher = processesOf(cluster.workDir).find(({ line }) => line.includes('/launcher/'));
    process.kill(launcher?.pid ?? 0, 'SIGKILL');
    const status = await scheduler.until('cut', 'TASK_FAILED');
    expect(status.reason).to.equal('REASON_EXECUTOR_TERMINATED');
    await failureOf(scheduler, 'bereft');
    expect(isAlive(pid)).to.equal(false);
    await running(scheduler, 'bereft', 'anew');
  });

  it('ends executors of frameworks without checkpoint when the agent dies, and tells their tasks', async () => {
    const scheduler = await cluster.scheduler({ framework: { checkpoint: false } });
    await running(scheduler, 'mortal', 'goes');
    await send(scheduler, 'mortal', 'environment');
    const seen = JSON.parse(await messageOf(scheduler, /^\{/)) as Record<string, string>;
    expect(seen).to.include({ MESOS_CHECKPOINT: '0' });
    expect(seen).to.not.have.any.keys('MESOS_RECOVERY_TIMEOUT', 'MESOS_SUBSCRIPTION_BACKOFF_MAX');
    const pid = pidOf(scheduler, 'mortal');
    await cluster.restartAgent();
    const status = await scheduler.ended('goes');
    expect(status).to.include({
      state: 'TASK_DROPPED',
      source: 'SOURCE_AGENT',
      reason: 'REASON_RECONCILIATION',
    });
    await eventually('the executor is dead', () => !isAlive(pid));
    // What it took is offered again, and the id of the executor can be used again.
    await running(scheduler, 'mortal', 'comes');
  });
});
