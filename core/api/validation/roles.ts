/** Syntax of roles: `*`, or a path of components such as `eng/web`. */

// Tab, line feed, vertical tab, form feed, carriage return, space, delete.
const FORBIDDEN = /[\t\n\v\f\r \u007f]/;

/** Why a text is no role, or undefined. */
export function validateRole(role: string): string | undefined {
  if (role === '*') return undefined;
  if (role === '') return 'Role cannot be empty';
  if (role.startsWith('/')) return `Role '${role}' cannot start with a slash`;
  if (role.endsWith('/')) return `Role '${role}' cannot end with a slash`;
  if (FORBIDDEN.test(role)) return `Role ${JSON.stringify(role)} cannot contain blanks`;
  for (const component of role.split('/')) {
    const reason = componentFault(component);
    if (reason !== undefined) return `Role '${role}' ${reason}`;
  }
  return undefined;
}

function componentFault(component: string): string | undefined {
  if (component === '') return 'cannot contain two adjacent slashes';
  if (component === '.' || component === '..' || component === '*') {
    return `cannot have '${component}' as a component`;
  }
  return component.startsWith('-') ? 'cannot have a component that starts with a dash' : undefined;
}
