/**
 * The durable part of the master's knowledge: admitted, unreachable and gone agents, frameworks and
 * the ids of removed ones, weights, quotas, machines under maintenance. Every write carries the epoch
 * that this master claimed, so that a deposed leader is refused. A write that fails ends the master:
 * it must never go on with state that is not recorded.
 */
import type { MasterInfo } from '../api/index.js';
import { RunSamples } from '../allocator/index.js';
import type { Clock, Store, StoreEntry } from '../base/index.js';
import {
  ROOT,
  type RegistryContents,
  type RegistryPut,
  putMaster,
  readContents,
} from './registry-records.js';

/** Changes that are written together at most; each may hold a thousand records. */
export const MAX_CHANGES_PER_TRANSACTION = 1_000;

/** What a transaction of the registry changes. */
export interface RegistryChange {
  readonly puts?: readonly RegistryPut[];
  readonly deletes?: readonly string[];
}

/** Whom a registry tells. */
export interface RegistryOptions {
  /** To measure how long reads and writes take. */
  readonly clock: Clock;
  /** Called once, when a write or what followed it failed: the master has to stop. */
  readonly onFatal: (error: unknown) => void;
  /** Called after each write, when all that waited for it has happened. */
  readonly onDurable?: () => void;
}

/** The registry of one master. */
export class Registry {
  readonly #store: Store;
  readonly #options: RegistryOptions;
  readonly #storeMs = new RunSamples();
  #fetchMs: number | undefined;
  #epoch: number | undefined;
  #isStopped = false;
  #isWriting = false;
  readonly #waiting: WaitingChange[] = [];

  constructor(store: Store, options: RegistryOptions) {
    this.#store = store;
    this.#options = options;
  }

  /**
   * Takes the registry over from any former master and reads it.
   * @throws PlateauError of the store, or `WORK_DIR_FORMAT` when a newer version has written it.
   */
  async recover(info: MasterInfo): Promise<RegistryContents> {
    const { clock } = this.#options;
    const startedMs = clock.elapsed();
    this.#epoch = await this.#store.claimEpoch();
    const contents = readContents(await this.#store.list(ROOT));
    this.#fetchMs = clock.elapsed() - startedMs;
    await this.#write({ puts: [putMaster(info)] });
    return contents;
  }

  /**
   * Writes, and calls `then` when the change is durable; `then`s run in the order of the commits.
   * Never calls it when the write failed, or when the master was stopped meanwhile. Changes that
   * come while a write is under way are written together by the next one.
   */
  commit(change: RegistryChange, then?: () => void): void {
    if (this.#isStopped) return;
    this.#waiting.push({ change, onDurable: then });
    if (!this.#isWriting) void this.#writeAll();
  }

  /** All records that are durable. */
  async entries(): Promise<readonly StoreEntry[]> {
    return await this.#store.list(ROOT);
  }

  /** Changes that are not durable yet. */
  get pendingChanges(): number {
    return this.#waiting.length;
  }

  /** How long it took to read and to write, and how much waits, under the names of Mesos. */
  figures(): ReadonlyMap<string, number> {
    const figures = new Map([['registrar/queued_operations', this.pendingChanges]]);
    if (this.#fetchMs !== undefined) figures.set('registrar/state_fetch_ms', this.#fetchMs);
    this.#storeMs.write('registrar/state_store_ms', figures);
    return figures;
  }

  async #write(change: RegistryChange): Promise<void> {
    const startedMs = this.#options.clock.elapsed();
    await this.#store.transact({ epoch: this.#epoch, ...change });
    this.#storeMs.add(this.#options.clock.elapsed() - startedMs);
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    try {
      while (this.#waiting.length > 0 && !this.#isStopped) {
        const group = this.#waiting.slice(0, MAX_CHANGES_PER_TRANSACTION);
        // oxlint-disable-next-line no-await-in-loop -- one write at a time keeps them in order
        await this.#write(merged(group));
        this.#waiting.splice(0, group.length);
        for (const { onDurable } of group) if (!this.#isStopped) onDurable?.();
        this.#options.onDurable?.();
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#isWriting = false;
  }

  /** From now on nothing is written and nothing that waits for a write happens. */
  stop(): void {
    this.#isStopped = true;
  }

  #fail(error: unknown): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#options.onFatal(error);
  }
}

interface WaitingChange {
  readonly change: RegistryChange;
  readonly onDurable: (() => void) | undefined;
}

/** One change that does what a list of changes does in order: the last word about a key counts. */
function merged(group: readonly WaitingChange[]): RegistryChange {
  const last = new Map<string, string | undefined>();
  for (const { change } of group) {
    for (const key of change.deletes ?? []) last.set(key, undefined);
    for (const { key, value } of change.puts ?? []) last.set(key, value);
  }
  const puts: RegistryPut[] = [];
  const deletes: string[] = [];
  for (const [key, value] of last) {
    if (value === undefined) deletes.push(key);
    else puts.push({ key, value });
  }
  return { puts, deletes };
}
