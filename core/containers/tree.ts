/**
 * Walks through folders that a task can change at the same time. Each folder is opened without
 * following links and its entries are reached through the open descriptor, so that a link put in the
 * place of a folder never leads out of the tree.
 */
import { type Stats, constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, rmdir, unlink } from 'node:fs/promises';

/** Folders nested deeper are refused: each level holds a descriptor. */
export const MAX_TREE_DEPTH = 1_000;

export interface TreeEntry {
  /** A path that reaches the entry through the descriptor of its folder, valid during the visit. */
  readonly path: string;
  /** The path below the root of the walk, for messages. */
  readonly name: string;
  readonly stats: Stats;
}

/** Opens a folder, never through a link. Close it; while it is open `pathOf` reaches into it. */
export async function openFolder(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}

/** A path to a folder that stays the same folder, whatever happens to its name. */
export function pathOf(folder: FileHandle): string {
  return `/proc/self/fd/${folder.fd}`;
}

/** Visits everything below an open folder, a folder after its entries. */
export async function walkTree(
  root: FileHandle,
  visit: (entry: TreeEntry) => Promise<void>,
): Promise<void> {
  await walk(root, { prefix: '', depth: 0 }, visit);
}

/** Removes a folder, file or link, without following links; an absent one is no error. */
export async function removeTree(path: string): Promise<void> {
  const stats = await lstat(path).catch(ignoreAbsent);
  if (stats === undefined) return;
  if (!stats.isDirectory()) {
    await unlink(path).catch(ignoreAbsent);
    return;
  }
  const folder = await openFolder(path);
  try {
    await walkTree(folder, async (entry) => {
      const remove = entry.stats.isDirectory() ? rmdir : unlink;
      await remove(entry.path).catch(ignoreAbsent);
    });
  } finally {
    await folder.close();
  }
  await rmdir(path).catch(ignoreAbsent);
}

interface Level {
  readonly prefix: string;
  readonly depth: number;
}

async function walk(
  folder: FileHandle,
  level: Level,
  visit: (entry: TreeEntry) => Promise<void>,
): Promise<void> {
  if (level.depth > MAX_TREE_DEPTH) {
    throw new Error(`${level.prefix} is nested deeper than ${MAX_TREE_DEPTH} folders`);
  }
  for (const child of await readdir(pathOf(folder))) {
    const path = `${pathOf(folder)}/${child}`;
    const name = `${level.prefix}${child}`;
    const stats = await lstat(path).catch(ignoreAbsent);
    if (stats === undefined) continue;
    if (stats.isDirectory()) {
      const inner = await openFolder(path);
      try {
        await walk(inner, { prefix: `${name}/`, depth: level.depth + 1 }, visit);
      } finally {
        await inner.close();
      }
    }
    await visit({ path, name, stats });
  }
}

function ignoreAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
