/**
 * Volumes of type SANDBOX_PATH: a folder of the container's own sandbox (SELF), or of that of the container
 * which it is inside (PARENT), at another place of its sandbox. Containers that are inside one share files so.
 * There are no mounts: the place is a link, which cannot be read-only or outside of the sandbox. The folder
 * is made for the user of the container that needs it first.
 */
import type { ContainerInfo, Volume, VolumeSourceSandboxPath } from '../api/index.js';
import type { ContainerVolume, ParentContainer } from '../agent/index.js';
import { errorMessage } from '../base/index.js';
import { LaunchError } from './launch-error.js';
import type { UserIds } from './users.js';
import { linkAt, linkVolumes, namesBelow, withFolder } from './volume-links.js';

/** A sandbox, and the persistent volumes that are linked in it. */
export interface SandboxPlace {
  readonly sandbox: string;
  readonly volumes?: readonly ContainerVolume[] | undefined;
}

/** The container that gets the volumes. */
export interface SandboxPathTarget extends SandboxPlace {
  readonly user: UserIds | undefined;
  /** Which it is inside; undefined: none. */
  readonly parent?: SandboxPlace | undefined;
}

/**
 * Makes what containers inside of another may refer to appear in the sandbox of that one.
 * @throws LaunchError
 */
export async function fillParent(
  { sandbox, volumes, container }: ParentContainer,
  user: UserIds | undefined,
): Promise<void> {
  await linkVolumes(volumes, { sandbox, user });
  const other = container?.volumes?.find((volume) => !isSandboxPath(volume));
  if (other === undefined) await linkSandboxPaths(container, { sandbox, volumes, user });
  else {
    const what = `the volume '${other.container_path}' of the executor`;
    throw new LaunchError('command', `${what} is not of type SANDBOX_PATH: leave it out`);
  }
}

/** Whether a volume is one that links can give. */
export function isSandboxPath(volume: Volume): boolean {
  return volume.source?.type === 'SANDBOX_PATH';
}

/**
 * Makes the volumes of a container appear in its sandbox.
 * @throws LaunchError of stage `command` naming what cannot be given, else of `sandbox`.
 */
export async function linkSandboxPaths(
  container: ContainerInfo | undefined,
  target: SandboxPathTarget,
): Promise<void> {
  for (const volume of container?.volumes ?? []) {
    const given = volume.source?.sandbox_path;
    // oxlint-disable-next-line no-await-in-loop -- they may share folders on the way
    if (isSandboxPath(volume) && given !== undefined) await linkOne(volume, given, target);
  }
}

async function linkOne(
  volume: Volume,
  given: VolumeSourceSandboxPath,
  target: SandboxPathTarget,
): Promise<void> {
  const name = `volume '${volume.container_path}'`;
  const place = placeOf(given, target, name);
  const source = namesBelow(given.path, `the 'source.sandbox_path.path' of ${name}`);
  const names = namesBelow(volume.container_path, `the 'container_path' of ${name}`);
  if (volume.mode === 'RO') {
    const message = `${name} is read-only ('mode' RO), which tasks that are plain processes cannot be given: use RW`;
    throw new LaunchError('command', message);
  }
  const { root, below } = resolved(place, source);
  try {
    await withFolder({ root, names: below, user: target.user }, async () => undefined);
    const path = [root, ...below].join('/');
    if (path !== [target.sandbox, ...names].join('/')) await linkAt(path, names, target);
  } catch (error) {
    const what = `cannot put '${given.path}' of the ${given.type ?? ''} sandbox at '${volume.container_path}'`;
    throw new LaunchError('sandbox', `${what}: ${errorMessage(error)}`);
  }
}

function placeOf(
  { type }: VolumeSourceSandboxPath,
  target: SandboxPathTarget,
  name: string,
): SandboxPlace {
  if (type === 'SELF') return target;
  if (type !== 'PARENT') {
    const message = `the 'source.sandbox_path.type' of ${name} must be SELF or PARENT`;
    throw new LaunchError('command', message);
  }
  if (target.parent !== undefined) return target.parent;
  const message = `the 'source.sandbox_path.type' of ${name} is PARENT, and the container is inside no other: use SELF, or a task group`;
  throw new LaunchError('command', message);
}

/** Where a path of a sandbox is: a persistent volume there is a link, which leads to its folder. */
function resolved(
  { sandbox, volumes = [] }: SandboxPlace,
  names: readonly string[],
): { readonly root: string; readonly below: readonly string[] } {
  for (const { containerPath, source } of volumes) {
    const link = containerPath.split('/').filter((name) => name !== '' && name !== '.');
    const isInside = link.every((name, index) => names[index] === name);
    if (isInside) return { root: source, below: names.slice(link.length) };
  }
  return { root: sandbox, below: names };
}
