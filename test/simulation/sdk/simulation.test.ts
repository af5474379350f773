import { expect } from 'chai';
import { Framework, OnOffers, type Offers, type TaskSpec, task } from '../../../sdk/index.js';
import {
  type FaultPlan,
  type SimulateOptions,
  Simulation,
  type SimulatedFramework,
  simulate,
} from '../../../sdk/testing/index.js';

const WEB: TaskSpec = { name: 'web', cpus: 0.5, memMiB: 64, command: 'hang' };

@Framework({ name: 'web' })
class Web {
  @OnOffers() place(offers: Offers) {
    return offers.keep(3, task(WEB));
  }
}

@Framework({ name: 'ssd' })
class OnSsd {
  @OnOffers() place(offers: Offers) {
    return offers.keep(
      2,
      task({
        ...WEB,
        constraints: [
          ['disk', 'LIKE', 'ssd'],
          ['@zone', 'UNIQUE'],
        ],
      }),
    );
  }
}

async function running(
  options: SimulateOptions = {},
): Promise<{ readonly cluster: Simulation; readonly web: SimulatedFramework<Web> }> {
  const cluster = simulate(options);
  const web = cluster.run(Web);
  await cluster.until(() => web.running().length === 3);
  return { cluster, web };
}

describe('Simulation', () => {
  it('has agents with attributes, names and places', async () => {
    const agents = ['a', 'b', 'c'].map((zone) => ({
      hostname: `host-${zone}`,
      attributes: zone === 'c' ? 'disk:hdd' : 'disk:ssd',
      domain: { region: 'r', zone },
    }));
    const cluster = simulate({ agents });
    const framework = cluster.run(OnSsd);
    await cluster.advance('10s');
    framework.expect.runningOn('host-a', 'host-b');
    cluster.crash('host-a');
    expect(cluster.cluster.agents[0]?.agent).to.equal(undefined);
    expect(cluster.agents).to.deep.equal(['agent-0', 'agent-1', 'agent-2']);
    expect(() => cluster.crash('host-d')).to.throw(
      /There is no 'host-d': there are master, agent-0 \(host-a\)/,
    );
  });

  it('adds agents while it runs', async () => {
    const { cluster, web } = await running({ agents: ['cpus:2;mem:1024'] });
    const added = cluster.addAgent({ resources: 'cpus:1;mem:512', hostname: 'later' });
    expect(added).to.equal('agent-1');
    cluster.lose('agent-0');
    await cluster.advance('3m');
    web.expect.inState('UNREACHABLE', 3).runningOn('later');
  });

  it('tells the framework what an operator has given up', async () => {
    const { cluster, web } = await running({ agents: 1 });
    cluster.lose('agent-0');
    cluster.markGone('agent-0');
    cluster.addAgent();
    await cluster.advance('1m');
    web.expect.inState('GONE_BY_OPERATOR', 3).running(3).agreed().settled();
  });

  it('agrees, or says on what it does not', async () => {
    const { cluster, web } = await running();
    web.expect.agreed();
    const [first] = web.running();
    cluster.partition(first?.hostname ?? '');
    cluster.crashTask(first ?? '');
    expect(() => web.expect.agreed()).to.throw(
      `task ${String(first?.id)}: framework RUNNING, master RUNNING, runs nowhere`,
    );
    cluster.heal();
    await cluster.advance('1m');
    web.expect.agreed().failed(1);
  });

  it('goes on among slow networks and disks, and failing ones', async () => {
    const { cluster, web } = await running();
    cluster.slowNetwork(web, '200ms');
    cluster.slowDisk(web, '500ms');
    cluster.slowDisk('master', '100ms');
    await cluster.advance('1m');
    web.expect.connected().agreed();
    const [first] = web.running();
    const idle = cluster.agents.find((agent) => agent !== first?.hostname) ?? '';
    cluster.failDisk(idle);
    cluster.failDisk(web);
    cluster.crashTask(first ?? '');
    await cluster.advance('10s');
    expect(web.isRunning).to.equal(false);
    expect(web.failure).to.equal(undefined);
    cluster.restore();
    await cluster.advance('1m');
    web.expect.running(3).connected().agreed();
  });

  it('notices that a connection is dead of which nobody told it', async () => {
    const { cluster, web } = await running();
    cluster.halfOpen(web);
    cluster.halfOpen('agent-0', 'master');
    await cluster.advance('2m');
    web.expect.connected().running(3);
    expect(web.view.counters['disconnects']).to.equal(1);
  });

  it('lets the faults of a plan happen, and those that its seed draws', async () => {
    const plan: FaultPlan = [
      { atMs: 20_000, kind: 'crash', target: 'web', durationMs: 5_000 },
      { atMs: 30_000, kind: 'depose', target: 'master', durationMs: 5_000 },
    ];
    const planned = simulate({ faults: plan });
    const web = planned.run(Web);
    await planned.advance('2m');
    expect(web.starts).to.equal(2);
    expect(planned.faults?.isHealed).to.equal(true);
    web.expect.running(3).agreed();

    const drawn = simulate({ seed: 3, faults: { for: '3m', intensity: 2 } });
    const other = drawn.run(Web);
    await drawn.advance('1m');
    expect(() => drawn.disturb([])).to.throw(/faults are under way/);
    const misspelt = { atMs: 1, kind: 'crsh' as 'crash', target: 'master' };
    expect(() => simulate().disturb([misspelt])).to.throw(
      /fault 1 is of the kind 'crsh': there are/,
    );
    const targets = new Set(drawn.faults?.plan.map(({ target }) => target));
    expect([...targets]).to.include('web');
    drawn.heal();
    await drawn.advance('2m');
    other.expect.running(3).agreed();
  });

  it('is the same again with the same seed and faults', async () => {
    const hashes = new Set<string>();
    for (let time = 0; time < 2; time++) {
      const cluster = simulate({ seed: 5, faults: { for: '2m' }, wire: 'objects' });
      cluster.run(Web);
      await cluster.advance('5m');
      hashes.add(cluster.cluster.traceHash());
    }
    expect(hashes.size).to.equal(1);
  });
});

describe('Copies of a framework', () => {
  const active = (copies: readonly SimulatedFramework[]): readonly string[] =>
    copies.filter(({ isActive }) => isActive).map(({ name }) => name);

  it('stand by, and take over when the active one dies', async () => {
    const cluster = simulate();
    const copies = cluster.runCopies(Web, 2);
    await cluster.advance('10s');
    const [name = ''] = active(copies);
    expect(copies.map((copy) => copy.name)).to.deep.equal(['web-1', 'web-2']);
    const first = copies.find((copy) => copy.name === name);
    const other = copies.find((copy) => copy.name !== name);
    first?.expect.running(3);
    expect(other?.view.connection).to.equal('standby');
    const before = first?.running().map(({ id }) => id);
    cluster.crash(name);
    await cluster.advance('30s');
    expect(active(copies)).to.deep.equal([other?.name]);
    other?.expect.running(3).connected().agreed();
    expect(other?.running().map(({ id }) => id)).to.have.members(before ?? []);
    cluster.restart(name);
    await cluster.advance('10s');
    expect(active(copies)).to.deep.equal([other?.name]);
  });

  it('do no harm when the lease is lost: the old one is told by the master, and stands by', async () => {
    const cluster = simulate({ seed: 'lease' });
    const copies = cluster.runCopies(Web, 2);
    // Half way between two renewals.
    await cluster.advance('11s');
    const before = active(copies);
    const tasks = copies.flatMap((copy) => copy.running().map(({ id }) => id));
    for (const copy of copies) if (copy.isActive) copy.loseLease();
    await cluster.until(() => !active(copies).includes(before[0] ?? ''), { within: '2s' });
    await cluster.advance('30s');
    expect(active(copies)).to.have.lengthOf(1).and.not.deep.equal(before);
    const now = copies.find(({ isActive }) => isActive);
    now?.expect.running(3).agreed();
    expect(now?.running().map(({ id }) => id)).to.have.members(tasks);
  });

  it('leave nothing behind when they are closed', async () => {
    const cluster = new Simulation();
    cluster.runCopies(Web, 3, { node: 'copy' });
    await cluster.advance('10s');
    await cluster.close();
    await cluster.advance('1s');
  });
});
