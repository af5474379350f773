/**
 * Which persistent volumes may be created and destroyed on an agent. The resources of an operation
 * are well-formed when these functions are reached or are found not to be; both return the reason, or
 * undefined. Whether the caller has been offered what it takes is not looked at here.
 */
import type { Resource } from '../api/index.js';
import { formatItem } from './format.js';
import type { ResourceItem } from './item.js';
import { Resources } from './resources.js';
import { validateResources, validateUniqueVolumes } from './validate.js';

/** Longest id of a volume, and longest role that has one, in bytes: both name a folder. */
export const MAX_VOLUME_NAME_BYTES = 255;

/** On whose behalf a volume is asked for, and where. */
export interface VolumeContext {
  /** The authenticated principal of the caller; undefined: not authenticated, anything goes. */
  readonly principal?: string | undefined;
  /** Everything that the agent has, its volumes included. */
  readonly total: Resources;
  /** What tasks and executors hold on the agent, bound to no role. */
  readonly used: Resources;
  /** Whether the caller may make volumes that several tasks use at once. Default: it may. */
  readonly canShare?: boolean | undefined;
}

/**
 * Why a CREATE is refused. `volumes` are as they are afterwards: reserved, read-write, each with an
 * id that no other volume of the role has on the agent, a place that does not lead out of sandboxes, and
 * the caller's principal if it has one.
 */
export function validateCreate(
  volumes: readonly Resource[],
  context: VolumeContext,
): string | undefined {
  return validateVolumes(volumes, (item) => {
    if (!item.isReserved) return 'is not reserved; RESERVE the disk first';
    if (item.shared && context.canShare === false) {
      return "is 'shared', which needs the capability SHARED_RESOURCES of the framework";
    }
    const type = item.disk?.source?.type;
    if (type !== undefined && type !== 'PATH' && type !== 'MOUNT') {
      return `is on a disk of type ${type}; volumes need the root disk, or one of type PATH or MOUNT`;
    }
    const problem = nameProblem(item) ?? placeProblem(item) ?? principalProblem(item, context);
    if (problem !== undefined || find(context.total, item) === undefined) return problem;
    return `has the id of another volume of role '${item.role}' on the agent`;
  });
}

/** Why a DESTROY is refused: `volumes` are on the agent, and nothing uses them. */
export function validateDestroy(
  volumes: readonly Resource[],
  { total, used }: VolumeContext,
): string | undefined {
  return validateVolumes(volumes, (item) => {
    const known = find(total, item);
    if (known === undefined) return 'does not exist on the agent';
    if (find(used, item) !== undefined) return 'is in use by a task or executor';
    return total.contains(Resources.of([item]).unallocated())
      ? undefined
      : `differs from the volume of that id on the agent, ${formatItem(known)}`;
  });
}

function validateVolumes(
  volumes: readonly Resource[],
  problemOf: (item: ResourceItem) => string | undefined,
): string | undefined {
  if (volumes.length === 0) return "'volumes' is empty";
  const reason = validateResources(volumes) ?? validateUniqueVolumes(volumes);
  if (reason !== undefined) return reason;
  const { items } = Resources.fromWire(volumes);
  // An empty resource has no item: a volume of no size would vanish silently.
  if (items.length !== volumes.length) return "'volumes' holds one that is empty, or one twice";
  for (const item of items) {
    const problem = item.isPersistentVolume
      ? problemOf(item)
      : "is not a persistent volume: 'disk.persistence' is not set";
    if (problem !== undefined) return `resource ${formatItem(item)} ${problem}`;
  }
  // Shared ones are not looked at above.
  const ids = new Set(items.map(({ role, disk }) => `${role}\0${disk?.persistence?.id ?? ''}`));
  if (ids.size !== items.length) return "'volumes' holds two with one 'disk.persistence.id'";
  return undefined;
}

/** The volume with the id and role of another. */
function find(resources: Resources, { role, disk }: ResourceItem): ResourceItem | undefined {
  return resources.items.find(
    (item) =>
      item.isPersistentVolume &&
      item.role === role &&
      item.disk?.persistence?.id === disk?.persistence?.id,
  );
}

/** What cannot name a folder; see `validateResource` for the rest. */
function nameProblem({ role, disk }: ResourceItem): string | undefined {
  const id = disk?.persistence?.id ?? '';
  for (const [what, name] of [
    ["'disk.persistence.id'", id],
    ['role', role],
  ] as const) {
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    if (/[\u0000-\u001f\u007f]|\p{Surrogate}/u.test(name)) {
      return `has a ${what} with characters that cannot name a folder`;
    }
    if (utf8Length(name) > MAX_VOLUME_NAME_BYTES) {
      return `has a ${what} of more than ${MAX_VOLUME_NAME_BYTES} bytes, which cannot name a folder`;
    }
  }
  return undefined;
}

/** Where no task could be given the volume: outside of its sandbox. */
function placeProblem({ disk }: ResourceItem): string | undefined {
  const path = disk?.volume?.container_path ?? '';
  const field = "has a 'disk.volume.container_path'";
  if (path.includes('\0')) return `${field} with a NUL character`;
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (names.length === 0)
    return `${field} that names no place ('${path}'): name one, such as 'data'`;
  if (!names.includes('..')) return undefined;
  return `${field} that leads out of the sandbox ('${path}'): name a path below it, such as 'data'`;
}

/** Bytes of a well-formed text. */
function utf8Length(text: string): number {
  return encodeURIComponent(text).replaceAll(/%[0-9A-F]{2}/g, '.').length;
}

function principalProblem(item: ResourceItem, { principal }: VolumeContext): string | undefined {
  if (principal === undefined) return undefined;
  const named = item.disk?.persistence?.principal;
  if (named === principal) return undefined;
  const found = named === undefined ? 'not set' : `'${named}'`;
  return `has a 'disk.persistence.principal' that is ${found}, but the caller is '${principal}'`;
}
