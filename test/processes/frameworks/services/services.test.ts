/** The services scheduler over a real cluster: Marathon's npm client, the command, and a change of the scheduler. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  Running,
  makeFolder,
  plateau,
  processesWith,
  removeFolder,
  until,
} from '../../cli/command.js';

interface NodeTask {
  readonly id: string;
  readonly host: string;
  readonly ports: readonly number[];
  readonly state: string;
  readonly healthCheckResults: readonly { readonly alive: boolean }[];
}

interface NodeApp {
  readonly id: string;
  readonly instances: number;
  readonly env: Readonly<Record<string, string>>;
  readonly tasks: readonly [NodeTask, ...NodeTask[]];
}

interface NodeGroup {
  readonly groups: readonly { readonly apps: readonly NodeApp[] }[];
}

/** What the tests use of the client. */
interface MarathonClient {
  readonly app: {
    create(app: object): Promise<NodeApp>;
    getList(): Promise<{ readonly apps: readonly NodeApp[] }>;
    getOne(id: string): Promise<{ readonly app: NodeApp }>;
    update(id: string, app: object): Promise<unknown>;
    destroy(id: string): Promise<unknown>;
    getTasks(id: string): Promise<{ readonly tasks: readonly NodeTask[] }>;
    killTask(id: string, task: string, scale: boolean): Promise<unknown>;
    getVersions(id: string): Promise<{ readonly versions: readonly string[] }>;
    getVersion(id: string, version: string): Promise<NodeApp>;
  };
  readonly deployments: { getList(): Promise<readonly unknown[]> };
  readonly tasks: { getList(): Promise<{ readonly tasks: readonly NodeTask[] }> };
  readonly groups: { getList(): Promise<NodeGroup> };
  readonly queue: { get(): Promise<unknown> };
  readonly info: { get(): Promise<{ readonly frameworkId: string }> };
  readonly leader: { get(): Promise<{ readonly leader: string }> };
  readonly misc: { ping(): Promise<string> };
  readonly events: {
    createEventSource(options: object): {
      addEventListener(type: string, listener: (event: { readonly data: string }) => void): void;
      close(): void;
    };
  };
}

const GUIDE = '../../../../../docs/services.md';

const marathon: (url: string) => MarathonClient = createRequire(import.meta.url)('marathon-node');

/** Answers with its version, and ends when it is told to. */
const SERVER =
  "require('http').createServer((q,r)=>r.end(process.env.VERSION)).listen(process.env.PORT0,'127.0.0.1')";

function webApp(version: string): Record<string, unknown> {
  return {
    id: '/shop/web',
    cmd: `exec ${process.execPath} -e "${SERVER}"`,
    cpus: 0.1,
    mem: 64,
    instances: 2,
    env: { VERSION: version },
    healthChecks: [
      {
        protocol: 'MESOS_HTTP',
        path: '/',
        portIndex: 0,
        delaySeconds: 0,
        gracePeriodSeconds: 20,
        intervalSeconds: 1,
        timeoutSeconds: 1,
        maxConsecutiveFailures: 3,
      },
    ],
    upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1, minHealthySeconds: 0 },
  };
}

describe('plateau services', function () {
  this.timeout(90_000);
  const folder = makeFolder();
  let up: Running;
  let serve: Running;
  let url = '';
  let master = '';

  async function start(): Promise<void> {
    const store = `--store=lmdb:${join(folder, 'state')}`;
    serve = new Running(['services', 'serve', `--master=${master}`, store, '--log-format=json']);
    url = (await serve.says(/"address":"(http:[^"]+)\/","msg":"the admin/))[1] ?? '';
    await until(async () => (await fetch(`${url}/health`)).status === 200);
  }

  before(async () => {
    up = new Running([
      'up',
      '--agents=1',
      '--port=0',
      '--schedulers=none',
      `--work-dir=${join(folder, 'cluster')}`,
    ]);
    master = (await up.says(/is up: (http:\S+)\//))[1] ?? '';
    await start();
  });
  after(async () => {
    serve.child.kill('SIGKILL');
    up.child.kill('SIGINT');
    await up.ended;
    const left = processesWith(folder);
    removeFolder(folder);
    expect(left, 'processes left behind').to.deep.equal([]);
  });

  async function settled(client: MarathonClient): Promise<void> {
    await until(async () => (await client.deployments.getList()).length === 0);
  }

  it('serves marathon-node: create, read, scale, upgrade under load, kill, events, delete', async () => {
    const client = marathon(url);
    expect(await client.misc.ping()).to.equal('pong');
    const seen: string[] = [];
    const source = client.events.createEventSource({
      eventType: ['deployment_success', 'status_update_event', 'event_stream_attached'],
    });
    for (const type of ['deployment_success', 'status_update_event', 'event_stream_attached']) {
      source.addEventListener(type, ({ data }) => seen.push(JSON.parse(data).eventType));
    }
    await until(() => seen.length > 0);
    const created = await client.app.create(webApp('1'));
    expect(created).to.include({ id: '/shop/web', instances: 2 });
    await settled(client);
    const { app } = await client.app.getOne('/shop/web');
    expect(app).to.include({ tasksRunning: 2, tasksHealthy: 2, tasksUnhealthy: 0 });
    const [{ host, ports }] = app.tasks;
    expect(await (await fetch(`http://127.0.0.1:${ports[0]}/`)).text()).to.equal('1');
    expect(host).to.be.a('string');

    await client.app.update('/shop/web', { instances: 10 });
    await settled(client);
    const upgradeStrategy = {
      minimumHealthCapacity: 1,
      maximumOverCapacity: 0.3,
      minHealthySeconds: 0,
    };
    await client.app.update('/shop/web', { env: { VERSION: '2' }, upgradeStrategy });
    let least = 10;
    let isUpgrading = true;
    while (isUpgrading) {
      isUpgrading = (await client.deployments.getList()).length > 0;
      const { tasks } = await client.app.getTasks('/shop/web');
      const well = tasks.filter(
        (task) => task.state === 'TASK_RUNNING' && task.healthCheckResults[0]?.alive,
      );
      const answers = await Promise.all(
        well.map((task) =>
          fetch(`http://127.0.0.1:${task.ports[0]}/`).then(
            (one) => one.ok,
            () => false,
          ),
        ),
      );
      least = Math.min(least, answers.filter(Boolean).length);
    }
    expect(least).to.equal(10);
    const { tasks } = await client.app.getTasks('/shop/web');
    const texts = await Promise.all(
      tasks.map(async (task) => (await fetch(`http://127.0.0.1:${task.ports[0]}/`)).text()),
    );
    expect(texts).to.deep.equal(Array(10).fill('2'));

    const versions = await client.app.getVersions('/shop/web');
    expect(versions.versions).to.have.length(3);
    expect(
      (await client.app.getVersion('/shop/web', versions.versions[2] ?? '')).env.VERSION,
    ).to.equal('1');
    await client.app.killTask('/shop/web', tasks[0]?.id ?? '', true);
    await settled(client);
    expect((await client.app.getOne('/shop/web')).app).to.include({
      instances: 9,
      tasksRunning: 9,
    });
    const groups = await client.groups.getList();
    expect(groups.groups[0]?.apps[0]?.id).to.equal('/shop/web');
    expect(await client.queue.get()).to.deep.equal({ queue: [] });
    expect((await client.info.get()).frameworkId).to.be.a('string');
    expect((await client.leader.get()).leader).to.equal(new URL(url).host);
    await client.app.destroy('/shop/web');
    await settled(client);
    expect((await client.app.getList()).apps).to.deep.equal([]);
    expect((await client.tasks.getList()).tasks).to.deep.equal([]);
    expect(seen).to.include.members(['deployment_success', 'status_update_event']);
    source.close();
  });

  it('does what the guide says: an example, its upgrade, and a version that goes back', async () => {
    const guide = readFileSync(new URL(GUIDE, import.meta.url), 'utf8');
    const documents = [...guide.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text);
    expect(documents).to.have.length(3);
    const file = join(folder, 'guide.yaml');
    const apply = async (index: number): ReturnType<typeof plateau> => {
      const text = (documents[index] ?? '').replace('exec node', `exec ${process.execPath}`);
      writeFileSync(file, text);
      return await plateau(['services', 'apply', file, '--wait'], { PLATEAU_SERVICES: url });
    };
    const client = marathon(url);
    const greetings = async (): Promise<readonly string[]> => {
      const { tasks } = await client.app.getTasks('/shop/web');
      return await Promise.all(
        tasks.map(async ({ ports }) => (await fetch(`http://127.0.0.1:${ports[0]}/`)).text()),
      );
    };
    expect((await apply(0)).stdout).to.equal('+ /shop/web\n');
    expect(await greetings()).to.deep.equal(['hello', 'hello']);
    expect((await apply(1)).stdout).to.contain(
      'env: {"GREETING":"hello"} → {"GREETING":"good morning"}',
    );
    expect(await greetings()).to.deep.equal(['good morning', 'good morning']);
    const bad = await apply(2);
    expect(bad.code).to.equal(1);
    expect(bad.stderr).to.contain('the deployment failed, and went back: /shop/web');
    expect(await greetings()).to.deep.equal(['good morning', 'good morning']);
    await client.app.destroy('/shop/web');
    await settled(client);
  });

  it('is steered by the command, and another process goes on where it ended', async () => {
    const file = join(folder, 'web.yaml');
    const command = (...words: readonly string[]): ReturnType<typeof plateau> =>
      plateau(['services', ...words], { PLATEAU_SERVICES: url });
    writeFileSync(file, 'id: /cli\ncmd: exec sleep 1000\ncpus: 0.1\nmem: 32\ninstances: 2\n');
    const applied = await command('apply', file, '--wait');
    expect(applied.stdout).to.equal('+ /cli\n');
    expect(applied.stderr).to.match(/deployment \S+ is done/);
    writeFileSync(file, 'id: /cli\ncmd: exec sleep 1000\ncpus: 0.1\nmem: 32\ninstances: 3\n');
    expect((await command('apply', file, '--dry-run')).stdout).to.equal(
      '~ /cli\n    instances: 2 → 3\n',
    );
    writeFileSync(file, 'id: /cli\nmen: 32\ncpus: -1\n');
    const bad = await command('apply', file);
    expect(bad.code).to.equal(1);
    expect(bad.stderr)
      .to.contain('web.yaml:2:1: men: is not known here')
      .and.contain('web.yaml:3:1: cpus:');
    const before = JSON.parse((await command('tasks', '/cli', '--json')).stdout);
    expect(before).to.have.length(2);

    serve.child.kill('SIGKILL');
    await serve.ended;
    await start();
    expect((await command('scale', '/cli', '3', '--wait')).code).to.equal(0);
    const after = JSON.parse((await command('tasks', '/cli', '--json')).stdout);
    const ids = after.map(({ id }: { readonly id: string }) => id);
    expect(ids)
      .to.have.length(3)
      .and.to.include.members(before.map(({ id }: { readonly id: string }) => id));
    // Without its address, the master is asked.
    const found = await plateau(['services', 'list'], { PLATEAU_MASTER: master });
    expect(found.stdout, found.stderr).to.contain('/cli');
    expect((await command('list')).stdout).to.match(/\/cli +3\/3 .* running/);
    expect((await command('show', '/cli')).stdout).to.contain(ids[0]);
    writeFileSync(file, '{"id": "/big", "cmd": "sleep 1000", "cpus": 1000}');
    expect((await command('apply', file)).code).to.equal(0);
    await until(async () => /cpus/.test((await command('why', '/big')).stdout));
    expect((await command('queue')).stdout).to.contain('/big');
    const [{ id: open }] = JSON.parse((await command('deployments', '--json')).stdout);
    expect((await command('rollback', open, '--wait')).code).to.equal(0);
    expect((await command('show', '/big')).code).to.equal(1);
    expect((await command('delete', '/cli', '--wait')).code).to.equal(0);
    expect((await command('list', '--json')).stdout.trim()).to.equal('[]');
    const gone = await command('show', '/cli');
    expect(gone.stderr).to.contain("there is no app '/cli'");
  });
});
