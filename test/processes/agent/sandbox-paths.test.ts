/** Folders that the tasks of a group, and containers inside of others, share: SANDBOX_PATH volumes. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ContainerInfo, ExecutorInfo, Volume } from '../../../core/api/index.js';
import { OfferRemainder } from '../../../core/client/index.js';
import { TestCluster } from './cluster.js';
import { SandboxReader } from './sandbox-reader.js';
import { SMALL, type TaskWish, type TestScheduler, taskInfo } from './scheduler.js';

function container(type: 'SELF' | 'PARENT', path: string, at: string): ContainerInfo {
  const source: Volume['source'] = { type: 'SANDBOX_PATH', sandbox_path: { type, path } };
  return { type: 'MESOS', volumes: [{ mode: 'RW', container_path: at, source }] };
}

function text(path: string): string {
  return readFileSync(path, 'utf8');
}

describe('SANDBOX_PATH volumes', function () {
  this.timeout(40_000);
  let cluster: TestCluster;
  let scheduler: TestScheduler;

  before(async () => {
    cluster = await TestCluster.start();
  });

  beforeEach(async () => {
    scheduler = await cluster.scheduler();
  });

  afterEach(() => cluster.endSchedulers());

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  /** The sandbox of a run of an executor. */
  function sandboxOf(executorId: string, run: string): string {
    const { frameworkId } = scheduler;
    const agents = join(cluster.workDir, 'slaves');
    const [agentId = ''] = readdirSync(agents);
    const executors = join(agents, agentId, 'frameworks', frameworkId, 'executors');
    return join(executors, executorId, 'runs', run);
  }

  async function launchGroup(executorId: string, wishes: readonly TaskWish[]): Promise<void> {
    const offer = await scheduler.takeOffer((one) =>
      new OfferRemainder(one).fits({ cpus: 1, memoryMiB: 256, diskMiB: 32 }),
    );
    const remainder = new OfferRemainder(offer);
    const tasks = wishes.map((wish) => taskInfo(offer, wish, remainder.take(SMALL)));
    const executor: ExecutorInfo = {
      type: 'DEFAULT',
      executor_id: { value: executorId },
      resources: remainder.take({ cpus: 0.1, memoryMiB: 32, diskMiB: 16 }),
    };
    await scheduler.accept(offer, [
      { type: 'LAUNCH_GROUP', launch_group: { executor, task_group: { tasks } } },
    ]);
  }

  it('let two tasks of a group share a file', async () => {
    const wait = 'while [ ! -s in/file ]; do sleep 0.02; done; cat in/file; ls -A';
    await launchGroup('shares', [
      {
        id: 'writer',
        command: { value: 'echo from the writer > out/.f && mv out/.f out/file' },
        container: container('PARENT', 'pool', 'out'),
      },
      { id: 'reader', command: { value: wait }, container: container('PARENT', 'pool', 'in') },
    ]);
    const { container_status } = await scheduler.until('reader', 'TASK_RUNNING');
    await scheduler.until('writer', 'TASK_FINISHED');
    await scheduler.until('reader', 'TASK_FINISHED');
    const { value = '', parent } = container_status?.container_id ?? {};
    const executor = sandboxOf('shares', parent?.value ?? '');
    expect(text(join(executor, 'containers', value, 'stdout'))).to.equal(
      'from the writer\nin\nstderr\nstdout\n',
    );
    expect(text(join(executor, 'pool', 'file'))).to.equal('from the writer\n');
  });

  it('give a task a folder of its own sandbox at another place', async () => {
    const own = container('SELF', 'store', 'deep/data');
    await scheduler.run('self', 'echo x > deep/data/f; cat store/f', { container: own });
    await scheduler.until('self', 'TASK_FINISHED');
    expect(SandboxReader.of(cluster, scheduler, 'self').text('stdout')).to.equal('x\n');
  });

  it('let a nested container reach the sandbox of its task', async () => {
    await scheduler.run('outer', 'while [ ! -f up/file ]; do sleep 0.02; done; cat up/file');
    const status = await scheduler.until('outer', 'TASK_RUNNING');
    const value = status.container_status?.container_id?.value ?? '';
    await cluster.agentClient.call({
      type: 'LAUNCH_CONTAINER',
      launch_container: {
        container_id: { value: 'inner', parent: { value } },
        command: { value: 'echo inner > here/.f && mv here/.f here/file' },
        container: container('PARENT', 'up', 'here'),
      },
    });
    await scheduler.until('outer', 'TASK_FINISHED');
    expect(SandboxReader.of(cluster, scheduler, 'outer').text('stdout')).to.equal('inner\n');
  });

  it('fail a task with the reason when they cannot be given, and its group with it', async () => {
    const parent = container('PARENT', 'up', 'here');
    await scheduler.run('alone', 'true', { container: parent });
    const alone = await scheduler.until('alone', 'TASK_FAILED');
    expect(alone.reason).to.equal('REASON_CONTAINER_LAUNCH_FAILED');
    expect(alone.message).to.match(/is PARENT, and the container is inside no other/);
    await launchGroup('leads-out', [
      { id: 'bad', command: { value: 'true' }, container: container('PARENT', '../x', 'x') },
      { id: 'good', command: { value: 'sleep 100' } },
    ]);
    const bad = await scheduler.until('bad', 'TASK_FAILED');
    expect(bad.message).to.match(/'source.sandbox_path.path' of volume 'x' leads out/);
    await scheduler.until('good', 'TASK_KILLED');
  });

  it('are refused in sessions, which have no sandbox of their own', async () => {
    await scheduler.run('outer-2', 'sleep 100');
    const status = await scheduler.until('outer-2', 'TASK_RUNNING');
    const value = status.container_status?.container_id?.value ?? '';
    const answer = await fetch(`${cluster.agent.url}/api/v1`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/recordio' },
      body: JSON.stringify({
        type: 'LAUNCH_NESTED_CONTAINER_SESSION',
        launch_nested_container_session: {
          container_id: { value: 'session', parent: { value } },
          command: { value: 'true' },
          container: container('PARENT', 'up', 'here'),
        },
      }),
    });
    expect(answer.status).to.equal(400);
    expect(await answer.text()).to.match(/container.volumes\[0\]: source of type SANDBOX_PATH/);
  });
});
