/**
 * Whether resources from outside are well-formed. Expected outcomes are values: each function gives
 * the reason, which names the resource and the field, or undefined when all is well.
 */
import {
  type Resource,
  type ResourceDiskInfo,
  type ResourceReservationInfo,
  validateRole,
} from '../api/index.js';
import { at } from '../base/index.js';
import { DEFAULT_ROLE, isSubrole } from './roles.js';
import { scalarProblem } from './scalars.js';

/** The largest end of a range that Plateau handles exactly. */
export const MAX_RANGE_END = Number.MAX_SAFE_INTEGER;

/** Why a list of resources is not well-formed, or undefined. Each resource is looked at alone. */
export function validateResources(resources: readonly Resource[]): string | undefined {
  for (const resource of resources) {
    const reason = validateResource(resource);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Why one resource is not well-formed, or undefined. */
export function validateResource(resource: Resource): string | undefined {
  if (resource.name === '') return "a resource has an empty 'name'";
  const problem =
    (resource.name.includes('\0') ? "'name' must not hold a NUL character" : undefined) ??
    valueProblem(resource) ??
    formatProblem(resource) ??
    (isPlain(resource) ? undefined : useProblem(resource));
  return problem === undefined ? undefined : `resource '${resource.name}': ${problem}`;
}

/**
 * Why the resources of one task or executor do not go together, or undefined: a persistence id
 * occurs twice, they are bound to several roles, or a name is revocable and not at the same time.
 */
export function validateTaskResources(resources: readonly Resource[]): string | undefined {
  return (
    validateResources(resources) ??
    validateUniqueVolumes(resources) ??
    validateSingleAllocationRole(resources) ??
    validateNoMixedRevocable(resources)
  );
}

/** Why resources do not all have the same allocation role (all or none have one), or undefined. */
export function validateSingleAllocationRole(resources: readonly Resource[]): string | undefined {
  const first = resources[0]?.allocation_info?.role;
  const other = resources.find((resource) => resource.allocation_info?.role !== first);
  if (other === undefined) return undefined;
  return (
    `resource '${other.name}': 'allocation_info.role' is ${quoted(other.allocation_info?.role)} ` +
    `while that of another resource is ${quoted(first)}; all must be the same`
  );
}

function quoted(role: string | undefined): string {
  return role === undefined ? 'none' : `'${role}'`;
}

/** Why some resource name occurs both revocable and not, or undefined. */
export function validateNoMixedRevocable(resources: readonly Resource[]): string | undefined {
  const isRevocable = new Map<string, boolean>();
  for (const { name, revocable } of resources) {
    const known = isRevocable.get(name);
    if (known !== undefined && known !== (revocable !== undefined)) {
      return `resource '${name}': 'revocable' must be set for all of this name or for none`;
    }
    isRevocable.set(name, revocable !== undefined);
  }
  return undefined;
}

/** Why a volume id occurs twice in one reservation role, or undefined. Shared ones may. */
export function validateUniqueVolumes(resources: readonly Resource[]): string | undefined {
  const seen = new Set<string>();
  for (const resource of resources) {
    const persistenceId = resource.disk?.persistence?.id;
    if (persistenceId === undefined || resource.shared !== undefined) continue;
    const role = resource.reservations?.at(-1)?.role ?? resource.role ?? DEFAULT_ROLE;
    const key = `${role}\0${persistenceId}`;
    if (seen.has(key)) {
      return `resource 'disk': 'disk.persistence.id' '${persistenceId}' occurs twice in role '${role}'`;
    }
    seen.add(key);
  }
  return undefined;
}

/** Whether there is nothing to a resource but a value, a role and an allocation role. */
function isPlain(resource: Resource): boolean {
  return (
    resource.disk === undefined && resource.revocable === undefined && resource.shared === undefined
  );
}

function valueProblem(resource: Resource): string | undefined {
  switch (resource.type) {
    case 'SCALAR':
      return payloadProblem(resource, 'scalar') ?? scalarValueProblem(resource);
    case 'RANGES':
      return payloadProblem(resource, 'ranges') ?? rangesProblem(resource);
    case 'SET':
      return payloadProblem(resource, 'set') ?? setProblem(resource);
    default:
      return `'type' is ${resource.type}; it must be SCALAR, RANGES or SET`;
  }
}

function payloadProblem(
  resource: Resource,
  wanted: 'scalar' | 'ranges' | 'set',
): string | undefined {
  if (resource[wanted] === undefined)
    return `'type' is ${resource.type} but '${wanted}' is not set`;
  for (const other of ['scalar', 'ranges', 'set'] as const) {
    if (other !== wanted && resource[other] !== undefined) {
      return `'type' is ${resource.type} but '${other}' is set`;
    }
  }
  return undefined;
}

function scalarValueProblem(resource: Resource): string | undefined {
  const value = resource.scalar?.value ?? 0;
  const problem = scalarProblem(value);
  if (problem !== undefined) return `'scalar.value' ${problem}`;
  if (resource.name === 'gpus' && !Number.isInteger(value)) {
    return `'scalar.value' is ${value}; gpus come as whole numbers only`;
  }
  return undefined;
}

function rangesProblem(resource: Resource): string | undefined {
  const ranges = resource.ranges?.range ?? [];
  for (const { begin, end } of ranges) {
    if (begin > end) return `'ranges.range' [${begin}-${end}] begins after its end`;
    if (begin < 0n || end > BigInt(MAX_RANGE_END)) {
      return `'ranges.range' [${begin}-${end}] is not within 0 to ${MAX_RANGE_END}`;
    }
  }
  if (ranges.length <= 1) return undefined;
  const sorted = ranges.toSorted((one, other) => Number(one.begin) - Number(other.begin));
  for (let index = 1; index < sorted.length; index++) {
    const before = at(sorted, index - 1);
    const range = at(sorted, index);
    if (range.begin <= before.end) {
      return `'ranges.range' [${before.begin}-${before.end}] and [${range.begin}-${range.end}] overlap`;
    }
  }
  return undefined;
}

function setProblem(resource: Resource): string | undefined {
  const seen = new Set<string>();
  for (const item of resource.set?.item ?? []) {
    if (seen.has(item)) return `'set.item' '${item}' occurs twice`;
    seen.add(item);
  }
  return undefined;
}

/** The reservation: either the list, or the older pair of fields, and well-formed. */
function formatProblem(resource: Resource): string | undefined {
  if (resource.allocation_info?.role?.includes('\0') === true) {
    return "'allocation_info.role' must not hold a NUL character";
  }
  const { role, reservation, reservations = [] } = resource;
  if (reservations.length > 0) {
    if (role !== undefined) return "'role' must not be set together with 'reservations'";
    if (reservation !== undefined) {
      return "'reservation' must not be set together with 'reservations'";
    }
    return stackProblem(reservations);
  }
  if (role !== undefined && role !== DEFAULT_ROLE) {
    const problem = reservedRoleProblem(role);
    if (problem !== undefined) return `'role' ${problem}`;
  }
  if (reservation === undefined) return undefined;
  if (role === undefined || role === DEFAULT_ROLE) {
    return "'reservation' is set but 'role' is \"*\", which cannot be reserved";
  }
  if (reservation.type !== undefined) return "'reservation.type' must not be set next to 'role'";
  if (reservation.role !== undefined) return "'reservation.role' must not be set next to 'role'";
  return undefined;
}

function stackProblem(reservations: readonly ResourceReservationInfo[]): string | undefined {
  for (let index = 0; index < reservations.length; index++) {
    const field = `reservations[${index}]`;
    const { type, role } = at(reservations, index);
    if (type !== 'STATIC' && type !== 'DYNAMIC') return `'${field}.type' must be STATIC or DYNAMIC`;
    if (index > 0 && type === 'STATIC') {
      return `'${field}.type' is STATIC; a refined reservation must be DYNAMIC`;
    }
    if (role === undefined) return `'${field}.role' is not set`;
    const problem = reservedRoleProblem(role);
    if (problem !== undefined) return `'${field}.role' ${problem}`;
    const above = index === 0 ? undefined : at(reservations, index - 1).role;
    if (above !== undefined && !isSubrole(role, above)) {
      return `'${field}.role' '${role}' is not below '${above}', which it refines`;
    }
  }
  return undefined;
}

/** Keys of items are separated by NUL, which the syntax of roles lets pass. */
function reservedRoleProblem(role: string): string | undefined {
  if (role === DEFAULT_ROLE) return 'is "*", which cannot be reserved';
  if (role.includes('\0')) return 'must not hold a NUL character';
  const reason = validateRole(role);
  return reason === undefined ? undefined : `is not valid: ${reason}`;
}

/** Disk, revocable, shared. */
function useProblem(resource: Resource): string | undefined {
  const { disk, revocable, shared } = resource;
  if (disk !== undefined) {
    if (resource.name !== 'disk') return "'disk' may be set on the resource 'disk' only";
    const problem = diskProblem(disk);
    if (problem !== undefined) return problem;
  }
  if (revocable !== undefined) {
    if (disk?.persistence !== undefined) return "'revocable' must not be set on a volume";
    const isDynamic =
      resource.reservation !== undefined ||
      resource.reservations?.some(({ type }) => type === 'DYNAMIC') === true;
    if (isDynamic) return "'revocable' must not be set on a dynamic reservation";
  }
  if (shared !== undefined && disk?.persistence === undefined) {
    return "'shared' may be set on a persistent volume only";
  }
  return undefined;
}

function diskProblem(disk: ResourceDiskInfo): string | undefined {
  const { persistence, volume, source } = disk;
  if (source !== undefined) {
    if (source.type === 'UNKNOWN') return "'disk.source.type' is UNKNOWN";
    if (source.path !== undefined && source.type !== 'PATH') {
      return `'disk.source.path' is set but 'disk.source.type' is ${source.type}`;
    }
    if (source.mount !== undefined && source.type !== 'MOUNT') {
      return `'disk.source.mount' is set but 'disk.source.type' is ${source.type}`;
    }
  }
  if (persistence === undefined) {
    if (volume !== undefined) return "'disk.volume' is set without 'disk.persistence'";
    return source === undefined ? "'disk' is empty" : undefined;
  }
  const { id } = persistence;
  if (id === '' || id === '.' || id === '..' || /[/\\\s]/.test(id)) {
    return `'disk.persistence.id' '${id}' must be one name of a directory, without blanks`;
  }
  if (volume === undefined) return "'disk.volume' is not set; a persistent volume needs it";
  if (volume.mode !== 'RW') return `'disk.volume.mode' is ${volume.mode}; it must be RW`;
  if (volume.host_path !== undefined) return "'disk.volume.host_path' must not be set";
  return undefined;
}
