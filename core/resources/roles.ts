/**
 * Role names form a tree: `a/b` is a child of `a`. The default role `*` stands outside of it: it is
 * nobody's ancestor or child, and nothing can be reserved for it.
 */

/** The role of everything that is not reserved. */
export const DEFAULT_ROLE = '*';

/** Whether `ancestor` is strictly above `role`: `a` is of `a/b` and `a/b/c`, not of `a` or `ab`. */
export function isAncestorRole(ancestor: string, role: string): boolean {
  return (
    role.length > ancestor.length + 1 &&
    role.charCodeAt(ancestor.length) === SLASH &&
    role.startsWith(ancestor)
  );
}

/** Whether `role` is strictly below `ancestor`: the mirror image of `isAncestorRole`. */
export function isSubrole(role: string, ancestor: string): boolean {
  return isAncestorRole(ancestor, role);
}

/** All roles strictly above a role, the top-level one first: `a/b/c` gives `a`, `a/b`. */
export function ancestorsOf(role: string): string[] {
  const ancestors: string[] = [];
  for (let end = role.indexOf('/'); end !== -1; end = role.indexOf('/', end + 1)) {
    ancestors.push(role.slice(0, end));
  }
  return ancestors;
}

/** The first component of a role: `a` of `a/b/c`. */
export function topLevelRole(role: string): string {
  const end = role.indexOf('/');
  return end === -1 ? role : role.slice(0, end);
}

const SLASH = 47;
