/**
 * The mistakes that authors of frameworks make, one test each, against the real master: the frameworks
 * of these tests do nothing about them, and yet none is made. The same in the small, with each call looked
 * at, is in test/unit/sdk/runtime.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { SchedulerCall } from '../../../core/api/index.js';
import { MemoryStore } from '../../../core/store/index.js';
import {
  type Connected,
  Framework,
  FrameworkRemovedError,
  type Interceptor,
  OnConnected,
  OnError,
  OnOffers,
  OnStatus,
  type Offers,
  type TaskUpdate,
  type Trouble,
  task,
} from '../../../sdk/index.js';
import { writeScaffold } from '../../../sdk/hosting/index.js';
import { offersFor, simulate } from '../../../sdk/testing/index.js';

const SPEC = { name: 'web', cpus: 0.5, memMiB: 64, command: 'hang' };

@Framework({ name: 'web', failoverTimeout: '10m' })
class Web {
  readonly connections: Connected[] = [];

  @OnConnected() note(connected: Connected) {
    this.connections.push(connected);
  }

  @OnOffers() place(offers: Offers) {
    return offers.keep(3, task(SPEC));
  }
}

/** Never answers an offer, and never says what it wants. */
@Framework({ name: 'forgetful' })
class Forgetful {
  seen = 0;

  @OnOffers() look(offers: Offers) {
    this.seen += offers.size;
  }
}

@Framework({ name: 'huge' })
class Huge {
  @OnOffers() place(offers: Offers) {
    return offers.keep(1, task({ ...SPEC, name: 'huge', cpus: 64 }));
  }
}

/** Calls of a type, and how many of the first ones are to be lost. */
function calls(type: SchedulerCall['type'], lost = 0): { sent: number; interceptor: Interceptor } {
  const counted = {
    sent: 0,
    interceptor: (...[traffic, next]: Parameters<Interceptor>) => {
      const isMeant = traffic.direction === 'out' && traffic.call.type === type;
      if (isMeant && counted.sent++ < lost) return;
      next(traffic);
    },
  };
  return counted;
}

describe('An SDK framework cannot make the mistake', () => {
  it('of leaving offers unanswered, so that others starve', async () => {
    const cluster = simulate({ agents: 2 });
    const forgetful = cluster.run(Forgetful);
    await cluster.advance('5s');
    expect(forgetful.instance.seen).to.be.above(0);
    const books = cluster.cluster.master?.cluster.frameworks.values() ?? [];
    expect([...books].map(({ offers }) => offers.size)).to.deep.equal([0]);
    const web = cluster.run(Web);
    await cluster.advance('10s');
    web.expect.running(3);
  });

  it('of seeing the same useless offers every five seconds', async () => {
    const cluster = simulate({ agents: 2 });
    const huge = cluster.run(Huge);
    await cluster.advance('5m');
    // With the default filter of Mesos it would be about 60 for each agent.
    expect(huge.view.counters.offers_received).to.be.within(2, 2 * 11);
    expect(huge.view.counters.offers_declined_unmatched).to.be.above(0);
  });

  it('of staying awake because a SUPPRESS was lost', async () => {
    const cluster = simulate();
    const suppress = calls('SUPPRESS', 1);
    const web = cluster.run(Web, { interceptors: [suppress.interceptor] });
    await cluster.advance('1m');
    expect(suppress.sent).to.be.above(1);
    const received = web.view.counters.offers_received;
    await cluster.advance('10m');
    expect(web.view.counters.offers_received).to.equal(received);
    web.expect.running(3).wantsNothing();
  });

  it('of sleeping for ever because a REVIVE was lost', async () => {
    const cluster = simulate();
    const revive = calls('REVIVE', 1);
    const web = cluster.run(Web, { interceptors: [revive.interceptor] });
    await cluster.advance('30s');
    cluster.crashTask(web.running()[0]?.id ?? '');
    await cluster.advance('2m');
    expect(revive.sent).to.be.above(1);
    web.expect.running(3);
  });

  it('of being wedged by what its store believes', async () => {
    const cluster = simulate({ agents: 3 });
    const web = cluster.run(Web);
    await cluster.advance('10s');
    const before = web.running().map(({ id }) => id);
    cluster.crash(web);
    // While it is away all of its tasks end, and nobody tells its store.
    for (const agent of cluster.agents) cluster.reboot(agent);
    await cluster.advance('2m');
    cluster.restart(web);
    await cluster.advance('2m');
    web.expect.running(3);
    expect(web.running().filter(({ id }) => before.includes(id))).to.deep.equal([]);
    expect(web.disagreements()).to.deep.equal([]);
  });

  it('of going on under an id that the master has removed: it says so and ends', async () => {
    const cluster = simulate();
    const web = cluster.run(Web, { mayFail: true, overrides: { failoverTimeout: '5s' } });
    await cluster.advance('10s');
    cluster.crash(web);
    await cluster.advance('1m');
    cluster.restart(web);
    await cluster.advance('10s');
    expect(web.failure).to.be.instanceOf(FrameworkRemovedError);
  });

  it('of deleting state by hand after it was removed: it begins anew when told to', async () => {
    const cluster = simulate();
    const overrides = { failoverTimeout: '5s', onRemoved: 'reregister' };
    const web = cluster.run(Web, { overrides });
    await cluster.advance('10s');
    const before = web.frameworkId;
    cluster.crash(web);
    await cluster.advance('1m');
    cluster.restart(web);
    await cluster.advance('30s');
    expect(web.frameworkId).to.not.equal(before);
    web.expect.running(3).connected();
  });

  it('of taking a second registration for the first one', async () => {
    const cluster = simulate();
    const web = cluster.run(Web);
    await cluster.advance('10s');
    cluster.cut(web);
    await cluster.advance('1m');
    cluster.restartMaster();
    await cluster.advance('1m');
    const { connections } = web.instance;
    expect(connections.map(({ first }) => first)).to.deep.equal([true, false, false]);
    expect(connections.map(({ failover }) => failover)).to.deep.equal([false, false, false]);
    cluster.crash(web);
    cluster.restart(web);
    await cluster.advance('1m');
    const [again, ...more] = web.instance.connections;
    expect([again?.first, again?.failover, more.length]).to.deep.equal([false, true, 0]);
  });

  it('of waiting for ever at a connection that is dead or gone', async () => {
    const cluster = simulate();
    const web = cluster.run(Web);
    await cluster.advance('10s');
    const before = web.running().map(({ id }) => id);
    cluster.halfOpen(web);
    await cluster.advance('3m');
    web.expect.connected();
    cluster.restartMaster();
    await cluster.advance('1m');
    web.expect.connected();
    cluster.partition(web);
    await cluster.advance('3m');
    cluster.heal();
    await cluster.advance('1m');
    web.expect.connected().running(3);
    expect(web.running().map(({ id }) => id)).to.have.members(before);
  });

  it('of not asking what became of tasks while it was away', async () => {
    const cluster = simulate({ agents: 3 });
    const reconcile = calls('RECONCILE', 1);
    const web = cluster.run(Web, { interceptors: [reconcile.interceptor] });
    await cluster.advance('10s');
    const [first] = web.running();
    cluster.crash(web);
    cluster.lose(first?.hostname ?? '');
    await cluster.advance('5m');
    cluster.restart(web);
    await cluster.advance('1m');
    // The first question was lost: it is asked until it is answered.
    expect(reconcile.sent).to.be.above(1);
    expect(web.view.tasks.get(first?.id ?? '')?.state).to.be.oneOf(['UNREACHABLE', 'GONE', 'LOST']);
    web.expect.running(3);
  });

  it('of losing an error, or an update with it', async () => {
    const troubles: string[] = [];
    const handled: string[] = [];
    const world = { isBroken: true };

    @Framework({ name: 'faulty', failoverTimeout: '10m' })
    class Faulty {
      @OnOffers() place(offers: Offers) {
        return offers.keep(1, task(SPEC));
      }

      @OnStatus('RUNNING') async note({ task: { id } }: TaskUpdate) {
        await Promise.resolve();
        if (world.isBroken) throw new Error('the database is away');
        handled.push(id);
      }

      @OnError() tell({ where, error, policy }: Trouble) {
        troubles.push(`${where}: ${error.message} (${policy})`);
      }
    }

    const cluster = simulate();
    const faulty = cluster.run(Faulty, { mayFail: true });
    await cluster.advance('10s');
    expect(troubles).to.deep.equal(['note: the database is away (crash)']);
    expect(faulty.isRunning).to.equal(false);
    expect(faulty.failure?.message).to.contain('note').and.to.contain('the database is away');
    // Repaired and started again it is told of the update that nobody has dealt with.
    world.isBroken = false;
    cluster.restart(faulty);
    await cluster.advance('1m');
    expect(handled).to.have.length(1);
    faulty.expect.running(1);
  });

  it('of launching a second time what it launched before it died', async () => {
    const cluster = simulate({ agents: 3, seed: 'twice' });
    const web = cluster.run(Web);
    for (const moment of ['300ms', '700ms', '20ms', '1100ms'] as const) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await cluster.advance(moment);
      cluster.crash(web);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await cluster.advance('1s');
      cluster.restart(web);
    }
    await cluster.advance('2m');
    web.expect.running(3);
    const live = cluster.started.map(({ taskId }) => taskId);
    expect(new Set(live).size, 'each id was started once').to.equal(live.length);
    expect(web.disagreements()).to.deep.equal([]);
  });

  it('of having handlers that only a cluster can test', () => {
    const placement = new Web().place(offersFor(['cpus:4;mem:1024']));
    expect(placement.placed.map(({ spec }) => spec.name)).to.deep.equal(['web', 'web', 'web']);
    expect(placement.unplaced).to.deep.equal([]);
  });

  it('of not shutting down, or of ending its tasks when it does', async () => {
    const cluster = simulate({ hygiene: 'strict' });
    const web = cluster.run(Web);
    await cluster.advance('10s');
    const closed = web.close();
    await cluster.advance('5s');
    // Rejects when a timer is left behind.
    await closed;
    expect(web.isRunning).to.equal(false);
    cluster.restart(web);
    await cluster.advance('30s');
    web.expect.running(3);
    expect(cluster.started).to.have.length(3);
  });

  it('of not knowing why a task is pending', async () => {
    const cluster = simulate({ agents: 2 });
    const huge = cluster.run(Huge);
    await cluster.advance('1m');
    const [why] = huge.view.unplaced;
    expect(why).to.deep.include({ name: 'huge', count: 1 });
    const [refusal] = why?.refusals ?? [];
    expect(refusal).to.deep.include({ reason: 'RESOURCE', detail: 'cpus' });
    expect(refusal?.nearest?.wanted).to.equal(64);
    expect(huge.view.decisions).to.not.have.length(0);
  });

  it('of carrying a scaffold that rots, or that takes a day to read', () => {
    const folder = mkdtempSync(join(tmpdir(), 'plateau-scaffold-'));
    try {
      const { files, path } = writeScaffold({ folder: join(folder, 'small'), version: '^0.1.0' });
      expect(files).to.have.length(3);
      const code = readFileSync(join(path, 'small.ts'), 'utf8')
        .replaceAll(/\/\*[^]*?\*\//g, '')
        .split('\n')
        .filter((line) => line.trim() !== '' && !line.trim().startsWith('//'));
      expect(code.length).to.be.at.most(15);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('of killing what it does not know', async () => {
    const cluster = simulate({ agents: 3 });
    const kills = calls('KILL');
    const web = cluster.run(Web, { interceptors: [kills.interceptor] });
    await cluster.advance('10s');
    const before = web.running().map(({ id }) => id);
    cluster.crash(web);
    // As after a backup that is too old: its id is there, its tasks are not.
    const store = new MemoryStore({ medium: web.medium });
    const stored = await store.list('tasks/');
    await store.transact({ deletes: stored.map(({ key }) => key) });
    cluster.restart(web);
    // The periodic question, about all tasks, finds them.
    await cluster.advance('11m');
    expect(stored).to.have.length(3);
    expect(kills.sent).to.equal(0);
    web.expect.running(3, 'web').running(6);
    expect(web.running().map(({ id }) => id)).to.include.members(before);
  });
});
