/** Ids of apps: paths of segments, such as `/shop/web`. */

/** Longest id, in characters: names of tasks are made of it. */
export const MAX_APP_ID_LENGTH = 100;

const SEGMENT = /^(?:[a-z0-9]|[a-z0-9][a-z0-9.-]*[a-z0-9])$/;
/** They would make the routes of one app those of another. */
const RESERVED: ReadonlySet<string> = new Set(['restart', 'tasks', 'versions', 'delay']);

/** With a slash at the start and none at the end; repeated ones count once. */
export function canonicalId(text: string): string {
  return `/${text.split('/').filter(Boolean).join('/')}`;
}

/** What is wrong with a canonical id, or undefined. */
export function appIdProblem(id: string): string | undefined {
  const segments = id.slice(1).split('/');
  const bad = segments.find((segment) => !SEGMENT.test(segment));
  if (bad !== undefined) {
    return `'${bad}' is no part of an id: lower-case letters, digits, '-' and '.', such as /shop/web`;
  }
  if (RESERVED.has(segments.at(-1) ?? '')) return `must not end with '${segments.at(-1) ?? ''}'`;
  if (id.length > MAX_APP_ID_LENGTH) return `must have at most ${MAX_APP_ID_LENGTH} characters`;
  return undefined;
}

/** The id of a path that may be relative to another app's group, as dependencies are written. */
export function resolveId(text: string, base: string): string {
  if (text.startsWith('/')) return canonicalId(text);
  const path = base.split('/').slice(0, -1);
  for (const part of text.split('/')) {
    if (part === '..') path.pop();
    else if (part !== '.' && part !== '') path.push(part);
  }
  return canonicalId(path.join('/'));
}

/** The name of the app's tasks for the SDK; no two ids share one, because ids have no underscore. */
export function taskNameOf(id: string): string {
  return id.slice(1).replaceAll('/', '_');
}

/** The name that Mesos-DNS and its like expect: `web.shop`. */
export function discoveryNameOf(id: string): string {
  return id.slice(1).split('/').toReversed().join('.');
}
