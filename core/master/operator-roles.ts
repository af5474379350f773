/** Roles that operators set weights and quotas of: which may have one, and how many. */
import type { MasterConfig } from './config.js';
import { MAX_RECORDED_ROLE_LENGTH } from './registry-records.js';

/** Roles that one call may set. */
export const MAX_ROLES_PER_CALL = 1_000;
/** Roles that have a weight, and roles that have a quota. */
export const MAX_RECORDED_ROLES = 10_000;

/** Why nothing can be recorded about a valid role, or undefined. */
export function recordedRoleProblem(
  { roles }: Pick<MasterConfig, 'roles'>,
  role: string,
): string | undefined {
  if (role.length > MAX_RECORDED_ROLE_LENGTH || /\p{Surrogate}/u.test(role)) {
    const shown = JSON.stringify(role.slice(0, MAX_RECORDED_ROLE_LENGTH));
    return (
      `Role ${shown} is too long or not well-formed: a role with a weight or a quota has at most ` +
      `${MAX_RECORDED_ROLE_LENGTH} well-formed characters`
    );
  }
  if (roles === undefined || role === '*' || roles.includes(role)) return undefined;
  return `Role '${role}' is not on the master's --roles whitelist`;
}

/** Why a call cannot set so many roles, or one twice, or undefined. `known`: those that are set. */
export function roleListProblem(
  roles: readonly string[],
  known: ReadonlyMap<string, unknown>,
): string | undefined {
  if (roles.length > MAX_ROLES_PER_CALL) {
    return `The call sets ${roles.length} roles; at most ${MAX_ROLES_PER_CALL} are allowed`;
  }
  const asked = new Set(roles);
  if (asked.size < roles.length) {
    const twice = roles.find((role, index) => roles.indexOf(role) !== index) ?? '';
    return `The call sets role '${twice}' twice`;
  }
  const added = roles.filter((role) => !known.has(role)).length;
  if (known.size + added <= MAX_RECORDED_ROLES) return undefined;
  return `${known.size} roles are set already; at most ${MAX_RECORDED_ROLES} can be`;
}
