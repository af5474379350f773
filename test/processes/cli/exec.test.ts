import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import {
  MAIN,
  Running,
  makeFolder,
  plateau,
  processesWith,
  removeFolder,
  until,
} from './command.js';
import { TerminalProgram } from './terminal.js';

describe('plateau exec', function () {
  this.timeout(60_000);
  const folder = makeFolder();
  let up: Running;
  let master = '';
  let task: Running;

  before(async () => {
    up = new Running(['up', '--agents=1', '--port=0', '--schedulers=none', `--work_dir=${folder}`]);
    master = (await up.says(/is up: (http:\S+)\//))[1] ?? '';
    const command = '--command=echo ready > state; sleep 1000';
    task = new Running(['run', '--name=web', command], { PLATEAU_MASTER: master });
    await until(async () => (await exec('web', 'cat', 'state')).stdout === 'ready\n');
  });

  after(async () => {
    task.child.kill('SIGINT');
    await task.ended;
    up.child.kill('SIGINT');
    await up.ended;
    const left = processesWith(folder);
    removeFolder(folder);
    expect(left, 'processes left behind').to.deep.equal([]);
  });

  function exec(...argv: readonly string[]): ReturnType<typeof plateau> {
    return plateau(['exec', ...argv], { PLATEAU_MASTER: master });
  }

  it('prints both outputs and exits as the command does', async () => {
    const ended = await exec('web', 'sh', '-c', 'echo out; echo err >&2; exit 3');
    expect(ended).to.include({ code: 3, stdout: 'out\n', stderr: 'err\n' });
    expect((await exec('web', '--', 'sh', '-c', 'kill -9 $$')).code).to.equal(137);
  });

  it('passes its input on, and does not wait for an input that nobody ends', async () => {
    const open = (...argv: readonly string[]) =>
      spawn(process.execPath, [MAIN, 'exec', 'web', ...argv], {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { ...process.env, PLATEAU_MASTER: master },
      });
    const counting = open('wc', '-c');
    counting.stdin.end('x'.repeat(300_000));
    expect((await text(counting.stdout)).trim()).to.equal('300000');
    const deaf = open('echo', 'done');
    expect(await text(deaf.stdout)).to.equal('done\n');
    await until(() => deaf.exitCode !== null);
    expect(deaf.exitCode).to.equal(0);
    deaf.stdin.destroy();
  });

  it('ends the command when it is interrupted', async () => {
    const mark = `4${process.pid}`;
    const running = new Running(['exec', 'web', 'sleep', mark], { PLATEAU_MASTER: master });
    const commands = (): readonly string[] =>
      processesWith(`sleep ${mark}`).filter((line) => !line.includes('exec'));
    await until(() => commands().length > 0);
    running.child.kill('SIGINT');
    expect((await running.ended).code).to.equal(130);
    await until(() => commands().length === 0);
  });

  it('gives the command a terminal that follows its own, and all keys', async () => {
    const mark = `5${process.pid}`;
    const argv = [MAIN, 'exec', '-t', 'web', 'bash', '--norc', '-i'];
    const own = new TerminalProgram(argv, {
      size: { rows: 30, columns: 100 },
      environment: { PLATEAU_MASTER: master, TERM: 'vt100' },
    });
    own.type('tty; stty size; echo "of type $TERM"\n');
    await until(() => /\/dev\/pts\/\d+\r+\n30 100\r+\nof type vt100/.test(own.shown));
    own.resize({ rows: 20, columns: 60 });
    await until(() => {
      own.type('stty size\n');
      return own.shown.includes('20 60');
    });
    own.type(`sleep ${mark}\n`);
    await until(() => processesWith(`sleep ${mark}`).length > 0);
    own.type('\u0003');
    own.type('echo still $((40 + 2)); exit 5\n');
    expect(await own.ended).to.equal(5);
    expect(own.shown).to.include('still 42');
  });

  it('gives a terminal of the usual size where it has none itself', async () => {
    const ended = await exec('--tty', 'web', 'sh', '-c', 'tty; stty size; echo $TERM; exit 4');
    expect(ended.stdout).to.match(/^\/dev\/pts\/\d+\r\n24 80\r\nxterm\r\n$/);
    expect(ended.code).to.equal(4);
  });

  it('says what is wrong with the task or the command', async () => {
    expect(await exec('nothing', 'true')).to.deep.include({ code: 1, stdout: '' });
    const ended = await exec('web', 'no-such-program');
    expect(ended.code).to.equal(1);
    expect(ended.stderr).to.include('not an executable file');
    expect((await exec('web')).code).to.equal(2);
  });
});
