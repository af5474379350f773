/** Frameworks that do about everything wrong, against the real master: what the SDK makes of it. */
import { expect } from 'chai';
import {
  type Decision,
  Every,
  Framework,
  type FrameworkOptions,
  MemoryRepository,
  type Offers,
  OnOffers,
  OnStatus,
  type Repository,
  Stored,
  type TaskUpdate,
  hold,
  isEnded,
  kill,
  task,
  wake,
  want,
} from '../../../sdk/index.js';
import { simulate } from '../../../sdk/testing/index.js';

const SPEC = { name: 'web', cpus: 0.5, memMiB: 64, command: 'hang' };

/** A framework that places like this. */
function placing(
  place: (offers: Offers) => Decision,
  options: Partial<FrameworkOptions> = {},
): new () => object {
  @Framework({ name: 'hostile', failoverTimeout: '1h', ...options })
  class Hostile {
    @OnOffers() place(offers: Offers): Decision {
      return place(offers);
    }
  }
  return Hostile;
}

const Honest = placing((offers) => offers.keep(4, task(SPEC)), { name: 'honest' });

describe('A hostile framework', () => {
  it('that never decides keeps no offer from others, and comes back each time', async () => {
    @Framework({ name: 'never' })
    class Never {
      @OnOffers({ onError: 'retry', timeout: '5s', retries: 1_000 })
      place(_offers: Offers): Promise<Decision> {
        return new Promise(() => {});
      }
    }
    const cluster = simulate({ agents: 2 });
    const never = cluster.run(Never);
    const honest = cluster.run(Honest);
    await cluster.advance('3m');
    honest.expect.running(4);
    expect(never.view.counters.handler_retries).to.be.above(5);
  });

  it('that holds all offers and forgets them gives them back in time', async () => {
    const cluster = simulate({ agents: 2 });
    const holder = cluster.run(placing((offers) => hold([...offers], { for: '100w' })));
    await cluster.advance('5s');
    expect(holder.view.heldOffers).to.have.length(2);
    const honest = cluster.run(Honest);
    await cluster.advance('62m');
    honest.expect.running(4);
  });

  it('that asks for two numbers of one name is stopped before it starts and ends tasks for ever', async () => {
    const cluster = simulate({ hygiene: 'off' });
    const both = placing((offers) => [offers.keep(3, task(SPEC)), offers.keep(5, task(SPEC))]);
    const hostile = cluster.run(both, { mayFail: true });
    await cluster.advance('1m');
    expect(hostile.failure?.message).to.contain("for 3 and for 5 tasks of the name 'web'");
    expect(cluster.started).to.have.length(0);
  });

  it('that wants to be woken at once, always, does not spin', async () => {
    const cluster = simulate({ agents: 1 });
    const hostile = cluster.run(placing(() => [wake({ after: 0 }), want()]));
    await cluster.advance('10s');
    expect(hostile.view.counters.evaluations).to.be.within(2, 600);
  });

  it('that changes its mind ten times a second does not flood the master', async () => {
    @Framework({ name: 'fickle' })
    class Fickle {
      calls = 0;

      @OnOffers() place(_offers: Offers) {
        this.calls++;
        return want({ name: 'much', count: this.calls % 2, cpus: 1_000 });
      }

      @Every('100ms') tick() {}
    }
    const cluster = simulate({ agents: 3 });
    const { view } = cluster.run(Fickle);
    expect(view).to.be.an('object');
    await cluster.advance('5m');
    const [fickle] = cluster.frameworks;
    const { suppresses = 0, revives = 0 } = fickle?.view.counters ?? {};
    expect(suppresses + revives).to.be.within(1, 200);
  });

  it('that kills what does not exist, and everything twice, ends what exists once', async () => {
    const cluster = simulate({ agents: 2 });
    const hostile = cluster.run(
      placing((offers) => [
        kill('nobody', { grace: '1s' }),
        offers.tasks.live().flatMap((one) => [kill(one), kill(one)]),
        offers.fit(task({ ...SPEC, key: '1' }), {
          count: offers.tasks.size === 0 ? 1 : 0,
        }),
      ]),
    );
    await cluster.advance('1m');
    expect(hostile.view.counters.kills).to.equal(1);
    hostile.expect.inState('KILLED', 1).running(0);
  });

  it('does not wait for an unreachable task because the clock was set back', async () => {
    const work = task({ ...SPEC, key: '1', command: 'run 20m then exit 0' });
    const cluster = simulate({ agents: 2 });
    const hostile = cluster.run(
      placing((offers) => offers.complete([work], { unreachableFor: '30s' })),
    );
    await cluster.advance('10s');
    cluster.partition(hostile.running()[0]?.hostname ?? '');
    await cluster.until(() => hostile.tasks('UNREACHABLE').length === 1, { within: '5m' });
    cluster.jumpClock('2h', 'back');
    await cluster.advance('2m');
    hostile.expect.running(1);
    cluster.heal();
    await cluster.advance('1m');
  });

  it('learns soon that a lost agent is gone, also from a master that never knew its tasks', async () => {
    const cluster = simulate({ agents: 3 });
    const honest = cluster.run(Honest);
    await cluster.advance('10s');
    const lost = honest.running()[0]?.hostname ?? '';
    cluster.lose(lost);
    await cluster.advance('2m');
    cluster.restartMaster();
    await cluster.advance('1m');
    expect(honest.tasks('UNREACHABLE')).to.not.have.length(0);
    cluster.markGone(lost);
    await cluster.advance('45s');
    honest.expect.running(4).inState('UNREACHABLE', 0).agreed();
  });

  it('whose disk fails at any of its writes does all of its work once and is told of each end once', async () => {
    const pieces = Array.from({ length: 5 }, (_, index) =>
      task({
        ...SPEC,
        name: 'piece',
        key: `${index}`,
        command: `run ${index + 1}s then exit ${index % 2}`,
      }),
    );

    @Framework({ name: 'once', failoverTimeout: '1h', reconcileEvery: '30s' })
    class Once {
      @Stored('told') readonly told: Repository<string> = new MemoryRepository();

      @OnOffers() place(offers: Offers) {
        return offers.complete(pieces, { again: 'never', parallel: 3 });
      }

      @OnStatus() note({ task: { id }, state }: TaskUpdate) {
        if (isEnded(state)) this.told.set(id, `${this.told.get(id) ?? ''}${state} `);
      }
    }

    for (let commit = 1; commit <= 24; commit += 1) {
      const cluster = simulate({ agents: 2, seed: commit });
      const once = cluster.run(Once);
      const isThere = (): boolean => (once.view.counters.commits ?? 0) >= commit;
      /* oxlint-disable no-await-in-loop -- one write after the other */
      await cluster.until(isThere, { step: 2 }).catch(() => undefined);
      cluster.failDisk(once);
      await cluster.advance('20s');
      cluster.restore();
      await cluster.advance('1m');
      /* oxlint-enable no-await-in-loop */
      const ends = once.tasks().filter(({ state }) => state !== 'DROPPED' && state !== 'LOST');
      expect(
        ends.map(({ key }) => key),
        `write ${commit}`,
      ).to.have.members(['0', '1', '2', '3', '4']);
      for (const { id, state } of ends) {
        expect(once.instance.told.get(id), `write ${commit}`).to.equal(`${state} `);
      }
      const keys = cluster.started.map(({ taskId }) => taskId.split('.')[1]);
      expect(keys, `write ${commit}`).to.have.members(['0', '1', '2', '3', '4']);
    }
  });
});
