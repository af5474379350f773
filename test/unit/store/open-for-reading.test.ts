import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PlateauError } from '../../../core/base/index.js';
import { LmdbStore, openStoreForReading } from '../../../core/store/index.js';

describe('openStoreForReading', () => {
  let folder: string;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'plateau-reading-'));
    const store = new LmdbStore(join(folder, 'db'));
    await store.transact({
      puts: ['b/1', 'a/1', 'a/2', 'b/2'].map((key) => ({ key, value: `of ${key}` })),
    });
    await store.close();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('reads what is there, and changes no record', async () => {
    const data = join(folder, 'db/data.mdb');
    const before = readFileSync(data);
    const reader = openStoreForReading(`lmdb:${folder}/db`);
    expect(await reader.get('a/1')).to.deep.equal({ key: 'a/1', value: 'of a/1', version: 2 });
    expect(await reader.get('c')).to.equal(undefined);
    expect((await reader.list('a/')).map(({ key }) => key)).to.deep.equal(['a/1', 'a/2']);
    expect(await reader.list('')).to.have.length(4);
    await reader.close();
    await reader.close();
    expect(readFileSync(data).equals(before)).to.equal(true);
    const error = await reader.get('a/1').catch((each: unknown) => each);
    expect(error).to.have.property('code', 'STORE_FAILED');
  });

  it('shows one moment while somebody writes', async () => {
    const writer = new LmdbStore(join(folder, 'db'));
    const reader = openStoreForReading(`lmdb:${folder}/db`);
    try {
      await writer.transact({ puts: [{ key: 'a/1', value: 'new' }], deletes: ['a/2'] });
      expect((await reader.get('a/1'))?.value).to.equal('of a/1');
      expect(await reader.list('a/')).to.have.length(2);
      expect((await writer.get('a/1'))?.value).to.equal('new');
    } finally {
      await reader.close();
    }
    await writer.transact({ puts: [{ key: 'a/3', value: 'later' }] });
    const next = openStoreForReading(`lmdb:${folder}/db`);
    expect((await next.list('a/')).map(({ value }) => value)).to.deep.equal(['new', 'later']);
    await next.close();
    await writer.close();
  });

  it('makes no folder where no store is', () => {
    const path = join(folder, 'none');
    expect(() => openStoreForReading(`lmdb:${path}`))
      .to.throw(PlateauError, `there is no store in ${path}`)
      .with.property('code', 'STORE_FAILED');
    expect(existsSync(path)).to.equal(false);
  });

  it('refuses memory, and URLs of no store', () => {
    for (const url of ['memory:', 'x', 'lmdb:']) {
      expect(() => openStoreForReading(url))
        .to.throw(PlateauError)
        .with.property('code', 'INVALID_FLAG');
    }
  });
});
