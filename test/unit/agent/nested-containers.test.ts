import { expect } from 'chai';
import type { ContainerID } from '../../../core/api/index.js';
import {
  type ContainerExit,
  type ContainerSession,
  MAX_CONTAINER_DEPTH,
  MAX_ENDED_API_CONTAINERS,
  type NestedContainers,
  SESSION_DRAIN_MS,
  TERMINAL_IDLE_MS,
} from '../../../core/agent/index.js';
import { FakePipes, Reader, bytes } from './fake-pipes.js';
import { FRAMEWORK, Host, taskInfo } from './host.js';

/** More than a killed process takes to end: one that is killed with its parent takes it twice. */
const KILL_MS = 10;

/** A host with a running task, and the id of its container. */
async function withTask(): Promise<{ readonly host: Host; readonly task: ContainerID }> {
  const host = new Host();
  await host.start();
  await host.run([taskInfo('t1', { command: { value: 'run t1', user: 'web' } })]);
  return { host, task: { value: host.containersOf('t1')[0]?.spec.containerId ?? '' } };
}

async function launch(host: Host, containerId: ContainerID, value = 'run kid'): Promise<number> {
  const answer = host.agent.containers.launch({
    containerId,
    command: { value },
    container: undefined,
  });
  await host.settle();
  return (await answer).status;
}

/** The process that runs for a container of the API. */
function processOf(host: Host, value: string) {
  return [...host.containers.values()].findLast(({ spec }) => spec.command.value === value);
}

function paths(containers: NestedContainers): readonly string[] {
  return [...containers.list()].map(({ path }) => path);
}

async function exitOf(host: Host, containerId: ContainerID): Promise<ContainerExit | undefined> {
  return await host.agent.containers.wait(containerId)?.exit;
}

describe('Containers of the operators API', () => {
  it('run in the sandbox, as the user and with the environment of their parent', async () => {
    const { host, task } = await withTask();
    expect(await launch(host, { value: 'kid', parent: task })).to.equal(200);
    const parent = host.containersOf('t1')[0];
    const spec = processOf(host, 'run kid')?.spec;
    expect(spec?.sandbox).to.equal(`${parent?.spec.sandbox}/containers/kid`);
    expect(spec?.user).to.equal('web');
    expect(spec?.environmentFrom?.pid).to.equal(parent?.pid);
    expect(spec?.environment).to.include({ MESOS_SANDBOX: spec?.sandbox });
    expect(
      await launch(host, { value: 'grandkid', parent: { value: 'kid', parent: task } }, 'g'),
    ).to.equal(200);
    expect(processOf(host, 'g')?.spec).to.include({
      sandbox: `${spec?.sandbox}/containers/grandkid`,
      user: 'web',
    });
  });

  it('are refused without a running parent, too deep, or under an id that is taken', async () => {
    const { host, task } = await withTask();
    const kid = { value: 'kid', parent: task };
    expect(await launch(host, { value: 'kid', parent: { value: 'nothing' } })).to.equal(400);
    expect(await launch(host, kid)).to.equal(200);
    expect(await launch(host, kid)).to.equal(202);
    expect(await launch(host, task)).to.equal(202);
    let deep: ContainerID = task;
    for (let level = 1; level < MAX_CONTAINER_DEPTH; level++) {
      deep = { value: `d${level}`, parent: deep };
      expect(await launch(host, deep, `deep ${level}`)).to.equal(200);
    }
    expect(await launch(host, { value: 'deeper', parent: deep })).to.equal(400);
    await host.end('t1');
    expect(await launch(host, { value: 'late', parent: task })).to.equal(400);
  });

  it('leave nothing behind when they cannot be launched', async () => {
    const { host, task } = await withTask();
    host.outcomes.push({ kind: 'failed', stage: 'command', message: 'no such program' });
    const answer = host.agent.containers.launch({
      containerId: { value: 'kid', parent: task },
      command: { value: 'run kid' },
      container: undefined,
    });
    await host.settle();
    expect(await answer).to.deep.equal({
      status: 400,
      message: 'Failed to launch container: no such program',
    });
    await host.advance(2_000);
    expect(paths(host.agent.containers)).to.deep.equal([]);
    expect(host.keys('containers/')).to.deep.equal([]);
    expect(host.removed.at(-1)).to.match(/\/containers\/kid$/);
    expect(host.agent.containers.wait({ value: 'kid', parent: task })).to.equal(undefined);
  });

  it('tell their end to all who wait, before and after, until they are removed', async () => {
    const { host, task } = await withTask();
    const kid = { value: 'kid', parent: task };
    await launch(host, kid);
    const early = [host.agent.containers.wait(kid), host.agent.containers.wait(kid)];
    expect((await host.agent.containers.remove(kid)).status).to.equal(500);
    await endOf(host, 'run kid', { kind: 'exited', code: 3 });
    const word = { status: 3 << 8, message: undefined };
    for (const awaited of early) expect(await awaited?.exit).to.deep.equal(word);
    expect(await exitOf(host, kid)).to.deep.equal(word);
    expect(await launch(host, kid)).to.equal(202);
    const removed = host.agent.containers.remove(kid);
    await host.settle();
    expect((await removed).status).to.equal(200);
    expect(host.agent.containers.wait(kid)).to.equal(undefined);
    expect(host.keys('containers/')).to.deep.equal([]);
    expect(await launch(host, kid, 'again')).to.equal(200);
  });

  it('say by which signal they ended, and take only signals that exist', async () => {
    const { host, task } = await withTask();
    const kid = { value: 'kid', parent: task };
    await launch(host, kid);
    const { containers } = host.agent;
    expect(containers.kill(kid, 0).status).to.equal(400);
    expect(containers.kill(kid, 65).status).to.equal(400);
    expect(containers.kill({ value: 'nothing' }, 9).status).to.equal(404);
    expect(containers.kill(kid, 9).status).to.equal(200);
    await host.advance(KILL_MS);
    expect(await exitOf(host, kid)).to.deep.equal({ status: 9, message: undefined });
    expect(containers.kill(kid, 9).status).to.equal(200);
  });

  it('end with their parent, however deep, and are forgotten then', async () => {
    const { host, task } = await withTask();
    const kid = { value: 'kid', parent: task };
    await launch(host, kid);
    await launch(host, { value: 'grandkid', parent: kid }, 'run grandkid');
    await launch(host, { value: 'alone' }, 'run alone');
    const waiting = host.agent.containers.wait({ value: 'grandkid', parent: kid });
    await host.end('t1');
    await host.advance(KILL_MS);
    expect(processOf(host, 'run kid')?.end).to.deep.equal({ kind: 'signaled', signal: 'SIGKILL' });
    expect(processOf(host, 'run grandkid')?.end?.kind).to.equal('signaled');
    expect(await waiting?.exit).to.deep.equal({ status: 9, message: undefined });
    expect(paths(host.agent.containers)).to.deep.equal(['alone']);
    expect(processOf(host, 'run alone')?.end).to.equal(undefined);
    await host.advance(2_000);
    expect(host.keys('containers/')).to.have.length(1);
  });

  it('inside the executor of a group end when its last task does', async () => {
    const host = new Host();
    await host.start();
    const executor = { executor_id: { value: 'group' }, type: 'DEFAULT' as const };
    const run_tasks = {
      framework_info: { user: 'nobody', name: 'test', id: { value: FRAMEWORK } },
      tasks: [taskInfo('t1', { executor }), taskInfo('t2', { executor })],
      executor_info: executor,
      group: true,
    };
    await host.tell({ type: 'RUN_TASKS', run_tasks });
    const [outer] = [...host.agent.state.executors()];
    const parent = { value: outer?.containerId ?? '' };
    const inTask = { value: host.containersOf('t1')[0]?.spec.containerId ?? '', parent };
    expect(await launch(host, { value: 'a', parent }, 'in executor')).to.equal(200);
    expect(await launch(host, { value: 'b', parent: inTask }, 'in task')).to.equal(200);
    const waiting = host.agent.containers.wait(parent);
    await host.end('t1');
    await host.advance(KILL_MS);
    expect(processOf(host, 'in task')?.end?.kind).to.equal('signaled');
    expect(processOf(host, 'in executor')?.end).to.equal(undefined);
    await host.end('t2');
    await host.advance(KILL_MS);
    expect(processOf(host, 'in executor')?.end?.kind).to.equal('signaled');
    expect(await waiting?.exit).to.deep.equal({ status: 0, message: undefined });
  });

  it('survive a restart of the agent, and are told to have ended if they did meanwhile', async () => {
    const { host, task } = await withTask();
    const [kid, gone, done] = ['kid', 'gone', 'done'].map((value) => ({ value, parent: task }));
    for (const one of [kid, gone, done]) await launch(host, one ?? task, `run ${one?.value}`);
    await endOf(host, 'run done', { kind: 'exited', code: 1 });
    host.crash();
    await endOf(host, 'run gone', { kind: 'exited', code: 2 });
    await host.start();
    expect(await exitOf(host, gone ?? task)).to.deep.equal({ status: 2 << 8, message: undefined });
    expect(await exitOf(host, done ?? task)).to.deep.equal({ status: 1 << 8, message: undefined });
    expect(processOf(host, 'run kid')?.end).to.equal(undefined);
    expect(await launch(host, kid ?? task)).to.equal(202);
    await host.end('t1');
    await host.advance(KILL_MS);
    expect(processOf(host, 'run kid')?.end?.kind).to.equal('signaled');
  });

  it('end when their parent ended while the agent was away', async () => {
    const { host, task } = await withTask();
    await launch(host, { value: 'kid', parent: task });
    host.crash();
    await host.end('t1');
    await host.advance(KILL_MS);
    expect(processOf(host, 'run kid')?.end).to.equal(undefined);
    await host.start();
    await host.advance(KILL_MS);
    expect(processOf(host, 'run kid')?.end?.kind).to.equal('signaled');
    expect(paths(host.agent.containers)).to.deep.equal([]);
  });

  it('are all over after a reboot, and standalone ones say so', async () => {
    const { host, task } = await withTask();
    await launch(host, { value: 'kid', parent: task });
    await launch(host, { value: 'alone' }, 'run alone');
    host.crash();
    host.containers.clear();
    host.bootId = 'boot-2';
    await host.start();
    expect(paths(host.agent.containers)).to.deep.equal(['alone']);
    expect(await exitOf(host, { value: 'alone' })).to.deep.equal({
      status: undefined,
      message: 'the host was rebooted',
    });
  });

  it('are remembered up to a bound, the oldest end goes first', async () => {
    const host = new Host();
    await host.start();
    for (let number = 0; number <= MAX_ENDED_API_CONTAINERS; number++) {
      await launch(host, { value: `c${number}` }, `run ${number}`);
      await endOf(host, `run ${number}`, { kind: 'exited', code: 0 });
    }
    const left = paths(host.agent.containers);
    expect(left).to.have.length(MAX_ENDED_API_CONTAINERS);
    expect(left[0]).to.equal('c1');
    expect(host.removed).to.deep.equal(['/work-dir/containers/c0']);
  }).timeout(20_000);

  it('have no sessions where there are no pipes', async () => {
    const { host, task } = await withTask();
    const session = { containerId: { value: 's', parent: task }, command: { value: 'x' } };
    const answer = await host.agent.containers.launchSession({ ...session, container: undefined });
    expect(answer.status).to.equal(501);
    expect(await host.agent.containers.attach(task)).to.include({ status: 500 });
    expect(await host.agent.containers.attach({ value: 'nothing' })).to.include({ status: 404 });
  });
});

describe('Terminals of tasks', () => {
  async function withTerminal() {
    const { host, task } = await withTask();
    const pipes = new FakePipes();
    host.terminals.set(task.value, pipes);
    const attach = async (): Promise<ContainerSession> => {
      const session = await host.agent.containers.attach(task);
      if ('status' in session) throw new Error(session.message);
      return session;
    };
    return { host, task, pipes, attach };
  }

  it('are joined once for all who attach, and left a moment after the last has gone', async () => {
    const { host, pipes, attach } = await withTerminal();
    const [session, same] = await Promise.all([attach(), attach()]);
    expect([same === session, host.joins.length]).to.deep.equal([true, 1]);
    const reader = new Reader();
    const listening = session.listen(reader);
    const input = session.takeInput();
    await input?.write(bytes('typed'));
    expect(input?.resize({ rows: 3, columns: 4 })).to.equal(true);
    pipes.listener?.data('stdout', bytes('shown'));
    await host.advance(60_000);
    listening.dispose();
    await host.advance(60_000);
    expect(pipes.isClosed, 'somebody types still').to.equal(false);
    input?.release();
    await host.advance(TERMINAL_IDLE_MS - 1);
    expect(await attach()).to.equal(session);
    await host.advance(1);
    expect(pipes.isClosed).to.equal(true);
    expect(reader.heard).to.deep.equal(['stdout shown']);
    expect(host.signals).to.deep.equal([]);
    await attach();
    expect(host.joins).to.have.length(2);
  });

  it('end for all who are attached when the task does', async () => {
    const { host, pipes, attach } = await withTerminal();
    const reader = new Reader();
    (await attach()).listen(reader);
    await host.end('t1');
    pipes.listener?.data('stdout', bytes('last words'));
    pipes.listener?.end();
    expect(reader.heard).to.deep.equal(['stdout last words', 'end']);
    await host.advance(SESSION_DRAIN_MS);
    expect(pipes.isClosed).to.equal(true);
  });

  it('that nobody uses are left, and the agent leaves all when it closes', async () => {
    const { host, pipes, attach } = await withTerminal();
    await attach();
    await host.advance(TERMINAL_IDLE_MS);
    expect(pipes.isClosed).to.equal(true);
    pipes.isClosed = false;
    const reader = new Reader();
    (await attach()).listen(reader);
    await host.agent.close('leave-running');
    expect([pipes.isClosed, reader.heard]).to.deep.equal([true, ['end']]);
  });
});

async function endOf(
  host: Host,
  command: string,
  end: Parameters<Host['end']>[1] & object,
): Promise<void> {
  await host.endContainer(({ spec }) => spec.command.value === command, end);
}
