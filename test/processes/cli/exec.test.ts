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

describe('plateau exec', function () {
  this.timeout(60_000);
  const folder = makeFolder();
  let up: Running;
  let master = '';
  let task: Running;

  before(async () => {
    up = new Running(['up', '--agents=1', '--port=0', `--work_dir=${folder}`]);
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

  it('says what is wrong with the task or the command', async () => {
    expect(await exec('nothing', 'true')).to.deep.include({ code: 1, stdout: '' });
    const ended = await exec('web', 'no-such-program');
    expect(ended.code).to.equal(1);
    expect(ended.stderr).to.include('not an executable file');
    expect((await exec('web')).code).to.equal(2);
  });
});
