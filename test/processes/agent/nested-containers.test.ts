/** Containers that the operators' API launches beside real tasks, and their streams. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { AgentCall, ContainerID, TaskStatus } from '../../../core/api/index.js';
import { sandboxPath } from '../../../core/client/index.js';
import { isAlive } from '../faults/cluster.js';
import { TestCluster } from './cluster.js';
import { type Form, InputStream, OutputStream } from './container-stream.js';
import { type TestScheduler, eventually } from './scheduler.js';

const FORMS: readonly Form[] = ['application/json', 'application/x-protobuf'];
/** More than all buffers on the way hold together. */
const MUCH = 1024 * 1024;

describe('Nested containers', function () {
  this.timeout(30_000);
  let cluster: TestCluster;
  let scheduler: TestScheduler;
  let task: ContainerID;
  let count = 0;

  before(async () => {
    cluster = await TestCluster.start();
  });

  beforeEach(async () => {
    scheduler = await cluster.scheduler();
    const id = `parent-${count++}`;
    const environment = { variables: [{ name: 'OF_TASK', value: 'yes' }] };
    await scheduler.run(id, { value: 'echo mine > file; sleep 1000', environment });
    task = containerOf(await scheduler.until(id, 'TASK_RUNNING'));
    await eventually('the task has written its file', async () => {
      const { stdout } = await session('cat file 2>/dev/null');
      return stdout === 'mine\n';
    });
  });

  afterEach(() => cluster.endSchedulers());

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  function child(): ContainerID {
    return { value: `child-${count++}`, parent: task };
  }

  function open(value: string, container_id = child(), form?: Form): Promise<OutputStream> {
    const launch_nested_container_session = { container_id, command: { value } };
    const call: AgentCall = {
      type: 'LAUNCH_NESTED_CONTAINER_SESSION',
      launch_nested_container_session,
    };
    return OutputStream.open(cluster.agent.url, call, form);
  }

  async function session(value: string): ReturnType<OutputStream['read']> {
    return (await open(value)).read();
  }

  function call(message: AgentCall): ReturnType<TestCluster['agentClient']['call']> {
    return cluster.agentClient.call(message);
  }

  async function launch(container_id: ContainerID, value: string): Promise<void> {
    await call({
      type: 'LAUNCH_CONTAINER',
      launch_container: { container_id, command: { value } },
    });
  }

  async function exitStatus(container_id: ContainerID): Promise<number | undefined> {
    const answer = await call({ type: 'WAIT_CONTAINER', wait_container: { container_id } });
    return answer?.wait_container?.exit_status;
  }

  /** The number of the process of a container, as GET_CONTAINERS has it. */
  async function pidOf(container_id: ContainerID): Promise<number> {
    const get_containers = { show_nested: true, show_standalone: true };
    const answer = await call({ type: 'GET_CONTAINERS', get_containers });
    const found = answer?.get_containers?.containers?.find(
      (one) => one.container_id.value === container_id.value,
    );
    return found?.container_status?.executor_pid ?? 0;
  }

  for (const form of FORMS) {
    it(`stream both outputs of a session in ${form}, in the place of the task`, async () => {
      const container_id = child();
      const stream = await open(
        'cat file; echo $OF_TASK; echo err >&2; exit 3',
        container_id,
        form,
      );
      expect(stream.response.statusCode).to.equal(200);
      expect(stream.response.headers).to.include({
        'content-type': 'application/recordio',
        'message-content-type': form,
      });
      expect(await stream.read()).to.deep.equal({ stdout: 'mine\nyes\n', stderr: 'err\n' });
      expect(await exitStatus(container_id)).to.equal(3 << 8);
    });

    it(`echo what is attached to the input in ${form}, in any number of requests`, async () => {
      const container_id = child();
      const stream = await open('cat', container_id, form);
      const first = new InputStream(cluster.agent.url, form);
      first.name(container_id);
      first.stdin('first ');
      first.io({ type: 'CONTROL', control: { type: 'HEARTBEAT' } });
      first.request.end();
      expect(await first.answer).to.deep.equal({ status: 200, text: '' });
      const second = new InputStream(cluster.agent.url, form);
      second.name(container_id);
      const much = 'x'.repeat(MUCH);
      for (let from = 0; from < MUCH; from += 4096) second.stdin(much.slice(from, from + 4096));
      second.stdin('');
      second.request.end();
      const { stdout } = await stream.read();
      expect(stdout === `first ${much}`, `${stdout.length} bytes came back`).to.equal(true);
      expect((await second.answer).status).to.equal(200);
      expect(await exitStatus(container_id)).to.equal(0);
    });
  }

  it('let others listen, one write, and refuse what makes no sense', async () => {
    const container_id = child();
    const stream = await open('echo start; cat', container_id);
    const heard = stream.read();
    const attach: AgentCall = {
      type: 'ATTACH_CONTAINER_OUTPUT',
      attach_container_output: { container_id },
    };
    const other = await OutputStream.open(cluster.agent.url, attach);
    const alsoHeard = other.read();
    const writer = new InputStream(cluster.agent.url);
    writer.name(container_id);
    writer.stdin('one ');
    await eventually('the writer is attached', async () => {
      const rival = new InputStream(cluster.agent.url);
      rival.name(container_id);
      rival.io({ type: 'CONTROL', control: { type: 'HEARTBEAT' } });
      rival.request.end();
      return (await rival.answer).status === 409;
    });
    writer.stdin('two');
    writer.stdin('');
    writer.request.end();
    expect((await heard).stdout).to.equal('start\none two');
    expect((await alsoHeard).stdout).to.match(/one two$/);
    const nobody = new InputStream(cluster.agent.url);
    nobody.name({ value: 'nobody' });
    nobody.request.end();
    expect((await nobody.answer).status).to.equal(404);
    const unnamed = new InputStream(cluster.agent.url);
    unnamed.stdin('x');
    unnamed.request.end();
    expect((await unnamed.answer).status).to.equal(400);
    const files = new InputStream(cluster.agent.url);
    files.name(task);
    files.request.end();
    expect((await files.answer).status).to.equal(500);
  });

  it('end with the connection of the session, also while it is held up', async () => {
    for (const command of ['sleep 1000', 'exec yes']) {
      const container_id = child();
      const stream = await open(command, container_id);
      const pid = await pidOf(container_id);
      expect(isAlive(pid)).to.equal(true);
      stream.close();
      await eventually('the process has ended', () => !isAlive(pid));
      expect(await exitStatus(container_id)).to.equal(9);
    }
  });

  it('do not keep a session open for what escaped from it', async () => {
    const stream = await open('setsid sleep 1000 & echo $!; exit 4');
    const pid = Number((await stream.read()).stdout);
    expect(pid).to.be.greaterThan(1);
    // It may have been killed before it escaped.
    if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });

  it('have files of their own, take signals, and go with their sandbox', async () => {
    const container_id = child();
    await launch(
      container_id,
      'trap "echo told; exit 5" USR1; echo ready; while :; do sleep 0.05; done',
    );
    const [parent] = (await call({ type: 'GET_CONTAINERS' }))?.get_containers?.containers ?? [];
    const sandbox = sandboxPath({
      frameworkId: parent?.framework_id?.value ?? '',
      executorId: parent?.executor_id?.value ?? '',
      containerId: task.value,
    });
    const path = `${sandbox}/containers/${container_id.value}/stdout`;
    const text = async (): Promise<string> =>
      (await cluster.agentClient.readFile(path, 0)).data.toString();
    await eventually('it is ready', async () => (await text()) === 'ready\n');
    const kill_container = { container_id, signal: 10 };
    await call({ type: 'KILL_CONTAINER', kill_container });
    expect(await exitStatus(container_id)).to.equal(5 << 8);
    expect(await text()).to.equal('ready\ntold\n');
    await call({ type: 'REMOVE_CONTAINER', remove_container: { container_id } });
    const error: unknown = await text().catch((cause: unknown) => cause);
    expect(error).to.include({ code: 'CALL_REFUSED' });
  });

  it('end with their task, and nobody can be launched in it any more', async () => {
    const container_id = child();
    await launch(container_id, 'trap "" TERM; while :; do sleep 0.05; done');
    const pid = await pidOf(container_id);
    const waiting = exitStatus(container_id);
    await scheduler.end();
    expect(await waiting).to.equal(9);
    expect(isAlive(pid)).to.equal(false);
    const late = await launch(child(), 'true').catch((error: unknown) => error);
    expect(late).to.have.nested.property('context.status', 400);
  });

  it('survive the agent, whose sessions end with it', async () => {
    const kept = child();
    const done = child();
    const alone: ContainerID = { value: `alone-${count++}` };
    await launch(kept, 'sleep 1000');
    await launch(done, 'exit 6');
    await launch(alone, 'sleep 1000');
    expect(await exitStatus(done)).to.equal(6 << 8);
    const inSession = child();
    const stream = await open('sleep 1000', inSession);
    const pid = await pidOf(inSession);
    const keptPid = await pidOf(kept);
    const read = stream.read().catch(() => 'cut');
    await cluster.restartAgent();
    expect(await read).to.equal('cut');
    await eventually('the session has ended', () => !isAlive(pid));
    expect(await pidOf(kept)).to.equal(keptPid);
    expect(await exitStatus(done)).to.equal(6 << 8);
    for (const container_id of [kept, alone]) {
      await call({ type: 'KILL_CONTAINER', kill_container: { container_id } });
      expect(await exitStatus(container_id)).to.equal(9);
    }
    expect(existsSync(join(cluster.workDir, 'containers', alone.value))).to.equal(true);
    await call({ type: 'REMOVE_CONTAINER', remove_container: { container_id: alone } });
    expect(existsSync(join(cluster.workDir, 'containers', alone.value))).to.equal(false);
  });

  it('are measured', async () => {
    const container_id = child();
    await launch(container_id, 'while :; do :; done');
    const get_containers = { show_nested: true };
    await eventually('it has used its processor', async () => {
      const answer = await call({ type: 'GET_CONTAINERS', get_containers });
      const found = answer?.get_containers?.containers?.find(
        (one) => one.container_id.value === container_id.value,
      );
      const used = found?.resource_statistics;
      return (used?.cpus_user_time_secs ?? 0) > 0.05 && (used?.mem_rss_bytes ?? 0n) > 0n;
    });
    await call({ type: 'KILL_CONTAINER', kill_container: { container_id } });
  });

  it('are refused with the name of what is wrong, and leave nothing', async () => {
    const refused = async (message: AgentCall): Promise<unknown> => {
      const error: unknown = await call(message).catch((cause: unknown) => cause);
      return error instanceof Error ? error.message : error;
    };
    const limited = { type: 'MESOS', rlimit_info: { rlimits: [] } } as const;
    const [container_id, command] = [child(), { value: 'true' }];
    const launch_container = { container_id, command, container: limited };
    expect(await refused({ type: 'LAUNCH_CONTAINER', launch_container })).to.match(/rlimit_info/);
    const long = { container_id: { value: 'x'.repeat(243), parent: task }, command };
    expect(await refused({ type: 'LAUNCH_CONTAINER', launch_container: long })).to.match(
      /container_id/,
    );
    const nothing = { container_id, command: { shell: false, value: '/does/not/exist' } };
    expect(await refused({ type: 'LAUNCH_CONTAINER', launch_container: nothing })).to.match(
      /not an executable/,
    );
    expect(await pidOf(container_id)).to.equal(0);
    expect(await refused({ type: 'WAIT_CONTAINER', wait_container: { container_id } })).to.match(
      /404/,
    );
    expect(await refused({ type: 'PRUNE_IMAGES' })).to.equal(undefined);
  });
});

function containerOf(status: TaskStatus): ContainerID {
  const id = status.container_status?.container_id;
  if (id === undefined) throw new Error('the task has no container');
  return id;
}
