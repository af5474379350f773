/**
 * The disks that an agent is given beside that of its work directory: of the types that persistent
 * volumes can be on, and apart from each other, since one that is a volume as a whole is emptied as a
 * whole.
 */
import type { Resource } from '../api/index.js';
import { PlateauError } from '../base/index.js';
import { type ResourceItem, Resources, formatItem } from '../resources/index.js';
import type { AgentConfig } from './config.js';
import { volumeRoot } from './paths.js';

/** A disk of the agent beside that of its work directory. */
export interface AgentDisk {
  /** PATH: volumes have folders on it. MOUNT: it is one volume as a whole, or none. */
  readonly type: 'PATH' | 'MOUNT';
  /** Absolute path. */
  readonly root: string;
}

/**
 * The disks among the configured resources, each root once.
 * @throws PlateauError `INVALID_FLAG` naming the resource, when an agent cannot be given it.
 */
export function configuredDisks({
  resources,
  workDir,
}: Pick<AgentConfig, 'resources' | 'workDir'>): readonly AgentDisk[] {
  const disks = new Map<string, AgentDisk>();
  for (const item of itemsOf(resources)) {
    const problem = diskProblem(item);
    if (problem !== undefined) throw invalid(`'${formatItem(item)}' ${problem}`);
    const disk = diskOf(item, workDir);
    if (disk === undefined) continue;
    const known = disks.get(disk.root);
    if (known !== undefined && (known.type === 'MOUNT' || disk.type === 'MOUNT')) {
      throw invalid(`the disk ${disk.root} of type MOUNT is there more than once`);
    }
    disks.set(disk.root, disk);
  }
  return [...disks.values()];
}

/**
 * Sees to it that no MOUNT disk is inside of another disk or holds one, nor the work directory.
 * @param disks with roots of which none is a link into another.
 * @throws PlateauError `INVALID_FLAG` naming both.
 */
export function assertDisksApart(disks: readonly AgentDisk[], workDir: string): void {
  for (const mount of disks) {
    if (mount.type !== 'MOUNT') continue;
    if (isWithin(workDir, mount.root)) {
      throw invalid(`the work directory ${workDir} is on the disk ${mount.root} of type MOUNT`);
    }
    const own = OWN_FOLDERS.find((name) => isWithin(mount.root, `${workDir}/${name}`));
    if (own !== undefined) {
      throw invalid(`the disk ${mount.root} is in '${own}' of the work directory, the agent's own`);
    }
    const other = disks.find(
      (one) => one !== mount && (isWithin(one.root, mount.root) || isWithin(mount.root, one.root)),
    );
    if (other === undefined) continue;
    throw invalid(`the disk ${mount.root} of type MOUNT and the disk ${other.root} overlap`);
  }
}

/** Folders of the work directory that the agent keeps for itself. */
const OWN_FOLDERS: readonly string[] = ['meta', 'slaves', 'volumes'];

/** Each copy of what is there more than once. */
function itemsOf(resources: readonly Resource[]): readonly ResourceItem[] {
  return resources.flatMap((resource) => Resources.fromWire([resource]).items);
}

function diskProblem({ disk }: ResourceItem): string | undefined {
  const { source } = disk ?? {};
  if (source === undefined) return undefined;
  if (source.type !== 'PATH' && source.type !== 'MOUNT') {
    return (
      `is of type ${source.type}, which agents do not support: put a file system on the disk and ` +
      "name it with 'disk.source.type' PATH or MOUNT"
    );
  }
  const field = source.type === 'PATH' ? 'path' : 'mount';
  const root = source[field]?.root ?? '';
  if (root === '') return `has no 'disk.source.${field}.root', the folder of the disk`;
  if (root.split('/').includes('..') || root.includes('\0')) {
    return `has a 'disk.source.${field}.root' that is no plain path`;
  }
  return undefined;
}

function diskOf(item: ResourceItem, workDir: string): AgentDisk | undefined {
  const type = item.disk?.source?.type;
  if (type !== 'PATH' && type !== 'MOUNT') return undefined;
  return { type, root: volumeRoot(workDir, item) };
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

function invalid(message: string): PlateauError {
  return new PlateauError('INVALID_FLAG', `--resources: ${message}`, {
    context: { flag: 'resources' },
  });
}
