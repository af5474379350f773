import { existsSync, readFileSync } from 'node:fs';
import { lstat, mkdir, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { userInfo } from 'node:os';
import { expect } from 'chai';
import type { CommandInfo } from '../../../core/api/index.js';
import { id } from '../../../core/base/index.js';
import { DEFAULT_PATH } from '../../../core/containers/index.js';
import { Host, eventually } from './support.js';

const isRoot = userInfo().uid === 0;

describe('Starting a process', () => {
  let host: Host;
  beforeEach(async () => {
    host = await Host.start();
  });
  afterEach(() => host.dispose());

  it('reports the exit status of a shell command', async () => {
    const { containerId } = await host.launch('exit 7');
    expect(await host.end(containerId)).to.deep.equal({ kind: 'exited', code: 7 });
  });

  it('reports the signal that a process died of', async () => {
    const { containerId } = await host.launch('kill -s USR1 $$');
    expect(await host.end(containerId)).to.deep.equal({ kind: 'signaled', signal: 'SIGUSR1' });
  });

  it('tells pid and start time as /proc has them', async () => {
    const text = await host.output('cat /proc/$$/stat');
    const { pid, startTime, containerId } = await host.launch('sleep 100');
    expect(text.split(' ')[0]).to.match(/^\d+$/);
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(' ');
    expect(fields[21]).to.equal(startTime);
    expect(fields[5], 'session').to.equal(String(pid));
    host.containerizer.signal(containerId, 'SIGKILL');
  });

  it('needs one process for a single command of the shell', async () => {
    const { pid, containerId } = await host.launch('sleep 100');
    await eventually(() =>
      readFileSync(`/proc/${pid}/comm`, 'latin1').trim() === 'sleep' ? true : undefined,
    );
    expect(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')).to.equal('');
    host.containerizer.signal(containerId, 'SIGKILL');
  });

  it('leaves to the shell what is its own, or more than one command', async () => {
    expect(await host.output('cd / && pwd')).to.equal('/\n');
    expect(await host.output('echo $((1 + 1)) | cat')).to.equal('2\n');
    expect(await host.output('X=1; printenv PATH > f\ncat f')).to.equal(`${DEFAULT_PATH}\n`);
    expect(await host.output('X=1 printenv X')).to.equal('1\n');
    expect(await host.output("printenv 'A B' || echo 'no # comment'")).to.equal('no # comment\n');
    const { containerId } = await host.launch('no-such-program with arguments');
    expect(await host.end(containerId)).to.deep.equal({ kind: 'exited', code: 127 });
  });

  it('executes a program directly with its arguments, the first being its name', async () => {
    const command = {
      shell: false,
      value: 'sh',
      arguments: ['my-name', '-c', 'echo "$0|$1"', 'zero', '$HOME'],
    };
    expect(await host.output(command)).to.equal('zero|$HOME\n');
    const named = { shell: false, value: '/bin/cat', arguments: ['renamed', '/proc/self/cmdline'] };
    expect(await host.output(named)).to.equal('renamed\0/proc/self/cmdline\0');
  });

  it('looks for a program in the PATH of the task', async () => {
    const failure = await host.refused(
      { shell: false, value: 'sh' },
      { environment: { PATH: '/nowhere' } },
    );
    expect(failure.stage).to.equal('command');
    expect(failure.message).to.include("'sh'").and.include('/nowhere');
  });

  it('fails as a fault of the command when the program is missing', async () => {
    const failure = await host.refused({ shell: false, value: './missing' });
    expect(failure.stage).to.equal('command');
    expect(failure.message).to.include('./missing');
    expect((await host.refused({})).stage).to.equal('command');
  });

  it('gives the environment that it was told, and nothing else', async () => {
    process.env['PLATEAU_TEST_LEAK'] = 'leaked';
    const command = {
      shell: false,
      value: '/usr/bin/env',
      environment: {
        variables: [
          { name: 'WON', value: 'by the command' },
          { name: 'SECRET', type: 'SECRET' as const, secret: { value: { data: 'c2VzYW1l' } } },
        ],
      },
    };
    const text = await host.output(command, { environment: { WON: 'by nobody', GIVEN: 'yes' } });
    delete process.env['PLATEAU_TEST_LEAK'];
    expect(text.trim().split('\n').toSorted()).to.deep.equal([
      'GIVEN=yes',
      `PATH=${DEFAULT_PATH}`,
      'SECRET=sesame',
      'WON=by the command',
    ]);
  });

  it('refuses what no environment can hold', async () => {
    expect((await host.refused(withVariable('A=B', ''))).message).to.include('A=B');
    expect((await host.refused(withVariable('A', 'x\0y'))).message).to.include('NUL');
    expect((await host.refused(withVariable('A', 'x'.repeat(2 ** 20)))).stage).to.equal('command');
    expect((await host.refused(withVariable('A', 'x'.repeat(200_000)))).stage).to.equal('command');
  });

  it('passes descriptors 0 to 2 only, with nothing to read', async () => {
    const text = await host.output('ls -l /proc/self/fd; wc -c');
    const links = [...text.matchAll(/ (\d+) -> (\S+)/g)].map(([, number, to]) => [number, to]);
    const sandbox = host.sandbox(id('container-1'));
    expect(links.slice(0, 3)).to.deep.equal([
      ['0', '/dev/null'],
      ['1', `${sandbox}/stdout`],
      ['2', `${sandbox}/stderr`],
    ]);
    // The fourth is the folder that `ls` itself has opened.
    expect(links.slice(3).every(([, to]) => to?.startsWith('/proc/'))).to.equal(true);
    expect(links.length).to.be.at.most(4);
    expect(text.trim().split('\n').at(-1)).to.equal('0');
  });

  it('works in the sandbox, with a plain file mode mask', async () => {
    expect(await host.output('pwd; umask')).to.equal(`${host.sandbox(id('container-1'))}\n0022\n`);
  });

  it('makes sandboxes for their owner and parents for all', async () => {
    const { sandbox } = await host.launch('true');
    expect((await stat(sandbox)).mode & 0o777).to.equal(0o750);
    expect((await stat(join(sandbox, '..'))).mode & 0o777).to.equal(0o755);
  });

  it('leads the link `latest` to the newest run', async () => {
    const runs = join(host.workDir, 'executors/e/runs');
    for (const name of ['one', 'two', 'three']) {
      await host.launch('true', { containerId: id(name), sandbox: join(runs, name) });
      expect(await readlink(join(runs, 'latest'))).to.equal(name);
    }
  });

  it('does not make a sandbox through a link, or outside of the work directory', async () => {
    const elsewhere = join(host.workDir, 'elsewhere');
    await mkdir(elsewhere);
    await symlink(elsewhere, join(host.workDir, 'link'));
    const linked = await host.refused({ value: 'true' }, { sandbox: join(host.workDir, 'link/x') });
    expect(linked.stage).to.equal('sandbox');
    expect(await lstat(join(elsewhere, 'x')).catch(() => undefined)).to.equal(undefined);
    const outside = await host.refused({ value: 'true' }, { sandbox: `${host.workDir}-other/x` });
    expect(outside.stage).to.equal('sandbox');
    expect(existsSync(`${host.workDir}-other`)).to.equal(false);
  });

  it('refuses a second launch under the same id', async () => {
    const { containerId } = await host.launch('sleep 100');
    const failure = await host.refused({ value: 'true' }, { containerId });
    expect(failure.stage).to.equal('launcher');
    expect(failure.message).to.include(containerId);
  });

  it('does not write through a link in the place of an output file', async () => {
    const precious = join(host.workDir, 'precious');
    await writeFile(precious, 'untouched');
    const sandbox = host.sandbox(id('planted'));
    await mkdir(sandbox, { recursive: true });
    await symlink(precious, join(sandbox, 'stdout'));
    const failure = await host.refused({ value: 'echo harm' }, { containerId: id('planted') });
    expect(failure.stage).to.be.oneOf(['command', 'launcher']);
    expect((await stat(precious)).size).to.equal('untouched'.length);
  });

  it('names an unknown user', async () => {
    const failure = await host.refused({ value: 'true' }, { user: 'no-such-user-here' });
    expect(failure.stage).to.equal('user');
    expect(failure.message).to.include('no-such-user-here');
  });

  it('takes the own user for no switch', async () => {
    const text = await host.output('id -un', { user: userInfo().username });
    expect(text.trim()).to.equal(userInfo().username);
  });

  it(isRoot ? 'runs as another user, without groups' : 'refuses to switch the user', async () => {
    if (!isRoot) {
      const failure = await host.refused({ value: 'true' }, { user: 'nobody' });
      expect(failure.stage).to.equal('user');
      expect(failure.message).to.include('nobody').and.include(userInfo().username);
      return;
    }
    const text = await host.output('id -un; id -G; touch mine; stat -c %U mine stdout .', {
      user: 'nobody',
    });
    const [name, groups, ...owners] = text.trim().split('\n');
    expect(name).to.equal('nobody');
    expect(groups).to.match(/^\d+$/);
    expect(owners).to.deep.equal(['nobody', 'nobody', 'nobody']);
  });
});

function withVariable(name: string, value: string): CommandInfo {
  return { value: 'true', environment: { variables: [{ name, value }] } };
}
