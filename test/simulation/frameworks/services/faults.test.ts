import { expect } from 'chai';
import type { Traffic } from '../../../../sdk/index.js';
import { Rig } from './rig.js';

const AGENT = 'cpus:4;mem:4096;ports:[31000-31099]';
const APP = { id: '/web', cmd: 'hang', cpus: 0.1, mem: 32 };

/** A cluster with an app, and the ids of all tasks that the framework has ever asked to end. */
async function running(
  app: object,
  agents: readonly string[] = [AGENT, AGENT, AGENT],
): Promise<{ readonly rig: Rig; readonly kills: string[] }> {
  const kills: string[] = [];
  const interceptors = [
    (one: Traffic, next: (one: Traffic) => void) => {
      if (one.direction === 'out' && one.call.kill !== undefined) {
        kills.push(one.call.kill.task_id.value);
      }
      next(one);
    },
  ];
  const rig = new Rig({ agents: [...agents] }, { interceptors });
  await rig.cluster.advance('2s');
  await rig.good('POST', '/v2/apps', app);
  await rig.deployed();
  return { rig, kills };
}

describe('Services: faults', () => {
  it('replaces at once what is out of reach, and ends what is too much when it is back', async () => {
    const { rig, kills } = await running({
      ...APP,
      instances: 3,
      constraints: [['hostname', 'MAX_PER', '2']],
    });
    const [first] = rig.services.running();
    rig.cluster.partition(first?.hostname ?? '');
    await rig.cluster.advance('3m');
    rig.services.expect.running(3);
    expect(kills).to.deep.equal([]);
    rig.cluster.heal();
    let least = 9;
    for (let step = 0; step < 600; step++) {
      await rig.cluster.advance(100);
      least = Math.min(least, rig.healthy().length);
    }
    expect(least).to.equal(3);
    rig.services.expect.running(3).inState('UNREACHABLE', 0);
  });

  it('waits for what is out of reach when told so, and leaves it alone when it is back', async () => {
    for (const unreachableStrategy of [
      'disabled',
      { inactiveAfterSeconds: 600, expungeAfterSeconds: 900 },
    ]) {
      const { rig, kills } = await running({ ...APP, instances: 4, unreachableStrategy });
      const before = rig.services.running().map(({ id }) => id);
      const [first] = rig.services.running();
      rig.cluster.partition(first?.hostname ?? '');
      await rig.cluster.advance('4m');
      expect(rig.services.tasks()).to.have.length(4);
      expect(rig.services.tasks('UNREACHABLE')).to.not.have.length(0);
      rig.cluster.heal();
      await rig.cluster.advance('2m');
      expect(rig.services.running().map(({ id }) => id)).to.have.members(before);
      expect(kills).to.deep.equal([]);
      await rig.cluster.close();
    }
  });

  it('replaces what is out of reach for longer than it may be', async () => {
    const { rig } = await running({
      ...APP,
      instances: 3,
      unreachableStrategy: { inactiveAfterSeconds: 120, expungeAfterSeconds: 300 },
    });
    const [first] = rig.services.running();
    const lost = rig.services
      .running()
      .filter(({ hostname }) => hostname === first?.hostname).length;
    rig.cluster.partition(first?.hostname ?? '');
    await rig.cluster.advance('3m');
    rig.services.expect.running(3 - lost);
    await rig.cluster.advance('1m');
    rig.services.expect.running(3);
  });

  it('keeps the one that is well when an agent is back before its replacement is', async () => {
    // Nobody else has room: what is lost cannot be replaced.
    const { rig, kills } = await running({ ...APP, instances: 4, cpus: 1 }, [
      'cpus:4;mem:4096;ports:[31000-31099]',
    ]);
    const before = rig.services.running().map(({ id }) => id);
    rig.cluster.partition('agent-0');
    await rig.cluster.advance('3m');
    rig.services.expect.inState('UNREACHABLE', 4);
    const { queue } = await rig.good('GET', '/v2/queue');
    expect(queue[0].count).to.equal(4);
    rig.cluster.heal();
    await rig.cluster.advance('2m');
    expect(rig.services.running().map(({ id }) => id)).to.have.members(before);
    expect(kills).to.deep.equal([]);
  });

  it('runs the right number after agents have started again', async () => {
    const { rig } = await running({ ...APP, instances: 6 });
    rig.cluster.reboot('agent-0');
    rig.cluster.reboot('agent-1');
    await rig.cluster.advance('3m');
    rig.services.expect.running(6);
    rig.cluster.crash('agent-2');
    await rig.cluster.advance('10s');
    rig.cluster.restart('agent-2');
    await rig.cluster.advance('30s');
    rig.services.expect.running(6);
  });

  it('knows the health of instances after its own death, before any check has run again', async () => {
    const check = {
      protocol: 'COMMAND',
      command: { value: 'exit 0' },
      intervalSeconds: 3600,
      delaySeconds: 1,
    };
    const { rig, kills } = await running({ ...APP, instances: 3, healthChecks: [check] });
    rig.cluster.crash(rig.services);
    await rig.cluster.advance('20s');
    rig.cluster.restart(rig.services);
    await rig.cluster.advance('1s');
    const { app } = await rig.good('GET', '/v2/apps/web');
    expect(app).to.include({ tasksHealthy: 3, tasksUnhealthy: 0, tasksRunning: 3 });
    expect(app.tasks[0].healthCheckResults[0]).to.include({ alive: true });
    expect(kills).to.deep.equal([]);
  });

  it('ends none because of its number before the master has told what runs', async () => {
    const { rig, kills } = await running({ ...APP, instances: 4 });
    // The scheduler is away while the app loses instances of its own.
    rig.cluster.crash(rig.services);
    rig.cluster.reboot('agent-0');
    await rig.cluster.advance('10s');
    rig.cluster.restart(rig.services);
    await rig.cluster.advance('500ms');
    rig.cluster.cut(rig.services);
    rig.cluster.partition(rig.services);
    const gone = rig.services.running().filter(({ hostname }) => hostname === 'agent-0').length;
    const changed = rig.ask('PUT', '/v2/apps/web', { instances: 2 });
    await changed;
    await rig.cluster.advance('5s');
    expect(kills).to.deep.equal([]);
    // Nor is it decided: the ends would be sent as soon as the master can be reached.
    const ending = rig.services.view.tasks.live().filter(({ killedAt }) => killedAt !== undefined);
    expect(ending).to.deep.equal([]);
    rig.cluster.heal();
    await rig.cluster.advance('1m');
    rig.services.expect.running(2);
    expect(new Set(kills).size).to.be.at.most(2 + gone);
    expect(rig.services.instance.deployments.size).to.equal(0);
  });

  it('goes on after the master has died, and replaces nothing', async () => {
    const { rig, kills } = await running({ ...APP, instances: 5 });
    const before = rig.services.running().map(({ id }) => id);
    rig.cluster.restartMaster();
    await rig.cluster.advance('2m');
    expect(rig.services.running().map(({ id }) => id)).to.have.members(before);
    expect(kills).to.deep.equal([]);
  });

  it('deletes an app though an agent is out of reach, and ends its instances when it is back', async () => {
    const { rig } = await running({ ...APP, instances: 6 });
    rig.cluster.partition('agent-0');
    await rig.cluster.advance('2m');
    await rig.good('DELETE', '/v2/apps/web');
    await rig.deployed();
    expect(await rig.good('GET', '/v2/apps')).to.deep.equal({ apps: [] });
    rig.cluster.heal();
    await rig.cluster.advance('10m');
    rig.services.expect.running(0);
  });
});

describe('Services: where instances run', () => {
  async function hostsOf(constraints: unknown, instances: number): Promise<readonly string[]> {
    const rig = new Rig({
      agents: ['r1', 'r1', 'r2', 'r3'].map((rack) => ({
        resources: AGENT,
        attributes: `rack:${rack}`,
      })),
    });
    await rig.cluster.advance('2s');
    await rig.good('POST', '/v2/apps', { ...APP, instances, constraints });
    await rig.cluster.advance('10s');
    const hosts = rig.services
      .running()
      .map(({ attributes }) => `${attributes['rack']} ${attributes['@hostname']}`);
    await rig.good('DELETE', '/v2/apps/web');
    await rig.deployed();
    await rig.cluster.close();
    return hosts.toSorted();
  }

  it('heeds each of the operators', async () => {
    expect(await hostsOf([['hostname', 'UNIQUE']], 6)).to.have.length(4);
    expect(await hostsOf([['rack', 'CLUSTER', 'r2']], 3)).to.deep.equal(
      Array(3).fill('r2 agent-2'),
    );
    expect(
      await hostsOf(
        [
          ['rack', 'LIKE', 'r[23]'],
          ['hostname', 'UNIQUE'],
        ],
        4,
      ),
    ).to.deep.equal(['r2 agent-2', 'r3 agent-3']);
    expect(
      await hostsOf(
        [
          ['rack', 'UNLIKE', 'r[23]'],
          ['hostname', 'MAX_PER', '2'],
        ],
        9,
      ),
    ).to.have.length(4);
    expect(await hostsOf([['rack', 'IS', 'r3']], 2)).to.deep.equal(Array(2).fill('r3 agent-3'));
    const spread = (await hostsOf([['rack', 'GROUP_BY', '3']], 6)).map((host) => host.slice(0, 2));
    expect(spread).to.deep.equal(['r1', 'r1', 'r2', 'r2', 'r3', 'r3']);
  });
});
