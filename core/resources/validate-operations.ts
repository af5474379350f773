/**
 * Who may reserve and unreserve what. The resources of an operation are well-formed when these
 * functions are reached or are found not to be; both return the reason, or undefined.
 */
import type { Resource } from '../api/index.js';
import { formatItem } from './format.js';
import type { Reservation } from './identity.js';
import type { ResourceItem } from './item.js';
import { isDynamicallyReserved, popReservation } from './reservations.js';
import { Resources } from './resources.js';
import { validateResources } from './validate.js';

/** On whose behalf an operation is asked for. */
export interface ReserveContext {
  /** The authenticated principal of the caller; undefined: not authenticated, anything goes. */
  readonly principal?: string | undefined;
  /** The role that the offer was made to; undefined for an operator, who has no offer. */
  readonly allocationRole?: string | undefined;
  /** The roles of the framework; undefined for an operator. */
  readonly frameworkRoles?: readonly string[] | undefined;
}

/**
 * Why a RESERVE is refused. `resources` are as reserved afterwards: the last reservation of each is
 * the new one. It has to be dynamic, made by the caller's principal, and, for a framework, made for
 * the role that the resources were offered to, which has to be one of its roles.
 */
export function validateReserve(
  resources: readonly Resource[],
  context: ReserveContext,
): string | undefined {
  return validateItems(resources, (item) => {
    if (!isDynamicallyReserved(item)) return 'is not dynamically reserved; RESERVE needs that';
    if (item.isPersistentVolume) return 'is a persistent volume, which cannot be reserved again';
    return principalProblem(item, context) ?? roleProblem(item, context);
  });
}

/** Why an UNRESERVE is refused: `resources` are as reserved before, dynamically, and no volumes. */
export function validateUnreserve(resources: readonly Resource[]): string | undefined {
  return validateItems(resources, (item) => {
    if (!isDynamicallyReserved(item)) return 'is not dynamically reserved; it stays as it is';
    if (item.isPersistentVolume) return 'is a persistent volume; DESTROY it first';
    return undefined;
  });
}

/**
 * Why an operator's change of reservations (a RESERVE with `source`) is refused. All of `source` has
 * one stack of reservations and all of `resources` another; what they do not have in common is
 * dynamic, and without reservations they are the same.
 */
export function validateReservationUpdate(
  source: readonly Resource[],
  resources: readonly Resource[],
  context: ReserveContext,
): string | undefined {
  const problem =
    validateReserve(resources, context) ??
    validateItems(source, (item) => {
      if (item.isPersistentVolume) return 'is a persistent volume, which cannot be reserved again';
      return roleProblem(item, {});
    });
  if (problem !== undefined) return problem;
  const before = Resources.fromWire(source);
  const after = Resources.fromWire(resources);
  const had = stackOf(before);
  const has = stackOf(after);
  if (had === undefined) return "'source' has several stacks of reservations; name one at a time";
  if (has === undefined)
    return "'resources' has several stacks of reservations; name one at a time";
  const common = had.findIndex((one, index) => !isSameReservation(one, has[index]));
  const changed =
    common === -1 ? has.slice(had.length) : [...had.slice(common), ...has.slice(common)];
  if (changed.some(({ type }) => type !== 'DYNAMIC')) {
    return "'source' and 'resources' differ in a static reservation, which stays as it is";
  }
  if (unreservedAll(before, had.length).equals(unreservedAll(after, has.length))) return undefined;
  return "'source' and 'resources' are not the same amounts of the same resources";
}

/** The stack that all items have; undefined when they have different ones. */
function stackOf(resources: Resources): readonly Reservation[] | undefined {
  const [first, ...rest] = resources.items;
  if (first === undefined) return [];
  const { reservations } = first;
  const isShared = rest.every(
    (item) =>
      item.reservations.length === reservations.length &&
      item.reservations.every((one, index) => isSameReservation(one, reservations[index])),
  );
  return isShared ? reservations : undefined;
}

/** Reservations are normalised: the order of their labels does not matter. */
function isSameReservation(one: Reservation, other: Reservation | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function unreservedAll(resources: Resources, depth: number): Resources {
  let rest = resources;
  for (let level = 0; level < depth; level++) rest = popReservation(rest);
  return rest;
}

function validateItems(
  resources: readonly Resource[],
  problemOf: (item: ResourceItem) => string | undefined,
): string | undefined {
  if (resources.length === 0) return "'resources' is empty";
  const reason = validateResources(resources);
  if (reason !== undefined) return reason;
  for (const item of Resources.fromWire(resources).items) {
    const problem = problemOf(item);
    if (problem !== undefined) return `resource ${formatItem(item)} ${problem}`;
  }
  return undefined;
}

function principalProblem(item: ResourceItem, { principal }: ReserveContext): string | undefined {
  if (principal === undefined) return undefined;
  const named = item.reservations.at(-1)?.principal;
  if (named === principal) return undefined;
  const found = named === undefined ? 'not set' : `'${named}'`;
  return `has a reservation whose 'principal' is ${found}, but the caller is '${principal}'`;
}

function roleProblem(item: ResourceItem, context: ReserveContext): string | undefined {
  const { allocationRole, frameworkRoles } = context;
  if (allocationRole === undefined) {
    if (item.allocationRole === undefined) return undefined;
    return "has 'allocation_info' set, which only offered resources have";
  }
  if (item.role !== allocationRole) {
    return `is to be reserved for role '${item.role}' but was offered to role '${allocationRole}'`;
  }
  if (item.allocationRole !== undefined && item.allocationRole !== allocationRole) {
    return `has 'allocation_info.role' '${item.allocationRole}' but was offered to '${allocationRole}'`;
  }
  if (frameworkRoles !== undefined && !frameworkRoles.includes(item.role)) {
    return `is to be reserved for role '${item.role}', which is not one of the framework's roles`;
  }
  return undefined;
}
