/** Tasks that the launcher runs: how they are ended, as whom they run, and what they see. */
import { userInfo } from 'node:os';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { CommandInfo, ContainerInfo } from '../../../core/api/index.js';
import { isAlive } from '../faults/cluster.js';
import { TestCluster } from './cluster.js';
import { SandboxReader } from './sandbox-reader.js';
import { type TestScheduler, eventually } from './scheduler.js';

/** Set for the agent's own process: no task may see it. */
const SECRET_NAME = 'PLATEAU_TEST_SECRET_OF_THE_AGENT';
const GRACE_MS = 300;
const IMAGE = { type: 'DOCKER', docker: { name: 'busybox' } } as const;
/** A user whom every Linux has, and who is not the one that runs the tests. */
const OTHER = userInfo().username === 'nobody' ? 'daemon' : 'nobody';
const isRoot = process.getuid?.() === 0;

describe('An agent with command tasks', function () {
  this.timeout(30_000);
  let cluster: TestCluster;

  before(async () => {
    process.env[SECRET_NAME] = 'not for tasks';
    try {
      cluster = await TestCluster.start({
        agentFlags: ['--max_output_size=64KB', '--executor_shutdown_grace_period=400ms'],
      });
    } finally {
      delete process.env[SECRET_NAME];
    }
  });

  afterEach(() => cluster.endSchedulers());

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  /** Runs a command to its end, which must be good, and returns its sandbox. */
  async function sandboxOf(command: CommandInfo | string): Promise<SandboxReader> {
    const scheduler = await cluster.scheduler();
    await scheduler.run('looks', command);
    await scheduler.until('looks', 'TASK_FINISHED');
    return SandboxReader.of(cluster, scheduler, 'looks');
  }

  describe('that are killed', () => {
    /** A shell that ignores SIGTERM, with a child that ignores it too; both write down their pids. */
    const STUBBORN =
      "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ >> pids; while :; do sleep 0.05; done' & " +
      'echo $$ >> pids; while :; do sleep 0.05; done';

    async function stubborn(scheduler: TestScheduler): Promise<readonly number[]> {
      const grace_period = { nanoseconds: BigInt(GRACE_MS) * 1_000_000n };
      await scheduler.run('stubborn', STUBBORN, { kill_policy: { grace_period } });
      await scheduler.until('stubborn', 'TASK_RUNNING');
      const sandbox = SandboxReader.of(cluster, scheduler, 'stubborn');
      const pids = (): readonly number[] =>
        sandbox.exists('pids') ? sandbox.text('pids').trim().split('\n').map(Number) : [];
      await eventually('both processes have written', () => pids().length === 2);
      return pids();
    }

    it('kills one that ignores SIGTERM with its children, when its grace period is over', async () => {
      const scheduler = await cluster.scheduler();
      const pids = await stubborn(scheduler);
      expect(pids.map(isAlive)).to.deep.equal([true, true]);
      const before = performance.now();
      await scheduler.kill('stubborn');
      const status = await scheduler.until('stubborn', 'TASK_KILLED');
      expect(performance.now() - before).to.be.within(GRACE_MS, GRACE_MS + 2000);
      expect(scheduler.states('stubborn')).to.not.include('TASK_KILLING');
      expect(status.source).to.equal('SOURCE_EXECUTOR');
      await eventually('children are gone', () => !pids.some(isAlive));
    });

    it('says TASK_KILLING to frameworks that know it', async () => {
      const capabilities = [{ type: 'MULTI_ROLE' }, { type: 'TASK_KILLING_STATE' }] as const;
      const scheduler = await cluster.scheduler({ framework: { capabilities } });
      const pids = await stubborn(scheduler);
      await scheduler.kill('stubborn');
      await scheduler.until('stubborn', 'TASK_KILLED');
      expect(scheduler.states('stubborn')).to.deep.equal([
        'TASK_STARTING',
        'TASK_RUNNING',
        'TASK_KILLING',
        'TASK_KILLED',
      ]);
      await eventually('children are gone', () => !pids.some(isAlive));
    });

    it('lets the policy of the call win over that of the task', async () => {
      const scheduler = await cluster.scheduler();
      const grace_period = { nanoseconds: 60_000_000_000n };
      await scheduler.run('patient', "trap '' TERM; while :; do sleep 0.05; done", {
        kill_policy: { grace_period },
      });
      await scheduler.until('patient', 'TASK_RUNNING');
      const kill_policy = { grace_period: { nanoseconds: 0n } };
      await scheduler.client.call({
        type: 'KILL',
        kill: { task_id: { value: 'patient' }, kill_policy },
      });
      await scheduler.until('patient', 'TASK_KILLED');
    });

    it('ends all tasks of a framework that is torn down', async () => {
      const scheduler = await cluster.scheduler();
      const pids = await stubborn(scheduler);
      await scheduler.end();
      await eventually('its processes are gone', () => !pids.some(isAlive));
    });
  });

  describe('of a user', () => {
    it('fails a task of a user that does not exist, naming him', async () => {
      const scheduler = await cluster.scheduler();
      await scheduler.run('nobody-knows', { value: 'true', user: 'plateau-no-such-user' });
      const status = await scheduler.until('nobody-knows', 'TASK_FAILED');
      expect(status.message).to.include("'plateau-no-such-user'");
      expect(status.reason).to.equal('REASON_CONTAINER_LAUNCH_FAILED');
    });

    const title = isRoot
      ? 'runs a task as the user of its command, with no rights of the agent'
      : 'refuses to run as another user unless it is root';
    it(title, async () => {
      const scheduler = await cluster.scheduler();
      const fetched = join(cluster.folder, 'fetched');
      writeFileSync(fetched, 'from the agent');
      const value =
        'id -un; id -u; id -G; touch "$MESOS_SANDBOX/made"; cat fetched >> fetched.copy; ' +
        'head -c1 /etc/shadow || echo forbidden';
      await scheduler.run('other', { value, user: OTHER, uris: [{ value: fetched }] });
      const status = await scheduler.ended('other');
      if (!isRoot) {
        expect(status.state).to.equal('TASK_FAILED');
        expect(status.message).to.include(`'${OTHER}'`).and.include('root');
        return;
      }
      expect(status.state, status.message).to.equal('TASK_FINISHED');
      const sandbox = SandboxReader.of(cluster, scheduler, 'other');
      const [name, uid, groups, access] = sandbox.text('stdout').trim().split('\n');
      expect(name).to.equal(OTHER);
      // No group of the agent's stays.
      expect((groups ?? '').split(' ')).to.not.include('0');
      expect(access).to.equal('forbidden');
      for (const file of ['.', 'made', 'fetched', 'stdout', 'stderr']) {
        expect(String(sandbox.stat(file).uid), file).to.equal(uid);
      }
      expect(sandbox.text('fetched.copy')).to.equal('from the agent');
    });

    it('fetches for a user only what he may read himself', async () => {
      const scheduler = await cluster.scheduler();
      const secret = join(cluster.folder, 'secret');
      writeFileSync(secret, 'for the agent alone', { mode: 0o600 });
      await scheduler.run('spy', {
        value: 'cat secret',
        user: OTHER,
        uris: [{ value: secret }],
      });
      const status = await scheduler.until('spy', 'TASK_FAILED');
      expect(status.reason).to.equal('REASON_CONTAINER_LAUNCH_FAILED');
      if (isRoot) expect(status.message).to.include(secret).and.include('ermission denied');
    });
  });

  describe('that ask for more than a process', () => {
    const wishes: readonly (readonly [string, ContainerInfo])[] = [
      ['container.docker', { type: 'DOCKER', docker: { image: 'busybox' } }],
      ['container.mesos.image', { type: 'MESOS', mesos: { image: IMAGE } }],
      [
        'container.volumes[0]: host_path',
        { type: 'MESOS', volumes: [{ mode: 'RW', container_path: 'data', host_path: '/tmp' }] },
      ],
    ];

    it('does not run them without what they ask for, and says what that is', async () => {
      const scheduler = await cluster.scheduler();
      for (const [name, container] of wishes) {
        await scheduler.run(name, 'touch ran', { container });
        const status = await scheduler.until(name, 'TASK_FAILED');
        expect(status.reason).to.equal('REASON_CONTAINER_LAUNCH_FAILED');
        expect(status.message).to.include(`'${name}'`);
      }
      await scheduler.run('plain', 'true', { container: { type: 'MESOS', network_infos: [{}] } });
      await scheduler.until('plain', 'TASK_FINISHED');
    });
  });

  describe('and what they see', () => {
    it('runs them in their sandbox with a clean environment', async () => {
      const variables = [{ name: 'MINE', type: 'VALUE' as const, value: 'a b=c' }];
      const sandbox = await sandboxOf({
        value: 'env > seen; pwd > where; ls /proc/self/fd > descriptors',
        environment: { variables },
      });
      const lines = sandbox.text('seen').trim().split('\n');
      const seen = new Map(lines.map((line) => [line.split('=')[0] ?? '', line] as const));
      expect(seen.get('MINE')).to.equal('MINE=a b=c');
      expect(seen.get('MESOS_TASK_ID')).to.equal('MESOS_TASK_ID=looks');
      expect(seen.get('MESOS_SANDBOX')).to.equal(`MESOS_SANDBOX=${sandbox.path}`);
      expect(sandbox.text('where').trim()).to.equal(sandbox.path);
      const foreign = [...seen.keys()].filter(
        (name) => !/^(MESOS_\w+|LIBPROCESS_PORT|MINE|PATH|HOME|PWD|OLDPWD|SHLVL|_)$/.test(name),
      );
      expect(foreign).to.deep.equal([]);
      expect(seen.has(SECRET_NAME)).to.equal(false);
    });

    it('opens standard input, output and error for them and nothing else', async () => {
      // Of the shell, which waits: a program that lists a folder has it open itself.
      const sandbox = await sandboxOf('ls /proc/$$/fd; :');
      expect(sandbox.text('stdout').trim().split('\n')).to.deep.equal(['0', '1', '2']);
    });

    it('gives them the program and arguments of a command without a shell', async () => {
      const sandbox = await sandboxOf({
        shell: false,
        value: 'printf',
        arguments: ['printf', '%s|', '$HOME', 'a  b', '*'],
      });
      expect(sandbox.text('stdout')).to.equal('$HOME|a  b|*|');
    });

    it('keeps their output bounded, and the end of it', async () => {
      const sandbox = await sandboxOf('yes | head -c 5M; echo; echo the end; echo complaint >&2');
      const size = sandbox.stat('stdout').size;
      expect(size).to.be.greaterThan(0);
      expect(size).to.be.at.most(64 * 1024);
      expect(sandbox.stat('stdout.1').size).to.be.at.most(64 * 1024);
      expect(sandbox.text('stdout')).to.match(/\nthe end\n$/);
      expect(sandbox.text('stderr')).to.equal('complaint\n');
      const known = ['stderr', 'stdout', 'stdout.1'];
      expect(sandbox.names()).to.deep.equal(known);
    });

    it('lays sandboxes out as the documentation says, the latest run under a link', async () => {
      const scheduler = await cluster.scheduler();
      for (const word of ['first', 'second']) {
        await scheduler.run('again', `echo ${word}`);
        const runs = (): number => scheduler.states('again').filter(isFinished).length;
        await eventually(`${word} run`, () => runs() === (word === 'first' ? 1 : 2));
        await eventually('the agent has let go of it', async () => {
          const { frameworks } = await cluster.agent.page('/state');
          return !JSON.stringify(frameworks).includes('"again"');
        });
      }
      const [before, after] = scheduler.told('again').filter(({ state }) => isFinished(state));
      const containerOf = (status: typeof before): string =>
        status?.container_status?.container_id?.value ?? '';
      const runs = join(
        cluster.workDir,
        `slaves/${before?.agent_id?.value ?? ''}/frameworks/${scheduler.frameworkId}`,
        'executors/again/runs',
      );
      const textOf = (run: string): string => readFileSync(join(runs, run, 'stdout'), 'utf8');
      expect(textOf(containerOf(before))).to.equal('first\n');
      expect(textOf(containerOf(after))).to.equal('second\n');
      expect(textOf('latest')).to.equal('second\n');
    });

    it('runs them as the user of the framework', async () => {
      const sandbox = await sandboxOf('id -un');
      expect(sandbox.text('stdout').trim()).to.equal(userInfo().username);
    });
  });
});

function isFinished(state: string | undefined): boolean {
  return state === 'TASK_FINISHED';
}
