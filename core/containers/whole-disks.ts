/**
 * Disks that are persistent volumes as a whole (MOUNT): the volume is the root of the disk itself. It
 * is handed to the user of its first task as other volumes are, and comes back to the agent, emptied,
 * when the volume is destroyed. The root stays: it is where the disk is mounted.
 */
import type { FileHandle } from 'node:fs/promises';
import { readdir, rmdir, unlink } from 'node:fs/promises';
import { PlateauError, errorMessage } from '../base/index.js';
import { openFolder, pathOf, walkTree } from './tree.js';
import { FRESH_VOLUME_MODE } from './volume-links.js';

/** The folder in which the system puts what it found on a damaged disk; disks come with it. */
const SYSTEM_FOLDER = 'lost+found';

/**
 * Makes an empty disk a volume that nobody has used.
 * @throws PlateauError `NOT_FOUND` when the disk is not there, `DISK_NOT_EMPTY` when it holds files
 *   that nobody knows of: they are neither removed nor given to anybody.
 */
export async function claimDisk(root: string): Promise<void> {
  await onDisk(root, async (disk) => {
    const found = (await readdir(pathOf(disk))).find((name) => name !== SYSTEM_FOLDER);
    if (found !== undefined) {
      const text = `the disk ${root} is to be a volume and holds '${found}': empty it first`;
      throw new PlateauError('DISK_NOT_EMPTY', text, { context: { root } });
    }
    await takeBack(disk);
  });
}

/**
 * Removes everything on a disk but the disk itself. Can be done again when it was interrupted.
 * @throws PlateauError `NOT_FOUND` when the disk is not there; else what the system says.
 */
export async function clearDisk(root: string): Promise<void> {
  await onDisk(root, async (disk) => {
    // First, so that whoever used it can add nothing meanwhile.
    await takeBack(disk);
    await walkTree(disk, async ({ path, name, stats }) => {
      if (name === SYSTEM_FOLDER && stats.isDirectory()) return;
      const remove = stats.isDirectory() ? rmdir : unlink;
      await remove(path);
    });
    await disk.sync();
  });
}

async function onDisk(root: string, work: (disk: FileHandle) => Promise<void>): Promise<void> {
  let disk: FileHandle;
  try {
    disk = await openFolder(root);
  } catch (error) {
    const text = `the disk ${root} cannot be used: ${errorMessage(error)}`;
    throw new PlateauError('NOT_FOUND', text, { cause: error });
  }
  try {
    await work(disk);
  } finally {
    await disk.close();
  }
}

/** Gives the root to the agent alone, as it is before the first task uses it. */
async function takeBack(disk: FileHandle): Promise<void> {
  const own = process.geteuid?.();
  const { uid } = await disk.stat();
  if (own !== undefined && uid !== own) await disk.chown(own, process.getegid?.() ?? own);
  await disk.chmod(FRESH_VOLUME_MODE);
}
