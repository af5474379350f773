/**
 * Files that may be read from outside: folders and single files, attached under virtual names. A path
 * is resolved component by component, each opened without following links, relative to the folder
 * opened before it: whatever is renamed or linked meanwhile, nothing outside of what was attached is
 * ever opened. Only plain files are read and only folders listed; FIFOs, sockets and devices are
 * refused without being opened for reading.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir } from 'node:fs/promises';
import { posix } from 'node:path';
import { errorMessage } from '../base/index.js';
import { groupName, userName } from './file-owners.js';
import { MAX_ATTACHED_PATHS, MAX_BROWSE_ENTRIES, MAX_FILE_READ_BYTES } from './limits.js';

/** Where a virtual path leads, or that it leads nowhere. */
export interface FileRoot {
  /** The virtual path under which clients see it; absolute, without a trailing slash. */
  readonly name: string;
  /** The folder or file on disk. Links in this path itself are followed: the operator chose it. */
  readonly path: string;
  /** Components between `path` and what the name stands for, in which no link is followed. */
  readonly below?: readonly string[];
}

/** What is attached. Roots such as sandboxes come and go. */
export interface FileRoots {
  /** The root that a path leads into; the longest matching name wins. */
  find(virtualPath: string): FileRoot | undefined;
  /** Everything that is attached, for people; the paths are those of the disk. */
  list(): Iterable<AttachedPath>;
}

/** A virtual path and what it stands for. */
export type AttachedPath = Readonly<Record<'name' | 'path', string>>;

/** One entry of a listing. */
export interface FileEntry {
  /** The virtual path of the entry. */
  readonly path: string;
  readonly size: number;
  readonly nlink: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** The mode of `stat`, with the type of the file. */
  readonly mode: number;
  readonly uid: string;
  readonly gid: string;
}

/** Why a path could not be served. */
export interface FileRefusal {
  readonly kind: 'refused';
  readonly status: 400 | 404 | 500;
  readonly message: string;
}

/** Part of a file. */
export interface FilePart {
  readonly kind: 'part';
  /** Size of the whole file in bytes. */
  readonly size: number;
  /** Where the data begins; the size of the file when only that was asked for. */
  readonly offset: number;
  readonly data: Buffer;
}

export interface FileListing {
  readonly kind: 'listing';
  readonly entries: readonly FileEntry[];
}

/** An open plain file; the caller closes the handle. */
export interface OpenFile {
  readonly kind: 'file';
  readonly handle: FileHandle;
  readonly size: number;
  readonly name: string;
}

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** O_NONBLOCK: a FIFO put in place of a file at the last moment must not block the open. */
const OPEN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export class VirtualFiles {
  readonly #roots: FileRoots;

  constructor(roots: FileRoots) {
    this.#roots = roots;
  }

  /** What is attached, the first `MAX_ATTACHED_PATHS` of it. */
  attached(): ReadonlyMap<string, string> {
    const all = new Map<string, string>();
    for (const { name, path } of this.#roots.list()) {
      if (all.size >= MAX_ATTACHED_PATHS) break;
      all.set(name, path);
    }
    return all;
  }

  /** Lists a folder: names in order, at most `MAX_BROWSE_ENTRIES`; links are listed, not followed. */
  async browse(path: string): Promise<FileListing | FileRefusal> {
    return await this.#with(path, async (handle, virtualPath) => {
      const folder = await handle.stat();
      if (!folder.isDirectory()) return refuse(404, `${virtualPath} is not a folder`);
      const names = (await readdir(throughHandle(handle))).toSorted().slice(0, MAX_BROWSE_ENTRIES);
      const entries: FileEntry[] = [];
      for (const name of names) {
        const entry = await describe(`${throughHandle(handle)}/${name}`, `${virtualPath}/${name}`);
        if (entry !== undefined) entries.push(entry);
      }
      return { kind: 'listing', entries };
    });
  }

  /**
   * Reads at most `MAX_FILE_READ_BYTES`. An offset of -1 asks for the size alone; one beyond the end
   * gives no data. A length that is undefined or negative means as much as allowed.
   */
  async read(path: string, offset: number, length?: number): Promise<FilePart | FileRefusal> {
    return await this.#with(path, async (handle, virtualPath) => {
      const file = await handle.stat();
      if (file.isDirectory()) return refuse(400, `Cannot read ${virtualPath}: it is a folder`);
      if (!file.isFile()) return refuse(400, `Cannot read ${virtualPath}: it is not a plain file`);
      const { size } = file;
      if (offset === -1) return { kind: 'part', size, offset: size, data: Buffer.alloc(0) };
      const wanted = length === undefined || length < 0 ? MAX_FILE_READ_BYTES : length;
      const bytes = Math.max(0, Math.min(wanted, MAX_FILE_READ_BYTES, size - offset));
      const buffer = Buffer.alloc(bytes);
      const { bytesRead } = await handle.read(buffer, 0, bytes, bytes === 0 ? 0 : offset);
      return { kind: 'part', size, offset, data: buffer.subarray(0, bytesRead) };
    });
  }

  /** Opens a plain file to send it whole. */
  async open(path: string): Promise<OpenFile | FileRefusal> {
    const place = this.#resolve(path);
    if (place.kind === 'refused') return place;
    try {
      const handle = await openBelow(place.root, place.components);
      const file = await handle.stat();
      const name = posix.basename(place.virtualPath);
      if (file.isFile()) return { kind: 'file', handle, size: file.size, name };
      await handle.close();
      return refuse(400, `Cannot download ${place.virtualPath}: it is not a plain file`);
    } catch (error) {
      return refusalOf(error, place.virtualPath);
    }
  }

  /** Opens what a virtual path leads to, hands it over, and closes it. */
  async #with<T>(
    path: string,
    use: (handle: FileHandle, virtualPath: string) => Promise<T | FileRefusal>,
  ): Promise<T | FileRefusal> {
    const place = this.#resolve(path);
    if (place.kind === 'refused') return place;
    try {
      const handle = await openBelow(place.root, place.components);
      try {
        return await use(handle, place.virtualPath);
      } finally {
        await handle.close();
      }
    } catch (error) {
      return refusalOf(error, place.virtualPath);
    }
  }

  #resolve(path: string): Place | FileRefusal {
    const components = path.split('/').filter((part) => part !== '' && part !== '.');
    if (path === '' || path.includes('\0') || components.includes('..')) {
      return refuse(400, 'The path must not be empty, or contain .. or NUL');
    }
    const virtualPath = `/${components.join('/')}`;
    const root = this.#roots.find(virtualPath);
    if (root === undefined) return refuse(404, `There is nothing at ${virtualPath}`);
    const rest = virtualPath.slice(root.name.length).split('/');
    return {
      kind: 'place',
      root: root.path,
      virtualPath,
      components: [...(root.below ?? []), ...rest.filter((part) => part !== '')],
    };
  }
}

interface Place {
  readonly kind: 'place';
  readonly root: string;
  readonly virtualPath: string;
  readonly components: readonly string[];
}

/** Roots that stay as they are. */
export function fixedRoots(roots: readonly FileRoot[]): FileRoots {
  const longestFirst = roots.toSorted((one, other) => other.name.length - one.name.length);
  return {
    find: (path) =>
      longestFirst.find((root) => path === root.name || path.startsWith(`${root.name}/`)),
    list: () =>
      roots.map(({ name, path, below = [] }) => ({ name, path: [path, ...below].join('/') })),
  };
}

/** Opens the root as the operator wrote it, then each component relative to the one before. */
async function openBelow(root: string, components: readonly string[]): Promise<FileHandle> {
  let handle = await openRoot(root, components.length > 0);
  for (const [index, component] of components.entries()) {
    const isLast = index === components.length - 1;
    const parent = handle;
    try {
      handle = await openIn(parent, component, isLast);
    } finally {
      await parent.close();
    }
  }
  return handle;
}

async function openRoot(root: string, mustBeFolder: boolean): Promise<FileHandle> {
  const folder = mustBeFolder ? constants.O_DIRECTORY : 0;
  return await open(root, constants.O_RDONLY | constants.O_NONBLOCK | folder);
}

async function openIn(parent: FileHandle, name: string, isLast: boolean): Promise<FileHandle> {
  const path = `${throughHandle(parent)}/${name}`;
  if (!isLast) return await open(path, OPEN_FOLDER);
  // Opening a device can have effects of its own: look before, and again after by the handle.
  const found = await lstat(path);
  if (!found.isFile() && !found.isDirectory()) throw new NotPlainError();
  return await open(path, OPEN_FILE);
}

/** What was found is neither a file nor a folder: a link, a FIFO, a socket or a device. */
class NotPlainError extends Error {}

/** The path of an open folder or file that no rename can lead elsewhere. */
function throughHandle(handle: FileHandle): string {
  return `/proc/self/fd/${handle.fd}`;
}

async function describe(path: string, virtualPath: string): Promise<FileEntry | undefined> {
  try {
    const file = await lstat(path);
    return {
      path: virtualPath,
      size: file.size,
      nlink: file.nlink,
      mtime: Math.floor(file.mtimeMs / 1000),
      mode: file.mode,
      uid: await userName(file.uid),
      gid: await groupName(file.gid),
    };
  } catch {
    // Removed since the folder was read.
    return undefined;
  }
}

function refuse(status: FileRefusal['status'], message: string): FileRefusal {
  return { kind: 'refused', status, message };
}

function refusalOf(error: unknown, path: string): FileRefusal {
  if (error instanceof NotPlainError) {
    return refuse(400, `Cannot open ${path}: it is neither a plain file nor a folder`);
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') return refuse(404, `There is nothing at ${path}`);
  if (code === 'ELOOP') return refuse(400, `Cannot open ${path}: it leads through a link`);
  if (code === 'ENAMETOOLONG') return refuse(400, 'The path is too long');
  return refuse(500, `Cannot open ${path}: ${errorMessage(error)}`);
}

/** The ten characters of a mode, as `ls` shows them. */
export function modeText(mode: number): string {
  const types: Readonly<Record<number, string>> = {
    [constants.S_IFDIR]: 'd',
    [constants.S_IFLNK]: 'l',
    [constants.S_IFIFO]: 'p',
    [constants.S_IFSOCK]: 's',
    [constants.S_IFCHR]: 'c',
    [constants.S_IFBLK]: 'b',
  };
  const rights = 'rwxrwxrwx'
    .split('')
    .map((right, index) => ((mode & (1 << (8 - index))) === 0 ? '-' : right));
  return `${types[mode & constants.S_IFMT] ?? '-'}${rights.join('')}`;
}
