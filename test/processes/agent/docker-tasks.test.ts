/** Tasks of type DOCKER through master and agent: what a scheduler hears of them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type {
  ContainerInfo,
  ContainerInfoDockerInfo,
  TaskStatus,
} from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import { nameOf } from '../../../core/containers/index.js';
import { StandIn } from '../containers/docker-support.js';
import { TestCluster } from './cluster.js';
import { SandboxReader } from './sandbox-reader.js';
import { type TestScheduler, eventually, executorInfo } from './scheduler.js';

const EXECUTOR = fileURLToPath(new URL('executor-program.js', import.meta.url));

describe('An agent with docker tasks', function () {
  this.timeout(30_000);
  let engine: StandIn;
  let cluster: TestCluster;

  before(async () => {
    engine = new StandIn();
    const agentFlags = [
      '--containerizers=mesos,docker',
      `--docker=${engine.program}`,
      '--docker_config={"auths":{"registry.example":{"auth":"c2VjcmV0"}}}',
      '--docker_stop_timeout=10secs',
      '--docker_remove_delay=0secs',
    ];
    cluster = await TestCluster.start({ agentFlags });
  });
  afterEach(() => cluster.endSchedulers());
  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
    engine.dispose();
  });

  function inside(
    docker: Partial<ContainerInfoDockerInfo> = {},
    more: Partial<ContainerInfo> = {},
  ): { readonly container: ContainerInfo } {
    return { container: { type: 'DOCKER', docker: { image: engine.image, ...docker }, ...more } };
  }

  const containerOf = (status: TaskStatus): string =>
    status.container_status?.container_id?.value ?? '';

  async function up(
    scheduler: TestScheduler,
    script: string,
    more: object = {},
  ): Promise<TaskStatus> {
    await scheduler.run('task', script, { ...inside(), ...more });
    return scheduler.until('task', 'TASK_RUNNING');
  }

  it('runs one to its end, with its output in the sandbox', async () => {
    const scheduler = await cluster.scheduler();
    await scheduler.run('task', 'echo $MESOS_TASK_ID $MESOS_SANDBOX', inside());
    const end = await scheduler.until('task', 'TASK_FINISHED');
    expect(end.message).to.equal('Command exited with status 0');
    const running = at(scheduler.told('task'), 1);
    expect(running.state).to.equal('TASK_RUNNING');
    const data = Buffer.from(running.data ?? '', 'base64').toString();
    expect(data).to.contain(nameOf(containerOf(running)));
    const text = SandboxReader.of(cluster, scheduler, 'task').text('stdout');
    expect(text).to.equal('task /mnt/mesos/sandbox\n');
  });

  it('tells addresses, on a bridge', async () => {
    const scheduler = await cluster.scheduler();
    const { container_status: status } = await up(
      scheduler,
      'sleep 100',
      inside({ network: 'BRIDGE' }),
    );
    expect(status?.network_infos).to.deep.equal([
      { ip_addresses: [{ protocol: 'IPv4', ip_address: '127.0.0.2' }] },
    ]);
  });

  it('says why one could not be launched, or what it died of', async () => {
    const scheduler = await cluster.scheduler();
    await scheduler.launch([
      { id: 'image', command: { value: 'true' }, ...inside({ image: 'nosuch:1' }) },
      { id: 'memory', command: { value: 'exit 137' }, ...inside({ image: 'oom:1' }) },
    ]);
    expect(await scheduler.until('image', 'TASK_FAILED')).to.include({
      reason: 'REASON_CONTAINER_LAUNCH_FAILED',
      message:
        "Failed to launch container: 'docker pull' failed: Error: manifest for nosuch:1 not found",
    });
    expect(await scheduler.until('memory', 'TASK_FAILED')).to.include({
      reason: 'REASON_CONTAINER_LIMITATION_MEMORY',
    });
  });

  it('asks one to stop, and waits', async () => {
    const scheduler = await cluster.scheduler();
    await up(scheduler, "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done");
    const sandbox = SandboxReader.of(cluster, scheduler, 'task');
    await eventually('it is up', () => sandbox.exists('stdout') && sandbox.text('stdout') !== '');
    await scheduler.kill('task');
    const end = await scheduler.until('task', 'TASK_KILLED');
    expect(end.message).to.equal('Command exited with status 0');
    expect(sandbox.text('stdout')).to.equal('up\nbye\n');
  });

  it('kills one whose health check fails inside of it', async () => {
    const scheduler = await cluster.scheduler();
    const value = 'test -n "$INSIDE" && ! test -e sick';
    const grace_period = { nanoseconds: 0n };
    await up(scheduler, 'sleep 100', {
      kill_policy: { grace_period },
      health_check: {
        type: 'COMMAND',
        command: { value },
        delay_seconds: 0,
        interval_seconds: 0.1,
        grace_period_seconds: 0,
        consecutive_failures: 1,
      },
    });
    const healthy = (): readonly (boolean | undefined)[] =>
      scheduler.told('task').map((status) => status.healthy);
    await eventually('it is healthy', () => healthy().includes(true));
    const sandbox = SandboxReader.of(cluster, scheduler, 'task');
    writeFileSync(join(sandbox.path, 'sick'), '');
    const end = await scheduler.until('task', 'TASK_KILLED');
    expect(end.healthy).to.equal(false);
    expect(sandbox.names()).to.include('plateau-health-check.log');
  });

  it('finds one again after a kill of the agent, and hears of its end', async () => {
    const scheduler = await cluster.scheduler();
    const running = await up(scheduler, 'while ! test -e go; do sleep 0.05; done; exit 7');
    await cluster.restartAgent();
    const sandbox = SandboxReader.of(cluster, scheduler, 'task');
    expect(scheduler.states('task')).to.deep.equal(['TASK_STARTING', 'TASK_RUNNING']);
    const { containers = [] } =
      (await cluster.agentClient.call({ type: 'GET_CONTAINERS', get_containers: {} }))
        ?.get_containers ?? {};
    expect(containers.map(({ container_id }) => container_id.value)).to.deep.equal([
      containerOf(running),
    ]);
    writeFileSync(join(sandbox.path, 'go'), '');
    const end = await scheduler.until('task', 'TASK_FAILED');
    expect(end.message).to.equal('Command exited with status 7');
  });

  it('runs an executor of a framework from its image', async () => {
    const scheduler = await cluster.scheduler();
    const info = executorInfo(scheduler, { id: 'inside', program: EXECUTOR });
    // As for tasks: what is said follows the image, the name of a program is not among it.
    const command = { ...info.command, arguments: [EXECUTOR] };
    const executor = { ...info, command, ...inside() };
    await scheduler.launch([{ id: 'task', executor }]);
    const status = await scheduler.until('task', 'TASK_RUNNING');
    expect(engine.names()).to.deep.equal([`${nameOf(containerOf(status))}.json`]);
    await scheduler.kill('task');
    await scheduler.ended('task');
  });

  it('shows no credentials among its flags', async () => {
    const { flags } = await cluster.agent.page('/flags');
    expect(flags).to.include({ docker_config: '{…}', containerizers: 'mesos,docker' });
    expect(JSON.stringify(await cluster.agent.page('/state'))).to.not.contain('c2VjcmV0');
  });
});
