/** Health checks and checks of real tasks: what their schedulers hear, and what happens to the tasks. */
import { userInfo } from 'node:os';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { CheckInfo, HealthCheck, TaskStatus } from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import { freePorts, isAlive } from '../faults/cluster.js';
import { TestCluster } from './cluster.js';
import { SandboxReader } from './sandbox-reader.js';
import { type TestScheduler, eventually } from './scheduler.js';

const OTHER = userInfo().username === 'nobody' ? 'daemon' : 'nobody';
const isRoot = process.getuid?.() === 0;
const SOON = { delay_seconds: 0, interval_seconds: 0.1, grace_period_seconds: 0 };

/** Serves the status that is in the file `status` of its sandbox; refuses while there is none. */
const SERVER = `
const { readFileSync } = require('fs');
require('http').createServer((request, response) => {
  let status = 500;
  try { status = Number(readFileSync('status', 'utf8')); } catch {}
  response.writeHead(status).end('page');
}).listen(PORT, '127.0.0.1');`;

describe('An agent with checks', function () {
  this.timeout(30_000);
  let cluster: TestCluster;

  before(async () => {
    cluster = await TestCluster.start();
  });
  afterEach(() => cluster.endSchedulers());
  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  const healths = (scheduler: TestScheduler, taskId: string): readonly boolean[] =>
    scheduler
      .told(taskId)
      .filter(({ reason }) => reason === 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED')
      .map(({ healthy }) => healthy === true);

  async function untilTold(
    scheduler: TestScheduler,
    taskId: string,
    fits: (status: TaskStatus) => boolean,
  ): Promise<TaskStatus> {
    const found = (): TaskStatus | undefined => scheduler.told(taskId).find(fits);
    await eventually(
      () => `an update of ${taskId}; told: ${JSON.stringify(scheduler.told(taskId))}`,
      () => found() !== undefined,
    );
    return found() ?? at(scheduler.told(taskId), 0);
  }

  async function server(
    scheduler: TestScheduler,
    check: (port: number) => HealthCheck,
  ): Promise<SandboxReader> {
    const port = at(await freePorts(1), 0);
    const program = SERVER.replace('PORT', String(port));
    const command = { shell: false, value: process.execPath, arguments: ['node', '-e', program] };
    await scheduler.run('server', command, { health_check: check(port) });
    await scheduler.until('server', 'TASK_RUNNING');
    return SandboxReader.of(cluster, scheduler, 'server');
  }

  it('follows the health of a server that changes, and shows it on its pages', async () => {
    const scheduler = await cluster.scheduler();
    const sandbox = await server(scheduler, (port) => ({
      ...SOON,
      type: 'HTTP',
      http: { port, path: '/health' },
      consecutive_failures: 1_000_000,
      grace_period_seconds: 60,
    }));
    writeFileSync(join(sandbox.path, 'status'), '200');
    await untilTold(scheduler, 'server', ({ healthy }) => healthy === true);
    writeFileSync(join(sandbox.path, 'status'), '503');
    const bad = await untilTold(scheduler, 'server', ({ healthy }) => healthy === false);
    expect(bad.message).to.equal('HTTP health check failed: the answer has status 503');
    writeFileSync(join(sandbox.path, 'status'), '302');
    await eventually('it is healthy again', () => healths(scheduler, 'server').at(-1) === true);
    const answer = await cluster.operator.call({ type: 'GET_TASKS' });
    const shown = answer?.get_tasks?.tasks?.find(({ task_id }) => task_id.value === 'server');
    expect(shown?.statuses?.at(-1)).to.include({ state: 'TASK_RUNNING', healthy: true });
    expect(shown?.health_check?.http?.path).to.equal('/health');
    const page = await cluster.master.page('/tasks');
    expect(JSON.stringify(page)).to.contain('"healthy":true');
  });

  it('ends a task whose health check fails, and says so', async () => {
    const scheduler = await cluster.scheduler();
    const sandbox = await server(scheduler, (port) => ({
      ...SOON,
      type: 'HTTP',
      http: { port },
      grace_period_seconds: 60,
    }));
    writeFileSync(join(sandbox.path, 'status'), '200');
    await untilTold(scheduler, 'server', ({ healthy }) => healthy === true);
    rmSync(join(sandbox.path, 'status'));
    const end = await scheduler.until('server', 'TASK_KILLED');
    expect(end).to.include({ healthy: false, source: 'SOURCE_EXECUTOR' });
    expect(end).to.not.have.property('reason');
    expect(end.message).to.match(/^Command terminated with signal SIGTERM; .* 3 times in a row$/);
    expect(healths(scheduler, 'server')).to.deep.equal([true, false, false, false]);
  });

  it('connects by TCP, and answers reconciliation with what it found', async () => {
    const scheduler = await cluster.scheduler();
    await server(scheduler, (port) => ({
      ...SOON,
      type: 'TCP',
      tcp: { port },
      grace_period_seconds: 60,
    }));
    await untilTold(scheduler, 'server', ({ healthy }) => healthy === true);
    await scheduler.client.call({ type: 'RECONCILE', reconcile: { tasks: [] } });
    const answer = await untilTold(
      scheduler,
      'server',
      ({ reason }) => reason === 'REASON_RECONCILIATION',
    );
    expect(answer).to.include({ state: 'TASK_RUNNING', healthy: true });
  });

  it('runs the commands of checks beside the task, as its user, in its environment', async () => {
    // Only root can be another.
    const user = isRoot ? OTHER : userInfo().username;
    const scheduler = await cluster.scheduler();
    const variables = [{ name: 'OF_TASK', value: 'yes' }];
    const look = 'test "$OF_TASK" = yes && test -n "$MESOS_TASK_ID" && id -un && pwd && exit 7';
    const check: CheckInfo = { ...SOON, type: 'COMMAND', command: { command: { value: look } } };
    const command = { value: 'sleep 1000', user, environment: { variables } };
    await scheduler.run('checked', command, { check });
    const found = await untilTold(
      scheduler,
      'checked',
      ({ reason }) => reason === 'REASON_TASK_CHECK_STATUS_UPDATED',
    );
    expect(found.check_status).to.deep.equal({ type: 'COMMAND', command: { exit_code: 7 } });
    expect(at(scheduler.told('checked'), 0).check_status).to.deep.equal({
      type: 'COMMAND',
      command: {},
    });
    const sandbox = SandboxReader.of(cluster, scheduler, 'checked');
    const lines = sandbox.text('plateau-check.log').split('\n');
    expect(lines.slice(0, 2)).to.deep.equal([user, sandbox.path]);
    expect(sandbox.text('stdout')).to.equal('');
  });

  it('kills the command of a check that takes too long, and takes it for a failure', async () => {
    const scheduler = await cluster.scheduler();
    const health_check: HealthCheck = {
      ...SOON,
      type: 'COMMAND',
      command: { value: 'sleep 1000 & echo $! >> pids; echo $$ >> pids; wait' },
      timeout_seconds: 0.3,
      consecutive_failures: 2,
    };
    await scheduler.run('slow', 'sleep 1000', { health_check });
    const end = await scheduler.until('slow', 'TASK_KILLED');
    expect(end.healthy).to.equal(false);
    const bad = await untilTold(scheduler, 'slow', ({ healthy }) => healthy === false);
    expect(bad.message).to.equal('COMMAND health check failed: no result within 300 ms');
    const pids = SandboxReader.of(cluster, scheduler, 'slow').text('pids').trim().split('\n');
    expect(pids.length).to.be.at.least(4);
    await eventually('nothing of the checks is left', () => !pids.map(Number).some(isAlive));
  });

  it('ends what a check runs together with its task', async () => {
    const scheduler = await cluster.scheduler();
    const command = { value: 'echo $$ > pid; exec sleep 1000' };
    const check: CheckInfo = { ...SOON, type: 'COMMAND', command: { command } };
    await scheduler.run('short', 'while [ ! -s pid ]; do sleep 0.02; done; cp pid copy', { check });
    await scheduler.until('short', 'TASK_FINISHED');
    const pid = Number(SandboxReader.of(cluster, scheduler, 'short').text('copy'));
    await eventually('the command of the check is gone', () => !isAlive(pid));
  });

  it('goes on with checks after it was killed and started again', async () => {
    const scheduler = await cluster.scheduler();
    const health_check: HealthCheck = {
      ...SOON,
      type: 'COMMAND',
      command: { value: 'echo $$ > pid; test ! -e hang || exec sleep 1000; test ! -e ill' },
      timeout_seconds: 60,
    };
    await scheduler.run('lasting', 'exec sleep 1000', { health_check });
    await untilTold(scheduler, 'lasting', ({ healthy }) => healthy === true);
    const sandbox = SandboxReader.of(cluster, scheduler, 'lasting');
    writeFileSync(join(sandbox.path, 'hang'), '');
    const pidFile = join(sandbox.path, 'pid');
    await eventually('a check hangs', () => {
      const isSleep = (pid: string): boolean => {
        const line = join('/proc', pid, 'cmdline');
        return existsSync(line) && readFileSync(line, 'latin1').startsWith('sleep');
      };
      return isSleep(readFileSync(pidFile, 'utf8').trim() || '0');
    });
    const hanging = Number(readFileSync(pidFile, 'utf8'));
    await cluster.agent.end('SIGKILL');
    await eventually('the command of the check is gone', () => !isAlive(hanging));
    rmSync(join(sandbox.path, 'hang'));
    rmSync(pidFile);
    await cluster.agent.start();
    await cluster.untilRegistered();
    await eventually('a new agent checks', () => existsSync(pidFile));
    expect(healths(scheduler, 'lasting')).to.deep.equal([true]);
    expect(scheduler.states('lasting')).to.not.include('TASK_KILLED');
    writeFileSync(join(sandbox.path, 'ill'), '');
    const end = await scheduler.until('lasting', 'TASK_KILLED');
    expect(end.healthy).to.equal(false);
    expect(healths(scheduler, 'lasting')).to.deep.equal([true, false, false, false]);
  });
});
