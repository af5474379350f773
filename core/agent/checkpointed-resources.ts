/**
 * What the master has the agent remember: dynamic reservations and persistent volumes. Owns their
 * record, the sum of all that the agent has, and the order in which folders of volumes come and go: a
 * folder is made before its volume is on record, and is removed only after the volume is off it. What
 * was to be removed is on record until it is, so that a restart finishes it.
 */
import type { Resource } from '../api/index.js';
import { PlateauError, type Timers, type World, errorMessage } from '../base/index.js';
import {
  type ResourceItem,
  Resources,
  isDynamicallyReserved,
  persistentVolumes,
  withoutVolumes,
} from '../resources/index.js';
import { type Batch, type Checkpoint, KEYS } from './checkpoint.js';
import type { AgentConfig } from './config.js';
import { MAX_INFO_CHARS, sizeFault } from './limits.js';
import type { OperationOrder, OperationOutcome, Operations } from './operations.js';
import { volumeDirectory, volumeRoot } from './paths.js';
import type { ContainerVolume, Volumes } from './ports.js';
import { totalResources } from './reconfiguration.js';
import type { AgentState } from './state.js';

/** Messages of the master that wait for folders of earlier ones; beyond, the newest two become one. */
export const MAX_WAITING_RESOURCES = 1_000;

export interface CheckpointedResourcesOptions {
  readonly world: World;
  readonly config: AgentConfig;
  readonly timers: Timers;
  readonly checkpoint: Checkpoint;
  readonly state: AgentState;
  readonly volumes: Volumes;
  readonly operations: Operations;
}

/** What the master wants remembered from now on, and the operations that led to it. */
interface Wanted {
  readonly resources: readonly Resource[];
  readonly orders: readonly OperationOrder[];
}

/** A volume by its folder. */
type VolumesByFolder = ReadonlyMap<string, Resources>;

export class CheckpointedResources {
  readonly #options: CheckpointedResourcesOptions;
  readonly #waiting: Wanted[] = [];
  #working: Promise<void> | undefined;
  /** Volumes that are off the record and whose folders are not out of the way yet. */
  #leaving = new Map<string, Resources>();
  #total: Resources;

  constructor(options: CheckpointedResourcesOptions) {
    this.#options = options;
    this.#total = totalResources(options.config.resources, []);
  }

  /** All that the agent has, with dynamic reservations and volumes. */
  get total(): Resources {
    return this.#total;
  }

  /**
   * Takes over what is on record, and finishes what was to be removed.
   * @throws PlateauError `INVALID_FLAG` when the agent has less than what was reserved on it.
   */
  recover(leaving: readonly Resource[]): void {
    const { config, state } = this.#options;
    this.#total = totalResources(config.resources, state.checkpointedResources);
    this.#leaving = new Map(this.#volumesOf(leaving));
    this.#working = this.#work(() => this.#finishRemovals()).finally(() => this.#idle());
    // Whatever a former life discarded may be there still.
    if (leaving.length === 0) void this.#sweep();
  }

  /**
   * Takes what the master wants remembered. It counts once it is on its way to the record. With an
   * `order`, what becomes of that operation is on record together with it.
   */
  apply(resources: readonly Resource[], order?: OperationOrder): void {
    if (order !== undefined && !this.#options.operations.begin(order)) return;
    const isFull = this.#waiting.length >= MAX_WAITING_RESOURCES;
    const earlier = isFull ? (this.#waiting.pop()?.orders ?? []) : [];
    this.#waiting.push({ resources, orders: order === undefined ? earlier : [...earlier, order] });
    this.#working ??= this.#work().finally(() => this.#idle());
  }

  /** The volumes among the resources of a task or executor, as its container needs them. */
  mountsOf(resources: Resources): readonly ContainerVolume[] {
    const { workDir } = this.#options.config;
    return persistentVolumes(resources).items.map((item) => ({
      id: item.disk?.persistence?.id ?? '',
      source: volumeDirectory(workDir, item),
      containerPath: item.disk?.volume?.container_path ?? '',
    }));
  }

  /**
   * Waits until everything that the master has asked for so far is done. Resolves to the reason why
   * one of the volumes cannot be used, or undefined.
   */
  async whenReady(volumes: readonly ContainerVolume[]): Promise<string | undefined> {
    if (volumes.length === 0) return undefined;
    // oxlint-disable-next-line no-await-in-loop -- more may have been asked for meanwhile
    while (this.#working !== undefined) await this.#working;
    const here = this.#volumesOf(this.#options.state.checkpointedResources);
    const missing = volumes.find(({ source }) => !here.has(source));
    if (missing === undefined) return undefined;
    return `the persistent volume '${missing.id}' is not on this agent, or could not be made`;
  }

  #idle(): void {
    this.#working = undefined;
    if (this.#waiting.length > 0) this.#working = this.#work().finally(() => this.#idle());
  }

  async #work(first?: () => Promise<void>): Promise<void> {
    const { timers, world } = this.#options;
    if (first !== undefined) await first();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (timers.isDisposed) return;
      try {
        // oxlint-disable-next-line no-await-in-loop -- each list is the successor of the one before
        await this.#take(next);
      } catch (error) {
        const message = errorMessage(error);
        world.log.error('reservations of the master cannot be kept', { error: message });
        this.#drop(next.orders, message);
      }
    }
  }

  /** Tells that nothing was done. */
  #drop(orders: readonly OperationOrder[], message: string): void {
    const batch = this.#options.checkpoint.batch();
    for (const order of orders) {
      this.#options.operations.finish(batch, order, { state: 'OPERATION_DROPPED', message });
    }
    batch.commit();
  }

  async #take({ resources: wanted, orders }: Wanted): Promise<void> {
    const { config, state, timers } = this.#options;
    const fault = sizeFault('CheckpointResources', { resources: wanted }, MAX_INFO_CHARS);
    if (fault !== undefined) throw new PlateauError('INVALID_RESOURCES', fault);
    const total = totalResources(config.resources, wanted);
    const here = this.#volumesOf(state.checkpointedResources);
    const next = this.#volumesOf(wanted);
    const made = [...next].filter(([folder]) => !here.has(folder));
    // Without a folder to make, what the master sends next must not overtake the record.
    const failed = made.length === 0 ? Resources.EMPTY : await this.#make(made);
    if (timers.isDisposed) return;
    const failedFolders = new Set(failed.items.map((item) => this.#folderOf(item)));
    for (const folder of next.keys()) {
      if (!failedFolders.has(folder)) this.#leaving.delete(folder);
    }
    const gone = [...here].filter(([folder]) => !next.has(folder));
    for (const [folder, volume] of gone) this.#leaving.set(folder, volume);
    const outcomes = orders.map((order) => [order, this.#outcomeOf(order, failedFolders)] as const);
    const [kept, sum] = failed.isEmpty ? [wanted, total] : this.#without(wanted, failed);
    this.#record(kept, sum, (batch) => {
      for (const [order, outcome] of outcomes) {
        this.#options.operations.finish(batch, order, outcome);
      }
    });
    if (gone.length === 0) return;
    await this.#durable();
    if (!timers.isDisposed) await this.#finishRemovals();
  }

  /** Makes folders, one after the other; returns the volumes that have none. */
  async #make(made: readonly (readonly [string, Resources])[]): Promise<Resources> {
    const { volumes, world } = this.#options;
    let failed = Resources.EMPTY;
    for (const [folder, volume] of made) {
      const place = { root: this.#rootOf(volume), folder };
      try {
        // What a former volume left, because it could not be removed, must not be in the new one.
        // oxlint-disable-next-line no-await-in-loop -- they share parents
        if (this.#leaving.has(folder)) await volumes.discard(place);
        // oxlint-disable-next-line no-await-in-loop
        await volumes.make(place);
      } catch (error) {
        failed = failed.plus(volume);
        const what = 'a persistent volume could not be made: tasks that use it will fail';
        world.log.error(what, { folder, error: errorMessage(error) });
      }
    }
    return failed;
  }

  /** What is kept when some volumes have no folder: they stay the disks that they were. */
  #without(wanted: readonly Resource[], failed: Resources): [readonly Resource[], Resources] {
    const all = Resources.fromWire(wanted);
    const disks = withoutVolumes(failed).filter(isDynamicallyReserved);
    const kept = all.minus(failed).plus(disks).toWire();
    return [kept, totalResources(this.#options.config.resources, kept)];
  }

  /** Puts the state as it is to be, with what is to be removed, on record in one step. */
  #record(
    resources: readonly Resource[],
    total: Resources,
    alongside: (batch: Batch) => void,
  ): void {
    const { checkpoint, state } = this.#options;
    state.checkpointedResources = resources;
    this.#total = total;
    const batch = checkpoint.batch();
    batch.put(KEYS.resources, 'CheckpointResources', { resources });
    this.#recordLeaving(batch);
    alongside(batch);
    batch.commit();
  }

  /** An operation has failed when it was to make a volume that has no folder. */
  #outcomeOf(
    { operation: { info } }: OperationOrder,
    failedFolders: ReadonlySet<string>,
  ): OperationOutcome {
    const folders = [...this.#volumesOf(info.create?.volumes ?? []).keys()];
    const missing = folders.find((folder) => failedFolders.has(folder));
    if (missing === undefined) return { state: 'OPERATION_FINISHED' };
    const message =
      `the folder ${missing} of the volume could not be made, and tasks that use it will fail: ` +
      'DESTROY it, or have the operator see to the disk';
    return { state: 'OPERATION_FAILED', message };
  }

  #recordLeaving(batch: Batch): void {
    const resources = Resources.sum(this.#leaving.values()).toWire();
    if (resources.length === 0) batch.delete(KEYS.destroyedVolumes);
    else batch.put(KEYS.destroyedVolumes, 'CheckpointResources', { resources });
  }

  /** Resolves when all that was committed so far is durable; never after a failure of the store. */
  #durable(): Promise<void> {
    return new Promise((resolve) => {
      const batch = this.#options.checkpoint.batch();
      batch.afterwards(resolve);
      batch.commit();
    });
  }

  /**
   * Gets the folders of destroyed volumes out of the way and notes that; what is in them goes
   * meanwhile, or after the next start. What cannot be moved is tried again then.
   */
  async #finishRemovals(): Promise<void> {
    const { checkpoint, timers, volumes, world } = this.#options;
    if (this.#leaving.size === 0) return;
    for (const [folder, volume] of this.#leaving) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- a few renames
        await volumes.discard({ root: this.#rootOf(volume), folder });
        this.#leaving.delete(folder);
      } catch (error) {
        const what = 'a destroyed volume could not be removed';
        world.log.error(what, { folder, error: errorMessage(error) });
      }
    }
    if (timers.isDisposed) return;
    const batch = checkpoint.batch();
    this.#recordLeaving(batch);
    batch.commit();
    void this.#sweep();
  }

  /** Removes what was discarded, on every disk of the agent that volumes have folders on. */
  async #sweep(): Promise<void> {
    const { config, volumes, world } = this.#options;
    const items = Resources.fromWire(config.resources).items.filter(
      ({ disk }) => disk?.source?.type !== 'MOUNT',
    );
    const roots = new Set(items.map((item) => volumeRoot(config.workDir, item)));
    for (const root of roots.add(config.workDir)) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- disks have better to do
        await volumes.sweep(root);
      } catch (error) {
        world.log.warn('files of destroyed volumes could not be removed', {
          root,
          error: errorMessage(error),
        });
      }
    }
  }

  #rootOf(volume: Resources): string {
    const { workDir } = this.#options.config;
    const [item] = volume.items;
    return item === undefined ? workDir : volumeRoot(workDir, item);
  }

  #volumesOf(list: readonly Resource[]): VolumesByFolder {
    const all = persistentVolumes(Resources.fromWire(list));
    return new Map(all.items.map((item) => [this.#folderOf(item), Resources.of([item])] as const));
  }

  #folderOf(volume: ResourceItem): string {
    return volumeDirectory(this.#options.config.workDir, volume);
  }
}
