import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Store } from '../../core/base/index.js';
import { LmdbStore, MemoryMedium, MemoryStore } from '../../core/store/index.js';
import { type StorePlace, describeStore } from './store.contract.js';

/** A place whose stores are closed at its end. */
function placeOf(open: () => Store, cleanUp: () => void): StorePlace {
  const opened: Store[] = [];
  return {
    open() {
      const store = open();
      opened.push(store);
      return store;
    },
    async remove() {
      await Promise.all(opened.map((store) => store.close()));
      cleanUp();
    },
  };
}

describeStore('MemoryStore', () => {
  const medium = new MemoryMedium();
  return placeOf(
    () => new MemoryStore({ medium }),
    () => {},
  );
});

describeStore('LmdbStore', () => {
  const folder = mkdtempSync(join(tmpdir(), 'plateau-store-'));
  return placeOf(
    () => new LmdbStore(join(folder, 'db')),
    () => rmSync(folder, { recursive: true, force: true }),
  );
});
