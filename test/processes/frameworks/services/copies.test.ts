/** Several copies of the services scheduler: whichever is asked answers, and one follows the other. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect } from 'chai';
import { Running, makeFolder, processesWith, removeFolder, until } from '../../cli/command.js';

interface Shown {
  readonly id: string;
  readonly tasksHealthy: number;
  readonly tasks: readonly { readonly id: string }[];
}

/** What the tests use of Marathon's npm client. */
interface MarathonClient {
  readonly app: {
    create(app: object): Promise<Shown>;
    getOne(id: string): Promise<{ readonly app: Shown }>;
    update(id: string, app: object): Promise<unknown>;
    destroy(id: string): Promise<unknown>;
  };
  readonly deployments: { getList(): Promise<readonly unknown[]> };
  readonly leader: {
    get(): Promise<{ readonly leader: string }>;
    abdicate(): Promise<{ readonly message: string }>;
  };
  readonly events: {
    createEventSource(options: object): {
      addEventListener(type: string, listener: () => void): void;
      close(): void;
    };
  };
}

const marathon: (url: string) => MarathonClient = createRequire(import.meta.url)('marathon-node');

const APP = {
  id: '/shop/web',
  cmd: 'exec sleep 1000',
  cpus: 0.1,
  mem: 32,
  instances: 2,
  healthChecks: [
    { protocol: 'COMMAND', command: { value: 'true' }, delaySeconds: 0, intervalSeconds: 3_600 },
  ],
  upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1, minHealthySeconds: 0 },
};

interface Copy {
  readonly running: Running;
  readonly url: string;
}

describe('plateau services with several copies', function () {
  this.timeout(90_000);
  const folder = makeFolder();
  let up: Running;
  let master = '';
  const copies: Copy[] = [];

  async function start(): Promise<Copy> {
    const store = `--store=lmdb:${join(folder, 'state')}`;
    const running = new Running([
      'services',
      'serve',
      `--master=${master}`,
      store,
      '--standby',
      '--log-format=json',
    ]);
    const url = (await running.says(/"address":"(http:[^"]+)\/","msg":"the admin/))[1] ?? '';
    const copy = { running, url };
    copies.push(copy);
    return copy;
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
  });
  after(async () => {
    for (const { running } of copies) running.child.kill('SIGKILL');
    up.child.kill('SIGINT');
    await up.ended;
    const left = processesWith(folder);
    removeFolder(folder);
    expect(left, 'processes left behind').to.deep.equal([]);
  });

  async function isLedBy(url: string, leader: string): Promise<boolean> {
    const response = await fetch(`${url}/v2/leader`);
    const text = await response.text();
    return response.ok && JSON.parse(text).leader === new URL(leader).host;
  }

  it('serves marathon-node through a copy that does not lead, and hands over when asked and when killed', async () => {
    const first = await start();
    await until(async () => (await fetch(`${first.url}/health`)).status === 200);
    const second = await start();
    await until(() => isLedBy(second.url, first.url));
    expect((await fetch(`${second.url}/health`)).status).to.equal(503);
    const answer = await fetch(`${second.url}/v2/info`);
    expect(answer.headers.get('x-marathon-leader')).to.equal(first.url);

    const client = marathon(second.url);
    const seen: string[] = [];
    const source = client.events.createEventSource({ eventType: ['deployment_success'] });
    source.addEventListener('deployment_success', () => seen.push('deployed'));
    await client.app.create(APP);
    await until(async () => (await client.deployments.getList()).length === 0);
    await until(() => seen.length > 0);
    source.close();
    const before = (await client.app.getOne('/shop/web')).app;
    expect(before.tasksHealthy).to.equal(2);
    const bad = await fetch(`${second.url}/v2/apps`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(APP),
    });
    expect(bad.status).to.equal(409);

    expect((await client.leader.abdicate()).message).to.contain('abdicated');
    await until(() => isLedBy(first.url, second.url));
    const after = (await marathon(first.url).app.getOne('/shop/web')).app;
    expect(after.tasksHealthy).to.equal(2);
    expect(after.tasks.map(({ id }) => id)).to.have.members(before.tasks.map(({ id }) => id));

    second.running.child.kill('SIGKILL');
    await second.running.ended;
    await until(() => isLedBy(first.url, first.url));
    const last = marathon(first.url);
    expect((await last.app.getOne('/shop/web')).app.tasksHealthy).to.equal(2);
    await last.app.update('/shop/web', { env: { V: '2' } });
    await until(async () => (await last.deployments.getList()).length === 0);
    expect((await last.app.getOne('/shop/web')).app.tasksHealthy).to.equal(2);
    await last.app.destroy('/shop/web');
    await until(async () => (await last.deployments.getList()).length === 0);
  });
});
