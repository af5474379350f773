/**
 * Removes the sandboxes of finished executors, the sooner the fuller the disk is: those older than
 * `gc_delay × max(0, 1 − headroom − usage)`, looked at every `disk_watch_interval`. End times are in
 * the checkpoint, so that a restart does not prolong anything. The folders above a sandbox go with
 * the last sandbox below them.
 */
import { type ContainerId, type World, errorMessage, type Timers } from '../base/index.js';
import { type Batch, type Checkpoint, KEYS } from './checkpoint.js';
import type { AgentConfig } from './config.js';
import { foldersAbove } from './paths.js';
import type { Sandboxes } from './ports.js';

/** Finished sandboxes that are kept at most; beyond, the oldest goes whatever its age. */
export const MAX_FINISHED_SANDBOXES = 100_000;

interface FinishedSandbox {
  readonly containerId: ContainerId;
  readonly directory: string;
  /** On the clock of elapsed time, which does not jump. */
  readonly endedAtMs: number;
}

export interface SandboxCollectorOptions {
  readonly world: World;
  readonly config: AgentConfig;
  readonly sandboxes: Sandboxes;
  readonly checkpoint: Checkpoint;
  readonly timers: Timers;
}

export class SandboxCollector {
  readonly #options: SandboxCollectorOptions;
  /** In the order in which they ended. */
  readonly #finished = new Map<ContainerId, FinishedSandbox>();
  /** How many sandboxes, finished or in use, are below a folder. */
  readonly #below = new Map<string, number>();
  readonly #removals = new Set<{ readonly folder: string; readonly done: Promise<void> }>();
  #maxAgeMs: number;
  #isWatching = false;

  constructor(options: SandboxCollectorOptions) {
    this.#options = options;
    this.#maxAgeMs = options.config.gcDelayMs * (1 - options.config.gcDiskHeadroom);
  }

  /** Age in milliseconds at which sandboxes were removed when the disk was last looked at. */
  get maxAgeMs(): number {
    return this.#maxAgeMs;
  }

  /** How many finished sandboxes wait for removal. */
  get pending(): number {
    return this.#finished.size;
  }

  /** Whether a sandbox is known to be finished. */
  has(containerId: ContainerId): boolean {
    return this.#finished.has(containerId);
  }

  /** Starts to look at the disk at regular intervals. */
  start(): void {
    const { timers, config } = this.#options;
    timers.every(config.diskWatchIntervalMs, () => void this.#watch());
  }

  /** A sandbox is in use from now on: the folders above it stay. */
  retain(directory: string): void {
    const { executor, framework } = foldersAbove(directory);
    for (const folder of [executor, framework]) {
      this.#below.set(folder, (this.#below.get(folder) ?? 0) + 1);
    }
  }

  /**
   * Resolves when no removal is under way that could take a new sandbox with it; undefined: at once.
   */
  whenSafe(directory: string): Promise<unknown> | undefined {
    const inTheWay = [...this.#removals].filter(({ folder }) => directory.startsWith(`${folder}/`));
    if (inTheWay.length === 0) return undefined;
    return Promise.all(inTheWay.map(({ done }) => done));
  }

  /** A retained sandbox is no longer in use: its end becomes durable with the batch. */
  schedule(batch: Batch, containerId: ContainerId, directory: string): void {
    const { clock } = this.#options.world;
    this.note(batch, containerId, directory);
    this.#add({ containerId, directory, endedAtMs: clock.elapsed() });
  }

  /** Has a restarted agent take the sandbox as ended by now, unless it is scheduled later. */
  note(batch: Batch, containerId: ContainerId, directory: string): void {
    const endedAt = this.#options.world.clock.now() / 1000;
    batch.put(KEYS.sandbox(containerId), 'CheckpointSandbox', { directory, ended_at: endedAt });
  }

  /** Takes over a sandbox that ended before the agent started, at a wall time in seconds. */
  recover(containerId: ContainerId, directory: string, endedAtSeconds: number): void {
    const { clock } = this.#options.world;
    const ageMs = Math.max(0, clock.now() - endedAtSeconds * 1000);
    this.retain(directory);
    this.#add({ containerId, directory, endedAtMs: clock.elapsed() - ageMs });
  }

  #add(sandbox: FinishedSandbox): void {
    this.#finished.set(sandbox.containerId, sandbox);
    if (this.#finished.size <= MAX_FINISHED_SANDBOXES) return;
    const [oldest] = this.#finished.values();
    if (oldest !== undefined) void this.#remove(oldest);
  }

  /** Looks at the disk and removes what is too old. A look that takes long is not doubled. */
  async #watch(): Promise<void> {
    if (this.#isWatching) return;
    this.#isWatching = true;
    const { config, sandboxes, world } = this.#options;
    try {
      const usage = await sandboxes.diskUsage();
      if (!Number.isFinite(usage)) return;
      const part = Math.max(0, 1 - config.gcDiskHeadroom - usage);
      this.#maxAgeMs = config.gcDelayMs * part;
      const bound = world.clock.elapsed() - this.#maxAgeMs;
      const due = [...this.#finished.values()].filter(({ endedAtMs }) => endedAtMs <= bound);
      for (const sandbox of due) await this.#remove(sandbox);
    } catch (error) {
      world.log.warn('the disk could not be looked at', { error: errorMessage(error) });
    } finally {
      this.#isWatching = false;
    }
  }

  async #remove(sandbox: FinishedSandbox): Promise<void> {
    const { checkpoint, timers, world } = this.#options;
    if (timers.isDisposed || !this.#finished.delete(sandbox.containerId)) return;
    const folder = this.#release(sandbox.directory);
    const removal = { folder, done: this.#removeFolder(folder) };
    this.#removals.add(removal);
    await removal.done;
    this.#removals.delete(removal);
    checkpoint.deleteLazily([KEYS.sandbox(sandbox.containerId)]);
    world.log.debug('removed a sandbox', { folder });
  }

  async #removeFolder(folder: string): Promise<void> {
    const { sandboxes, world } = this.#options;
    try {
      await sandboxes.remove(folder);
    } catch (error) {
      world.log.warn('a sandbox could not be removed', { folder, error: errorMessage(error) });
    }
  }

  /** Lets go of a sandbox and returns the highest folder that nothing else is below of. */
  #release(directory: string): string {
    const { executor, framework } = foldersAbove(directory);
    let highest = directory;
    for (const folder of [executor, framework]) {
      const left = (this.#below.get(folder) ?? 1) - 1;
      if (left > 0) {
        this.#below.set(folder, left);
      } else {
        this.#below.delete(folder);
        highest = folder;
      }
    }
    return highest;
  }
}
