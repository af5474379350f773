/**
 * Keeps a lease that is held: rewrites the record every quarter of the time to live, so that two
 * failures in a row are survived, and tells when it is lost: somebody else's record is there, or no
 * renewal succeeded in time.
 */
import {
  type Disposable,
  DisposableStore,
  PlateauError,
  type Store,
  type World,
  errorMessage,
} from '../base/index.js';
import { parseLeaseRecord } from './lease-record.js';

export interface LeaseKeeperOptions {
  readonly world: World;
  readonly store: Store;
  readonly key: string;
  readonly ttlMs: number;
  /** The text of the holder's record. */
  readonly value: string;
  readonly token: string;
  /** When the write that took the lease was asked for, by `world.clock.elapsed`. */
  readonly askedMs: number;
  /** Called once, when the lease is lost; not when it is given back. */
  readonly onLost: (reason: string) => void;
}

/** A lease is renewed this often within its time to live. */
const RENEWALS_PER_TTL = 4;

export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #timers = new DisposableStore();
  #deadline: Disposable | undefined;
  #heldSinceMs: number;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#heldSinceMs = options.askedMs;
  }

  /** Starts to renew. */
  start(): void {
    this.#armDeadline();
    this.#armRenewal();
  }

  /** Stops, and removes the record if it is still the holder's. Never rejects. */
  async giveBack(): Promise<void> {
    this.#timers.dispose();
    const { store, key, world } = this.#options;
    try {
      const version = await this.#ownVersion();
      if (version === undefined) return;
      await store.transact({ checks: [{ key, version }], deletes: [key] });
    } catch (error) {
      // It expires by itself.
      world.log.warn('the lease cannot be given back', { error: errorMessage(error) });
    }
  }

  #armDeadline(): void {
    const { world, ttlMs } = this.#options;
    if (this.#deadline !== undefined) this.#timers.release(this.#deadline);
    const leftMs = this.#heldSinceMs + ttlMs - world.clock.elapsed();
    this.#deadline = this.#timers.add(
      world.clock.setTimer(leftMs, () => this.#lose('it could not be renewed in time')),
    );
  }

  #armRenewal(): void {
    const { world, ttlMs } = this.#options;
    const timer = this.#timers.add(
      world.clock.setTimer(ttlMs / RENEWALS_PER_TTL, () => {
        this.#timers.release(timer);
        void this.#renew();
      }),
    );
  }

  async #renew(): Promise<void> {
    const { world, store, key, value } = this.#options;
    const askedMs = world.clock.elapsed();
    try {
      const version = await this.#ownVersion();
      if (this.#timers.isDisposed) return;
      if (version === undefined) {
        this.#lose('somebody else took it');
        return;
      }
      await store.transact({ checks: [{ key, version }], puts: [{ key, value }] });
      this.#heldSinceMs = askedMs;
      this.#armDeadline();
    } catch (error) {
      if (error instanceof PlateauError && error.code === 'STORE_CONFLICT') {
        this.#lose('somebody else took it');
        return;
      }
      world.log.warn('the lease cannot be renewed', { error: errorMessage(error) });
    }
    this.#armRenewal();
  }

  /** The version of the record while it is the holder's. */
  async #ownVersion(): Promise<number | undefined> {
    const { store, key, token } = this.#options;
    const entry = await store.get(key);
    if (entry === undefined) return undefined;
    return parseLeaseRecord(entry.value)?.token === token ? entry.version : undefined;
  }

  #lose(reason: string): void {
    if (this.#timers.isDisposed) return;
    this.#timers.dispose();
    this.#options.onLost(reason);
  }
}
