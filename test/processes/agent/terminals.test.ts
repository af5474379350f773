/** Containers on terminals: sessions that are typed into, and tasks that write to one. */
import { readFileSync, readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { expect } from 'chai';
import type { AgentCall, AgentProcessIO, ContainerID } from '../../../core/api/index.js';
import { TestCluster } from './cluster.js';
import { type Form, InputStream, OutputStream } from './container-stream.js';
import { SandboxReader } from './sandbox-reader.js';
import { type TestScheduler, eventually } from './scheduler.js';

const FORMS: readonly Form[] = ['application/json', 'application/x-protobuf'];
const CTRL_C = '\u0003';

/** A session on a terminal, with what it has shown so far. */
class TerminalSession {
  readonly id: ContainerID;
  readonly input: InputStream;
  readonly #output: OutputStream;
  /** Resolves when the session has ended. */
  readonly over: Promise<void>;
  shown = '';
  readonly streams = new Set<string | undefined>();

  private constructor(id: ContainerID, output: OutputStream, input: InputStream) {
    this.id = id;
    this.#output = output;
    this.input = input;
    this.over = this.#listen();
  }

  static async open(
    url: string,
    container_id: ContainerID,
    options: { readonly command: string; readonly form?: Form },
  ): Promise<TerminalSession> {
    const { command, form } = options;
    const output = await OutputStream.open(
      url,
      {
        type: 'LAUNCH_NESTED_CONTAINER_SESSION',
        launch_nested_container_session: {
          container_id,
          command: { value: command },
          container: { type: 'MESOS', tty_info: { window_size: { rows: 33, columns: 91 } } },
        },
      },
      form,
    );
    expect(output.response.statusCode).to.equal(200);
    const input = new InputStream(url, form);
    input.name(container_id);
    return new TerminalSession(container_id, output, input);
  }

  /** Attaches to the terminal of a container that runs. */
  static async attach(
    url: string,
    container_id: ContainerID,
    form?: Form,
  ): Promise<TerminalSession> {
    const call: AgentCall = {
      type: 'ATTACH_CONTAINER_OUTPUT',
      attach_container_output: { container_id },
    };
    const output = await OutputStream.open(url, call, form);
    expect(output.response.statusCode).to.equal(200);
    const input = new InputStream(url, form);
    input.name(container_id);
    return new TerminalSession(container_id, output, input);
  }

  /** Whether it shows that within a moment. */
  async sees(what: string): Promise<boolean> {
    return await this.shows(what).then(
      () => true,
      () => false,
    );
  }

  async shows(what: string): Promise<void> {
    await eventually(`the terminal shows '${what}', not '${this.shown}'`, () =>
      this.shown.includes(what),
    );
  }

  resize(rows: number, columns: number): void {
    this.input.io(windowOf(rows, columns));
  }

  close(): void {
    this.#output.close();
    this.input.request.destroy();
  }

  async #listen(): Promise<void> {
    try {
      for await (const { data } of this.#output.records()) {
        if (data === undefined) continue;
        this.streams.add(data.type);
        this.shown += Buffer.from(data.data ?? '', 'base64').toString('utf8');
      }
    } catch {
      // It was closed by us.
    }
  }
}

function windowOf(rows: number, columns: number): AgentProcessIO {
  const tty_info = { window_size: { rows, columns } };
  return { type: 'CONTROL', control: { type: 'TTY_INFO', tty_info } };
}

describe('Containers on a terminal', function () {
  this.timeout(30_000);
  let cluster: TestCluster;
  let scheduler: TestScheduler;
  let task: ContainerID;
  let count = 0;
  const leaders = new Map<ContainerID, number>();

  before(async () => {
    cluster = await TestCluster.start();
    scheduler = await cluster.scheduler();
    await scheduler.run('parent', { value: 'sleep 1000' });
    const status = await scheduler.until('parent', 'TASK_RUNNING');
    task = status.container_status?.container_id ?? { value: '' };
  });

  after(async () => {
    await cluster.endSchedulers();
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  function open(command: string, form?: Form): Promise<TerminalSession> {
    const id = { value: `child-${count++}`, parent: task };
    return TerminalSession.open(cluster.agent.url, id, {
      command,
      ...(form !== undefined && { form }),
    });
  }

  /** The command lines of all processes in the session of a container. */
  async function processesOf({ id }: TerminalSession): Promise<readonly string[]> {
    const get_containers = { show_nested: true };
    const answer = await cluster.agentClient.call({ type: 'GET_CONTAINERS', get_containers });
    const found = answer?.get_containers?.containers?.find(
      ({ container_id }) => container_id.value === id.value,
    );
    const pid = found?.container_status?.executor_pid;
    if (pid !== undefined) leaders.set(id, pid);
    return commandsInSession(leaders.get(id) ?? 0);
  }

  async function exitStatus(container_id: ContainerID): Promise<number | undefined> {
    const call: AgentCall = { type: 'WAIT_CONTAINER', wait_container: { container_id } };
    return (await cluster.agentClient.call(call))?.wait_container?.exit_status;
  }

  for (const form of FORMS) {
    it(`have one of the size that was asked for, and follow its changes, in ${form}`, async () => {
      const session = await open('tty; stty size; exec sh -i', form);
      await session.shows('/dev/pts/');
      await session.shows('33 91\r\n');
      session.resize(20, 50);
      session.input.io({ type: 'CONTROL', control: { type: 'HEARTBEAT' } });
      session.input.stdin('stty size; echo to >&2 err\n');
      await session.shows('20 50\r\n');
      await session.shows('\nto err\r\n');
      expect([...session.streams], 'streams it came on').to.deep.equal(['STDOUT']);
      session.input.stdin('exit 7\n');
      await session.over;
      expect(await exitStatus(session.id)).to.equal(7 << 8);
    });
  }

  it('tell a program of a new size at once', async () => {
    const session = await open(
      `trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done`,
    );
    await session.shows('ready');
    session.resize(11, 22);
    await session.shows('11 22');
    await session.over;
  });

  it('are interrupted by Ctrl-C, and the shell goes on', async () => {
    const session = await open('exec bash --norc -i');
    session.input.stdin('sleep 1000\n');
    await eventually('it sleeps', async () => {
      return (await processesOf(session)).some((one) => one.includes('sleep'));
    });
    session.input.stdin(CTRL_C);
    session.input.stdin('echo still $((40 + 2))\n');
    await session.shows('still 42');
    session.input.stdin('exit\n');
    await session.over;
    expect(await exitStatus(session.id)).to.equal(0);
  });

  it('hear Ctrl-C though nobody reads what they show', async () => {
    const container_id = { value: `child-${count++}`, parent: task };
    const output = await OutputStream.open(cluster.agent.url, {
      type: 'LAUNCH_NESTED_CONTAINER_SESSION',
      launch_nested_container_session: {
        container_id,
        command: { value: 'trap "exit 9" INT; touch trapped; while :; do echo yes; done' },
        container: { type: 'MESOS', tty_info: {} },
      },
    });
    const sandbox = SandboxReader.of(cluster, scheduler, 'parent');
    await eventually('it writes', () => sandbox.exists('trapped'));
    const input = new InputStream(cluster.agent.url);
    input.name(container_id);
    input.stdin(CTRL_C);
    expect(await exitStatus(container_id)).to.equal(9 << 8);
    output.close();
  });

  it('get the end of their input typed', async () => {
    const session = await open('wc -c');
    session.input.stdin('12345\nand no line end');
    session.input.stdin('');
    await session.over;
    expect(session.shown).to.match(/line end21\r\n$/);
    expect(await exitStatus(session.id)).to.equal(0);
  });

  it('take as much input as they read, and no more', async () => {
    const session = await open('stty raw -echo; echo ready; head -c 300000 | wc -c');
    await session.shows('ready');
    for (let times = 0; times < 300; times++) session.input.stdin('x'.repeat(1000));
    await session.shows('300000');
    await session.over;
  });

  it('end with all jobs of their shell when the client goes', async () => {
    const session = await open('exec bash --norc -i');
    session.input.stdin(`nohup sleep 1000 >/dev/null & trap "" HUP TERM; echo started\n`);
    await session.shows('\nstarted');
    const jobs = await processesOf(session);
    expect(jobs.filter((one) => one.includes('sleep'))).to.have.length(1);
    session.close();
    await eventually('all have ended', async () => {
      return (await processesOf(session)).length === 0;
    });
    expect(await exitStatus(session.id)).to.equal(9);
  });

  it('refuse sizes that no terminal has, and sizes for what is none', async () => {
    const session = await open('sleep 1000');
    session.input.io(windowOf(70_000, 1));
    expect(await session.input.answer).to.deep.include({ status: 400 });
    session.close();
    const container_id = { value: `child-${count++}`, parent: task };
    const plain = await OutputStream.open(cluster.agent.url, {
      type: 'LAUNCH_NESTED_CONTAINER_SESSION',
      launch_nested_container_session: { container_id, command: { value: 'sleep 1000' } },
    });
    const input = new InputStream(cluster.agent.url);
    input.name(container_id);
    input.io(windowOf(1, 1));
    const { status, text } = await input.answer;
    expect([status, text]).to.deep.equal([
      400,
      "Failed to validate agent::Call: 'control': the container has no terminal",
    ]);
    plain.close();
  });

  it('are had by tasks, whose files get what they show', async () => {
    // As another user, where that is possible: it must be able to open its terminal.
    const user = process.getuid?.() === 0 ? 'nobody' : userInfo().username;
    await scheduler.run(
      'shown',
      { value: 'tty; stty size; id -un >/dev/tty; echo err >&2', user },
      { container: { type: 'MESOS', tty_info: {} } },
    );
    await scheduler.until('shown', 'TASK_FINISHED');
    const sandbox = SandboxReader.of(cluster, scheduler, 'shown');
    const shown = sandbox.text('stdout');
    expect(shown).to.match(/^\/dev\/pts\/\d+\r\n24 80\r\n/);
    expect(shown.endsWith(`\n${user}\r\nerr\r\n`), shown).to.equal(true);
    expect(sandbox.text('stderr')).to.equal('');
  });

  it('are had by tasks that outlive the agent, and are killed like others', async () => {
    await scheduler.run(
      'lasting',
      { value: 'echo $$; trap "" HUP; while :; do sleep 0.05; done' },
      { container: { type: 'MESOS', tty_info: {} } },
    );
    await scheduler.until('lasting', 'TASK_RUNNING');
    await cluster.restartAgent();
    await cluster.untilRegistered();
    await scheduler.kill('lasting');
    await scheduler.until('lasting', 'TASK_KILLED');
  });

  describe('of tasks', () => {
    /** Starts a task on a terminal; its container. */
    async function start(name: string, value: string): Promise<ContainerID> {
      const tty_info = { window_size: { rows: 33, columns: 91 } };
      await scheduler.run(name, { value }, { container: { type: 'MESOS', tty_info } });
      const status = await scheduler.until(name, 'TASK_RUNNING');
      return status.container_status?.container_id ?? { value: '' };
    }

    function attach(id: ContainerID, form?: Form): Promise<TerminalSession> {
      return TerminalSession.attach(cluster.agent.url, id, form);
    }

    for (const form of FORMS) {
      it(`are seen, typed on and resized by those who attach, in ${form}`, async () => {
        const name = `typed-${count++}`;
        const id = await start(name, 'exec sh -i');
        const session = await attach(id, form);
        session.input.stdin('stty size\n');
        await session.shows('33 91\r\n');
        session.resize(20, 50);
        session.input.stdin('stty size; echo to >&2 err\n');
        await session.shows('20 50\r\n');
        await session.shows('\nto err\r\n');
        expect([...session.streams]).to.deep.equal(['STDOUT']);
        session.input.stdin('exit 0\n');
        await session.over;
        await scheduler.until(name, 'TASK_FINISHED');
        expect(SandboxReader.of(cluster, scheduler, name).text('stdout')).to.include('20 50\r\n');
      });
    }

    it('go on when those who attached have left, also in the middle, and others come', async () => {
      const id = await start('left', 'exec sh -i');
      const first = await attach(id);
      first.input.stdin('HERE=it; echo is $HERE\n');
      await first.shows('is it');
      first.input.stdin('half a line ');
      first.close();
      let second = await attach(id);
      await eventually('the input is free', async () => {
        second.close();
        second = await attach(id);
        second.input.stdin('\necho still $HERE\n');
        return Promise.race([second.input.answer.then(() => false), second.sees('still it')]);
      });
      const third = await attach(id);
      second.input.stdin('echo for both $HERE\n');
      await Promise.all([second.shows('for both it'), third.shows('for both it')]);
      second.close();
      third.close();
      await scheduler.kill('left');
      await scheduler.until('left', 'TASK_KILLED');
    });

    it('are attached to again after a restart of the agent', async () => {
      const id = await start('again', 'exec sh -i');
      const before = await attach(id);
      before.input.stdin('WORD=kept\n');
      await before.shows('WORD=kept');
      await cluster.restartAgent();
      await before.over;
      const after = await attach(id);
      after.input.stdin('echo $WORD $((40 + 2))\n');
      await after.shows('kept 42');
      after.input.stdin('exit 0\n');
      await after.over;
      await scheduler.until('again', 'TASK_FINISHED');
    });

    it('do not hold up a task that writes more than anybody reads', async () => {
      const id = await start('flood', 'sleep 0.3; yes | head -c 6000000 >/dev/tty; echo done');
      const output = await OutputStream.open(cluster.agent.url, {
        type: 'ATTACH_CONTAINER_OUTPUT',
        attach_container_output: { container_id: id },
      });
      // It is attached, and reads nothing.
      expect(output.response.statusCode).to.equal(200);
      await scheduler.until('flood', 'TASK_FINISHED');
      output.close();
    });

    it('are not there for tasks without one', async () => {
      const { response } = await OutputStream.open(cluster.agent.url, {
        type: 'ATTACH_CONTAINER_OUTPUT',
        attach_container_output: { container_id: task },
      });
      expect(response.statusCode).to.equal(500);
      response.resume();
    });
  });
});

function commandsInSession(leader: number): readonly string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${Number(pid)}/stat`, 'latin1');
      const [state, , , session] = line.slice(line.lastIndexOf(')') + 2).split(' ');
      if (Number(session) !== leader || state === 'Z') return [];
      return [readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')];
    } catch {
      return [];
    }
  });
}
