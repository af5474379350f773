import { expect } from 'chai';
import { MemoryStore } from '../../../../core/store/index.js';
import { forget, task } from '../../../../sdk/decisions/index.js';
import type { Repository, StoredDefinition } from '../../../../sdk/framework/index.js';
import type { Offers } from '../../../../sdk/matching/index.js';
import { Rig, handler } from './support.js';

class Shop {
  readonly jobs!: Repository<{ readonly size: number }>;
}

const JOBS: StoredDefinition = { property: 'jobs', name: 'jobs', version: 1, migrations: {} };

async function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: unknown) => String(error),
  );
}

describe('Stored state', () => {
  it('writes the changes of a turn together, before it resolves, and reads them after a restart', async () => {
    const store = new MemoryStore();
    const shop = new Shop();
    const rig = await new Rig({ store, framework: shop, stored: [JOBS] }).start();
    const size = await rig.runtime.turn(() => {
      shop.jobs.set('b', { size: 2 });
      shop.jobs.set('a', { size: 1 });
      shop.jobs.set('c', { size: 3 });
      shop.jobs.delete('c');
      return shop.jobs.size;
    });
    expect(size).to.equal(2);
    expect(store.medium.get('state/jobs/a')?.value).to.equal('{"size":1}');
    await rig.close();
    const again = new Shop();
    const next = await new Rig({ store, framework: again, stored: [JOBS] }).start();
    expect(again.jobs.entries()).to.deep.equal([
      ['a', { size: 1 }],
      ['b', { size: 2 }],
    ]);
    await next.close();
  });

  it('undoes the changes of code that throws, and gives the error to who asked', async () => {
    const shop = new Shop();
    const rig = await new Rig({ framework: shop, stored: [JOBS] }).start();
    await rig.runtime.turn(() => shop.jobs.set('a', { size: 1 }));
    const error = await failure(
      rig.runtime.turn(async () => {
        shop.jobs.set('a', { size: 9 });
        shop.jobs.set('b', { size: 9 });
        await Promise.resolve();
        throw new Error('no');
      }),
    );
    expect(error).to.contain('no');
    expect(shop.jobs.entries()).to.deep.equal([['a', { size: 1 }]]);
    expect(rig.outcome).to.equal(undefined);
    await rig.close();
  });

  it('undoes the changes of a handler that throws', async () => {
    const shop = new Shop();
    const onStatus = handler(
      'status',
      () => {
        shop.jobs.set('a', { size: 1 });
        throw new Error('no');
      },
      { onError: 'skip' },
    );
    const rig = await new Rig({ framework: shop, stored: [JOBS], handlers: [onStatus] }).start();
    await rig.update('stray', 'TASK_RUNNING');
    expect(shop.jobs.size).to.equal(0);
    await rig.close();
  });

  it('refuses values that are not JSON, and names their key', async () => {
    const shop = new Shop();
    const rig = await new Rig({ framework: shop, stored: [JOBS] }).start();
    const error = await failure(
      rig.runtime.turn(() => (shop.jobs as Repository<unknown>).set('a', 1n)),
    );
    expect(error).to.contain("The value of 'a' in the repository 'jobs' cannot be stored");
    expect(shop.jobs.size).to.equal(0);
    await rig.close();
  });

  it('refuses what no store takes, names the key, and goes on', async () => {
    const shop = new Shop();
    const rig = await new Rig({ framework: shop, stored: [JOBS] }).start();
    const jobs = shop.jobs as Repository<unknown>;
    for (const [key, value, reason] of [
      ['a', 'x'.repeat(2 * 1024 * 1024), 'at most 1048576 are allowed'],
      ['k'.repeat(600), 1, 'keys have at most 512 bytes'],
      ['half \uD800', 1, 'keys are well-formed Unicode'],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop -- one turn after the other
      const error = await failure(rig.runtime.turn(() => jobs.set(key, value)));
      expect(error)
        .to.contain(`The value of '${key.slice(0, 64)}`)
        .and.contain(reason);
      expect(jobs.size).to.equal(0);
    }
    await rig.runtime.turn(() => jobs.set('a', { size: 1 }));
    expect(jobs.size).to.equal(1);
    await rig.close();
  });

  it('asks `offers` again when state has changed', async () => {
    const shop = new Shop();
    const seen: number[] = [];
    const onOffers = handler('offers', () => void seen.push(shop.jobs.size));
    const rig = await new Rig({ framework: shop, stored: [JOBS], handlers: [onOffers] }).start();
    await rig.runtime.turn(() => shop.jobs.set('a', { size: 1 }));
    await rig.world.advance(100);
    expect(seen).to.deep.equal([0, 1]);
    await rig.close();
  });

  it('migrates values version by version, all of them or none', async () => {
    const store = new MemoryStore();
    await store.transact({
      puts: [
        { key: 'framework/format', value: '1' },
        { key: 'framework/state/jobs', value: '1' },
        { key: 'state/jobs/a', value: '{"size":1}' },
      ],
    });
    const stored: StoredDefinition = {
      ...JOBS,
      version: 3,
      migrations: {
        1: (value) => ({ ...(value as object), unit: 'MiB' }),
        2: (value) => ({ ...(value as object), unit: 'GiB' }),
      },
    };
    const shop = new Shop();
    const rig = await new Rig({ store, framework: shop, stored: [stored] }).start();
    expect(shop.jobs.get('a')).to.deep.equal({ size: 1, unit: 'GiB' });
    expect(store.medium.get('framework/state/jobs')?.value).to.equal('3');
    expect(store.medium.get('state/jobs/a')?.value).to.contain('GiB');
    await rig.close();
  });

  it('says what is wrong with state that it cannot read, and changes nothing', async () => {
    const cases: readonly (readonly [string, string, Partial<StoredDefinition>, string])[] = [
      ['framework/format', '9', {}, 'has the format 9'],
      ['framework/state/jobs', '2', {}, 'reads up to 1'],
      ['framework/state/jobs', 'x', {}, 'not a version'],
      ['state/jobs/a', '{', {}, "'state/jobs/a' is not JSON"],
      ['tasks/T1', '{"id":"T2"}', {}, "'tasks/T1' is not the record of a task"],
      [
        'state/jobs/a',
        '1',
        {
          check: () => {
            throw new Error('no number');
          },
        },
        'no number',
      ],
    ];
    for (const [key, value, more, message] of cases) {
      const store = new MemoryStore();
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await store.transact({ puts: [{ key, value }] });
      const rig = new Rig({ store, stored: [{ ...JOBS, ...more }] });
      rig.run();
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.world.settle();
      expect(rig.outcome).to.include({ code: 'INVALID_STATE' });
      expect(String(rig.outcome)).to.contain(message);
      expect(store.medium.size).to.be.lessThanOrEqual(2);
      expect(store.medium.get(key)?.value).to.equal(value);
    }
  });

  it('names the migration that is missing', async () => {
    const store = new MemoryStore();
    await store.transact({
      puts: [
        { key: 'framework/state/jobs', value: '1' },
        { key: 'state/jobs/a', value: '1' },
      ],
    });
    const rig = new Rig({ store, stored: [{ ...JOBS, version: 2 }] });
    rig.run();
    await rig.world.settle();
    expect(String(rig.outcome)).to.contain('no migration from it');
  });
});

describe('Tasks in the store', () => {
  const onOffers = (count: number): ReturnType<typeof handler> =>
    handler('offers', (offers: Offers) => {
      const spec = task({ name: 'web', cpus: 0.01, memMiB: 1, command: 'true' });
      return offers.isEmpty ? undefined : offers.fit(spec, { count });
    });

  it('are forgotten when too many have ended, the oldest first', async () => {
    const store = new MemoryStore();
    const rig = await new Rig({
      store,
      limits: { maxEndedTasks: 2 },
      handlers: [onOffers(4)],
    }).start();
    await rig.offer(rig.newOffer());
    const ids = rig.runtime.view.tasks.all().map(({ id }) => id);
    for (const id of ids.slice(0, 3)) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await rig.update(id, 'TASK_FINISHED');
    }
    expect(rig.runtime.view.tasks.all().map(({ id }) => id)).to.deep.equal(ids.slice(1));
    expect(await store.list('tasks/')).to.have.length(3);
    await rig.close();
  });

  it('with a key are kept until they are forgotten', async () => {
    const store = new MemoryStore();
    const spec = task({ name: 'job', key: '7', cpus: 0.01, memMiB: 1, command: 'true' });
    const rig = await new Rig({
      store,
      limits: { maxEndedTasks: 0 },
      handlers: [
        handler('offers', (offers: Offers) => (offers.isEmpty ? undefined : offers.fit(spec))),
      ],
    }).start();
    await rig.offer(rig.newOffer());
    const [one] = rig.runtime.view.tasks.all();
    await rig.update(one?.id ?? '', 'TASK_FINISHED');
    expect(rig.runtime.view.tasks.attempts('job', '7')).to.have.length(1);
    await rig.runtime.decide(forget({ id: one?.id ?? '' }));
    expect(rig.runtime.view.tasks.attempts('job', '7')).to.have.length(0);
    expect(await store.list('tasks/')).to.have.length(0);
    await rig.close();
  });
});
