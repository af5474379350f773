import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Lease, VirtualWorld } from '../../core/base/index.js';
import { StandaloneLease, StoreLease } from '../../core/election/index.js';
import { LmdbStore, MemoryMedium, MemoryStore, ownIdentity } from '../../core/store/index.js';
import { type LeasePlace, describeLease } from './lease.contract.js';

describeLease('StandaloneLease', () => {
  const lease = new StandaloneLease();
  return { open: () => lease, pass: async () => {}, ttlMs: 1000, remove: () => lease.close() };
});

describeLease('StoreLease on virtual time', () => {
  const world = new VirtualWorld();
  const medium = new MemoryMedium();
  const ttlMs = 10_000;
  return {
    ...tracked(
      () => {
        const delayed = { clock: world.clock, commitMs: () => 5 + world.random.below(20) };
        const store = new MemoryStore({ medium, delay: delayed });
        return new StoreLease({ world, store, key: 'lease/x', ttlMs });
      },
      async (closing) => {
        const all = closing();
        await world.advance(ttlMs);
        await all;
      },
    ),
    pass: (durationMs) => world.advance(durationMs),
    ttlMs,
  };
});

describeLease('StoreLease on LMDB', () => {
  const folder = mkdtempSync(join(tmpdir(), 'plateau-lease-'));
  const world = new VirtualWorld();
  const stores: LmdbStore[] = [];
  const ttlMs = 3_000;
  const pollMs = 200;
  // The leases count in virtual time; what they asked of LMDB is really written in each step.
  const settle = async (): Promise<void> => {
    for (const store of stores) await store.transact({ deletes: ['barrier'] });
    await world.settle();
  };
  const pass = async (durationMs: number): Promise<void> => {
    for (let leftMs = durationMs; leftMs > 0; leftMs -= pollMs) {
      await world.advance(Math.min(leftMs, pollMs));
      await settle();
      await settle();
    }
  };
  return {
    ...tracked(
      () => {
        const store = new LmdbStore(join(folder, 'db'));
        stores.push(store);
        const process = ownIdentity();
        return new StoreLease({ world, store, key: 'lease/x', ttlMs, pollMs, process });
      },
      async (closing) => {
        await closing();
        for (const store of stores) await store.close();
        rmSync(folder, { recursive: true, force: true });
      },
    ),
    pass,
    ttlMs,
  };
});

/** Opens leases and closes all of them at the end. */
function tracked(
  open: () => Lease,
  finish: (closing: () => Promise<unknown>) => Promise<void>,
): Pick<LeasePlace, 'open' | 'remove'> {
  const opened: Lease[] = [];
  return {
    open() {
      const lease = open();
      opened.push(lease);
      return lease;
    },
    remove: () => finish(() => Promise.all(opened.map((lease) => lease.close()))),
  };
}
