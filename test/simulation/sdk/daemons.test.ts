/** Daemons of a framework on the real kernel: who runs them, when they end, and what faults do to them. */
import { expect } from 'chai';
import {
  type Context,
  Daemon,
  type DaemonContext,
  type ErrorPolicy,
  Framework,
  MemoryRepository,
  type Offers,
  OnError,
  OnOffers,
  OnStart,
  type Repository,
  Stored,
  type Trouble,
  kill,
  task,
} from '../../../sdk/index.js';
import { record, replay, simulate } from '../../../sdk/testing/index.js';

const WEB = task({ name: 'web', cpus: 0.1, memMiB: 32, command: 'hang' });

/** What the world outside of the cluster has of the daemons: how many run, and what they saw. */
class Outside {
  readonly log: string[] = [];
  running = 0;
  most = 0;
}

/** Takes an order every ten seconds, and has a task more for each. */
@Framework({ name: 'shop', failoverTimeout: '10m' })
class Shop {
  @Stored('orders') readonly orders: Repository<number> = new MemoryRepository();
  readonly #outside: Outside;
  #isReady = false;

  constructor(outside = new Outside()) {
    this.#outside = outside;
  }

  @OnStart() ready() {
    this.#isReady = true;
  }

  @OnOffers() place(offers: Offers) {
    return offers.keep(this.orders.size, WEB);
  }

  @Daemon() async watch(context: DaemonContext) {
    const outside = this.#outside;
    outside.log.push(`begins ${this.#isReady ? 'after' : 'before'} @OnStart`);
    outside.running++;
    outside.most = Math.max(outside.most, outside.running);
    try {
      while (!context.signal.aborted) {
        // oxlint-disable-next-line no-await-in-loop -- what a daemon is
        await context.sleep('10s');
        // oxlint-disable-next-line no-await-in-loop -- what a daemon is
        await context.turn(() => {
          this.orders.set(`order-${this.orders.size + 1}`, context.clock.elapsed());
        });
      }
    } finally {
      outside.running--;
      outside.log.push('ends');
    }
  }
}

describe('A daemon on a cluster', () => {
  it('drives the framework on virtual time, the same way each time', async () => {
    const runs: unknown[] = [];
    for (let run = 0; run < 2; run++) {
      const outside = new Outside();
      const cluster = simulate({ seed: 'daemon' });
      const shop = cluster.run(() => new Shop(outside));
      // oxlint-disable-next-line no-await-in-loop -- one run after the other
      await cluster.advance('35s');
      shop.expect.running(3);
      runs.push([shop.instance.orders.entries(), shop.tasks()]);
      // oxlint-disable-next-line no-await-in-loop -- as above
      await cluster.close();
      expect(outside.log).to.deep.equal(['begins after @OnStart', 'ends']);
    }
    expect(runs[0]).to.deep.equal(runs[1]);
  });

  it('is shown with its state, and counted', async () => {
    const cluster = simulate();
    const shop = cluster.run(Shop);
    await cluster.advance('5s');
    expect(shop.view.daemons).to.deep.equal([
      { name: 'watch', state: 'running', failures: 0, error: undefined },
    ]);
    await shop.close();
    expect(shop.view.daemons[0]?.state).to.equal('ended');
  });

  it('dies with its process, and begins anew in the next one over what was stored', async () => {
    const outside = new Outside();
    const cluster = simulate();
    const shop = cluster.run(() => new Shop(outside));
    await cluster.advance('25s');
    cluster.crash(shop);
    await cluster.advance('1m');
    // A process that was killed ends nothing in good order.
    expect(outside.log).to.deep.equal(['begins after @OnStart']);
    expect(shop.instance.orders.size).to.equal(2);
    cluster.restart(shop);
    await cluster.advance('15s');
    expect(outside.log).to.deep.equal(['begins after @OnStart', 'begins after @OnStart']);
    expect(shop.instance.orders.size).to.equal(3);
    shop.expect.running(3);
  });

  it('goes on when the master is restarted, is away, or cannot be reached', async () => {
    const outside = new Outside();
    const cluster = simulate();
    const shop = cluster.run(() => new Shop(outside));
    await cluster.advance('15s');
    cluster.restartMaster();
    await cluster.advance('30s');
    cluster.partition(shop);
    await cluster.advance('30s');
    expect(shop.instance.orders.size).to.equal(7);
    cluster.heal();
    await cluster.advance('1m');
    expect(outside.log).to.deep.equal(['begins after @OnStart']);
    shop.expect.running(shop.instance.orders.size);
  });

  it('runs in the active copy alone, and in the next one when that takes over', async () => {
    const outside = new Outside();
    const cluster = simulate();
    const copies = cluster.runCopies(() => new Shop(outside), 3);
    await cluster.advance('25s');
    expect(outside.log).to.deep.equal(['begins after @OnStart']);
    copies.find(({ isActive }) => isActive)?.loseLease();
    await cluster.advance('1m');
    expect(outside.running).to.equal(1);
    expect(outside.log.filter((line) => line === 'ends')).to.have.length(1);
    // For a moment both may run: what the old one decides then is refused.
    expect(outside.most).to.be.at.most(2);
    const closing = copies.find(({ isActive }) => isActive)?.close();
    await cluster.advance('30s');
    await closing;
    expect(outside.running).to.equal(1);
    const [next] = copies.filter(({ isActive }) => isActive);
    expect(next?.instance.orders.size).to.be.above(2);
    next?.expect.running(next.instance.orders.size);
  });

  it('comes through faults of all kinds', async () => {
    for (const seed of ['a', 'b', 'c']) {
      const outside = new Outside();
      const cluster = simulate({ agents: 4, seed, faults: { for: '2m' } });
      const copies = cluster.runCopies(() => new Shop(outside), 2);
      // oxlint-disable-next-line no-await-in-loop -- one seed after the other
      await cluster.advance('2m');
      cluster.restore();
      // oxlint-disable-next-line no-await-in-loop -- as above
      await cluster.advance('1m');
      const [active, ...others] = copies.filter(({ isActive }) => isActive);
      expect(others, seed).to.deep.equal([]);
      expect(active?.view.daemons[0]?.state, seed).to.equal('running');
      expect(active?.instance.orders.size, seed).to.be.above(5);
      // oxlint-disable-next-line no-await-in-loop -- as above
      await cluster.close();
    }
  });

  it('is not run when a recording is replayed', async () => {
    const cluster = simulate();
    const lines: string[] = [];
    const interceptors = [record(cluster.clock, (line) => lines.push(line))];
    cluster.run(Shop, { interceptors });
    await cluster.advance('25s');
    await cluster.close();
    const outside = new Outside();
    await replay(lines.join('\n'), () => new Shop(outside));
    expect(outside.log).to.deep.equal([]);
  });
});

/** Fails again and again, by a policy. */
function brokenShop(onError: ErrorPolicy): new () => {
  readonly troubles: string[];
  readonly runs: number;
} {
  @Framework({ name: 'broken', failoverTimeout: '10m' })
  class BrokenShop {
    readonly troubles: string[] = [];
    runs = 0;

    @OnOffers() place(offers: Offers) {
      return offers.keep(1, WEB);
    }

    @Daemon({ onError, retries: 2 }) async watch(context: DaemonContext) {
      this.runs++;
      await context.sleep('5s');
      throw new Error('the queue is away');
    }

    @OnError() note({ where, policy, error }: Trouble) {
      this.troubles.push(`${where} ${policy}: ${error.message}`);
    }
  }
  return BrokenShop;
}

describe('A daemon on a cluster that throws', () => {
  it('ends the framework with `crash`; its tasks go on', async () => {
    const cluster = simulate();
    const broken = cluster.run(brokenShop('crash'), { mayFail: true });
    await cluster.advance('20s');
    expect(broken.failure?.message).to.contain('watch').and.to.contain('the queue is away');
    expect(broken.instance.troubles).to.deep.equal(['watch crash: the queue is away']);
    expect(cluster.started).to.have.length(1);
    cluster.restart(broken);
    await cluster.advance('3s');
    broken.expect.running(1);
    expect(cluster.started).to.have.length(1);
  });

  it('is over with `skip`, and the framework goes on without it', async () => {
    const cluster = simulate();
    const broken = cluster.run(brokenShop('skip'));
    await cluster.advance('2m');
    expect(broken.instance.runs).to.equal(1);
    expect(broken.view.daemons[0]).to.include({ state: 'failed', error: 'the queue is away' });
    broken.expect.running(1).connected();
  });

  it('is called again with `retry`, until its retries are used up', async () => {
    const cluster = simulate();
    const broken = cluster.run(brokenShop('retry'), { mayFail: true });
    await cluster.advance('2m');
    expect(broken.instance.runs).to.equal(3);
    expect(broken.instance.troubles.map((text) => text.split(':')[0])).to.deep.equal([
      'watch retry',
      'watch retry',
      'watch crash',
    ]);
    expect(broken.failure?.message).to.contain('the queue is away');
  });
});

@Framework({ name: 'deaf' })
class Deaf {
  @OnOffers() place(offers: Offers) {
    return offers.keep(1, WEB);
  }

  @Daemon() async listen(context: Context) {
    await context.decide(kill('nothing'));
    await new Promise(() => {});
  }
}

describe('A daemon that does not listen to its signal', () => {
  it('fails the test, by its name', async () => {
    const cluster = simulate();
    const deaf = cluster.run(Deaf);
    await cluster.advance('10s');
    deaf.expect.running(1);
    const error = await cluster.close().then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(error).to.include({ code: 'HYGIENE' });
    expect(error?.message).to.contain('deaf: its daemon listen went on for 5 s');
    expect(error?.message).to.not.contain('did not close');
  });

  it('fails it also when the copy was deposed long before', async () => {
    const cluster = simulate();
    const copies = cluster.runCopies(Deaf, 2);
    await cluster.advance('10s');
    copies.find(({ isActive }) => isActive)?.loseLease();
    await cluster.advance('1m');
    expect(copies.filter(({ isActive }) => isActive)).to.have.length(1);
    const error = await cluster.close().then(
      () => undefined,
      (reason: Error) => reason,
    );
    for (const { name } of copies) expect(error?.message).to.contain(`${name}: its daemon listen`);
  });
});
