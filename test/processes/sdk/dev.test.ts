import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { repositoryFile } from '../../checks/reference.js';
import {
  Running,
  makeFolder,
  plateau,
  processesWith,
  removeFolder,
  until,
} from '../cli/command.js';

const MODULE = fileURLToPath(new URL('./counter-framework.js', import.meta.url));
const FAILING = fileURLToPath(new URL('./failing-frameworks.js', import.meta.url));
const SDK = fileURLToPath(new URL('../../../sdk/index.js', import.meta.url));

describe('plateau framework dev', function () {
  this.timeout(90_000);
  const folder = makeFolder();
  const file = join(folder, 'dist', 'f.js');
  let dev: Running | undefined;

  before(() => {
    mkdirSync(dirname(file));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    symlinkSync(repositoryFile('node_modules'), join(folder, 'node_modules'));
    for (const [from, to] of [
      [MODULE, 'framework.js'],
      [FAILING, 'failing.js'],
    ] as const) {
      const text = readFileSync(from, 'utf8').replace('../../../sdk/index.js', SDK);
      writeFileSync(join(folder, 'dist', to), text);
    }
    writeFileSync(file, "export { Sleepers } from './framework.js';\n");
  });
  after(() => {
    dev?.child.kill('SIGKILL');
    removeFolder(folder);
  });

  function edit(name: string, change: (text: string) => string): void {
    const path = join(folder, 'dist', name);
    writeFileSync(path, change(readFileSync(path, 'utf8')));
  }

  it('follows the code over one state, survives what is wrong with it, and leaves nothing', async () => {
    dev = new Running([
      'framework',
      'dev',
      file,
      '--agents=1',
      '--port=0',
      '--',
      '--option=name=mine',
    ]);
    const [, master = ''] = await dev.says(/cluster is up: (http:\S+)\//);
    const [, workDir = ''] = await dev.says(/logs are in (\S+)\/logs\./);
    const [, admin = ''] = await dev.says(/its admin interface: (http:\S+)\//);
    const tasks = async (): Promise<readonly string[]> => {
      const response = await fetch(`${admin}/v1/tasks?state=RUNNING`).catch(() => undefined);
      const page = (await response?.json()) as { tasks?: readonly { id: string }[] } | undefined;
      return (page?.tasks ?? []).map(({ id }) => id);
    };
    await until(async () => (await tasks()).length === 1);
    const [first] = await tasks();

    // What the module imports counts too. The task of before goes on, at the same address.
    edit('framework.js', (text) => text.replaceAll('?? 1', '?? 2'));
    await dev.says(/framework\.js changed: the framework is started again/);
    await until(async () => (await tasks()).length === 2);
    expect(await tasks()).to.include(first);

    edit('framework.js', (text) => `${text}\nconst = 1;\n`);
    await dev.says(/framework\.js:\d+\nconst = 1;/);
    await dev.says(
      /the framework failed \(status 2\); it is started again when a file in \S+dist changes/,
    );
    expect((await plateau(['frameworks'], { PLATEAU_MASTER: master })).stdout).to.match(/ mine /);

    edit('framework.js', (text) => text.replace('\nconst = 1;\n', '').replaceAll('?? 2', '?? 3'));
    await until(async () => (await tasks()).length === 3);
    expect(await tasks()).to.include(first);

    expect(processesWith(folder), 'the framework runs').to.have.length.greaterThan(0);
    dev.child.kill('SIGINT');
    const { code } = await dev.ended;
    expect(code).to.equal(0);
    expect(processesWith(workDir), 'processes of the cluster').to.deep.equal([]);
    expect(processesWith(folder), 'processes of the framework').to.deep.equal([]);
    expect(existsSync(workDir), 'the state').to.equal(false);
  });

  it('waits for a change when the framework ends, or fails', async () => {
    writeFileSync(join(folder, 'dist', 'ends.js'), "export { Done } from './failing.js';\n");
    const argv = ['framework', 'dev', join(folder, 'dist', 'ends.js'), '--agents=1', '--port=0'];
    dev = new Running([...argv, `--store=lmdb:${join(folder, 'kept')}`]);
    await dev.says(/the framework has ended by itself; it is started again/);
    edit('ends.js', (text) => text.replace('Done', 'Broken'));
    await dev.says(/no luck today[^]*the framework failed \(status 1\)/);
    dev.child.kill('SIGTERM');
    expect((await dev.ended).code).to.equal(0);
    expect(existsSync(join(folder, 'kept')), 'the state is kept').to.equal(true);
    expect(processesWith(folder), 'processes of the framework').to.deep.equal([]);
  });

  const refused: Readonly<Record<string, readonly [message: RegExp, ...argv: string[]]>> = {
    'a module that is not there': [/module '.*none\.js' is not there/, join(folder, 'none.js')],
    'a state that is forgotten': [/'memory:' would be forgotten/, file, '--store=memory:'],
    'no agents': [/--agents: it must be from 1 to 100/, file, '--agents=0'],
    'a port without room for agents': [/--port: it must be from 0 to/, file, '--port=65535'],
  };
  for (const [what, [message, ...argv]] of Object.entries(refused)) {
    it(`refuses ${what} before anything is started`, async () => {
      const ended = await plateau(['framework', 'dev', ...argv]);
      expect(ended.stderr).to.match(message).and.include('[INVALID_FLAG]');
      expect(ended.code).to.equal(2);
    });
  }
});
