/**
 * Persistent volumes on the disks of this host, below `<root>/volumes`: `roles/<role>/<id>` are
 * theirs; `discarded` holds what was destroyed until it is removed; `put-aside` what was found where
 * a volume was to be made, and that nobody removes but a person. All of these belong to the agent, and
 * what is renamed or made is on the disk before it is reported. Disks that are volumes as a whole are
 * in `whole-disks.ts`.
 */
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readdir, rename, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { ContainerVolume, VolumePlace, Volumes } from '../agent/index.js';
import { type Logger, PlateauError, errorMessage } from '../base/index.js';
import { removeTree } from './tree.js';
import { Users } from './users.js';
import { FRESH_VOLUME_MODE, linkVolumes } from './volume-links.js';
import { claimDisk, clearDisk } from './whole-disks.js';

const PARENT_MODE = 0o755;
const CLOSED_MODE = 0o700;

export class HostVolumes implements Volumes {
  readonly #log: Logger;
  readonly #users = new Users();
  /** Removals, one after the other: two at the same folder would be in each other's way. */
  #sweeping: Promise<void> = Promise.resolve();

  constructor(options: { readonly log: Logger }) {
    this.#log = options.log;
  }

  /** @throws PlateauError `NOT_FOUND` when the root is not there; else what the system says. */
  async make(place: VolumePlace): Promise<void> {
    if (isWholeDisk(place)) {
      await claimDisk(place.root);
      return;
    }
    const parent = await this.#parentOf(place);
    if (!(await makeFolder(place.folder, FRESH_VOLUME_MODE))) {
      await this.#clear(place);
      await mkdir(place.folder, { mode: FRESH_VOLUME_MODE });
    }
    await chmod(place.folder, FRESH_VOLUME_MODE);
    await sync(parent);
  }

  async discard(place: VolumePlace): Promise<void> {
    if (isWholeDisk(place)) await clearDisk(place.root);
    else await this.#move(place, 'discarded');
  }

  sweep(root: string): Promise<void> {
    const folder = join(root, 'volumes', 'discarded');
    const swept = this.#sweeping.then(() => empty(folder));
    this.#sweeping = swept.catch(() => undefined);
    return swept;
  }

  /** @throws LaunchError */
  async link(target: {
    readonly sandbox: string;
    readonly user: string | undefined;
    readonly volumes: readonly ContainerVolume[];
  }): Promise<void> {
    const user = await this.#users.resolve(target.user);
    await linkVolumes(target.volumes, { sandbox: target.sandbox, user });
  }

  /** Makes the folders above a volume, up to the root, which must be there. */
  async #parentOf({ root, folder }: VolumePlace): Promise<string> {
    const parent = dirname(folder);
    const volumes = join(root, 'volumes');
    if (resolve(dirname(parent)) !== resolve(volumes, 'roles')) {
      throw notFound(`${folder} is not where volumes of ${root} are`);
    }
    for (const path of [volumes, join(volumes, 'roles'), parent]) {
      // oxlint-disable-next-line no-await-in-loop -- each is inside the one before
      const isNew = await makeFolder(path, PARENT_MODE).catch((error: unknown) => {
        throw notFound(`the disk ${root} cannot be used: ${errorMessage(error)}`, error);
      });
      if (!isNew) continue;
      // oxlint-disable-next-line no-await-in-loop
      await chmod(path, PARENT_MODE);
      // oxlint-disable-next-line no-await-in-loop
      await sync(dirname(path));
    }
    return parent;
  }

  /** Frees the place of a volume that is to be new: what a former one left must not be in it. */
  async #clear(place: VolumePlace): Promise<void> {
    try {
      await rmdir(place.folder);
    } catch {
      const now = await this.#move(place, 'put-aside');
      this.#log.warn('files were where a new volume was to be made, and were put aside', {
        folder: place.folder,
        now,
      });
    }
  }

  /** Renames a volume's folder into another below the same root; undefined: there is none. */
  async #move(
    { root, folder }: VolumePlace,
    where: 'discarded' | 'put-aside',
  ): Promise<string | undefined> {
    const target = join(root, 'volumes', where);
    const path = join(target, randomUUID());
    if (await makeFolder(target, CLOSED_MODE).catch(ignoreAbsent)) await sync(dirname(target));
    try {
      await rename(folder, path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    await Promise.all([sync(dirname(folder)), sync(target)]);
    return `${path} (was ${basename(folder)})`;
  }
}

function isWholeDisk({ root, folder }: VolumePlace): boolean {
  return root === folder;
}

/** Removes all that is in a folder, which need not be there. */
async function empty(folder: string): Promise<void> {
  const names = await readdir(folder).catch(ignoreAbsent);
  for (const name of names ?? []) await removeTree(join(folder, name));
}

function notFound(message: string, cause?: unknown): PlateauError {
  return new PlateauError('NOT_FOUND', message, cause === undefined ? {} : { cause });
}

/** Makes a folder; false: something of that name is there. */
async function makeFolder(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, { mode });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Has the names in a folder on the disk. */
async function sync(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function ignoreAbsent(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
  return undefined;
}
