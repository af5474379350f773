import { expect } from 'chai';
import {
  type Ended,
  MAIN,
  Running,
  makeFolder,
  plateau,
  processesWith,
  removeFolder,
  until,
} from './command.js';

/** A local cluster for the tests of one `describe`. */
class Cluster {
  readonly folder = makeFolder();
  master = '';
  #up: Running | undefined;

  async start(): Promise<void> {
    const fixed = ['up', '--agents=2', '--port=0', '--schedulers=none'];
    const up = new Running([...fixed, `--work_dir=${this.folder}`]);
    this.#up = up;
    this.master = (await up.says(/is up: (http:\S+)\//))[1] ?? '';
  }

  get up(): Running {
    if (this.#up === undefined) throw new Error('not started');
    return this.#up;
  }

  run(...argv: readonly string[]): Promise<Ended> {
    return plateau(argv, { PLATEAU_MASTER: this.master });
  }

  async json(...argv: readonly string[]): Promise<readonly Record<string, unknown>[]> {
    const { stdout } = await this.run(...argv, '--json');
    return JSON.parse(stdout) as readonly Record<string, unknown>[];
  }

  async stop(): Promise<Ended> {
    this.up.child.kill('SIGINT');
    return this.up.ended;
  }
}

describe('plateau up and the commands of a cluster', function () {
  this.timeout(60_000);
  const cluster = new Cluster();

  before(() => cluster.start());
  after(async () => {
    const { code } = await cluster.stop();
    const left = processesWith(cluster.folder);
    removeFolder(cluster.folder);
    expect(code).to.equal(0);
    expect(left, 'processes left behind').to.deep.equal([]);
  });

  it('lists its agents, with disjoint shares of the host', async () => {
    const agents = await cluster.json('agents');
    expect(agents).to.have.length(2);
    expect(agents.map(({ state }) => state)).to.deep.equal(['active', 'active']);
    expect((await cluster.run('agents')).stdout).to.match(/^ID +HOST +STATE/);
  });

  it('runs a command and exits with 0', async () => {
    const ended = await cluster.run(
      'run',
      '--name=ok',
      '--command=echo out; echo err >&2',
      '--follow',
    );
    expect(ended).to.deep.include({ code: 0, stdout: 'out\n' });
    expect(ended.stderr).to.include('err\n');
  });

  it('prefixes the lines of several tasks and exits with the first status that is not 0', async () => {
    const ended = await cluster.run(
      'run',
      '--name=several',
      '--command=echo line $PLATEAU_INSTANCE; test $PLATEAU_INSTANCE != 1 || exit 7',
      '--instances=3',
      '--follow',
    );
    expect(ended.code).to.equal(7);
    for (const instance of [0, 1, 2]) {
      expect(ended.stdout).to.match(
        new RegExp(`^\\[several-\\S+-${instance}\\] line ${instance}$`, 'm'),
      );
    }
    expect(ended.stderr).to.match(/several-\S+-1: TASK_FAILED \(Command exited with status 7\)/);
    expect(ended.stderr).to.include('2 of 3 tasks finished');
  });

  it('exits with 128 plus the signal that ended a task', async () => {
    const ended = await cluster.run('run', '--name=signal', '--command=kill -KILL $$', '--json');
    expect(ended.code).to.equal(137);
    expect(JSON.parse(ended.stdout)[0]).to.deep.include({ state: 'TASK_FAILED', exitCode: 137 });
  });

  it('gives tasks the environment and files that were asked for', async () => {
    const ended = await cluster.run(
      'run',
      '--name=env',
      '--command=echo "$GREETING"; test -f main.js && echo fetched',
      '--env=GREETING=hello there',
      `--uris=${MAIN}`,
      '--follow',
    );
    expect(ended.stdout).to.equal('hello there\nfetched\n');
  });

  it('kills its tasks on Ctrl-C and exits with 130', async () => {
    const running = new Running(
      ['run', '--name=long', '--command=echo started; sleep 1000', '--follow'],
      {
        PLATEAU_MASTER: cluster.master,
      },
    );
    await running.says(/started/);
    running.child.kill('SIGINT');
    const ended = await running.ended;
    expect(ended.code).to.equal(130);
    expect(await cluster.json('tasks')).to.deep.equal([]);
    expect(processesWith('sleep 1000')).to.deep.equal([]);
  });

  it('shows, follows, explains and kills a task', async () => {
    const running = new Running(
      ['run', '--name=shown', '--command=echo first; sleep 1000; echo never'],
      { PLATEAU_MASTER: cluster.master },
    );
    const isRunning = ({ name, state }: Record<string, unknown>): boolean =>
      name === 'shown' && state === 'TASK_RUNNING';
    await until(async () => (await cluster.json('tasks')).some(isRunning));
    const task = (await cluster.json('tasks')).find(isRunning) as {
      id: string;
      frameworkId: string;
    };
    await until(async () => (await cluster.run('logs', task.id)).stdout === 'first\n');
    const why = await cluster.run('why', task.frameworkId);
    expect(why.stdout).to.match(/role \*: dominant share .*\n[^]*ROLE_SUPPRESSED/);
    expect((await cluster.json('frameworks')).map(({ id }) => id)).to.include(task.frameworkId);
    expect((await cluster.json('roles')).map(({ name }) => name)).to.include('*');
    const follower = new Running(['logs', '-f', task.id], { PLATEAU_MASTER: cluster.master });
    await follower.says(/first/);
    expect((await cluster.run('kill', task.id.slice(0, -1))).code).to.equal(0);
    expect((await running.ended).stderr).to.include('TASK_KILLED');
    expect(await follower.ended).to.deep.include({ code: 0, stdout: 'first\n' });
    const again = await cluster.run('kill', task.id);
    expect(again.code).to.equal(1);
    expect(again.stderr).to.include('NOT_FOUND');
  });

  it('explains why a described task would not start, and what is wrong with a question', async () => {
    const running = new Running(['run', '--name=asking', '--command=sleep 1000'], {
      PLATEAU_MASTER: cluster.master,
    });
    const name = 'plateau run asking';
    const isConnected = async (): Promise<boolean> =>
      (await cluster.run('why', name, '--cpus=1000')).code === 0;
    await until(isConnected);
    const task = ['--cpus=1000', '--constraints', 'no-such!=a', '--resource', 'licences=2'];
    const why = await cluster.run('why', name, ...task);
    expect(why.stdout).to.match(/^task: cpus:1000; licences:2, no-such!=a$/m);
    expect(why.stdout).to.match(/\[TASK_TOO_LARGE_FOR_AGENT\]\n {10}\S+ \(\S+\): lacks \S+ cpus/);
    expect(why.stdout).to.match(/to change that: no agent has more than \S+ cpus, 0 licences: ask/);
    const json: unknown = JSON.parse((await cluster.run('why', name, '--json', ...task)).stdout);
    expect(json).to.have.nested.property('task.resources.licences', 2);
    const refused: readonly (readonly [option: string, code: number, message: RegExp])[] = [
      ['--cpus=many', 2, /--cpus <n>.*It must be a number from 0/],
      ['--role=x', 1, /role 'x' is none of framework/],
      ['--constraints=no-such~=(', 1, /constraints 'no-such~=\('.*regex/],
      ['--resource=licences', 1, /'resources' must be amounts by name/],
    ];
    for (const [option, code, message] of refused) {
      const ended = await cluster.run('why', name, option);
      expect(ended.stderr, option).to.match(message);
      expect(ended.code, option).to.equal(code);
    }
    running.child.kill('SIGINT');
    await running.ended;
  });

  it('says what keeps a second cluster over the same folder or port from starting', async () => {
    const second = await plateau(['up', '--port=0', `--work_dir=${cluster.folder}`]);
    expect(second.code).to.equal(1);
    expect(second.stderr).to.match(/plateau: master: .*\[WORK_DIR_LOCKED\]/);
    const port = new URL(cluster.master).port;
    const third = await plateau(['up', '--ephemeral', `--port=${port}`]);
    expect(third.code).to.equal(1);
    expect(third.stderr).to.match(new RegExp(`plateau: master: .*${port}.*\\[PORT_IN_USE\\]`));
  });

  it('names what does not exist', async () => {
    for (const argv of [
      ['logs', 'nothing'],
      ['kill', 'nothing'],
      ['why', 'nothing'],
    ]) {
      const ended = await cluster.run(...argv);
      expect(ended.code).to.equal(1);
      expect(ended.stderr).to.match(/plateau: no \w+ is called 'nothing'.*\[NOT_FOUND\]/);
    }
  });

  it('runs the word count', async () => {
    const ended = await cluster.run('example', 'word-count', MAIN, '--maps=3', '--json');
    expect(ended.code, ended.stderr).to.equal(0);
    const result = JSON.parse(ended.stdout) as { files: number; tasks: unknown[]; top: object };
    expect(result.files).to.equal(1);
    expect(result.tasks).to.have.length(2);
    expect(Object.keys(result.top)).to.have.length(15);
  });

  it('takes the first framework of the README', async () => {
    const first = MAIN.replace('core/cli/main.js', 'frameworks/examples/first.js');
    const { spawnSync } = await import('node:child_process');
    const { stdout } = spawnSync(process.execPath, [first], {
      env: { ...process.env, PLATEAU_MASTER: cluster.master },
      encoding: 'utf8',
    });
    expect(stdout).to.equal('hello STARTING\nhello RUNNING\nhello FINISHED\n');
  });
});

describe('plateau up after a crash', function () {
  this.timeout(60_000);

  it('goes on where it stopped when it was killed with its tasks running', async () => {
    const cluster = new Cluster();
    await cluster.start();
    try {
      const running = new Running(['run', '--name=survivor', '--command=sleep 1000'], {
        PLATEAU_MASTER: cluster.master,
      });
      await until(async () =>
        (await cluster.json('tasks')).some(({ state }) => state === 'TASK_RUNNING'),
      );
      cluster.up.child.kill('SIGKILL');
      running.child.kill('SIGKILL');
      await Promise.all([cluster.up.ended, running.ended]);
      await cluster.start();
      await until(async () =>
        (await cluster.json('tasks')).some(
          ({ name, state }) => name === 'survivor' && state === 'TASK_RUNNING',
        ),
      );
    } finally {
      await cluster.stop();
      const left = processesWith(cluster.folder);
      removeFolder(cluster.folder);
      expect(left).to.deep.equal([]);
    }
  });
});

describe('plateau without a cluster', function () {
  this.timeout(30_000);
  const nobody = 'http://127.0.0.1:9';

  it('prints help, versions, and usage errors with exit code 2', async () => {
    expect((await plateau(['--version'])).stdout).to.match(
      /^plateau \d+\.\d+\.\d+ \(Mesos API 1\.11\.0/,
    );
    expect((await plateau(['--help'])).stdout).to.include('run a local cluster');
    expect((await plateau(['run', '--help'])).stdout).to.include('--instances');
    for (const argv of [
      ['nonsense'],
      ['run', '--name=x'],
      ['agents', '--bad'],
      ['up', '--agents=0'],
    ]) {
      const ended = await plateau(argv);
      expect(ended.code, argv.join(' ')).to.equal(2);
      expect(ended.stderr).to.match(/^error: /m);
    }
  });

  it('says when no master answers, and what to do', async () => {
    const ended = await plateau(['agents', `--master=${nobody}`]);
    expect(ended.code).to.equal(1);
    expect(ended.stderr).to.match(/127\.0\.0\.1:9.*\[MASTER_UNREACHABLE\]/);
  });

  it('refuses a port that is taken, a folder that is in use, and an address that others reach', async () => {
    const folder = makeFolder();
    const master = new Running(['master', '--port=0', `--work_dir=${folder}`, '--log_format=json']);
    try {
      const [, address = ''] = await master.says(/"address":"127\.0\.0\.1:(\d+)"/);
      const taken = await plateau(['master', `--port=${address}`, '--registry=in_memory']);
      expect(taken.code).to.equal(1);
      expect(taken.stderr).to.include('[PORT_IN_USE]').and.include(address);
      const locked = await plateau(['master', '--port=0', `--work_dir=${folder}`]);
      expect(locked.code).to.equal(1);
      expect(locked.stderr).to.include('[WORK_DIR_LOCKED]').and.include(String(master.child.pid));
      const open = await plateau(['master', '--port=0', '--ip=0.0.0.0', '--registry=in_memory']);
      expect(open.code).to.equal(1);
      expect(open.stderr).to.include('[INSECURE_BIND]').and.include('--insecure-bind');
    } finally {
      master.child.kill('SIGTERM');
      expect((await master.ended).code).to.equal(0);
      removeFolder(folder);
    }
  });

  it('warns about flags of Mesos that mean nothing, and names the one that is not valid', async () => {
    const warned = new Running([
      'master',
      '--port=0',
      '--registry=in_memory',
      '--quorum=1',
      '--log_format=json',
    ]);
    await warned.says(/--quorum means nothing/);
    await warned.says(/the master serves/);
    warned.child.kill('SIGTERM');
    expect((await warned.ended).code).to.equal(0);
    const invalid = await plateau([
      'agent',
      '--master=127.0.0.1:1',
      '--work_dir=/nowhere',
      '--gc_delay=soon',
    ]);
    expect(invalid.code).to.equal(2);
    expect(invalid.stderr).to.include('--gc-delay');
  });
});
