/** FrameworkInfo as it may be given at SUBSCRIBE and UPDATE_FRAMEWORK, apart from cluster state. */
import { fitsDuration } from '../durations.js';
import type { FrameworkInfo, OfferFilters } from '../messages.js';
import { frameworkRoles, hasCapability } from '../tasks.js';
import { validateId } from './ids.js';
import { type Reason, firstDuplicate, firstReason, within } from './reasons.js';
import { validateRole } from './roles.js';

/** Smallest double that keeps its full precision. */
const SMALLEST_NORMAL = 2 ** -1022;

/** Why a FrameworkInfo is not valid, or undefined. An empty id is one still to be given. */
export function validateFrameworkInfo(info: FrameworkInfo): Reason {
  return (
    validateFrameworkRoles(info) ??
    validateFrameworkId(info) ??
    validateFailoverTimeout(info) ??
    validateOfferFilters(info)
  );
}

function validateFrameworkRoles(info: FrameworkInfo): Reason {
  if (!hasCapability(info, 'MULTI_ROLE')) {
    if ((info.roles ?? []).length > 0) {
      return "'FrameworkInfo.roles' must not be set without the MULTI_ROLE capability";
    }
    return within("'FrameworkInfo.role' is not a valid role", validateRole(info.role ?? '*'));
  }
  if (info.role !== undefined) {
    return "'FrameworkInfo.role' must not be set with the MULTI_ROLE capability: use 'FrameworkInfo.roles'";
  }
  const roles = info.roles ?? [];
  const duplicate = firstDuplicate(roles);
  if (duplicate !== undefined) {
    return `'FrameworkInfo.roles' contains duplicate items: '${duplicate}'`;
  }
  return firstReason(roles, (role) =>
    within("'FrameworkInfo.roles' contains invalid role", validateRole(role)),
  );
}

function validateFrameworkId(info: FrameworkInfo): Reason {
  const id = info.id?.value ?? '';
  return id === '' ? undefined : validateId(id, "'FrameworkInfo.id'");
}

function validateFailoverTimeout(info: FrameworkInfo): Reason {
  if (fitsDuration(info.failover_timeout ?? 0)) return undefined;
  return "'FrameworkInfo.failover_timeout' exceeds what 64 bits of nanoseconds can express";
}

function validateOfferFilters(info: FrameworkInfo): Reason {
  for (const [role, filters] of Object.entries(info.offer_filters ?? {})) {
    const reason = filterFault(filters);
    if (reason !== undefined) {
      return `'FrameworkInfo.offer_filters' of role '${role}' is not valid: ${reason}`;
    }
  }
  return undefined;
}

function filterFault(filters: OfferFilters): Reason {
  return firstReason(filters.min_allocatable_resources?.quantities, ({ quantities }) => {
    const entries = Object.entries(quantities ?? {});
    if (entries.length === 0) return "'quantities' must not be empty";
    return firstReason(entries, ([name, { value }]) => quantityFault(name, value));
  });
}

function quantityFault(name: string, value: number): Reason {
  if (!Number.isFinite(value)) return `quantity of '${name}' must be finite`;
  if (value < 0) return `quantity of '${name}' must not be negative`;
  return value > 0 && value < SMALLEST_NORMAL ? `quantity of '${name}' is too small` : undefined;
}

/** Why the suppressed roles do not go with the framework, or undefined. */
export function validateSuppressedRoles(
  suppressedRoles: readonly string[] | undefined,
  info: FrameworkInfo,
): Reason {
  const roles = new Set(frameworkRoles(info));
  return firstReason(suppressedRoles, (role) =>
    roles.has(role)
      ? undefined
      : `Suppressed role '${role}' is not among the roles of the framework`,
  );
}
