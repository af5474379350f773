/** What happens when several things happen at once: updates of updates, faults in the middle, no room. */
import { expect } from 'chai';
import { Rig } from './rig.js';

const AGENT = 'cpus:4;mem:4096;ports:[31000-31099]';
const CHECK = {
  protocol: 'COMMAND',
  command: { value: 'exit 0' },
  gracePeriodSeconds: 5,
  intervalSeconds: 2,
  delaySeconds: 1,
  timeoutSeconds: 1,
  maxConsecutiveFailures: 2,
};
const STRATEGY = {
  minimumHealthCapacity: 1,
  maximumOverCapacity: 0.5,
  minHealthySeconds: 2,
  progressDeadlineSeconds: 60,
};
const WEB = {
  id: '/shop/web',
  cmd: 'hang',
  cpus: 0.1,
  mem: 32,
  instances: 4,
  healthChecks: [CHECK],
  upgradeStrategy: STRATEGY,
};
const PATH = '/v2/apps/shop/web';

async function deployedOn(agents: readonly string[], app: object = WEB): Promise<Rig> {
  const rig = new Rig({ agents: [...agents] });
  await rig.cluster.advance('2s');
  await rig.good('POST', '/v2/apps', app);
  await rig.deployed();
  return rig;
}

/** Lets time pass until nothing is deployed; the fewest healthy instances, and the most of all, that there were. */
async function watched(rig: Rig): Promise<{ readonly least: number; readonly most: number }> {
  let least = rig.healthy().length;
  let most = 0;
  for (let step = 0; rig.services.instance.deployments.size > 0; step++) {
    if (step > 6_000) throw new Error('still deploying after 10 min');
    await rig.cluster.advance(100);
    least = Math.min(least, rig.healthy().length);
    most = Math.max(most, rig.services.view.tasks.live().length);
  }
  return { least, most };
}

/** The value of a variable in the environments of what runs. */
function versions(rig: Rig): readonly string[] {
  const configs = rig.services.running().map(({ data }) => String(Object(data)['config']));
  return [...new Set(configs)];
}

describe('Services: one change upon another', () => {
  it('refuses a second update while the first is under way, and nothing of it is done', async () => {
    const rig = await deployedOn([AGENT, AGENT]);
    const { deploymentId, version } = await rig.good('PUT', PATH, { env: { V: '2' } });
    for (const [method, path, body] of [
      ['PUT', PATH, { env: { V: '3' } }],
      ['PATCH', PATH, { instances: 9 }],
      ['POST', `${PATH}/restart`, undefined],
      ['DELETE', `${PATH}?force=false`, undefined],
      [
        'PUT',
        '/v2/apps',
        [
          { ...WEB, id: '/other' },
          { ...WEB, env: { V: '3' } },
        ],
      ],
    ] as const) {
      const refused = await rig.ask(method, path, body);
      expect(refused.status, `${method} ${path}`).to.equal(409);
      expect(refused.json.deployments).to.deep.equal([{ id: deploymentId }]);
    }
    const { least } = await watched(rig);
    expect(least).to.equal(4);
    const { app } = await rig.good('GET', PATH);
    expect(app).to.deep.include({ version, env: { V: '2' }, instances: 4 });
    expect((await rig.good('GET', '/v2/apps')).apps).to.have.length(1);
    expect((await rig.good('GET', `${PATH}/versions`)).versions).to.have.length(2);
  });

  it('turns to the newest version when updates are forced in the middle of others', async () => {
    const rig = await deployedOn([AGENT, AGENT]);
    rig.listen();
    let least = 4;
    for (const version of ['2', '3', '4']) {
      await rig.good('PUT', `${PATH}?force=true`, { env: { V: version } });
      for (let step = 0; step < 35; step++) {
        await rig.cluster.advance(100);
        least = Math.min(least, rig.healthy().length);
      }
    }
    const rest = await watched(rig);
    expect(Math.min(least, rest.least)).to.equal(4);
    expect(versions(rig)).to.have.length(1);
    rig.services.expect.running(4);
    expect((await rig.good('GET', PATH)).app.env).to.deep.equal({ V: '4' });
    const ends = rig.events.flatMap(({ eventType, reason }) =>
      eventType.startsWith('deployment_failed') ? [reason] : [],
    );
    expect(ends).to.deep.equal(['cancelled', 'cancelled']);
  });

  it('goes to fewer and to more instances in the middle of an upgrade', async () => {
    for (const instances of [2, 7]) {
      const rig = await deployedOn([AGENT, AGENT]);
      await rig.good('PUT', PATH, { env: { V: '2' } });
      await rig.cluster.advance('4s');
      await rig.good('PUT', `${PATH}?force=true`, { instances });
      const { least } = await watched(rig);
      expect(least).to.be.at.least(Math.min(4, instances));
      rig.services.expect.running(instances);
      expect(versions(rig)).to.have.length(1);
      expect((await rig.good('GET', PATH)).app.env).to.deep.equal({ V: '2' });
      await rig.cluster.close();
    }
  });

  it('deletes an app that is being upgraded, and makes it anew at once', async () => {
    const rig = await deployedOn([AGENT, AGENT]);
    await rig.good('PUT', PATH, { env: { V: '2' } });
    await rig.cluster.advance('4s');
    await rig.good('DELETE', PATH);
    expect((await rig.ask('GET', PATH)).status).to.equal(404);
    expect((await rig.ask('POST', '/v2/apps', WEB)).status).to.equal(409);
    await rig.good('POST', '/v2/apps?force=true', { ...WEB, env: { V: '3' } });
    await rig.deployed();
    rig.services.expect.running(4);
    expect(versions(rig)).to.have.length(1);
    const { app } = await rig.good('GET', PATH);
    expect(app).to.deep.include({ env: { V: '3' }, tasksHealthy: 4 });
  });
});

describe('Services: faults in the middle of an upgrade', () => {
  for (const unreachableStrategy of [
    { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
    { inactiveAfterSeconds: 300, expungeAfterSeconds: 600 },
  ]) {
    const wait = `${unreachableStrategy.inactiveAfterSeconds} s`;
    it(`upgrades while an agent is out of reach, with ${wait} of patience`, async () => {
      const rig = await deployedOn([AGENT, AGENT, AGENT], {
        ...WEB,
        instances: 6,
        constraints: [['hostname', 'MAX_PER', '4']],
        unreachableStrategy,
      });
      const lost = rig.services.running().filter(({ hostname }) => hostname === 'agent-0').length;
      expect(lost).to.be.greaterThan(0);
      rig.cluster.partition('agent-0');
      await rig.cluster.advance('2m');
      const before = rig.healthy().length;
      await rig.good('PUT', PATH, { env: { V: '2' } });
      const { least } = await watched(rig);
      expect(least).to.be.at.least(Math.min(before, 6));
      rig.services.expect.running(6);
      expect(versions(rig)).to.have.length(1);
      expect((await rig.good('GET', PATH)).app.env).to.deep.equal({ V: '2' });
      rig.cluster.heal();
      await rig.cluster.advance('12m');
      rig.services.expect.running(6).inState('UNREACHABLE', 0);
      expect(versions(rig)).to.have.length(1);
    });
  }

  it('loses an agent in the middle, and goes on with the others', async () => {
    for (const fault of ['reboot', 'partition', 'crash'] as const) {
      const rig = await deployedOn([AGENT, AGENT, AGENT], {
        ...WEB,
        instances: 6,
        // The master takes 75 s to notice that an agent is away.
        upgradeStrategy: { ...STRATEGY, progressDeadlineSeconds: 300 },
      });
      await rig.good('PUT', PATH, { env: { V: '2' } });
      await rig.cluster.advance('5s');
      const [one] = rig.services.running().filter(({ hostname }) => hostname !== '');
      rig.cluster[fault](one?.hostname ?? '');
      await rig.deployed();
      expect((await rig.good('GET', PATH)).app.env, fault).to.deep.equal({ V: '2' });
      if (fault === 'crash') rig.cluster.restart(one?.hostname ?? '');
      rig.cluster.heal();
      await rig.cluster.advance('3m');
      rig.services.expect.running(6);
      expect(versions(rig)).to.have.length(1);
      await rig.cluster.close();
    }
  });

  it('loses the master in the middle', async () => {
    const rig = await deployedOn([AGENT, AGENT]);
    await rig.good('PUT', PATH, { env: { V: '2' } });
    await rig.cluster.advance('4s');
    rig.cluster.restartMaster();
    const { least } = await watched(rig);
    expect(least).to.equal(4);
    rig.services.expect.running(4);
    expect(versions(rig)).to.have.length(1);
  });

  it('never shows fewer healthy instances after a change of the scheduler than there are', async () => {
    const check = { ...CHECK, intervalSeconds: 3600 };
    const rig = await deployedOn([AGENT, AGENT], { ...WEB, healthChecks: [check] });
    await rig.good('PUT', PATH, { env: { V: '2' } });
    let isUpgrading = true;
    while (isUpgrading) {
      await rig.cluster.advance(700);
      rig.cluster.crash(rig.services);
      await rig.cluster.advance(300);
      rig.cluster.restart(rig.services);
      // The first answer that the new one gives, before it has heard of the master.
      await rig.cluster.advance(5);
      const { app } = await rig.good('GET', PATH);
      expect(app.tasksHealthy).to.be.at.least(4);
      isUpgrading = app.deployments.length > 0;
    }
    rig.services.expect.running(4);
    expect(versions(rig)).to.have.length(1);
  });
});

describe('Services: upgrades without room', () => {
  const FULL = { ...WEB, cpus: 2, healthChecks: [] };

  async function upgrade(strategy: object, app: object = FULL): Promise<Rig> {
    // Four instances fill two agents.
    const rig = await deployedOn([AGENT, AGENT], app);
    await rig.good('PUT', PATH, {
      env: { V: '2' },
      upgradeStrategy: { ...STRATEGY, ...strategy },
    });
    return rig;
  }

  it('say what is missing, end none, and go back when every instance has to stay', async () => {
    const rig = await upgrade({ maximumOverCapacity: 0 });
    const before = rig.healthy();
    await rig.cluster.advance('30s');
    const { queue } = await rig.good('GET', '/v2/queue');
    expect(queue[0]).to.deep.include({ count: 1 });
    expect(queue[0].app.id).to.equal('/shop/web');
    const cpus = queue[0].processedOffersSummary.rejectSummaryLaunchAttempt.find(
      (step: { reason: string }) => step.reason === 'InsufficientCpus',
    );
    // A full cluster has nothing to offer at all, or too little.
    expect(cpus.declined).to.be.at.least(0);
    await rig.deployed();
    expect(rig.healthy()).to.have.members([...before]);
    const { app } = await rig.good('GET', PATH);
    expect(app.env).to.deep.equal({});
    expect((await rig.good('GET', '/v2/queue')).queue).to.deep.equal([]);
  });

  it('replace one for one where some may be missing', async () => {
    for (const [minimumHealthCapacity, healthy] of [
      [0.75, 3],
      [0.5, 2],
      [0, 0],
    ] as const) {
      const rig = await upgrade({ minimumHealthCapacity, maximumOverCapacity: 0 });
      const { least, most } = await watched(rig);
      expect(least).to.be.at.least(healthy);
      expect(most).to.equal(4);
      expect(versions(rig)).to.have.length(1);
      expect((await rig.good('GET', PATH)).app.env).to.deep.equal({ V: '2' });
      await rig.cluster.close();
    }
  });

  it('name a constraint that nothing meets, and go back', async () => {
    const rig = await deployedOn([AGENT, AGENT]);
    const before = rig.healthy();
    await rig.good('PUT', PATH, { constraints: [['rack', 'LIKE', 'r9']] });
    await rig.cluster.advance('10s');
    const { queue } = await rig.good('GET', '/v2/queue');
    const step = queue[0].processedOffersSummary.rejectSummaryLastOffers.find(
      ({ reason }: { reason: string }) => reason === 'UnfulfilledConstraint',
    );
    expect(step.declined).to.be.greaterThan(0);
    expect(queue[0].delay).to.deep.equal({ timeLeftSeconds: 0, overdue: true });
    await rig.deployed();
    expect(rig.healthy()).to.have.members([...before]);
    expect((await rig.good('GET', PATH)).app.constraints).to.deep.equal([]);
  });

  it('launch a version that fails less and less often, and begin anew with the next one', async () => {
    const rig = await deployedOn([AGENT, AGENT], { ...WEB, healthChecks: [] });
    await rig.good('PUT', PATH, {
      cmd: 'exit 1',
      backoffSeconds: 2,
      backoffFactor: 2,
      upgradeStrategy: { ...STRATEGY, progressDeadlineSeconds: 300 },
    });
    await rig.cluster.advance('40s');
    // At most two of the new version at a time, after 0, 2, 6, 14 and 30 s.
    const failed = rig.services.tasks('FAILED').length;
    expect(failed).to.be.within(6, 10);
    const { queue } = await rig.good('GET', '/v2/queue');
    expect(queue[0].delay.overdue).to.equal(false);
    expect(rig.healthy()).to.have.length(4);
    await rig.good('PUT', `${PATH}?force=true`, { cmd: 'hang', env: { V: '3' } });
    const { least } = await watched(rig);
    expect(least).to.be.at.least(4);
    rig.services.expect.running(4);
    expect(versions(rig)).to.have.length(1);
  });

  it('end the youngest or the oldest when there are to be fewer', async () => {
    for (const killSelection of ['YOUNGEST_FIRST', 'OLDEST_FIRST']) {
      const rig = await deployedOn([AGENT, AGENT], { ...WEB, instances: 2, killSelection });
      const old = rig.healthy();
      await rig.cluster.advance('10s');
      await rig.good('PUT', PATH, { instances: 4 });
      await rig.deployed();
      const young = rig.healthy().filter((id) => !old.includes(id));
      await rig.good('PUT', PATH, { instances: 2 });
      await rig.deployed();
      const expected = killSelection === 'YOUNGEST_FIRST' ? old : young;
      expect(rig.healthy()).to.have.members([...expected]);
      await rig.cluster.close();
    }
  });
});

describe('Services: ends what has to go as soon as the truth is known', () => {
  it('without waiting for anything else to happen', async () => {
    const rig = await deployedOn([AGENT, AGENT], { ...WEB, healthChecks: [] });
    const { cluster, services } = rig;
    // Asked for while the master is out of reach.
    cluster.cut(services);
    cluster.partition(services);
    await cluster.advance('3s');
    await rig.good('PUT', PATH, { instances: 1 });
    cluster.heal();
    // The answers about the instances come after the first look at them, and bring no news.
    cluster.slowNetwork(services, '300ms');
    await cluster.until(() => services.view.connection === 'subscribed', { within: '5m' });
    services.expect.running(4);
    await cluster.advance('10s');
    services.expect.running(1);
  });
});

describe('Services: many apps', () => {
  it('gives each app of one request service ports of its own', async () => {
    const rig = new Rig({ agents: [AGENT] });
    await rig.cluster.advance('2s');
    const apps = ['/a', '/b', '/c'].map((id) => ({
      id,
      cmd: 'hang',
      cpus: 0.1,
      mem: 32,
      ports: [0, 0],
    }));
    await rig.good('PUT', '/v2/apps', apps);
    const { apps: shown } = await rig.good('GET', '/v2/apps');
    const ports = shown.flatMap((app: { portDefinitions: { port: number }[] }) =>
      app.portDefinitions.map(({ port }) => port),
    );
    expect(new Set(ports).size).to.equal(6);
    await rig.deployed();
  });

  it('refuses apps of one request that are groups of each other, or are there twice', async () => {
    const rig = new Rig({ agents: [AGENT] });
    await rig.cluster.advance('2s');
    const app = (id: string): object => ({ id, cmd: 'hang', cpus: 0.1, mem: 32 });
    for (const ids of [
      ['/a', '/a/b'],
      ['/a/b/c', '/a/b'],
      ['/a', 'a'],
    ]) {
      const refused = await rig.ask('PUT', '/v2/apps', ids.map(app));
      expect(refused.status).to.equal(422);
      expect(refused.json.details[0].path).to.equal('(1)/id');
    }
    const many = await rig.ask(
      'PUT',
      '/v2/apps',
      Array.from({ length: 2_001 }, (_, n) => app(`/n${n}`)),
    );
    expect(many.status).to.equal(422);
    const large = await rig.ask('POST', '/v2/apps', {
      ...app('/large'),
      labels: { text: 'x'.repeat(300_000) },
    });
    expect(large.status).to.equal(422);
    expect((await rig.good('GET', '/v2/apps')).apps).to.deep.equal([]);
    expect(rig.services.instance.deployments.size).to.equal(0);
  });

  it('upgrades a thousand apps in one deployment, and survives its own death in it', async function () {
    this.timeout(60_000);
    const big = 'cpus:64;mem:65536;ports:[31000-31999]';
    const rig = new Rig({ agents: Array.from({ length: 10 }, () => big) });
    await rig.cluster.advance('2s');
    const apps = Array.from({ length: 1_000 }, (_, number) => ({
      id: `/g${number % 10}/a${number}`,
      cmd: 'hang',
      cpus: 0.1,
      mem: 32,
      upgradeStrategy: { minHealthySeconds: 0 },
    }));
    await rig.good('PUT', '/v2/apps', apps);
    await rig.deployed();
    const { deploymentId } = await rig.good(
      'PUT',
      '/v2/apps',
      apps.map((app) => ({ ...app, env: { V: '2' } })),
    );
    await rig.cluster.advance(30);
    rig.cluster.crash(rig.services);
    await rig.cluster.advance('1s');
    rig.cluster.restart(rig.services);
    await rig.cluster.advance('100ms');
    const [deployment] = await rig.good('GET', '/v2/deployments');
    expect(deployment.id).to.equal(deploymentId);
    expect(deployment.affectedApps).to.have.length(1_000);
    await rig.deployed();
    rig.services.expect.running(1_000);
    const { tasks } = await rig.good('GET', '/v2/tasks');
    const { apps: shown } = await rig.good('GET', '/v2/apps');
    expect(new Set(shown.map(({ env }: { env: { V: string } }) => env.V))).to.deep.equal(
      new Set(['2']),
    );
    expect(tasks).to.have.length(1_000);
  });
});
