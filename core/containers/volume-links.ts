/**
 * Puts links to persistent volumes into a sandbox, which the user of the task may own and change at
 * the same time: each folder on the way is opened without following links, and the link is made in
 * the open folder. A volume is handed to the user of the first task that uses it.
 */
import type { Stats } from 'node:fs';
import { type FileHandle, chown, mkdir, readlink, symlink } from 'node:fs/promises';
import type { ContainerVolume } from '../agent/index.js';
import { errorMessage } from '../base/index.js';
import { LaunchError } from './launch-error.js';
import { openFolder, pathOf } from './tree.js';
import type { UserIds } from './users.js';

/** Mode of a volume that no task has used yet, and of one that was handed over. */
export const FRESH_VOLUME_MODE = 0o700;
const USED_VOLUME_MODE = 0o750;

const PERMISSION_BITS = 0o7777;
const PARENT_MODE = 0o755;

/** Where volumes are to be found, and by whom. */
export interface LinkTarget {
  readonly sandbox: string;
  /** Undefined: the agent's own user. */
  readonly user: UserIds | undefined;
}

/**
 * Makes the volumes appear in a sandbox. A link that is there already is left as it is.
 * @throws LaunchError of stage `command` for a path that cannot be in a sandbox, else of `sandbox`.
 */
export async function linkVolumes(
  volumes: readonly ContainerVolume[],
  target: LinkTarget,
): Promise<void> {
  for (const volume of volumes) {
    const names = namesOf(volume);
    // oxlint-disable-next-line no-await-in-loop -- they may share folders on the way
    await handOver(volume, target.user);
    // oxlint-disable-next-line no-await-in-loop
    await linkOne(volume, names, target);
  }
}

/** The folders on the way to the link, and its name. */
function namesOf({ id, containerPath }: ContainerVolume): readonly string[] {
  return namesBelow(containerPath, `the 'container_path' of volume '${id}'`);
}

/**
 * The names in a path that has to be below a sandbox.
 * @param what what the path is, for the message.
 * @throws LaunchError of stage `command` for one that is not.
 */
export function namesBelow(path: string, what: string): readonly string[] {
  const refuse = (why: string): LaunchError =>
    new LaunchError('command', `${what} ${why}: name a path below the sandbox, such as 'data'`);
  if (path.startsWith('/')) throw refuse(`is absolute ('${path}')`);
  if (path.includes('\0')) throw refuse('holds a NUL character');
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..')) throw refuse(`leads out ('${path}')`);
  if (names.length === 0) throw refuse('is empty');
  return names;
}

/**
 * Gives a volume that nobody has used to its user; later ones take it as it is.
 * @throws LaunchError of stage `sandbox`.
 */
export async function handOver(volume: ContainerVolume, user: UserIds | undefined): Promise<void> {
  let folder: FileHandle;
  try {
    folder = await openFolder(volume.source);
  } catch (error) {
    const what = `volume '${volume.id}' is not there`;
    throw new LaunchError('sandbox', `${what}: ${errorMessage(error)}`);
  }
  try {
    if (!isFresh(await folder.stat())) return;
    if (user !== undefined) await folder.chown(user.uid, user.gid);
    await folder.chmod(USED_VOLUME_MODE);
  } catch (error) {
    const what = `cannot hand over volume '${volume.id}'`;
    throw new LaunchError('sandbox', `${what}: ${errorMessage(error)}`);
  } finally {
    await folder.close();
  }
}

function isFresh({ mode, uid }: Stats): boolean {
  return (mode & PERMISSION_BITS) === FRESH_VOLUME_MODE && uid === process.geteuid?.();
}

async function linkOne(
  volume: ContainerVolume,
  names: readonly string[],
  target: LinkTarget,
): Promise<void> {
  try {
    await linkAt(volume.source, names, target);
  } catch (error) {
    const what = `cannot put volume '${volume.id}' at '${volume.containerPath}'`;
    throw new LaunchError('sandbox', `${what}: ${errorMessage(error)}`);
  }
}

/**
 * Makes a link to a path at the place in the sandbox that the names lead to, with the folders on the way.
 * One that is there already is left as it is. Rejects when something else is there.
 */
export async function linkAt(
  source: string,
  names: readonly string[],
  { sandbox, user }: LinkTarget,
): Promise<void> {
  await withFolder({ root: sandbox, names: names.slice(0, -1), user }, async (folder) => {
    await makeLink(source, `${pathOf(folder)}/${names.at(-1) ?? ''}`);
  });
}

/**
 * Opens a folder below another, and makes it and those on the way, for the user, where they are missing.
 * Rejects when one of them is something else, in particular a link.
 */
export async function withFolder(
  place: {
    readonly root: string;
    readonly names: readonly string[];
    readonly user: UserIds | undefined;
  },
  use: (folder: FileHandle) => Promise<void>,
): Promise<void> {
  const open: FileHandle[] = [];
  try {
    let folder = await openFolder(place.root);
    open.push(folder);
    for (const name of place.names) {
      const path = `${pathOf(folder)}/${name}`;
      // oxlint-disable-next-line no-await-in-loop -- each folder is inside the one before
      await makeFolder(path, place.user);
      // oxlint-disable-next-line no-await-in-loop
      folder = await openFolder(path);
      open.push(folder);
    }
    await use(folder);
  } finally {
    for (const folder of open) await folder.close();
  }
}

/** Makes a folder for the user unless something is there, which opening it will look at. */
async function makeFolder(path: string, user: UserIds | undefined): Promise<void> {
  try {
    await mkdir(path, { mode: PARENT_MODE });
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    throw error;
  }
  if (user !== undefined) await chown(path, user.uid, user.gid);
}

async function makeLink(source: string, path: string): Promise<void> {
  try {
    await symlink(source, path);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    const found = await readlink(path).catch(() => undefined);
    if (found !== source) throw new Error('something else is there already', { cause: error });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
