/**
 * The containers of the API that are remembered, with their records in the checkpoint. Those that have
 * ended are bounded in number: the oldest goes first.
 */
import { type ContainerID, decodeJson } from '../api/index.js';
import type { ContainerId, Store } from '../base/index.js';
import { type ApiContainer, containerRecord, restoreContainer } from './api-container.js';
import { type Batch, type Checkpoint, KEYS } from './checkpoint.js';
import { pathOfContainer } from './container-parents.js';

/** Containers of the API that have ended and are remembered. */
export const MAX_ENDED_API_CONTAINERS = 1_000;

export class ApiContainers {
  readonly #checkpoint: Checkpoint;
  readonly #byPath = new Map<string, ApiContainer>();
  readonly #byRun = new Map<ContainerId, ApiContainer>();
  /** Those that have ended, oldest first. */
  readonly #ended = new Set<ApiContainer>();

  constructor(checkpoint: Checkpoint) {
    this.#checkpoint = checkpoint;
  }

  /** How many have not ended. */
  get running(): number {
    return this.#byRun.size - this.#ended.size;
  }

  /** How many sessions have not ended. */
  get runningSessions(): number {
    let sessions = 0;
    for (const { kind, phase } of this.#byRun.values()) {
      if (kind === 'SESSION' && phase !== 'ended') sessions++;
    }
    return sessions;
  }

  /** All, those that have ended included. */
  all(): IterableIterator<ApiContainer> {
    return this.#byRun.values();
  }

  find(containerId: ContainerID): ApiContainer | undefined {
    return this.#byPath.get(pathOfContainer(containerId));
  }

  byRun(runId: ContainerId): ApiContainer | undefined {
    return this.#byRun.get(runId);
  }

  add(container: ApiContainer): void {
    this.#byPath.set(container.path, container);
    this.#byRun.set(container.runId, container);
    if (container.phase === 'ended') this.#ended.add(container);
  }

  /** It has ended. */
  retire(container: ApiContainer): void {
    this.#ended.add(container);
  }

  /** The oldest of those that have ended, while there are too many. */
  *excess(): Generator<ApiContainer> {
    for (const oldest of this.#ended) {
      if (this.#ended.size <= MAX_ENDED_API_CONTAINERS) return;
      yield oldest;
    }
  }

  /** Puts its record into a batch. */
  put(batch: Batch, container: ApiContainer): void {
    batch.put(KEYS.container(container.runId), 'CheckpointContainer', containerRecord(container));
  }

  /** Writes its record. */
  write(container: ApiContainer): void {
    const batch = this.#checkpoint.batch();
    this.put(batch, container);
    batch.commit();
  }

  /** Writes its record; resolves when that is durable. */
  written(container: ApiContainer): Promise<void> {
    const batch = this.#checkpoint.batch();
    this.put(batch, container);
    return durable(batch);
  }

  /** Forgets a container; its record goes when there is time. */
  drop(container: ApiContainer): void {
    this.#byPath.delete(container.path);
    this.#byRun.delete(container.runId);
    this.#ended.delete(container);
    this.#checkpoint.deleteLazily([KEYS.container(container.runId)]);
  }

  /** Forgets a container; resolves when a restart will not know it. */
  dropped(container: ApiContainer): Promise<void> {
    this.drop(container);
    const batch = this.#checkpoint.batch();
    batch.delete(KEYS.container(container.runId));
    return durable(batch);
  }

  /** Reads the records of an earlier run. */
  async restore(store: Store): Promise<void> {
    for (const entry of await store.list('containers/')) {
      this.add(restoreContainer(decodeJson('CheckpointContainer', entry.value)));
    }
  }
}

function durable(batch: Batch): Promise<void> {
  return new Promise((resolve) => {
    batch.afterwards(resolve);
    batch.commit();
  });
}
