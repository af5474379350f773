/** The sandboxes on the disk of this host. Removes only what is below the work directory. */
import { realpath, statfs } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { Sandboxes } from '../agent/index.js';
import { PlateauError } from '../base/index.js';
import { removeTree } from './tree.js';

export class HostSandboxes implements Sandboxes {
  readonly #workDir: string;

  constructor(options: { readonly workDir: string }) {
    this.#workDir = resolve(options.workDir);
  }

  async diskUsage(): Promise<number> {
    const disk = await statfs(this.#workDir);
    // What is reserved for root counts as used: nobody else can have it.
    return disk.blocks === 0 ? 0 : 1 - disk.bavail / disk.blocks;
  }

  /** @throws PlateauError `NOT_FOUND` when the path is not below the work directory. */
  async remove(path: string): Promise<void> {
    const root = await realpath(this.#workDir).catch(() => this.#workDir);
    const wanted = resolve(path);
    let parent: string;
    try {
      parent = await realpath(dirname(wanted));
    } catch {
      if (isBelow(wanted, this.#workDir)) return;
      parent = dirname(wanted);
    }
    const found = join(parent, basename(wanted));
    if (!isBelow(found, root)) {
      const message = `refused to remove ${path}: it is not below the work directory ${root}`;
      throw new PlateauError('NOT_FOUND', message, { context: { path, workDir: root } });
    }
    await removeTree(found);
  }
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep) && path !== folder;
}
