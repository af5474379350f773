/** Folders of persistent volumes on a simulated host: names without contents. */
import type { VolumePlace, Volumes } from '../agent/index.js';

export class FakeVolumes implements Volumes {
  readonly #folders = new Set<string>();

  /** The folders that there are, sorted. */
  get folders(): readonly string[] {
    return [...this.#folders].toSorted();
  }

  make({ folder }: VolumePlace): Promise<void> {
    this.#folders.add(folder);
    return Promise.resolve();
  }

  discard({ folder }: VolumePlace): Promise<void> {
    this.#folders.delete(folder);
    return Promise.resolve();
  }

  sweep(): Promise<void> {
    return Promise.resolve();
  }

  link(): Promise<void> {
    return Promise.resolve();
  }
}
