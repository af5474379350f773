/**
 * The records from which a restarted agent goes on, one per object. A `Batch` gathers what must become
 * durable together and what may be done afterwards: nothing is acted on before it is durable, and
 * actions of batches run in the order of their commits. Deletions that nobody waits for ride along
 * with the next commit: losing them costs no more than a repeat of a task's last status update.
 */
import { type MessageName, encodeJson } from '../api/index.js';
import type { Messages } from '../api/index.js';
import type {
  ContainerId,
  Disposable,
  FrameworkId,
  Store,
  StoreTransaction,
  TaskId,
  Timers,
} from '../base/index.js';

/**
 * Written into the checkpoint; a higher number than this means a layout of a later version. In 1, the
 * record of a task was always as new as its last update.
 */
export const CHECKPOINT_FORMAT = 2;

/** Longest time that a deletion waits for a commit to ride along with. */
export const LAZY_DELETE_DELAY_MS = 1000;

/** Deletions that wait at most. */
export const MAX_LAZY_DELETES = 1024;

/** Names of the records. Ids contain no slash; keys by container stay within the bound of stores. */
export const KEYS = {
  agent: 'agent',
  resources: 'resources',
  destroyedVolumes: 'destroyed-volumes',
  framework: (frameworkId: FrameworkId): string => `frameworks/${frameworkId}`,
  executor: (containerId: ContainerId): string => `executors/${containerId}`,
  task: (containerId: ContainerId, taskId: TaskId): string => `tasks/${containerId}/${taskId}`,
  update: (containerId: ContainerId, taskId: TaskId, number: number): string =>
    `updates/${containerId}/${taskId}/${String(number).padStart(10, '0')}`,
  /** Of a container that the API launched, by the id under which it runs. */
  container: (runId: ContainerId): string => `containers/${runId}`,
  /** Base64 has slashes, which keys keep for themselves. */
  operation: (uuid: string): string =>
    `operations/${uuid.replaceAll('/', '_').replaceAll('+', '-')}`,
  sandbox: (containerId: ContainerId): string => `sandboxes/${containerId}`,
} as const;

/** What becomes durable together, and what follows. Use once. */
export interface Batch {
  /** Writes a record; a later one of the same key in the same batch wins. */
  put<Name extends MessageName>(key: string, name: Name, message: Messages[Name]): void;
  delete(key: string): void;
  /** Calls `action` when the batch is handed to the store: what is committed later comes after it. */
  committing(action: () => void): void;
  /** Calls `action` when the batch is durable, after the actions of all earlier batches. */
  afterwards(action: () => void): void;
  /** Hands the batch to the store. Without records it waits for the earlier ones only. */
  commit(): void;
}

export interface CheckpointOptions {
  readonly store: Store;
  readonly timers: Timers;
  /** Called once when the store refuses: no later action will run. */
  readonly onFailure: (error: unknown) => void;
}

/** The text of a record that is written with the next commit, asked for then; undefined: it is not. */
type LazyRecord = () => string | undefined;

export class Checkpoint {
  readonly #store: Store;
  readonly #timers: Timers;
  readonly #onFailure: (error: unknown) => void;
  /** What to do when they are durable, by key. */
  readonly #lazyDeletes = new Map<string, (() => void) | undefined>();
  readonly #lazyPuts = new Map<string, LazyRecord>();
  #lazyTimer: Disposable | undefined;
  /** Resolves when all that was committed so far is durable and acted on; false after a failure. */
  #tail: Promise<boolean> = Promise.resolve(true);

  constructor(options: CheckpointOptions) {
    this.#store = options.store;
    this.#timers = options.timers;
    this.#onFailure = options.onFailure;
  }

  batch(): Batch {
    const puts = new Map<string, string>();
    const deletes = new Set<string>();
    const actions: (() => void)[] = [];
    const hooks: (() => void)[] = [];
    return {
      put: (key, name, message) => {
        deletes.delete(key);
        puts.set(key, encodeJson(name, message));
      },
      delete: (key) => {
        puts.delete(key);
        deletes.add(key);
      },
      committing: (action) => hooks.push(action),
      afterwards: (action) => actions.push(action),
      commit: () => {
        for (const hook of hooks) hook();
        this.#commit(puts, deletes, actions);
      },
    };
  }

  /**
   * Writes a record in the same commit as the deletions that are asked for next, unless `make` has
   * nothing to write by then. What a later batch does with the key wins, and so does a deletion.
   */
  putLazily<Name extends MessageName>(
    key: string,
    name: Name,
    make: () => Messages[Name] | undefined,
  ): void {
    this.#lazyPuts.set(key, () => {
      const message = make();
      return message && encodeJson(name, message);
    });
  }

  /**
   * Removes records some time soon, and then calls `afterwards` for each. A later `put` of the same
   * key wins.
   */
  deleteLazily(keys: Iterable<string>, afterwards?: (key: string) => void): void {
    for (const key of keys) {
      this.#lazyDeletes.set(key, afterwards && (() => afterwards(key)));
      this.#lazyPuts.delete(key);
    }
    if (this.#lazyDeletes.size >= MAX_LAZY_DELETES) this.#flushLazy();
    if (this.#lazyDeletes.size > 0) {
      this.#lazyTimer ??= this.#timers.after(LAZY_DELETE_DELAY_MS, () => this.#flushLazy());
    }
  }

  /** Waits until everything is durable and acted on, lazy deletions included. */
  async flush(): Promise<void> {
    this.#flushLazy();
    await this.#tail;
  }

  #flushLazy(): void {
    this.#lazyTimer?.dispose();
    this.#lazyTimer = undefined;
    if (this.#lazyDeletes.size > 0) {
      this.#commit(new Map(), new Set(this.#lazyDeletes.keys()), []);
    }
  }

  #commit(puts: Map<string, string>, deletes: Set<string>, actions: readonly (() => void)[]): void {
    const isEmpty = puts.size === 0 && deletes.size === 0;
    const first = isEmpty ? [] : this.#takeLazyInto(puts, deletes);
    const transaction: StoreTransaction = {
      puts: [...puts].map(([key, value]) => ({ key, value })),
      deletes: [...deletes],
    };
    const durable = isEmpty ? Promise.resolve() : this.#store.transact(transaction);
    // The failure is seen below, perhaps later: until then it must not count as unhandled.
    durable.catch(() => {});
    this.#tail = this.#afterDurable(this.#tail, durable, [...first, ...actions]);
  }

  /** Adds what waits for a commit to this one, and returns what follows the deletions. */
  #takeLazyInto(puts: Map<string, string>, deletes: Set<string>): readonly (() => void)[] {
    for (const [key, make] of this.#lazyPuts) {
      const value = puts.has(key) || deletes.has(key) ? undefined : make();
      if (value !== undefined) puts.set(key, value);
    }
    this.#lazyPuts.clear();
    const actions = [...this.#lazyDeletes.values()].filter((action) => action !== undefined);
    for (const key of this.#lazyDeletes.keys()) if (!puts.has(key)) deletes.add(key);
    this.#lazyDeletes.clear();
    return actions;
  }

  async #afterDurable(
    earlier: Promise<boolean>,
    durable: Promise<void>,
    actions: readonly (() => void)[],
  ): Promise<boolean> {
    if (!(await earlier)) return false;
    try {
      await durable;
      for (const action of actions) action();
      return true;
    } catch (error) {
      this.#onFailure(error);
      return false;
    }
  }
}
