/** What code that is not compiled against the types gets wrong in the actions that it makes by hand. */
import type { Action, Want } from '../decisions/index.js';

/** What an action cannot do without. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, 'list' | 'text'>>>> = {
  accept: { offerIds: 'list', operations: 'list', tasks: 'list' },
  hold: { offerIds: 'list' },
  decline: { offerIds: 'list' },
  kill: { taskId: 'text' },
  message: { agentId: 'text', executorId: 'text', data: 'text' },
  'shutdown-executor': { agentId: 'text', executorId: 'text' },
  want: { wants: 'list' },
  'accept-maintenance': { inverseOfferIds: 'list' },
  'decline-maintenance': { inverseOfferIds: 'list' },
  forget: { taskIds: 'list' },
};

const NO_FIELDS: Readonly<Record<string, 'list' | 'text'>> = {};

/** Which field of an action is missing, or of another type; undefined: none. */
export function actionProblem(action: Action): string | undefined {
  const fields = FIELDS[action.kind] ?? NO_FIELDS;
  for (const field in fields) {
    const value: unknown = Reflect.get(action, field);
    const type = fields[field] ?? 'list';
    if (type === 'list' ? Array.isArray(value) : typeof value === 'string') continue;
    const found = value === null ? 'null' : typeof value;
    return `'${field}' of the action '${action.kind}' must be a ${type}, and it is ${found}`;
  }
  return undefined;
}

/**
 * What is wrong with a want; undefined: nothing.
 * @param roles of the framework: nothing is offered to it for others.
 */
export function wantProblem(want: Want, roles: readonly string[]): string | undefined {
  const { name, count, role, cpus = 0, memMiB = 0 } = want;
  if (typeof name !== 'string') return "'name' must be a text";
  if (!Number.isInteger(count) || count < 0) {
    return `count is ${count}, it must be 0 or a positive integer`;
  }
  if (!(cpus >= 0 && memMiB >= 0)) return "'cpus' and 'memMiB' must be numbers from 0";
  if (role === undefined || count === 0 || roles.includes(role)) return undefined;
  return (
    `the framework has no role '${role}', so nothing would ever be offered for it. Its roles are ` +
    `${roles.join(', ')}: name one of them, or add it to 'roles' of @Framework`
  );
}
