import { expect } from 'chai';
import type { Traffic } from '../../../../sdk/index.js';
import { Rig } from './rig.js';

const PORTS = 'cpus:4;mem:4096;ports:[31000-31099]';
const CHECK = {
  protocol: 'COMMAND',
  command: { value: 'exit 0' },
  gracePeriodSeconds: 5,
  intervalSeconds: 2,
  delaySeconds: 1,
  timeoutSeconds: 1,
  maxConsecutiveFailures: 2,
};
const WEB = {
  id: '/web',
  cmd: 'hang',
  cpus: 0.1,
  mem: 32,
  healthChecks: [CHECK],
  upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 0.2, minHealthySeconds: 2 },
};

function agents(count: number): string[] {
  return Array.from({ length: count }, () => PORTS);
}

/** Lets a deployment go on, and tells the fewest healthy instances that there were. */
async function leastHealthy(rig: Rig, within: number): Promise<number> {
  const { cluster, services } = rig;
  let least = rig.healthy().length;
  for (let passedMs = 0; services.instance.deployments.size > 0; passedMs += 100) {
    if (passedMs > within) throw new Error(`still deploying after ${within} ms`);
    await cluster.advance(100);
    least = Math.min(least, rig.healthy().length);
  }
  return least;
}

function versionsRunning(rig: Rig): Set<unknown> {
  return new Set(rig.services.running().map(({ data }) => Object(data)['config']));
}

describe('Services: deployments', () => {
  it('upgrades ten instances under load and never has fewer healthy ones', async () => {
    const rig = new Rig({ agents: agents(5) });
    await rig.cluster.advance('2s');
    await rig.good('POST', '/v2/apps', { ...WEB, instances: 10 });
    // Others come and go meanwhile, and keep the cluster busy.
    await rig.good('POST', '/v2/apps', {
      ...WEB,
      id: '/noise',
      cmd: 'run about 5s then exit 1',
      healthChecks: [],
      instances: 10,
      maxLaunchDelaySeconds: 2,
    });
    await rig.cluster.until(() => rig.services.running('web').length === 10, { within: '5m' });
    await rig.cluster.advance('10s');
    const healthy = (): number => rig.healthy().filter((id) => id.startsWith('web.')).length;
    await rig.good('PUT', '/v2/apps/web', { env: { VERSION: '2' } });
    let least = healthy();
    let most = 0;
    const isUpgrading = (): boolean =>
      rig.services.instance.deployments.values().some(({ changes }) => '/web' in changes);
    for (let step = 0; isUpgrading() && step < 6000; step++) {
      await rig.cluster.advance(100);
      least = Math.min(least, healthy());
      most = Math.max(most, rig.services.view.tasks.live('web').length);
    }
    expect(isUpgrading()).to.equal(false);
    expect(least).to.equal(10);
    expect(most).to.equal(12);
    rig.services.expect.running(10, 'web');
    const configs = new Set(rig.services.running('web').map(({ data }) => Object(data)['config']));
    expect(configs.size).to.equal(1);
  });

  it('goes back by itself when the new version does not become healthy', async () => {
    const rig = new Rig({ agents: agents(4) });
    await rig.cluster.advance('2s');
    await rig.good('POST', '/v2/apps', { ...WEB, instances: 4 });
    await rig.deployed();
    const before = rig.services.running().map(({ id }) => id);
    const { app } = await rig.good('GET', '/v2/apps/web');
    rig.listen();
    await rig.good('PUT', '/v2/apps/web', {
      healthChecks: [{ ...CHECK, command: { value: 'exit 1' } }],
      upgradeStrategy: { ...WEB.upgradeStrategy, progressDeadlineSeconds: 60 },
    });
    expect(await leastHealthy(rig, 200_000)).to.equal(4);
    expect(rig.services.running().map(({ id }) => id)).to.have.members(before);
    const after = await rig.good('GET', '/v2/apps/web');
    expect(after.app.version).to.equal(app.version);
    const types = rig.events.map(({ eventType }) => eventType);
    expect(types).to.include('deployment_failed');
    expect(types.filter((type) => type === 'deployment_success')).to.have.length(1);
  });

  it('goes back when the new version ends at once, without any health check', async () => {
    const rig = new Rig({ agents: agents(2) });
    await rig.cluster.advance('2s');
    await rig.good('POST', '/v2/apps', { ...WEB, healthChecks: [], instances: 3 });
    await rig.deployed();
    await rig.good('PUT', '/v2/apps/web', {
      cmd: 'run 1s then exit 1',
      upgradeStrategy: { ...WEB.upgradeStrategy, progressDeadlineSeconds: 30 },
    });
    expect(await leastHealthy(rig, 200_000)).to.be.at.least(3);
    rig.services.expect.running(3);
    expect(versionsRunning(rig).size).to.equal(1);
    expect((await rig.good('GET', '/v2/apps/web')).app.cmd).to.equal('hang');
  });

  it('stays where it is without autoRevert, and can be rolled back and cancelled', async () => {
    const rig = new Rig({ agents: agents(2) });
    await rig.cluster.advance('2s');
    await rig.good('POST', '/v2/apps', { ...WEB, instances: 2 });
    await rig.deployed();
    const bad = {
      healthChecks: [{ ...CHECK, command: { value: 'exit 1' } }],
      upgradeStrategy: { ...WEB.upgradeStrategy, progressDeadlineSeconds: 20, autoRevert: false },
    };
    const { deploymentId } = await rig.good('PUT', '/v2/apps/web', bad);
    const locked = await rig.ask('PUT', '/v2/apps/web', { instances: 5 });
    expect(locked.status).to.equal(409);
    expect(locked.json.deployments).to.deep.equal([{ id: deploymentId }]);
    const back = await rig.good('DELETE', `/v2/deployments/${deploymentId}`);
    expect(back.deploymentId).to.not.equal(deploymentId);
    expect(await leastHealthy(rig, 100_000)).to.equal(2);
    expect(versionsRunning(rig).size).to.equal(1);

    await rig.good('PUT', '/v2/apps/web', bad);
    expect(await leastHealthy(rig, 100_000)).to.equal(2);
    expect((await rig.good('GET', '/v2/apps/web')).app.healthChecks[0].command.value).to.equal(
      'exit 1',
    );
    // The number is right in spite of the mixture.
    expect(rig.healthy()).to.have.length(2);
    const other = await rig.good('PUT', '/v2/apps/web', { ...bad, cmd: 'sleep 900' });
    expect(
      (await rig.ask('DELETE', `/v2/deployments/${other.deploymentId}?force=true`)).status,
    ).to.equal(202);
    await rig.good('PUT', '/v2/apps/web?force=true', { healthChecks: [CHECK] });
    await rig.deployed();
    expect(versionsRunning(rig).size).to.equal(1);
  });

  it('works along dependencies, and refuses cycles', async () => {
    const rig = new Rig({ agents: agents(2) });
    await rig.cluster.advance('2s');
    const { deploymentId } = await rig.good('PUT', '/v2/apps', [
      { ...WEB, id: '/front', dependencies: ['/back'] },
      { ...WEB, id: '/back' },
    ]);
    const [deployment] = await rig.good('GET', '/v2/deployments');
    expect(deployment.id).to.equal(deploymentId);
    expect(
      deployment.steps.map((step: { actions: { app: string }[] }) =>
        step.actions.map(({ app }) => app),
      ),
    ).to.deep.equal([['/front', '/back'], ['/back'], ['/front']]);
    await rig.cluster.until(() => rig.services.running('back').length === 1);
    expect(rig.services.view.tasks.live('front')).to.have.length(0);
    await rig.deployed();
    rig.services.expect.running(2);
    const cycle = await rig.ask('PUT', '/v2/apps/back', { dependencies: ['/front'] });
    expect(cycle.status).to.equal(422);
    expect(cycle.json.details[0].errors[0]).to.contain('/back → /front → /back');
  });

  it('waits longer and longer before what fails is launched again, and says so', async () => {
    const rig = new Rig({ agents: agents(1) });
    await rig.cluster.advance('2s');
    await rig.good('POST', '/v2/apps', {
      ...WEB,
      healthChecks: [],
      cmd: 'exit 1',
      backoffFactor: 2,
      backoffSeconds: 2,
    });
    await rig.cluster.advance('60s');
    const launches = rig.services.tasks().length;
    expect(launches).to.be.within(4, 6);
    const { queue } = await rig.good('GET', '/v2/queue');
    expect(queue[0]).to.include({ count: 1 });
    expect(queue[0].delay.overdue).to.equal(false);
    expect(queue[0].delay.timeLeftSeconds).to.be.greaterThan(1);
    expect((await rig.ask('DELETE', '/v2/queue//web/delay')).status).to.equal(204);
    await rig.cluster.advance('3s');
    expect(rig.services.tasks().length).to.be.greaterThan(launches);
    const { app } = await rig.good('GET', '/v2/apps/web');
    expect(app.lastTaskFailure).to.include({ appId: '/web', state: 'TASK_FAILED' });
    await rig.good('DELETE', '/v2/apps/web');
    await rig.deployed();
  });

  it('says what is missing when nothing fits', async () => {
    const rig = new Rig({ agents: ['cpus:1;mem:512;ports:[31000-31009]', 'cpus:1;mem:512'] });
    await rig.cluster.advance('2s');
    await rig.good('POST', '/v2/apps', { ...WEB, cpus: 2 });
    await rig.good('POST', '/v2/apps', {
      ...WEB,
      id: '/rack',
      constraints: [['rack', 'LIKE', 'r1']],
    });
    await rig.cluster.advance('5s');
    const { queue } = await rig.good('GET', '/v2/queue?embed=lastUnusedOffers');
    const declined = (index: number): unknown =>
      queue[index].processedOffersSummary.rejectSummaryLastOffers.filter(
        (step: { declined: number }) => step.declined > 0,
      );
    expect(queue.map((item: { app: { id: string } }) => item.app.id)).to.deep.equal([
      '/rack',
      '/web',
    ]);
    expect(declined(0)).to.deep.equal([
      { reason: 'UnfulfilledConstraint', declined: 2, processed: 2 },
    ]);
    expect(declined(1)).to.deep.equal([{ reason: 'InsufficientCpus', declined: 2, processed: 2 }]);
    const [rack, web] = queue.map(
      ({ lastUnusedOffers }: { lastUnusedOffers: { offer: object; reason: string[] }[] }) =>
        lastUnusedOffers,
    );
    expect(rack).to.have.length(2);
    expect(rack[0].reason[0]).to.equal('UnfulfilledConstraint');
    expect(web.map(({ reason }: { reason: string[] }) => reason[0])).to.deep.equal([
      'InsufficientCpus',
      'InsufficientCpus',
    ]);
    expect(web[0].offer.hostname).to.match(/^agent-/);
    expect(web[0].offer.resources).to.deep.include({ name: 'cpus', role: '*', scalar: 1 });
    await rig.good('DELETE', '/v2/apps/web');
    await rig.good('DELETE', '/v2/apps/rack');
    await rig.deployed();
  });
});

/** What is asked for, and what has to come of it. */
const STORIES = [
  {
    name: 'an upgrade',
    ask: { env: { VERSION: '2' } },
    expected: (app: Readonly<Record<string, unknown>>): unknown => Object(app['env'])['VERSION'],
    value: '2',
  },
  {
    name: 'an upgrade that goes back',
    ask: {
      healthChecks: [{ ...CHECK, command: { value: 'exit 1' } }],
      upgradeStrategy: { ...WEB.upgradeStrategy, progressDeadlineSeconds: 20 },
    },
    expected: (app: Readonly<Record<string, unknown>>): unknown =>
      Object(app['healthChecks'])[0].command.value,
    value: 'exit 0',
  },
] as const;

describe('Services: the scheduler dies in a deployment', function () {
  this.timeout(120_000);

  async function begin(traffic: (one: Traffic) => void, seed: number): Promise<Rig> {
    const interceptors = [
      (one: Traffic, next: (one: Traffic) => void) => {
        traffic(one);
        next(one);
      },
    ];
    const rig = new Rig({ agents: agents(2), seed }, { interceptors });
    await rig.cluster.advance('2s');
    await rig.good('POST', '/v2/apps', { ...WEB, instances: 3 });
    await rig.deployed();
    await rig.cluster.advance('5s');
    return rig;
  }

  for (const { name, ask, expected, value } of STORIES) {
    it(`at every step of ${name}, and it ends as asked`, async () => {
      const moments = new Set<number>();
      let isWatching = false;
      let startMs = 0;
      let clock = (): number => 0;
      const first = await begin(() => isWatching && moments.add(clock() - startMs), 3);
      clock = () => first.cluster.cluster.world.clock.elapsed();
      startMs = clock();
      isWatching = true;
      await first.good('PUT', '/v2/apps/web', ask);
      await first.deployed();
      isWatching = false;
      await first.cluster.close();
      expect(moments.size).to.be.greaterThan(10);

      for (const momentMs of moments) {
        const rig = await begin(() => {}, 3);
        await rig.good('PUT', '/v2/apps/web', ask);
        const world = rig.cluster.cluster.world.clock;
        await rig.cluster.advance(Math.max(0, momentMs - (world.elapsed() - startMs)));
        rig.cluster.crash(rig.services);
        await rig.cluster.advance('3s');
        rig.cluster.restart(rig.services);
        await rig.cluster.advance('1s');
        expect(await leastHealthy(rig, 200_000), `killed after ${momentMs} ms`).to.be.at.least(3);
        rig.services.expect.running(3);
        expect(versionsRunning(rig).size).to.equal(1);
        const { app } = await rig.good('GET', '/v2/apps/web');
        expect(expected(app), `killed after ${momentMs} ms`).to.equal(value);
        await rig.cluster.close();
      }
    });
  }
});
