/** What every `Store` has to do. Each implementation runs this suite in `store.test.ts`. */
import { expect } from 'chai';
import { type Store, PlateauError, at } from '../../core/base/index.js';

/** One place to store in, which several stores may open, at the same time or one after another. */
export interface StorePlace {
  /** Opens a store on the same records each time. */
  open(): Store;
  /** Closes what was opened and removes all traces. */
  remove(): Promise<void>;
}

/** Declares the suite for an implementation. */
export function describeStore(name: string, makePlace: () => StorePlace): void {
  describe(`${name} as a Store`, () => {
    let place: StorePlace;
    let store: Store;

    beforeEach(() => {
      place = makePlace();
      store = place.open();
    });
    afterEach(() => place.remove());

    describeReading(() => store);
    describeVersions(() => store);
    describeTransactions(() => store);
    describeLimits(() => store);
    describeEpochs(
      () => store,
      () => place.open(),
    );
    describeSharing(
      () => store,
      () => place.open(),
    );
  });
}

function describeReading(store: () => Store): void {
  it('has nothing at first', async () => {
    expect(await store().get('a')).to.equal(undefined);
    expect(await store().list('')).to.deep.equal([]);
  });

  it('returns what was put, also empty and non-ASCII texts', async () => {
    const values = { a: 'one', 'b/empty': '', 'c/ü/😀': 'Grüße 😀 "\\\u0000' };
    await store().transact({
      puts: Object.entries(values).map(([key, value]) => ({ key, value })),
    });
    for (const [key, value] of Object.entries(values)) {
      const entry = await store().get(key);
      expect(entry?.key).to.equal(key);
      expect(entry?.value).to.equal(value);
    }
  });

  it('lists by prefix in the order of the bytes of the keys', async () => {
    // In UTF-16 units the surrogates of 😀 come before U+FF5E, in UTF-8 bytes after it.
    const keys = ['t/b', 't/a/1', 't/a', 't/a0', 't/a-', 't', 'u', 't/\uff5e', 't/😀', 's/z'];
    await store().transact({ puts: keys.map((key) => ({ key, value: `of ${key}` })) });
    const entries = await store().list('t/');
    expect(entries.map((entry) => entry.key)).to.deep.equal([
      't/a',
      't/a-',
      't/a/1',
      't/a0',
      't/b',
      't/\uff5e',
      't/😀',
    ]);
    expect(entries.map((entry) => entry.value)).to.deep.equal(
      entries.map((entry) => `of ${entry.key}`),
    );
    expect(await store().list('')).to.have.length(keys.length);
    expect(await store().list('nothing')).to.deep.equal([]);
  });

  it('lists the same versions as it gets', async () => {
    await store().transact({ puts: ['x', 'y', 'z'].map((key) => ({ key, value: key })) });
    for (const entry of await store().list('')) {
      expect(await store().get(entry.key)).to.deep.equal(entry);
    }
  });
}

function describeVersions(store: () => Store): void {
  it('changes the version with each write, also of the same value', async () => {
    const seen = new Set<number>();
    for (let write = 0; write < 5; write++) {
      await store().transact({ puts: [{ key: 'k', value: 'same' }] });
      seen.add(await versionOf(store(), 'k'));
    }
    expect(seen.size).to.equal(5);
    expect(Math.min(...seen)).to.be.greaterThan(0);
  });

  it('never uses a version again when a key is removed and made anew', async () => {
    const seen: number[] = [];
    for (let round = 0; round < 5; round++) {
      await store().transact({ puts: [{ key: 'k', value: 'v' }] });
      seen.push(await versionOf(store(), 'k'));
      await store().transact({ deletes: ['k'] });
    }
    expect(new Set(seen).size).to.equal(5);
    await store().transact({ puts: [{ key: 'k', value: 'v' }] });
    const stale = store().transact({ checks: [{ key: 'k', version: at(seen, 0) }] });
    await expectCode(stale, 'STORE_CONFLICT');
  });

  it('keeps the version of records that others are written beside', async () => {
    await store().transact({ puts: [{ key: 'a', value: '1' }] });
    const before = await store().get('a');
    await store().transact({ puts: [{ key: 'b', value: '1' }], deletes: ['c'] });
    expect(await store().get('a')).to.deep.equal(before);
  });
}

function describeTransactions(store: () => Store): void {
  it('applies puts and deletes together', async () => {
    await store().transact({ puts: [{ key: 'a', value: '1' }] });
    await store().transact({ puts: [{ key: 'b', value: '2' }], deletes: ['a', 'never there'] });
    expect((await store().list('')).map((entry) => entry.key)).to.deep.equal(['b']);
  });

  it('changes nothing when one of several checks fails, and names the key', async () => {
    await store().transact({ puts: [{ key: 'a', value: '1' }] });
    const version = await versionOf(store(), 'a');
    const refused = store().transact({
      checks: [
        { key: 'a', version },
        { key: 'b', version: 7 },
      ],
      puts: [{ key: 'a', value: '2' }],
      deletes: ['a'],
    });
    const error = await expectCode(refused, 'STORE_CONFLICT');
    expect(error.message).to.contain("'b'");
    expect(await store().get('a')).to.deep.equal({ key: 'a', value: '1', version });
  });

  it('takes version 0 in a check for absence', async () => {
    const create = { checks: [{ key: 'a', version: 0 }], puts: [{ key: 'a', value: '1' }] };
    await store().transact(create);
    await expectCode(store().transact(create), 'STORE_CONFLICT');
  });

  it('applies what one caller asked for in that order', async () => {
    const writes = Array.from({ length: 500 }, (_, index) =>
      store().transact({ puts: [{ key: 'k', value: String(index) }] }),
    );
    await Promise.all(writes);
    expect((await store().get('k'))?.value).to.equal('499');
  });

  it('resolves in the order of the calls', async () => {
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        await store().transact({ puts: [{ key: `k${index}`, value: '' }] });
        order.push(index);
      }),
    );
    expect(order).to.deep.equal(Array.from({ length: 50 }, (_, index) => index));
  });

  it('lets a refused transaction not disturb those before and after it', async () => {
    const first = store().transact({ puts: [{ key: 'a', value: '1' }] });
    const refused = store().transact({
      checks: [{ key: 'a', version: 999_999 }],
      puts: [{ key: 'x', value: 'never' }],
    });
    const last = store().transact({ puts: [{ key: 'b', value: '2' }] });
    await first;
    await expectCode(refused, 'STORE_CONFLICT');
    await last;
    expect((await store().list('')).map((entry) => entry.key)).to.deep.equal(['a', 'b']);
  });

  it('shows what a resolved transaction has written at once', async () => {
    for (let round = 0; round < 20; round++) {
      await store().transact({ puts: [{ key: 'k', value: String(round) }] });
      expect((await store().get('k'))?.value).to.equal(String(round));
    }
  });

  it('finishes what is pending when it is closed, and then refuses', async () => {
    const pending = [1, 2, 3].map((number) =>
      store().transact({ puts: [{ key: `k${number}`, value: '' }] }),
    );
    await store().close();
    await Promise.all(pending);
    await expectCode(store().transact({ puts: [{ key: 'k', value: '' }] }), 'STORE_FAILED');
    await expectCode(store().get('k'), 'STORE_FAILED');
  });
}

function describeLimits(store: () => Store): void {
  it('takes keys of 512 bytes and values of 1 MiB', async () => {
    const key = 'ü'.repeat(256);
    const value = 'v'.repeat(1024 * 1024);
    await store().transact({ puts: [{ key, value }] });
    expect((await store().get(key))?.value).to.equal(value);
  });

  it('refuses keys and values beyond the limits, and what is not Unicode', async () => {
    const refused = [
      { key: '', value: '' },
      { key: 'k'.repeat(513), value: '' },
      { key: `${'ü'.repeat(256)}k`, value: '' },
      { key: 'big', value: 'v'.repeat(1024 * 1024 + 1) },
      { key: 'wide', value: 'ü'.repeat(600_000) },
      { key: 'half', value: 'a \ud83d b' },
      { key: 'half \udc00', value: '' },
    ];
    for (const put of refused) {
      await expectCode(store().transact({ puts: [put] }), 'STORE_FAILED');
    }
    expect(await store().list('')).to.deep.equal([]);
  });
}

function describeEpochs(store: () => Store, reopen: () => Store): void {
  it('counts epochs up from 1', async () => {
    expect(await store().claimEpoch()).to.equal(1);
    expect(await store().claimEpoch()).to.equal(2);
  });

  it('refuses writes of lower epochs and changes nothing', async () => {
    const epoch = await store().claimEpoch();
    await store().transact({ epoch, puts: [{ key: 'k', value: 'first' }] });
    const newer = await store().claimEpoch();
    await expectCode(store().transact({ epoch, puts: [{ key: 'k', value: 'x' }] }), 'FENCED');
    expect((await store().get('k'))?.value).to.equal('first');
    await store().transact({ epoch: newer, puts: [{ key: 'k', value: 'second' }] });
    expect((await store().get('k'))?.value).to.equal('second');
  });

  it('fences the writes of another store on the same records', async () => {
    const old = await store().claimEpoch();
    const other = reopen();
    expect(await other.claimEpoch()).to.equal(old + 1);
    const late = store().transact({ epoch: old, puts: [{ key: 'k', value: 'late' }] });
    await expectCode(late, 'FENCED');
    expect(await other.get('k')).to.equal(undefined);
  });

  it('fences what was queued behind a claim', async () => {
    const old = await store().claimEpoch();
    const claim = store().claimEpoch();
    const late = store().transact({ epoch: old, puts: [{ key: 'k', value: 'late' }] });
    expect(await claim).to.equal(old + 1);
    await expectCode(late, 'FENCED');
  });
}

function describeSharing(store: () => Store, reopen: () => Store): void {
  it('keeps records, versions and epoch when it is closed and opened again', async () => {
    await store().claimEpoch();
    await store().transact({ puts: ['a', 'b'].map((key) => ({ key, value: `${key} value` })) });
    const before = await store().list('');
    await store().close();
    const again = reopen();
    expect(await again.list('')).to.deep.equal(before);
    expect(await again.claimEpoch()).to.equal(2);
    await again.transact({ puts: [{ key: 'c', value: '' }] });
    const versions = (await again.list('')).map((entry) => entry.version);
    expect(new Set(versions).size).to.equal(3);
  });

  it('shows what another store on the same records has written', async () => {
    const other = reopen();
    for (let round = 0; round < 20; round++) {
      await other.transact({ puts: [{ key: 'k', value: String(round) }] });
      expect((await store().get('k'))?.value).to.equal(String(round));
    }
  });

  it('lets concurrent increments by compare-and-set lose none', async () => {
    const stores = [store(), reopen(), reopen()];
    await Promise.all(stores.map((each) => increment(each, 20)));
    expect((await store().get('counter'))?.value).to.equal('60');
  });
}

async function increment(store: Store, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const entry = await store.get('counter');
    const value = String(Number(entry?.value ?? '0') + 1);
    try {
      await store.transact({
        checks: [{ key: 'counter', version: entry?.version ?? 0 }],
        puts: [{ key: 'counter', value }],
      });
      done += 1;
    } catch (error) {
      if (!(error instanceof PlateauError) || error.code !== 'STORE_CONFLICT') throw error;
    }
  }
}

async function versionOf(store: Store, key: string): Promise<number> {
  return (await store.get(key))?.version ?? 0;
}

async function expectCode(promise: Promise<unknown>, code: string): Promise<PlateauError> {
  try {
    await promise;
  } catch (error) {
    expect(error).to.be.instanceOf(PlateauError);
    expect((error as PlateauError).code).to.equal(code);
    return error as PlateauError;
  }
  throw new Error(`nothing was refused, wanted ${code}`);
}
