import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { repositoryFile } from '../../checks/reference.js';
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

const SCHEDULERS = ['batch', 'services', 'cron'] as const;
const JOB = repositoryFile('frameworks/examples/word-count-job/job.yaml');

const APP = `id: /web
cmd: exec sleep 1000
cpus: 0.1
mem: 32
instances: 1
`;
const CRON_JOB = `id: report
run:
  template: { command: 'echo reported', cpus: 0.1, memMiB: 32 }
`;

/** Process ids of programs whose command line has all the words. */
function pidsOf(...words: readonly string[]): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return words.every((word) => line.includes(word));
      } catch {
        return false;
      }
    });
}

describe('plateau up with its schedulers', function () {
  this.timeout(90_000);
  const folder = makeFolder();
  const work = join(folder, 'cluster');
  const urls = new Map<string, string>();
  let up: Running;
  let master = '';

  before(async () => {
    writeFileSync(join(folder, 'web.yaml'), APP);
    writeFileSync(join(folder, 'cron.yaml'), CRON_JOB);
    await start();
  });
  after(async () => {
    await stop();
    removeFolder(folder);
  });

  async function start(): Promise<void> {
    up = new Running(['up', '--agents=2', '--port=0', `--work-dir=${work}`]);
    master = (await up.says(/is up: (http:\S+)\//))[1] ?? '';
    for (const name of SCHEDULERS) {
      urls.set(name, (await up.says(new RegExp(`${name} +(http:\\S+)/`)))[1] ?? '');
    }
  }

  async function stop(): Promise<Ended> {
    up.child.kill('SIGINT');
    const ended = await up.ended;
    expect(ended.code, ended.stderr).to.equal(0);
    expect(processesWith(work), 'processes left behind').to.deep.equal([]);
    return ended;
  }

  function run(...argv: readonly string[]): Promise<Ended> {
    return plateau(argv, { PLATEAU_MASTER: master });
  }

  async function good(...argv: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await run(...argv);
    expect(code, `${argv.join(' ')}: ${stderr}`).to.equal(0);
    return stdout;
  }

  it('tells where they are, and keeps their state in its folder', async () => {
    for (const name of SCHEDULERS) {
      const { status } = await fetch(`${urls.get(name)}/health`);
      expect(status, name).to.equal(200);
    }
    expect(readdirSync(work)).to.include.members([...SCHEDULERS, 'master', 'agent-1', 'logs']);
    expect(readdirSync(join(work, 'logs'))).to.include.members(['batch.log', 'cron.log']);
    const { stderr } = await plateau(['up', '--port=0', `--work-dir=${work}`]);
    expect(stderr, 'a second one over the folder').to.include('[WORK_DIR_LOCKED]');
    expect(pidsOf(work, 'serve'), 'processes').to.have.length(SCHEDULERS.length);
  });

  it('has all three found by their commands: a job, a service, a job at its time', async () => {
    const command = 'echo hello $JOB_INDEX';
    const array = await good('batch', 'run', '--command', command, '--array', '0-1', '--follow');
    expect(array.split('\n').toSorted()).to.deep.equal(['', '[0] hello 0', '[1] hello 1']);
    await good('services', 'apply', join(folder, 'web.yaml'), '--wait');
    expect(await good('services', 'tasks', '/web')).to.match(/ RUNNING /);
    expect(await good('cron', 'apply', join(folder, 'cron.yaml'))).to.equal('report created\n');
    await good('cron', 'run', 'report', '--wait');
    expect(await good('cron', 'history', 'report')).to.include('succeeded');
  });

  it('counts words as a batch job as the framework does, each task told where', async () => {
    const job = JSON.parse(await good('example', 'word-count-job', JOB, MAIN, '--json')) as {
      tasks: readonly { readonly agent: string }[];
    };
    const framework = JSON.parse(
      await good('example', 'word-count', MAIN, '--maps=12', '--json'),
    ) as object;
    const { tasks, ...counted } = job;
    expect(Object.keys(counted)).to.have.members(['files', 'words', 'differentWords', 'top']);
    expect(framework).to.deep.include(counted);
    expect(tasks).to.have.length(13);
    for (const { agent } of tasks) expect(agent).to.match(/^127\.0\.0\.1:\d+$/);
    const list = await good('batch', 'list');
    expect(list).to.match(/^word-count-\w{8} +SUCCEEDED +13\/13/m);
  });

  it('ends the word count with what its job says: not with 0 when it fails', async () => {
    const document = join(folder, 'fails.yaml');
    const text = readFileSync(JOB, 'utf8')
      .replace('"$PROGRAMS/map.js"', '"$PROGRAMS/no-such-program.js"')
      .replace('backoffLimitPerIndex: 2', 'backoffLimitPerIndex: 0');
    writeFileSync(document, text);
    const ended = await run('example', 'word-count-job', document, MAIN);
    expect(ended.code).to.equal(1);
    expect(ended.stderr).to.match(/word-count-\w{8} FAILED/);
    expect(ended.stdout).to.not.include('different ones');
    const refused: readonly (readonly [document: string, path: string, message: RegExp])[] = [
      [join(folder, 'none.yaml'), MAIN, /none\.yaml cannot be read: ENOENT/],
      [JOB, join(folder, 'nothing'), /cannot be counted: ENOENT.*nothing/],
    ];
    for (const [file, path, message] of refused) {
      const { code, stderr } = await run('example', 'word-count-job', file, path);
      expect(stderr).to.match(message).and.include('[INVALID_FLAG]');
      expect(code).to.equal(2);
    }
  });

  it('starts a scheduler again that dies, at the same address', async () => {
    const [pid = 0, ...others] = pidsOf(work, 'batch', 'serve');
    expect(others).to.deep.equal([]);
    process.kill(pid, 'SIGKILL');
    await up.says(/batch ended \(SIGKILL\); starting it again/);
    await until(async () => {
      const answer = await fetch(`${urls.get('batch')}/health`).catch(() => undefined);
      return answer?.status === 200;
    });
    expect(pidsOf(work, 'batch', 'serve')).to.not.include(pid);
    expect(await good('batch', 'list')).to.include('SUCCEEDED');
  });

  it('leaves no process after Ctrl-C, and goes on where it stopped when started again', async () => {
    const { stdout } = await stop();
    expect(stdout).to.include('The cluster is up');
    await start();
    expect(await good('batch', 'list')).to.match(/^word-count-\w{8} +SUCCEEDED/m);
    expect(await good('cron', 'list')).to.include('report');
    await until(async () => / RUNNING /.test(await good('services', 'tasks', '/web')));
  });

  it('leaves no scheduler when it is killed itself, and takes the state up again', async () => {
    up.child.kill('SIGKILL');
    await up.ended;
    await until(() => pidsOf(work, 'serve').length === 0);
    await start();
    expect(await good('services', 'tasks', '/web')).to.match(/ RUNNING /);
  });
});

describe('plateau up with a command', function () {
  this.timeout(60_000);
  const print = ['-p', 'JSON.stringify(process.env)'];
  const UP = ['up', '--ephemeral', '--agents=1', '--port=0'];
  const elsewhere = { PLATEAU_BATCH: 'http://127.0.0.1:9', PLATEAU_CRON: 'http://127.0.0.1:9' };

  /** Also looks that nothing stays. */
  async function environment(...options: readonly string[]): Promise<Record<string, string>> {
    const argv = [...UP, ...options, process.execPath, ...print];
    const ended = await plateau(argv, elsewhere);
    expect(ended.code, ended.stderr).to.equal(0);
    const found = JSON.parse(ended.stdout) as Record<string, string>;
    expect(processesWith(`--master=${found['PLATEAU_MASTER']}`)).to.deep.equal([]);
    return found;
  }

  it('tells it where the schedulers are that were chosen, and nothing of others', async () => {
    const found = await environment('--schedulers=batch');
    expect(found['PLATEAU_BATCH']).to.match(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(found['PLATEAU_BATCH']).to.not.equal(elsewhere.PLATEAU_BATCH);
    expect(found).to.not.have.any.keys('PLATEAU_CRON', 'PLATEAU_SERVICES');
  });

  it('starts none when asked for none', async () => {
    const found = await environment('--schedulers=none');
    expect(Object.keys(found)).to.include('PLATEAU_MASTER');
    expect(found).to.not.have.any.keys('PLATEAU_BATCH', 'PLATEAU_CRON', 'PLATEAU_SERVICES');
  });

  it('cancels the batch job that it runs on Ctrl-C, and leaves nothing', async () => {
    const job = ['batch', 'run', '--command=echo begun; sleep 1000', '--array=0-1', '--follow'];
    const running = new Running([...UP, '--schedulers=batch', process.execPath, MAIN, ...job]);
    await running.says(/\[0\] begun\n[^]*\[1\] begun\n|\[1\] begun\n[^]*\[0\] begun\n/);
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended;
    expect(code, stderr).to.equal(130);
    expect(stderr).to.include('CANCELLED');
    expect(processesWith('sleep 1000')).to.deep.equal([]);
  });

  it('leaves no folder when it could not start', async () => {
    const temporary = makeFolder();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const argv = ['up', '--ephemeral', `--port=${port - 101}`, '--schedulers=batch'];
      const { code, stderr } = await plateau(argv, { TMPDIR: temporary });
      expect(code).to.equal(1);
      expect(stderr).to.match(/plateau: .*\[PORT_IN_USE\]/);
      expect(readdirSync(temporary)).to.deep.equal([]);
      expect(processesWith(temporary)).to.deep.equal([]);
    } finally {
      server.close();
      removeFolder(temporary);
    }
  });

  it('refuses schedulers that there are not, and ports that leave them no room', async () => {
    const unknown = await plateau(['up', '--schedulers=batch,spark']);
    expect(unknown.code).to.equal(2);
    expect(unknown.stderr).to.include("'spark' is none of batch, services, cron");
    const port = await plateau(['up', '--port=65500']);
    expect(port.code).to.equal(2);
    expect(port.stderr).to.match(/from 0 to 65432/);
  });
});
