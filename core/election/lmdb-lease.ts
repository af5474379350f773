/**
 * The lease for copies of a program on one host: a record in an LMDB store in a folder that they
 * share. A holder whose process is gone is replaced at the next poll, one that hangs after the time
 * to live.
 */
import type { Candidacy, Disposable, Lease, LeaseHolder, World } from '../base/index.js';
import { LmdbStore, ownIdentity } from '../store/index.js';
import { StoreLease } from './store-lease.js';

export interface LmdbLeaseOptions {
  readonly world: World;
  /** Folder of the store, made when absent; the same for all candidates. */
  readonly path: string;
  /** Tells several leases in one folder apart; default `leader`. */
  readonly name?: string;
  /** How long a holder that fell silent is believed in; default 10 s. */
  readonly ttlMs?: number;
  /** How often candidates and watchers look; default 200 ms. */
  readonly pollMs?: number;
}

export class LmdbLease implements Lease {
  readonly #store: LmdbStore;
  readonly #lease: StoreLease;

  /** @throws PlateauError `STORE_FAILED` when the store cannot be opened. */
  constructor(options: LmdbLeaseOptions) {
    const { path, name, ...others } = options;
    this.#store = new LmdbStore(path);
    const key = `lease/${name ?? 'leader'}`;
    this.#lease = new StoreLease({ ...others, key, store: this.#store, process: ownIdentity() });
  }

  contend(holder: LeaseHolder): Candidacy {
    return this.#lease.contend(holder);
  }

  watch(listener: (holder: LeaseHolder | undefined) => void): Disposable {
    return this.#lease.watch(listener);
  }

  async close(): Promise<void> {
    await this.#lease.close();
    await this.#store.close();
  }
}
