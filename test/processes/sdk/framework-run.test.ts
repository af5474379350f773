import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import {
  Running,
  makeFolder,
  plateau,
  processesWith,
  removeFolder,
  until,
} from '../cli/command.js';

const FAILING = fileURLToPath(new URL('./failing-frameworks.js', import.meta.url));
const MODULE = fileURLToPath(new URL('./counter-framework.js', import.meta.url));

/** A copy of the framework as a process. */
class Copy {
  readonly process: Running;
  admin = '';

  constructor(master: string, argv: readonly string[]) {
    const fixed = ['framework', 'run', MODULE, '--log-format=json', `--master=${master}`];
    this.process = new Running([...fixed, ...argv]);
  }

  async serves(): Promise<this> {
    const [, address = ''] = await this.process.says(/"address":"(http:[^"]+)\/","msg":"the admin/);
    this.admin = address;
    return this;
  }

  async get(
    path: string,
  ): Promise<{ readonly status: number; readonly json: Record<string, unknown> }> {
    const response = await fetch(`${this.admin}${path}`);
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  }

  async health(): Promise<number> {
    return (await this.get('/health')).status;
  }

  async tasks(): Promise<readonly { readonly id: string; readonly state: string }[]> {
    const { json } = await this.get('/v1/tasks?state=RUNNING');
    return (json['tasks'] ?? []) as { id: string; state: string }[];
  }

  async frameworkId(): Promise<unknown> {
    return (await this.get('/v1/state')).json['frameworkId'];
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.process.child.kill(signal);
    return (await this.process.ended).code;
  }
}

describe('plateau framework run', function () {
  this.timeout(60_000);
  const folder = makeFolder();
  const copies: Copy[] = [];
  let up: Running;
  let master = '';

  before(async () => {
    up = new Running([
      'up',
      '--agents=1',
      '--port=0',
      '--schedulers=none',
      `--work-dir=${join(folder, 'cluster')}`,
    ]);
    master = (await up.says(/is up: (http:\S+)\//))[1] ?? '';
  });
  after(async () => {
    for (const copy of copies) copy.process.child.kill('SIGKILL');
    up.child.kill('SIGINT');
    await up.ended;
    const left = processesWith(folder);
    removeFolder(folder);
    expect(left, 'processes left behind').to.deep.equal([]);
  });

  function start(...argv: readonly string[]): Promise<Copy> {
    const copy = new Copy(master, argv);
    copies.push(copy);
    return copy.serves();
  }

  it('runs a class; its tasks outlive it, and it finds them again', async () => {
    const store = `--store=lmdb:${join(folder, 'one')}`;
    const first = await start(store, '--option', 'name=renamed');
    await until(async () => (await first.tasks()).length === 1);
    const put = await fetch(`${first.admin}/v1/size`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: '{"count":3}',
    });
    expect(put.status).to.equal(200);
    await until(async () => (await first.tasks()).length === 3);
    const before = (await first.tasks()).map(({ id }) => id).toSorted();
    const id = await first.frameworkId();
    expect((await first.get('/v1/state')).json['name']).to.equal('renamed');
    expect(await first.end('SIGTERM')).to.equal(0);

    const second = await start(store);
    await until(async () => (await second.health()) === 200);
    expect(await second.frameworkId()).to.equal(id);
    expect((await second.tasks()).map(({ id: each }) => each).toSorted()).to.deep.equal(before);
    expect((await second.get('/v1/size')).json).to.deep.equal({ count: 3 });
    expect(await second.end('SIGINT')).to.equal(0);
  });

  it('says who uses the state, and what to do, when a second copy is started', async () => {
    const store = `--store=lmdb:${join(folder, 'shared')}`;
    const first = await start(store);
    await until(async () => (await first.health()) === 200);
    const second = await plateau(['framework', 'run', MODULE, store, `--master=${master}`]);
    expect(second.code).to.equal(1);
    expect(second.stderr).to.contain(
      `in use by framework 'sleepers', pid ${first.process.child.pid} on`,
    );
    expect(second.stderr).to.contain('--standby').and.contain('[WORK_DIR_LOCKED]');
    expect(await first.end('SIGTERM')).to.equal(0);
  });

  it('hands over to a copy that stands by when the active one is killed', async () => {
    const argv = [`--store=lmdb:${join(folder, 'pair')}`, '--standby'];
    const active = await start(...argv);
    await until(async () => (await active.health()) === 200);
    await until(async () => (await active.tasks()).length === 1);
    const standby = await start(...argv);
    const health = await standby.get('/health');
    expect(health.status).to.equal(503);
    expect(health.json).to.include({ status: 'unavailable', connection: 'standby' });
    // It knows where the active copy is, and passes other requests on.
    await until(async () => (await standby.get('/v1/size')).status === 200);
    const [id, tasks] = [await active.frameworkId(), await active.tasks()];
    await active.end('SIGKILL');
    await until(async () => (await standby.health()) === 200);
    expect(await standby.frameworkId()).to.equal(id);
    expect((await standby.tasks()).map((each) => each.id)).to.deep.equal(
      tasks.map((each) => each.id),
    );
    expect(await standby.end('SIGTERM')).to.equal(0);
  });

  it('stands by again when it was stopped for so long that another copy took over', async () => {
    const argv = [`--store=lmdb:${join(folder, 'stopped')}`, '--standby'];
    const first = await start(...argv);
    await until(async () => (await first.health()) === 200);
    const second = await start(...argv);
    first.process.child.kill('SIGSTOP');
    await until(async () => (await second.health()) === 200);
    first.process.child.kill('SIGCONT');
    await first.process.says(/this copy is not the active one any more/);
    await until(async () => (await first.health()) === 503);
    expect(await second.health()).to.equal(200);
    expect(await second.end('SIGTERM')).to.equal(0);
    await until(async () => (await first.health()) === 200);
    expect(await first.end('SIGTERM')).to.equal(0);
  });

  it('ends at once when it is asked twice', async () => {
    const stuck = new Running([
      'framework',
      'run',
      `${FAILING}#Stuck`,
      '--store=memory:',
      '--no-admin',
    ]);
    await stuck.says(/it waits for ever/);
    stuck.child.kill('SIGTERM');
    await stuck.says(/again to end at once/);
    stuck.child.kill('SIGTERM');
    expect((await stuck.ended).code).to.equal(1);
  });

  it('ends with 1 and the reason when a handler fails', async () => {
    const argv = ['framework', 'run', `${FAILING}#Broken`, '--store=memory:', '--no-admin'];
    const { code, stderr } = await plateau(argv);
    expect(code).to.equal(1);
    expect(stderr)
      .to.contain('The handler start failed: no luck today')
      .and.contain('[HANDLER_FAILED]');
  });

  it('says that no master answers, and goes on looking for one', async () => {
    const copy = await new Copy('http://127.0.0.1:1', ['--store=memory:']).serves();
    copies.push(copy);
    await copy.process.says(/127\.0\.0\.1:1/);
    expect(await copy.health()).to.equal(503);
    expect(await copy.end('SIGTERM')).to.equal(0);
  });

  const refused: Readonly<
    Record<string, readonly [code: number, message: string, ...argv: string[]]>
  > = {
    'a module that is not there': [2, "module './none.js' cannot be loaded", './none.js'],
    TypeScript: [2, "compile it with 'tsc'", './framework.ts'],
    'a name that the module does not export': [
      2,
      "exports no framework 'Other'; it exports Sleepers",
      `${MODULE}#Other`,
    ],
    'an option that is not valid': [
      1,
      "option 'gpus' of @Framework must be true or false",
      MODULE,
      '--option=gpus=x',
    ],
    'an option that does not exist': [
      1,
      "option 'colour' of @Framework is not known here",
      MODULE,
      '--option=colour=red',
    ],
    'a store of another kind': [
      2,
      "there is no store of the kind 'redis'",
      MODULE,
      '--store=redis:x',
    ],
    'a master that is no address': [2, 'http://:x', MODULE, '--master=http://:x'],
    'a lease that is no folder': [2, "invalid lease 'x'", MODULE, '--lease=x'],
    'a port that does not exist': [
      2,
      '--admin_port: it must be at most 65535',
      MODULE,
      '--admin-port=70000',
    ],
    'an open address': [
      1,
      'Not serving the admin interface on 0.0.0.0',
      MODULE,
      '--admin-host=0.0.0.0',
    ],
  };
  for (const [what, [code, message, ...argv]] of Object.entries(refused)) {
    it(`refuses ${what} with ${code}`, async () => {
      const ended = await plateau(['framework', 'run', ...argv], { PLATEAU_STORE: 'memory:' });
      expect(ended.stderr).to.contain(message);
      expect(ended.code).to.equal(code);
    });
  }
});
