import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PlateauError } from '../../../core/base/index.js';
import { LmdbStore, MemoryStore, openStore } from '../../../core/store/index.js';

describe('openStore', () => {
  it('opens a memory store', () => {
    expect(openStore('memory:')).to.be.instanceOf(MemoryStore);
  });

  it('opens an LMDB store in the folder of the URL', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plateau-open-'));
    try {
      for (const url of [`lmdb:${folder}/one`, `lmdb://${folder}/two.state`]) {
        const store = openStore(url);
        expect(store).to.be.instanceOf(LmdbStore);
        await store.transact({ puts: [{ key: 'k', value: url }] });
        await store.close();
        const again = openStore(url);
        expect((await again.get('k'))?.value).to.equal(url);
        await again.close();
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  for (const url of ['', 'redis://host', 'lmdb', 'lmdb:', 'memory:x', './state']) {
    it(`refuses '${url}' and says what is possible`, () => {
      expect(() => openStore(url))
        .to.throw(PlateauError, /memory: or lmdb:/)
        .with.property('code', 'INVALID_FLAG');
    });
  }

  it('says so when the folder cannot be made', () => {
    expect(() => openStore(`lmdb:${process.execPath}/here`))
      .to.throw(PlateauError, /cannot be opened/)
      .with.property('code', 'STORE_FAILED');
  });
});
