/**
 * A lease on any store with compare-and-set. The holder rewrites its record every quarter of the time
 * to live; a candidate that has seen no rewrite for the whole of it, by its own clock, or that knows
 * the holder's process to be gone, takes the record over under the version that it saw.
 *
 * The holder counts from before a renewal was asked for, a candidate from after it saw the result:
 * so the holder always gives up first, unless its process was stopped in between. That is why who
 * leads also writes with an epoch (see `Lease`).
 */
import {
  type Candidacy,
  type Disposable,
  DisposableStore,
  type Lease,
  type LeaseHolder,
  type Store,
  type StoreEntry,
  type World,
  errorMessage,
  setRepeatingTimer,
  toDisposable,
} from '../base/index.js';
import { type ProcessIdentity, isRunning } from '../store/index.js';
import { CandidacyState } from './candidacy.js';
import { LeaseKeeper } from './lease-keeper.js';
import { type LeaseRecord, formatLeaseRecord, parseLeaseRecord } from './lease-record.js';

export interface StoreLeaseOptions {
  readonly world: World;
  /** Shared by all candidates. Stays open; `close` leaves it to its owner. */
  readonly store: Store;
  /** The key of the record, such as `lease/master`. */
  readonly key: string;
  /** How long a holder that fell silent is believed in; default 10 s. */
  readonly ttlMs?: number;
  /** How often candidates and watchers look; default 200 ms. */
  readonly pollMs?: number;
  /** The process of this candidate, when the store is of one host. */
  readonly process?: ProcessIdentity | undefined;
}

export const DEFAULT_LEASE_TTL_MS = 10_000;
export const DEFAULT_LEASE_POLL_MS = 200;

type Watcher = (holder: LeaseHolder | undefined) => void;

/** What was seen of the record, and since when. */
interface Sighting {
  readonly version: number;
  readonly sinceMs: number;
  readonly record: LeaseRecord | undefined;
}

export class StoreLease implements Lease {
  readonly #options: Required<Omit<StoreLeaseOptions, 'process'>> & {
    readonly process: ProcessIdentity | undefined;
  };
  readonly #owned = new DisposableStore();
  readonly #watchers = new Set<Watcher>();
  readonly #waiting = new Map<CandidacyState, LeaseRecord>();
  readonly #keepers = new Map<CandidacyState, LeaseKeeper>();
  #sighting: Sighting | undefined;
  #isPolling = false;
  #hasPolls = false;

  constructor(options: StoreLeaseOptions) {
    this.#options = {
      ...options,
      ttlMs: options.ttlMs ?? DEFAULT_LEASE_TTL_MS,
      pollMs: options.pollMs ?? DEFAULT_LEASE_POLL_MS,
      process: options.process,
    };
  }

  contend(holder: LeaseHolder): Candidacy {
    const { world, process } = this.#options;
    const token = world.ids.uuid();
    const candidacy: CandidacyState = new CandidacyState(holder, () => this.#resign(candidacy));
    if (this.#owned.isDisposed) {
      candidacy.end('the lease is closed');
      return candidacy;
    }
    this.#waiting.set(candidacy, { id: holder.id, info: holder.info, token, process });
    this.#pollSoon();
    return candidacy;
  }

  watch(listener: Watcher): Disposable {
    this.#watchers.add(listener);
    if (this.#sighting !== undefined) listener(this.#sighting.record);
    this.#pollSoon();
    return toDisposable(() => this.#watchers.delete(listener));
  }

  async close(): Promise<void> {
    this.#watchers.clear();
    this.#owned.dispose();
    const candidacies = [...this.#waiting.keys(), ...this.#keepers.keys()];
    await Promise.all(candidacies.map((candidacy) => candidacy.resign()));
  }

  #pollSoon(): void {
    if (this.#owned.isDisposed) return;
    const { world, pollMs } = this.#options;
    if (!this.#hasPolls) {
      this.#hasPolls = true;
      this.#owned.add(setRepeatingTimer(world.clock, pollMs, () => void this.#poll()));
    }
    void this.#poll();
  }

  /** One look at the record. Never rejects: a store that fails now may answer at the next poll. */
  async #poll(): Promise<void> {
    if (this.#isPolling || this.#owned.isDisposed) return;
    this.#isPolling = true;
    try {
      const { store, key } = this.#options;
      this.#see(await store.get(key));
      for (const [candidacy, record] of this.#waiting) {
        if (this.#isFree()) await this.#take(candidacy, record);
      }
    } catch (error) {
      this.#options.world.log.warn('the lease cannot be read', { error: errorMessage(error) });
    } finally {
      this.#isPolling = false;
    }
  }

  #see(entry: StoreEntry | undefined): void {
    const before = this.#sighting;
    const version = entry?.version ?? 0;
    if (before?.version === version) return;
    const record = entry === undefined ? undefined : parseLeaseRecord(entry.value);
    this.#sighting = { version, sinceMs: this.#options.world.clock.elapsed(), record };
    if (before !== undefined && before.record?.token === record?.token) return;
    for (const watcher of this.#watchers) watcher(record && { id: record.id, info: record.info });
  }

  #isFree(): boolean {
    const { world, ttlMs } = this.#options;
    const seen = this.#sighting;
    if (seen === undefined) return false;
    if (seen.record === undefined) return true;
    if (seen.record.process !== undefined && !isRunning(seen.record.process)) return true;
    return world.clock.elapsed() - seen.sinceMs >= ttlMs;
  }

  /** Tries to become the holder under the version that was seen. */
  async #take(candidacy: CandidacyState, record: LeaseRecord): Promise<void> {
    const { store, key, world, ttlMs } = this.#options;
    const askedMs = world.clock.elapsed();
    const value = formatLeaseRecord(record);
    try {
      await store.transact({
        checks: [{ key, version: this.#sighting?.version ?? 0 }],
        puts: [{ key, value }],
      });
    } catch {
      // Another candidate was faster, or the store fails: the next poll shows.
      return;
    }
    const keeper = new LeaseKeeper({
      world,
      store,
      key,
      ttlMs,
      value,
      token: record.token,
      askedMs,
      onLost: (reason) => {
        this.#keepers.delete(candidacy);
        candidacy.end(reason);
      },
    });
    if (!this.#waiting.delete(candidacy)) {
      // It resigned while the write was under way.
      await keeper.giveBack();
      return;
    }
    this.#keepers.set(candidacy, keeper);
    this.#see(await store.get(key));
    keeper.start();
    if (this.#keepers.has(candidacy)) candidacy.win();
  }

  async #resign(candidacy: CandidacyState): Promise<void> {
    this.#waiting.delete(candidacy);
    const keeper = this.#keepers.get(candidacy);
    this.#keepers.delete(candidacy);
    candidacy.end('resigned');
    await keeper?.giveBack();
    if (keeper !== undefined) await this.#poll();
  }
}
