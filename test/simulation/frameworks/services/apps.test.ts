import { expect } from 'chai';
import { Rig } from './rig.js';

const AGENTS = {
  agents: ['cpus:4;mem:4096;ports:[31000-31099]', 'cpus:4;mem:4096;ports:[31000-31099]'],
};

describe('Services: apps', () => {
  it('runs an app that is created, scales it, and deletes it', async () => {
    const rig = new Rig(AGENTS);
    await rig.cluster.advance('2s');
    rig.listen();
    const created = await rig.ask('POST', '/v2/apps', {
      id: '/shop/web',
      cmd: 'hang',
      cpus: 0.1,
      mem: 32,
      instances: 2,
    });
    expect(created.status).to.equal(201);
    expect(created.headers['Location']).to.equal('/v2/apps/shop/web');
    expect(created.json.deployments).to.have.length(1);
    await rig.deployed();
    rig.services.expect.running(2);
    const { app } = await rig.good('GET', '/v2/apps//shop/web');
    expect(app).to.include({ id: '/shop/web', tasksRunning: 2, tasksStaged: 0, instances: 2 });
    expect(app.tasks[0].ports).to.have.length(1);
    expect(app.portDefinitions[0].port).to.equal(10_000);
    await rig.good('PUT', '/v2/apps/shop/web', { instances: 5 });
    await rig.deployed();
    rig.services.expect.running(5);
    await rig.good('PUT', '/v2/apps/shop/web', { instances: 1 });
    await rig.deployed();
    rig.services.expect.running(1);
    await rig.good('DELETE', '/v2/apps/shop/web');
    expect((await rig.ask('GET', '/v2/apps/shop/web')).status).to.equal(404);
    await rig.deployed();
    rig.services.expect.running(0).wantsNothing();
    expect(rig.services.instance.apps.size).to.equal(0);
    expect(rig.services.instance.versions.size).to.equal(0);
    const types = rig.events.map(({ eventType }) => eventType);
    expect(types).to.include.members([
      'api_post_event',
      'deployment_info',
      'deployment_success',
      'status_update_event',
      'app_terminated_event',
      'instance_changed_event',
      'group_change_success',
      'deployment_step_success',
    ]);
  });
});

describe("Services: Marathon's routes", () => {
  const APP = {
    id: '/shop/web',
    cmd: 'hang',
    cpus: 0.1,
    mem: 32,
    instances: 2,
    labels: { team: 'a' },
  };

  async function withApp(): Promise<Rig> {
    const rig = new Rig(AGENTS);
    await rig.cluster.advance('2s');
    await rig.good('POST', '/v2/apps/', APP);
    await rig.deployed();
    return rig;
  }

  it('refuse what is wrong in its form, and change nothing', async () => {
    const rig = await withApp();
    const refused = async (
      method: string,
      path: string,
      body: unknown,
      status: number,
    ): Promise<unknown> => {
      const answer = await rig.ask(method, path, body);
      expect(answer.status, `${method} ${path}`).to.equal(status);
      expect(answer.json.message).to.be.a('string');
      return answer.json.details;
    };
    expect(await refused('POST', '/v2/apps', { id: '/x', cpus: 'much' }, 422)).to.deep.include({
      path: '/cpus',
      errors: [
        'cpus must not be less than 0.01',
        'cpus must be a number conforming to the specified constraints',
      ],
    });
    await refused('POST', '/v2/apps', APP, 409);
    await refused('POST', '/v2/apps', { ...APP, id: '/shop' }, 422);
    await refused('POST', '/v2/apps', [APP], 400);
    await refused('POST', '/v2/apps?force=perhaps', { ...APP, id: '/y' }, 400);
    await refused('PUT', '/v2/apps/shop/web', { instances: -1 }, 422);
    await refused('PUT', '/v2/apps/shop/web', { version: '2000-01-01T00:00:00.000Z' }, 404);
    await refused('PUT', '/v2/apps/shop/web', { version: 'x', instances: 3 }, 422);
    expect(
      await refused('PUT', '/v2/apps', [APP, { ...APP, id: '/z', mem: 0 }], 422),
    ).to.have.nested.property('[0].path', '(1)/mem');
    await refused('GET', '/v2/apps/shop/none', undefined, 404);
    await refused('GET', '/v2/apps/shop/web/versions/none', undefined, 404);
    await refused('DELETE', '/v2/apps/none', undefined, 404);
    await refused('DELETE', '/v2/apps/shop/web/tasks/none', undefined, 404);
    await refused('DELETE', '/v2/apps/shop/web/tasks?scale=true&wipe=true', undefined, 400);
    await refused('DELETE', '/v2/deployments/none', undefined, 404);
    await refused('PATCH', '/v2/apps/shop/none', {}, 404);
    await refused('POST', '/v2/tasks/delete', { ids: 'all' }, 400);
    await refused('GET', '/v2/apps?label=a===', undefined, 400);
    await refused('GET', '/v2/groups/none', undefined, 404);
    await refused('GET', '/v2/pods', undefined, 404);
    await refused('POST', '/v2/info', {}, 405);
    const { apps } = await rig.good('GET', '/v2/apps');
    expect(apps).to.have.length(1);
    expect(apps[0].deployments).to.deep.equal([]);
    expect(rig.services.tasks()).to.have.length(2);
  });

  it('list, filter and embed as they are asked to', async () => {
    const rig = await withApp();
    await rig.good('POST', '/v2/apps', {
      ...APP,
      id: '/db',
      cmd: 'hang on 1 answers 200',
      labels: {},
    });
    await rig.deployed();
    const ids = async (query: string): Promise<string[]> =>
      (await rig.good('GET', `/v2/apps?${query}`)).apps.map(({ id }: { id: string }) => id);
    expect(await ids('')).to.deep.equal(['/db', '/shop/web']);
    expect(await ids('id=WEB')).to.deep.equal(['/shop/web']);
    expect(await ids('cmd=answers')).to.deep.equal(['/db']);
    expect(await ids('label=team==a')).to.deep.equal(['/shop/web']);
    const { apps } = await rig.good('GET', '/v2/apps/?embed=apps.tasks&embed=apps.taskStats');
    expect(apps[1].tasks).to.have.length(2);
    expect(apps[1].taskStats.totalSummary.stats.counts).to.deep.equal({
      staged: 0,
      running: 2,
      healthy: 0,
      unhealthy: 0,
    });
    expect(apps[1].taskStats.withLatestConfig.stats.lifeTime.medianSeconds).to.be.greaterThan(0);
    expect(apps[1].tasks[0]).to.include({ appId: '/shop/web', state: 'TASK_RUNNING' });
    expect(apps[1].tasks[0].servicePorts).to.deep.equal([10_000]);
    expect((await rig.good('GET', '/v2/apps/shop/*'))['*']).to.have.length(1);
    const groups = await rig.good('GET', '/v2/groups');
    expect(groups.apps[0].id).to.equal('/db');
    expect(groups.groups[0]).to.include({ id: '/shop' });
    expect(groups.groups[0].apps[0].id).to.equal('/shop/web');
    expect((await rig.good('GET', '/v2/groups/shop')).apps).to.have.length(1);
    expect((await rig.good('GET', '/v2/tasks?status=running')).tasks).to.have.length(4);
    expect((await rig.good('GET', '/v2/tasks?status[]=staging')).tasks).to.have.length(0);
    expect(await rig.good('GET', '/v2/leader')).to.deep.equal({ leader: 'localhost:8080' });
    expect(await rig.good('GET', '/v2/plugins')).to.deep.equal({ plugins: [] });
    expect(await rig.good('GET', '/v2/info')).to.include({ name: 'marathon', elected: true });
  });

  it('keep versions, go back to one, and restart', async () => {
    const rig = await withApp();
    const first = (await rig.good('GET', '/v2/apps/shop/web')).app;
    const before = rig.services.running().map(({ id }) => id);
    await rig.good('PUT', '/v2/apps/shop/web', { instances: 3 });
    await rig.deployed();
    expect(rig.services.running().map(({ id }) => id)).to.include.members(before);
    const scaled = (await rig.good('GET', '/v2/apps/shop/web')).app;
    expect(scaled.versionInfo.lastConfigChangeAt).to.equal(first.versionInfo.lastConfigChangeAt);
    expect(scaled.versionInfo.lastScalingAt).to.equal(scaled.version);
    await rig.good('PUT', '/v2/apps/shop/web?partialUpdate=false', {
      ...APP,
      env: { A: '1' },
      instances: 3,
    });
    await rig.deployed();
    const changed = rig.services.running().map(({ id }) => id);
    expect(changed).to.have.length(3).and.to.not.include.members(before);
    const { versions } = await rig.good('GET', '/v2/apps/shop/web/versions');
    expect(versions).to.have.length(3).and.to.include(first.version);
    const shown = await rig.good('GET', `/v2/apps/shop/web/versions/${first.version}`);
    expect(shown).to.deep.include({ env: {}, instances: 2 });
    await rig.good('PUT', '/v2/apps/shop/web', { version: first.version });
    await rig.deployed();
    expect((await rig.good('GET', '/v2/apps/shop/web')).app).to.deep.include({
      env: {},
      instances: 2,
    });
    rig.services.expect.running(2);
    const old = rig.services.running().map(({ id }) => id);
    await rig.good('POST', '/v2/apps/shop/web/restart');
    await rig.deployed();
    const restarted = rig.services.running().map(({ id }) => id);
    expect(restarted.filter((id) => old.includes(id))).to.deep.equal([]);
    rig.services.expect.running(2);
  });

  it('end instances, with others in their places or without', async () => {
    const rig = await withApp();
    const [one] = rig.services.running();
    const answer = await rig.good('DELETE', `/v2/apps/shop/web/tasks/${one?.id}`);
    expect(answer.task.id).to.equal(one?.id);
    await rig.cluster.advance('5s');
    rig.services.expect.running(2).inState('KILLED', 1);
    const [two] = rig.services.running();
    await rig.good('POST', '/v2/tasks/delete?scale=true', { ids: [two?.id] });
    await rig.deployed();
    rig.services.expect.running(1).inState('KILLED', 2);
    expect((await rig.good('GET', '/v2/apps/shop/web')).app.instances).to.equal(1);
    const all = await rig.good('DELETE', '/v2/apps/shop/web/tasks?host=*');
    expect(all.tasks).to.have.length(1);
    await rig.cluster.advance('5s');
    rig.services.expect.running(1);
  });

  it('create by PUT, suspend at 0, and delete what is being deployed', async () => {
    const rig = new Rig(AGENTS);
    await rig.cluster.advance('2s');
    const created = await rig.ask('PUT', '/v2/apps/new', { cmd: 'hang', cpus: 0.1, mem: 32 });
    expect(created.status).to.equal(201);
    expect((await rig.ask('DELETE', '/v2/apps/new?force=false')).status).to.equal(409);
    await rig.deployed();
    await rig.good('PATCH', '/v2/apps/new', { instances: 0 });
    await rig.deployed();
    rig.services.expect.running(0);
    await rig.good('PUT', '/v2/apps/new', { cpus: 100, instances: 1 });
    await rig.cluster.advance('5s');
    await rig.good('DELETE', '/v2/apps/new');
    await rig.deployed();
    expect(rig.services.instance.apps.size).to.equal(0);
    rig.services.expect.wantsNothing();
  });
});
